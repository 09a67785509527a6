#!/usr/bin/env python3
"""The documentation's examples, tried out: templates validate, requests get the status that the
page says."""
import os
import re
import shutil
import subprocess
import textwrap
import unittest

import argo

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
        for page, least in (("templates.md", 10), ("getting-started.md", 1), ("../README.md", 1)):
            found = blocks(page, "yaml") + blocks(page, "json")
            self.assertGreaterEqual(len(found), least, page)
            for line, text in found:
                with self.subTest(f"{page}:{line}"):
                    reply = self.daemon.post("/api/template/validate", {
                        "definition": definition(text), "definition_file": page})
                    self.assertEqual(reply.status, 200, reply)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_requests(self):
        examples = []
        for _, text in blocks("rest-api.md", "sh run"):
            for line in text.splitlines():
                match = re.fullmatch(r"(curl -s .*?)\s+# (\d{3})", line)
                self.assertIsNotNone(match, f"expected 'curl -s ... # STATUS': {line}")
                examples.append(match.groups())
        self.assertGreater(len(examples), 30)
        script = "".join(f"{command} -o /dev/null -w '%{{http_code}}\\n'\n"
                         for command, _ in examples)
        env = {**os.environ, "S": self.daemon.socket, "PORT": str(self.daemon.port),
               "ARGO_HOME": str(self.daemon.home), "http_proxy": ""}
        result = subprocess.run(["bash", "-c", script], env=env, text=True, capture_output=True,
                                timeout=argo.DEADLINE * 2)
        got = result.stdout.split()
        self.assertEqual([(command, status) for (command, _), status in zip(examples, got)],
                         examples, result.stderr)
        self.assertEqual(len(got), len(examples))


if __name__ == "__main__":
    argo.main()
