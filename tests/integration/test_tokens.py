#!/usr/bin/env python3
"""What a run's token and a run's processes may do, and the limits of what an executor sends."""
import json
import sys

import argo
import standin
from raw import KIB, MIB, ROUTES, path_of
from standin import ASK


class Runs(argo.Case):
    """What a run's token and a run's processes may do."""

    def test_processes_of_a_run(self):
        """A step that talks to the socket has its run's rights: it answers and starts nothing."""
        other = self.daemon.launch(ASK)
        question = self.daemon.question(other)["question_id"]
        (self.daemon.home / "mine.py").write_text(
            "import json, os, socket, subprocess, sys, time\n"
            "def ask(method, path, body=None, *lines):\n"
            "    data = json.dumps(body).encode() if body is not None else b''\n"
            "    s = socket.socket(socket.AF_UNIX)\n"
            "    s.connect(sys.argv[1])\n"
            "    s.sendall('\\r\\n'.join([f'{method} {path} HTTP/1.1', 'Host: localhost',\n"
            "        'Content-Type: application/json', f'Content-Length: {len(data)}',\n"
            "        'Connection: close', *lines, '', '']).encode() + data)\n"
            "    got = b''\n"
            "    while (part := s.recv(65536)):\n"
            "        got += part\n"
            "    return int(got.split()[1])\n"
            "other, question, own, token = sys.argv[2:6]\n"
            "shown = 'Authorization: Bearer ' + token\n"
            "ci = {'name': 'x', 'model': 'm'}\n"
            "print(json.dumps([\n"
            "    ask('POST', f'/api/workflow/input/{other}', {'question_id': question,\n"
            "                                                 'answer': 'me'}),\n"
            "    ask('POST', f'/api/workflow/input/{own}', {'input': 'me'}),\n"
            "    ask('POST', f'/api/workflow/input/{other}', {'input': 'me'}, shown),\n"
            "    ask('POST', '/api/workflow/start', {'template': 'hello'}),\n"
            "    ask('POST', '/api/workflow/start', {'template': 'hello'}, shown),\n"
            "    ask('POST', '/api/registry/ci', ci),\n"
            "    ask('DELETE', f'/api/workflow/abandon/{other}'),\n"
            "    ask('GET', f'/api/workflow/status/{other}'),\n"
            "    ask('GET', '/api/workflow/list'),\n"
            "    ask('GET', '/api/questions'),\n"
            "    ask('POST', f'/api/workflow/{own}/step/start', {}),\n"
            "    ask('POST', '/api/daemon/shutdown', {}),\n"
            "    ask('GET', f'/api/workflow/status/{own}'),\n"
            "    ask('GET', f'/api/workflow/output/{own}?after=0'),\n"
            "    ask('GET', '/api/health')]))\n")
        # The owner's token, had the step got hold of it, does not make it the owner.
        own = self.daemon.launch({"workflow_name": "mine", "steps": [
            {"step": "c", "type": "command",
             "argv": ["setsid", "--wait", sys.executable, str(self.daemon.home / "mine.py"),
                      self.daemon.socket, other, question, "mine_1", self.daemon.token]}]},
            wait=True, workflow_id="mine_1")
        self.assertEqual(self.daemon.status(own)["status"], "done", self.daemon.output(own))
        got = json.loads(self.daemon.output(own))
        self.assertEqual(got, [403] * 10 + [401, 403] + [200] * 3)
        self.assertEqual(self.daemon.status(other)["status"], "waiting")
        self.assertEqual(self.daemon.get("/api/registry/ci").json["cis"], [])
        self.assertEqual(len(self.daemon.get("/api/workflow/list?state=all").json["workflows"]),
                         2)


class Tokens(standin.Case):
    """The same from outside, with the token of a run whose executor is a stand-in."""

    def test_a_token_is_for_one_run(self):
        first, mine = self.played("first")
        second, _ = self.played("second")
        for tcp in (False, True):
            for route in ROUTES:
                if route.access == "PUBLIC":
                    continue
                body = {} if route.method == "POST" else None
                with self.subTest(tcp=tcp, route=route):
                    named = "{id}" in route.pattern
                    reply = self.daemon.request(route.method, path_of(route, second), body,
                                                mine, tcp=tcp)
                    if named or route.access == "USER":
                        self.assertEqual((reply.status, reply.json["error"]["code"]), (403, 1102))
                    else:
                        # What it sends may be wrong, who it is is not.
                        self.assertIn(reply.status, (200, 400, 404))
                    if named:
                        reply = self.daemon.request(route.method, path_of(route, "absent"), body,
                                                    mine, tcp=tcp)
                        self.assertEqual(reply.status, 403)
                    if route.access == "EXECUTOR":
                        reply = self.daemon.request(route.method, path_of(route, first), body,
                                                    mine, tcp=tcp)
                        self.assertIn(reply.status, (200, 204, 400), reply)
        stale = {**mine, "X-Argo-Epoch": "77"}
        reply = self.daemon.get(f"/api/workflow/{first}/checkpoint", headers=stale)
        self.assertEqual((reply.status, reply.json["error"]["code"]), (409, 1010))
        for bad in ("", "x", "-1", "0", "1.5", "99999999999999999999"):
            reply = self.daemon.get(f"/api/workflow/{first}/checkpoint",
                                    headers={**mine, "X-Argo-Epoch": bad})
            self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1001), bad)

        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{first}").status, 200)
        for tcp in (False, True):
            for route in ROUTES:
                if route.access == "PUBLIC":
                    continue
                body = {} if route.method == "POST" else None
                with self.subTest(ended=True, tcp=tcp, route=route):
                    reply = self.daemon.request(route.method, path_of(route, first), body, mine,
                                                tcp=tcp)
                    self.assertEqual((reply.status, reply.json["error"]["code"]), (401, 1101))

    def test_sizes_of_values(self):
        run, mine = self.played("values")
        path = f"/api/workflow/{run}/step/complete"
        step = {"step": "q", "path": "q", "attempt": 1, "status": "done"}
        # Its quotes belong to a value's text.
        for size, status in ((256 * KIB - 2, 200), (256 * KIB - 1, 413)):
            reply = self.daemon.post(path, {**step, "attempt": 1 if status == 200 else 2,
                                            "variables": {"v": "x" * size}}, headers=mine)
            self.assertEqual(reply.status, status, reply.text[:300])
        for size, status in ((256 * KIB, 200), (256 * KIB + 1, 400)):
            reply = self.daemon.post(f"/api/workflow/output/{run}", {"output": "x" * size},
                                     headers=mine)
            self.assertEqual(reply.status, status, reply.text[:300])
        for size, status in ((64 * KIB, 200), (64 * KIB + 1, 400)):
            reply = self.daemon.post(f"/api/workflow/input/{run}", {"input": "x" * size})
            self.assertEqual(reply.status, status, reply.text[:300])

    def test_size_of_all_variables(self):
        """8 MiB of a run's variables are kept, a byte more is not; what a variable was before it
        was set again does not count, and a refused completion leaves nothing behind."""
        run, mine = self.played("variables")
        value = lambda size: "x" * (size - 2)  # with its quotes
        attempts = iter(range(1, 100))

        def complete(variables):
            return self.daemon.post(f"/api/workflow/{run}/step/complete", {
                "step": "q", "path": "q", "attempt": next(attempts), "status": "done",
                "variables": variables}, headers=mine)

        def stored():
            return self.daemon.get(f"/api/workflow/{run}/checkpoint",
                                   headers=mine).json["data"]["variables"]
        most = 256 * KIB
        for i in range(0, 32, 2):  # two of them fit into a body
            size = most if i else most - 4
            self.assertEqual(complete({f"v{i}": value(size), f"v{i + 1}": value(most)}).status, 200)
        # Four bytes are left.
        for variables in ({"w": "xxx"}, {"w": 12345}, {"v0": value(most), "w": 1}):
            reply = complete(variables)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (413, 1201), reply)
            self.assertIn(str(8 * MIB), reply.json["error"]["details"])
        self.assertEqual(len(stored()), 32)
        self.assertEqual(complete({"w": 1234}).status, 200)
        self.assertEqual(complete({"w": 12345}).status, 413)
        self.assertEqual(complete({"w": 5678}).status, 200)
        self.assertEqual(complete({"v1": 1, "more": value(most - 1)}).status, 200)
        self.assertEqual(complete({"w": 56789}).status, 413)
        # Counted anew by the next daemon, which takes the stand-in over.
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(complete({"w": 56789}).status, 413)
        self.assertEqual(complete({"w": 4321}).status, 200)
        variables = stored()
        self.assertEqual((variables["w"], variables["v1"], len(variables)), (4321, 1, 34))
        self.assertEqual(sum(len(json.dumps(v)) for v in variables.values()), 8 * MIB)

    def test_sizes_of_ids(self):
        for size, status in ((64, 200), (65, 400)):
            reply = self.daemon.post("/api/workflow/start", {
                "definition": ASK, "workflow_id": "a" * size, "cwd": str(self.daemon.home)})
            self.assertEqual(reply.status, status, reply)
        # The composed one too.
        (self.daemon.home / "workflows/templates").mkdir(parents=True, exist_ok=True)
        name = "t" * 40
        (self.daemon.home / f"workflows/templates/{name}.yaml").write_text(json.dumps(ASK))
        for size, status in ((23, 200), (24, 400)):
            reply = self.daemon.post("/api/workflow/start", {
                "template": name, "instance": "i" * size, "cwd": str(self.daemon.home)})
            self.assertEqual(reply.status, status, reply)
        self.assertEqual(reply.json["error"]["code"], 1003)


if __name__ == "__main__":
    argo.main()
