#!/usr/bin/env python3
"""What may happen while a question waits, for every kind of question, with the executor there and with
the run parked. Whatever it is: the run comes to its end, exactly one answer is taken, and nothing
before the question is done again. One test for each cell."""
import concurrent.futures
import json
import os
import signal
import socket

import argo

BEFORE = {"step": "before", "type": "command", "argv": ["sh", "-c", "echo before >> log"]}
# Goes on when the test says so; done again when its executor dies in the middle of it.
AFTER = {"step": "after", "type": "command", "repeat": "safe",
         "argv": ["sh", "-c", "until test -e go; do sleep 0.02; done"]}
SHOW = {"step": "show", "type": "display", "message": "got {{a | json}}"}

# kind: the step, a right answer, another one, what they are saved as, what a deadline makes of it
KINDS = {
    "text": ({"type": "user_ask", "validate": {"type": "integer"}, "default": 7},
             "1", 2, {"1": 1, "2": 2}, 7),
    "choice": ({"type": "user_choose", "options": [{"label": "red", "value": "r"},
                                                   {"label": "green", "value": "g"}],
                "default": "green"},
               "red", "g", {"red": "r", "g": "g"}, "g"),
    "confirm": ({"type": "approve", "on_no": "after"},
                True, {"approved": False, "reason": "late"},
                {"True": {"approved": True, "reason": None},
                 str({"approved": False, "reason": "late"}): {"approved": False,
                                                              "reason": "late"}},
                {"approved": False, "reason": None}),
    "form": ({"type": "form", "on_deadline": "default",
              "fields": [{"name": "n", "type": "integer", "default": 5}]},
             {"n": 1}, {"n": "2"}, {str({"n": 1}): {"n": 1}, str({"n": "2"}): {"n": 2}},
             {"n": 5}),
}


class Matrix(argo.Case):
    """The cells; its two subclasses say whether a process waits."""

    parked = False

    def launch(self, kind, **members):
        step, self.right, self.other, self.saved, self.default = KINDS[kind]
        question = {"step": "q", "prompt": "?", "save_to": "a", **step, **members}
        if step["type"] == "form" and "deadline" not in members:
            question.pop("on_deadline")
        self.run_id = self.daemon.launch({"workflow_name": "m",
                                          "steps": [BEFORE, question, AFTER, SHOW]})
        self.question = self.daemon.question(self.run_id)
        self.wait_until_it_waits()

    def wait_until_it_waits(self):
        if self.parked:
            argo.wait_for(lambda: self.daemon.status(self.run_id)["pid"] == 0, "parking")
        argo.wait_for(lambda: self.daemon.status(self.run_id)["status"] == "waiting", "waiting")

    def answer(self, answer):
        return self.daemon.answer(self.run_id, answer, self.question)

    def taken(self):
        """The only answer that was taken, as it was saved."""
        now = self.daemon.get(f"/api/question/{self.question['question_id']}").json
        self.assertEqual(now["state"], "answered")
        return now["data"]["answer"]

    def same_question(self):
        self.wait_until_it_waits()
        self.assertEqual(self.daemon.question(self.run_id)["question_id"],
                         self.question["question_id"])

    def finish(self, value):
        (self.daemon.home / "go").touch()
        self.assertEqual(self.daemon.wait_end(self.run_id)["status"], "done")
        output = self.daemon.output(self.run_id)
        shown = json.dumps(value, separators=(",", ":"))
        self.assertTrue(output.endswith(f"got {shown}\n"), output)
        self.assertEqual(output.count("got "), 1)
        self.assertEqual((self.daemon.home / "log").read_text(), "before\n")
        prompts = [r for r in self.daemon.records(self.run_id) if r["kind"] == "prompt"]
        self.assertEqual(len(prompts), 1)
        late = self.answer(self.other)
        self.assertEqual(late.status, 409)

    def answer_and_finish(self):
        self.assertEqual(self.answer(self.right).status, 200)
        self.finish(self.saved[str(self.right)])

    # ---- what happens

    def no_terminal(self, kind):
        self.launch(kind)
        result = self.arc("attach", self.run_id, check=5)
        self.assertIn(f"arc answer {self.run_id}", result.stderr)
        args = ["--json-answer", json.dumps(self.right)]
        self.arc("answer", self.run_id, *args, check=0)
        self.finish(self.saved[str(self.right)])

    def client_dies(self, kind):
        """In the middle of the answer; and with the whole of it sent, but no reply read."""
        self.launch(kind)
        body = json.dumps({"question_id": self.question["question_id"],
                           "answer": self.right}).encode()
        head = (f"POST /api/workflow/input/{self.run_id} HTTP/1.1\r\nHost: localhost\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        for cut in (len(head) - 10, len(head) + len(body) // 2):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.daemon.socket)
                s.sendall((head + body)[:cut])
        self.same_question()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.daemon.socket)
            s.sendall(head + body)
        second = self.answer(self.other)
        self.assertIn(second.status, (200, 409))
        won = self.other if second.status == 200 else self.right
        self.finish(self.saved[str(won)])

    def clients_race(self, kind):
        self.launch(kind)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            replies = list(pool.map(self.answer, (self.right, self.other)))
        self.assertEqual(sorted(r.status for r in replies), [200, 409])
        loser = next(r for r in replies if r.status == 409)
        self.assertEqual(loser.json["error"]["code"], 1011)
        won = self.right if replies[0].status == 200 else self.other
        self.finish(self.saved[str(won)])

    def deadline_passes(self, kind):
        self.launch(kind, deadline=2)
        argo.wait_for(lambda: self.daemon.get(
            f"/api/question/{self.question['question_id']}").json["state"] == "expired",
            "the deadline")
        self.assertEqual(self.answer(self.right).status, 409)
        self.finish(self.default)

    def daemon_killed(self, kind):
        self.launch(kind)
        self.daemon.kill()
        self.daemon.start()
        self.same_question()
        self.answer_and_finish()

    def executor_killed(self, kind):
        """While it waits; of a parked run, after the answer has brought it back."""
        self.launch(kind)
        if not self.parked:
            os.kill(self.daemon.executor(self.run_id), signal.SIGKILL)
            argo.wait_for(lambda: self.daemon.status(self.run_id)["data"]["epoch"] > 1,
                          "another executor")
            self.same_question()
        self.assertEqual(self.answer(self.right).status, 200)
        epoch = self.daemon.status(self.run_id)["data"]["epoch"]
        os.kill(self.daemon.executor(self.run_id), signal.SIGKILL)
        argo.wait_for(lambda: self.daemon.status(self.run_id)["data"]["epoch"] > epoch,
                      "another executor")
        self.finish(self.saved[str(self.right)])

    def both_killed(self, kind):
        self.launch(kind)
        pid = self.daemon.status(self.run_id)["pid"]
        self.daemon.kill()
        if pid != 0:
            os.kill(pid, signal.SIGKILL)
            argo.wait_for(lambda: not argo.alive(pid), "the executor's end")
        self.daemon.start()
        self.same_question()
        self.assertEqual(self.answer(self.right).status, 200)
        pid = self.daemon.executor(self.run_id)
        self.daemon.kill()
        os.kill(pid, signal.SIGKILL)
        self.daemon.start()
        self.assertEqual(self.answer(self.other).json["error"]["code"], 1011)
        self.finish(self.saved[str(self.right)])


HAPPENINGS = ("no_terminal", "client_dies", "clients_race", "deadline_passes", "daemon_killed",
              "executor_killed", "both_killed")


def cell(happening, kind):
    def test(self):
        getattr(self, happening)(kind)
    test.__name__ = f"test_{happening}_{kind}"
    return test


class Waiting(Matrix):
    pass


class Parked(Matrix):
    parked = True
    daemon_args = ("--park-after", "0")


def add_cells(case):
    for happening in HAPPENINGS:
        for kind in KINDS:
            test = cell(happening, kind)
            setattr(case, test.__name__, test)


add_cells(Waiting)
add_cells(Parked)

if __name__ == "__main__":
    argo.main()
