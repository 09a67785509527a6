#!/usr/bin/env python3
"""The rules of a run's life, with real processes: deaths and what follows from them, numbers that mean
somebody else by now, reboots, and daemons that want the same home."""
import contextlib
import hashlib
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess

import argo

# Leaves a line, and takes the executor with it unless it has been here TIMES times before.
DEADLY = "echo x >> {step}; test $(wc -l < {step}) -gt {times} || {{ kill -9 $PPID; exec sleep 1000; }}"
ASK = {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"}
GO = "until test -e go; do sleep 0.02; done"


def steps(*items):
    return {"workflow_name": "t", "steps": list(items)}


def command(name, script, repeat="safe"):
    return {"step": name, "type": "command", "repeat": repeat,
            "argv": ["sh", "-c", f"echo x >> {name}; {script}"]}


def deadly(name, times, repeat="safe", then="true"):
    return {"step": name, "type": "command", "repeat": repeat,
            "argv": ["sh", "-c", f"{DEADLY.format(step=name, times=times)}; {then}"]}


class Lifecycle(argo.Case):
    def count(self, step):
        path = self.daemon.home / step
        return path.read_text().count("x") if path.exists() else 0

    def attempts(self, run, step):
        return [(s["attempt"], s["status"]) for s in self.daemon.steps(run) if s["step"] == step]

    def innocent(self):
        """A process that has nothing to do with anything here."""
        process = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    @contextlib.contextmanager
    def database(self):
        """While no daemon runs: as another history would have left it."""
        with contextlib.closing(sqlite3.connect(self.daemon.home / "argo.db")) as db:
            yield db
            db.commit()

    def kill_all(self, *runs):
        """The executors of RUNS and the daemon, in this order and so that it does not notice."""
        pids = [self.daemon.executor(run) for run in runs]
        self.daemon.process.send_signal(signal.SIGSTOP)
        for pid in pids:
            os.killpg(pid, signal.SIGKILL)
        for run in runs:
            for pid in self.processes(run):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        argo.wait_for(lambda: not any(map(argo.alive, pids)), "the executors to die")
        self.daemon.kill()

    def processes(self, run):
        home = set(argo.living_with("ARGO_HOME", str(self.daemon.home)))
        return home & set(argo.living_with("ARGO_WORKFLOW_ID", run))


class Deaths(Lifecycle):
    def test_the_third_in_one_place_is_the_end(self):
        run = self.daemon.launch(steps(command("before", "true"), deadly("bad", 1000)), wait=True)
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("failed", 0))
        error = status["data"]["error"]
        self.assertEqual((error["code"], status["data"]["deaths"]), ("crashed", 3))
        self.assertIn("'bad'", error["message"])
        self.assertEqual((self.count("before"), self.count("bad")), (1, 3))
        self.assertEqual(self.processes(run), set())

    def test_two_in_each_place_are_none(self):
        """A completed step begins to count anew, and `retry` is not used up by deaths."""
        names = ["a", "b", "c"]
        run = self.daemon.launch(steps(*(
            {**deadly(name, 2, then=f"test $(wc -l < {name}) -gt 3"),
             "retry": {"max_retries": 1, "retry_delay": 0}} for name in names)), wait=True)
        status = self.daemon.status(run)
        self.assertEqual(status["status"], "done", status)
        self.assertEqual(status["data"]["deaths"], 0)
        for name in names:
            self.assertEqual(self.count(name), 4)
            self.assertEqual([status for _, status in self.attempts(run, name)][-2:],
                             ["failed", "done"])

    def test_what_is_not_to_be_repeated_is_asked_about(self):
        """Each answer, with the daemon killed before it and after it."""
        ends = {"repeat": ("done", 2), "skip": ("done", 1), "fail": ("failed", 1)}
        for answer, (state, times) in ends.items():
            with self.subTest(answer=answer):
                name = f"once_{answer}"
                run = self.daemon.launch(steps(deadly(name, 1, "never"), command(
                    f"after_{answer}", "true")))
                question = self.daemon.question(run)
                self.daemon.kill()
                self.daemon.start()
                self.assertEqual(self.daemon.question(run), question)
                status = self.daemon.status(run)
                self.assertEqual((status["status"], status["pid"]), ("interrupted", 0))
                self.assertEqual((question["path"], self.count(name)), (name, 1))
                reply = self.daemon.answer(run, "perhaps", question)
                self.assertEqual(reply.json["error"]["code"], 1013)
                self.assertEqual(self.daemon.answer(run, answer, question).status, 200)
                self.daemon.kill()
                self.daemon.start()
                self.assertEqual(self.daemon.wait_end(run)["status"], state)
                self.assertEqual(self.count(name), times)
                self.assertEqual(self.count(f"after_{answer}"), state == "done")
        error = self.daemon.status(run)["data"]["error"]
        self.assertEqual(error["code"], "interrupted")

    def test_one_that_is_repeated_and_dies_is_asked_about_again(self):
        run = self.daemon.launch(steps(deadly("once", 3, "never")))
        for times in (1, 2, 3):
            question = self.daemon.question(run)
            self.assertEqual(self.count("once"), times)
            self.assertEqual(self.daemon.answer(run, "repeat", question).status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(self.count("once"), 4)


class Numbers(Lifecycle):
    """What a row says of processes is a hint: nothing is adopted or signalled because of it."""

    def set_process(self, run, pid, boot_id=None):
        start = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        with self.database() as db:
            db.execute("UPDATE runs SET pid = ?, pid_start = ? WHERE workflow_id = ?",
                       (pid, int(start), run))
            if boot_id is not None:
                db.execute("UPDATE runs SET boot_id = ? WHERE workflow_id = ?", (boot_id, run))

    def test_a_pid_that_is_another_process_now(self):
        run = self.daemon.launch(steps(command("w", GO)))
        argo.wait_for(lambda: self.count("w"), "the step")
        self.kill_all(run)
        innocent = self.innocent()
        self.set_process(run, innocent.pid)
        self.assertTrue(list(self.daemon.home.glob("run/*.lock")))  # and its lock lies there
        self.daemon.start()
        argo.wait_for(lambda: self.count("w") == 2, "the step's repetition")
        self.assertNotEqual(self.daemon.executor(run), innocent.pid)
        self.assertEqual(self.daemon.status(run)["data"]["deaths"], 1)
        reply = self.daemon.delete(f"/api/workflow/abandon/{run}")
        self.assertEqual(reply.status, 200)
        self.assertIsNone(innocent.poll())
        self.assertEqual(self.processes(run), set())

    def test_an_abandon_that_was_decided_and_not_done(self):
        run = self.daemon.launch(steps(command("w", GO)))
        argo.wait_for(lambda: self.count("w"), "the step")
        executor = self.daemon.executor(run)
        self.daemon.kill()
        innocent = self.innocent()
        self.set_process(run, innocent.pid)
        with self.database() as db:
            db.execute("UPDATE runs SET state = 'abandoned', ended = 1 WHERE workflow_id = ?",
                       (run,))
        self.daemon.start()
        argo.wait_for(lambda: not self.processes(run), "the end of what lives of the run")
        argo.wait_for(lambda: self.daemon.status(run)["pid"] == 0, "that to be recorded")
        self.assertFalse(argo.alive(executor))
        self.assertIsNone(innocent.poll())

    def test_a_reboot(self):
        """All processes are gone and their numbers are others'; what was not completed goes on."""
        self.daemon.stop()
        self.daemon.args[1] = "0"  # parks at once
        self.daemon.start()
        parked = self.daemon.launch(steps(command("p", "true"), ASK), workflow_id="parked")
        self.daemon.question(parked)
        argo.wait_for(lambda: self.daemon.status(parked)["pid"] == 0, "parking")
        safe = self.daemon.launch(steps(command("s1", "true"), command("s2", GO)))
        never = self.daemon.launch(steps(command("n1", "true"), command("n2", GO, "never")))
        argo.wait_for(lambda: self.count("s2") and self.count("n2"), "the steps")
        self.kill_all(safe, never)
        others = [self.innocent(), self.innocent()]
        for run, other in zip((safe, never), others):
            self.set_process(run, other.pid, "00000000-0000-0000-0000-000000000000")
        for lock in self.daemon.home.glob("run/*.lock"):
            lock.unlink()
        (self.daemon.home / "go").touch()
        self.daemon.start()
        self.assertEqual(self.daemon.wait_end(safe)["status"], "done")
        question = self.daemon.question(never)
        self.assertEqual((self.daemon.status(never)["status"], question["path"]),
                         ("interrupted", "n2"))
        self.assertEqual(self.daemon.status(never)["data"]["deaths"], 0)
        self.assertEqual(self.daemon.status(safe)["data"]["deaths"], 0)
        self.assertEqual(self.daemon.status(parked)["status"], "waiting")
        self.assertEqual(self.daemon.status(parked)["pid"], 0)
        self.assertEqual(self.daemon.answer(never, "skip", question).status, 200)
        self.assertEqual(self.daemon.answer(parked, "Ada").status, 200)
        for run in (never, parked):
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual([self.count(n) for n in ("p", "s1", "s2", "n1", "n2")], [1, 1, 2, 1, 1])
        self.assertEqual([other.poll() for other in others], [None, None])

    def test_many_reboots_are_no_deaths(self):
        run = self.daemon.launch(steps(command("w", GO)))
        for times in range(1, 6):
            argo.wait_for(lambda n=times: self.count("w") == n, "the step")
            self.kill_all(run)
            with self.database() as db:
                db.execute("UPDATE runs SET boot_id = 'another'")
            self.daemon.start()
        self.assertEqual(self.daemon.status(run)["data"]["deaths"], 0)
        (self.daemon.home / "go").touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")


class Newborn(Lifecycle):
    def test_an_executor_that_has_come_nowhere_yet(self):
        """Daemons that die before it has its lock do it no harm, and it is not to blame."""
        program, gate = self.daemon.home / "slow", self.daemon.home / "gate"
        program.write_text(f"#!/bin/sh\nuntil test -e {gate}; do sleep 0.02; done\n"
                           f"exec {self.prefix / 'bin/argo_workflow_executor'}\n")
        program.chmod(0o700)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(program)]
        self.daemon.start()
        run = self.daemon.launch(steps(command("w", "true", "never")))
        pid = self.daemon.executor(run)
        for _ in range(4):  # more than it would take to be a crash
            self.daemon.kill()
            self.daemon.start()
            status = self.daemon.status(run)
            self.assertEqual((status["pid"], status["data"]["deaths"]), (pid, 0))
        gate.touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(self.count("w"), 1)
        self.assertEqual(self.daemon.status(run)["data"]["epoch"], 1)


class OneHome(Lifecycle):
    def fingerprint(self):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in [*self.daemon.home.glob("argo.db*"), self.daemon.home / "token",
                             *self.daemon.home.glob("*/*.json")] if not path.name.endswith("shm")}

    def test_a_second_daemon_names_the_first_and_goes(self):
        run = self.daemon.launch(steps(ASK))
        self.daemon.question(run)
        self.daemon.post("/api/daemon/sync")
        pid, before = self.daemon.process.pid, self.fingerprint()
        others = [argo.Daemon(self.prefix, home=self.daemon.home) for _ in range(10)]
        fds = [other.spawn() for other in others]
        for other, fd in zip(others, fds):
            os.close(fd)
            self.assertEqual(other.process.wait(argo.DEADLINE), 75)
        said = (self.daemon.home / "stderr").read_text()
        self.assertEqual(said.count(f"pid {pid}"), 10, said)
        self.assertEqual(self.fingerprint(), before)
        self.assertEqual(self.daemon.status(run)["pid"], self.daemon.executor(run))

    def test_a_lock_of_the_dead_is_none(self):
        """Also while their executors live: they have not inherited it."""
        run = self.daemon.launch(steps(command("w", GO)))
        pid = self.daemon.executor(run)
        for _ in range(3):
            self.daemon.kill()
            self.daemon.start()
            self.assertEqual(self.daemon.status(run)["pid"], pid)
        (self.daemon.home / "go").touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(self.count("w"), 1)

    def test_a_line_in_the_foreground_is_one_write(self):
        """Whoever reads it gets whole lines; to a socket of messages each write is one."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            home = self.daemon.home / "another"
            daemon = subprocess.Popen([self.prefix / "bin/argo-daemon", "--foreground", "--home",
                                       str(home), "--port", "0"], stderr=theirs)
            self.addCleanup(daemon.wait)
            self.addCleanup(daemon.kill)
            ours.settimeout(argo.DEADLINE)
            self.assertRegex(ours.recv(4096).decode(),
                             rf"^info daemon: serving {home} as pid {daemon.pid}, port \d+\n$")

    def test_many_start_at_once(self):
        self.daemon.stop()
        many = [argo.Daemon(self.prefix, home=self.daemon.home) for _ in range(10)]
        fds = [one.spawn() for one in many]
        served = []
        for one, fd in zip(many, fds):
            with contextlib.suppress(RuntimeError):
                served.append(one.ready(fd))
        self.assertEqual(len(served), 1)
        self.assertEqual(sorted({one.process.poll() for one in many} - {None}), [75])
        self.daemon.process, self.daemon.port = served[0].process, served[0].port
        self.assertEqual(self.daemon.get("/api/health").json["data"]["pid"],
                         self.daemon.process.pid)

    def test_a_storm_of_arcs(self):
        """With no daemon: one of them starts it, and what each asks for is done once."""
        self.daemon.stop()
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home), "ARGO_DAEMON_PORT": "0"}
        arcs = [subprocess.Popen([str(self.prefix / "bin/arc"), "session", "new"], env=env,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 stdin=subprocess.DEVNULL) for _ in range(100)]
        said = [(arc.communicate(), arc.returncode) for arc in arcs]
        self.assertEqual([err for (_, err), code in said if code != 0], [])
        ids = [out.strip() for (out, _), _ in said]
        self.assertEqual(sorted(ids, key=lambda i: int(i.split("_")[1])),
                         [f"sess_{i + 1}" for i in range(100)])
        health = self.daemon.get("/api/health").json["data"]
        self.assertEqual(self.arc("daemon", "stop", check=0).returncode, 0)
        self.assertFalse(argo.alive(health["pid"]))
        log = (self.daemon.home / "logs/daemon.log").read_text()
        self.assertEqual(log.count(f"as pid {health['pid']}"), 1)


if __name__ == "__main__":
    argo.main()
