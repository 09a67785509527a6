"""What clients, nemesis and verdict share: the daemon, the runs as the clients know them, the
processes as /proc shows them, the journal, counts and violations."""
import collections
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

import argo
import journal
import witness

# A process that has nothing to do with us and looks as if it had: it notes every signal.
BYSTANDER = """
import os, signal, sys, time
def note(number, frame):
    os.write(1, b"%d\\n" % number)
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, note)
os.write(1, b"ready\\n")
while True:
    time.sleep(1000)
"""


class Bystander:
    def __init__(self, home):
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["argo_workflow_executor", "-c", BYSTANDER], executable=sys.executable,
            env={"ARGO_HOME": str(home), "ARGO_EPOCH": "1", "ARGO_WORKFLOW_ID": "nobody",
                 "ARGO_RUN_NONCE": "0" * 32}, stdin=subprocess.DEVNULL, stdout=self.output,
            start_new_session=True)
        argo.wait_for(lambda: self.said() == b"ready\n", "the bystander")

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def problems(self):
        """Whatever reached it; ends it."""
        state = os.waitid(os.P_PID, self.process.pid,
                          os.WSTOPPED | os.WCONTINUED | os.WEXITED | os.WNOHANG | os.WNOWAIT)
        found = [] if state is None else [f"the bystander changed its state: {state}"]
        if self.said() != b"ready\n":
            found.append(f"the bystander got signals: {self.said()}")
        self.process.kill()
        self.process.wait()
        return found


class Process:
    """A process by its number and the time of its start."""

    def __init__(self, pid, run, epoch):
        self.pid, self.run, self.epoch = pid, run, epoch
        self.start = start_of(pid)

    def lives(self):
        return self.start is not None and start_of(self.pid) == self.start

    def signal(self, signo):
        try:
            fd = os.pidfd_open(self.pid)
        except OSError:
            return
        try:
            if self.lives():
                signal.pidfd_send_signal(fd, signo)
        except ProcessLookupError:
            pass
        finally:
            os.close(fd)

    def kill(self):
        self.signal(signal.SIGKILL)

    def __repr__(self):
        return f"executor {self.pid} (epoch {self.epoch} of {self.run})"


def start_of(pid):
    """The start time of a living process, None for a zombie or nothing."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def environment_of(pid):
    try:
        data = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in data.decode("utf-8", "replace").split("\0")
                if "=" in entry)


class World:
    def __init__(self, seed, daemon, kinds, can_pause):
        self.seed, self.daemon, self.kinds, self.can_pause = seed, daemon, kinds, can_pause
        self.path = os.environ["PATH"]
        self.work = daemon.home / "work"
        self.work.mkdir()
        self.journal = journal.Journal(daemon.home / "journal")
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.runs = []  # (client's name, Run)
        self.strays = []  # acknowledged inputs of runs whose start was not acknowledged
        self.kills = collections.Counter()  # of executors, by run
        self.killed = set()  # their pids
        self.counts = collections.Counter()
        self.times = collections.defaultdict(float)
        self.violations = []
        self.bystander = Bystander(daemon.home)

    # ---- runs --------------------------------------------------------------------------------------

    def add(self, client, run):
        with self.lock:
            self.runs.append((client.name, run))

    def all_runs(self):
        with self.lock:
            return [run for _, run in self.runs]

    def runs_of(self, client):
        with self.lock:
            return [run for name, run in self.runs if name == client.name]

    def run_of(self, workflow):
        return next((run for run in self.all_runs() if run.id == workflow), None)

    def note_input(self, workflow, reply, text, question):
        with self.lock:
            self.counts["inputs"] += 1
            entry = (reply.json["data"]["seq"], text, question)
            self.strays.append((workflow, entry))

    def note_kill(self, victim):
        with self.lock:
            self.kills[victim.run] += 1
            self.killed.add(victim.pid)

    def effects(self, run):
        return witness.effects(self.work / run.key / "effects", run.id)

    # ---- processes ---------------------------------------------------------------------------------

    def processes(self):
        """(pid, environment) of everything that lives in this home, but for the bystander."""
        home = str(self.daemon.home)
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                environ = environment_of(entry.name)
                if environ.get("ARGO_HOME") == home and environ.get("ARGO_RUN_NONCE") and \
                        environ["ARGO_WORKFLOW_ID"] != "nobody" and argo.alive(int(entry.name)):
                    yield int(entry.name), environ

    def processes_of(self, workflow):
        # Twice: a process that has just begun its program shows no environment.
        for _ in range(2):
            found = [pid for pid, environ in self.processes()
                     if environ["ARGO_WORKFLOW_ID"] == workflow]
            if found:
                return found
        return []

    def running_of(self, workflow):
        """Its processes that do not stand still; none when its executor is dead, or has been killed and
        must run once more to die: what that leaves is being ended."""
        with self.lock:
            killed = set(self.killed)
        if not any(executor.run == workflow and executor.pid not in killed
                   for executor in self.executors()):
            return []

        def stands(pid):
            """Also one that waits in the kernel and has been told to stop."""
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return True
            fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
            letter = fields["State"].split()[0]
            pending = int(fields["ShdPnd"], 16) >> (signal.SIGSTOP - 1) & 1
            return letter in "TtZ" or (letter == "D" and pending)
        return [pid for pid in self.processes_of(workflow) if not stands(pid)]

    def executors(self):
        """Those that live. Only root sees their environment; else the daemon is asked."""
        found = self.executors_seen() if os.geteuid() == 0 else self.executors_told()
        return sorted((e for e in found if e.lives()), key=lambda e: (e.run, e.epoch))

    def executors_seen(self):
        for pid, environ in self.processes():
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text()
            except OSError:
                continue
            if name.startswith("argo_workflow"):
                yield Process(pid, environ["ARGO_WORKFLOW_ID"], int(environ["ARGO_EPOCH"]))

    def executors_told(self):
        for item in self.daemon.get("/api/workflow/list?limit=1000").json["workflows"]:
            if item["pid"] != 0:
                data = self.daemon.status(item["workflow_id"])["data"]
                yield Process(item["pid"], item["workflow_id"], data["epoch"])

    # ---- what is told at the end ---------------------------------------------------------------------

    def slowest(self, what, seconds):
        self.times[what] = max(self.times[what], seconds)

    def expect(self, fact, text, about):
        if not fact:
            self.violation(text, about)

    def violation(self, text, about):
        with self.lock:
            self.violations.append((text, about))
        self.journal.put("oracle", violation=text)
