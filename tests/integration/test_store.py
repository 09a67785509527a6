#!/usr/bin/env python3
"""The database through the programs: damage is refused and left alone, --repair keeps what can be
read, and a home has one daemon."""
import os
import random
import signal
import sqlite3
import subprocess
import sys

import argo

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
SEED = int(os.environ.get("ARGO_TEST_SEED", "20251"))

TEMPLATE = {"workflow_name": "t", "steps": [
    {"step": "a", "type": "set", "values": {"text": "x" * 2000}},
    {"step": "b", "type": "display", "message": "{{text}}"}]}


class Store(argo.Case):
    def setUp(self):
        super().setUp()
        self.db = self.daemon.home / "argo.db"
        self.wal = self.daemon.home / "argo.db-wal"

    def program(self, *args):
        return subprocess.run([str(self.prefix / "bin/argo-daemon"), "--home",
                               str(self.daemon.home), "--port", "0", *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=argo.DEADLINE)

    def fill(self):
        """Some runs that have ended; their ids."""
        return [self.daemon.launch(TEMPLATE, wait=True) for _ in range(20)]

    def files(self):
        return {path.name: path.read_bytes() for path in (self.db, self.wal) if path.exists()}

    def assert_refused(self, *words):
        before = self.files()
        result = self.program()
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        for word in (str(self.db), *words):
            self.assertIn(word, result.stderr)
        self.assertEqual(self.files(), before)

    def repair(self):
        result = self.program("--repair")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.daemon.start()
        return result.stdout

    def overwrite(self, offset, data):
        with open(self.db, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def test_a_lost_first_page(self):
        runs = self.fill()
        self.daemon.stop()
        self.overwrite(0, b"\xa5" * 4096)
        damaged = self.db.read_bytes()
        self.assert_refused("argo-daemon --repair")
        report = self.repair()
        kept = self.daemon.home / "argo.db.damaged-1"
        self.assertIn(f"kept as {kept}", report)
        self.assertEqual(kept.read_bytes(), damaged)
        for run in runs:
            self.assertEqual(self.daemon.status(run)["status"], "done")
            self.assertEqual(self.daemon.output(run), "x" * 2000 + "\n")

    def test_lost_pages(self):
        runs = self.fill()
        self.daemon.stop()
        for page in range(20, self.db.stat().st_size // 4096, 15):
            self.overwrite(page * 4096, b"\xa5" * 4096)
        report = self.repair()
        self.assertIn("cannot be read", report)
        listed = self.daemon.get("/api/workflow/list?state=all").json["workflows"]
        self.assertGreater(len(listed), 0)
        self.assertLessEqual({w["workflow_id"] for w in listed}, set(runs))
        self.daemon.launch(TEMPLATE, wait=True, workflow_id="new")

    def test_a_truncated_file(self):
        self.fill()
        self.daemon.stop()
        os.truncate(self.db, self.db.stat().st_size - 4096)
        self.assert_refused("argo-daemon --repair")
        os.truncate(self.db, 50)
        self.assert_refused("argo-daemon --repair")

    def test_flipped_bytes(self):
        """Wherever a byte is wrong: a refusal that names the file, or a daemon that goes on with
        what can be read. No crash, and no start that forgets."""
        runs = set(self.fill())
        waiting = self.daemon.launch("hello", workflow_id="waiting")
        self.daemon.question(waiting)
        self.daemon.stop()
        argo.wait_for(lambda: not self.wal.exists(), "the last checkpoint")
        sound, rng = self.db.read_bytes(), random.Random(SEED)
        print(f"seed {SEED}", file=sys.stderr)
        for _ in range(500 if LONG else 50):
            page, at = rng.randrange(len(sound) // 4096), rng.choice([16, 110, 4096])
            offset = page * 4096 + rng.randrange(at)  # most often in the page's header
            with self.subTest(offset=offset):
                self.db.write_bytes(sound)
                self.overwrite(offset, bytes([sound[offset] ^ rng.randrange(1, 256)]))
                self.start_or_be_refused(runs | {waiting})

    def start_or_be_refused(self, runs):
        flipped = self.db.read_bytes()
        try:
            self.daemon.start()
        except RuntimeError as error:
            self.assertEqual(self.daemon.process.returncode, 1, error)
            self.assertIn(str(self.db), str(error))
            self.assertEqual(self.db.read_bytes(), flipped)
            return
        finally:
            (self.daemon.home / "stderr").write_text("")
        reply = self.daemon.get("/api/workflow/list?state=all&limit=100")
        if reply.status == 200:
            listed = {w["workflow_id"] for w in reply.json["workflows"]}
            self.assertGreaterEqual(len(listed & runs), len(runs) - 1)
        else:
            self.assertGreaterEqual(reply.status, 500)
        self.daemon.stop()
        self.assertEqual(self.daemon.process.returncode, 0)

    def test_no_database_at_all(self):
        self.daemon.stop()
        self.db.write_text("this is no database, and must not be overwritten")
        self.assert_refused("argo-daemon --repair")

    def test_a_newer_database(self):
        self.daemon.stop()
        with sqlite3.connect(self.db) as db:
            db.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
        db.close()
        self.assert_refused("newer Argo (schema 99")
        before = self.files()
        result = self.program("--repair")
        self.assertEqual(result.returncode, 1)
        self.assertIn("newer Argo (schema 99", result.stderr)
        self.assertEqual(self.files(), before)

    def test_a_log_without_its_file(self):
        runs = self.fill()
        self.daemon.kill()
        self.assertTrue(self.wal.stat().st_size)
        self.db.unlink()
        self.assert_refused("argo-daemon --repair")
        self.repair()
        for run in runs:
            self.assertEqual(self.daemon.status(run)["status"], "done")

    def test_nothing_to_repair(self):
        self.daemon.stop()
        self.db.unlink()
        result = self.program("--repair")
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing to repair", result.stderr)
        self.assertFalse(self.db.exists())

    def test_one_daemon_per_home(self):
        for args in ((), ("--repair",)):
            result = self.program(*args)
            self.assertEqual((result.returncode, result.stdout), (75, ""))
            self.assertIn(f"pid {self.daemon.process.pid}", result.stderr)
        self.assertEqual(self.daemon.get("/api/health").status, 200)
        self.daemon.kill(signal.SIGKILL)
        self.daemon.start()  # a lock that nobody holds is none


if __name__ == "__main__":
    argo.main()
