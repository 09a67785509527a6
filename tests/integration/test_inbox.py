#!/usr/bin/env python3
"""What waits for a person: several questions of one run, and those of all runs."""
import json

import argo
import standin
import terminal
from terminal import ASK, HI, STALE, flow


class Several(standin.Case, terminal.Case):
    """Several questions of one run, which a stand-in for its executor asks."""

    def start(self, name="w"):
        run = self.daemon.launch(flow(ASK), workflow_id=name)
        self.headers = standin.headers(self.daemon, run)
        return run

    def ask(self, run, question, prompt, kind="text", **members):
        reply = self.daemon.post(f"/api/workflow/{run}/question", {
            "question_id": question, "path": question, "kind": kind, "prompt": prompt, **members},
            headers=self.headers)
        self.assertEqual(reply.status, 200, reply)

    def answer_of(self, question):
        return self.daemon.get(f"/api/question/{question}").json["data"].get("answer")

    def three(self):
        run = self.start()
        for number, colour in enumerate(("red", "green", "blue")):
            self.ask(run, f"q{number}", f"Is it {colour}?")
        return run

    def test_in_any_order_and_some_elsewhere(self):
        run = self.three()
        t = self.terminal("attach", run)
        t.see("Which (1 to 3, Enter: 1) >")
        self.assertIn("w asks 3 questions:", t.screen.text())
        t.type("4\n")
        at = t.expect("'4' is none of them")
        t.expect("Which (1 to 3, Enter: 1) > ", at)
        t.type("2\n")
        t.see(lambda s: s.text().endswith("Is it green?\n>"), "the second question")
        t.type("\x07")
        t.see("Which (1 to 3, Enter: 1) >")
        t.type("q2\n")
        t.see(lambda s: s.text().endswith("Is it blue?\n>"), "the third question")
        t.type("sky\n")
        t.see("Which (1 to 2, Enter: 1) >")
        self.assertEqual(self.answer_of("q2"), "sky")
        self.daemon.post(f"/api/workflow/input/{run}", {"question_id": "q0", "answer": "rose"})
        t.see("Answer it (Enter) >")  # a number that is being typed answers nothing
        t.type("2\n")
        t.see(lambda s: "'2' is none of them" in s.text() and s.last() == "Answer it (Enter) >",
              "that there is one")
        t.type("\n")
        t.see(lambda s: s.text().endswith("Is it green?\n>"), "the last one")
        t.type("half")
        t.see("> half")
        self.daemon.post(f"/api/workflow/input/{run}", {"question_id": "q1", "answer": "grass"})
        t.see(STALE)
        self.assertRegex(t.screen.text(), r"\nAnswered by \S+ via \S+: grass\n")
        t.type("\x04")
        self.assertEqual(t.end(), 0)
        self.assertEqual(self.answer_of("q1"), "grass")

    def test_another_one_comes_while_one_is_asked(self):
        run = self.start()
        self.ask(run, "q0", "Is it red?")
        t = self.terminal("attach", run)
        t.see(">")
        t.type("ro")
        t.see("> ro")
        self.ask(run, "q1", "Is it green?")
        t.see(lambda s: "Another question is open" in s.text() and s.last() == "> ro", "both")
        t.type("se\n")
        t.see(lambda s: s.text().endswith("Is it green?\n>"), "the other one")
        self.assertEqual(self.answer_of("q0"), "rose")
        t.type("\x04")
        self.assertEqual(t.end(), 0)

    def test_leaving_a_secret_and_a_form_open(self):
        run = self.start()
        self.ask(run, "q0", "Password?", secret=True)
        self.ask(run, "q1", "You?", "form", schema={"type": "object", "properties": {
            "a": {"type": "string"}, "b": {"type": "string"}}})
        t = self.terminal("attach", run)
        t.see("Which (1 to 2, Enter: 1) >")
        t.type("q0\n")
        t.see("(not shown) >")
        t.type("canary\x07")
        t.see("Which (1 to 2, Enter: 1) >")
        t.type("q1\n")
        t.see("a >")
        t.type("x\n")
        t.see("b >")
        t.type("y\x07")
        t.see("Which (1 to 2, Enter: 1) >")
        t.type("2\n")
        t.see("a >")  # from its beginning
        t.type("v\n")
        t.see("b >")
        t.type("w\n")
        t.see("(not shown) >")
        t.type("secret\n")
        t.see(lambda s: self.daemon.get("/api/question/q0").json["state"] == "answered", "the end")
        self.assertEqual(self.answer_of("q1"), {"a": "v", "b": "w"})
        t.type("\x04")
        self.assertEqual(t.end(), 0)
        self.assertNotIn(b"canary", t.seen)
        self.assertNotIn(b"secret", t.seen)

    def test_answer_asks_for_all_of_them(self):
        run = self.three()
        t = self.terminal("answer", run)
        t.see("Which (1 to 3, Enter: 1) >")
        t.type("\n")
        t.see(lambda s: s.text().endswith("Is it red?\n>"), "the first question")
        t.type("rose\n")
        t.see("Which (1 to 2, Enter: 1) >")
        t.type("\x04")
        self.assertEqual(t.end(), 0)
        t = self.terminal("answer", run, "--question", "q2")
        t.see(lambda s: s.text().endswith("Is it blue?\n>"), "the one that was named")
        t.type("sky\n")
        self.assertEqual(t.end(), 0)
        self.assertEqual([self.answer_of(q) for q in ("q0", "q1", "q2")], ["rose", None, "sky"])

    def test_in_scripts(self):
        run = self.three()
        attached = self.arc("attach", run, check=5)
        for number in range(3):
            self.assertIn(f"arc answer w ANSWER --question q{number}", attached.stderr)
        which = self.arc("answer", run, "rose", check=5)
        self.assertIn("say which one", which.stderr)
        self.assertIn("q1", which.stdout)
        self.arc("answer", run, "rose", "-q", "q1", check=0)
        self.assertEqual(self.answer_of("q1"), "rose")
        late = self.arc("answer", run, "red", "-q", "q1", check=1)
        self.assertRegex(late.stderr, r"Answered by \S+ via arc: rose\n")
        self.ask(run, "q3", "Password?", secret=True)
        self.arc("answer", run, "canary", "-q", "q3", check=0)
        late = self.arc("answer", run, "red", "-q", "q3", check=1)
        self.assertRegex(late.stderr, r"Answered by \S+ via arc\n")


class Inbox(terminal.Case):
    daemon_args = ("--park-after", "0")

    def test_all_runs_from_one_place(self):
        first = self.daemon.launch(flow(ASK, HI, name="first"))
        self.daemon.question(first)
        self.daemon.launch(flow({**ASK, "deadline": "2h", "default": "nobody"}, name="second"))
        self.daemon.question("second_1")
        t = self.terminal("inbox")
        t.see("Which (1 to 2, Enter: 1) >")
        rows = [line.split() for line in t.screen.text().splitlines()]
        self.assertEqual(rows[0], ["NO", "WORKFLOW", "STEP", "KIND", "ASKED", "UNTIL", "QUESTION"])
        self.assertEqual([row[1] for row in rows[1:3]], ["second_1", "first_1"])  # by deadline
        self.assertIn("in 2 h", t.screen.text())
        self.daemon.launch(flow(ASK, name="third"))
        t.see("Which (1 to 3, Enter: 1) >")  # by itself
        t.type("first_1\n")
        t.see(lambda s: s.text().endswith("Who?\n>"), "the question")
        t.type("Ann\n")
        t.see("Which (1 to 2, Enter: 1) >")
        self.assertIn("Hi Ann!", self.daemon.output(first) if
                      self.daemon.wait_end(first) else "")
        t.type("1\n")
        t.see(lambda s: s.text().endswith(">") and "Enter alone: nobody" in s.text(), "its default")
        self.daemon.answer("second_1", "Bob")
        t.see(STALE)
        t.type("\n")
        t.see("Answer it (Enter) >")
        self.assertIn("Answered by ", t.screen.text())
        t.type("\n")
        t.see(lambda s: s.text().endswith("Who?\n>"), "the last question")
        t.type("Eve\n")
        self.assertEqual(t.end(), 0)
        self.assertTrue(t.screen.text().endswith("Nothing waits for you."))
        self.assertTrue(t.restored())

    def test_it_waits_for_changes(self):
        def polls(wanted):
            text = self.daemon.get("/metrics").text
            return f"\nargo_http_waiting {wanted}\n" in text
        run = self.daemon.launch(flow(ASK, HI))
        self.daemon.question(run)
        argo.wait_for(lambda: self.daemon.status(run)["pid"] == 0, "parked")
        argo.wait_for(lambda: polls(0), "nobody who waits")
        t = self.terminal("inbox")
        t.see("Answer it (Enter) >")
        argo.wait_for(lambda: polls(1), "arc, which waits")
        t.type("\x04")
        self.assertEqual(t.end(), 5)
        argo.wait_for(lambda: polls(0), "nobody again")

    def test_in_scripts(self):
        empty = self.arc("inbox", check=0)
        self.assertEqual((empty.stdout, empty.stderr), ("", "Nothing waits for you.\n"))
        self.arc("inbox", "--json", check=0)
        long = "Who " + "x" * 200 + "?"
        run = self.daemon.launch(flow({**ASK, "prompt": long}))
        question = self.daemon.question(run)["question_id"]
        some = self.arc("inbox", check=5)
        self.assertIn(question, some.stdout)
        self.assertIn(long, some.stdout)  # nothing is cut
        listed = json.loads(self.arc("inbox", "--json", check=5).stdout)
        self.assertEqual(listed["questions"][0]["question_id"], question)
        t = self.terminal("inbox", "-q")
        self.assertEqual(t.end(), 5)
        self.assertLessEqual(max(map(len, t.screen.text().splitlines())), 80)
        self.assertIn("\u2026", t.screen.text())

    def test_the_daemon_goes_and_comes(self):
        run = self.daemon.launch(flow(ASK, HI))
        self.daemon.question(run)
        t = self.terminal("inbox")
        t.see("Answer it (Enter) >")
        t.type("\n")
        t.see(lambda s: s.text().endswith("Who?\n>"), "the question")
        self.daemon.stop()
        t.type("Ann\n")
        t.see(lambda s: "the answer has not been taken. Again:" in s.text()
              and s.last() == ">", "that it asks again")
        self.daemon.start()
        t.type("Ann\n")
        self.assertEqual(t.end(), 0)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")


if __name__ == "__main__":
    argo.main()
