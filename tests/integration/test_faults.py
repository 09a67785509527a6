#!/usr/bin/env python3
"""Faults, one test each: what happens to processes, replies and clients, and what must then hold. Which
fault is covered where: tests/oracle/faults.md."""
import http.client
import os
import pathlib
import signal
import sys
import threading
import time

import argo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import witness  # noqa: E402


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


# Is deaf to TERM, and leaves a process in a session of its own that is deaf as well.
DEAF = {"step": "deaf", "type": "command", "argv": [
    "sh", "-c", "trap '' TERM; (setsid sh -c 'trap \"\" TERM; touch ready; sleep 1000' &); "
                "while :; do sleep 1; done"]}


class Faults(argo.Case):
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


if __name__ == "__main__":
    argo.main()
