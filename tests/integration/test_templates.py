#!/usr/bin/env python3
"""The installed templates commit_message and release_checklist, from their start to the commit and the
tag, in real repositories. The words are recorded from a scripted server, and then played back."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import argo
from models import Server, says

CHANGES = {"added": ["reads standard input"], "changed": [], "fixed": ["counts EOF"]}
NOTES = "## 1.2.0\n\n### Added\n- reads standard input\n\n### Fixed\n- counts EOF"
LABEL = "[replay: "
GIT = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
       "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null",
       "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}


class Templates(argo.Case):
    def setUp(self):
        super().setUp()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="argo-work-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.server = Server()
        self.addCleanup(self.server.end)
        self.arc("ci", "add", "ai", "--provider", "openai", "--model", "m", "--url",
                 self.server.url, check=0)
        (self.work / "recording").mkdir()
        self.use("--upstream", "ai")

    def use(self, *options):
        self.arc("ci", "remove", "rec", "--force")
        self.arc("ci", "add", "rec", "--provider", "replay", "--model", "m", "--recording",
                 str(self.work / "recording"), "--role", "default", *options, check=0)

    def git(self, *args, check=True):
        return subprocess.run(["git", "-C", str(self.repository), *args], check=check, text=True,
                              capture_output=True, env={**os.environ, **GIT}).stdout

    def make(self, name):
        """A repository with two commits and a test program; the same bytes each time."""
        self.repository = self.work / name
        self.repository.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "A")
        self.git("config", "user.email", "a@example.com")
        (self.repository / "test.sh").write_text("#!/bin/sh\nexit ${FAILS:-0}\n")
        (self.repository / "test.sh").chmod(0o755)
        (self.repository / "a").write_text("one\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "Begin")
        self.git("tag", "v1.1.0")
        (self.repository / "a").write_text("two\n")
        self.git("commit", "-q", "-a", "-m", "Read standard input")

    def start(self, template, *args, expect=5):
        return self.arc("start", template, "--id", "r", "--wait", *args, cwd=self.repository,
                        check=expect)

    def answer(self, text, expect):
        self.arc("answer", "r", text, check=0)
        return self.arc("attach", "r", check=expect)

    # ---- commit_message

    def stage(self, text="three\n"):
        (self.repository / "a").write_text(text)
        self.git("add", "a")

    def test_a_message_is_taken(self):
        self.server.script = [says("Count to three\n\nTwo was too few.\n")]
        self.make("first")
        self.stage()
        shown = self.start("commit_message").stdout
        self.assertTrue(shown.startswith("Count to three\n"), shown)  # no hashes, no diff
        self.answer("commit", 0)
        self.assertEqual(self.git("log", "-1", "--format=%B").strip(),
                         "Count to three\n\nTwo was too few.")
        self.assertIn("+three", self.server.requests[0][2]["messages"][1]["content"])
        self.use()  # the same again, of what was recorded
        self.make("second")
        self.stage()
        self.assertIn(LABEL, self.start("commit_message").stdout)
        self.answer("commit", 0)
        self.assertIn("Two was too few.", self.git("log", "-1", "--format=%B"))
        self.assertEqual(len(self.server.requests), 1)

    def test_another_one_and_one_s_own(self):
        self.server.script = [says("First"), says("Second")]
        self.make("r")
        self.stage()
        self.start("commit_message")
        self.answer("again", 5)
        shown = self.answer("in the imperative", 5).stdout
        self.assertIn("Second", shown)
        asked = self.server.requests[1][2]["messages"][1]["content"]
        self.assertIn("in the imperative", asked)
        self.assertTrue(asked.endswith("First"), asked)
        self.answer("write the message myself", 5)
        hostile = "-m 'x'; $(touch pwned) `touch pwned` --amend"
        self.daemon.answer("r", hostile)
        self.assertEqual(self.daemon.wait_end("r")["status"], "done")
        self.assertEqual(self.git("log", "-1", "--format=%B").strip(), hostile)
        self.assertEqual(self.git("status", "--porcelain"), "")

    def test_nothing_is_committed(self):
        self.server.script = [says("Words")]
        self.make("r")
        head = self.git("rev-parse", "HEAD")
        self.assertIn("Nothing is staged", self.start("commit_message", expect=0).stdout)
        self.assertEqual(self.server.requests, [])
        self.stage()
        self.start("commit_message")
        self.assertIn("Nothing was committed", self.answer("leave it", 0).stdout)
        self.start("commit_message")
        self.stage("four\n")
        self.assertIn("Something else has been staged", self.answer("commit", 0).stdout)
        self.assertEqual(self.git("rev-parse", "HEAD"), head)
        self.repository = self.work
        self.start("commit_message", expect=4)

    # ---- release_checklist

    def release(self, *args, expect=5, version="1.2.0"):
        return self.start("release_checklist", "-p", f"version={version}", *args, expect=expect)

    def assert_fails(self, words, *args, **kwargs):
        shown = self.release(*args, expect=4, **kwargs)
        error = self.daemon.status("r")["data"]["error"]
        self.assertEqual(error["code"], "fail")
        self.assertIn(words, error["message"])
        return shown.stdout

    def test_a_release(self):
        self.server.script = [says(json.dumps(CHANGES)), says(NOTES)]
        self.make("first")
        (self.repository / "CHANGELOG.md").write_text("## 1.1.0\n\n- begun\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "Add a change log")
        self.release()
        asked = [body["messages"][-1]["content"] for _, _, body in self.server.requests]
        self.assertIn("Read standard input", asked[0])
        self.assertNotIn("Begin", asked[0])
        self.assertIn('"reads standard input"', asked[1])
        question = self.daemon.question("r")
        self.assertEqual(question["kind"], "confirm")
        self.assertIn("counts EOF", question["prompt"])
        self.assertEqual(self.git("tag").split(), ["v1.1.0"])
        self.assertIn("git push --follow-tags", self.answer("yes", 0).stdout)
        self.assertEqual(self.git("tag").split(), ["v1.1.0", "v1.2.0"])
        self.assertEqual((self.repository / "CHANGELOG.md").read_text(),
                         f"{NOTES}\n\n## 1.1.0\n\n- begun\n")
        self.assertEqual(self.git("log", "-1", "--format=%s").strip(), "Release 1.2.0")
        self.assertEqual(self.git("tag", "-l", "--format=%(contents)", "v1.2.0").strip(),
                         f"1.2.0\n\n{NOTES}")
        self.assertEqual(self.git("status", "--porcelain"), "")
        self.assert_fails("already")
        self.assert_fails("no commit since", "-p", "changelog=", version="1.3.0")

    def test_a_release_of_what_was_recorded(self):
        self.server.script = [says(json.dumps(CHANGES)), says(NOTES)]
        self.make("first")
        self.release("-p", "changelog=")
        self.answer("no", 4)
        self.use()
        self.make("second")
        self.assertIn(LABEL, self.release("-p", "changelog=").stdout)
        self.answer("yes", 0)
        self.assertIn("counts EOF", self.git("tag", "-l", "--format=%(contents)", "v1.2.0"))
        self.assertFalse((self.repository / "CHANGELOG.md").exists())
        self.assertEqual(len(self.server.requests), 2)

    def test_a_release_that_is_none(self):
        self.server.script = [says(json.dumps(CHANGES)), says(NOTES)]
        self.make("r")
        for version in ("1.2", "v1.2.0", "1.2.0; rm -rf /", "--delete"):
            self.assert_fails("is no version", version=version)
        self.assert_fails("already", version="1.1.0")
        (self.repository / "b").write_text("not committed\n")
        self.assertIn("?? b", self.assert_fails("not clean"))
        (self.repository / "b").unlink()
        for tests in ("false", "./nosuch", "test -d /", "sh -c 'exit 3'"):
            words = "The tests fail, or cannot be started"
            if tests == "test -d /":  # more than one word
                self.release("-p", f"tests={tests}")
                words = "was not released: too early"
                done = self.answer("no, too early", 4)
                self.assertIn(words, done.stdout + done.stderr)
            else:
                self.assert_fails(words, "-p", f"tests={tests}")
        self.assertEqual(self.git("tag").split(), ["v1.1.0"])
        self.assertEqual(self.git("status", "--porcelain"), "")


if __name__ == "__main__":
    argo.main()
