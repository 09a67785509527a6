#!/usr/bin/env python3
"""The documentation's terminal sessions, lived through: every ```console block of a page is run, from
the top of the page to its end, in one home and one directory, and shows what the page says.

In a block, "$ " begins a command (a backslash at the end continues it) and what follows is what the
terminal shows. `...` stands for anything within a line, a line `...` for any lines, and a number for any
number, blanks for any blanks. A line "> WORDS" is the prompt, at which WORDS are typed; "^D" is Ctrl-D. In a ```sh tried block
each line is a command that succeeds, with nobody at its terminal. Other blocks with a file's name behind
their kind (```yaml explain.yaml) are that file.
"""
import os
import pathlib
import re
import shutil
import tempfile

import argo
from models import Server, says
from terminal import Terminal

PAGES = {"README.md": argo.ROOT / "README.md",
         **{path.name: path for path in sorted((argo.ROOT / "docs").glob("*.md"))}}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
TYPED = re.compile(r"^((?:\(.*\) )?> )(\S.*)$")
# Where a page says that Ollama is, the tests have a server that says this.
SAYS = "Argo runs what you start, and waits for you."
ELSEWHERE = "http://127.0.0.1:11434"


def is_session(page):
    return any(info in ("console", "sh tried") for info, _ in FENCE.findall(PAGES[page].read_text()))


def commands(text, mark):
    """(line in the block, command, the lines that it shows)."""
    found = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if lines[at].startswith(mark):
            first, command = at, lines[at][len(mark):]
            while command.endswith("\\"):
                at += 1
                command = command[:-1] + lines[at].strip()
            found.append((first + 1, command, []))
        elif not found:
            raise AssertionError(f"expected '$ COMMAND' before: {lines[at]}")
        else:
            found[-1][2].append(lines[at])
        at += 1
    return found


def pattern(line):
    parts = [re.sub(r"\d+", r"\\d+", re.escape(part)) for part in line.rstrip().split("...")]
    return re.sub(r"(\\ )+", " +", ".*".join(parts))


def shows(expected, lines):
    """Whether LINES are what EXPECTED says; `...` alone takes any number of them."""
    if not expected:
        return not lines
    if expected[0] == "...":
        return any(shows(expected[1:], lines[skip:]) for skip in range(len(lines) + 1))
    return bool(lines) and re.fullmatch(pattern(expected[0]), lines[0]) is not None and \
        shows(expected[1:], lines[1:])


class Session:
    """A shell's state between commands, each of which has a terminal of its own."""

    def __init__(self, case, directory):
        self.case, self.directory, self.state = case, directory, directory / ".state"
        self.state.write_text(f"cd {directory}\n")
        (directory / ".argo").symlink_to(case.daemon.home)

    @property
    def here(self):
        return pathlib.Path(self.state.read_text().splitlines()[-1].removeprefix("cd "))

    def run(self, command, typed):
        keep = f"{{ declare -px; echo cd \"$(pwd)\"; }} >{self.state}"
        script = f". {self.state}\n{command}\ncode=$?\n{keep}\nexit $code\n"
        env = {**os.environ, "HOME": str(self.directory), "TERM": "dumb", "LC_ALL": "C.UTF-8",
               "ARGO_HOME": str(self.case.daemon.home), "http_proxy": "", "PWD": str(self.directory),
               "PATH": f"{self.case.prefix / 'bin'}:{os.environ['PATH']}"}
        terminal = Terminal(["bash", "-c", script], env)
        self.case.addCleanup(terminal.close)
        at = 0
        for prompt, words in typed:
            at = terminal.expect(prompt, at)
            terminal.type(words.replace("^D", "\x04") if words == "^D" else words + "\n")
        code = terminal.end()
        seen = terminal.seen.decode().replace("\r\n", "\n").replace("^D\r\x1b[J", "^D")
        return code, [line.rstrip() for line in seen.splitlines() if line.strip()]


class Transcripts(argo.Case):
    daemon_args = ("--port", "0")

    def setUp(self):
        super().setUp()
        self.server = Server(says(SAYS))
        self.addCleanup(self.server.end)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="argo-session-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def elsewhere(self, text):
        return text.replace(ELSEWHERE, self.server.root)

    def live(self, page):
        session = Session(self, self.directory)
        text = PAGES[page].read_text()
        for block in FENCE.finditer(text):
            info, body = block.groups()
            line = text.count("\n", 0, block.start()) + 1
            if info == "console":
                for offset, command, expected in commands(body, "$ "):
                    self.one(f"{page}:{line + offset}", session, command, expected)
            elif info == "sh tried":
                for offset, command, _ in commands(body, ""):
                    code, lines = session.run(f"{{ {self.elsewhere(command)}\n}} </dev/null", [])
                    self.assertEqual(code, 0, f"{page}:{line + offset}: {command}: {lines}")
            elif len(info.split()) == 2 and "." in info:
                (session.here / info.split()[1]).write_text(body)

    def one(self, where, session, command, expected):
        typed = [match.groups() for match in map(TYPED.match, expected) if match]
        command = self.elsewhere(command)
        code, lines = session.run(command, typed)
        wanted = [self.elsewhere(line) for line in expected if line.strip()]
        if not shows(wanted, lines):
            raise AssertionError(f"{where}: $ {command}\nexpected:\n" + "\n".join(wanted) +
                                 f"\n\nshown (exit code {code}):\n" + "\n".join(lines))

    def test_what_stands_for_what(self):
        self.assertTrue(shows(["a ... c", "...", "z 1"], ["a b c", "d", "e", "z 42"]))
        self.assertTrue(shows(["...", "z"], ["z"]))
        self.assertFalse(shows(["a"], ["a", "b"]))
        self.assertFalse(shows(["a", "b"], ["a"]))
        self.assertFalse(shows(["a ... c"], ["a b d"]))
        self.assertFalse(shows(["a.c"], ["abc"]))


def page_test(page):
    return lambda self: self.live(page)


for name in filter(is_session, PAGES):
    setattr(Transcripts, "test_" + re.sub(r"\W", "_", name), page_test(name))


if __name__ == "__main__":
    argo.main()
