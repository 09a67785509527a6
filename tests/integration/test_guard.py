#!/usr/bin/env python3
"""The guard before any route, by raw sockets over both transports: what is refused, that nothing
of it touches the store, and both sides of each limit. The routes are read from the route table
itself, so that one that is added is covered without a word here."""
import collections
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import unittest

import argo
import contract
from raw import MIB, ROUTES, Route, Raw, code_of, head, path_of
from standin import ASK

SHORT_S = 0.2


class Guard(argo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon = argo.Daemon(cls.prefix).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.end()
        super().tearDownClass()

    def setUp(self):
        pass  # one daemon serves all: nothing here may change it

    def host(self, transport):
        return f"127.0.0.1:{self.daemon.port}" if transport == "tcp" else "localhost"

    def exchange(self, transport, data):
        with Raw(self.daemon, transport) as raw:
            raw.send(data)
            reply = raw.reply("HEAD" if data.startswith(b"HEAD ") else None)
        status, headers, body = reply
        if status != 0 and headers["Content-Type"] is not None:  # else the HTTP library's own
            method, target, _ = data.decode("utf-8", "replace").split(" ", 2)
            contract.check(method, target, argo.Reply(status, headers, body.decode()))
        return reply

    def store(self):
        """What the store is made of; the -shm file only caches it."""
        return tuple((self.daemon.home / name).read_bytes()
                     for name in ("argo.db", "argo.db-wal"))

    def assert_healthy(self):
        for tcp in (False, True):
            reply = self.daemon.get("/api/health", tcp=tcp)
            self.assertEqual(reply.json["data"]["store"], "ok")

    def token_line(self, token=None):
        return f"Authorization: Bearer {token or self.daemon.token}"

    def test_the_table_was_read(self):
        self.assertGreater(len(ROUTES), 25)
        self.assertIn(Route("GET", "/api/health", "PUBLIC"), ROUTES)
        table = (argo.ROOT / "libargo/daemon/routes.c").read_text()
        self.assertEqual(len(ROUTES), table.count("{AG_"))
        self.assertEqual({r.pattern for r in ROUTES if r.access == "PUBLIC"},
                         {"/health", "/api/health"})

    def probes(self, transport, route):
        """(name, request, status, code) of everything that a route must refuse."""
        good, token = self.host(transport), self.token_line()
        method, path = route.method, path_of(route)

        def say(name, status, code, *lines, method=method, target=path, body="", **kw):
            if body or method in ("POST", "DELETE"):
                lines = (*lines, f"Content-Length: {len(body)}")
            kw.setdefault("host", good)
            return name, head(method, target, *lines, **kw) + body.encode(), status, code

        json_type = "Content-Type: application/json"
        yield say("foreign Origin", 403, 1103, token, "Origin: https://evil.example")
        yield say("our own address as Origin", 403, 1103, token, f"Origin: http://{good}")
        yield say("opaque Origin", 403, 1103, token, "Origin: null")
        yield say("cross-site", 403, 1103, token, "Sec-Fetch-Site: cross-site")
        yield say("same-site", 403, 1103, token, "Sec-Fetch-Site: same-site")
        yield say("evil Host", 403, 1103, token, host="evil.example")
        yield say("localhost.evil", 403, 1103, token, host="localhost.evil.example")
        yield say("nip.io", 403, 1103, token, host="127.0.0.1.nip.io")
        yield say("0.0.0.0", 403, 1103, token, host="0.0.0.0")
        yield say("userinfo in Host", 403, 1103, token, host=f"{good}@evil.example")
        yield say("empty Host", 403, 1103, token, host="")
        yield say("no Host", 403, 1103, token, host=None)
        yield say("two Hosts", 403, 1103, token, f"Host: {good}")
        yield say("two Hosts, one evil", 403, 1103, token, "Host: evil.example")
        yield say("absolute URI", 403, 1103, token, target=f"http://{good}{path}")
        yield say("OPTIONS", 405, 1206, token, method="OPTIONS")
        yield say("preflight", 403, 1103, "Origin: https://evil.example",
                  f"Access-Control-Request-Method: {method}", method="OPTIONS")
        for body_name, kind in (("text", "text/plain"), ("multipart", "multipart/form-data"),
                                ("form", "application/x-www-form-urlencoded"),
                                ("almost JSON", "application/jsonp")):
            refused = (415, 1202) if route.access != "EXECUTOR" else (403, 1102)
            yield say(body_name + " body", *refused, token, f"Content-Type: {kind}", body="{}")
        refused = (415, 1202) if route.access != "EXECUTOR" else (403, 1102)
        yield say("body of no type", *refused, token, body="{}")
        yield say("two types", 400, 1001, token, json_type, json_type, body="{}")
        if route.access != "PUBLIC":
            yield say("wrong token", 401, 1101, self.token_line("0" * 64), json_type, body="{}")
            yield say("another scheme", 401 if transport == "tcp" else None, 1101,
                      "Authorization: Basic " + self.daemon.token)
            yield say("two tokens", 400, 1001, token, self.token_line("0" * 64))
            yield say("no token", 401 if transport == "tcp" else None, 1101)
        if route.access == "EXECUTOR":
            yield say("the owner's token", 403, 1102, token)

    def test_every_route_refuses(self):
        for transport in ("unix", "tcp"):
            before = self.store()
            for route in ROUTES:
                for name, request, status, code in self.probes(transport, route):
                    if status is None:
                        continue  # the socket's peer is the owner and needs no token
                    with self.subTest(transport=transport, route=route, probe=name):
                        got, headers, body = self.exchange(transport, request)
                        self.assertEqual((got, code_of(body)), (status, code), body)
                        self.assertFalse([h for h in headers if h.lower().startswith("access-")])
                        self.assertEqual(headers["WWW-Authenticate"],
                                         "Bearer" if status == 401 else None)
                        self.assertEqual(self.store(), before)
        self.assert_healthy()

    def test_methods_without_a_route(self):
        before = self.store()
        by_path = collections.defaultdict(set)
        for route in ROUTES:
            by_path[path_of(route)].add(route.method)
        for transport in ("unix", "tcp"):
            for path, methods in by_path.items():
                others = {"GET", "POST", "DELETE", "PUT", "PATCH", "TRACE", "CONNECT"} - methods
                for method in sorted(others | ({"HEAD"} if "GET" not in methods else set())):
                    with self.subTest(transport=transport, path=path, method=method):
                        status, headers, body = self.exchange(transport, head(
                            method, path, self.token_line(), host=self.host(transport)))
                        self.assertEqual(status, 405)
                        allowed = headers["Allow"].replace(" ", "").split(",")
                        self.assertEqual(set(allowed),
                                         methods | ({"HEAD"} if "GET" in methods else set()))
        self.assertEqual(self.store(), before)

    FRAMING = (
        ("two lengths", ["Content-Length: 2", "Content-Length: 2"], "{}"),
        ("two other lengths", ["Content-Length: 2", "Content-Length: 40"], "{}"),
        ("length and chunked", ["Content-Length: 2", "Transfer-Encoding: chunked"],
         "2\r\n{}\r\n0\r\n\r\n"),
        ("chunked and length", ["Transfer-Encoding: chunked", "Content-Length: 2"],
         "2\r\n{}\r\n0\r\n\r\n"),
        ("chunked twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
         "2\r\n{}\r\n0\r\n\r\n"),
        ("gzip", ["Transfer-Encoding: gzip"], "{}"),
        ("gzip, chunked", ["Transfer-Encoding: gzip, chunked"], "2\r\n{}\r\n0\r\n\r\n"),
        ("identity", ["Transfer-Encoding: identity"], "{}"),
        ("blank before the colon", ["Transfer-Encoding : chunked"], "2\r\n{}\r\n0\r\n\r\n"),
        ("folded", ["X-A: b", " c: d"], ""),
        ("negative length", ["Content-Length: -1"], ""),
        ("signed length", ["Content-Length: +2"], "{}"),
        ("hexadecimal length", ["Content-Length: 0x2"], "{}"),
        ("list of lengths", ["Content-Length: 2, 2"], "{}"),
        ("no name", [": x"], ""),
        ("no colon", ["nonsense"], ""),
        ("control byte in a value", ["X-A: a\x01b"], ""),
        ("DEL in a value", ["X-A: a\x7fb"], ""),
        ("NUL in a value", ["X-A: a\0b"], ""),
        ("bare CR in a value", ["X-A: a\rb"], ""),
        ("bare LF", ["X-A: a\nX-B: b"], ""),
        ("control byte in a name", ["X-\x02: a"], ""),
    )

    def test_framing(self):
        before = self.store()
        follow = head("GET", "/api/version", self.token_line())
        for transport in ("unix", "tcp"):
            for name, lines, body in self.FRAMING:
                with self.subTest(transport=transport, form=name):
                    with Raw(self.daemon, transport) as raw:
                        raw.send(head("POST", "/api/registry/ci", self.token_line(),
                                      "Content-Type: application/json", *lines,
                                      host=self.host(transport)) + body.encode() + follow)
                        got = raw.drain()
                    self.assertRegex(got, rb"^HTTP/1\.[01] 400 ")
                    # Whatever follows an ambiguous request is never taken for another one.
                    self.assertNotIn(b"binary_sha256", got)
                    self.assertNotIn(b" 200 ", got)
        self.assertEqual(self.store(), before)
        self.assert_healthy()

    def test_versions(self):
        for transport in ("unix", "tcp"):
            for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9", "JUNK"):
                with self.subTest(transport=transport, version=version):
                    with Raw(self.daemon, transport) as raw:
                        raw.send(head("GET", "/api/health", version=version,
                                      host=self.host(transport)))
                        raw.sock.shutdown(socket.SHUT_WR)
                        self.assertNotIn(b" 200 ", raw.drain())
            status, _, _ = self.exchange(transport, head(
                "GET", "/api/health", version="HTTP/1.0", host=self.host(transport)))
            self.assertEqual(status, 200)

    TARGETS = ("/api/workflow/status/a%00b", "/api/workflow/status/a%2fb",
               "/api/workflow/status/a%2Fb", "/api/workflow/status/..%2f..%2fetc",
               "/api/workflow/status/%0d%0a", "/api/workflow/status/%7f",
               "/api/workflow/status/%zz", "/api/workflow/status/%1",
               "/api/workflow/status/%ff", "/api/workflow/status/%c0%ae",
               "/api/workflow/list?template=%00", "/api/workflow/list?%zz=1",
               "api/health", "*")
    IDS = ("..", ".", "...", "%2e%2e", "%2e", "a..b", "-a", "_a", ".a", "a%20b", "a%5cb",
           "%E2%80%A4%E2%80%A4", "a" * 65, "a" * 3000, "a%27b", "a%22b", "%24%28x%29", "a~b",
           "~1", "a~1~2", "a..b~1")

    def test_targets(self):
        before = self.store()
        for transport in ("unix", "tcp"):
            for target in self.TARGETS:
                with self.subTest(transport=transport, target=target):
                    status, _, body = self.exchange(transport, head(
                        "GET", target, self.token_line(), host=self.host(transport)))
                    self.assertEqual((status, code_of(body)), (400, 1001), body)
            for target in ("/api/health\x01", "/api/he\0alth", "/api/health\x7f",
                           "/api/health x"):
                with self.subTest(transport=transport, target=target):
                    status, _, _ = self.exchange(transport, head(
                        "GET", target, self.token_line(), host=self.host(transport)))
                    self.assertEqual(status, 400)
            for target in ("/", "/api", "/api/", "//api/health", "/api//health", "/api/health/",
                           "/API/health", "/api/health;a=b", "/metricsx", "/api/./health",
                           "/api/workflow/../health"):
                with self.subTest(transport=transport, target=target):
                    status, _, body = self.exchange(transport, head(
                        "GET", target, self.token_line(), host=self.host(transport)))
                    self.assertEqual((status, code_of(body)), (404, 1205))
        self.assertEqual(self.store(), before)

    def test_ids_name_nothing_but_runs(self):
        """Traversal through every route with a parameter: refused, and no file appears. What is
        an id is looked for; what is none never is."""
        before = self.store()
        files = sorted(self.daemon.home.rglob("*"))
        for transport in ("unix", "tcp"):
            for route in ROUTES:
                if "{" not in route.pattern or route.access == "EXECUTOR":
                    continue
                body = b'{"input":"x"}' if route.method == "POST" else b""
                lines = [self.token_line()]
                if body:
                    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
                for name in (*self.IDS, "absent"):
                    with self.subTest(transport=transport, route=route, id=name[:20]):
                        path = re.sub(r"\{\w+\}", lambda _: name, route.pattern)
                        status, _, reply = self.exchange(transport, head(
                            route.method, path, *lines, host=self.host(transport)) + body)
                        if name == "absent":
                            self.assertIn(status, (400, 404), reply)
                            self.assertIn(code_of(reply), (1001, 1004, 1005, 1006, 1016, 1017))
                        else:
                            self.assertEqual((status, code_of(reply)), (400, 1003), reply)
        self.assertEqual(sorted(self.daemon.home.rglob("*")), files)
        self.assertEqual(self.store(), before)

    def test_sizes_of_bodies(self):
        """1 MiB is read (and found to be no JSON of ours), a byte more is not; announced or not."""
        before = self.store()
        for transport in ("unix", "tcp"):
            lines = [self.token_line(), "Content-Type: application/json"]
            top = lambda *more: head("POST", "/api/registry/ci", *lines, *more,
                                     host=self.host(transport))
            for size, status, code in ((MIB, 400, 1001), (MIB + 1, 413, 1201)):
                with self.subTest(transport=transport, size=size):
                    body = b'{"nme":"' + b"x" * (size - 10) + b'"}'
                    self.assertEqual(len(body), size)
                    got, _, reply = self.exchange(
                        transport, top(f"Content-Length: {size}") + body)
                    self.assertEqual((got, code_of(reply)), (status, code), reply[:300])
                    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (
                        body[i:i + 65536] for i in range(0, size, 65536)))
                    got, _, reply = self.exchange(
                        transport, top("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
                    self.assertEqual((got, code_of(reply)), (status, code), reply[:300])
            # Refused before it is read: nothing of the body has been sent.
            for size in (MIB + 1, 200 * MIB, 2 ** 63):
                with Raw(self.daemon, transport) as raw:
                    raw.send(top(f"Content-Length: {size}", "Expect: 100-continue"))
                    got, _, reply = raw.reply()
                    self.assertEqual((got, code_of(reply)), (413, 1201))
        self.assertEqual(self.store(), before)
        self.assert_healthy()

    def test_json(self):
        before = self.store()
        deep = lambda n: '{"nme":' + "[" * (n - 1) + "]" * (n - 1) + "}"
        bodies = ((deep(64), 1001), (deep(65), 1002), ("[" * 100000, 1002), ("[]", 1001),
                  ("1", 1001), ('"x"', 1001), ("null", 1001), ("{", 1002), ("{}x", 1002),
                  ('{"name":"a","name":"b"}', 1002), ('{"x":{"y":1,"y":1}}', 1002),
                  ('{"name":"\\ud800"}', 1002), ("{'name':1}", 1002), ('{"nme":1e400}', 1002),
                  ("\ufeff{}", 1002), ('{"name":"a\\u0000b","model":"m"}', None),
                  ('{"nme":NaN}', 1002))
        for transport in ("unix", "tcp"):
            for body, code in bodies:
                with self.subTest(transport=transport, body=body[:40]):
                    reply = self.daemon.post("/api/registry/ci", body.encode(),
                                             tcp=transport == "tcp")
                    self.assertEqual(reply.status, 400, reply.text[:300])
                    if code is not None:
                        self.assertEqual(reply.json["error"]["code"], code, reply.text[:300])
            reply = self.daemon.post("/api/registry/ci", b'{"name":"\xff"}',
                                     tcp=transport == "tcp")
            self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1002))
        self.assertEqual(self.store(), before)

    def test_headers_have_a_limit(self):
        for transport in ("unix", "tcp"):
            for lines in (["X-A: " + "a" * 100000], [f"X-{i}: a" for i in range(101)],
                          [f"X-{i}: a" for i in range(20000)]):
                status, _, _ = self.exchange(transport, head(
                    "GET", "/api/health", *lines, host=self.host(transport)))
                self.assertIn(status, (0, 400, 413, 431))
            lines = [f"X-{i}: a" for i in range(99)]
            status, _, _ = self.exchange(transport, head(
                "GET", "/api/health", *lines, host=self.host(transport)))
            self.assertEqual(status, 200)
            status, _, _ = self.exchange(transport, head(
                "GET", "/" + "a" * 100000, host=self.host(transport)))
            self.assertIn(status, (0, 400, 414, 431))
        self.assert_healthy()

    def test_hosts_that_are_known(self):
        for host in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
            status, _, _ = self.exchange("tcp", head(
                "GET", "/api/health", host=f"{host}:{self.daemon.port}"))
            self.assertEqual(status, 200, host)
            status, _, body = self.exchange("tcp", head("GET", "/api/health", host=f"{host}:1"))
            self.assertEqual((status, code_of(body)), (403, 1103))
            status, _, body = self.exchange("tcp", head("GET", "/api/health", host=host))
            self.assertEqual((status, code_of(body)), (403, 1103))
            status, _, _ = self.exchange("unix", head("GET", "/api/health", host=host))
            self.assertEqual(status, 200, host)

    def test_only_loopback_is_listened_on(self):
        wanted = f"{self.daemon.port:04X}"
        local = [line.split()[1] for name in ("tcp", "tcp6")
                 for line in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]
                 if line.split()[3] == "0A" and line.split()[1].endswith(":" + wanted)]
        self.assertEqual(local, [f"0100007F:{wanted}"])

    def test_random_bytes(self):
        rng = random.Random(20240229)
        before = self.store()
        for i in range(1000):
            for transport in ("unix", "tcp"):
                with Raw(self.daemon, transport) as raw:
                    raw.send(rng.randbytes(rng.choice((1, 7, 100, 3000))) +
                             rng.choice((b"", b"\r\n\r\n")))
                    if i % 50 == 0:
                        raw.sock.settimeout(SHORT_S)  # some are still waited for
                        self.assertNotIn(b" 200 ", raw.drain())
        self.assert_healthy()
        self.assertEqual(self.store(), before)

    def test_mutated_requests(self):
        rng = random.Random(7)
        token = self.token_line("f" * 64)  # worth nothing: no mutation may do anything
        body = b'{"name":"a","model":"m","port":1}'
        seeds = [
            head("POST", "/api/registry/ci", token, "Content-Type: application/json",
                 f"Content-Length: {len(body)}") + body,
            head("POST", "/api/workflow/start", token, "Content-Type: application/json",
                 "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
            head("GET", "/api/workflow/output/x?after=3&timeout=0.1&limit=2", token),
            head("DELETE", "/api/workflow/abandon/x", token),
        ]
        pieces = (b"\r\n", b"\0", b"%00", b"Host: x\r\n", b":", b" ", b"\n", b"{", b"\xff",
                  b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"9" * 30)
        before = self.store()
        for i in range(300):
            data = bytearray(rng.choice(seeds))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(data))
                kind = rng.randrange(4)
                if kind == 0:
                    data[at] = rng.randrange(256)
                elif kind == 1:
                    data[at:at] = rng.choice(pieces)
                elif kind == 2:
                    del data[at:at + rng.randint(1, 20)]
                else:
                    data[at:at] = data[at:at + rng.randint(1, 60)]
                data = data or bytearray(b"\r\n")
            # A mutation may hit the token's header: over the socket the peer would be the owner.
            with Raw(self.daemon, "tcp") as raw:
                raw.send(bytes(data))
                raw.sock.settimeout(SHORT_S / 10)  # some are still waited for
                self.assertNotIn(b" 200 ", raw.drain())
        self.assert_healthy()
        self.assertEqual(self.store(), before)

    def test_pipelined_requests_are_each_checked(self):
        good = head("GET", "/api/version", self.token_line(), host=self.host("tcp"))
        bare = head("GET", "/api/version", "Connection: close", host=self.host("tcp"))
        with Raw(self.daemon, "tcp") as raw:
            raw.send(good + good + bare)
            got = raw.drain()
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", got), [b"200", b"200", b"401"])

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_another_user(self):
        program = (
            "import socket, sys, os\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "def attempt(what):\n"
            "    try:\n"
            "        what(); print('done')\n"
            "    except OSError as e:\n"
            "        print(type(e).__name__)\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "attempt(lambda: s.connect(sys.argv[1]))\n"
            "attempt(lambda: open(sys.argv[2]).read())\n"
            "attempt(lambda: os.listdir(sys.argv[3]))\n")
        out = subprocess.run(
            [sys.executable, "-c", program, self.daemon.socket,
             str(self.daemon.home / "token"), str(self.daemon.home)],
            text=True, capture_output=True, check=True).stdout.split()
        self.assertEqual(out, ["PermissionError"] * 3)
        self.assertEqual(self.daemon.get("/api/version", tcp=True, token=False).status, 401)

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_another_user_with_the_socket_open(self):
        """Where modes do not help (a listener in a shared directory), the peer's uid does."""
        os.chmod(self.daemon.home, 0o711)
        os.chmod(self.daemon.home / "run", 0o711)
        os.chmod(self.daemon.socket, 0o666)
        try:
            program = (
                "import socket, sys, os\n"
                "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
                "s = socket.socket(socket.AF_UNIX)\n"
                "s.connect(sys.argv[1])\n"
                "try:\n"
                "    s.sendall(b'GET /api/health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n"
                "    print(s.recv(1000))\n"
                "except OSError:\n"
                "    print(b'')\n")
            out = subprocess.run([sys.executable, "-c", program, self.daemon.socket], text=True,
                                 capture_output=True, check=True).stdout
            self.assertEqual(out.strip(), "b''")
        finally:
            os.chmod(self.daemon.socket, 0o600)
            os.chmod(self.daemon.home / "run", 0o700)
            os.chmod(self.daemon.home, 0o700)


class Parked(argo.Case):
    """Few file descriptors: what waits never takes the place of health and control."""

    LIMIT = 128

    def setUp(self):
        # The daemon raises its soft limit to the hard one, so that must be low too.
        self.prefix.joinpath("bin/limited").write_text(
            f'#!/bin/sh\nulimit -n {self.LIMIT}\nexec "$(dirname "$0")/argo-daemon.real" "$@"\n')
        self.prefix.joinpath("bin/limited").chmod(0o755)
        daemon = self.prefix / "bin/argo-daemon"
        if not daemon.with_suffix(".real").exists():
            daemon.rename(daemon.with_suffix(".real"))
            self.prefix.joinpath("bin/limited").rename(daemon)
        super().setUp()

    def park(self, run, transport="unix"):
        raw = Raw(self.daemon, transport)
        raw.send(head("GET", f"/api/workflow/status/{run}?wait=terminal&timeout=600"))
        self.addCleanup(raw.sock.close)
        return raw

    def test_health_answers_when_many_wait(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        waiting = [self.park(run) for _ in range(self.LIMIT * 5 // 8)]
        refused = None
        for raw in reversed(waiting):  # the ones beyond the limit are answered at once
            raw.sock.settimeout(SHORT_S)
            try:
                if raw.sock.recv(1, socket.MSG_PEEK):
                    refused = raw
                    break
            except TimeoutError:
                continue
        self.assertIsNotNone(refused, "nobody was refused")
        refused.sock.settimeout(argo.DEADLINE)
        status, headers, body = refused.reply()
        self.assertEqual((status, code_of(body), headers["Retry-After"]), (503, 1203, "1"))
        for tcp in (False, True):
            self.assertEqual(self.daemon.get("/api/health", tcp=tcp).status, 200)
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        status, _, body = waiting[0].reply()
        self.assertEqual((status, json.loads(body)["status"]), (200, "abandoned"))

    def test_those_who_hang_up_make_room(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        for _ in range(3):
            waiting = [self.park(run) for _ in range(self.LIMIT // 4)]
            for raw in waiting:
                raw.sock.close()
        argo.wait_for(lambda: self.daemon.get(
            f"/api/workflow/status/{run}?wait=terminal&timeout=0.01").status == 200, "room")


if __name__ == "__main__":
    argo.main()
