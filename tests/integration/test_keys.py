#!/usr/bin/env python3
"""Idempotency-Key on every route by which a user changes something: the list is the route table's. The
same request again gets the first reply and does nothing; another one with its key is refused."""
import hashlib
import re

import argo

ASK = {"workflow_name": "t", "steps": [
    {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"}]}
SHA256_OF_X = hashlib.sha256(b"x").hexdigest()
ROUTE = re.compile(r'^\s+\{AG_(POST|DELETE), "([^"]+)", (?:USER|EITHER|BOTH),', re.M)


class Keys(argo.Case):
    def asking(self, name):
        self.daemon.launch(ASK, workflow_id=name)
        return self.daemon.question(name)

    def setUp(self):
        super().setUp()
        directory = self.daemon.home / ".argo/workflows"
        directory.mkdir(parents=True)
        self.files = [str(directory / f"{name}.yaml") for name in "ab"]
        for file in self.files:
            with open(file, "w") as out:
                out.write("x")
        self.requests = {**self.REQUESTS, "POST /api/trust": (
            "/api/trust", {"path": self.files[0], "sha256": SHA256_OF_X}),
            "DELETE /api/trust": (f"/api/trust?path={self.files[1]}", None)}

    def prepare(self):
        """What the requests below are about."""
        self.asking("w1")
        self.asking("w2")
        self.asking("w3")
        self.daemon.post("/api/workflow/pause/w3")
        self.daemon.post("/api/registry/ci", {"name": "old"})
        self.daemon.post("/api/session", {"session_id": "s1"})
        self.daemon.post("/api/session", {"session_id": "s2"})
        self.daemon.post("/api/trust", {"path": self.files[1], "sha256": SHA256_OF_X})

    # Route -> path, body. They come in this order, the daemon's end last.
    REQUESTS = {
        "POST /api/template/validate": ("/api/template/validate", {"template": "hello"}),
        "POST /api/workflow/start": ("/api/workflow/start", {"template": "hello"}),
        "POST /api/workflow/input/{id}": ("/api/workflow/input/w1", {"input": "Ada"}),
        "POST /api/workflow/pause/{id}": ("/api/workflow/pause/w2", {}),
        "POST /api/workflow/resume/{id}": ("/api/workflow/resume/w3", {}),
        "POST /api/workflow/{id}/message": ("/api/workflow/w3/message",
                                            {"type": "x-test", "payload": 1}),
        "DELETE /api/workflow/abandon/{id}": ("/api/workflow/abandon/w2", None),
        "POST /api/registry/ci": ("/api/registry/ci", {"name": "new"}),
        "POST /api/registry/ci/{name}/heartbeat": ("/api/registry/ci/old/heartbeat", {"task": ""}),
        "POST /api/registry/ci/{name}/message": ("/api/registry/ci/old/message", {"type": "x"}),
        "DELETE /api/registry/ci/{name}": ("/api/registry/ci/old", None),
        "POST /api/session": ("/api/session", {"description": "one"}),
        "POST /api/session/{session}/pause": ("/api/session/s2/pause", {}),
        "POST /api/session/{session}/resume": ("/api/session/s2/resume", {}),
        "DELETE /api/session/{session}": ("/api/session/s1", None),
        "POST /api/trust": None,  # about files of each test's own: see setUp
        "DELETE /api/trust": None,
        "POST /api/daemon/sync": ("/api/daemon/sync", {}),
        "POST /api/daemon/shutdown": ("/api/daemon/shutdown", {}),
    }

    def send(self, route, key, changed=False):
        """CHANGED: the same route and path, and another body, or without a body another query."""
        method = route.split()[0]
        path, body = self.requests[route]
        if changed:
            path += ("&" if "?" in path else "?") + "changed=1" if body is None else ""
            body = body if body is None else {**body, "changed": 1}
        return self.daemon.request(method, path, body, {"Idempotency-Key": key})

    def state(self):
        """When every run stands where it waits for somebody, or has ended."""
        def settled():
            runs = self.daemon.get("/api/workflow/list?state=all").json["workflows"]
            return all(run["status"] not in ("queued", "running") for run in runs)
        argo.wait_for(settled, "the runs to settle")
        return [self.daemon.get(path).text for path in (
            "/api/workflow/list?state=all", "/api/registry/ci", "/api/session", "/api/questions")]

    def lasting(self, route, reply):
        """Of a start the run is shown as it is now."""
        return reply.json["workflow_id"] if route == "POST /api/workflow/start" else reply.text

    def check(self, route):
        reply = self.send(route, route)
        self.assertIn(reply.status, (200, 201), reply)
        if route == "POST /api/daemon/shutdown":
            self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)
            self.daemon.start()
        before = self.state()
        again = self.send(route, route)
        self.assertEqual((again.status, self.lasting(route, again)),
                         (reply.status, self.lasting(route, reply)))
        other = self.send(route, route, changed=True)
        self.assertEqual((other.status, other.json["error"]["code"]), (409, 1012), other)
        self.assertEqual(self.state(), before)

    def test_every_route(self):
        routes = {f"{method} {path}" for method, path in ROUTE.findall(
            (argo.ROOT / "libargo/daemon/routes.c").read_text())}
        self.assertEqual(set(self.REQUESTS), routes, "a route without a line in this test")
        self.prepare()
        for route in self.REQUESTS:
            with self.subTest(route=route):
                self.check(route)

    def test_the_length_of_a_key(self):
        self.prepare()
        for route in self.REQUESTS:
            with self.subTest(route=route):
                for key in ("k" * 257, ""):
                    reply = self.send(route, key)
                    self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1001))
        self.assertEqual(self.send("POST /api/registry/ci", "k" * 256).status, 201)
        self.assertEqual(self.send("POST /api/workflow/start", "s" * 256).status, 200)

    def test_a_key_outlasts_the_daemon(self):
        first = self.send("POST /api/session", "k")
        self.daemon.kill()
        self.daemon.start()
        again = self.send("POST /api/session", "k")
        self.assertEqual((again.status, again.text), (201, first.text))

    def test_what_fails_is_not_kept(self):
        """An error has had no effect: the same request may succeed later."""
        path, key = "/api/session/later/pause", {"Idempotency-Key": "k"}
        self.assertEqual(self.daemon.post(path, headers=key).status, 404)
        self.daemon.post("/api/session", {"session_id": "later"})
        self.assertEqual(self.daemon.post(path, headers=key).status, 200)


if __name__ == "__main__":
    argo.main()
