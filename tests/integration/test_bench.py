#!/usr/bin/env python3
"""The benchmark works: each of its rows is there, with its floor and its target. No figure is
judged."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import argo

# What a row's text begins with, whether it has a floor, and its targets.
ROWS = {
    "B1": [("one-step run, 3 finished, p50", True, {"most", "ratio_most"}),
           ("one-step runs of 16 clients", None, {"least"}),
           ("exponent of a one-step run", False, set())],
    "B2": [("append 200 bytes", False, set()), ("a durable step", True, {"most"}),
           ("exponent of a durable step", False, set())],
    "B3": [("durable steps of 64 runs", True, {"least"})],
    "B4": [("line typed until its reply is read, 3 parked, p50", True, {"most"}),
           ("line typed until its reply is read, 3 parked, p99", False, {"most"}),
           ("exponent of a typed line", False, set())],
    "B5": [("answer to a parked run until its output, 3 parked, p99", False, {"most"})],
    "B6": [("daemon: from exec", False, set()), ("daemon: RSS", False, set()),
           ("daemon: wake-ups", False, {"most"}), ("exponent of the RSS", False, set())],
    "B8": [(f"{name}, {transport}, {n} connections", True, {"ratio_least"})
           for name in ("health", "status") for transport in ("TCP", "UNIX socket")
           for n in (16, 200)] +
          [("health, UNIX socket, beside 3 long polls", False, set()),
           ("exponent of health per second", False, set())],
    "B9": [("a page of 50, 3 finished, p50", True, set()),
           ("a page of 50, 3 finished, p99", False, {"most"}),
           ("exponent of a page", False, set())],
    "B10": [("daemon: from exec", True, {"most"}), ("idle: RSS", True, {"above_most"}),
            ("idle: private dirty", True, {"most"}), ("idle: wake-ups", False, {"most"}),
            ("installed", False, {"most"})],
    "B11": [("`arc list`", True, {"most"})],
}
TARGETS = {"most", "least", "ratio_most", "ratio_least", "above_most"}


class Bench(argo.Case):
    def bench(self, *args):
        path = pathlib.Path(tempfile.mkdtemp(dir=self.prefix)) / "bench.json"
        out = subprocess.run([os.environ["ARGO_TEST_BENCH"], "--prefix", str(self.prefix), "--quick",
                              "--json", str(path), *args], capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout.splitlines(), json.loads(path.read_text())

    def test_every_row_is_there(self):
        table, rows = self.bench()
        self.assertEqual(len(table), len(rows) + 2)
        self.assertEqual({line.count("|") for line in table}, {8})
        for id, wanted in ROWS.items():
            for what, floor, targets in wanted:
                found = [row for row in rows if row["id"] == id and row["what"].startswith(what)]
                self.assertNotEqual(found, [], f"{id}: {what}")
                row = found[-1]
                self.assertEqual(TARGETS & row.keys(), targets, row)
                if floor is not None:
                    self.assertEqual("floor" in row, floor, row)

    def test_only_what_is_asked_for(self):
        self.assertEqual({row["id"] for row in self.bench("--only", "B11,B4")[1]}, {"B4", "B11"})

    def test_wrong_usage(self):
        for args in (["--only"], ["--nothing", "x"], [], ["--prefix", "/", "--polls", "0"],
                     ["--prefix", "/", "--parked", "many"]):
            out = subprocess.run([os.environ["ARGO_TEST_BENCH"], *args], capture_output=True,
                                 text=True)
            self.assertEqual(out.returncode, 2)
            self.assertIn("Usage: bench", out.stderr)


if __name__ == "__main__":
    unittest.main()
