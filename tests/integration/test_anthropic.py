"""What nobody here wrote: a mock of Anthropic's API (the npm package @copilotkit/aimock), asked by the
provider anthropic, and the CLI of Claude Code (@anthropic-ai/claude-code), asked by the provider claude and
itself asking that mock. Needs ARGO_TEST_NPM=1, npm and the network; else it is skipped (77)."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import argo

MOCK = "@copilotkit/aimock@1.43.0"
CLI = "@anthropic-ai/claude-code@2.1.332"
KEY = "sk-ant-canary-0123456789abcdef"
WORDS = "Grüße – 你好 \U0001f600 and more words than one piece of a stream holds"
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def fails(text, status, kind, message, **match):
    return {"match": {"userMessage": text, **match},
            "response": {"error": {"message": message, "type": kind}, "status": status}}


def calls(text, tool, arguments):
    return {"match": {"userMessage": text, "toolName": tool},
            "response": {"toolCalls": [{"name": tool, "arguments": arguments}]}}


def says(text, words):
    return {"match": {"userMessage": text}, "response": {"content": words}}


FIXTURES = [
    fails("busy", 529, "overloaded_error", "Overloaded", sequenceIndex=0),
    fails("busy", 429, "rate_limit_error", "Too fast", sequenceIndex=1),
    says("busy", "at last"),
    fails("wrong", 400, "invalid_request_error", "max_tokens: too big"),
    calls("an object", "reply", {"n": 3}),
    calls("an object", "StructuredOutput", {"n": 3}),
    calls("a list", "reply", {"value": [1, 2]}),
    calls("a list", "StructuredOutput", {"value": [1, 2]}),
    says("greet", WORDS),
]


class FromNpm(argo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="argo-npm-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                        "--prefix", str(cls.directory), MOCK, CLI], check=True,
                       stdout=subprocess.DEVNULL)
        found = list((cls.directory / "node_modules/@anthropic-ai").glob("claude-code-linux-*/claude"))
        cls.cli = next(path for path in found if os.access(path, os.X_OK))

    def setUp(self):
        super().setUp()
        (self.directory / "fixtures.json").write_text(json.dumps({"fixtures": FIXTURES}))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.mock = subprocess.Popen(
            ["node", str(self.directory / "node_modules/@copilotkit/aimock/dist/cli.js"), "-p",
             str(self.port), "-f", str(self.directory / "fixtures.json"), "--strict", "-c", "7"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.mock.wait)
        self.addCleanup(self.mock.send_signal, signal.SIGKILL)
        argo.wait_for(lambda: self.get("/health"), "the mock")
        url = f"http://127.0.0.1:{self.port}"
        self.arc("ci", "add", "api", "--provider", "anthropic", "--model", "m", "--url", url,
                 "--key-env", "KEY", env={"KEY": KEY}, check=0)
        self.arc("ci", "add", "cli", "--provider", "claude", "--command", str(self.cli), "--url", url,
                 "--model", "claude-sonnet-4-5", "--key-env", "KEY", env={"KEY": KEY}, check=0)
        (self.daemon.home / "person").mkdir()

    def get(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=argo.DEADLINE)
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        except (OSError, ValueError):
            return None

    def requests(self):
        return [r for r in self.get("/v1/_requests") if r["path"].startswith("/v1/messages")]

    def ask(self, ci, prompt, **more):
        run = self.daemon.launch({"workflow_name": "t", "steps": [
            {"step": "a", "type": "ci_ask", "ci": ci, "prompt": prompt, "save_to": "said", **more},
            {"step": "d", "type": "display", "message": "[{{said | json}}]"}]}, wait=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.daemon.home / "person")})
        return run, self.daemon.status(run)

    def said(self, ci, prompt, **more):
        run, status = self.ask(ci, prompt, **more)
        self.assertEqual(status["status"], "done", status)
        output = self.daemon.output(run)
        return json.loads(output[output.rindex("\n[", 0, -2) + 2:-2] if "\n[" in output
                          else output[1:-2])

    def test_both_answer(self):
        for ci in ("api", "cli"):
            for stream in (True, False):
                self.assertEqual(self.said(ci, "greet", stream=stream, system="Be brief"), WORDS)
            self.assertEqual(self.said(ci, "an object", schema=SCHEMA), {"n": 3})
            self.assertEqual(self.said(ci, "a list", schema={"type": "array"}), [1, 2])
        bodies = [json.dumps(request["body"]) for request in self.requests()]
        self.assertEqual(len(bodies), 8)
        self.assertTrue(all("Be brief" in body for body in bodies if '"greet' in body))
        # The CLI's own words for a coding agent are of no use here, and would be paid for.
        self.assertLess(max(map(len, bodies)), 6000)

    def test_what_passes_is_tried_again(self):
        run, status = self.ask("api", "busy")
        self.assertEqual(status["status"], "done", status)
        self.assertIn("at last", self.daemon.output(run))
        self.assertEqual(self.daemon.steps(run)[0]["usage"]["attempts"], 3)
        self.assertEqual(len(self.requests()), 3)

    def test_what_does_not_is_final(self):
        for ci in ("api", "cli"):
            run, status = self.ask(ci, "wrong")
            self.assertEqual(status["data"]["error"]["code"], "ci", status)
            self.assertIn("max_tokens: too big", status["data"]["error"]["message"])
            self.assertNotIn(KEY, json.dumps(status) + self.daemon.output(run))

    def test_test(self):
        for ci in ("api", "cli"):
            told = self.arc("ci", "test", ci, "--prompt", "greet", "--json",
                            env={"HOME": str(self.daemon.home / "person")}, check=0)
            self.assertEqual(json.loads(told.stdout)["text"], WORDS)

    def test_the_cli_without_a_login(self):
        self.arc("ci", "add", "nobody", "--provider", "claude", "--command", str(self.cli), "--url",
                 f"http://127.0.0.1:{self.port}", check=0)
        message = self.ask("nobody", "greet")[1]["data"]["error"]["message"]
        self.assertIn("arc ci key nobody", message)


if __name__ == "__main__":
    if os.environ.get("ARGO_TEST_NPM") != "1":
        print("skipped: ARGO_TEST_NPM=1 is not set (it installs packages from npm)")
        sys.exit(77)
    if shutil.which("npm") is None:
        print("skipped: npm is not installed")
        sys.exit(77)
    argo.main()
