#!/usr/bin/env python3
"""Adds up the test logs of all builds and the steps that failed otherwise."""
import json
import pathlib
import sys

builds, failed_steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
passed = failed = skipped = 0
for log in sorted(builds.glob("*/meson-logs/*.json")):
    for line in log.read_text().splitlines():
        result = json.loads(line)["result"]
        if result in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif result == "SKIP":
            skipped += 1
        else:
            failed += 1
            print(f"{log.parent.parent.name}: {json.loads(line)['name']}: {result}")
if failed_steps and not failed:
    failed = failed_steps
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
