"""The example and code_review: as their README says, on a terminal and without, and the failures
that a person meets first."""
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import argo
from terminal import Terminal

EXAMPLE = argo.ROOT / "docs/examples/code_review"
RUN = "code_review_demo"
LABEL = "[replay: scripted: no model]"


class Temporary(argo.Case):
    """A test case with a temporary directory, and a repository in it on request."""

    def setUp(self):
        super().setUp()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="argo-work-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)

    def repository(self):
        path = self.work / "wordcount"
        subprocess.run([EXAMPLE / "repository.sh", path], check=True)
        return path

    def scripted(self):
        self.arc("ci", "add", "scripted", "--provider", "replay", "--model", "scripted",
                 "--recording", str(EXAMPLE / "recording"), check=0)

    def start(self, cwd, *args):
        """code_review in CWD, until it ends or asks."""
        return self.arc("start", "code_review", "--id", "r", "--wait", *args, cwd=cwd)


class TheScript(Temporary):
    def environment(self, **more):
        env = {**os.environ, "TMPDIR": str(self.work), "TERM": "xterm", "LC_ALL": "C.UTF-8",
               "NO_COLOR": "1", **more}
        return env

    def command(self):
        return [str(EXAMPLE / "run.sh"), str(self.prefix)]

    def check_report(self, output):
        path = pathlib.Path(re.search(r"The report: (\S+)", output)[1])
        report = path.read_text()
        self.assertEqual(report.count(LABEL), 1)
        self.assertIn("the file is never closed", report)
        self.assertTrue(path.is_relative_to(self.work))
        self.assertEqual([p.name for p in self.work.glob("argo-home.*")], [])

    def check_steps(self):
        status = self.daemon.status(RUN)
        self.assertEqual(status["status"], "done")
        names = [step["step"] for step in self.daemon.steps(RUN)]
        self.assertEqual([n for n in names if n in ("review", "look_again", "verdict", "save")],
                         ["review", "verdict", "look_again", "verdict", "save"])

    def test_without_a_terminal(self):
        done = subprocess.run(self.command(), env=self.environment(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=argo.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count(LABEL), 2)
        self.check_report(done.stdout)

    def test_in_a_home_that_is_there(self):
        env = self.environment(ARGO_HOME=str(self.daemon.home))
        for _ in range(2):  # the CI and the id are there the second time
            done = subprocess.run(self.command(), env=env, text=True, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=argo.DEADLINE)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check_report(done.stdout)
        self.check_steps()  # and the daemon goes on

    def test_settings_of_git_do_not_matter(self):
        config = self.work / "gitconfig"
        config.write_text("[diff]\nnoprefix = true\ncontext = 9\nalgorithm = patience\n"
                          "external = false\n[core]\nautocrlf = true\n[init]\n"
                          "defaultBranch = other\n[commit]\ngpgSign = true\n[color]\nui = always\n")
        home = self.work / "home"
        home.mkdir()
        shutil.copy(config, home / ".gitconfig")
        done = subprocess.run(self.command(), text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=argo.DEADLINE,
                              env=self.environment(HOME=str(home), GIT_DIR="/nonexistent"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_on_a_terminal(self):
        t = Terminal(self.command(), self.environment(ARGO_HOME=str(self.daemon.home)))
        self.addCleanup(t.close)
        at = t.expect("2) ask for another look")
        at = t.expect("> ", at)
        t.type("2\n")
        at = t.expect("(Enter alone: error handling)", at)
        at = t.expect("> ", at)
        t.type("\n")
        at = t.expect("2) ask for another look", at)
        at = t.expect("> ", at)
        t.type("accept\n")
        self.assertEqual(t.end(), 0, t.seen)
        output = t.seen.decode().replace("\r\n", "\n")
        self.assertEqual(output.count(LABEL), 2)
        self.assertNotIn("\n\n\n", output)
        self.check_report(output)
        self.check_steps()

    def test_a_run_that_is_not_done_is_a_failure(self):
        for key in ("\x04", "\x03"):  # it detaches
            t = Terminal(self.command(), self.environment())
            self.addCleanup(t.close)
            t.expect("> ", t.expect("2) ask for another look"))
            t.type(key)
            self.assertEqual(t.end(), 1)
            t.expect("is not done, and ends here")
        self.assertEqual([p.name for p in self.work.glob("argo-home.*")], [])

    def test_wrong_usage(self):
        for args in ([], ["/nonexistent"], ["a", "b"]):
            done = subprocess.run([str(EXAMPLE / "run.sh"), *args], capture_output=True, text=True,
                                  env=self.environment())
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage:", done.stderr)

    def test_the_recording_is_what_its_tool_makes(self):
        out = self.work / "recording"
        subprocess.run([sys.executable, argo.ROOT / "tests/tools/record_example.py", self.prefix,
                        out], check=True, env=self.environment(), timeout=argo.DEADLINE)
        names = sorted(p.name for p in out.iterdir())
        self.assertEqual(names, sorted(p.name for p in (EXAMPLE / "recording").iterdir()))
        self.assertEqual(filecmp.cmpfiles(out, EXAMPLE / "recording", names, shallow=False),
                         (names, [], []))


class TheTemplate(Temporary):
    def test_nothing_to_review(self):
        self.scripted()
        repository = self.repository()
        subprocess.run(["git", "-C", repository, "checkout", "-q", "--", "."], check=True)
        done = self.start(repository, "--ci", "scripted")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("there is nothing to review", done.stdout)
        self.assertEqual([p.name for p in repository.glob("*.md")], [])

    def test_outside_a_repository(self):
        self.scripted()
        done = self.start(self.work, "--ci", "scripted")
        self.assertEqual(done.returncode, 4)
        self.assertIn("not a git repository", done.stdout)

    def test_without_the_ci(self):
        repository = self.repository()
        for args in (("--ci", "nobody"), ()):
            done = self.start(repository, *args)
            self.assertEqual(done.returncode, 4)
            self.assertIn("arc ci add", done.stdout)

    def test_the_only_ci_needs_no_name(self):
        self.scripted()
        done = self.start(self.repository())
        self.assertEqual(done.returncode, 5, done.stderr)  # it asks
        self.assertIn(LABEL, done.stdout)
        self.assertTrue(done.stdout.endswith("What now?\n  1) accept the review and save it\n"
                                             "  2) ask for another look\n"), done.stdout)
        self.assertIn("arc answer r ANSWER", done.stderr)

    def test_a_diff_that_nobody_recorded(self):
        self.scripted()
        repository = self.repository()
        (repository / "wordcount.c").write_text("int main(void) { return 0; }\n")
        done = self.start(repository, "--ci", "scripted")
        self.assertEqual(done.returncode, 4)
        self.assertIn("no recorded reply", done.stdout)

    def test_a_range_is_never_an_option(self):
        self.scripted()
        repository = self.repository()
        for hostile in ("--output=x", "-ox", "--ext-diff", "$(touch x)", "; touch x"):
            done = self.start(repository, "--ci", "scripted", "-p", f"range={hostile}")
            self.assertEqual(done.returncode, 4, hostile)
            self.assertFalse((repository / "x").exists(), hostile)


if __name__ == "__main__":
    argo.main()
