#!/usr/bin/env python3
"""The documentation's examples, tried out: templates validate, requests get the status that the
page says."""
import http.server
import os
import re
import subprocess
import textwrap
import threading

import argo
import contract
import standin
from standin import ASK

DOCS = argo.ROOT / "docs"


def blocks(page, info):
    """(line, text) of the fenced blocks of PAGE whose info string is INFO, or that and a file's name."""
    text = (DOCS / page).read_text()
    return [(text.count("\n", 0, match.start()) + 1, match.group(1)) for match in
            re.finditer(rf"^```{re.escape(info)}(?: \S+\.\S+)?\n(.*?)^```$", text, re.M | re.S)]


def definition(text):
    """A list of steps is wrapped; anything else is a whole template."""
    if text.lstrip().startswith("- "):
        return "workflow_name: example\nsteps:\n" + textwrap.indent(text, "  ")
    return text


class Docs(argo.Case):
    def test_templates_validate(self):
        for page, least in (("templates.md", 10), ("cis.md", 1), ("getting-started.md", 1),
                            ("../README.md", 1)):
            found = blocks(page, "yaml") + blocks(page, "json")
            self.assertGreaterEqual(len(found), least, page)
            for line, text in found:
                with self.subTest(f"{page}:{line}"):
                    reply = self.daemon.post("/api/template/validate", {
                        "definition": definition(text), "definition_file": page})
                    self.assertEqual(reply.status, 200, reply)

    def examples(self, info):
        """(command, status over the socket, status over TCP) of the lines of rest-api.md."""
        found = []
        for _, text in blocks("rest-api.md", info):
            for line in text.splitlines():
                match = re.fullmatch(r"(curl -s .*?)\s+# (\d{3})(?: \(TCP: (\d{3})\))?", line)
                self.assertIsNotNone(match, f"expected 'curl -s ... # STATUS': {line}")
                command, status, tcp = match.groups()
                found.append((command, status, tcp or status))
        return found

    def check_requests(self, info, tcp, env):
        """Each line gets the status that the page says, over one of the transports."""
        way = f"--oauth2-bearer {self.daemon.token} http://127.0.0.1:{self.daemon.port}" if tcp else \
            f"--unix-socket {self.daemon.socket} http://localhost"
        expected = [(command, statuses[tcp]) for command, *statuses in self.examples(info)]
        script = "".join(f"{command} -o /dev/null -w '%{{http_code}}\\n'\n" for command, _ in expected)
        result = subprocess.run(
            ["bash", "-c", script], text=True, capture_output=True, timeout=argo.DEADLINE * 2,
            env={**os.environ, "A": way, "PORT": str(self.daemon.port), "http_proxy": "",
                 "ARGO_HOME": str(self.daemon.home), **env})
        got = result.stdout.split()
        self.assertEqual([(command, status) for (command, _), status in zip(expected, got)],
                         expected, result.stderr)
        self.assertEqual(len(got), len(expected))

    def test_requests_over_the_socket(self):
        self.check_requests("sh run", False, {})

    def test_requests_over_tcp(self):
        self.check_requests("sh run", True, {})

    def check_executor(self, tcp):
        """What an executor sends; this one leaves its token where the test finds it."""
        program = self.daemon.home / "executor"
        standin.install(program)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(program)]
        self.daemon.start()
        run = self.daemon.launch(ASK)
        token, epoch = standin.shown(self.daemon, run)
        self.check_requests("sh executor", tcp, {
            "ARGO_WORKFLOW_ID": run, "ARGO_EPOCH": epoch, "TOKEN": token,
            "E": f"--oauth2-bearer {token} -H X-Argo-Epoch:{epoch}"})

    def test_requests_of_an_executor_over_the_socket(self):
        self.check_executor(False)

    def test_requests_of_an_executor_over_tcp(self):
        self.check_executor(True)

    def test_the_token_is_for_a_daemon_that_proves_itself(self):
        """The program of the page says yes to the daemon, and no to a stranger at its port."""
        (_, program), = blocks("rest-api.md", "python")
        port = self.daemon.home / "run/port"

        def prove():
            return subprocess.run(["python3", "-c", program], text=True, capture_output=True,
                                  env={**os.environ, "ARGO_HOME": str(self.daemon.home)},
                                  timeout=argo.DEADLINE)

        self.assertEqual(prove().returncode, 0)
        seen = []

        class Stranger(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(f"{self.path} {self.headers}")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"status":"success","proof":"%s"}' % (b"0" * 64))

            def log_message(self, *args):
                pass

        stranger = http.server.HTTPServer(("127.0.0.1", 0), Stranger)
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        self.addCleanup(stranger.server_close)
        self.addCleanup(stranger.shutdown)
        port.write_text(f"{stranger.server_address[1]}\n")
        refused = prove()
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is not your daemon's", refused.stderr)
        self.assertEqual([self.daemon.token in text for text in seen], [False])

    def test_every_route_has_an_example(self):
        shown = set()
        for command, *_ in self.examples("sh run") + self.examples("sh executor"):
            path = re.search(r"\$A'?(/[^\s?']*)", command)
            method = re.search(r"-X (\w+)", command)
            if path:
                method = method.group(1) if method else \
                    "POST" if re.search(r" (--json|-d) ", command) else "GET"
                shown.add((method, contract.contract().operation(
                    method, path.group(1).replace("$ARGO_WORKFLOW_ID", "w"))[0]))
        routes = {(method.upper(), path) for path, item in contract.contract().document["paths"].items()
                  for method in item if method in contract.METHODS}
        self.assertEqual(sorted(routes - shown), [], "routes without a curl line in docs/rest-api.md: "
                         "add one to the block `sh run` (or `sh executor`) of its section")


if __name__ == "__main__":
    argo.main()
