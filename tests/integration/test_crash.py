#!/usr/bin/env python3
"""Executors and daemons killed with -9, at random points and at every system call that has an
effect: what was completed never runs twice, what was under way only as `repeat` says, and the run
ends. The steps leave a line per execution in a file; it and the steps table are the witnesses."""
import collections
import http.client
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

import argo

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
SEED = int(os.environ.get("ARGO_TEST_SEED", "20251"))

# One write with O_APPEND: what ran, and in which attempt.
EFFECT = 'printf "%s %s\\n" "$ARGO_EFFECT_KEY" "$ARGO_ATTEMPT" >> effects'


def effect(name, repeat, then="", **fields):
    return {"step": name, "type": "command", "repeat": repeat,
            "argv": ["sh", "-c", EFFECT + then], **fields}


def looping(turns_over):
    """A loop of commands that ends when TURNS_OVER, a condition, holds."""
    return {"workflow_name": "crash", "limits": {"max_steps": 100000}, "steps": [
        {"step": "init", "type": "set", "values": {"n": 0, "state": "go"}},
        {"step": "inc", "type": "set", "values": {"n": "{{n + 1}}"}, "max_iterations": 100000},
        effect("safe", "safe", "; test -e stop && echo stop || echo go",
               save_to={"stdout": "state"}, max_iterations=100000),
        effect("once", "never", "; sleep 0.01", max_iterations=100000),
        {"step": "show", "type": "display", "message": "turn {{n}}", "max_iterations": 100000},
        {"step": "more", "type": "decide", "condition": turns_over, "if_true": "EXIT",
         "if_false": "inc", "max_iterations": 100000}]}


class Crashes(argo.Case):
    def effects(self, run):
        """(path, attempt) of every execution of RUN, in order."""
        path = self.daemon.home / "effects"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(key.split("/", 1)[1], int(attempt)) for key, attempt in map(str.split, lines)
                if key.split("/", 1)[0] == run]

    def answer_interruption(self, run, asked, answers):
        """Answers the question that an interrupted run asks, if it is one now."""
        for question in self.daemon.get("/api/questions?state=open").json["questions"]:
            if question["workflow_id"] == run:
                answer = next(answers)
                asked.append((question["path"], answer))
                self.assertEqual(self.daemon.answer(run, answer, question).status, 200)

    def wait_moving(self, run, fact, asked, answers):
        """Waits for FACT while the interruptions of RUN are answered."""
        def moved():
            self.answer_interruption(run, asked, answers)
            return fact()
        try:
            return argo.wait_for(moved, f"{run} to move")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.daemon.status(run)}") from None

    def check(self, run, deaths, asked):
        """The oracle. DEATHS executors of RUN were killed, ASKED holds (path, answer)."""
        rows, ran = self.daemon.steps(run), self.effects(run)
        tries = collections.Counter(path for path, _ in ran)
        by_path = collections.defaultdict(list)
        for row in rows:
            by_path[row["path"]].append(row)
        self.assertEqual([e for e, n in collections.Counter(ran).items() if n > 1], [],
                         "an attempt ran twice")
        for path, of_path in by_path.items():
            ends = [row for row in of_path if row["status"] in ("done", "skipped")]
            self.assertEqual(len(ends), 1, f"{path} completed {len(ends)} times")
            last = max(row["attempt"] for row in of_path)
            self.assertEqual(ends[0]["attempt"], last, f"{path} ran after its completion")
        for path, attempt in ran:
            self.assertIn(attempt, [row["attempt"] for row in by_path[path]],
                          f"{path} ran without a row")
        for path, n in tries.items():
            if path.split("#")[0] == "once":
                repeats = asked.count((path, "repeat"))
                self.assertLessEqual(n, 1 + repeats, f"{path} was repeated without leave")
        for path, of_path in by_path.items():
            done = [row["attempt"] for row in of_path if row["status"] == "done"]
            if path.split("#")[0] in ("safe", "once") and done:
                self.assertIn((path, done[0]), ran, f"{path} is done and never ran")
        extra = sum(n - 1 for n in tries.values())
        self.assertLessEqual(extra, deaths, "more repetitions than deaths")
        self.check_order(run, ran)

    def check_order(self, run, ran):
        """Executions are in the order of the loop's turns, and the output is gapless."""
        turns = [int(path.partition("#")[2] or 1) for path, _ in ran]
        self.assertEqual(turns, sorted(turns))
        shown = [r["text"] for r in self.daemon.records(run) if r["kind"] == "text"]
        turns = sum(s["step"] == "show" for s in self.daemon.steps(run))
        self.assertEqual(shown, [f"turn {i + 1}\n" for i in range(turns)])


class RandomKills(Crashes):
    def test_executor_killed_at_random_points(self):
        kills, rng = 500 if LONG else 50, random.Random(SEED)
        print(f"seed {SEED}", file=sys.stderr)
        run = self.daemon.launch(looping('state starts_with "stop"'))
        asked, answers = [], itertools.cycle(["repeat", "skip"])
        pid = 0
        for _ in range(kills):
            pid = self.wait_moving(run, lambda: self.next_process(run, pid, rng.randrange(2)),
                                   asked, answers)
            time.sleep(rng.uniform(0, 0.03))  # where in its work it dies
            os.kill(pid, signal.SIGKILL)
        (self.daemon.home / "stop").touch()
        self.wait_moving(run, lambda: self.daemon.status(run)["status"] in ("done", "failed"),
                         asked, answers)
        status = self.daemon.status(run)
        self.assertEqual(status["status"], "done", status)
        self.check(run, kills, asked)
        self.assertTrue(asked, "no kill hit the step that is not to be repeated")

    def test_what_the_dead_left_does_not_run_beside_its_repetition(self):
        pids = self.daemon.home / "pids"
        run = self.daemon.launch({"workflow_name": "t", "steps": [
            {"step": "a", "type": "command", "repeat": "safe",
             "argv": ["sh", "-c", "trap '' PIPE; (setsid sleep 1000 & echo $! $$ >> pids); wait; "
                                  "until test -e stop; do sleep 0.01; done"]}]})
        argo.wait_for(lambda: pids.exists() and pids.read_text(), "the first attempt")
        before = list(map(int, pids.read_text().split()))
        os.kill(self.daemon.executor(run), signal.SIGKILL)
        argo.wait_for(lambda: len(pids.read_text().splitlines()) == 2, "the second attempt")
        self.assertEqual([pid for pid in before if argo.alive(pid)], [])
        (self.daemon.home / "stop").touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")

    def next_process(self, run, dead, deaths):
        """The process after DEAD, when no more than DEATHS were in the same place: the third death
        without a completion in between is the run's end, by design."""
        status = self.daemon.status(run)
        moved = status["pid"] != dead and status["data"]["deaths"] <= deaths
        return status["pid"] if moved else 0


def every_point(case, calls, step, least):
    """Has CASE kill at every STEP-th use of each of CALLS, until there is none to kill at."""
    points = 0
    for call in calls:
        when, killed = 1, True
        while killed:
            killed = False
            with case.subTest(call=call, when=when):
                killed = case.run_once(call, when)
            points += killed
            when += step
    print(f"{points} points", file=sys.stderr)
    case.assertGreater(points, least // step)


# Every system call by which an executor changes anything outside itself, or is about to.
CALLS = ("write", "pwrite64", "writev", "sendto", "sendmsg", "fsync", "fdatasync", "rename",
         "renameat", "renameat2", "unlink", "unlinkat", "openat", "fcntl", "connect", "clone",
         "clone3", "vfork", "close", "epoll_ctl", "exit_group")

TRACED = """#!/bin/sh
echo "$ARGO_WORKFLOW_ID $ARGO_EPOCH" >> "$ARGO_HOME/launches"
if test "$ARGO_EPOCH" = 1; then
    exec strace -D -o /dev/null -e trace="$(cat "$ARGO_HOME/call")" \\
        -e inject="$(cat "$ARGO_HOME/call"):signal=KILL:when=$(cat "$ARGO_HOME/when")" \\
        {executor}
fi
exec {executor}
"""


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class KillAtEveryCall(Crashes):
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
        shown = [r["text"] for r in self.daemon.records(run) if r["kind"] == "text"]
        self.assertEqual(shown, ["turn 1\n", "turn 2\n"])

    def test_every_call(self):
        every_point(self, CALLS, 1 if LONG else 3, 150)


def kill_at(call, when):
    return ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"]


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class DaemonKillAtEveryCall(Crashes):
    """From the first start in an empty home to the stop after a run: what was acknowledged is
    there, the request that is repeated finds its run, and no step runs twice."""
    CALLS = ("pwrite64", "fsync", "fdatasync", "ftruncate", "write", "sendto", "sendmsg", "writev",
             "rename", "link", "unlink", "openat", "mkdir", "fcntl", "bind", "accept4", "clone3",
             "clone", "vfork", "exit_group")
    REQUEST = {"definition": {"workflow_name": "w", "steps": [
        effect("safe", "safe"), effect("once", "never"),
        {"step": "show", "type": "display", "message": "turn 1"}]}, "request_key": "k"}

    def setUp(self):
        pass  # each point has a daemon and a home of its own

    def request(self):
        reply = self.daemon.post("/api/workflow/start", {
            **self.REQUEST, "cwd": str(self.daemon.home), "env": {"PATH": os.environ["PATH"]}})
        self.assertEqual(reply.status, 200, reply)
        return reply.json["workflow_id"]

    def run_traced(self):
        """The id of the run if its start was acknowledged."""
        run = None
        try:
            self.daemon.start()
            run = self.request()
            self.daemon.wait_end(run)
        except (RuntimeError, OSError, http.client.HTTPException):
            pass
        self.daemon.stop()
        return run

    def run_once(self, call, when):
        """True when the daemon was killed."""
        self.daemon = argo.Daemon(self.prefix)
        self.daemon.wrapper = ["strace", "-D", "-f", "-b", "execve", "-o", "/dev/null",
                               *kill_at(call, when)]
        try:
            acknowledged = self.run_traced()
            killed = self.daemon.process.returncode == -signal.SIGKILL
            self.daemon.wrapper = []
            self.daemon.start()
            if acknowledged:
                path = f"/api/workflow/status/{acknowledged}"
                self.assertEqual(self.daemon.get(path).status, 200)
            run = self.request()
            self.assertEqual(run, acknowledged or run)
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.check(run, 0, [])
            self.assertEqual(sorted(self.effects(run)), [("once", 1), ("safe", 1)])
            self.assertEqual(len(self.daemon.get("/api/workflow/list?state=all").json[
                "workflows"]), 1)
            return killed
        finally:
            self.daemon.end()

    def check_order(self, run, ran):
        self.assertEqual(self.daemon.output(run), "turn 1\n")

    def test_every_call(self):
        every_point(self, self.CALLS, 1 if LONG else 10, 200)


class DaemonKills(Crashes):
    def test_daemon_killed_at_random_points(self):
        kills, rng = 200 if LONG else 20, random.Random(SEED)
        print(f"seed {SEED}", file=sys.stderr)
        runs = [self.daemon.launch(looping('state starts_with "stop"')) for _ in range(5)]
        pids = {run: self.daemon.executor(run) for run in runs}
        count = lambda: len((self.daemon.home / "effects").read_text().splitlines())
        argo.wait_for((self.daemon.home / "effects").exists, "the first effect")
        for _ in range(kills):
            before = count()
            argo.wait_for(lambda: count() > before, "the runs to move")
            time.sleep(rng.uniform(0, 0.05))  # where in its work it dies
            self.daemon.kill()
            self.daemon.start()
            self.assertEqual({run: self.daemon.status(run)["pid"] for run in runs}, pids)
        (self.daemon.home / "stop").touch()
        for run in runs:
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.check(run, 0, [])
            self.assertEqual({s["attempt"] for s in self.daemon.steps(run)}, {1})


if __name__ == "__main__":
    argo.main()
