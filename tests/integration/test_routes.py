#!/usr/bin/env python3
"""The shape of the replies that need no run: fields and their order, compact JSON, errors."""
import hashlib
import hmac
import json

import argo
import shape
from standin import ASK


class Routes(shape.Case):
    """Without runs."""

    def test_health(self):
        full = "service version pid uptime store workflows executors open_questions port".split()
        for path in ("/health", "/api/health"):
            value = self.assert_shape(self.daemon.get(path), "status data")
            self.assertEqual(list(value["data"]), full)
            value = self.assert_shape(self.daemon.get(path, tcp=True), "status data")
            self.assertEqual(list(value["data"]), full)
            self.assertEqual(value["data"]["port"], self.daemon.port)
            self.assertEqual(value["data"]["pid"], self.daemon.process.pid)
            for headers in ({}, {"Authorization": "Bearer nonsense"}):
                reply = self.daemon.get(path, tcp=True, token=False, headers=headers)
                self.assertEqual(reply.text,
                                 '{"status":"success","data":{"service":"argo-daemon"}}')

    def test_proof(self):
        challenge = "0123456789abcdef" * 4
        for tcp in (False, True):
            reply = self.daemon.get(f"/api/health?challenge={challenge}", tcp=tcp, token=False)
            value = self.assert_shape(reply, "status proof data")
            text = f"argo1|{self.daemon.port if tcp else 0}|{challenge}"
            self.assertEqual(value["proof"], hmac.new(
                self.daemon.token.encode(), text.encode(), hashlib.sha256).hexdigest())
        for bad in ("", "0" * 63, "0" * 65, "g" * 64):
            self.assert_error(self.daemon.get(f"/api/health?challenge={bad}"), 400, 1001,
                              "challenge")

    def replace_program(self, content):
        new = self.prefix / "bin/argo-daemon.new"
        new.write_bytes(content)
        new.chmod(0o755)
        new.replace(self.prefix / "bin/argo-daemon")

    def test_version(self):
        value = self.assert_shape(
            self.daemon.get("/api/version"),
            "status version binary_sha256 disk_sha256 update_available api_version pid data")
        program = (self.prefix / "bin/argo-daemon").read_bytes()
        self.assertEqual(value["binary_sha256"], hashlib.sha256(program).hexdigest())
        self.assertEqual(value["disk_sha256"], value["binary_sha256"])
        self.assertIs(value["update_available"], False)
        self.assertEqual(value["pid"], self.daemon.process.pid)
        for content in (program + b"\n", program):  # an update, and back
            self.replace_program(content)
            value = self.daemon.get("/api/version").json
            self.assertEqual(value["binary_sha256"], hashlib.sha256(program).hexdigest())
            self.assertEqual(value["disk_sha256"], hashlib.sha256(content).hexdigest())
            self.assertIs(value["update_available"], content != program)

    def test_errors(self):
        error = self.assert_error(self.daemon.get("/api/nothing"), 404, 1205)
        self.assertIn("/api/nothing", error["details"])
        reply = self.daemon.delete("/api/version")
        self.assert_error(reply, 405, 1206)
        self.assertEqual(reply.headers["Allow"], "GET, HEAD")
        reply = self.daemon.request("PUT", "/api/registry/ci/x")
        self.assert_error(reply, 405, 1206)
        self.assertEqual(reply.headers["Allow"], "GET, HEAD, DELETE")
        self.assert_error(self.daemon.get("/api/workflow/status/nobody"), 404, 1005)
        self.assert_error(self.daemon.get("/api/question/nobody"), 404, 1016)
        self.assert_error(self.daemon.get("/api/template/nobody"), 404, 1004)
        self.assert_error(self.daemon.get("/api/registry/ci/nobody"), 404, 1006)
        self.assert_error(self.daemon.post("/api/registry/ci", "{"), 400, 1002)
        self.assert_error(self.daemon.post("/api/registry/ci", {"name": 1}), 400, 1001, "name")
        for query in ("state=no", "limit=0", "limit=1001", "limit=x", "cursor=-1", "cursor="):
            self.assert_error(self.daemon.get(f"/api/workflow/list?{query}"), 400, 1001)
        self.assert_error(self.daemon.get("/api/questions?state=no"), 400, 1001, "state")

    def test_problem_json(self):
        for accept in ("application/problem+json", "text/html, application/problem+json;q=0.9"):
            reply = self.daemon.post("/api/workflow/start", {"template": "nobody"},
                                     headers={"Accept": accept})
            self.assertEqual(reply.headers["Content-Type"], "application/problem+json")
            self.assertEqual(reply.status, 404)
            self.assertEqual(list(reply.json), "type title status detail code field".split()
                             if "field" in reply.json else "type title status detail code".split())
            self.assertEqual((reply.json["status"], reply.json["code"]), (404, 1004))
            self.assertEqual(reply.json["title"], "Template not found")
        reply = self.daemon.get("/api/version", headers={"Accept": "application/problem+json"})
        self.assertEqual(reply.headers["Content-Type"], "application/json")

    def test_head(self):
        for path in ("/health", "/api/version", "/api/workflow/list", "/api/registry/ci",
                     "/api/questions", "/api/template", "/api/workflow/status/nobody"):
            get = self.daemon.get(path)
            head = self.daemon.request("HEAD", path)
            self.assertEqual((head.status, head.text), (get.status, ""))
            self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])
            if path != "/health":  # its uptime may have grown by a digit
                self.assertEqual(head.headers["Content-Length"], get.headers["Content-Length"])

    def test_registry(self):
        keys = "name provider model port socket_path role status last_heartbeat"
        empty = self.assert_shape(self.daemon.get("/api/registry/ci"), "cis data")
        self.assertEqual(empty["data"], {"count": 0, "next_cursor": None})
        reply = self.daemon.post("/api/registry/ci", {
            "name": "zoe", "provider": "replay", "model": "m", "port": 9000, "role": "builder",
            "command": ["a", "b"], "capabilities": ["c"], "unknown": 1})
        value = self.assert_shape(reply, "status name data", 201)
        self.assertEqual(list(value["data"]), keys.split() + ["command", "capabilities"])
        self.assertEqual(value["data"]["status"], "registered")
        self.assert_error(self.daemon.post("/api/registry/ci", {"name": "zoe", "model": "m"}),
                          409, 1007, "name")
        self.assertEqual(self.daemon.post("/api/registry/ci",
                                          {"name": "abe", "model": "n"}).status, 201)
        listed = self.assert_shape(self.daemon.get("/api/registry/ci"), "cis data")
        self.assertEqual(listed["data"], {"count": 2, "next_cursor": None})
        self.assertEqual([ci["name"] for ci in listed["cis"]], ["abe", "zoe"])
        self.assertEqual(list(listed["cis"][0]), keys.split())
        shown = self.assert_shape(self.daemon.get("/api/registry/ci/zoe"), "status name data")
        self.assertEqual(shown, value)
        self.assertEqual(shown["data"], listed["cis"][1])
        gone = self.assert_shape(self.daemon.delete("/api/registry/ci/zoe"),
                                 "status name action data")
        self.assertEqual((gone["name"], gone["action"], gone["data"]), ("zoe", "removed", {}))
        self.assert_error(self.daemon.delete("/api/registry/ci/zoe"), 404, 1006)
        for body, field in (({"model": "m"}, "name"), ({"name": "a b"}, "name"),
                            ({"name": "a", "port": 65536}, "port"),
                            ({"name": "a", "port": -1}, "port"),
                            ({"name": "a", "model": "m" * 257}, "model"),
                            ({"name": "a", "provider": "../x"}, "provider")):
            self.assertIn(self.daemon.post("/api/registry/ci", body).json["error"]["field"], field)
        self.assertEqual(self.daemon.post("/api/registry/ci", {
            "name": "a", "port": 65535, "model": "m" * 256}).status, 201)

    def test_idempotency(self):
        key = {"Idempotency-Key": "k1"}
        ci = {"name": "a", "model": "m"}
        first = self.daemon.post("/api/registry/ci", ci, headers=key)
        self.assertEqual(first.status, 201)
        again = self.daemon.post("/api/registry/ci", ci, headers=key)
        self.assertEqual((again.status, again.text), (first.status, first.text))
        self.assertEqual(again.headers["Content-Type"], "application/json")
        self.assert_error(self.daemon.post("/api/registry/ci", {"name": "b", "model": "m"},
                                           headers=key), 409, 1012)
        self.assert_error(self.daemon.delete("/api/registry/ci/a", headers=key), 409, 1012)
        removed = self.daemon.delete("/api/registry/ci/a", headers={"Idempotency-Key": "k2"})
        again = self.daemon.delete("/api/registry/ci/a", headers={"Idempotency-Key": "k2"})
        self.assertEqual((removed.status, again.text), (200, removed.text))
        self.assertEqual(again.status, 200)
        # Kept over a restart; the effect is not repeated.
        self.daemon.kill()
        self.daemon.start()
        again = self.daemon.post("/api/registry/ci", ci, headers=key)
        self.assertEqual((again.status, again.text), (first.status, first.text))
        self.assertEqual(self.daemon.get("/api/registry/ci").json["cis"], [])
        # A failure is not kept: the same again may succeed.
        key = {"Idempotency-Key": "k" * 256}
        self.assert_error(self.daemon.delete("/api/registry/ci/a", headers=key), 404, 1006)
        self.assertEqual(self.daemon.post("/api/registry/ci", ci).status, 201)
        self.assertEqual(self.daemon.delete("/api/registry/ci/a", headers=key).status, 200)
        for bad in ("", "k" * 257):
            self.assert_error(self.daemon.post("/api/registry/ci", ci,
                                               headers={"Idempotency-Key": bad}), 400, 1001)
        self.assertEqual(self.daemon.get("/api/registry/ci").json["cis"], [])

    def test_templates(self):
        self.template("mine", {**ASK, "description": "Mine."})
        self.template("broken", "workflow_name: broken\nsteps:\n  - step: a\n    type: nope\n")
        value = self.assert_shape(self.daemon.get("/api/template"), "templates data")
        listed = {item["name"]: item for item in value["templates"]}
        self.assertEqual(sorted(listed), [item["name"] for item in value["templates"]])
        self.assertEqual(value["data"], {"count": len(listed), "next_cursor": None})
        self.assertIn("hello", listed)
        self.assertEqual(list(listed["mine"]),
                         "name path valid description steps parameters".split())
        self.assertEqual((listed["mine"]["valid"], listed["mine"]["steps"],
                          listed["mine"]["description"]), (True, 1, "Mine."))
        self.assertIs(listed["broken"]["valid"], False)
        shown = self.assert_shape(self.daemon.get("/api/template/mine"), "status name data")
        self.assertEqual(json.loads(shown["data"]["definition"])["description"], "Mine.")

        good = self.assert_shape(self.daemon.post("/api/template/validate", {"definition": ASK}),
                                 "status valid data")
        self.assertEqual(list(good["data"]), ["workflow_name", "steps", "parameters"])
        self.assertEqual(self.daemon.post("/api/template/validate",
                                          {"template": "mine"}).status, 200)
        text = ("workflow_name: bad\nsteps:\n  - step: a\n    type: dsplay\n    message: x\n"
                "  - step: b\n    type: display\n    message: x\n    next_step: nowhere\n")
        for path in ("/api/template/validate", "/api/workflow/start"):
            error = self.assert_error(self.daemon.post(
                path, {"definition": text, "definition_file": "bad.yaml"}), 422, 1009)
            problems = error["problems"]
            self.assertEqual([(p["file"], p["line"]) for p in problems],
                             [("bad.yaml", 4), ("bad.yaml", 9)])
            self.assertEqual(problems[0]["nearest"], "display")
            for problem in problems:
                keys = "file path line column message expected nearest".split()
                self.assertEqual(list(problem), [key for key in keys if key in problem])
        self.assert_error(self.daemon.post("/api/template/validate", {}), 400, 1001, "definition")
        self.assert_error(self.daemon.post("/api/template/validate", {"template": "no"}),
                          404, 1004)

    def test_shutdown_validates(self):
        for body, field in (({"grace_s": -1}, "grace_s"), ({"grace_s": 3601}, "grace_s"),
                            ({"grace_s": "1"}, "grace_s"), ({"abandon": 1}, "abandon")):
            self.assert_error(self.daemon.post("/api/daemon/shutdown", body), 400, 1001, field)
        value = self.assert_shape(self.daemon.post("/api/daemon/shutdown", {"grace_s": 3600}),
                                  "status data")
        self.assertEqual(value["data"], {})
        self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)

    def test_shutdown_once(self):
        """A shutdown that is sent again does not stop the daemon that was started meanwhile."""
        shut = lambda body, key: self.daemon.post("/api/daemon/shutdown", body,
                                                  headers={"Idempotency-Key": key})
        self.assert_error(shut({"grace_s": -1}, "k1"), 400, 1001, "grace_s")
        for body, key in (({"grace_s": 1}, "k1"), ({"grace_s": 1, "abandon": True}, "k2")):
            first = shut(body, key)
            self.assert_shape(first, "status data")
            self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)
            self.daemon.start()
            again = shut(body, key)
            self.assertEqual((again.status, again.text), (200, first.text))
            self.assert_error(shut({}, key), 409, 1012)
            self.assert_error(self.daemon.post("/api/registry/ci", {"name": "a"}, headers={
                "Idempotency-Key": key}), 409, 1012)
            self.assertEqual(self.daemon.get("/api/version").json["pid"],
                             self.daemon.process.pid)


if __name__ == "__main__":
    argo.main()
