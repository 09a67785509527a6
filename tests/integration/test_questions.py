#!/usr/bin/env python3
"""Questions of every kind, over HTTP and on a terminal: what is refused and what is taken, races,
deadlines, secrets; with the executor there and with the run parked."""
import concurrent.futures
import hashlib
import os
import re
import signal
import sqlite3
import subprocess

import argo
from terminal import Terminal

SHOW = {"step": "show", "type": "display", "message": "got {{a | json}}"}
NO = {"step": "no", "type": "display", "message": "refused {{a | json}}"}
PERSON = {"step": "q", "type": "form", "prompt": "Who are you?", "save_to": "a", "fields": [
    {"name": "name", "label": "Your name", "required": True},
    {"name": "age", "type": "integer", "min": 0, "max": 150, "default": 30},
    {"name": "colour", "options": ["red", "green"], "description": "the favourite"},
    {"name": "news", "type": "boolean"}]}
AGE = {"step": "q", "type": "user_ask", "prompt": "How old?", "save_to": "a",
       "validate": {"type": "integer", "min": 0, "max": 150}}
WHICH = {"step": "q", "type": "user_choose", "prompt": "Which?", "save_to": "a",
         "options": [{"label": "red", "value": "r"}, {"label": "green", "value": {"g": 1}}]}
SEVERAL = {**WHICH, "multiple": True}
GATE = {"step": "q", "type": "approve", "prompt": "Deploy?", "details": "Version 2.",
        "save_to": "a", "on_yes": "show", "on_no": "no"}


def flow(*steps, **top):
    return {"workflow_name": "t", "steps": list(steps), **top}


def gate(**members):
    return flow({**GATE, **members}, {**SHOW, "next_step": "EXIT"}, NO)


class Questions(argo.Case):
    def error(self, reply, status, code):
        self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code), reply)
        return reply.json["error"]

    def post(self, run, body, **kw):
        return self.daemon.post(f"/api/workflow/input/{run}", body, **kw)

    def still_open(self, run, question):
        now = self.daemon.get(f"/api/question/{question['question_id']}").json
        self.assertEqual((now["state"], now["data"]["question_id"]),
                         ("open", question["question_id"]))
        self.assertEqual(self.daemon.status(run)["status"], "waiting")

    def ends_with(self, run, text):
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertTrue(self.daemon.output(run).endswith(text), self.daemon.output(run))

    # ---- every kind: what is refused leaves it open, what is taken is a value of its type

    def check_kind(self, definition, refused, taken, output):
        run = self.daemon.launch(definition)
        question = self.daemon.question(run)
        for body, says in refused:
            error = self.error(self.post(run, {"question_id": question["question_id"], **body}),
                               422, 1013)
            self.assertIn(says, error["details"])
            self.still_open(run, question)
        reply = self.post(run, {"question_id": question["question_id"], **taken})
        self.assertEqual(reply.status, 200, reply)
        self.error(self.post(run, {"question_id": question["question_id"], **taken}), 409, 1011)
        self.ends_with(run, output)
        return question

    def test_text(self):
        refused = (({"answer": "old"}, "answer: wrong type, expected an integer"),
                   ({"answer": 151}, "too large, expected at most 150"),
                   ({"answer": 1.5}, "an integer"), ({"answer": [1]}, "an integer"),
                   ({"answer": True}, "an integer"), ({"input": "-1"}, "at least 0"),
                   ({"input": ""}, "an integer"))
        for taken in ({"answer": 42}, {"answer": "42"}, {"input": " 42 "}, {"answer": 42.0}):
            question = self.check_kind(flow(AGE, SHOW), refused, taken, "got 42\n")
            self.assertEqual(question["schema"],
                             {"type": "integer", "minimum": 0, "maximum": 150})

    def test_text_by_schema(self):
        ask = {**AGE, "validate": {"schema": {
            "type": "array", "items": {"type": "string", "format": "email"}, "maxItems": 2}}}
        self.check_kind(flow(ask, SHOW),
                        (({"answer": ["a@b", "c"]}, "answer[1]: wrong format"),
                         ({"answer": ["a@b", "a@c", "a@d"]}, "at most 2 items"),
                         ({"input": "a@b"}, "expected an array")),
                        {"input": '["a@b.org"]'}, 'got ["a@b.org"]\n')

    def test_choice(self):
        refused = (({"answer": "blue"}, "none of the choices"), ({"input": "3"}, "1 red, 2 green"),
                   ({"answer": ["red"]}, "none of the choices"))
        for taken in ({"answer": {"g": 1}}, {"input": "2"}, {"answer": "green"}, {"input": "g"}):
            self.check_kind(flow(WHICH, SHOW), refused, taken, 'got {"g":1}\n')

    def test_several_choices(self):
        refused = (({"answer": ["red", "r"]}, "chosen twice"), ({"answer": 1}, "an array"),
                   ({"answer": ["red", "blue"]}, "none of the choices"),
                   ({"input": ""}, "none of the choices"))
        for taken in ({"answer": ["r", {"g": 1}]}, {"input": "1,2"}, {"answer": "red, green"}):
            self.check_kind(flow(SEVERAL, SHOW), refused, taken, 'got ["r",{"g":1}]\n')
        self.check_kind(flow(SEVERAL, SHOW), (), {"answer": []}, "got []\n")

    def test_confirm(self):
        refused = (({"answer": "perhaps"}, "yes or no"), ({"answer": 1}, "true or false"),
                   ({"answer": {"approved": "yes"}}, "true or false"), ({"input": "ok"}, "yes"))
        yes = 'got {"approved":true,"reason":%s}\n'
        no = 'refused {"approved":false,"reason":%s}\n'
        for taken, output in (({"answer": True}, yes % "null"), ({"input": "y"}, yes % "null"),
                              ({"answer": {"approved": True, "reason": "fine"}}, yes % '"fine"'),
                              ({"answer": False}, no % "null"), ({"input": ""}, no % "null"),
                              ({"input": "no, too late"}, no % '"too late"')):
            question = self.check_kind(gate(), refused, taken, output)
            self.assertEqual((question["kind"], question["prompt"], question["default"]),
                             ("confirm", "Deploy?\n\nVersion 2.", False))

    def test_form(self):
        refused = (({"answer": "x"}, "expected an object"), ({"input": "x"}, "an object"),
                   ({"answer": {"age": 3}}, "answer.name: missing"),
                   ({"answer": {"name": "A", "agee": 3}}, "unknown member"),
                   ({"answer": {"name": "", "age": 3}}, "too short"),
                   ({"answer": {"name": "A", "colour": "blue"}}, "one of red, green"))
        self.check_kind(flow(PERSON, SHOW), refused, {"answer": {"name": "Ann"}},
                        'got {"name":"Ann","age":30}\n')
        self.check_kind(flow(PERSON, SHOW), refused,
                        {"answer": {"name": "Ann", "age": "7", "news": "no"}},
                        'got {"name":"Ann","age":7,"news":false}\n')

    def test_every_problem_of_a_form(self):
        run = self.daemon.launch(flow(PERSON, SHOW))
        error = self.error(self.daemon.answer(run, {"age": 200, "colour": 1}), 422, 1013)
        self.assertEqual([(p["path"], p["expected"]) for p in error["problems"]],
                         [("answer.age", "at most 150"), ("answer.colour", "one of red, green"),
                          ("answer.name", "a value")])
        self.assertEqual(error["field"], "answer")

    def test_an_id_is_needed(self):
        for definition in (gate(), flow(PERSON, SHOW), flow({**AGE, "secret": True}, SHOW)):
            run = self.daemon.launch(definition)
            question = self.daemon.question(run)
            error = self.error(self.post(run, {"input": "1"}), 409, 1008)
            self.assertIn(question["question_id"], error["details"])
            self.still_open(run, question)

    # ---- questions that cannot be asked

    def test_bad_questions_fail_the_step(self):
        ask = {**AGE, "default": "{{given}}"}
        run = self.daemon.launch(flow(ask, SHOW, parameters={"given": {"default": "old"}}),
                                 wait=True)
        error = self.daemon.status(run)["data"]["error"]
        self.assertEqual(error["code"], "input")
        self.assertIn("default: answer: wrong type, expected an integer", error["message"])
        self.assertEqual(self.daemon.get("/api/questions").json["questions"], [])

    # ---- one answer wins

    def race(self, run):
        question = self.daemon.question(run)["question_id"]

        def send(name):
            return self.post(run, {"question_id": question, "answer": name},
                             headers={"X-Argo-Client": name})
        names = [f"client{i}" for i in range(8)]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            replies = dict(zip(names, pool.map(send, names)))
        won = [name for name in names if replies[name].status == 200]
        self.assertEqual(len(won), 1, replies)
        for name in names:
            if name not in won:
                error = self.error(replies[name], 409, 1011)
                self.assertIn(f"via {won[0]}", error["details"])
        answered = self.daemon.get(f"/api/question/{question}").json["data"]
        self.assertEqual((answered["answer"], answered["answered_via"]), (won[0], won[0]))
        self.ends_with(run, f'got "{won[0]}"\n')

    def test_race(self):
        ask = {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"}
        for _ in range(5):
            self.race(self.daemon.launch(flow(ask, SHOW)))


class Deadlines(argo.Case):
    """With the executor waiting, and with the run parked."""

    def run_all(self):
        ask = {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "deadline": 1}
        typed = {**ask, "validate": {"type": "integer"}, "default": "5"}
        choose = {**WHICH, "deadline": 1, "default": "green"}
        form = {**PERSON, "deadline": 1, "fields": PERSON["fields"][1:]}
        cells = {
            "text_default": (flow(typed, SHOW), "done", "got 5\n"),
            "text_fail": (flow(ask, SHOW), "failed", None),
            "text_fail_all_the_same": (flow({**typed, "on_deadline": "fail"}, SHOW), "failed",
                                       None),
            "choice_default": (flow(choose, SHOW), "done", 'got {"g":1}\n'),
            "form_default": (flow({**form, "on_deadline": "default"}, SHOW), "done",
                             'got {"age":30}\n'),
            "form_fail": (flow(form, SHOW), "failed", None),
            "approve": (gate(deadline=1), "done", 'refused {"approved":false,"reason":null}\n'),
        }
        for name, (definition, _, _) in cells.items():
            self.daemon.launch(definition, workflow_id=name)
        for name, (_, state, output) in cells.items():
            with self.subTest(name):
                self.assertEqual(self.daemon.wait_end(name)["status"], state)
                if output is None:
                    self.assertEqual(self.daemon.status(name)["data"]["error"]["code"], "timeout")
                else:
                    self.assertTrue(self.daemon.output(name).endswith(output),
                                    self.daemon.output(name))
        questions = self.daemon.get("/api/questions").json["questions"]
        self.assertEqual([q["state"] for q in questions], ["expired"] * len(cells))
        late = self.daemon.answer("approve", True, questions[0])
        self.assertEqual((late.status, late.json["error"]["code"]), (409, 1008))
        notices = [r["text"] for r in self.daemon.records("approve") if r["kind"] == "notice"]
        self.assertEqual(notices, ["nobody has answered in time: this counts as no\n"])

    def test_waiting(self):
        self.run_all()


class ParkedDeadlines(Deadlines):
    daemon_args = ("--park-after", "0")


class Parked(argo.Case):
    """Each kind is answered while no process of the run exists."""

    daemon_args = ("--park-after", "0")

    def test_every_kind(self):
        cells = {"text": (flow(AGE, SHOW), 7, "got 7\n"),
                 "choice": (flow(WHICH, SHOW), "red", 'got "r"\n'),
                 "several": (flow(SEVERAL, SHOW), ["red"], 'got ["r"]\n'),
                 "confirm": (gate(), {"approved": False, "reason": "no"},
                             'refused {"approved":false,"reason":"no"}\n'),
                 "form": (flow(PERSON, SHOW), {"name": "Ann"},
                          'got {"name":"Ann","age":30}\n')}
        for name, (definition, _, _) in cells.items():
            self.daemon.launch(definition, workflow_id=name)
        for name, (_, answer, output) in cells.items():
            with self.subTest(name):
                question = self.daemon.question(name)
                argo.wait_for(lambda n=name: self.daemon.status(n)["pid"] == 0, f"{name} parked")
                refused = self.daemon.answer(name, 0.5, question)
                self.assertEqual((refused.status, refused.json["error"]["code"]), (422, 1013))
                self.assertEqual(self.daemon.status(name)["pid"], 0)
                self.assertEqual(self.daemon.answer(name, answer, question).status, 200)
                self.assertEqual(self.daemon.wait_end(name)["status"], "done")
                self.assertTrue(self.daemon.output(name).endswith(output))


class Changes(argo.Case):
    """Who has a list of questions may wait for another one."""

    def look(self, **query):
        reply = self.daemon.get("/api/questions?" +
                                "&".join(f"{key}={value}" for key, value in query.items()))
        self.assertEqual(reply.status, 200, reply)
        states = {q["workflow_id"]: q["state"] for q in reply.json["questions"]}
        return states, reply.json["data"]["next_after"]

    def waiting(self):
        text = self.daemon.get("/metrics").text
        return int(re.search(r"^argo_http_waiting (\d+)", text, re.M).group(1))

    def look_while(self, something, after, **query):
        """What a poll brings that waits when SOMETHING happens."""
        before = self.waiting()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            poll = pool.submit(self.look, after=after, timeout=600, **query)
            argo.wait_for(lambda: self.waiting() > before, "a poll that waits")
            something()
            return poll.result()

    def test_each_change_ends_the_waiting(self):
        states, after = self.look()
        self.assertEqual((states, self.look(after=after)), ({}, ({}, after)))
        self.assertEqual(self.look(after=after, timeout=0.01), ({}, after))
        self.assertEqual(self.look(after=0, timeout=600), ({}, after))  # it is another number
        states, asked = self.look_while(lambda: self.daemon.launch(flow(AGE), workflow_id="a"), after)
        self.assertEqual(states, {"a": "open"})
        self.assertEqual(self.look(after=after, timeout=600), (states, asked))
        states, answered = self.look_while(lambda: self.daemon.answer("a", 7), asked)
        self.assertEqual(states, {"a": "answered"})
        self.daemon.wait_end("a")
        self.assertEqual(self.look(), (states, answered))  # nothing else counts
        states, after = self.look_while(lambda: self.daemon.launch(flow(AGE), workflow_id="b"),
                                        answered, state="open", limit=1)
        self.assertEqual(states, {"b": "open"})
        states, after = self.look_while(lambda: self.daemon.delete("/api/workflow/abandon/b"), after)
        self.assertEqual(states, {"a": "answered", "b": "cancelled"})
        self.daemon.stop()
        self.daemon.start()
        self.assertNotEqual(self.look(after=after, timeout=600)[1], after)

    def test_what_is_wrong_is_told_at_once(self):
        after = self.look()[1]
        for wrong in ("state=shut", "cursor=x", "limit=0", "after=x", "after=-1", "timeout=x"):
            reply = self.daemon.get(f"/api/questions?{wrong}&after={after}&timeout=600")
            self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1001), reply)
            self.assertEqual(reply.json["error"]["field"], wrong.split("=")[0])


class Secrets(argo.Case):
    daemon_args = ("--log-level", "debug")
    SECRET = "hunter2-correct-horse"

    def everything(self, run):
        """What anybody can read of the run: replies, records, logs, and the mirrors of the home."""
        paths = ["/api/questions", f"/api/workflow/status/{run}", f"/api/workflow/{run}/steps",
                 f"/api/workflow/output/{run}?after=0&limit=10000",
                 f"/api/workflow/{run}/events?after=0&timeout=0&limit=10000"]
        texts = {path: self.daemon.get(path).text for path in paths}
        for question in self.daemon.get("/api/questions").json["questions"]:
            path = f"/api/question/{question['question_id']}"
            texts[path] = self.daemon.get(path).text
        for path in self.daemon.home.rglob("*"):
            if path.is_file() and not path.name.startswith("argo.db"):
                texts[str(path)] = path.read_text(errors="replace")
        return texts

    def check(self, run):
        for where, text in self.everything(run).items():
            self.assertNotIn(self.SECRET, text, where)

    def rows_with_secret(self):
        """The tables of the store that have the secret."""
        found = set()
        with sqlite3.connect(f"file:{self.daemon.home}/argo.db?mode=ro", uri=True) as db:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                for row in db.execute(f"SELECT * FROM {table}"):
                    if any(self.SECRET in str(value) for value in row):
                        found.add(table)
        return found

    def files_with_secret(self):
        return [path for path in self.daemon.home.rglob("*")
                if path.is_file() and self.SECRET.encode() in path.read_bytes()]

    def test_a_secret_is_nowhere(self):
        go = self.daemon.home / "go"
        ask = {"step": "q", "type": "user_ask", "prompt": "Password?", "secret": True,
               "save_to": "a", "validate": {"min": 5}}
        form = {"step": "f", "type": "form", "prompt": "Account?", "save_to": "b",
                "fields": [{"name": "user"}, {"name": "key", "secret": True, "pattern": "^h"}]}
        digest = hashlib.sha256(f"{self.SECRET} {self.SECRET}".encode()).hexdigest()
        check = {"step": "c", "type": "command", "stdin": "{{a}} {{b.key}}", "repeat": "safe",
                 "argv": ["sh", "-c", f"sha256sum | grep -q {digest} && echo same; "
                                      f"until test -e {go}; do sleep 0.02; done"]}
        run = self.daemon.launch(flow(ask, form, check))
        question = self.daemon.question(run)
        self.assertTrue(question["secret"])
        for wrong in ([self.SECRET], {self.SECRET: 1}):
            reply = self.daemon.answer(run, wrong, question)
            self.assertEqual(reply.status, 422)
            self.assertNotIn(self.SECRET, reply.text)
        reply = self.daemon.answer(run, self.SECRET, question)
        self.assertEqual(reply.status, 200)
        self.assertNotIn(self.SECRET, reply.text)
        question = argo.wait_for(
            lambda: (lambda q: q if q["kind"] == "form" else None)(self.daemon.question(run)),
            "the form")
        self.assertTrue(question["secret"])
        for wrong in ({"key": "x" + self.SECRET}, {self.SECRET: 1}, self.SECRET):
            reply = self.daemon.answer(run, wrong, question)
            self.assertEqual(reply.status, 422)
            self.assertNotIn(self.SECRET, reply.text)
        self.assertEqual(self.daemon.answer(run, {"user": "u", "key": self.SECRET},
                                            question).status, 200)
        argo.wait_for(lambda: "same" in self.daemon.output(run), "the command")
        self.check(run)
        self.assertEqual(self.rows_with_secret(), {"secrets"})
        # Another executor gets it, too.
        os.kill(self.daemon.executor(run), signal.SIGKILL)
        argo.wait_for(lambda: self.daemon.output(run).count("same") == 2, "the command again")
        self.assertEqual(self.rows_with_secret(), {"secrets"})
        go.touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.check(run)
        self.assertEqual(self.rows_with_secret(), set())
        argo.wait_for(lambda: not self.files_with_secret(), "no file has the secret")


class OnATerminal(argo.Case):
    def terminal(self, *args):
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home), "TERM": "xterm",
               "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        t = Terminal([str(self.prefix / "bin/arc"), *args], env)
        self.addCleanup(t.close)
        return t

    def converse(self, t, *turns):
        """Expects the texts before each answer, in order, and types the answer."""
        at = 0
        for *texts, answer in turns:
            for text in texts:
                at = t.expect(text, at)
            t.type(answer + "\n")
        return at

    FORM_TURNS = (("Your name (required)", "name > ", ""),
                  ("Your name: an answer is needed", "name > ", "Ann"),
                  ("age (a whole number, 0 to 150; Enter alone: 30)", "age > ", "old"),
                  ("age: that is not what is expected", "0 to 150", "age > ", "151"),
                  ("age: that is not what is expected", "age > ", "1.5"),
                  ("age: that is not what is expected", "age > ", "150"),
                  ("colour: the favourite (one of: red, green; may be left empty)", "colour > ",
                   "blue"), ("colour: that is not", "colour > ", "red"),
                  ("news (yes or no; may be left empty)", "news > ", "perhaps"),
                  # Only what was refused is asked again.
                  ("news: wrong type, expected", "news > ", "y"))
    FORM_OUTPUT = b'got {"name":"Ann","age":150,"colour":"red","news":true}'

    def test_form_at_attach(self):
        run = self.daemon.launch(flow(PERSON, SHOW))
        t = self.terminal("attach", run)
        self.converse(t, ("Who are you?", *self.FORM_TURNS[0]), *self.FORM_TURNS[1:])
        self.assertEqual(t.end(), 0)
        self.assertIn(self.FORM_OUTPUT, t.seen)

    def test_form_with_answer(self):
        run = self.daemon.launch(flow(PERSON, SHOW))
        self.daemon.question(run)
        t = self.terminal("answer", run)
        self.converse(t, ("Who are you?", *self.FORM_TURNS[0]), *self.FORM_TURNS[1:])
        self.assertEqual(t.end(), 0)
        self.daemon.wait_end(run)
        self.assertIn(self.FORM_OUTPUT.decode(), self.daemon.output(run))

    def test_form_as_json(self):
        run = self.daemon.launch(flow(PERSON, SHOW))
        t = self.terminal("attach", run)
        self.converse(t, ("name > ", '{"age":1'), ("name > ", '{"name":"Eve","age":1}'))
        self.assertEqual(t.end(), 0)
        self.assertIn(b'got {"name":"Eve","age":1}', t.seen)
        run = self.daemon.launch(flow(PERSON, SHOW))
        self.daemon.question(run)
        wrong = self.arc("answer", run, "--json-answer", '{"age":"old"}', check=1)
        self.assertIn("answer.age: wrong type, expected an integer", wrong.stderr)
        self.assertIn("answer.name: missing", wrong.stderr)
        self.arc("answer", run, "--json-answer", '{"name":"Bob"}', check=0)
        self.daemon.wait_end(run)
        self.assertIn('got {"name":"Bob","age":30}', self.daemon.output(run))

    def test_a_form_in_a_script(self):
        run = self.daemon.launch(flow(PERSON, SHOW))
        shown = self.arc("answer", run, check=5)
        for text in ("Who are you?\n", "  name: Your name (required)\n",
                     "  age: age (a whole number, 0 to 150; Enter alone: 30)\n",
                     "  colour: colour: the favourite (one of: red, green; may be left empty)\n"):
            self.assertIn(text, shown.stdout)
        self.assertIn(f"arc answer {run} --json-answer '{{\"name\":...}}'\n", shown.stderr)
        word = self.arc("answer", run, "Ann", check=1)
        self.assertIn("asks for a form, which a word does not answer", word.stderr)
        self.assertEqual(word.stdout, shown.stdout)
        self.assertIn("--json-answer '{\"name\":...}'\n", word.stderr)
        self.arc("answer", run, ' {"name":"Ann"}', check=0)

    def test_answers_one_after_the_other(self):
        """A script need not know when the run is ready for the next one."""
        release = self.daemon.home / "release"
        work = {"step": "w", "type": "command", "argv": [
            "sh", "-c", f"until test -e {release}; do sleep 0.02; done"]}
        run = self.daemon.launch(flow(WHICH, work, {**AGE, "step": "age", "save_to": "age"}))
        self.arc("answer", run, "red", check=0)
        argo.wait_for(lambda: self.daemon.status(run)["data"]["step_name"] == "w", "the step")
        self.assertIn(f"{run} asks nothing: it is running",
                      self.arc("answer", run, "7", "--wait", "0", check=1).stderr)
        self.arc("answer", run, "7", "--wait", "x", check=2)
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        arc = subprocess.Popen([str(self.prefix / "bin/arc"), "answer", run, "7", "--wait", "60"],
                               env=env)
        release.touch()
        self.assertEqual(arc.wait(argo.DEADLINE), 0)
        self.daemon.wait_end(run)
        self.assertIn("it is done", self.arc("answer", run, "7", check=1).stderr)

    def test_the_only_one_that_waits(self):
        self.assertIn("nothing waits", self.arc("answer", check=1).stderr)
        one = self.daemon.launch(flow(WHICH))
        self.daemon.question(one)
        shown = self.arc("answer", check=5)
        self.assertIn(f"Workflow {one} (nothing else waits)", shown.stderr)
        two = self.daemon.launch(flow(WHICH))
        self.daemon.question(two)
        self.assertIn("2 questions wait", self.arc("answer", check=2).stderr)

    def test_secret_field(self):
        form = {"step": "q", "type": "form", "prompt": "Account?", "save_to": "a", "fields": [
            {"name": "user"}, {"name": "key", "secret": True, "min": 5}]}
        run = self.daemon.launch(flow(form, {**SHOW, "message": "{{a.user}} {{a.key.length}}"}))
        t = self.terminal("attach", run)
        t.expect("user > ")
        t.type("ann\n")
        at = t.expect("key (not shown) > ")
        self.assertFalse(t.echoes())
        t.type("hunt\n")
        at = t.expect("key (not shown) > ", t.expect("key: that is not what is expected", at))
        t.type("hunter2\n")
        self.assertEqual(t.end(), 0)
        self.assertIn(b"ann 7", t.seen)
        self.assertNotIn(b"hunt", t.seen)
        self.assertTrue(t.echoes())

    def test_hostile_form(self):
        """What a schema is named cannot control the terminal."""
        hostile = "\x1b[2J\x1b]0;t\x07\u009b31mnäme\u202e"
        form = {"step": "q", "type": "form", "prompt": "p", "save_to": "a", "schema": {
            "properties": {hostile: {"title": hostile, "description": hostile, "default": hostile,
                                     "enum": [hostile]}, "x" * 200: {}}}}
        run = self.daemon.launch(flow(form))
        t = self.terminal("attach", run)
        self.converse(t, ("näme", "näme > ", ""), ("x" * 200, "\n", " > ", "y"))
        self.assertEqual(t.end(), 0)
        text = t.seen.decode()
        # libedit moves the cursor and clears to the line's end; nothing else may be there.
        text = re.sub(r"\x1b\[(\d*[A-DGKJ]|\d*;?\d*H|\?\d+[hl])|[\r\n\t\x08]", "", text)
        self.assertIsNone(re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", text), repr(t.seen))
        self.assertNotIn(b"\x1b[2J", t.seen)
        self.assertNotIn(b"\x1b]", t.seen)

    def test_approve(self):
        for answer, output in (("yes", b'got {"approved":true,"reason":null}'),
                               ("no, it is Friday",
                                b'refused {"approved":false,"reason":"it is Friday"}'),
                               ("", b'refused {"approved":false,"reason":null}')):
            run = self.daemon.launch(gate())
            t = self.terminal("attach", run)
            self.converse(t, ("Deploy?", "Version 2.", "Enter alone: no", "[yes/no] > ", "perhaps"),
                          ("expected yes or no", "[yes/no] > ", answer))
            self.assertEqual(t.end(), 0)
            self.assertIn(output, t.seen)

    def test_typed_text(self):
        run = self.daemon.launch(flow(AGE, SHOW))
        t = self.terminal("attach", run)
        self.converse(t, ("How old?", "> ", "old"), ("expected an integer", "> ", "200"),
                      ("at most 150", "> ", "42"))
        self.assertEqual(t.end(), 0)
        self.assertIn(b"got 42", t.seen)

    def test_somebody_else_fills_in_the_form(self):
        run = self.daemon.launch(flow(PERSON, SHOW))
        t = self.terminal("attach", run)
        t.expect("name > ")
        t.type("Ann\n")
        t.expect("age > ")
        self.daemon.answer(run, {"name": "Bob"})
        self.assertEqual(t.end(), 0)
        self.assertIn(b"Answered by ", t.seen)
        self.assertIn(b'got {"name":"Bob","age":30}', t.seen)

    def test_the_daemon_comes_back_to_a_filled_in_form(self):
        run = self.daemon.launch(flow({**PERSON, "fields": PERSON["fields"][:2]}, SHOW))
        t = self.terminal("attach", run)
        self.converse(t, ("name > ", "Ann"))
        at = t.expect("age > ")
        self.daemon.stop()
        at = t.expect("Waiting for it", at)
        t.type("5\n")
        at = t.expect("(Enter: send it) > ", at)
        self.daemon.start()
        argo.wait_for(lambda: self.daemon.question(run), "the question again")
        t.type("\n")
        self.assertEqual(t.end(), 0)
        self.assertIn(b'got {"name":"Ann","age":5}', t.seen)


if __name__ == "__main__":
    argo.main()
