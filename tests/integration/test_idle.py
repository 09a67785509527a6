#!/usr/bin/env python3
"""Idle means no wake-ups: a daemon and an executor that wait for a person make no system call but
the one that they sleep in, nor does the process that executors are forked from. strace is there from the start, so that this needs no rights."""
import os
import pathlib
import shutil
import time
import unittest

import argo

WINDOW = 60 if os.environ.get("ARGO_TEST_LONG") == "1" else 10  # seconds of watching

# It stays the daemon's (or our) child: the tracer is the one that is detached.
TRACE = ["strace", "-D", "-f", "-b", "execve", "-tt", "-o"]


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class Idle(argo.Case):
    def setUp(self):
        self.daemon = argo.Daemon(self.prefix, args=["--heartbeat", "2", "--heartbeat-misses", "1"])
        self.addCleanup(self.daemon.end)
        home = self.daemon.home
        self.daemon_trace, self.executor_trace = home / "daemon.trace", home / "executor.trace"
        wrapper = home / "traced"
        wrapper.write_text("#!/bin/sh\n"
                           f"exec {' '.join(TRACE)} {self.executor_trace}$ARGO_WARM_MS "
                           f"{self.prefix / 'bin/argo_workflow_executor'}\n")
        wrapper.chmod(0o700)
        self.daemon.args += ["--executor", str(wrapper)]
        self.daemon.wrapper = [*TRACE, str(self.daemon_trace)]
        self.daemon.start()

    def settle(self, trace):
        """Waits until TRACE ends in a call that sleeps and has not grown for longer than the mirrors
        of the state wait for more to change."""
        def asleep():
            size = trace.stat().st_size
            time.sleep(2.5)
            return trace.stat().st_size == size
        argo.wait_for(asleep, f"{trace.name} to fall silent")

    def assert_silent(self, *traces):
        """Nothing happens in WINDOW: to see that is what the sleep is for."""
        for trace in traces:
            self.settle(trace)
        before = [len(trace.read_text().splitlines()) for trace in traces]
        time.sleep(WINDOW)
        for trace, n in zip(traces, before):
            self.assertEqual(trace.read_text().splitlines()[n:], [], trace.name)

    def test_a_daemon_with_nothing_to_do(self):
        """With CIs of which nothing is to be heard: one that never said anything, one that has stopped,
        and one that has been removed."""
        for name in ("model", "stopped", "removed"):
            self.assertEqual(self.daemon.post("/api/registry/ci", {"name": name}).status, 201)
        for name, status in (("stopped", "running"), ("stopped", "stopped"), ("removed", "idle")):
            self.assertEqual(self.daemon.post(f"/api/registry/ci/{name}/heartbeat",
                                              {"status": status}).status, 200)
        self.assertEqual(self.daemon.delete("/api/registry/ci/removed").status, 200)
        self.assertEqual(self.daemon.get("/api/health").status, 200)
        self.assert_silent(self.daemon_trace)

    def test_runs_that_wait_for_a_time(self):
        """One with its process, and one that is parked."""
        wait = {"workflow_name": "t", "steps": [{"step": "w", "type": "wait", "seconds": "1d"}]}
        self.daemon.kill()
        self.daemon.args += ["--park-after", "0"]
        self.daemon.start()
        parked = self.daemon.launch(wait)
        argo.wait_for(lambda: "wake_at" in self.daemon.status(parked)["data"], "it to be parked")
        self.daemon.kill()
        self.daemon.args += ["--park-after", "3600"]
        self.daemon.start()
        run = self.daemon.launch(wait)
        argo.wait_for(lambda: self.daemon.status(run)["status"] == "waiting", "it to wait")
        self.assert_silent(self.daemon_trace, self.executor_trace)
        self.assertEqual(self.daemon.status(parked)["pid"], 0)

    def test_runs_that_wait_for_a_person(self):
        """The first has loaded its program, the last was forked; the warm one and its children write
        to one trace."""
        warm_for = 3600
        trace = pathlib.Path(f"{self.executor_trace}{warm_for * 1000}")
        self.daemon.kill()
        self.daemon.args[-1] = str(warm_for)
        self.daemon.start()
        runs = []

        def forked():
            runs.append(self.daemon.launch("hello"))
            self.daemon.question(runs[-1])
            return trace.exists() and f"{self.daemon.executor(runs[-1])} " in trace.read_text()
        argo.wait_for(forked, "a run that is forked")
        self.assert_silent(self.daemon_trace, self.executor_trace, trace)
        for run in (runs[0], runs[-1]):
            self.assertEqual(self.daemon.answer(run, "Ada").status, 200)
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")


if __name__ == "__main__":
    argo.main()
