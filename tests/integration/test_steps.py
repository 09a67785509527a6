#!/usr/bin/env python3
"""Steps that meet people, CIs and files: ci_ask against a server of our own, answers that are
checked, secrets, and the run's time limit."""
import json
import os
import pathlib
import signal
import stat

import argo
from models import Server, fails, says

KEY = "sk-canary-2f9d7c1e8b"


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


def show(name="d", message="[{{a}}]"):
    return {"step": name, "type": "display", "message": message}


class CI(argo.Case):
    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.end)
        self.add("ai")

    def add(self, name, url=None, key=KEY, **members):
        reply = self.daemon.post("/api/registry/ci", {
            "name": name, "provider": "openai", "model": f"model-of-{name}",
            "base_url": url or self.server.url, **members})
        self.assertEqual(reply.status // 100, 2, reply)
        if key is not None:
            keys = self.daemon.home / "keys"
            keys.mkdir(mode=0o700, exist_ok=True)
            file = os.open(keys / name, os.O_CREAT | os.O_WRONLY, 0o600)
            os.write(file, key.encode())
            os.close(file)

    def ask(self, **fields):
        return {"step": "q", "type": "ci_ask", "prompt": "Hi", "save_to": "a", **fields}

    def run_one(self, top=None, **fields):
        run = self.daemon.launch(steps(self.ask(**fields), show(), **(top or {})), wait=True)
        return run, self.daemon.status(run)

    def error(self, status, code):
        self.assertEqual((status["status"], status["data"]["error"]["code"]), ("failed", code))
        return status["data"]["error"]["message"]

    def test_text_is_shown_before_the_end(self):
        def slow(handler):
            handler.begin_stream()
            handler.piece("first ")
            self.server.go.wait(argo.DEADLINE)
            handler.piece("second")
            handler.end_stream()
        self.server.script = [slow]
        run = self.daemon.launch(steps(self.ask(), show()))

        def texts():
            return [r["text"] for r in self.daemon.records(run) if r["kind"] == "ci"]
        argo.wait_for(lambda: texts() == ["first "], "the first words")
        self.assertEqual(self.daemon.status(run)["status"], "running")
        self.server.go.set()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual("".join(texts()), "first second\n")
        self.assertIn("[first second]", self.daemon.output(run))
        usage = self.daemon.steps(run)[0]["usage"]
        self.assertEqual((usage["input_tokens"], usage["output_tokens"], usage["model"]),
                         (5, 3, "served-1"))
        path, headers, body = self.server.requests[0]
        self.assertEqual((path, headers["Authorization"], body["model"], body["stream"]),
                         ("/v1/chat/completions", f"Bearer {KEY}", "model-of-ai", True))

    def test_what_passes_is_tried_again(self):
        self.server.script = [fails(429, "slow down"), fails(500, "broken"), says("yes")]
        run, status = self.run_one()
        self.assertEqual(status["status"], "done", status)
        self.assertEqual(len(self.server.requests), 3)
        self.assertEqual(self.daemon.steps(run)[0]["usage"]["attempts"], 3)
        self.assertTrue(self.daemon.output(run).endswith("[yes]\n"))

    def test_a_stream_that_is_cut_off(self):
        def cut(handler):
            handler.begin_stream()
            handler.piece("half of")
        self.server.script = [cut]
        run, status = self.run_one()
        self.assertRegex(self.error(status, "ci"), "(?i)end|cut|complete")
        self.assertNotIn("[half of]", self.daemon.output(run))

    def test_a_reply_that_is_none(self):
        def nonsense(handler):
            handler.begin_stream()
            handler.wfile.write(b"data: {nonsense\n\n")
        self.server.script = [nonsense]
        self.error(self.run_one()[1], "ci")

    def test_timeouts(self):
        def silent(handler):
            self.server.go.wait(argo.DEADLINE)
        self.server.script = [silent]
        self.error(self.run_one(timeout=0.2)[1], "timeout")
        message = self.error(self.run_one(top={"limits": {"timeout": 0.5}},
                                          retry={"max_retries": 3})[1], "timeout")
        self.assertIn("limits.timeout", message)

    def test_a_missing_key(self):
        self.add("far", url="https://argo.invalid/v1", key=None)
        message = self.error(self.run_one(ci="far")[1], "ci")
        self.assertIn("has no key", message)
        self.assertIn("arc ci key far", message)

    def test_a_ci_that_is_not_there(self):
        """Named literally it is a problem of the start, at its place; made from variables, of the step."""
        ask = {"step": "a", "type": "ci_ask", "prompt": "Hi", "ci": "aii"}
        reply = self.daemon.post("/api/workflow/start", {"definition": steps(ask)})
        self.assertEqual((reply.status, reply.json["error"]["code"]), (422, 1009), reply)
        problem = reply.json["error"]["problems"][0]
        self.assertEqual((problem["path"], problem["nearest"]), ("steps[0].ci", "ai"))
        self.assertIn("arc ci add aii", problem["expected"])
        ask["ci"] = "ai"
        reply = self.daemon.post("/api/workflow/start", {"definition": steps(ask, provider="b")})
        self.assertEqual([p["path"] for p in reply.json["error"]["problems"]], ["provider"])
        reply = self.daemon.post("/api/template/validate", {"definition": steps(ask, provider="b")})
        self.assertEqual(reply.status, 200)  # a template may be written for another machine
        message = self.error(self.run_one(ci="nobod{{1 - 1}}")[1], "ci")
        self.assertIn("nobod0", message)

    def test_a_question_that_is_worded_by_a_ci(self):
        """It outlasts its executor, and its cost counts."""
        self.server.script = [says("What is ", "your name?")]
        run = self.daemon.launch(steps({"step": "a", "type": "ci_ask", "prompt_template": "Ask his name",
                                        "save_to": "a"}, show()))
        question = self.daemon.question(run)
        self.assertEqual((question["prompt"], question["usage"]["input_tokens"]),
                         ("What is your name?", 5))
        pid = self.daemon.executor(run)
        os.kill(pid, signal.SIGKILL)
        argo.wait_for(lambda: self.daemon.status(run)["pid"] not in (0, pid), "another executor")
        self.daemon.answer(run, "Ada", question)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertIn("[Ada]", self.daemon.output(run))
        self.assertEqual(len(self.server.requests), 1)
        step = [s for s in self.daemon.steps(run) if s["step"] == "a"][-1]
        self.assertEqual((step["status"], step["usage"]["output_tokens"]), ("done", 3))

    def test_the_ci_of_the_configuration(self):
        self.add("other")
        self.server.script = [says("yes")]

        def asked(template=None, **members):
            run = self.daemon.launch(template or steps(
                {"step": "a", "type": "ci_ask", "prompt": "Hi"}), wait=True, **members)
            return self.daemon.status(run)
        self.assertIn("several CIs", self.error(asked(), "ci"))
        status = asked(default_provider="other", default_model="of-the-configuration")
        self.assertEqual(status["status"], "done", status)
        self.assertEqual((status["data"]["default_provider"], status["data"]["default_model"]),
                         ("other", "of-the-configuration"))
        self.assertEqual(self.server.requests[-1][2]["model"], "model-of-other")
        message = self.error(asked(default_provider="gone"), "ci")
        self.assertIn("'gone' is not registered", message)
        self.add("bare", model=None, role="default")
        asked(default_provider="other", default_model="of-the-configuration")
        self.assertEqual(self.server.requests[-1][2]["model"], "of-the-configuration")
        asked(steps({"step": "a", "type": "ci_ask", "prompt": "Hi"}, model="of-the-template"),
              default_model="of-the-configuration")
        self.assertEqual(self.server.requests[-1][2]["model"], "of-the-template")
        reply = self.daemon.post("/api/workflow/start", {"template": "hello",
                                                         "default_provider": "a b"})
        self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "default_provider"))

    def test_who_is_asked(self):
        self.add("other")
        self.server.script = [says("ok")]
        for top, fields, model in (
                ({"provider": "other"}, {}, "model-of-other"),
                ({"provider": "other"}, {"provider": "ai"}, "model-of-ai"),
                ({"provider": "ai"}, {"ci": "other", "provider": "ai"}, "model-of-other"),
                ({"provider": "ai", "model": "top"}, {}, "top"),
                ({"provider": "ai", "model": "top"}, {"model": "own"}, "own"),
                ({"provider": "ai", "model": "top"}, {"model": "{{none | default(\"\")}}"}, "top")):
            status = self.run_one(top, **fields)[1]
            self.assertEqual(status["status"], "done", status)
            self.assertEqual(self.server.requests[-1][2]["model"], model, (top, fields))
        self.error(self.run_one()[1], "ci")  # two, and none is the default

    def test_the_personas(self):
        self.server.script = [says("ok")]
        top = {"personas": {"default": "kim", "kim": {"name": "Kim", "role": "critic"},
                            "lee": {"system": "You are Lee."}}}

        def system(more, **fields):
            status = self.run_one({**top, **more}, **fields)[1]
            self.assertEqual(status["status"], "done", status)
            return self.server.requests[-1][2]["messages"][0]["content"]
        self.assertIn("Kim", system({}))
        self.assertEqual(system({"persona": "lee"}), "You are Lee.")
        self.assertIn("critic", system({"persona": "lee"}, persona="kim"))

    def test_two_in_a_loop(self):
        self.add("other")
        self.server.script = [lambda handler: says(
            f"{self.server.requests[-1][2]['model']} {len(self.server.requests)}")(handler)]
        run = self.daemon.launch(steps(
            {"step": "init", "type": "set", "values": {"n": 0, "b": ""}},
            {**self.ask(ci="ai", prompt="{{b}}"), "step": "one"},
            {**self.ask(ci="other", prompt="{{a}}", save_to="b"), "step": "two"},
            {"step": "count", "type": "set", "values": {"n": "{{n + 1}}"}},
            {"step": "more", "type": "decide", "condition": "n < 3", "if_true": "one",
             "if_false": "EXIT"}), wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done", self.daemon.status(run))
        self.assertEqual([r[2]["model"] for r in self.server.requests],
                         ["model-of-ai", "model-of-other"] * 3)
        self.assertEqual(self.server.requests[-1][2]["messages"][-1]["content"], "model-of-ai 5")
        self.assertEqual([s["path"] for s in self.daemon.steps(run) if s["step"] == "two"],
                         ["two", "two#2", "two#3"])

    def test_the_key_stays_in_its_file(self):
        def slow(handler):
            handler.begin_stream()
            handler.piece("x")
            self.server.go.wait(argo.DEADLINE)
            handler.end_stream()
        self.server.script = [fails(500, f"your key {KEY} is fine"), slow]
        run = self.daemon.launch(steps(
            self.ask(), {"step": "c", "type": "command", "argv": ["env"]}))
        argo.wait_for(lambda: len(self.server.requests) == 2, "the second request")
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    self.assertNotIn(KEY.encode(), (process / name).read_bytes())
                except OSError:
                    pass
        self.server.go.set()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.server.script = [fails(401, f"bad key {KEY}")]
        refused = self.run_one()[0]
        for path in (f"/api/workflow/status/{refused}", f"/api/workflow/{refused}/steps",
                     f"/api/workflow/output/{refused}?after=0", "/api/registry/ci"):
            self.assertNotIn(KEY, self.daemon.get(path).text)
        self.daemon.stop()
        self.assertEqual(found_in(self.daemon.home, KEY), ["keys/ai"])


def found_in(home, text):
    """The files below HOME that hold TEXT."""
    return sorted(str(path.relative_to(home)) for path in home.rglob("*")
                  if path.is_file() and text.encode() in path.read_bytes())


class People(argo.Case):
    def refuses_then_takes(self, rules, wrong, right, shown):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "validate": rules},
            show(message="[{{a | json}}]")))
        question = self.daemon.question(run)
        for answer, why in wrong:
            refused = self.daemon.answer(run, answer, question)
            self.assertEqual((refused.status, refused.json["error"]["code"]), (422, 1013))
            self.assertIn(why, refused.json["error"]["details"])
            self.assertEqual(self.daemon.question(run), question)
        self.assertEqual(self.daemon.answer(run, right, question).status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertTrue(self.daemon.output(run).endswith(f"[{shown}]\n"), self.daemon.output(run))

    def test_numbers(self):
        self.refuses_then_takes(
            {"type": "integer", "min": 1, "max": 10},
            [("many", "an integer"), ("2.5", "an integer"), ("0", "at least 1"),
             ("11", "at most 10")], "10", "10")
        self.refuses_then_takes({"type": "number", "min": 0.5}, [("0.4", "at least 0.5")],
                                "0.5", "0.5")

    def test_booleans(self):
        self.refuses_then_takes({"type": "boolean"}, [("perhaps", "true or false")], "Yes",
                                "true")

    def test_texts(self):
        self.refuses_then_takes(
            {"min": 2, "max": 4, "pattern": "^[a-zä]+$"},
            [("a", "at least 2 characters"), ("abcde", "at most 4 characters"),
             ("AB", "does not match")], "ääää", '"ääää"')

    def test_several_choices(self):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_choose", "prompt": "Which?", "save_to": "a",
             "multiple": True, "options": [{"label": "red", "value": "r"}, {"label": "green"},
                                           {"label": "blue", "value": {"n": 3}}]},
            show(message="{{a | json}}")))
        question = self.daemon.question(run)
        self.assertTrue(question["multiple"])
        bad = self.daemon.answer(run, ["red", "pink"], question)
        self.assertEqual((bad.status, bad.json["error"]["code"]), (422, 1013))
        self.assertEqual(self.daemon.answer(run, 7, question).status, 422)
        self.assertEqual(self.daemon.answer(run, ["1", "bl"], question).status, 200)
        self.daemon.wait_end(run)
        self.assertTrue(self.daemon.output(run).endswith('["r",{"n":3}]\n'))

    def everything(self, run, *questions):
        """All that a person can read of RUN."""
        paths = [f"/api/workflow/status/{run}", "/api/workflow/list",
                 f"/api/workflow/{run}/steps", f"/api/workflow/output/{run}?after=0&limit=10000",
                 "/api/questions", "/api/questions?state=answered", "/health", "/api/version"]
        paths += [f"/api/question/{q['question_id']}" for q in questions]
        replies = [self.daemon.get(path) for path in paths]
        self.assertEqual({reply.status for reply in replies}, {200})
        return "".join(reply.text for reply in replies)

    def test_a_secret_answer_is_shown_nowhere(self):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "secret": True,
             "validate": {"type": "integer", "max": 99999999}},
            {"step": "c", "type": "command", "argv": ["sh", "-c", "cat > got"], "stdin": "{{a}}"},
            {"step": "u", "type": "user_ask", "prompt": "last", "save_to": "l"}))
        question, seen = self.daemon.question(run), ""
        self.assertTrue(question["secret"])
        for answer in ("canary-word-77", "7777777777", "77777777"):  # no number, too high, right
            seen += self.daemon.answer(run, answer, question).text
        argo.wait_for(lambda: self.daemon.question(run)["prompt"] == "last", "the last question")
        self.assertEqual((self.daemon.home / "got").read_text(), "77777777")
        (self.daemon.home / "got").unlink()
        seen += self.everything(run, question)
        stolen = self.daemon.answer(run, "canary-word-77", question)
        self.assertEqual(stolen.status, 409)
        self.daemon.answer(run, "end")
        self.daemon.wait_end(run)
        seen += stolen.text + self.everything(run, question)
        seen += self.arc("status", run).stdout + self.arc("steps", run).stdout
        for secret in ("canary-word-77", "77777777"):
            self.assertNotIn(secret, seen)
            self.assertFalse([path for path in found_in(self.daemon.home, secret)
                              if not path.startswith("argo.db")])


class Files(argo.Case):
    def test_ways_to_read(self):
        home = self.daemon.home
        (home / "t.txt").write_bytes("ä\nb\r\n\nlast".encode())
        (home / "j.json").write_text('{"n": [1, 2.5, null]}')
        (home / "y.yaml").write_text("list:\n  - one\n  - two: 2\n")
        run = self.daemon.launch(steps(
            {"step": "t", "type": "read_file", "source": "t.txt", "save_to": "t"},
            {"step": "l", "type": "read_file", "source": str(home / "t.txt"), "parse": "lines",
             "save_to": "l"},
            {"step": "j", "type": "read_file", "source": "j.json", "parse": "json",
             "save_to": "j"},
            {"step": "y", "type": "read_file", "source": "y.yaml", "parse": "yaml",
             "save_to": "y"},
            {"step": "s", "type": "save_file", "destination": "all.json",
             "data": {"t": "{{t}}", "l": "{{l}}", "j": "{{j}}", "y": "{{y}}"}}), wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done", self.daemon.status(run))
        self.assertEqual(json.loads((home / "all.json").read_text()), {
            "t": "ä\nb\r\n\nlast", "l": ["ä", "b", "", "last"], "j": {"n": [1, 2.5, None]},
            "y": {"list": ["one", {"two": 2}]}})

    def test_files_that_cannot_be_read(self):
        (self.daemon.home / "bad.json").write_text('{"n": }')
        for source, parse, word in (("none", "text", "No such file"), (".", "text", ""),
                                    ("bad.json", "json", "line 1"), ("/dev/zero", "text", "")):
            run = self.daemon.launch(steps(
                {"step": "r", "type": "read_file", "source": source, "parse": parse,
                 "save_to": "a"}), wait=True)
            error = self.daemon.status(run)["data"]["error"]
            self.assertEqual(error["code"], "io")
            self.assertIn(word, error["message"])

    def test_append_and_mode(self):
        home = self.daemon.home
        (home / "there").write_text("old")
        run = self.daemon.launch(steps(
            {"step": "init", "type": "set", "values": {"n": 0}},
            {"step": "a", "type": "save_file", "destination": "log", "data": "line {{n}}\n",
             "append": True, "mode": "0640"},
            {"step": "n", "type": "set", "values": {"n": "{{n + 1}}"}},
            {"step": "more", "type": "decide", "condition": "n < 3", "if_true": "a",
             "if_false": "b"},
            {"step": "b", "type": "save_file", "destination": "new/secret", "data": "x",
             "mode": "0600"},
            {"step": "c", "type": "save_file", "destination": "there", "data": {"a": 1}}),
            wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done", self.daemon.status(run))
        self.assertEqual((home / "log").read_text(), "line 0\nline 1\nline 2\n")
        self.assertEqual(stat.S_IMODE((home / "log").stat().st_mode), 0o640)
        self.assertEqual(stat.S_IMODE((home / "new/secret").stat().st_mode), 0o600)
        self.assertEqual(json.loads((home / "there").read_text()), {"a": 1})


class Orphans(argo.Case):
    def test_what_steps_leave_behind_is_reaped(self):
        def children(executor):
            ids = pathlib.Path(f"/proc/{executor}/task/{executor}/children").read_text().split()
            return [pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                    for pid in ids]
        leave = "for i in 1 2 3; do (setsid sh -c 'until test -e go; do sleep 0.01; done' &) ; done"
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": ["sh", "-c", leave]},
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"},
            {"step": "e", "type": "command", "argv": ["true"]},
            {"step": "r", "type": "user_ask", "prompt": "again", "save_to": "a"}))
        first = self.daemon.question(run)
        executor = self.daemon.executor(run)
        self.assertEqual(len(children(executor)), 3)
        (self.daemon.home / "go").touch()
        argo.wait_for(lambda: children(executor) == ["Z"] * 3, "three ended orphans")
        self.daemon.answer(run, "x", first)
        argo.wait_for(lambda: self.daemon.question(run)["prompt"] == "again", "the next question")
        self.assertEqual(children(executor), [])
        self.daemon.answer(run, "x")
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")


class Limits(argo.Case):
    def test_the_time_of_a_run_survives_its_executor(self):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"}, show(),
            limits={"timeout": 3}))
        self.daemon.question(run)
        os.kill(self.daemon.executor(run), 9)
        status = self.daemon.wait_end(run)
        self.assertEqual((status["status"], status["data"]["error"]["code"]),
                         ("failed", "timeout"))
        self.assertIn("limits.timeout", status["data"]["error"]["message"])
        states = {q["state"] for q in self.daemon.get("/api/questions").json["questions"]}
        self.assertNotIn("open", states)

    def test_limits_without_effect_are_refused(self):
        reply = self.daemon.post("/api/workflow/start", {"definition": steps(
            show(message="x"), limits={"memory": 1, "cpu": 2})})
        self.assertEqual((reply.status, reply.json["error"]["code"]), (422, 1009))
        self.assertEqual(reply.text.count("is not supported by this version"), 2)


if __name__ == "__main__":
    argo.main()
