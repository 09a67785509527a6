#!/usr/bin/env python3
"""Completion in bash, zsh and fish, by the shells' own engines: commands, options, and names from a
daemon that runs; none is started for it."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import argo
from terminal import Terminal

ASK = {"workflow_name": "ask", "steps": [
    {"step": "who", "type": "user_ask", "prompt": "Who?", "save_to": "who"}]}


class Case(argo.Case):
    def setUp(self):
        super().setUp()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="argo-work-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.env = {**os.environ, "ARGO_HOME": str(self.daemon.home), "HOME": str(self.dir),
                    "PATH": f"{self.prefix}/bin:{os.environ['PATH']}", "TERM": "xterm",
                    "LC_ALL": "C.UTF-8"}
        self.daemon.launch(ASK, workflow_id="monday")
        self.daemon.post("/api/registry/ci", {"name": "local", "provider": "openai", "model": "m",
                                              "base_url": "http://127.0.0.1:1/v1"})
        self.daemon.post("/api/session", {"session_id": "sprint"})
        (self.dir / "file.yaml").write_text("")
        (self.dir / "folder").mkdir()

    def run_in(self, *argv):
        result = subprocess.run(argv, env=self.env, text=True, capture_output=True, cwd=self.dir,
                                stdin=subprocess.DEVNULL, timeout=argo.DEADLINE)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()


class Candidates(Case):
    """What arc itself says, which is what the shells ask for."""

    def words(self, *words):
        return [line.split("\t")[0] for line in self.run_in("arc", "__complete", *words)]

    def test_every_place(self):
        question = self.daemon.question("monday")["question_id"]
        for words, expected in (
                (("st",), ["start", "status", "steps"]),
                (("workflow", "st"), ["start", "status", "steps"]),
                (("workflow", "c"), []),
                (("daemon", "s"), ["start", "stop", "sync", "status"]),
                (("config", "g"), ["get"]),
                (("status", ""), ["monday"]),
                (("workflow", "status", "m"), ["monday"]),
                (("status", "x"), []),
                (("status", "monday", ""), []),
                (("logs", "-f", ""), ["monday"]),
                (("answer", "monday", "--question", ""), [question]),
                (("start", "he"), ["hello", ":files"]),
                (("start", "hello", "--ci", ""), ["local"]),
                (("start", "hello", "--ci=l",), ["--ci=local"]),
                (("start", "hello", "--ci", "=", "l"), ["local"]),
                (("start", "hello", "--session", ""), ["sprint"]),
                (("start", "hello", "--cwd", ""), [":directories"]),
                (("start", "hello", "--", "--"), []),
                (("start", "hello", "--wa"), ["--wait"]),
                (("start", "-b", "main", "he"), ["hello", ":files"]),
                (("list", "--state", "wa"), ["waiting"]),
                (("ci", "show", ""), ["local"]),
                (("ci", "add", "x", "--provider", "o"), ["openai"]),
                (("ci", "add", "x", "--url", ""), []),
                (("session", "show", ""), ["sprint"]),
                (("config", "get", "ARGO_DEFAULT_"), ["ARGO_DEFAULT_PROVIDER", "ARGO_DEFAULT_MODEL"]),
                (("help", "doc"), ["doctor"]),
                (("--hom",), ["--home"]),
                (("--home", ""), [":directories"]),
                (("--json", "stat"), ["status"]),
                (("nonsense", ""), []),
                (("completion", ""), ["bash", "zsh", "fish"]),
                (("__com",), [])):
            with self.subTest(words):
                self.assertEqual(self.words(*words), expected)

    def test_options_are_those_of_the_help(self):
        shown = self.words("start", "--")
        self.assertIn("--param", shown)
        self.assertIn("--json", shown)
        self.assertEqual(len(shown), len(set(shown)))

    def test_another_home_is_asked(self):
        self.assertEqual(self.words("--home", str(self.dir), "status", ""), [])
        self.assertEqual(self.words("status", "--home", str(self.dir), ""), [])
        url = f"unix:{self.daemon.socket}"
        self.assertEqual(self.words("status", "--home", str(self.dir), "--url", url, ""), ["monday"])

    def test_nothing_is_started_and_nothing_said(self):
        self.daemon.stop()
        for words in (("status", ""), ("ci", "show", ""), ("session", "show", "")):
            self.assertEqual(self.words(*words), [])
        self.assertEqual(self.words("start", ""), [":files"])
        self.assertEqual(self.words("stat"), ["status"])
        (self.dir / ".env.argo").write_text("ARGO_DAEMON_PORT=abc\n")
        self.assertEqual(self.words("stat"), ["status"])
        self.assertEqual(self.words("status", ""), [])
        self.assertFalse((self.daemon.home / "run/argo.sock").exists() and
                         self.arc("daemon", "status").returncode == 0)
        self.daemon.start()

    def test_a_shell_that_is_none(self):
        self.arc("completion", "tcsh", check=2)
        self.arc("completion", check=2)


@unittest.skipUnless(shutil.which("bash"), "bash is not installed")
class Bash(Case):
    def words(self, *words):
        return self.run_in("bash", "-c", 'source <(arc completion bash); COMP_WORDS=(arc "$@"); '
                           'COMP_CWORD=$#; _arc arc; printf "%s\\n" "${COMPREPLY[@]}"', "bash", *words)

    def test_bash(self):
        self.assertEqual(self.words("stat"), ["status"])
        self.assertEqual(self.words("status", ""), ["monday"])
        self.assertEqual(self.words("start", "hello", "--ci", "=", "l"), ["local"])
        self.assertEqual(sorted(self.words("start", "f")), ["file.yaml", "folder"])
        self.assertEqual(self.words("start", "x", "--cwd", "f"), ["folder"])
        self.assertEqual(self.words("status", "x"), [""])


@unittest.skipUnless(shutil.which("fish"), "fish is not installed")
class Fish(Case):
    def lines(self, line):
        return self.run_in("fish", "-c", f"arc completion fish | source; complete -C '{line}'")

    def test_fish(self):
        self.assertEqual(self.lines("arc statu"), ["status\tShow a workflow"])
        self.assertEqual(self.lines("arc status "), ["monday\twaiting"])
        self.assertEqual(self.lines("arc start hello --ci="), ["--ci=local\tm"])
        self.assertEqual([line.split("\t")[0] for line in self.lines("arc start x --cwd f")],
                         ["folder/"])
        self.assertIn("file.yaml", [line.split("\t")[0] for line in self.lines("arc start f")])
        self.assertEqual(self.lines("arc nonsense "), [])


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(Case):
    def test_zsh(self):
        t = Terminal(["zsh", "-f", "-i"], self.env, cwd=self.dir)
        self.addCleanup(t.close)
        t.type("PROMPT='%% '; unsetopt beep; autoload -Uz compinit; compinit -u -D; "
               "source <(arc completion zsh); show() { zle -I; print -r -- \"<$BUFFER>\"; BUFFER= }; "
               "zle -N show; bindkey '^X' show; echo re''ady\n")
        at = t.expect("ready")
        for typed, comes in (("arc statu", "arc status "), ("arc status mo", "arc status monday "),
                             ("arc start hello --ci lo", "arc start hello --ci local "),
                             ("arc start fi", "arc start file.yaml "),
                             ("arc ci ad", "arc ci add "),
                             ("arc config get ARGO_DEFAULT_M", "arc config get ARGO_DEFAULT_MODEL ")):
            t.type(f"{typed}\t\x18")
            at = t.expect(f"<{comes}>", at)
        t.type("arc daemon st\t\t")
        t.expect("-- Stop the daemon; workflows go on", at)


if __name__ == "__main__":
    argo.main()
