#!/usr/bin/env python3
"""What may happen to processes around a run: spawns that fail, executors that die at once, numbers that
mean something else by now, daemons that stop and start."""
import unittest

import argo


class Lifecycle(argo.Case):
    def test_two_daemons_on_one_home(self):
        second = argo.Daemon(self.prefix, home=self.daemon.home)
        with self.assertRaisesRegex(RuntimeError, rf"ended with 75: .*{self.daemon.process.pid}"):
            second.start()


if __name__ == "__main__":
    argo.main()
