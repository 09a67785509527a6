#!/usr/bin/env python3
"""The limits that need many connections or much time: how many may wait for one run, and how long
a request may take to arrive."""
import concurrent.futures
import fcntl
import json
import os
import resource
import select
import struct
import termios
import time
import unittest

import argo
import standin
from raw import MIB, Raw, head
from standin import ASK

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
WAITERS = 1024
FILES = 3 * WAITERS + 1000  # enough for these and some more


class Waiters(standin.Case):  # a real executor would wait too
    """Whoever waits for one run takes the place of nobody else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < FILES:
            raise unittest.SkipTest(f"needs {FILES} files, the hard limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))

    def wait(self, run, n):
        """N who wait, once the daemon has read what they ask."""
        found = []
        for _ in range(n):
            raw = Raw(self.daemon, "unix")
            self.addCleanup(raw.sock.close)
            raw.send(head("GET", f"/api/workflow/status/{run}?wait=terminal&timeout=600"))
            found.append(raw)
        for raw in found:
            argo.wait_for(lambda: self.unread(raw.sock) == 0, "a request that is read")
        return found

    @staticmethod
    def unread(sock):
        """How much of what was sent the other side has not read."""
        return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]

    def one_more(self, run, **kw):
        return self.daemon.get(f"/api/workflow/status/{run}?wait=terminal&timeout=0.01", **kw)

    def test_so_many_wait_for_one_run(self):
        run, other = self.daemon.launch(ASK), self.daemon.launch(ASK)
        waiting = self.wait(run, WAITERS - 1)
        for tcp in (False, True):  # there is room for one more at a time
            self.assertEqual(self.one_more(run, tcp=tcp).status, 200)
        waiting += self.wait(run, 1)
        for path in (f"/api/workflow/status/{run}?wait=terminal&timeout=9",
                     f"/api/workflow/output/{run}?after=999&timeout=9"):
            for tcp in (False, True):
                reply = self.daemon.get(path, tcp=tcp)
                self.assertEqual((reply.status, reply.json["error"]["code"]), (503, 1203), reply)
                self.assertEqual(reply.headers["Retry-After"], "1")
        # None of those that wait was refused, and nobody else is held up.
        poll = select.poll()
        for raw in waiting:
            poll.register(raw.sock, select.POLLIN)
        self.assertEqual(poll.poll(0), [])
        for tcp in (False, True):
            self.assertEqual(self.daemon.get("/api/health", tcp=tcp).json["data"]["store"], "ok")
            self.assertEqual(self.daemon.get(f"/api/workflow/status/{run}", tcp=tcp).status, 200)
            self.assertEqual(self.one_more(other, tcp=tcp).status, 200)

        waiting.pop().sock.close()
        argo.wait_for(lambda: self.one_more(run).status == 200, "room for one")
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        for raw in waiting:
            status, _, body = raw.reply()
            self.assertEqual((status, json.loads(body)["status"]), (200, "abandoned"))


class Files(argo.Case):
    """Of its files a daemon uses three quarters for connections, of those as much for who waits."""

    FILES, WAITING = 160, 90

    def setUp(self):
        self.daemon = argo.Daemon(self.prefix)
        self.daemon.wrapper = ["sh", "-c", f'ulimit -n {self.FILES}; exec "$@"', "sh"]
        self.addCleanup(self.daemon.end)
        self.daemon.start()

    def ask(self, run):
        raw = Raw(self.daemon, "unix")
        self.addCleanup(raw.sock.close)
        raw.send(head("GET", f"/api/workflow/status/{run}?wait=terminal&timeout=600"))
        return raw

    def test_very_few(self):
        """Each request is met, or is to be made again: nobody is told that he may not."""
        self.daemon.stop()
        self.daemon.wrapper[2] = 'ulimit -n 40; exec "$@"'
        self.daemon.start()

        def start(i):
            return self.daemon.post("/api/workflow/start", {
                "definition": {"workflow_name": "t", "steps": [
                    {"step": "s", "type": "command", "argv": ["true"]}]},
                "workflow_id": f"w{i}", "cwd": str(self.daemon.home),
                "env": {"PATH": os.environ["PATH"]}})
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            replies = list(pool.map(start, range(60)))
        self.assertLessEqual({reply.status for reply in replies}, {200, 500, 503})
        for i, reply in enumerate(replies):
            if reply.status == 500:
                self.assertEqual(reply.json["error"]["code"], 1301)
            if reply.status == 200:
                self.assertEqual(self.daemon.wait_end(f"w{i}")["status"], "done")
        self.daemon.launch({"workflow_name": "t", "steps": [
            {"step": "s", "type": "command", "argv": ["true"]}]}, wait=True)

    def parked(self, raw):
        """Whether RAW waits: it has been read, and there is no answer."""
        argo.wait_for(lambda: Waiters.unread(raw.sock) == 0, "a request that is read")
        self.assertEqual(self.daemon.get("/api/health").status, 200)
        return select.select([raw.sock], [], [], 0)[0] == []

    def test_so_many_wait_in_all(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        waiting = [self.ask(run) for _ in range(self.WAITING - 1)]  # one is its executor's
        for raw in waiting:
            self.assertTrue(self.parked(raw))
        over = self.ask(run)
        status, _, body = over.reply()
        self.assertEqual((status, json.loads(body)["error"]["code"]), (503, 1203))
        waiting.pop().sock.close()
        argo.wait_for(lambda: self.daemon.get(
            f"/api/workflow/status/{run}?wait=terminal&timeout=0.01").status == 200, "room")
        self.assertEqual(self.daemon.answer(run, "x").status, 200)
        for raw in waiting:
            self.assertEqual(raw.reply()[0], 200)


@unittest.skipUnless(LONG, "waits for 30 s: ARGO_TEST_LONG=1 runs it")
class Slow(argo.Case):
    """Who does not finish sending is closed, whether he goes on byte by byte or not at all."""

    HEAD_S, BODY_S = 10, 30

    def test_slow_senders(self):
        slow = {}  # connection: what it goes on sending, its limit
        begun = time.monotonic()
        for transport in ("unix", "tcp"):
            body = head("POST", "/api/registry/ci", f"Authorization: Bearer {self.daemon.token}",
                        "Content-Type: application/json", f"Content-Length: {MIB}",
                        host=f"127.0.0.1:{self.daemon.port}" if transport == "tcp" else "localhost")
            for start, more, limit in ((b"", b"", self.HEAD_S),
                                       (b"GET /api/hea", b"l", self.HEAD_S),
                                       (b"GET /api/health HTTP/1.1\r\nX: ", b"x", self.HEAD_S),
                                       (body, b"", self.BODY_S),
                                       (body + b'{"name":"', b"x", self.BODY_S)):
                raw = Raw(self.daemon, transport)
                self.addCleanup(raw.sock.close)
                raw.send(start)
                slow[raw.sock] = (more, limit)
        closed = {}
        while slow:
            self.assertLess(time.monotonic() - begun, argo.DEADLINE * 2, "they are not closed")
            readable, _, _ = select.select(list(slow), [], [], 0.25)
            for sock in readable:
                self.assertEqual(self.rest(sock), b"")
                closed.setdefault(slow.pop(sock)[1], []).append(time.monotonic() - begun)
            for sock, (more, _) in slow.items():
                self.send(sock, more)
            # They cost nobody else anything.
            self.assertEqual(self.daemon.get("/api/health").status, 200)
        self.assertEqual({limit: len(times) for limit, times in closed.items()},
                         {self.HEAD_S: 6, self.BODY_S: 4})
        # Nobody is cut off before his time, and those with a body have more.
        for limit, times in closed.items():
            self.assertGreater(min(times), limit - 0.1)
        self.assertLess(max(closed[self.HEAD_S]), min(closed[self.BODY_S]))

    @staticmethod
    def rest(sock):
        try:
            return sock.recv(65536)
        except ConnectionResetError:
            return b""

    @staticmethod
    def send(sock, data):
        try:
            sock.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed: the next look finds that


if __name__ == "__main__":
    argo.main()
