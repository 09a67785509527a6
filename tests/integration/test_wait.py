#!/usr/bin/env python3
"""A step that waits for a time: parked or not, whatever dies, it goes on at that time and at no
other, and nothing before it is done again."""
import datetime
import os
import signal
import sqlite3

import argo

LONG = 3600
SHORT = 3  # seconds; time enough to see that it waits, and to kill somebody


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


def waiting(**fields):
    return steps(
        {"step": "before", "type": "command", "argv": ["sh", "-c", "echo before >> log"]},
        {"step": "w", "type": "wait", **fields},
        {"step": "after", "type": "display", "message": "over"})


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Times:
    """What holds with and without a process."""

    def row(self, run, step="w"):
        return [row for row in self.daemon.steps(run) if row["step"] == step]

    def is_waiting(self, run):
        return self.daemon.status(run)["status"] == "waiting"

    def wait_waiting(self, run):
        argo.wait_for(lambda: self.is_waiting(run), f"{run} to wait")
        return self.row(run)[0]

    def check_end(self, run, row):
        """It went on when its time had come, in the attempt that began then."""
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        after, = self.row(run)
        for key in ("until", "started", "attempt"):
            self.assertEqual(after[key], row[key], key)
        self.assertGreaterEqual(moment(after["ended"]), moment(row["until"]))
        self.assertEqual((self.daemon.home / "log").read_text().split(), ["before"])
        self.assertEqual(self.daemon.output(run), "over\n")

    def outlast(self, *victims):
        run = self.daemon.launch(waiting(seconds=SHORT))
        row = self.wait_waiting(run)
        self.assertEqual(row["status"], "started")
        if "executor" in victims:
            os.kill(self.daemon.executor(run), signal.SIGKILL)
        if "daemon" in victims:
            self.daemon.kill()
            self.daemon.start()
        self.check_end(run, row)

    def test_it_waits(self):
        started = now()
        run = self.daemon.launch(waiting(seconds=f"{SHORT}s"))
        row = self.wait_waiting(run)
        self.assertGreaterEqual(moment(row["until"]), started + datetime.timedelta(seconds=SHORT))
        self.check_end(run, row)

    def test_the_daemon_is_killed(self):
        self.outlast("daemon")

    def test_the_time_comes_while_nobody_lives(self):
        run = self.daemon.launch(waiting(seconds=SHORT))
        row = self.wait_waiting(run)
        executor = self.daemon.status(run)["pid"]
        self.daemon.kill()
        if executor != 0:
            os.kill(executor, signal.SIGKILL)
        argo.wait_for(lambda: now() > moment(row["until"]), "the time to come")
        self.daemon.start()
        self.check_end(run, row)

    def test_at(self):
        at = (now() + datetime.timedelta(seconds=SHORT)).isoformat(timespec="milliseconds")
        run = self.daemon.launch(waiting(at=at))
        row = self.wait_waiting(run)
        self.assertEqual(moment(row["until"]), moment(at))
        self.check_end(run, row)

    def test_the_past(self):
        for fields in ({"at": "2001-02-03T04:05:06+07:00"}, {"seconds": 0}):
            run = self.daemon.launch(waiting(**fields), wait=True)
            self.assertEqual(self.daemon.status(run)["status"], "done")
            (self.daemon.home / "log").unlink()

    def test_abandoned(self):
        run = self.daemon.launch(waiting(seconds=LONG))
        self.wait_waiting(run)
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        self.assertEqual(self.daemon.status(run)["status"], "abandoned")
        self.assertEqual(argo.living_with("ARGO_HOME", str(self.daemon.home)), [])

    def test_the_limit_of_the_run(self):
        run = self.daemon.launch(waiting(seconds=LONG) | {"limits": {"timeout": 1}})
        end = self.daemon.wait_end(run)
        self.assertEqual(end["status"], "failed")
        self.assertEqual(end["data"]["error"]["code"], "timeout")
        self.assertIn("limits.timeout", end["data"]["error"]["message"])

    def test_a_time_that_is_none(self):
        run = self.daemon.launch(waiting(at="{{t}}") | {"parameters": {"t": {"default": "soon"}}})
        end = self.daemon.wait_end(run)
        self.assertEqual(end["status"], "failed")
        self.assertEqual(end["data"]["error"]["code"], "template")
        self.assertIn("at: expected a time", end["data"]["error"]["message"])


class Waiting(Times, argo.Case):
    """With its process: the executor waits."""

    def wait_waiting(self, run):
        row = super().wait_waiting(run)
        self.assertNotEqual(self.daemon.status(run)["pid"], 0)
        return row

    def test_the_executor_is_killed(self):
        self.outlast("executor")

    def test_both_are_killed(self):
        self.outlast("executor", "daemon")


class Parked(Times, argo.Case):
    """Without: the daemon waits."""

    daemon_args = ("--park-after", "0")

    def is_waiting(self, run):
        status = self.daemon.status(run)
        return status["status"] == "waiting" and status["pid"] == 0

    def wait_waiting(self, run):
        row = super().wait_waiting(run)
        self.assertEqual(self.daemon.status(run)["data"]["wake_at"], row["until"])
        return row

    def test_a_month(self):
        run = self.daemon.launch(waiting(seconds="30d"))
        row = self.wait_waiting(run)
        argo.wait_for(lambda: not argo.living_with("ARGO_HOME", str(self.daemon.home)),
                      "no process of the run")
        self.assertGreater(moment(row["until"]), now() + datetime.timedelta(days=29))
        self.daemon.stop()
        past = int((now() - datetime.timedelta(seconds=1)).timestamp() * 1000)
        store = sqlite3.connect(self.daemon.home / "argo.db")
        with store:
            for table, column in (("runs", "wake_at"), ("steps", "until")):
                changed = store.execute(f"UPDATE {table} SET {column} = ? WHERE {column} <> 0",
                                        (past,))
                self.assertEqual(changed.rowcount, 1)
        store.close()
        self.daemon.start()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual((self.daemon.home / "log").read_text().split(), ["before"])

    def test_the_limit_of_a_run_that_waits_for_a_person(self):
        ask = {"step": "q", "type": "user_ask", "prompt": "?"}
        run = self.daemon.launch(steps(ask, limits={"timeout": 2}))
        question = self.daemon.question(run)
        argo.wait_for(lambda: self.is_waiting(run) and
                      "wake_at" in self.daemon.status(run)["data"], "the run to be parked")
        self.daemon.kill()
        self.daemon.start()
        end = self.daemon.wait_end(run)
        self.assertEqual(end["status"], "failed")
        self.assertIn("limits.timeout", end["data"]["error"]["message"])
        self.assertEqual(self.daemon.answer(run, "late", question).status, 409)


if __name__ == "__main__":
    argo.main()
