#!/usr/bin/env python3
"""The crash loop: clients use a daemon while a nemesis kills it and its executors; at the end the
promises are checked (docs/architecture.md). The same seed makes the same decisions.

    crashloop.py [--seed N] [--seconds S] [--clients C] [--keep]
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import argo  # noqa: E402
import client  # noqa: E402
import nemesis  # noqa: E402
import verdict  # noqa: E402
import workloads  # noqa: E402
import world  # noqa: E402

SECONDS = float(os.environ.get("ARGO_CRASHLOOP_SECONDS", "60"))


def abilities(daemon):
    """The kinds of steps and the routes that this daemon has."""
    def loads(kind):
        steps = workloads.KINDS[kind]("x", random.Random(0))
        reply = daemon.post("/api/template/validate", {"definition": {
            "workflow_name": "probe", "steps": [
                {"step": "n", "type": "set", "values": {"n": 1}}, *steps]}})
        return reply.status == 200
    kinds = sorted(kind for kind in workloads.KINDS if loads(kind))
    missing = sorted(set(workloads.KINDS) - set(kinds))
    reply = daemon.post("/api/workflow/pause/nobody")
    can_pause = reply.json["error"]["code"] != 1205
    if missing:
        print(f"left out, this daemon has no such step: {' '.join(missing)}")
    if not can_pause:
        print("left out, this daemon has no such route: pause, resume")
    return kinds, can_pause


def report(here, seed, seconds, violations):
    counts, times = here.counts, here.times
    runs = {name[5:]: n for name, n in sorted(counts.items()) if name.startswith("runs ")}
    print(f"seed {seed}, {seconds:.0f} s: {counts['daemon kills']} kills of the daemon, "
          f"{counts['daemon stops']} stops, {counts['executor kills']} kills of executors, "
          f"{counts['freezes']} freezes")
    print(f"{sum(runs.values())} runs ({', '.join(f'{n} {name}' for name, n in runs.items())}), "
          f"{counts['steps']} steps, {counts['effects']} effects, {counts['inputs']} inputs, "
          f"{counts['acknowledged']} acknowledgements, {counts['lost']} lost")
    print("slowest: " + ", ".join(f"{name} {s:.3f} s" for name, s in sorted(times.items())))
    for text, about in violations[:20]:
        print(f"VIOLATION: {text[:2000]}")
        for line in here.journal.lines_about(about):
            print(f"    {line}")
    print(f"{len(violations)} violations")


def crash(here, clients, seconds):
    people = [client.Client(here, i) for i in range(clients)]
    fate = nemesis.Nemesis(here)
    for thread in (*people, fate):
        thread.start()
    try:
        here.over.wait(seconds)
    finally:
        fate.stop.set()
        fate.join()
        here.over.set()
        for thread in people:
            thread.join()


def loop(seed, seconds, clients, keep):
    prefix = argo.stage()
    daemon = argo.Daemon(prefix).start()
    here = None
    try:
        here = world.World(seed, daemon, *abilities(daemon))
        crash(here, clients, seconds)
        if daemon.process.poll() is None:
            judge = verdict.Verdict(here)
            judge.heal()
            judge.close(judge.judge())
        report(here, seed, seconds, here.violations)
        return bool(here.violations)
    finally:
        if here is not None:
            here.bystander.process.kill()
        if keep or (here is not None and here.violations):
            print(f"the home is kept: {daemon.home}")
            daemon.stop()
        else:
            daemon.end()
        shutil.rmtree(prefix, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--keep", action="store_true", help="keep the home and its journal")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and nothing is left behind
    sys.exit(loop(options.seed, options.seconds, options.clients, options.keep))


if __name__ == "__main__":
    main()
