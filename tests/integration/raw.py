"""Requests byte by byte, over a connection of their own; and the daemon's routes, as its own table has
them."""
import collections
import http.client
import json
import re
import socket

import argo

KIB = 1024
MIB = 1024 * 1024
ROUTE = re.compile(r'\{AG_(GET|POST|DELETE), "([^"]+)", (PUBLIC|USER|EXECUTOR|BOTH|EITHER), \w+\}')
Route = collections.namedtuple("Route", "method pattern access")
ROUTES = [Route(*found) for found in ROUTE.findall(
    (argo.ROOT / "libargo/daemon/routes.c").read_text())]


def path_of(route, run="absent"):
    return re.sub(r"\{\w+\}", "absent", route.pattern.replace("{id}", run))


class Raw:
    """One raw connection."""

    def __init__(self, daemon, transport):
        if transport == "tcp":
            self.sock = socket.create_connection(("127.0.0.1", daemon.port), argo.DEADLINE)
        else:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(argo.DEADLINE)
            self.sock.connect(daemon.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # refused before all was sent: the reply says why

    def reply(self, method=None):
        """(status, headers, body) of one reply; (0, None, b"") when there was none."""
        response = http.client.HTTPResponse(self.sock, method=method)
        try:
            response.begin()
            return response.status, response.headers, response.read()
        except (http.client.HTTPException, OSError, ValueError):
            return 0, None, b""
        finally:
            response.close()

    def drain(self):
        """All that comes until the other side closes."""
        got = b""
        try:
            while True:
                data = self.sock.recv(65536)
                if not data:
                    return got
                got += data
        except OSError:
            return got


def head(method, target, *lines, host="localhost", version="HTTP/1.1"):
    top = [f"{method} {target} {version}"]
    if host is not None:
        top.append(f"Host: {host}")
    return ("\r\n".join([*top, *lines]) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def code_of(body):
    return json.loads(body)["error"]["code"]
