#!/usr/bin/env python3
"""Kills at every system call by which something changes: of an executor over a whole run; of the
process that executors are forked from; of the daemon from its first start to its stop, over start,
input, steps and registry; and of a daemon that recovers. What was acknowledged is there, a repeated
request finds its first self, no step runs twice, and a recovery that was cut off ends where an
undisturbed one does.

Every N-th point, with ARGO_TEST_LONG=1 all of them."""
import concurrent.futures
import http.client
import itertools
import os
import pathlib
import shutil
import signal
import sqlite3
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import argo  # noqa: E402
import witness  # noqa: E402
from crashes import Crashes  # noqa: E402
from witness import effect  # noqa: E402

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
LOST = (RuntimeError, OSError, http.client.HTTPException)


def every_point(case, calls, step, least):
    """Has CASE kill at every STEP-th use of each of CALLS, until there is none to kill at. The more
    often a call has come, the more alike are its uses: then in ever longer strides."""
    points, began = 0, time.monotonic()
    for call in calls:
        when, killed, before = 1, True, points
        while killed:
            killed = False
            with case.subTest(call=call, when=when):
                killed = case.run_once(call, when)
            points += killed
            when += max(step, when // 10 if when > 100 else 0)
        print(f"{call}: {points - before} points", file=sys.stderr)
    print(f"{points} points in {time.monotonic() - began:.1f} s", file=sys.stderr)
    case.assertGreater(points, least // step)


# Every system call by which an executor changes anything outside itself, or is about to.
OF_EXECUTOR = ("write", "pwrite64", "writev", "sendto", "sendmsg", "fsync", "fdatasync", "rename",
               "renameat", "renameat2", "unlink", "unlinkat", "openat", "fcntl", "connect", "clone",
               "clone3", "vfork", "close", "epoll_ctl", "exit_group")
OF_DAEMON = ("pwrite64", "fsync", "fdatasync", "ftruncate", "write", "sendto", "sendmsg", "writev",
             "rename", "link", "unlink", "openat", "mkdir", "fcntl", "bind", "accept4", "clone3",
             "clone", "vfork", "exit_group")

TRACED = """#!/bin/sh
echo "$ARGO_WORKFLOW_ID $ARGO_EPOCH" >> "$ARGO_HOME/launches"
if test "$ARGO_EPOCH" = 1; then
    exec strace -D -o /dev/null -e trace="$(cat "$ARGO_HOME/call")" \\
        -e inject="$(cat "$ARGO_HOME/call"):signal=KILL:when=$(cat "$ARGO_HOME/when")" \\
        {executor}
fi
exec {executor}
"""


def killing_at(call, when):
    """A command that runs a daemon and kills it at the WHEN-th CALL."""
    return ["strace", "-D", "-f", "-b", "execve", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:signal=KILL:when={when}"]


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class OfAnExecutor(Crashes):
    TEMPLATE = {"workflow_name": "short", "steps": [
        {"step": "init", "type": "set", "values": {"n": 0}},
        effect("safe", "safe", "; echo out"),
        {"step": "save", "type": "save_file", "destination": "{{workflow_id}}.txt",
         "data": "{{effect_key}}"},
        {"step": "name", "type": "user_ask", "prompt": "Name?", "save_to": "who"},
        effect("once", "never"),
        {"step": "inc", "type": "set", "values": {"n": "{{n + 1}}"}},
        {"step": "show", "type": "display", "message": "turn {{n}}"},
        {"step": "more", "type": "decide", "condition": "n < 2", "if_true": "inc",
         "if_false": "EXIT"}]}

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        wrapper = self.daemon.home / "traced"
        wrapper.write_text(TRACED.format(executor=self.prefix / "bin/argo_workflow_executor"))
        wrapper.chmod(0o700)
        self.daemon.args += ["--executor", str(wrapper)]
        self.daemon.start()
        self.answers = itertools.cycle(["repeat", "skip"])

    def run_once(self, call, when):
        """True when the executor was killed before the run's end."""
        (self.daemon.home / "call").write_text(call)
        (self.daemon.home / "when").write_text(str(when))
        run = self.daemon.launch(self.TEMPLATE, workflow_id=f"{call}-{when}")
        asked = []
        self.daemon.post(f"/api/workflow/input/{run}", {"input": "Ada"})
        self.wait_moving(run, lambda: self.daemon.status(run)["status"] in ("done", "failed"),
                         asked, self.answers)
        status = self.daemon.status(run)
        self.assertEqual(status["status"], "done", status)
        launches = (self.daemon.home / "launches").read_text().split("\n").count
        deaths = sum(launches(f"{run} {epoch}") for epoch in range(2, 6))
        self.check(run, deaths, asked)
        self.assertEqual((self.daemon.home / f"{run}.txt").read_text(), f"{run}/save")
        self.assertLessEqual(deaths, 1)
        return deaths == 1

    def check_order(self, run, ran):
        self.assertEqual([p for p, _ in ran], sorted((p for p, _ in ran), reverse=True))
        self.assertEqual(witness.shown(self.daemon.records(run)), ["turn 1\n", "turn 2\n"])

    def test_every_call(self):
        every_point(self, OF_EXECUTOR, 1 if LONG else 3, 150)


TRACED_WARM = """#!/bin/sh
test -n "$ARGO_WARM_MS" && exec strace -D -f -o /dev/null -e trace="$(cat {home}/call)" \\
    -e inject="$(cat {home}/call):signal=KILL:when=$(cat {home}/when)" {executor} "$@"
exec {executor} "$@"
"""


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class OfTheWarm(Crashes):
    """The process that executors are forked from, and they before they have their tokens: whatever is
    killed, the run comes to its process without that being a death."""

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.wrapper = self.daemon.home / "traced"
        self.wrapper.write_text(TRACED_WARM.format(
            home=self.daemon.home, executor=self.prefix / "bin/argo_workflow_executor"))
        self.wrapper.chmod(0o700)
        self.daemon.args += ["--executor", str(self.wrapper), "--warm-for", "3600"]
        self.daemon.start()

    def run_once(self, call, when):
        """True when the warm one was killed; self.warm is its pid."""
        (self.daemon.home / "call").write_text(call)
        (self.daemon.home / "when").write_text(str(when))
        os.utime(self.wrapper)  # another program: another warm one
        template = {"workflow_name": "t", "steps": [effect("safe", "safe")]}
        runs = [self.daemon.launch(template, workflow_id=f"{call}-{when}-first")]
        argo.wait_for(lambda: self.daemon.is_forking() or self.daemon.warm() is None,
                      "one that forks, or is dead")
        self.daemon.get("/api/health")
        self.warm = self.daemon.warm()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs += pool.map(lambda i: self.daemon.launch(
                template, workflow_id=f"{call}-{when}-{i}"), range(3))
        for run in runs:
            status = self.daemon.wait_end(run)
            self.assertEqual((status["status"], status["data"]["deaths"], status["data"]["epoch"]),
                             ("done", 0, 1), status)
            self.assertEqual(self.effects(run), [("safe", 1)])
        return self.warm is None or not argo.alive(self.warm)

    def test_every_call(self):
        for call in ("dup2", "close_range", "chdir", "setsid", "pidfd_open", "sendmsg"):
            with self.subTest(call=call):  # a child's first, when it has no token yet
                self.run_once(call, 1)
                argo.wait_for(lambda: not argo.alive(self.warm), "the warm one to be dismissed")
        every_point(self, ("prctl", "recvmsg", "clone3"), 1, 6)
        argo.wait_for(lambda: not argo.living_with("ARGO_HOME", str(self.daemon.home)),
                      "all executors to leave")


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class OfTheDaemon(Crashes):
    """From the first start in an empty home to the stop after a run. A client that loses a reply
    asks again, with the same key, until he is answered."""
    DEFINITION = {"workflow_name": "w", "steps": [
        {"step": "name", "type": "user_ask", "prompt": "Name?", "save_to": "who"},
        effect("safe", "safe"), effect("once", "never"),
        {"step": "last", "type": "user_ask", "prompt": "Last?", "save_to": "last"},
        {"step": "show", "type": "display", "message": "{{who}} and {{last}}"}]}

    def setUp(self):
        pass  # each point has a daemon and a home of its own

    def requests(self):
        """What the client wants, in order: (name, function that makes the request)."""
        start = {"definition": self.DEFINITION, "request_key": "k", "workflow_id": "w",
                 "cwd": str(self.daemon.home), "env": {"PATH": os.environ["PATH"]}}
        def post(path, body, key):
            return lambda: self.daemon.post(path, body, headers={"Idempotency-Key": key})
        yield "start", lambda: self.daemon.post("/api/workflow/start", start)
        yield "ci", post("/api/registry/ci", {"name": "ci", "model": "m"}, "ci")
        yield "beat", post("/api/registry/ci/ci/heartbeat", {"status": "busy", "task": "t"}, "beat")
        yield "sent", post("/api/registry/ci/ci/message", {"type": "x"}, "sent")
        yield "line", post("/api/workflow/input/w", {"input": "Ada"}, "line")
        yield "last", self.answer_last
        yield "end", lambda: self.daemon.get("/api/workflow/status/w?wait=terminal&timeout=60")

    def answer_last(self):
        found = []
        def asked():
            questions = self.daemon.get("/api/questions").json["questions"]
            found[:] = [q for q in questions if q["path"] == "last"]
            return found
        argo.wait_for(asked, "the last question")
        return self.daemon.post("/api/workflow/input/w", {
            "question_id": found[0]["question_id"], "answer": "Eve"},
            headers={"Idempotency-Key": "last"})

    def work(self):
        """Sends what has not been acknowledged yet."""
        for name, send in self.requests():
            if name not in self.acknowledged:
                reply = send()
                self.assertIn(reply.status, (200, 201), f"{name}: {reply}")
                self.acknowledged[name] = reply.text

    def check_acknowledged(self):
        present = {"start": "/api/workflow/status/w", "ci": "/api/registry/ci/ci"}
        for name in self.acknowledged:
            if name in present:
                self.assertEqual(self.daemon.get(present[name]).status, 200, name)
        for name, send in self.requests():
            if name in ("ci", "beat", "sent", "line", "last") and name in self.acknowledged:
                self.assertEqual(send().text, self.acknowledged[name], name)

    def run_once(self, call, when):
        """True when the daemon was killed."""
        self.daemon = argo.Daemon(self.prefix)
        self.acknowledged = {}
        try:
            self.daemon.wrapper = killing_at(call, when)
            try:
                self.daemon.start()
                self.work()
            except LOST:
                pass
            self.daemon.stop()
            killed = self.daemon.process.returncode == -signal.SIGKILL
            self.daemon.wrapper = []
            self.daemon.start()
            self.check_acknowledged()
            self.work()
            self.assertEqual(self.daemon.status("w")["status"], "done")
            self.check("w", 0, [])
            self.assertEqual(self.effects("w"), [("safe", 1), ("once", 1)])
            for path, key in (("/api/workflow/list?state=all", "workflows"),
                              ("/api/registry/ci", "cis")):
                self.assertEqual(len(self.daemon.get(path).json[key]), 1)
            for path, key, seqs in (("messages", "messages", [1]), ("history", "history", [2, 1])):
                rows = self.daemon.get(f"/api/registry/ci/ci/{path}").json[key]
                self.assertEqual([row["seq"] for row in rows], seqs)
            self.check_store()
            return killed
        finally:
            self.daemon.end()

    def check_store(self):
        self.daemon.stop()
        with sqlite3.connect(self.daemon.home / "argo.db") as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        db.close()

    def check_order(self, run, ran):
        self.assertEqual(witness.shown(self.daemon.records(run)), ["Ada and Eve\n"])

    def test_every_call(self):
        every_point(self, OF_DAEMON, 1 if LONG else 12, 240)


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class OfARecovery(argo.Case):
    """A home as a crash of everything leaves it is recovered by daemons that are killed at each
    system call; then one that is not comes to the same as one that never was."""
    RUNS = {
        "repeats": [effect("safe", "safe", "; until test -e go; do sleep 0.01; done")],
        "asks": [effect("once", "never", "; until test -e go; do sleep 0.01; done")],
        "waits": [{"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"}],
        "late": [{"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "default": "x",
                  "deadline": 0.5}, {"step": "d", "type": "display", "message": "{{a}}"}],
        "heard": [effect("safe", "safe", "; until test -e go; do sleep 0.01; done"),
                  {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"},
                  {"step": "d", "type": "display", "message": "{{a}}"}],
        "left": [effect("safe", "safe", "; trap '' TERM; sleep 1000")],
    }

    def setUp(self):
        """Makes the home and a copy of it."""
        super().setUp()
        self.daemon.stop()
        self.daemon.args[1] = "0"
        self.daemon.start()
        home = self.daemon.home
        for name, steps in self.RUNS.items():
            self.daemon.launch({"workflow_name": "r", "steps": steps}, workflow_id=name)
        for name in ("repeats", "asks", "heard", "left"):
            argo.wait_for(lambda n=name: witness.effects(home / "effects", n), f"{name}'s step")
        for name in ("waits", "late"):
            self.daemon.question(name)
        argo.wait_for(lambda: self.daemon.status("waits")["pid"] == 0, "parking")
        self.daemon.post("/api/workflow/input/heard", {"input": "typed"})
        self.crash()
        self.copy = home.with_name(home.name + "-copy")
        shutil.copytree(home, self.copy, symlinks=True, ignore=lambda d, names: [
            name for name in names if name.endswith(".sock")])
        self.addCleanup(shutil.rmtree, self.copy, True)

    def crash(self):
        """Nothing of the home lives afterwards; an abandon was just decided."""
        client = argo.UnixConnection(self.daemon.socket)
        client.request("DELETE", "/api/workflow/abandon/left")
        argo.wait_for(lambda: self.daemon.status("left")["status"] == "abandoned", "the decision")
        self.daemon.kill()
        client.close()
        (self.daemon.home / "go").touch()
        self.end_all()

    def end_all(self):
        home = str(self.daemon.home)
        for pid in argo.living_with("ARGO_HOME", home):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        argo.wait_for(lambda: not argo.living_with("ARGO_HOME", home), "the end of all")

    def restore(self):
        self.end_all()
        shutil.rmtree(self.daemon.home)
        shutil.copytree(self.copy, self.daemon.home, symlinks=True)

    maxDiff = None
    ENDS = {"repeats": "done", "asks": "interrupted", "waits": "waiting", "late": "done",
            "heard": "done", "left": "abandoned"}

    def settled(self):
        states = {item["workflow_id"]: (item["status"], item["pid"]) for item in
                  self.daemon.get("/api/workflow/list?state=all").json["workflows"]}
        return states == {name: (state, 0) for name, state in self.ENDS.items()}

    def outcome(self):
        """What a recovery has made of the home."""
        argo.wait_for(self.settled, "the recovery")
        questions = self.daemon.get("/api/questions").json["questions"]
        return {run: (self.daemon.status(run)["data"]["deaths"],
                      sorted((s["path"], s["attempt"], s["status"])
                             for s in self.daemon.steps(run)),
                      # Not their numbers: how many states were passed through is told among them.
                      [(r["kind"], r["text"]) for r in self.daemon.records(run)],
                      [(q["path"], q["state"], q.get("answer")) for q in questions
                       if q["workflow_id"] == run],
                      witness.effects(self.daemon.home / "effects", run)) for run in self.ENDS}

    def recover(self, wrapper):
        """Starts a daemon and lets it recover, or be killed."""
        self.daemon.wrapper = wrapper
        try:
            self.daemon.start()
            argo.wait_for(lambda: self.daemon.process.poll() is not None or self.settled(),
                          "the recovery or the kill")
        except LOST:
            pass
        self.daemon.stop()
        self.daemon.wrapper = []
        return self.daemon.process.returncode == -signal.SIGKILL

    def run_once(self, call, when):
        """True when the daemon was killed."""
        self.restore()
        killed = self.recover(killing_at(call, when))
        self.daemon.start()
        self.assertEqual(self.outcome(), self.undisturbed)
        self.daemon.stop()
        return killed

    def test_every_call(self):
        self.restore()
        self.daemon.start()
        self.undisturbed = self.outcome()
        self.daemon.stop()
        self.assertEqual(self.undisturbed["asks"][0], 1)
        self.assertEqual(self.undisturbed["repeats"][4], [("safe", 1), ("safe", 2)])
        every_point(self, OF_DAEMON, 1 if LONG else 20, 600)


if __name__ == "__main__":
    argo.main()
