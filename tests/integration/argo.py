"""What the integration tests share: a staged installation, a real daemon in a temporary home, a
small HTTP client over both transports, and waiting for facts instead of sleeping."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import contract

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {"argo-daemon": "ARGO_TEST_DAEMON",
            "argo_workflow_executor": "ARGO_TEST_EXECUTOR",
            "arc": "ARGO_TEST_ARC"}
POLL = (7, 73, 168, 271)  # poll and ppoll, where Argo is built
# Seconds until a wait gives up: a failure, never a measurement.
DEADLINE = float(os.environ.get("ARGO_TEST_DEADLINE", "60"))


def stage():
    """bin/ and share/argo/templates as an installation has them, of hard links."""
    prefix = pathlib.Path(tempfile.mkdtemp(prefix="argo-stage-"))
    (prefix / "bin").mkdir()
    for name, variable in PROGRAMS.items():
        shutil.copy2(os.environ[variable], prefix / "bin" / name)
    shutil.copytree(ROOT / "tools/data/templates", prefix / "share/argo/templates")
    return prefix


def wait_for(fact, what, deadline=DEADLINE):
    """Polls FACT until it is true; its value is returned."""
    end = time.monotonic() + deadline
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"gave up waiting for: {what}")
        time.sleep(0.01)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE * 2)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Reply:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"<{self.status} {self.text}>"


class Daemon:
    """A real daemon in a home of its own."""

    def __init__(self, prefix, home=None, args=()):
        self.prefix = prefix
        self.home = pathlib.Path(home or tempfile.mkdtemp(prefix="argo-home-"))
        # No test but those of parking wants its executors to end while it looks at them.
        self.args = ["--park-after", "3600", *args]
        self.wrapper = []  # a command to start it under, which becomes it: same pid
        self.process = None
        self.port = 0

    def spawn(self):
        """Starts the process; the fd says the port when it serves."""
        if "--executor" in self.args and "--warm-for" not in self.args:
            self.args += ["--warm-for", "0"]  # what stands in for the executor runs for each launch
        read_fd, write_fd = os.pipe()
        with open(self.home / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                [*self.wrapper, str(self.prefix / "bin/argo-daemon"), "--home", str(self.home),
                 "--port", "0", "--ready-fd", str(write_fd), *self.args],
                pass_fds=[write_fd], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=stderr)
        os.close(write_fd)
        return read_fd

    def ready(self, read_fd):
        with os.fdopen(read_fd) as ready:
            line = ready.readline()
        if not line:
            code = self.process.wait(DEADLINE)
            raise RuntimeError(f"the daemon ended with {code}: "
                               f"{(self.home / 'stderr').read_text()}")
        self.port = int(line)
        return self

    def start(self):
        return self.ready(self.spawn())

    @property
    def socket(self):
        return str(self.home / "run/argo.sock")

    @property
    def token(self):
        return (self.home / "token").read_text().strip()

    def request(self, method, path, body=None, headers=None, tcp=False, token=True):
        headers = dict(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE * 2) \
            if tcp else UnixConnection(self.socket)
        if tcp and token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        data = None
        if body is not None:
            data = body if isinstance(body, (str, bytes)) else json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            reply = Reply(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        contract.check(method, path, reply, data)
        return reply

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body if body is not None else {}, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def launch(self, template, wait=False, **members):
        """Starts a run of TEMPLATE (a name, or a dict/text sent along) and returns its id."""
        body = {"cwd": str(self.home), "env": {"PATH": os.environ["PATH"]}, **members}
        if isinstance(template, dict):
            body["definition"] = template
        elif "\n" in template:
            body["definition"] = template
        else:
            body["template"] = template
        reply = self.post("/api/workflow/start", body)
        if reply.status != 200:
            raise AssertionError(f"start: {reply}")
        workflow_id = reply.json["workflow_id"]
        if wait:
            self.wait_end(workflow_id)
        return workflow_id

    def status(self, workflow_id):
        return self.get(f"/api/workflow/status/{workflow_id}").json

    def wait_end(self, workflow_id):
        def ended():
            reply = self.get(f"/api/workflow/status/{workflow_id}?wait=terminal&timeout=20")
            state = reply.json["status"]
            return reply.json if state in ("done", "failed", "abandoned") else None
        return wait_for(ended, f"the end of {workflow_id}", DEADLINE * 2)

    def output(self, workflow_id):
        """The whole output as one text."""
        text, after = "", 0
        while True:
            reply = self.get(f"/api/workflow/output/{workflow_id}?after={after}").json
            text += reply["output"]
            if not reply["data"]["records"]:
                return text
            after = reply["data"]["next_after"]

    def records(self, workflow_id):
        return self.get(f"/api/workflow/output/{workflow_id}?after=0&limit=10000").json[
            "data"]["records"]

    def steps(self, workflow_id):
        return self.get(f"/api/workflow/{workflow_id}/steps").json["steps"]

    def question(self, workflow_id):
        """The open question of the run, as soon as there is one."""
        def asked():
            for question in self.get("/api/questions?state=open").json["questions"]:
                if question["workflow_id"] == workflow_id:
                    return question
            return None
        return wait_for(asked, f"a question of {workflow_id}")

    def answer(self, workflow_id, answer, question=None):
        question = question or self.question(workflow_id)
        return self.post(f"/api/workflow/input/{workflow_id}",
                         {"question_id": question["question_id"], "answer": answer})

    def executor(self, workflow_id):
        """The pid of the run's executor, as soon as it has one."""
        return wait_for(lambda: self.status(workflow_id)["pid"], f"a process of {workflow_id}")

    def warm(self):
        """The pid of the process that executors are forked from, or None."""
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and parent(entry.name) == self.process.pid and \
                        b"--warm" in (entry / "cmdline").read_bytes().split(b"\0") and \
                        alive(entry.name):
                    return int(entry.name)
            except OSError:
                pass
        return None

    def is_forking(self):
        """Whether that one sleeps until it is asked for a process."""
        warm = pathlib.Path(f"/proc/{self.warm()}")
        try:
            return "poll" in (warm / "wchan").read_text() or \
                int((warm / "syscall").read_text().split()[0]) in POLL
        except (OSError, ValueError):
            return False

    def warm_up(self):
        """The pid of the one that forks, as soon as there is one."""
        if self.warm() is None:
            self.launch({"workflow_name": "warms", "steps": [
                {"step": "s", "type": "set", "values": {"x": 1}}]}, wait=True)
        wait_for(self.is_forking, "a process that forks")
        self.get("/api/health")  # its word has been read, too
        return self.warm()

    def kill(self, signo=signal.SIGKILL):
        self.process.send_signal(signo)
        self.process.wait(DEADLINE)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def end(self):
        """Abandons what runs, stops, and removes the home."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.post("/api/daemon/shutdown", {"abandon": True, "grace_s": 1})
            except (OSError, http.client.HTTPException):
                pass
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def alive(pid):
    """True for a process that is there and no zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def living_with(name, value):
    """The pids of living processes with NAME=VALUE in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"{name}={value}".encode() in environ and alive(int(entry.name)):
            found.append(int(entry.name))
    return found


def quote(text):
    return urllib.parse.quote(text, safe="")


class Case(unittest.TestCase):
    """A test case with a daemon of its own: self.daemon."""

    daemon_args = ()

    @classmethod
    def setUpClass(cls):
        cls.prefix = stage()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.prefix, ignore_errors=True)

    def setUp(self):
        self.daemon = Daemon(self.prefix, args=self.daemon_args).start()
        self.addCleanup(self.daemon.end)

    def arc(self, *args, check=None, **kw):
        """Runs arc to its end; CHECK is the expected exit code."""
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home), **kw.pop("env", {})}
        result = subprocess.run([str(self.prefix / "bin/arc"), *args], env=env, text=True,
                                capture_output=True, timeout=DEADLINE * 2,
                                stdin=kw.pop("stdin", subprocess.DEVNULL), **kw)
        if check is not None and result.returncode != check:
            raise AssertionError(f"arc {' '.join(args)}: exit {result.returncode}, expected "
                                 f"{check}\n{result.stdout}\n{result.stderr}")
        return result


def main():
    unittest.main(verbosity=2)
