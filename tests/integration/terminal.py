"""A program on a pseudo-terminal of its own, and what a person sees there: a small model of a
terminal that knows the few sequences that arc and libedit write, and notes every other one."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

import argo

# What arc writes itself: colours, its own cursor, and that pastes are to be marked.
OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?2004[hl]|\x1b\[\d*[ABCDGJKP@]")
# What must never reach a terminal: controls, C1, bidirectional controls, what is invisible and
# carries text (tags, variation selectors of the supplement), line separators, and noncharacters.
HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
                     "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]")


def width(c):
    if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


class Screen:
    """Rows of cells; lines that scroll out are kept in `gone`."""

    def __init__(self, rows=24, columns=80):
        self.rows, self.columns = rows, columns
        self.lines = [[]]
        self.wrapped = set()  # the rows that go on with the one before
        self.y = self.x = 0
        self.unknown = []

    def resize(self, rows, columns):
        """What had been wrapped is wrapped anew, as terminals do today."""
        old, wrapped, y, x = self.lines, self.wrapped, self.y, self.x
        self.rows, self.columns = rows, columns
        self.lines, self.wrapped, self.y, self.x = [[]], set(), 0, 0
        where = (0, 0)
        for number, line in enumerate(old):
            if number > 0 and number not in wrapped:
                self.y, self.x = self.y + 1, 0
                self.line()
            for column, cell in enumerate(line):
                if (number, column) == (y, x):
                    where = (self.y, self.x)
                if cell:
                    self.put(cell)
            if number == y and x >= len(line):
                where = (self.y, self.x + x - len(line))
        self.y, self.x = where

    def line(self):
        while len(self.lines) <= self.y:
            self.lines.append([])
        return self.lines[self.y]

    def put(self, c):
        n = max(map(width, c))
        line = self.line()
        if n == 0:
            if self.x > 0 and self.x <= len(line):
                line[self.x - 1] += c
            return
        if self.x + n > self.columns:
            self.y, self.x = self.y + 1, 0
            self.wrapped.add(self.y)
            line = self.line()
        line.extend(" " * (self.x + n - len(line)))
        line[self.x:self.x + n] = [c] + [""] * (n - 1)
        self.x += n

    def control(self, parameters, final):
        n = int(parameters.split(";")[0] or 0) if parameters.replace(";", "").isdigit() else 0
        line = self.line()
        if final == "A":
            self.y = max(0, self.y - max(n, 1))
        elif final == "B":
            self.y += max(n, 1)
        elif final == "C":
            self.x = min(self.columns - 1, self.x + max(n, 1))
        elif final == "D":
            self.x = max(0, min(self.x, self.columns - 1) - max(n, 1))
        elif final == "G":
            self.x = max(n, 1) - 1
        elif final == "J" and n == 0:
            if self.x == 0:
                self.wrapped.discard(self.y)
            del line[self.x:]
            del self.lines[self.y + 1:]
            self.wrapped = {y for y in self.wrapped if y <= self.y}
        elif final == "K" and n == 0:
            del line[self.x:]
        elif final == "P":
            del line[self.x:self.x + max(n, 1)]
        elif final == "@":
            line[self.x:self.x] = [" "] * max(n, 1)
        elif final != "m" and (parameters, final) not in (("?2004", "h"), ("?2004", "l")):
            self.unknown.append((parameters, final))

    def feed(self, text):
        at = 0
        while at < len(text):
            sequence = re.compile(r"\x1b\[([0-9;?]*)([@-~])").match(text, at)
            c = text[at]
            at = sequence.end() if sequence else at + 1
            if sequence:
                self.control(*sequence.groups())
            elif c == "\r":
                self.x = 0
            elif c == "\n":
                self.y += 1
            elif c == "\b":
                self.x = max(0, min(self.x, self.columns - 1) - 1)
            elif c == "\t":
                self.x = self.x // 8 * 8 + 8
            elif HOSTILE.match(c):
                self.unknown.append(c)
            else:
                self.put(c)

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines).rstrip("\n")

    def last(self):
        return self.text().rsplit("\n", 1)[-1]


class Terminal:
    def __init__(self, argv, env, rows=24, columns=80, cwd=None):
        self.master, slave = pty.openpty()
        self.screen = Screen(rows, columns)
        self.set_size(rows, columns)
        self.before = termios.tcgetattr(slave)

        def control():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env,
                                        preexec_fn=control, close_fds=True, cwd=cwd)
        self.slave = slave  # kept, to look at its settings
        self.seen = b""
        self.shown = 0  # how much of it the screen has

    def set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        """As a window does it: what is on the screen stays, and the program is told."""
        self.look()
        self.screen.resize(rows, columns)
        self.set_size(rows, columns)

    def read(self, timeout):
        if not select.select([self.master], [], [], timeout)[0]:
            return False
        try:
            self.seen += os.read(self.master, 65536)
        except OSError:
            return False
        return True

    def look(self):
        """The screen, with all that has come."""
        text = self.seen[self.shown:].decode("utf-8", "surrogateescape")
        whole = re.sub("(\x1b(\\[[0-9;?]*)?|[\udc80-\udcff]+)\\Z", "", text)
        self.shown += len(whole.encode("utf-8", "surrogateescape"))
        self.screen.feed(whole)
        return self.screen

    def expect(self, text, after=0):
        """Reads until TEXT has come; where it ends."""
        end = time.monotonic() + argo.DEADLINE
        while text.encode() not in self.seen[after:]:
            over = self.process.poll() is not None
            if not self.read(0 if over else 0.2) and over or time.monotonic() > end:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
        return self.seen.index(text.encode(), after) + len(text.encode())

    def see(self, fact, what="that"):
        """Reads until FACT is true of the screen: a function, or the text of its last line."""
        end = time.monotonic() + argo.DEADLINE
        if isinstance(fact, str):
            what, wanted = f"last line {fact!r}", fact
            fact = lambda screen: screen.last() == wanted
        while not fact(self.look()):
            if time.monotonic() > end:
                raise AssertionError(f"not seen: {what}; on the screen:\n{self.screen.text()}\n"
                                     f"{self.seen!r}")
            self.read(0.2)
        return self.screen.text()

    def type(self, text):
        os.write(self.master, text.encode())

    def signal(self, signo):
        self.process.send_signal(signo)

    def stopped(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def end(self):
        """The exit code, when everything has been read."""
        end = time.monotonic() + argo.DEADLINE
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        code = self.process.wait(1)
        while self.read(0):
            pass
        self.look()
        return code

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def restored(self):
        """Whether the terminal's settings are as they were before."""
        return termios.tcgetattr(self.slave) == self.before

    def foreign(self):
        """What of all that came is neither text nor arc's own: [] when it is clean."""
        text = OWN.sub("", self.seen.decode("utf-8", "surrogateescape").replace("\r", ""))
        return [c for c in text.replace("\b", "") if HOSTILE.match(c) or "\udc80" <= c <= "\udcff"]

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


ASK = {"step": "who", "type": "user_ask", "prompt": "Who?", "save_to": "who"}
HI = {"step": "hi", "type": "display", "message": "Hi {{who}}!"}
SURE = {"step": "sure", "type": "user_ask", "prompt": "Sure?", "save_to": "sure"}
SAID = {"step": "said", "type": "display", "message": "{{who}}, {{sure}}"}
STALE = "(What you were typing is not sent. Enter: go on) >"


def flow(*steps, name="t", **top):
    return {"workflow_name": name, "steps": list(steps), **top}


class Case(argo.Case):
    def terminal(self, *args, size=(24, 80), **env):
        full = {**os.environ, "ARGO_HOME": str(self.daemon.home), "TERM": "xterm",
                "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **env}
        t = Terminal([str(self.prefix / "bin/arc"), *args], full, *size, cwd=self.daemon.home)
        self.addCleanup(t.close)
        return t
