#!/usr/bin/env python3
"""Faults, one test each: what happens to processes, replies and clients, and what must then hold. Which
fault is covered where: tests/oracle/faults.md."""
import ast
import concurrent.futures
import http.client
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import sys
import threading
import time
import unittest

import argo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import witness  # noqa: E402
from crashes import Crashes  # noqa: E402
from witness import ASK, GO, SAY, effect, looping, steps  # noqa: E402

LONG = os.environ.get("ARGO_TEST_LONG") == "1"

# Is deaf to TERM, and leaves a process in a session of its own that is deaf as well.
DEAF = {"step": "deaf", "type": "command", "argv": [
    "sh", "-c", "trap '' TERM; (setsid sh -c 'trap \"\" TERM; touch ready; sleep 1000' &); "
                "while :; do sleep 1; done"]}


class Faults(Crashes):
    def in_background(self, function):
        """Runs FUNCTION in a thread; a lost connection is its business alone."""
        def run():
            try:
                function()
            except (OSError, http.client.HTTPException):
                pass
        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)

    def processes(self, run):
        home = argo.living_with("ARGO_HOME", str(self.daemon.home))
        return sorted(set(home) & set(argo.living_with("ARGO_WORKFLOW_ID", run)))

    def deaf_run(self):
        run = self.daemon.launch(steps(DEAF))
        argo.wait_for((self.daemon.home / "ready").exists, "the step's grandchild")
        return run


class Abandoning(Faults):
    def test_an_abandon_that_is_repeated_after_a_crash_waits_as_the_first_one(self):
        run = self.deaf_run()
        path = f"/api/workflow/abandon/{run}"
        headers = {"Idempotency-Key": "k"}
        self.in_background(lambda: self.daemon.delete(path, headers=headers))
        argo.wait_for(lambda: self.daemon.status(run)["status"] == "abandoned", "the decision")
        self.daemon.kill()
        self.assertTrue(self.processes(run))
        self.daemon.start()
        reply = self.daemon.delete(path, headers=headers)
        self.assertEqual(self.processes(run), [])
        self.assertEqual((reply.status, reply.json["action"]), (200, "abandoned"))
        self.assertEqual(self.daemon.delete(path).json["error"]["code"], 1008)

    def test_what_a_parked_run_has_left_is_ended_after_a_crash(self):
        self.daemon.stop()
        self.daemon.args[1] = "0"
        self.daemon.start()
        leave = {"step": "leave", "type": "command", "argv": [
            "sh", "-c", "(setsid sh -c 'trap \"\" TERM; touch ready; while sleep 1; do :; done' "
                        ">/dev/null 2>&1 &)"]}
        run = self.daemon.launch(steps(leave, ASK))
        self.daemon.question(run)
        argo.wait_for(lambda: self.daemon.status(run)["pid"] == 0, "parking")
        argo.wait_for((self.daemon.home / "ready").exists, "what the step leaves")
        self.assertTrue(self.processes(run))
        path, headers = f"/api/workflow/abandon/{run}", {"Idempotency-Key": "k"}
        self.in_background(lambda: self.daemon.delete(path, headers=headers))
        argo.wait_for(lambda: self.daemon.status(run)["status"] == "abandoned", "the decision")
        self.daemon.kill()
        self.assertTrue(self.processes(run))
        self.daemon.start()
        self.assertEqual(self.daemon.delete(path, headers=headers).status, 200)
        self.assertEqual(self.processes(run), [])

    def test_two_who_abandon_wait_for_the_same_end(self):
        run = self.deaf_run()
        path, replies = f"/api/workflow/abandon/{run}", []
        self.in_background(lambda: replies.append(self.daemon.delete(path)))
        argo.wait_for(lambda: self.daemon.status(run)["status"] == "abandoned", "the decision")
        second = self.daemon.delete(path)
        self.assertEqual(self.processes(run), [])
        self.assertEqual((second.status, second.json["error"]["code"]), (409, 1008))
        argo.wait_for(lambda: replies, "the first reply")
        self.assertEqual(replies[0].status, 200)

    def test_what_has_cleared_its_environment_is_found_by_descent(self):
        ready = self.daemon.home / "ready"
        run = self.daemon.launch(steps({"step": "s", "type": "command", "argv": [
            "sh", "-c", "(env -i setsid sh -c 'trap \"\" TERM; echo $$ > ready; while sleep 1; do :; "
                        "done' &) ; exec /bin/sleep 1000"]}))
        argo.wait_for(lambda: ready.exists() and ready.read_text(), "the step's grandchild")
        pid = int(ready.read_text())
        self.assertTrue(argo.alive(pid))
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        self.assertFalse(argo.alive(pid))


class Kills(Faults):
    def check_order(self, run, ran):
        self.assertEqual(witness.turn_problems(ran), [])

    def test_twenty_runs_do_not_notice_ten_kills_of_the_daemon(self):
        stop, slowest = 'state starts_with "stop"', 0
        runs = [self.daemon.launch(looping(stop, sleep=0.3)) for _ in range(20)]
        pids = {run: self.daemon.executor(run) for run in runs}
        effects = self.daemon.home / "effects"
        for _ in range(10):
            before = effects.stat().st_size if effects.exists() else 0
            argo.wait_for(lambda: effects.exists() and effects.stat().st_size > before + 200,
                          "the runs to move")
            self.daemon.kill()
            began = time.monotonic()
            self.daemon.start()
            self.assertEqual({run: self.daemon.status(run)["pid"] for run in runs}, pids)
            slowest = max(slowest, time.monotonic() - began)
        print(f"20 executors re-adopted in at most {slowest:.3f} s", file=sys.stderr)
        (self.daemon.home / "stop").touch()
        for run in runs:
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.check(run, 0, [])
            self.assertEqual({s["attempt"] for s in self.daemon.steps(run)}, {1})
            turns = sum(s["step"] == "show" for s in self.daemon.steps(run))
            self.assertEqual(witness.shown(self.daemon.records(run)),
                             [f"turn {i + 1}\n" for i in range(turns)])

    def test_executors_and_daemon_killed_at_once(self):
        runs = {}
        for kind, repeat in (("safe", "safe"), ("once", "never")):
            for _ in range(3):
                run = self.daemon.launch(steps(effect("safe0", "safe"), effect(kind, repeat, GO),
                                               {"step": "d", "type": "display", "message": "."}))
                runs[run] = kind
        for run, kind in runs.items():
            argo.wait_for(lambda r=run, k=kind: (k, 1) in self.effects(r), "the second step")
        pids = [self.daemon.executor(run) for run in runs]
        for pid in pids[::2]:
            os.kill(pid, signal.SIGKILL)
        self.daemon.kill()
        for pid in pids[1::2]:
            os.kill(pid, signal.SIGKILL)
        (self.daemon.home / "go").touch()
        self.daemon.start()
        for run, kind in runs.items():
            asked = []
            if kind == "once":
                self.wait_moving(run, lambda: asked, asked, iter(["repeat"]))
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.check(run, 1, asked)
            self.assertEqual(self.effects(run), [("safe0", 1), (kind, 1), (kind, 2)])

    def test_an_executor_that_dies_before_it_speaks(self):
        """Its death is seen, and it gets two more chances."""
        program = self.daemon.home / "dies"
        real = self.prefix / "bin/argo_workflow_executor"
        program.write_text(f"#!/bin/sh\necho x >> {self.daemon.home}/deaths\n"
                           f"test $(wc -l < {self.daemon.home}/deaths) -gt $(cat "
                           f"{self.daemon.home}/chances) && exec {real}\nkill -9 $$\n")
        program.chmod(0o700)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(program)]
        self.daemon.start()
        (self.daemon.home / "chances").write_text("2")
        run = self.daemon.launch(steps(effect("once", "never")), wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done")
        self.assertEqual(self.effects(run), [("once", 1)])
        (self.daemon.home / "chances").write_text("1000")
        (self.daemon.home / "deaths").unlink()
        run = self.daemon.launch(steps(effect("once", "never")), wait=True)
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("failed", 0))
        self.assertEqual(status["data"]["error"]["code"], "crashed")
        self.assertEqual((self.daemon.home / "deaths").read_text(), "x\n" * 3)

    def test_a_daemon_that_stands_still(self):
        """Executors and people wait for it; nothing is lost or done again."""
        runs = [self.daemon.launch(steps(effect("safe", "safe", GO), ASK, SAY)) for _ in range(3)]
        for run in runs:
            argo.wait_for(lambda r=run: self.effects(r), "the step")
        pids = {run: self.daemon.executor(run) for run in runs}
        self.daemon.process.send_signal(signal.SIGSTOP)
        (self.daemon.home / "go").touch()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(self.daemon.question, runs[0])
            time.sleep(30 if LONG else 6)  # how long it stands still
            self.assertFalse(asked.done())
            self.assertTrue(all(argo.alive(pid) for pid in pids.values()))
            self.daemon.process.send_signal(signal.SIGCONT)
            asked.result()
        for run in runs:
            self.assertEqual(self.daemon.answer(run, "Ada").status, 200)
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.check(run, 0, [])
            self.assertEqual(witness.shown(self.daemon.records(run)), ["it is Ada\n"])
            self.assertEqual({s["epoch"] for s in self.daemon.steps(run)}, {1})

    def test_stopped_politely_and_less_so(self):
        """TERM, or TERM and soon KILL, as supervisors do it: exit 0, and executors go on."""
        run = self.daemon.launch(looping('state starts_with "stop"'))
        pid = self.daemon.executor(run)
        waiting = argo.UnixConnection(self.daemon.socket)
        waiting.request("GET", f"/api/workflow/status/{run}?wait=terminal&timeout=600")
        began = time.monotonic()
        self.daemon.kill(signal.SIGTERM)
        print(f"stopped in {time.monotonic() - began:.3f} s", file=sys.stderr)
        self.assertEqual(self.daemon.process.returncode, 0)
        self.assertIn(waiting.getresponse().status, (200, 503))
        waiting.close()
        for signals in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGKILL)):
            self.daemon.start()
            self.assertEqual(self.daemon.status(run)["pid"], pid)
            for signo in signals:
                self.daemon.process.send_signal(signo)
            self.assertIn(self.daemon.process.wait(argo.DEADLINE), (0, -signal.SIGKILL))
        self.daemon.start()
        (self.daemon.home / "stop").touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.check(run, 0, [])

    def check_fds(self, pid, allowed):
        """PID has no socket that listens, and no file of the home but what is ALLOWED."""
        listening = set()
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    listening.add(f"socket:[{fields[9]}]")
        for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "00010000":
                listening.add(f"socket:[{fields[6]}]")
        self.assertTrue(listening)
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            link = os.readlink(entry)
            self.assertNotIn(link, listening)
            if link.startswith(str(self.daemon.home)):
                self.assertRegex(link.removeprefix(str(self.daemon.home)), allowed)

    def test_executors_hold_nothing_of_the_daemon(self):
        run = self.daemon.launch(steps(effect("safe", "safe", "; echo $$ > pid" + GO)))
        step = self.daemon.home / "pid"
        argo.wait_for(lambda: step.exists() and step.read_text(), "the step")
        self.check_fds(self.daemon.executor(run), r"/run/\d+\.1\.lock|/logs/" + run)
        self.check_fds(int(step.read_text()), "nothing at all")
        port = self.daemon.port
        self.daemon.kill()
        self.daemon.args += ["--port", str(port)]
        self.daemon.start()
        self.assertEqual(self.daemon.port, port)
        (self.daemon.home / "go").touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")


    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_a_child_that_a_killed_daemon_was_just_starting(self):
        """Until it begins its program it has all that the daemon had open."""
        port = self.daemon.port
        self.daemon.stop()
        self.daemon.args += ["--port", str(port)]
        self.daemon.wrapper = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=close_range",
                               "-e", "inject=close_range:delay_enter=700000"]
        self.daemon.start()
        main = pathlib.Path(f"/proc/{self.daemon.process.pid}")
        children = lambda: [c for t in main.glob("task/*/children") for c in t.read_text().split()]
        self.in_background(lambda: self.daemon.launch(steps(effect("safe", "safe")),
                                                      workflow_id="w"))
        argo.wait_for(children, "the child")
        self.daemon.kill()
        self.daemon.wrapper = []
        self.daemon.start()
        self.assertEqual(self.daemon.port, port)
        self.assertEqual(self.daemon.wait_end("w")["status"], "done")
        self.assertEqual(self.effects("w"), [("safe", 1)])


class Spawning(Faults):
    def restart(self, executor):
        self.daemon.stop()
        self.daemon.args = [*self.daemon.args[:2], "--executor", str(executor)]
        self.daemon.start()

    def start(self, **members):
        return self.daemon.post("/api/workflow/start", {
            "definition": steps(effect("safe", "safe")), "cwd": str(self.daemon.home), **members})

    def check_refused(self, reply, run):
        self.assertEqual((reply.status, reply.json["error"]["code"]), (500, 1301))
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("failed", 0))
        self.assertEqual(status["data"]["error"]["code"], "spawn")
        self.assertEqual(self.effects(run), [])
        self.assertEqual(self.daemon.get("/api/health").json["data"]["executors"], 0)

    def test_executors_that_are_none(self):
        program = self.daemon.home / "executor"
        for i, (data, mode) in enumerate(((b"this is no program", 0o700), (b"#!/no\n", 0o700),
                                          (b"#!/bin/sh\n", 0o600), (None, 0))):
            with self.subTest(data=data, mode=mode):
                program.write_bytes(b"")
                self.restart(program)
                program.unlink()
                if data is not None:
                    program.write_bytes(data)
                    program.chmod(mode)
                self.check_refused(self.start(workflow_id=f"w{i}"), f"w{i}")

    def test_an_executor_that_is_torn(self):
        """It starts, and dies: what is true of every executor that dies is true of it."""
        torn = self.daemon.home / "torn"
        torn.write_bytes((self.prefix / "bin/argo_workflow_executor").read_bytes()[:3000])
        torn.chmod(0o700)
        self.restart(torn)
        reply = self.start(workflow_id="w")
        if reply.status == 200:
            self.assertEqual(self.daemon.wait_end("w")["data"]["error"]["code"], "crashed")
        else:
            self.check_refused(reply, "w")

    def test_an_executor_that_goes_while_a_run_is_parked(self):
        program = self.daemon.home / "executor"
        shutil.copy(self.prefix / "bin/argo_workflow_executor", program)
        self.daemon.args[1] = "0"
        self.restart(program)
        reply = self.start(definition=steps(ASK, SAY), workflow_id="w")
        self.assertEqual(reply.status, 200, reply)
        question = self.daemon.question("w")
        argo.wait_for(lambda: self.daemon.status("w")["pid"] == 0, "parking")
        program.unlink()
        self.assertEqual(self.daemon.answer("w", "Ada", question).status, 200)
        argo.wait_for(lambda: self.daemon.status("w")["status"] == "failed", "the failure")
        self.assertEqual(self.daemon.status("w")["data"]["error"]["code"], "spawn")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root, setpriv")
    def test_no_more_processes(self):
        """A user that may have no more of them: an error, and no ghost."""
        uid = 60000 + os.getpid() % 5000  # whose limit nobody else uses up
        home = self.daemon.home
        self.daemon.stop()
        for path in (home, *home.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)
        os.chmod(self.prefix, 0o755)
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        self.daemon.wrapper = become
        self.daemon.start()
        tasks = f"/proc/{self.daemon.process.pid}/task"
        # Once it has settled: each reply is a turn of its loop.
        own = min((self.daemon.get("/api/health", tcp=True), len(os.listdir(tasks)))[1]
                  for _ in range(50))
        body = {"definition": steps(effect("safe", "safe")), "cwd": str(home)}
        for most, run in ((own, "w0"), (own + 100, "w1")):
            self.daemon.stop()
            self.daemon.wrapper = ["prlimit", f"--nproc={most}", "--", *become]
            self.daemon.start()
            reply = self.daemon.post("/api/workflow/start", {**body, "workflow_id": run}, tcp=True)
            self.assertEqual(reply.status, 500 if most == own else 200, reply)
            path = f"/api/workflow/status/{run}?wait=terminal&timeout=30"
            status = self.daemon.get(path, tcp=True).json
            self.assertEqual((status["status"], status["pid"]),
                             ("failed" if most == own else "done", 0))
        self.assertEqual(self.daemon.get("/api/workflow/status/w0", tcp=True).json["data"]["error"][
            "code"], "spawn")

    def test_steps_that_cannot_be_started(self):
        text = self.daemon.home / "text"
        text.write_text("this is no program")
        text.chmod(0o700)
        for argv in (["/nowhere/program"], [str(text)], [str(self.daemon.home)]):
            with self.subTest(argv=argv):
                run = self.daemon.launch(steps({"step": "s", "type": "command", "argv": argv}),
                                         wait=True)
                self.assertEqual(self.daemon.status(run)["data"]["error"]["code"], "spawn")


class Poisoned(Faults):
    """Damage in the rows of one run: whatever becomes of that one, the others go on, and what there
    is can still be listed."""
    POISON = {
        "attempt": "UPDATE steps SET attempt = 'x' WHERE rid = :rid",
        "variable": "UPDATE variables SET value = '{' WHERE rid = :rid",
        "question": "UPDATE questions SET choices = '[' WHERE rid = :rid",
        "definition": "UPDATE run_specs SET definition = '{' WHERE rid = :rid",
        "specification": "DELETE FROM run_specs WHERE rid = :rid",
        "number": "UPDATE runs SET epoch = 'x' WHERE rid = :rid",
        "huge": "UPDATE runs SET seq = 9e99 WHERE rid = :rid",
        "object": "UPDATE runs SET error = '[' WHERE rid = :rid",
        "text": "UPDATE runs SET next_step = x'ff00' WHERE rid = :rid",
    }
    TEMPLATE = steps({"step": "s", "type": "set", "values": {"v": 1}}, ASK, SAY)

    def poison(self, run, statement):
        with sqlite3.connect(self.daemon.home / "argo.db") as db:
            rid, = db.execute("SELECT rid FROM runs WHERE workflow_id = ?", [run]).fetchone()
            db.execute("PRAGMA ignore_check_constraints = 1")
            self.assertGreater(db.execute(statement, {"rid": rid}).rowcount, 0)
        db.close()

    def is_out(self, run):
        """It is not taken for one that goes on: an error, an end, or nobody's."""
        reply = self.daemon.get(f"/api/workflow/status/{run}")
        if reply.status == 500:
            return "State corrupt" in reply.json["error"]["message"]
        return reply.json["status"] == "failed" or \
            f"{run} is left out" in (self.daemon.home / "logs/daemon.log").read_text()

    def test_one_run(self):
        """All in one home: more and more of it is damaged."""
        for name, statement in self.POISON.items():
            with self.subTest(name):
                runs = [self.daemon.launch(self.TEMPLATE, workflow_id=f"{name}-{i}")
                        for i in range(3)]
                questions = {run: self.daemon.question(run) for run in runs}
                pid = self.daemon.executor(runs[1])
                self.daemon.kill()
                os.kill(pid, signal.SIGKILL)
                self.poison(runs[1], statement)
                self.daemon.start()
                for run in (runs[0], runs[2]):
                    self.assertEqual(self.daemon.answer(run, "Ada", questions[run]).status, 200)
                    self.assertEqual(self.daemon.wait_end(run)["status"], "done")
                listed = self.daemon.get("/api/workflow/list?state=all&limit=1000").json
                self.assertGreaterEqual({w["workflow_id"] for w in listed["workflows"]}, set(runs))
                argo.wait_for(lambda r=runs[1]: self.is_out(r) and not self.processes(r),
                              f"the end of {runs[1]}")


class Stalled(Faults):
    """An executor that stands still is shown as such, and nobody takes over from it."""
    daemon_args = ("--stall-after", "1")

    def test_it_goes_on_where_it_was(self):
        working = self.daemon.launch(steps(effect("safe", "safe", GO), SAY | {"message": "done"}))
        asking = self.daemon.launch(steps(effect("safe", "safe"), ASK, SAY))
        question = self.daemon.question(asking)
        argo.wait_for(lambda: self.effects(working), "the step")
        pids = {run: self.daemon.executor(run) for run in (working, asking)}
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        (self.daemon.home / "go").touch()
        for restart in (False, True):
            if restart:
                self.daemon.kill()
                self.daemon.start()
            for run, pid in pids.items():
                argo.wait_for(lambda r=run: self.daemon.status(r)["status"] == "stalled",
                              "its silence to be seen")
                self.assertEqual(self.daemon.status(run)["pid"], pid)
        self.assertEqual(self.daemon.answer(asking, "Ada", question).status, 200)
        self.assertEqual(self.daemon.answer(asking, "Eve", question).status, 409)
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        for run in pids:
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.check(run, 0, [])
            self.assertEqual(self.daemon.status(run)["data"]["epoch"], 1)
        self.assertEqual(witness.shown(self.daemon.records(asking)), ["it is Ada\n"])

    def check_order(self, run, ran):
        self.assertEqual(ran, [("safe", 1)])

    def test_it_can_be_abandoned(self):
        run = self.daemon.launch(steps(effect("safe", "safe", GO)))
        argo.wait_for(lambda: self.effects(run), "the step")
        pid = self.daemon.executor(run)
        os.kill(pid, signal.SIGSTOP)
        argo.wait_for(lambda: self.daemon.status(run)["status"] == "stalled", "silence")
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        self.assertEqual(self.processes(run), [])
        self.assertFalse(argo.alive(pid))


class Index(unittest.TestCase):
    def test_every_test_of_the_index_exists(self):
        tests = argo.ROOT / "tests"
        named = re.findall(r"`(\w+\.py) (\w+)\.(\w+)`", (tests / "oracle/faults.md").read_text())
        self.assertGreater(len(named), 30)
        for file, case, name in named:
            path = next(tests.glob(f"*/{file}"))
            cases = {node.name: {child.name for child in node.body
                                 if isinstance(child, ast.FunctionDef)}
                     for node in ast.parse(path.read_text()).body
                     if isinstance(node, ast.ClassDef)}
            self.assertIn(name, cases.get(case, ()), f"{file} {case}")


if __name__ == "__main__":
    argo.main()
