#!/usr/bin/env python3
"""The C API by programs of somebody else's: every typed call blocking and from a loop, over both
transports; daemons that are embedded; C++; and the examples of the documentation."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import argo

PROGRAMS = pathlib.Path(os.environ["ARGO_TEST_CAPI"])


class Programs(argo.Case):
    def run_program(self, name, *args):
        """Its standard output; it says nothing else."""
        done = subprocess.run([PROGRAMS / name, *args], text=True, capture_output=True,
                              timeout=argo.DEADLINE)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def temporary_home(self):
        path = tempfile.mkdtemp(prefix="argo-home-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path


class TypedCalls(Programs):
    def walk(self, way, tcp=False):
        url = f"http://127.0.0.1:{self.daemon.port}" if tcp else "-"
        self.assertEqual(self.run_program("capi-walk", self.daemon.home, url, way), "ok\n")
        self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)

    def test_blocking(self):
        self.walk("block")

    def test_from_a_loop(self):
        self.walk("loop")

    def test_over_tcp(self):
        self.walk("loop", tcp=True)

    @unittest.skipUnless((PROGRAMS / "capi-cxx").exists(), "no C++ compiler")
    def test_from_cpp(self):
        self.assertEqual(self.run_program("capi-cxx", self.daemon.home), "done\n")


class Embedding(Programs):
    def setUp(self):
        self.executor = self.prefix / "bin/argo_workflow_executor"

    def test_two_daemons_in_a_host_that_reaps_everything(self):
        self.assertEqual(
            self.run_program("capi-host", self.temporary_home(), self.temporary_home(),
                             self.executor, self.prefix / "share/argo/templates"), "ok\n")

    def test_example(self):
        self.assertEqual(
            self.run_program("embed", self.temporary_home(), self.temporary_home(), self.executor),
            "Hello from embedded_1\n" * 2)

    def test_example_that_cannot(self):
        done = subprocess.run([PROGRAMS / "embed", "relative", "/other", self.executor], text=True,
                              capture_output=True, timeout=argo.DEADLINE)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("relative", done.stderr)


class Examples(Programs):
    def test_start_and_follow(self):
        self.assertEqual(self.run_program("start_and_follow", self.daemon.home, "Ada"),
                         "What is your name?\nHello, Ada!\n")
        question = self.daemon.get("/api/questions").json["questions"][0]
        self.assertEqual(question["answered_via"], "start_and_follow")

    def test_start_and_follow_without_a_daemon(self):
        done = subprocess.run([PROGRAMS / "start_and_follow", self.temporary_home(), "Ada"],
                              text=True, capture_output=True, timeout=argo.DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("daemon", done.stderr)

    def test_registry(self):
        run_id = self.daemon.launch("hello")
        self.daemon.question(run_id)
        for _ in range(2):  # the CI is there the second time
            self.assertEqual(
                self.run_program("registry", self.daemon.home, "local", "small"),
                f"local: small by openai\n{run_id} is waiting\n"
                f"{run_id} asks: What is your name?\n")
        events = self.daemon.get(f"/api/workflow/{run_id}/events?after=0").json["events"]
        self.assertEqual([e["text"] for e in events if e["kind"] == "message"], ["x-seen"] * 2)


class Page(unittest.TestCase):
    """The pieces of C in docs/embedding.md: a `c file` stands by itself, a `c` in a function that
    is given what the page speaks of."""
    INCLUDES = "#include <poll.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <argo/argo.h>\n"
    FUNCTION = ("int piece(argo_context *ctx, argo_client *client, argo_daemon *daemon,\n"
                "          const argo_workflow *run, const char *question_id, argo_error **err);\n"
                "int piece(argo_context *ctx, argo_client *client, argo_daemon *daemon,\n"
                "          const argo_workflow *run, const char *question_id, argo_error **err)\n"
                "{\n%s\n%s}\n")

    def test_pieces_compile(self):
        page = (argo.ROOT / "docs/embedding.md").read_text()
        pieces = re.findall(r"^```c( file)?\n(.*?)^```$", page, re.M | re.S)
        self.assertGreater(len(pieces), 10)
        for whole, piece in pieces:
            own = "argo_workflow *run = NULL;" in piece
            source = piece if whole else self.FUNCTION % (
                "{" + piece + "}" if own else piece, "" if "return" in piece else "return 0;\n")
            with self.subTest(piece):
                done = subprocess.run(
                    [*shlex.split(os.environ["ARGO_TEST_CC"]), "-std=c99", "-pedantic", "-Wall",
                     "-Werror", "-fsyntax-only", f"-I{argo.ROOT}/include", "-x", "c", "-"],
                    input=self.INCLUDES + source, text=True, capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    argo.main()
