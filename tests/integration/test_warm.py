#!/usr/bin/env python3
"""Executors that are forked from a warm one: the same as those that load their program, whatever
becomes of the warm one, of the daemon and of the program meanwhile."""
import concurrent.futures
import http.client
import os
import pathlib
import re
import shutil
import signal
import threading
import unittest

import argo

ASK = {"step": "ask", "type": "user_ask", "prompt": "Name?", "save_to": "who"}
SAY = {"step": "say", "type": "display", "message": "it is {{who}}"}
LOST = (OSError, http.client.HTTPException)


def steps(*list_of_steps, name="t"):
    return {"workflow_name": name, "steps": list(list_of_steps)}


def once(home):
    return {"step": "once", "type": "command", "argv":
            ["sh", "-c", f"echo x >> {home}/effects-$ARGO_WORKFLOW_ID"]}


class Warm(argo.Case):
    def children(self):
        """The pids of the daemon's children."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and argo.parent(entry.name) == self.daemon.process.pid:
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def stop_warm(self):
        pid = self.daemon.warm_up()
        os.kill(pid, signal.SIGSTOP)
        argo.wait_for(lambda: pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                      .split()[0] == "T", "it to stand still")
        return pid

    def later(self, call, *args, **kw):
        pool = concurrent.futures.ThreadPoolExecutor()
        self.addCleanup(pool.shutdown)
        return pool.submit(call, *args, **kw)

    def waiting_run(self, **members):
        run = self.daemon.launch(steps(ASK, SAY), **members)
        self.daemon.question(run)
        return run

    def finish(self, run, state="done"):
        self.daemon.answer(run, "Ada")
        self.assertEqual(self.daemon.wait_end(run)["status"], state)
        self.assertEqual(self.daemon.output(run), "Name?it is Ada\n")

    def living(self, run):
        """The processes of the run."""
        return [pid for pid in argo.living_with("ARGO_HOME", str(self.daemon.home))
                if pid in argo.living_with("ARGO_WORKFLOW_ID", run)]

    def effects(self, run):
        path = self.daemon.home / f"effects-{run}"
        return path.read_text().count("x") if path.exists() else 0


class Launching(Warm):
    def test_the_warm_one_dies_while_it_is_asked(self):
        warm = self.stop_warm()
        started = [self.later(self.daemon.launch, steps(once(self.daemon.home)),
                              workflow_id=f"w{i}") for i in range(3)]
        argo.wait_for(lambda: len(self.daemon.get("/api/workflow/list?state=queued").json[
            "workflows"]) == 3, "the requests to be under way")
        os.kill(warm, signal.SIGKILL)
        for i, start in enumerate(started):
            self.assertEqual(start.result(), f"w{i}")
            end = self.daemon.wait_end(f"w{i}")
            self.assertEqual((end["status"], end["data"]["epoch"], end["data"]["deaths"]),
                             ("done", 1, 0))
            self.assertEqual(self.effects(f"w{i}"), 1)

    def test_the_warm_one_stands_still(self):
        """The daemon serves meanwhile, and the run comes to its process without it."""
        warm = self.stop_warm()
        start = self.later(self.daemon.launch, steps(once(self.daemon.home)), workflow_id="w")
        argo.wait_for(lambda: self.daemon.get("/api/workflow/status/w").status == 200, "the row")
        self.assertEqual(self.daemon.get("/api/health").status, 200)
        start.result()
        self.assertEqual(self.daemon.wait_end("w")["status"], "done")
        self.assertEqual(self.effects("w"), 1)
        argo.wait_for(lambda: not argo.alive(warm), "it to be ended")
        self.assertNotEqual(self.daemon.warm_up(), warm)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_many_at_once_of_a_slow_one(self):
        """The last ones wait longer than for one that does nothing; it has not stood still."""
        self.daemon.stop()
        slow = self.daemon.home / "slow"
        own = self.prefix / "bin/argo_workflow_executor"
        slow.write_text('#!/bin/sh\ntest -n "$ARGO_WARM_MS" && exec strace -D -o /dev/null '
                        f'-e trace=clone3 -e inject=clone3:delay_exit=700000 {own} "$@"\n'
                        f'exec {own} "$@"\n')
        slow.chmod(0o700)
        self.daemon.args += ["--executor", str(slow), "--warm-for", "3600"]
        self.daemon.start()
        warm = self.daemon.warm_up()
        starts = [self.later(self.daemon.launch, steps(once(self.daemon.home)), workflow_id=f"w{i}")
                  for i in range(5)]
        for i, start in enumerate(starts):
            start.result()
            self.assertEqual(self.daemon.wait_end(f"w{i}")["status"], "done")
            self.assertEqual(self.effects(f"w{i}"), 1)
        self.assertTrue(argo.alive(warm))
        self.assertEqual(self.daemon.warm(), warm)

    def test_the_daemon_dies_while_it_waits_for_a_process(self):
        """Neither the dead one's request nor its warm process leads to a second executor."""
        warm = self.stop_warm()
        body = {"definition": steps(once(self.daemon.home)), "workflow_id": "w",
                "cwd": str(self.daemon.home), "env": {"PATH": os.environ["PATH"]},
                "request_key": "k"}

        def post():
            try:
                return self.daemon.post("/api/workflow/start", body)
            except LOST:
                return None
        start = self.later(post)
        argo.wait_for(lambda: self.daemon.get("/api/workflow/status/w").status == 200, "the row")
        self.daemon.kill()
        self.assertIsNone(start.result())
        argo.wait_for(lambda: not argo.alive(warm), "it to go, too")
        self.daemon.start()
        self.assertEqual(post().status, 200)
        end = self.daemon.wait_end("w")
        self.assertEqual((end["status"], end["data"]["deaths"]), ("done", 0))
        self.assertEqual(self.effects("w"), 1)
        argo.wait_for(lambda: not self.living("w"), "its executor to leave")

    def test_a_daemon_that_is_killed_again_and_again(self):
        """At whatever point of a launch: each run is there once, and ends, and nothing is left."""
        self.daemon.warm_up()
        for i in range(12):
            stop = threading.Event()

            def post(i=i, stop=stop):
                n = 0
                while not stop.is_set():
                    try:
                        self.daemon.launch(steps(once(self.daemon.home)), request_key=f"{i}.{n}",
                                           workflow_id=f"w{i}.{n}")
                        n += 1
                    except LOST:
                        return n
                return n
            posting = self.later(post)
            argo.wait_for(lambda i=i: self.effects(f"w{i}.{i % 4}"), "some runs")
            self.daemon.kill()
            stop.set()
            n = posting.result()
            self.daemon.start()
            self.daemon.launch(steps(once(self.daemon.home)), request_key=f"{i}.{n}",
                               workflow_id=f"w{i}.{n}")
            for k in range(n + 1):
                end = self.daemon.wait_end(f"w{i}.{k}")
                self.assertEqual((end["status"], end["data"]["deaths"]), ("done", 0))
                self.assertEqual(self.effects(f"w{i}.{k}"), 1)
        argo.wait_for(lambda: not argo.living_with("ARGO_HOME", str(self.daemon.home)),
                      "executors to go")

    def test_abandoned_and_paused_while_it_is_asked(self):
        warm = self.stop_warm()
        starts = [self.later(self.daemon.launch, steps(once(self.daemon.home)), workflow_id=w)
                  for w in ("gone", "held")]
        argo.wait_for(lambda: len(self.daemon.get("/api/workflow/list?state=queued").json[
            "workflows"]) == 2, "the requests to be under way")
        gone = self.later(self.daemon.delete, "/api/workflow/abandon/gone")
        self.assertEqual(self.daemon.post("/api/workflow/pause/held").status, 200)
        argo.wait_for(lambda: self.daemon.status("gone")["status"] == "abandoned", "the decision")
        os.kill(warm, signal.SIGCONT)
        self.assertEqual(gone.result().status, 200)
        self.assertEqual(self.living("gone"), [])
        for start in starts:
            start.result()
        argo.wait_for(lambda: not self.living("held"), "it to leave")
        self.assertEqual((self.effects("gone"), self.effects("held")), (0, 0))
        self.assertEqual(self.daemon.status("held")["pid"], 0)
        self.assertEqual(self.daemon.post("/api/workflow/resume/held").status, 200)
        self.assertEqual(self.daemon.wait_end("held")["status"], "done")
        self.assertEqual(self.effects("held"), 1)

    @unittest.skipUnless(os.geteuid() == 0, "only root may look at an executor")
    def test_a_new_program(self):
        """What is on the disk is what runs."""
        program = self.prefix / "bin/argo_workflow_executor"
        warm = self.daemon.warm_up()
        old = os.stat(f"/proc/{self.daemon.executor(self.waiting_run())}/exe").st_ino
        self.assertEqual(old, program.stat().st_ino)
        shutil.copy2(program, program.with_suffix(".new"))
        os.rename(program.with_suffix(".new"), program)
        for _ in range(2):  # the first loads it, the second may be forked
            pid = self.daemon.executor(self.waiting_run())
            self.assertEqual(os.stat(f"/proc/{pid}/exe").st_ino, program.stat().st_ino)
            self.assertNotEqual(self.daemon.warm_up(), warm)

    def test_the_stop_takes_it_along(self):
        warm, run = self.daemon.warm_up(), self.waiting_run()
        pid = self.daemon.executor(run)
        self.daemon.stop()
        self.assertFalse(argo.alive(warm))
        self.assertTrue(argo.alive(pid))
        self.daemon.start()
        self.assertEqual(self.daemon.executor(run), pid)
        self.finish(run)

    def test_it_leaves_when_nothing_is_started(self):
        self.daemon.stop()
        self.daemon.args += ["--warm-for", "1"]
        self.daemon.start()
        run = self.waiting_run()
        argo.wait_for(lambda: self.daemon.warm() is None, "it to leave")
        argo.wait_for(lambda: self.children() == [self.daemon.executor(run)], "nothing to be left")
        self.finish(run)


class Likeness(Warm):
    def look(self, run):
        """What can be seen of the run's executor, its own names replaced."""
        pid = self.daemon.executor(run)
        proc = pathlib.Path(f"/proc/{pid}")
        status = [line for line in (proc / "status").read_text().splitlines() if line.split(":")[0]
                  in ("Name", "Umask", "Uid", "Gid", "Threads", "SigBlk", "SigIgn",
                      "SigCgt", "SigPnd", "ShdPnd", "CapEff", "NoNewPrivs", "Seccomp")]
        stat = (proc / "stat").read_text().rpartition(")")[2].split()
        seen = {name: (proc / name).read_bytes().decode() for name in
                ("environ", "cmdline", "limits", "oom_score_adj", "comm")}
        seen["environ"] = [e for e in seen["environ"].split("\0")
                           if not e.startswith("ARGO_RUN_NONCE=")]
        seen.update(status=status, cwd=os.readlink(proc / "cwd"), exe=os.readlink(proc / "exe"),
                    leads=(int(stat[2]) == pid, int(stat[3]) == pid),
                    child=int(stat[1]) == self.daemon.process.pid, nice=stat[16],
                    fds=sorted({os.readlink(fd).partition("[")[0] for fd in
                                (proc / "fd").iterdir()}))
        return {key: re.sub(r"/run/\d+\.1\.lock", "/run/N.1.lock", str(value).replace(
            run, "RUN").replace(str(self.daemon.home), "HOME")) for key, value in seen.items()}

    @unittest.skipUnless(os.geteuid() == 0, "only root may look at an executor")
    def test_forked_or_not(self):
        self.daemon.stop()
        self.daemon.args += ["--warm-for", "0"]
        self.daemon.start()
        spawned = self.waiting_run(workflow_id="loaded-itself")
        loaded = self.look(spawned)
        self.assertIsNone(self.daemon.warm())
        self.finish(spawned)
        self.daemon.stop()
        self.daemon.args[-1] = "3600"
        self.daemon.start()
        self.daemon.warm_up()
        forked = self.waiting_run(workflow_id="forked-it-was")
        self.maxDiff = None
        self.assertEqual(self.look(forked), loaded)
        self.finish(forked)

    def test_each_has_its_own_environment_and_directory(self):
        self.daemon.warm_up()
        show = {"step": "show", "type": "command", "argv": ["sh", "-c", "env; pwd"]}
        shown = {}
        for word in ("one", "two"):
            directory = self.daemon.home / word
            directory.mkdir()
            env = {"PATH": os.environ["PATH"], f"LC_{word.upper()}": word}
            run = self.daemon.launch(steps(ASK, show, name=word), cwd=str(directory), env=env)
            shown[word] = (run, directory)
        for run, _ in shown.values():
            self.daemon.question(run)
        for word, (run, directory) in shown.items():
            other = "two" if word == "one" else "one"
            self.daemon.answer(run, "x")
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            lines = self.daemon.output(run).splitlines()
            self.assertIn(f"LC_{word.upper()}={word}", lines)
            self.assertIn(str(directory), lines)
            self.assertNotIn(f"LC_{other.upper()}={other}", lines)
            self.assertEqual([line for line in lines if "ARGO_WARM" in line or "TOKEN" in line], [])

    def test_a_directory_that_is_not_there(self):
        self.daemon.warm_up()
        reply = self.daemon.post("/api/workflow/start", {
            "definition": steps(ASK), "workflow_id": "w", "cwd": "/nonexistent"})
        self.assertEqual(reply.status, 500)
        self.assertIn("/nonexistent", reply.text)
        self.assertEqual(self.daemon.status("w")["data"]["error"]["code"], "spawn")
        argo.wait_for(lambda: all(map(argo.alive, self.children())), "what was forked to be reaped")


if __name__ == "__main__":
    argo.main()
