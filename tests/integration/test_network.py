#!/usr/bin/env python3
"""Faults between people and the daemon: replies that are lost, clients that die or whose network goes
away, people who type at once. Which fault is covered where: tests/oracle/faults.md."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import unittest

import argo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import witness  # noqa: E402
from crashes import Crashes  # noqa: E402
from witness import ASK, SAY, looping, steps  # noqa: E402

LONG = os.environ.get("ARGO_TEST_LONG") == "1"


class Dropper:
    """Stands between a client and the daemon: passes on everything, but of the first DROPS requests
    whose head has METHOD in its first line the reply is taken and dropped with the connection."""

    def __init__(self, path, daemon, method=b"POST", drops=1):
        self.daemon, self.method, self.drops = daemon, method, drops
        self.seen = []  # first lines
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as reader:
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = reader.readline()
                    if not line:
                        return
                    head += line
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = reader.read(int(length.group(1))) if length else b""
                self.seen.append(head.split(b"\r\n")[0].decode())
                reply = self.ask(head, body)
                if self.method in head.split(b"\r\n")[0] and self.drops > 0:
                    self.drops -= 1
                    return
                try:
                    client.sendall(reply)
                except OSError:
                    return

    def ask(self, head, body):
        """The daemon's whole reply, as it came."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
            own.connect(self.daemon.socket)
            own.sendall(head + body)
            response = http.client.HTTPResponse(own, method=head.split()[0].decode())
            response.begin()
            text = response.read()
            lines = [f"{name}: {value}" for name, value in response.getheaders()]
            return "\r\n".join([f"HTTP/1.1 {response.status} {response.reason}", *lines, "",
                                ""]).encode() + text

    def close(self):
        self.listener.close()


class LostReplies(Crashes):
    def dropper(self, **kw):
        path = self.daemon.home / "between.sock"
        between = Dropper(path, self.daemon, **kw)
        self.addCleanup(between.close)
        return between, f"unix:{path}"

    def lost(self, method, path, body, done, key=None):
        """Sends a request, and goes away without the reply when it is DONE."""
        client = argo.UnixConnection(self.daemon.socket)
        client.request(method, path, json.dumps(body), {
            "Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})})
        argo.wait_for(done, f"the effect of {method} {path}")
        client.close()

    def test_who_asks_again_gets_the_same(self):
        """Start, line and answer are sent, the reply is not read; the same again changes nothing."""
        start = {"definition": steps(ASK, {**ASK, "step": "q2"}, SAY), "request_key": "k",
                 "cwd": str(self.daemon.home)}
        count = lambda: self.daemon.get("/api/workflow/list?state=all").json["workflows"]
        self.lost("POST", "/api/workflow/start", start, count)
        reply = self.daemon.post("/api/workflow/start", start)
        self.assertEqual((reply.status, len(count())), (200, 1))
        run = reply.json["workflow_id"]
        first = self.daemon.question(run)
        path = f"/api/workflow/input/{run}"
        body = {"question_id": first["question_id"], "answer": "Ada"}
        self.lost("POST", path, body, lambda: self.daemon.question(run)["path"] == "q2", "a")
        again = self.daemon.post(path, body, headers={"Idempotency-Key": "a"})
        self.assertEqual(again.status, 200, again)
        self.lost("POST", path, {"input": "Eve"},
                  lambda: self.daemon.status(run)["status"] == "done", "b")
        again = self.daemon.post(path, {"input": "Eve"}, headers={"Idempotency-Key": "b"})
        self.assertEqual(again.status, 200, again)
        self.assertEqual(witness.shown(self.daemon.records(run)), ["it is Eve\n"])
        answers = [q["answer"] for q in self.daemon.get("/api/questions").json["questions"]]
        self.assertEqual(sorted(answers), ["Ada", "Eve"])

    def test_the_end_that_came_with_the_last_step(self):
        """An executor that does not hear of it asks again and is told that it is not its run any
        more: it leaves, the run has ended once."""
        between, url = self.dropper(method=b"/step/complete")
        own = self.daemon.home / "far"
        own.write_text(f"#!/bin/sh\nexport ARGO_DAEMON_URL={url}\n"
                       f'{self.prefix}/bin/argo_workflow_executor "$@"\n'
                       f'echo $? > {self.daemon.home}/code\n')
        own.chmod(0o700)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(own), "--warm-for", "0"]
        self.daemon.start()
        run = self.daemon.launch(steps({"step": "a", "type": "display", "message": "bye"}))
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        code = self.daemon.home / "code"
        argo.wait_for(lambda: code.exists() and code.read_text(), "the executor's end")
        self.assertEqual([line.split()[1].split("/")[-1] for line in between.seen],
                         ["checkpoint", "complete", "complete"])
        self.assertEqual(witness.shown(self.daemon.records(run)), ["bye\n"])
        events = self.daemon.get(f"/api/workflow/{run}/events").json["events"]
        self.assertEqual([e["kind"] for e in events],
                         ["state", "state", "text", "step_complete", "state"])
        self.assertEqual(self.daemon.status(run)["data"]["result"], {"steps": 1})

    def test_libcurl_sends_a_post_again_by_itself(self):
        """On a connection that was used before, when it dies without a byte of reply."""
        between, url = self.dropper()
        run = self.daemon.launch(steps(ASK, SAY))
        question = self.daemon.question(run)
        self.arc("--url", url, "answer", run, "Ada", check=0)
        posts = [line for line in between.seen if line.startswith("POST")]
        self.assertEqual(posts, [f"POST /api/workflow/input/{run} HTTP/1.1"] * 2)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        answered = self.daemon.get(f"/api/question/{question['question_id']}").json["data"]
        self.assertEqual(answered["answer"], "Ada")
        self.assertEqual(witness.shown(self.daemon.records(run)), ["it is Ada\n"])

    def test_executors_lose_replies(self):
        """What an executor reports is done once, though it hears of it the second time."""
        between, url = self.dropper(drops=8)
        program = self.daemon.home / "through"
        program.write_text(f"#!/bin/sh\nARGO_DAEMON_URL={url} exec "
                           f"{self.prefix}/bin/argo_workflow_executor\n")
        program.chmod(0o700)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(program)]
        self.daemon.start()
        run = self.daemon.launch(looping("n >= 4"))
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(between.drops, 0)
        self.check(run, 0, [])
        self.assertEqual(len(self.effects(run)), 8)
        self.assertEqual({s["attempt"] for s in self.daemon.steps(run)}, {1})


class People(Crashes):
    def follow(self, run):
        """arc that prints the run's output as it comes."""
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        arc = subprocess.Popen([str(self.prefix / "bin/arc"), "logs", "-f", run], env=env,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(arc.stdout.close)
        self.addCleanup(arc.wait)
        self.addCleanup(arc.kill)
        return arc

    def test_arc_dies_while_it_shows_output(self):
        """Whoever comes after it is shown everything, once."""
        count = 300
        run = self.daemon.launch(steps({"step": "c", "type": "command", "argv": [
            "sh", "-c", f"i=0; while test $i -lt {count}; do echo line $i; i=$((i+1)); done; "
                        "until test -e go; do sleep 0.02; done; echo end"]}))
        for _ in range(3):
            dying = self.follow(run)
            self.assertEqual(dying.stdout.readline(), "line 0\n")
            dying.kill()
        after = self.follow(run)
        (self.daemon.home / "go").touch()
        self.assertEqual(after.stdout.read(), "".join(f"line {i}\n" for i in range(count)) + "end\n")
        self.assertEqual(after.wait(argo.DEADLINE), 0)

    def test_two_people_type_at_once(self):
        """Their lines have one order, which both see."""
        lines = 20
        ask = {"step": "q", "type": "user_ask", "prompt": "?\n", "save_to": "who",
               "max_iterations": 1000}
        run = self.daemon.launch(steps(
            {"step": "i", "type": "set", "values": {"n": 0}}, ask,
            {"step": "d", "type": "display", "message": "{{who}}", "max_iterations": 1000},
            {"step": "inc", "type": "set", "values": {"n": "{{n + 1}}"}, "max_iterations": 1000},
            {"step": "m", "type": "decide", "condition": f"n < {2 * lines}", "if_true": "q",
             "if_false": "EXIT", "max_iterations": 1000}))
        readers = [self.follow(run) for _ in range(2)]
        numbers = {}

        def type_all(who):
            for i in range(lines):
                reply = self.daemon.post(f"/api/workflow/input/{run}", {"input": f"{who}{i}"})
                numbers[reply.json["data"]["seq"]] = f"{who}{i}\n"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for typed in [pool.submit(type_all, who) for who in "ab"]:
                typed.result()
        transcripts = [reader.stdout.read() for reader in readers]
        self.assertEqual(transcripts[0], transcripts[1])
        self.assertEqual([line + "\n" for line in transcripts[0].splitlines() if line != "?"],
                         [text for _, text in sorted(numbers.items())])


HALF_OPEN = """
import socket, sys, time
port, token, run, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
held = []
for i in range(count):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall((f"GET /api/workflow/status/{run}?wait=terminal&timeout=10 HTTP/1.1\\r\\n"
               f"Host: 127.0.0.1:{port}\\r\\nAuthorization: Bearer {token}\\r\\n\\r\\n").encode())
    held.append(s)
print("waiting", flush=True)
time.sleep(1000)
"""


@unittest.skipUnless(LONG, "takes two minutes: the time of an idle connection")
@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ip") and shutil.which("nsenter"),
                     "needs root, unshare, nsenter and ip")
class HalfOpen(Crashes):
    COUNT = 20

    def inside(self, *argv, **kw):
        """A program in the network of the daemon."""
        return subprocess.Popen(["nsenter", f"--target={self.daemon.process.pid}", "--net", *argv],
                                **kw)

    def fds(self):
        return len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))

    def test_clients_whose_network_goes_away(self):
        """Nobody says good-bye; what they held is free again when their time is over."""
        self.daemon.stop()
        self.daemon.wrapper = ["unshare", "--net", "sh", "-c",
                               'ip link set lo up && exec "$0" "$@"']
        self.daemon.start()
        run = self.daemon.launch(steps(ASK))
        self.daemon.question(run)
        before = self.fds()
        client = self.inside(sys.executable, "-c", HALF_OPEN, str(self.daemon.port),
                             self.daemon.token, run, str(self.COUNT), stdout=subprocess.PIPE)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        self.assertEqual(client.stdout.readline(), b"waiting\n")
        argo.wait_for(lambda: self.fds() > before + self.COUNT / 2, "the waiting clients")
        self.assertEqual(self.inside("ip", "link", "set", "lo", "down").wait(), 0)
        client.kill()
        argo.wait_for(lambda: self.fds() <= before, "what they held", 240)
        self.assertEqual(self.daemon.answer(run, "Ada").status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")


if __name__ == "__main__":
    argo.main()
