"""A server that nobody here wrote: the npm package @dwmkerr/mock-llm, which speaks OpenAI's chat
completions on loopback. Needs ARGO_TEST_NPM=1, npm and the network; else it is skipped (77)."""
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

PACKAGE = "@dwmkerr/mock-llm@0.1.29"
KEY = "sk-argo-test-0123456789abcdef"
REVIEW = "One problem: wordcount.c:7: `char c` cannot hold EOF.\nUse int.\n"
SECOND = "On error handling: fopen() is not checked.\n"
RATE = {"error": {"message": "Rate limit reached", "type": "requests",
                  "code": "rate_limit_exceeded"}}
BROKEN = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}


def says(text):
    return {"status": 200, "content": json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "mock-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text},
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}})}


def fails(status, body):
    return {"status": status, "content": json.dumps(body)}


def rule(response, match="@", **more):
    return {"path": "/v1/chat/completions", "method": "POST", "match": match,
            "response": response, **more}


def holds(text):
    return f"contains(body.messages[-1].content, '{text}')"


class Server:
    """The package's server; rules as its README has them, the last that matches wins."""

    def __init__(self, directory):
        self.log = open(directory / "server.log", "w+b")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["node", str(directory / "node_modules/@dwmkerr/mock-llm/dist/main.js")],
            cwd=directory, env={**os.environ, "HOST": "127.0.0.1", "PORT": str(self.port)},
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        argo.wait_for(self.is_ready, "the server of npm")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.said()}")
        try:
            return self.request("GET", "/ready") == 200
        except OSError:
            return False

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=argo.DEADLINE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def use(self, *rules):
        self.request("DELETE", "/config")  # also the counters of `sequence`
        status = self.request("POST", "/config", {
            "streaming": {"chunkSize": 5, "chunkIntervalMs": 1}, "rules": list(rules)})
        assert status == 200
        self.before = self.asked()

    def said(self):
        return pathlib.Path(self.log.name).read_text()

    def asked(self):
        return self.said().count("POST /v1/chat/completions")

    def times(self):
        return self.asked() - self.before

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()


class OpenAI(argo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="argo-npm-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                        "--prefix", str(cls.directory), PACKAGE], check=True,
                       stdout=subprocess.DEVNULL)
        cls.server = Server(cls.directory)
        cls.addClassCleanup(cls.server.end)

    def setUp(self):
        super().setUp()
        self.arc("ci", "add", "mock", "--provider", "openai", "--model", "m",
                 "--url", f"http://127.0.0.1:{self.server.port}/v1",
                 "--key-env", "KEY", env={"KEY": KEY}, check=0)

    def ask(self, prompt="Hi", **more):
        run = self.daemon.launch({"workflow_name": "ask", "steps": [
            {"step": "a", "type": "ci_ask", "prompt": prompt, "save_to": "said", **more},
            {"step": "d", "type": "display", "message": "[{{said}}]"}]}, wait=True)
        return run, self.daemon.status(run)

    def step(self, run):
        return [s for s in self.daemon.steps(run) if s["step"] == "a"][-1]

    def test_streams(self):
        self.server.use(rule(says("Grüße – 你好 \U0001f600 and more words")))
        run, status = self.ask()
        self.assertEqual(status["status"], "done", status)
        pieces = [r["text"] for r in self.daemon.records(run) if r["kind"] == "ci"]
        self.assertEqual("".join(pieces), "Grüße – 你好 \U0001f600 and more words\n")
        self.assertIn("[Grüße – 你好 \U0001f600 and more words]", self.daemon.output(run))
        self.assertEqual(self.step(run)["usage"]["model"], "mock-1")

    def test_not_streamed(self):
        self.server.use(rule(says("whole")))
        run, status = self.ask(stream=False)
        self.assertEqual(status["status"], "done", status)
        usage = self.step(run)["usage"]
        self.assertEqual((usage["input_tokens"], usage["output_tokens"]), (11, 7))

    def test_sends_what_was_asked(self):
        self.server.use(
            rule(fails(400, {"error": {"message": "not what was expected"}})),
            rule(says("yes"), "body.model == 'm' && body.temperature == `0.5` && "
                              "body.max_tokens == `9` && body.messages[0].role == 'system' && "
                              "body.messages[0].content == 'Be brief' && "
                              f"headers.authorization == 'Bearer {KEY}'"))
        run, status = self.ask(system="Be brief", temperature=0.5, max_tokens=9)
        self.assertEqual(status["status"], "done", status)

    def test_passing_errors_are_tried_again(self):
        self.server.use(rule(fails(429, RATE), sequence=0), rule(fails(500, BROKEN), sequence=1),
                        rule(says("at last"), sequence=2))
        run, status = self.ask(stream=False)
        self.assertEqual(status["status"], "done", status)
        self.assertEqual((self.server.times(), self.step(run)["usage"]["attempts"]), (3, 3))
        self.assertIn("[at last]", self.daemon.output(run))

    def test_passing_errors_in_a_stream_are_tried_again(self):
        self.server.use(rule(fails(429, RATE), sequence=0), rule(fails(500, BROKEN), sequence=1),
                        rule(says("at last"), sequence=2))
        run, status = self.ask()
        self.assertEqual(status["status"], "done", status)
        self.assertEqual(self.server.times(), 3)

    def test_other_errors_are_not_and_keep_the_key_to_themselves(self):
        for stream in (True, False):
            self.server.use(rule(fails(401, {"error": {
                "message": f"Incorrect API key provided: {KEY}", "type": "invalid_request_error",
                "code": "invalid_api_key"}})))
            run, status = self.ask(stream=stream)
            self.assertEqual((status["status"], self.server.times()), ("failed", 1))
            self.assertIn("Incorrect API key provided", status["data"]["error"]["message"])
            everything = json.dumps(status) + self.daemon.output(run) + json.dumps(
                self.daemon.steps(run))
            self.assertNotIn(KEY, everything)
        for path in self.daemon.home.rglob("*"):
            if path.is_file() and path.parent.name != "keys":
                self.assertNotIn(KEY.encode(), path.read_bytes(), path)

    def test_gives_up(self):
        self.server.use(rule(fails(503, BROKEN)))
        run, status = self.ask(stream=False, timeout=30)
        self.assertEqual((status["status"], self.server.times()), ("failed", 4))
        self.assertIn("The server had an error", status["data"]["error"]["message"])
        self.assertIn("after 4 attempts", status["data"]["error"]["message"])

    def test_a_schema(self):
        self.server.use(rule(says('{"n": 3}'), "body.response_format.type == 'json_schema'"))
        run, status = self.ask(schema={"type": "object", "properties": {"n": {"type": "integer"}}})
        self.assertEqual(status["status"], "done", status)

    def test_code_review(self):
        self.server.use(rule(says(REVIEW), holds("Review this change.")),
                        rule(says(SECOND), holds("Look at this change again, at the loop")))
        repository = self.directory / "wordcount"
        subprocess.run([argo.ROOT / "docs/examples/code_review/repository.sh", repository],
                       check=True)
        self.arc("start", "code_review", "--id", "r", "--ci", "mock", "--wait", cwd=repository,
                 check=5)
        self.arc("answer", "r", "ask for another look", check=0)
        self.arc("attach", "r", check=5)
        self.arc("answer", "r", "the loop", check=0)
        self.arc("attach", "r", check=5)
        self.arc("answer", "r", "accept", check=0)
        self.arc("status", "r", "--wait", check=0)
        self.assertEqual((repository / "r.md").read_text(),
                         f"# Review of the changes against HEAD\n\n{SECOND}")
        self.assertEqual(self.server.times(), 2)


if __name__ == "__main__":
    if os.environ.get("ARGO_TEST_NPM") != "1":
        print("skipped: ARGO_TEST_NPM=1 is not set (it installs a package from npm)")
        sys.exit(77)
    if shutil.which("npm") is None:
        print("skipped: npm is not installed")
        sys.exit(77)
    argo.main()
