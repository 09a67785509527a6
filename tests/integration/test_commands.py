#!/usr/bin/env python3
"""Commands of arc that talk to nobody: the current workflow, new templates, the daemon's log; and what
arc says when a word is wrong."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import argo
from terminal import Terminal

ASK = {"workflow_name": "ask", "steps": [
    {"step": "who", "type": "user_ask", "prompt": "Who?", "save_to": "who"},
    {"step": "hi", "type": "display", "message": "Hi {{who}}!"}]}


class Case(argo.Case):
    def setUp(self):
        super().setUp()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="argo-work-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def here(self, *args, check=None, **kw):
        return self.arc(*args, check=check, cwd=self.dir, **kw)


class Switch(Case):
    def test_commands_without_an_id(self):
        run = self.daemon.launch(ASK, workflow_id="mine")
        self.daemon.question(run)
        self.assertIn("arc switch ID", self.here("status", check=2).stderr)
        self.here("switch", check=3)
        self.here("switch", "nobody", check=3)
        self.here("switch", run, check=0)
        self.assertEqual(self.here("switch", check=0).stdout, "mine\n")
        status = self.here("status", check=0)
        self.assertEqual(status.stderr, "Workflow mine (arc switch)\n")
        self.assertIn("what commands without an ID are about", status.stdout)
        self.assertEqual(status.stdout, self.here("status", "mine").stdout)
        self.assertEqual(self.here("status", "mine").stderr, "")
        for words in (("steps",), ("logs",), ("pause",), ("resume",), ("logs", "--log"),
                      ("workflow", "status")):
            self.assertIn("Workflow mine", self.here(*words, check=0).stderr)
        self.here("answer", check=5)
        self.here("answer", ".", "Ann", check=0)
        self.assertIn("Hi Ann!", self.here("attach", check=0).stdout)
        self.here("abandon", "--yes", check=1)  # it has ended
        self.here("switch", "-", check=0)
        self.here("switch", check=3)
        self.here("switch", "-", check=0)

    def test_the_environment_counts_before_it(self):
        for name in ("one", "two"):
            self.daemon.launch(ASK, workflow_id=name)
        self.here("switch", "one", check=0)
        two = {"ARGO_WORKFLOW": "two"}
        self.assertEqual(self.here("switch", env=two, check=0).stdout, "two\n")
        self.assertIn("Workflow two", self.here("status", env=two, check=0).stderr)
        self.assertIn("counts before it", self.here("switch", "one", env=two, check=0).stderr)

    def test_each_session_has_its_own(self):
        for name in ("one", "two"):
            self.daemon.launch(ASK, workflow_id=name)
        arc = str(self.prefix / "bin/arc")
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        self.here("switch", "one", check=0)
        other = subprocess.run(["sh", "-c", f"{arc} switch || {arc} switch two; sh -c '{arc} switch'"],
                               env=env, text=True, capture_output=True, start_new_session=True)
        self.assertEqual(other.stdout, "two\n")
        self.assertEqual(self.here("switch", check=0).stdout, "one\n")
        directory = self.daemon.home / "run/switch"
        self.assertEqual(len(list(directory.iterdir())), 2)
        self.here("switch", "two", check=0)  # that of the session that has ended goes
        self.assertEqual(len(list(directory.iterdir())), 1)
        self.assertEqual(directory.stat().st_mode & 0o777, 0o700)

    def test_the_list_shows_it_to_people(self):
        self.daemon.launch(ASK, workflow_id="mine")
        t = Terminal(["sh", "-c", "$ARC switch mine; $ARC list"], {
            **os.environ, "ARC": str(self.prefix / "bin/arc"), "TERM": "xterm",
            "ARGO_HOME": str(self.daemon.home), "LC_ALL": "C.UTF-8"})
        self.addCleanup(t.close)
        self.assertEqual(t.end(), 0)
        self.assertIn(b"Commands without an ID are about mine", t.seen)


class New(Case):
    def test_a_new_template_is_valid_and_runs(self):
        made = self.here("template", "new", "first", check=0)
        path = self.dir / ".argo/workflows/first.yaml"
        self.assertEqual(made.stdout, "./.argo/workflows/first.yaml\n")
        self.here("validate", str(path), check=0)
        self.here("start", "first", check=1)  # not trusted
        self.here("template", "trust", "first", "--yes", check=0)
        run = self.here("start", "first", check=0).stdout.strip()
        self.daemon.answer(run, "Ada")
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertIn("Hello, Ada! That is 3 bytes.", self.daemon.output(run))

    def test_nothing_is_overwritten(self):
        path = self.dir / "second.yaml"
        path.write_text("precious")
        self.assertIn("is there already", self.here("template", "new", str(path), check=1).stderr)
        self.assertEqual(path.read_text(), "precious")
        path.unlink()
        path.symlink_to(self.dir / "victim")
        self.here("template", "new", str(path), check=1)
        self.assertFalse((self.dir / "victim").exists())

    def test_a_path_and_a_name_that_is_none(self):
        self.here("template", "new", "./third.yml", check=0)
        self.assertIn("workflow_name: third\n", (self.dir / "third.yml").read_text())
        self.here("start", "./third.yml", check=0)
        for name in ("./a b.yaml", "-x", "..", "./.yaml", "x" * 65):
            self.here("template", "new", "--", name, check=2)
        self.here("template", "new", "./nowhere/x.yaml", check=1)
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["third.yml"])


class Log(Case):
    def test_the_log_is_read(self):
        shown = self.here("daemon", "logs", check=0).stdout
        self.assertRegex(shown, r"\d\d:\d\d.*  info +\w+: ")
        last = self.here("daemon", "logs", "-n", "1", "--json", check=0).stdout
        self.assertEqual(set(json.loads(last)), {"at", "level", "component", "message"})
        self.assertEqual(self.here("daemon", "logs", "-n", "0", check=0).stdout, "")
        self.assertEqual(len(self.here("daemon", "logs", "-n", "1", check=0).stdout.splitlines()), 1)
        self.here("daemon", "logs", "-n", "x", check=2)
        self.here("daemon", "logs", "--url", "unix:/x", check=2)
        self.arc("daemon", "logs", env={"ARGO_HOME": str(self.dir)}, check=3)

    def test_it_is_followed_into_the_next_file(self):
        log = self.daemon.home / "logs/daemon.log"
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        follow = subprocess.Popen([str(self.prefix / "bin/arc"), "daemon", "logs", "-f", "-n", "0"],
                                  env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(follow.wait)
        self.addCleanup(follow.kill)
        self.addCleanup(follow.stdout.close)
        entry = '{"at":"2026-01-01T00:00:00.000Z","level":"info","component":"x","message":"%s"}\n'
        argo.wait_for(lambda: any("inotify" in os.readlink(p) for p in pathlib.Path(
            f"/proc/{follow.pid}/fd").iterdir()), "the watch")
        with open(log, "a") as out:
            out.write(entry % "one")
            out.write((entry % "two")[:20])
            out.flush()
            self.assertTrue(follow.stdout.readline().endswith("x: one\n"))
            out.write((entry % "two")[20:])
        self.assertTrue(follow.stdout.readline().endswith("x: two\n"))
        log.rename(log.with_suffix(".log.1"))
        log.write_text(entry % "three")
        self.assertTrue(follow.stdout.readline().endswith("x: three\n"))


class Words(Case):
    """Words that are none get the nearest that there is."""

    def test_commands_and_options(self):
        for words, says in ((("strat",), "Did you mean: arc start"),
                            (("ci", "lst"), "Did you mean: arc ci list"),
                            (("daemon", "stpo"), "Did you mean: arc daemon stop"),
                            (("workflow", "strat"), "Did you mean: arc start"),
                            (("list", "--al"), "did you mean '--all'?"),
                            (("--jsn", "list"), "did you mean '--json'?"),
                            (("help", "strat"), "Did you mean: arc start")):
            with self.subTest(words):
                self.assertIn(says, self.here(*words, check=2).stderr)

    def test_names(self):
        self.daemon.launch(ASK, workflow_id="monday")
        self.daemon.post("/api/registry/ci", {"name": "local"})
        self.daemon.post("/api/session", {"session_id": "sprint"})
        for words, says in ((("status", "mondya"), "did you mean 'monday'?"),
                            (("attach", "mondya"), "did you mean 'monday'?"),
                            (("start", "helo"), "did you mean 'hello'?"),
                            (("ci", "show", "locla"), "did you mean 'local'?"),
                            (("ci", "remove", "locla"), "did you mean 'local'?"),
                            (("start", "hello", "--session", "sprnt"), "did you mean 'sprint'?"),
                            (("config", "get", "ARGO_DAEMON_PROT"), "did you mean 'ARGO_DAEMON_PORT'?"),
                            (("status", "zzzzzzz"), "See which there are: arc list --all"),
                            (("ci", "show", "zzz"), "arc ci add zzz")):
            with self.subTest(words):
                self.assertIn(says, self.here(*words, check=3).stderr)
        self.daemon.delete("/api/registry/ci/local")
        self.assertNotIn("did you mean", self.here("ci", "show", "locla", check=3).stderr)

    def test_long_forms(self):
        """Every command about a workflow, and no other."""
        help_all = self.here("help", check=0).stdout
        self.daemon.launch(ASK, workflow_id="w")
        for name in "start attach list status steps logs answer pause resume abandon switch".split():
            with self.subTest(name):
                self.assertIn(f"\n  {name} ", help_all)
                self.assertEqual(self.here("workflow", name, "--help", check=0).stdout,
                                 self.here(name, "--help", check=0).stdout)
        self.here("workflow", "version", check=2)
        self.here("workflow", check=2)

    def test_help_names_every_option_once(self):
        for line in re.findall(r"^  (\S+(?: \S+)?)  ", self.here("help", check=0).stdout, re.M):
            if not line.startswith("-"):
                text = self.here("help", *line.split(), check=0).stdout
                self.assertIn(f"Usage: arc {line}", text)
                options = re.findall(r"^  (?:-\w, |    )--([a-z-]+)", text, re.M)
                self.assertEqual(len(options), len(set(options)) + (line == "ci add"), line)


if __name__ == "__main__":
    argo.main()
