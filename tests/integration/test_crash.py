#!/usr/bin/env python3
"""Executors and daemons killed with -9 at random points: what was completed never runs twice, what
was under way only as `repeat` says, and the run ends. The steps leave a line per execution in a file;
it and the steps table are the witnesses. At every system call: tests/oracle/killcalls.py."""
import itertools
import os
import pathlib
import random
import signal
import sys
import time

import argo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
from crashes import Crashes  # noqa: E402
from witness import looping  # noqa: E402

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
SEED = int(os.environ.get("ARGO_TEST_SEED", "20251"))


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
