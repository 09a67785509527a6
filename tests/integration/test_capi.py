#!/usr/bin/env python3
"""The C API by programs of somebody else's (tests/capi), against real daemons: every typed call
blocking and from a loop, over both transports."""
import os
import pathlib
import subprocess

import argo

PROGRAMS = pathlib.Path(os.environ["ARGO_TEST_CAPI"])


class TypedCalls(argo.Case):
    def walk(self, way, tcp=False):
        url = f"http://127.0.0.1:{self.daemon.port}" if tcp else "-"
        done = subprocess.run([PROGRAMS / "capi-walk", self.daemon.home, url, way], text=True,
                              capture_output=True, timeout=argo.DEADLINE)
        self.assertEqual((done.stdout, done.stderr), ("ok\n", ""))
        self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)

    def test_blocking(self):
        self.walk("block")

    def test_from_a_loop(self):
        self.walk("loop")

    def test_over_tcp(self):
        self.walk("loop", tcp=True)


if __name__ == "__main__":
    argo.main()
