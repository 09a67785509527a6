#!/usr/bin/env python3
"""A run that waits for people costs rows, no process; an answer or a deadline brings it back."""
import argo


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


ASK = steps(
    {"step": "before", "type": "command", "argv": ["sh", "-c", "echo before >> log"]},
    {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"},
    {"step": "after", "type": "display", "message": "it is {{who}}"})


class Parking(argo.Case):
    daemon_args = ("--park-after", "0")

    def wait_parked(self, run):
        def parked():
            status = self.daemon.status(run)
            return status["status"] == "waiting" and status["pid"] == 0
        argo.wait_for(parked, f"{run} to be parked")
        argo.wait_for(lambda: self.daemon.get("/api/health").json["data"]["executors"] == 0,
                      "the executor's end")

    def effects(self):
        return (self.daemon.home / "log").read_text().split()

    def test_an_answer_brings_it_back(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.wait_parked(run)
        argo.wait_for(lambda: not argo.living_with("ARGO_HOME", str(self.daemon.home)),
                      "no process of the run")
        self.assertEqual(self.daemon.answer(run, "Ada", question).status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(self.effects(), ["before"])
        texts = [r["text"] for r in self.daemon.records(run)]
        self.assertEqual(texts, ["Who?", "it is Ada\n"])

    def test_it_stays_parked_when_the_daemon_is_killed(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.wait_parked(run)
        self.daemon.kill()
        self.daemon.start()
        self.wait_parked(run)
        self.assertEqual(self.daemon.answer(run, "Eve", question).status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(self.effects(), ["before"])
        self.assertIn("it is Eve\n", self.daemon.output(run))

    def deadline(self, restart):
        ask = {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "deadline": 1,
               "default": "nobody"}
        run = self.daemon.launch(steps(
            ask, {"step": "d", "type": "display", "message": "{{a}}"}))
        self.daemon.question(run)
        if restart:
            self.daemon.kill()
            self.daemon.start()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertIn("nobody\n", self.daemon.output(run))

    def test_a_deadline_brings_it_back(self):
        self.deadline(False)

    def test_a_deadline_brings_it_back_after_a_restart(self):
        self.deadline(True)

    def test_abandon(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.wait_parked(run)
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        self.assertEqual(self.daemon.status(run)["status"], "abandoned")
        self.assertEqual(self.daemon.answer(run, "x", question).status, 409)

    def test_typed_ahead_comes_before_parking(self):
        run = self.daemon.launch(steps(
            {"step": "w", "type": "command", "argv": ["sh", "-c", "until test -e go; do :; done"]},
            {"step": "a", "type": "user_ask", "prompt": "1?", "save_to": "a"},
            {"step": "b", "type": "user_ask", "prompt": "2?", "save_to": "b"},
            {"step": "d", "type": "display", "message": "{{a}}-{{b}}"}))
        self.daemon.post(f"/api/workflow/input/{run}", {"input": "one"})
        (self.daemon.home / "go").touch()
        self.wait_parked(run)
        self.daemon.post(f"/api/workflow/input/{run}", {"input": "two"})
        self.daemon.wait_end(run)
        self.assertTrue(self.daemon.output(run).endswith("one-two\n"))

    def test_a_stale_executor_cannot_park(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        self.wait_parked(run)
        reply = self.daemon.post(f"/api/workflow/{run}/park", {"question_ids": ["x"]})
        self.assertEqual(reply.status, 401)

    def test_many(self):
        runs = [self.daemon.launch(ASK, workflow_id=f"r{i}") for i in range(10)]
        questions = {run: self.daemon.question(run) for run in runs}
        for run in runs:
            self.wait_parked(run)
        for run in reversed(runs):
            self.assertEqual(self.daemon.answer(run, run, questions[run]).status, 200)
        for run in runs:
            self.assertEqual(self.daemon.wait_end(run)["status"], "done")
            self.assertIn(f"it is {run}\n", self.daemon.output(run))


if __name__ == "__main__":
    argo.main()
