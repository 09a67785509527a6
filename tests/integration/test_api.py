#!/usr/bin/env python3
"""The shape of every reply about a run: fields and their order, compact JSON, errors, long polls, kept
replies. Executors are stood in for, so that both sides of each route are driven from here."""
import json
import re
import threading

import argo
import contract
import shape
import standin
from standin import ASK

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


class Runs(standin.Case, shape.Case):
    """With runs whose executor is played by the test."""

    def start(self, name, **members):
        run, self.headers = self.played(name, **members)
        return run

    def say(self, run, text):
        reply = self.daemon.post(f"/api/workflow/output/{run}", {"output": text},
                                 headers=self.headers)
        self.assert_shape(reply, "status data")

    def ask(self, run, question="q-1", **members):
        return self.daemon.post(f"/api/workflow/{run}/question", {
            "question_id": question, "path": "q", "kind": "text", "prompt": "?", **members},
            headers=self.headers)

    def later(self, path, **kw):
        """A GET in another thread; its reply when it is called."""
        found = []
        thread = threading.Thread(target=lambda: found.append(self.daemon.get(path, **kw)))
        thread.start()

        def result():
            thread.join(argo.DEADLINE)
            return found[0]
        return result

    def test_start_and_status(self):
        reply = self.daemon.post("/api/workflow/start", {
            "definition": ASK, "workflow_id": "w", "cwd": str(self.daemon.home)})
        value = self.assert_shape(reply, "status workflow_id environment data")
        self.assertEqual((value["workflow_id"], value["environment"]), ("w", "dev"))
        self.assertEqual(list(value["data"])[:3], ["workflow_id", "pid", "state"])
        self.assertEqual(value["data"]["state"], "running")
        self.assertEqual(value["data"]["branch"], "main")
        self.assertTrue(argo.alive(value["data"]["pid"]))
        status = self.assert_shape(self.daemon.get("/api/workflow/status/w"),
                                   "workflow_id status pid template data")
        self.assertEqual((status["status"], status["template"]), ("running", "ask"))
        self.assertEqual(status["pid"], value["data"]["pid"])
        self.assert_error(self.daemon.post("/api/workflow/start", {
            "definition": ASK, "workflow_id": "w"}), 409, 1007)
        self.assert_error(self.daemon.post("/api/workflow/start", {"template": "no"}), 404, 1004)
        self.assert_error(self.daemon.get("/api/workflow/status/w?wait=x"), 400, 1001, "wait")
        self.assert_error(self.daemon.get("/api/workflow/status/w?timeout=x"), 400, 1001)

    @staticmethod
    def bad_values(schema):
        """Values of a parameter that its schema excludes."""
        kind = schema["type"]
        if kind in ("integer", "number"):
            least, most = schema.get("minimum"), schema.get("maximum")
            return ["x", "", "1x", *(["1.5"] if kind == "integer" else []),
                    *([str(least - 1)] if least is not None else []),
                    *([str(most + 1)] if most is not None else [])]
        if kind == "boolean" or "enum" in schema:
            return ["x", "", "TRUE"]
        return [""] if schema.get("minLength") else []

    def test_parameters_are_as_documented(self):
        """What the document does not allow is refused, and named; names that it does not have are
        ignored; a HEAD is as its GET."""
        run = self.start("w")
        self.ask(run, "q-1")
        self.daemon.post("/api/session", {"session_id": "s"})
        self.daemon.post("/api/registry/ci", {"name": "c", "model": "m"})
        names = {"id": run, "question": "q-1", "session": "s", "name": "c"}
        the, tried = contract.contract(), 0
        for path, item in the.document["paths"].items():
            if "get" not in item:
                continue
            target = re.sub(r"\{(\w+)\}", lambda m: names[m.group(1)],
                            path.replace("template/{name}", "template/hello"))
            headers = self.headers if item["get"]["x-argo-access"] == "executor" else {}
            for parameter in contract.resolved(item["get"].get("parameters", []), the.document):
                if parameter["in"] != "query":
                    continue
                for value in self.bad_values(parameter["schema"]):
                    tried += 1
                    with self.subTest(target, parameter=parameter["name"], value=value):
                        reply = self.daemon.get(f"{target}?{parameter['name']}={value}",
                                                headers=headers)
                        self.assert_error(reply, 400, 1001, parameter["name"])
            with self.subTest(target):
                required = "&".join(f"{p['name']}=/x" for p in item["get"].get("parameters", [])
                                    if p.get("required") and p.get("in") == "query")
                get, head = (self.daemon.request(method, f"{target}?unknown=1&{required}",
                                                 headers=headers) for method in ("GET", "HEAD"))
                self.assertIn(get.status, (200, 204), get)
                self.assertEqual((head.status, head.text), (get.status, ""))
                self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])
        self.assertGreater(tried, 60)

    def test_questions_in_pages(self):
        run = self.start("w")
        names = [f"q-{i}" for i in range(5)]
        for name in names:
            self.ask(run, name)
        seen, cursor = [], ""
        while cursor is not None:
            page = self.assert_shape(self.daemon.get(f"/api/questions?state=open&limit=2{cursor}"),
                                     "questions data")
            seen += [question["question_id"] for question in page["questions"]]
            cursor = page["data"]["next_cursor"]
            if len(seen) == 2:  # the place stays when what was there has gone
                self.daemon.post(f"/api/workflow/input/{run}", {"question_id": "q-1", "answer": "x"})
            cursor = cursor and f"&cursor={cursor}"
        self.assertEqual(seen, names)
        data = self.daemon.get("/api/questions").json["data"]
        self.assertEqual((data["count"], data["next_cursor"]), (5, None))
        for bad in ("x", "5", ".q", "x.q", "-1.q", "5.", "5.a b"):
            self.assert_error(self.daemon.get(f"/api/questions?cursor={argo.quote(bad)}"), 400, 1001,
                              "cursor")

    def test_start_once(self):
        for name, headers, members in (
                ("a", {"Idempotency-Key": "key-a"}, {}), ("b", {}, {"request_key": "key-b"})):
            body = {"definition": ASK, "workflow_id": name, "cwd": str(self.daemon.home), **members}
            first = self.daemon.post("/api/workflow/start", body, headers=headers)
            again = self.daemon.post("/api/workflow/start", body, headers=headers)
            self.assertEqual((first.status, again.status), (200, 200), again)
            self.assertEqual(again.json["data"]["pid"], first.json["data"]["pid"])
            self.assert_error(self.daemon.post("/api/workflow/start",
                                               {**body, "environment": "x"}, headers=headers),
                              409, 1012)

    def test_list_pages(self):
        names = [f"run-{i}" for i in range(5)]
        for name in names:
            self.start(name)
        value = self.assert_shape(self.daemon.get("/api/workflow/list"), "workflows data")
        self.assertEqual(list(value["workflows"][0]), "workflow_id status pid template "
                         "current_step total_steps step_name started".split())
        self.assertRegex(value["workflows"][0]["started"], TIME)
        self.assertEqual(value["data"], {"count": 5, "next_cursor": None})
        seen, cursor = [], ""
        while cursor is not None:
            page = self.daemon.get(f"/api/workflow/list?limit=2{cursor}").json
            self.assertEqual(page["data"]["count"], len(page["workflows"]))
            seen += [item["workflow_id"] for item in page["workflows"]]
            cursor = page["data"]["next_cursor"]
            cursor = cursor and f"&cursor={cursor}"
        self.assertEqual(seen, names[::-1])
        self.daemon.delete("/api/workflow/abandon/run-0")
        count = lambda query: self.daemon.get(f"/api/workflow/list{query}").json["data"]["count"]
        self.assertEqual([count(""), count("?state=all"), count("?state=abandoned"),
                          count("?state=done"), count("?template=ask"), count("?template=x"),
                          count("?limit=5&state=all")], [4, 5, 1, 0, 4, 0, 5])

    def test_abandon(self):
        run = self.start("w")
        waiting = self.later(f"/api/workflow/status/{run}?wait=terminal&timeout=60")
        key = {"Idempotency-Key": "abandon-w"}
        first = self.daemon.delete(f"/api/workflow/abandon/{run}", headers=key)
        value = self.assert_shape(first, "status workflow_id action data")
        again = self.daemon.delete(f"/api/workflow/abandon/{run}", headers=key)
        self.assertEqual((again.status, again.text), (200, first.text))
        self.assertEqual((value["workflow_id"], value["action"]), ("w", "abandoned"))
        ended = self.assert_shape(waiting(), "workflow_id status pid template data")
        self.assertEqual(ended["status"], "abandoned")
        self.assert_error(self.daemon.delete(f"/api/workflow/abandon/{run}"), 409, 1008)
        self.assert_error(self.daemon.delete("/api/workflow/abandon/nobody"), 404, 1005)
        # The id may be used again; the older run is w~1.
        self.start("w")
        self.assertEqual(self.daemon.status("w")["status"], "running")
        self.assertEqual(self.daemon.status("w~1")["status"], "abandoned")

    def test_progress_and_steps(self):
        run = self.start("w")
        post = lambda path, body: self.daemon.post(path, body, headers=self.headers)
        self.assert_shape(post(f"/api/workflow/progress/{run}", {
            "current_step": 2, "total_steps": 4, "step_name": "q"}), "status workflow_id data")
        item = self.daemon.get("/api/workflow/list").json["workflows"][0]
        self.assertEqual([item[key] for key in ("current_step", "total_steps", "step_name")],
                         [2, 4, "q"])
        step = {"step": "q", "path": "q", "attempt": 1}
        self.assert_shape(post(f"/api/workflow/{run}/step/start", step),
                          "status workflow_id data")
        self.assert_shape(post(f"/api/workflow/{run}/step/output",
                               {"step": "q", "path": "q", "text": "half\n"}),
                          "status workflow_id data")
        started = self.assert_shape(self.daemon.get(f"/api/workflow/{run}/steps"), "steps data")
        self.assertEqual(started["steps"][0]["status"], "started")
        checkpoint = self.assert_shape(self.daemon.get(f"/api/workflow/{run}/checkpoint",
                                                       headers=self.headers),
                                       "status workflow_id data")["data"]
        self.assertEqual((checkpoint["flight_step"], checkpoint["flight_attempt"]), ("q", 1))
        done = {**step, "status": "done", "outputs": {"o": 1}, "variables": {"a": "b"}}
        for _ in range(2):  # the same report again changes nothing
            self.assert_shape(post(f"/api/workflow/{run}/step/complete", done),
                              "status workflow_id data")
        steps = self.daemon.get(f"/api/workflow/{run}/steps").json
        self.assertEqual(steps["data"], {"count": 1, "next_cursor": None})
        row = steps["steps"][0]
        keys = ("step path attempt status epoch started ended next_step outputs usage error "
                "duration").split()
        self.assertEqual(list(row), [key for key in keys if key in row])
        self.assertEqual((row["status"], row["outputs"]), ("done", {"o": 1}))
        self.assert_error(post(f"/api/workflow/{run}/step/start", {**step, "attempt": 0}),
                          400, 1001, "attempt")
        self.assert_error(post(f"/api/workflow/{run}/message",
                               {"type": "nonsense", "payload": {}}), 400, 1001, "type")
        stale = {**self.headers, "X-Argo-Epoch": "9"}
        for path, body in ((f"/api/workflow/progress/{run}",
                            {"current_step": 1, "total_steps": 1, "step_name": "q"}),
                           (f"/api/workflow/{run}/step/start", {**step, "attempt": 2}),
                           (f"/api/workflow/{run}/step/output",
                            {"step": "q", "path": "q", "text": "x"}),
                           (f"/api/workflow/{run}/step/complete", {**done, "attempt": 2}),
                           (f"/api/workflow/output/{run}", {"output": "x"}),
                           (f"/api/workflow/{run}/question",
                            {"question_id": "z", "path": "q", "kind": "text", "prompt": "?"}),
                           (f"/api/workflow/{run}/message",
                            {"type": "workflow_complete", "payload": {"status": "done"}})):
            self.assert_error(self.daemon.post(path, body, headers=stale), 409, 1010)
        self.assertEqual(self.daemon.status(run)["status"], "running")
        self.assert_shape(post(f"/api/workflow/{run}/message", {
            "type": "workflow_complete", "payload": {"status": "done", "result": {"r": 1}}}),
            "status workflow_id data")
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["data"]["result"]), ("done", {"r": 1}))

    def test_the_end_with_the_last_step(self):
        run = self.start("w")
        post = lambda body: self.daemon.post(f"/api/workflow/{run}/step/complete", body,
                                             headers=self.headers)
        checkpoint = self.daemon.get(f"/api/workflow/{run}/checkpoint", headers=self.headers)
        self.assertIs(checkpoint.json["data"]["ends"], True)
        body = {"step": "q", "path": "q", "attempt": 1, "status": "done", "next_step": "EXIT",
                "end": {"status": "done", "result": {"r": 1}}}
        for wrong in ({"next_step": "q"}, {"start": {"step": "r", "path": "r", "attempt": 1}},
                      {"end": {}}, {"end": {"status": "gone"}}):
            self.assert_error(post({**body, **wrong}), 400, 1001)
        self.assertEqual(self.daemon.status(run)["status"], "running")
        self.assert_shape(post(body), "status workflow_id data")
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["data"]["result"]), ("done", {"r": 1}))
        self.assertEqual(len(self.daemon.get(f"/api/workflow/{run}/steps").json["steps"]), 1)
        self.assert_error(post(body), 401, 1101)

    def test_output(self):
        run = self.start("w")
        path = f"/api/workflow/output/{run}"
        empty = self.assert_shape(self.daemon.get(path), "status output data")
        self.assertEqual(empty["data"], {"records": [], "next_after": 0, "ended": False})
        self.say(run, "one\n")
        self.assert_shape(self.daemon.post(path, {"records": [
            {"kind": "text", "text": "two\n", "client_key": "c1"},
            {"kind": "text", "text": "two again\n", "client_key": "c1"},
            {"kind": "stderr", "text": "three\n", "client_key": "c2"}]}, headers=self.headers),
            "status data")
        for body in ({}, {"output": "x", "records": [{"kind": "text", "text": "x"}]}):
            self.assert_error(self.daemon.post(path, body, headers=self.headers), 400, 1001)

        # The default cursor moves with a GET that was answered, not with HEAD nor with `after`.
        for _ in range(2):
            self.assertEqual(self.daemon.request("HEAD", path).status, 200)
            self.assertEqual(self.daemon.get(f"{path}?after=0").json["output"],
                             "one\ntwo\nthree\n")
        value = self.assert_shape(self.daemon.get(f"{path}?limit=1"), "status output data")
        self.assertEqual(value["output"], "one\n")
        self.assertEqual(list(value["data"]), ["records", "next_after", "ended"])
        self.assertEqual(list(value["data"]["records"][0])[:5],
                         "seq kind text path at".split())
        self.assertRegex(value["data"]["records"][0]["at"], TIME)
        argo.wait_for(lambda: self.daemon.get(path).json["output"] == "", "the moved cursor")
        self.assertEqual([r["kind"] for r in self.daemon.records(run)],
                         ["text", "text", "stderr"])

        # `after` continues anywhere, also for several readers.
        seqs = [r["seq"] for r in self.daemon.records(run)]
        self.assertEqual(self.daemon.get(f"{path}?after={seqs[0]}").json["output"],
                         "two\nthree\n")
        waiting = [self.later(f"{path}?after={seqs[-1]}&timeout=60") for _ in range(3)]
        self.say(run, "four\n")
        self.assertEqual([w().json["output"] for w in waiting], ["four\n"] * 3)
        value = self.daemon.get(f"{path}?after=999&timeout=0.05").json
        self.assertEqual((value["output"], value["data"]["next_after"]), ("", 999))
        for query in ("after=-1", "after=x", "limit=0", "limit=10001", "timeout=-1"):
            self.assert_error(self.daemon.get(f"{path}?{query}"), 400, 1001)

        waiting = self.later(f"{path}?after=999&timeout=60")
        self.daemon.delete(f"/api/workflow/abandon/{run}")
        self.assertIs(waiting().json["data"]["ended"], True)
        self.assertTrue(self.daemon.get(f"{path}?after=0").json["output"].startswith("one\n"))

    def test_input(self):
        run = self.start("w")
        path = f"/api/workflow/input/{run}"
        reply = self.daemon.get(path, headers=self.headers)
        self.assertEqual((reply.status, reply.text), (204, ""))
        self.assertEqual(self.daemon.get(f"{path}?timeout=0", headers=self.headers).status, 204)
        value = self.assert_shape(self.daemon.get(f"{path}?after=5&timeout=0.01",
                                                  headers=self.headers), "status input data")
        self.assertEqual((value["input"], value["data"]), ("", {"records": [], "next_after": 5}))
        waiting = self.later(f"{path}?after=0&timeout=60", headers=self.headers)
        polling = self.later(f"/api/workflow/{run}/messages?after=0&timeout=60&with=input",
                             headers=self.headers)
        value = self.assert_shape(self.daemon.post(path, {"input": "hello"}),
                                  "status workflow_id queued data")
        self.assertEqual((value["workflow_id"], value["queued"], list(value["data"])),
                         (run, True, ["seq"]))
        got = self.assert_shape(waiting(), "status input data")
        self.assertEqual(got["input"], "hello")
        self.assertEqual(got["data"]["records"][0]["seq"], value["data"]["seq"])
        got = self.assert_shape(polling(), "messages data")
        self.assertEqual(got["messages"], [])
        self.assertEqual(got["data"]["input"][0]["text"], "hello")
        for body in ({}, {"answer": 1, "input": "x", "question_id": "q"}, {"input": 1}):
            self.assertEqual(self.daemon.post(path, body).status // 100, 4)

        # The same line again with its key is the same record.
        for headers, body in (({"Idempotency-Key": "i1"}, {"input": "once"}),
                              ({}, {"input": "too", "client_key": "ck"})):
            first = self.daemon.post(path, body, headers=headers)
            again = self.daemon.post(path, body, headers=headers)
            self.assertEqual((again.status, again.text), (200, first.text))
        texts = [r["text"] for r in self.daemon.get(f"{path}?after=0", headers=self.headers)
                 .json["data"]["records"]]
        self.assertEqual(texts, ["hello", "once", "too"])
        self.assert_error(self.daemon.post(path, {"input": "other"},
                                           headers={"Idempotency-Key": "i1"}), 409, 1012)

    def test_messages(self):
        run = self.start("w")
        path = f"/api/workflow/{run}/messages"
        value = self.assert_shape(self.daemon.get(f"{path}?timeout=0.05&after=0",
                                                  headers=self.headers), "messages data")
        self.assertEqual(value["messages"], [])
        self.assertEqual(value["data"]["count"], 0)
        waiting = self.later(f"{path}?timeout=60&after=0", headers=self.headers)
        self.daemon.delete(f"/api/workflow/abandon/{run}")
        self.assertIn(waiting().status, (200, 401, 409))

    def test_questions(self):
        run = self.start("w")
        value = self.assert_shape(self.ask(run), "status question_id state data")
        self.assertEqual((value["question_id"], value["state"]), ("q-1", "open"))
        self.assertEqual(self.ask(run).text, json.dumps(value, separators=(",", ":")))
        self.assertEqual(self.daemon.status(run)["status"], "waiting")
        listed = self.assert_shape(self.daemon.get("/api/questions?state=open"),
                                   "questions data")
        self.assertEqual(list(listed["data"]), ["count", "next_cursor", "next_after"])
        self.assertEqual((listed["data"]["count"], listed["data"]["next_cursor"]), (1, None))
        question = listed["questions"][0]
        self.assertEqual(list(question)[:5],
                         "question_id workflow_id path kind prompt".split())
        shown = self.assert_shape(self.daemon.get("/api/question/q-1"),
                                  "status question_id state data")
        self.assertEqual(shown["data"], question)
        post = lambda body, **kw: self.daemon.post(f"/api/workflow/input/{run}", body, **kw)

        # With two open ones a bare line goes to none; the refusal lists them.
        self.ask(run, "q-2", kind="confirm")
        error = self.assert_error(post({"input": "x"}), 409, 1008)
        self.assertIn("q-1", error["details"])
        self.assertIn("q-2", error["details"])
        self.assert_error(post({"question_id": "q-2", "answer": "perhaps"}), 422, 1013)
        self.assert_error(post({"question_id": "q-9", "answer": True}), 404, 1016)
        self.assert_shape(post({"question_id": "q-2", "answer": True},
                               headers={"X-Argo-Client": "tool"}),
                          "status workflow_id queued data")
        error = self.assert_error(post({"question_id": "q-2", "answer": False}), 409, 1011)
        answered = self.daemon.get("/api/question/q-2").json["data"]
        self.assertEqual((answered["state"], answered["answer"], answered["answered_via"]),
                         ("answered", True, "tool"))
        self.assertTrue(answered["answered_by"])
        self.assertEqual(post({"input": "bare"}, tcp=True).status, 200)
        answered = self.daemon.get("/api/question/q-1").json["data"]
        self.assertEqual((answered["answer"], answered["answered_via"]), ("bare", "http"))
        self.assertEqual(self.daemon.get("/api/questions?state=open").json["questions"], [])
        self.assertEqual(self.daemon.get("/api/questions").json["data"]["count"], 2)
        again = self.ask(run).json
        self.assertEqual((again["state"], again["data"]["answer"]), ("answered", "bare"))

        # A secret answer reaches the executor and nobody else.
        self.ask(run, "q-3", secret=True)
        self.assertEqual(post({"question_id": "q-3", "answer": "s3cret"}).status, 200)
        self.assertEqual(self.ask(run, "q-3", secret=True).json["data"]["answer"], "s3cret")
        for path in ("/api/questions", "/api/question/q-3",
                     f"/api/workflow/output/{run}?after=0", f"/api/workflow/{run}/steps",
                     f"/api/workflow/status/{run}"):
            self.assertNotIn("s3cret", self.daemon.get(path).text)

    def test_questions_that_cannot_be_asked(self):
        run = self.start("w")
        for members, field, says in (
                ({"schema": {"type": "integer", "minimun": 1}}, "schema", "schema.minimun"),
                ({"schema": {"$ref": "#"}}, "schema", "unknown word"),
                ({"schema": {"type": "integer"}, "default": "x"}, "default", "an integer"),
                ({"kind": "choice"}, "choices", "at least one"),
                ({"kind": "choice", "choices": [{"label": "a"}], "default": "b"}, "default",
                 "none of the choices"),
                ({"kind": "confirm", "default": True}, "default", "expected false"),
                ({"kind": "permission", "default": "yes"}, "default", "expected false"),
                ({"on_deadline": "default"}, "on_deadline", "none"),
                ({"kind": "form", "schema": {"properties": {"a": {"type": "integer",
                                                                  "default": "x"}}}},
                 "schema", "schema.properties.a.default")):
            error = self.assert_error(self.ask(run, **members), 400, 1001, field)
            self.assertIn(says, error["details"])
        problems = self.ask(run, schema={"typ": 1, "maximun": 2}).json["error"]["problems"]
        self.assertEqual([(p["path"], p["nearest"]) for p in problems],
                         [("schema.typ", "type"), ("schema.maximun", "maximum")])
        self.assertEqual(self.daemon.get("/api/questions").json["questions"], [])

    def test_permission(self):
        run = self.start("w")
        self.ask(run, kind="permission", prompt="May I?")
        post = lambda body: self.daemon.post(f"/api/workflow/input/{run}", body)
        self.assert_error(post({"input": "yes"}), 409, 1008)
        self.assert_error(post({"question_id": "q-1", "answer": "always"}), 422, 1013)
        self.arc("answer", run, "no, not there", check=0)
        answered = self.daemon.get("/api/question/q-1").json["data"]
        self.assertEqual(answered["answer"], {"approved": False, "reason": "not there"})

    def test_arc_is_named(self):
        run = self.start("w")
        self.ask(run)
        self.arc("answer", run, "Ada", check=0)
        answered = self.daemon.get("/api/question/q-1").json["data"]
        self.assertEqual((answered["answer"], answered["answered_via"]), ("Ada", "arc"))

    def test_shutdown_with_abandon(self):
        pids = []
        for name in ("a", "b", "c"):
            self.start(name)
            pids.append(self.daemon.executor(name))
        self.assert_shape(self.daemon.post("/api/daemon/shutdown",
                                           {"abandon": True, "grace_s": 5}), "status data")
        self.assertEqual([pid for pid in pids if argo.alive(pid)], [])
        self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)
        self.daemon.start()
        states = [item["status"] for item in
                  self.daemon.get("/api/workflow/list?state=all").json["workflows"]]
        self.assertEqual(states, ["abandoned"] * 3)


if __name__ == "__main__":
    argo.main()
