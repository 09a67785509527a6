#!/usr/bin/env python3
"""arc doctor: everything that it can find wrong, provoked; and that it finds nothing in a home that is
well. What it says mends it is tried where that is a command. The machine's own ills are in
tests/unit/arc/test-doctor.c."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import argo


class Doctor(argo.Case):
    def setUp(self):
        super().setUp()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="argo-work-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def doctor(self, *args, **kw):
        """The findings that are wrong: check -> (message, how to mend it)."""
        result = self.arc("doctor", "--json", *args, cwd=self.dir, **kw)
        reply = json.loads(result.stdout)
        wrong = {f["check"]: (f["message"], f["mend"]) for f in reply["findings"] if not f["ok"]}
        self.assertEqual((result.returncode, reply["ok"]), (1, False) if wrong else (0, True))
        return wrong

    def finds(self, check, says, **kw):
        wrong = self.doctor(**kw)
        self.assertEqual(list(wrong), [check])
        self.assertIn(says, wrong[check][0])
        return wrong[check][1]

    def test_a_home_that_is_well(self):
        self.assertEqual(self.doctor(), {})
        shown = self.arc("doctor", check=0).stdout
        for check in "settings home permissions disk clock limits programs daemon port CI template".split():
            self.assertRegex(shown, rf"(?m)^ok +{check} ")
        self.assertNotIn("!!", shown)

    def test_no_daemon_and_no_home_are_no_ills_and_none_is_started(self):
        home = self.dir / "none"
        self.assertEqual(self.doctor(env={"ARGO_HOME": str(home)}), {})
        self.assertFalse(home.exists())

    def test_permissions(self):
        home = self.daemon.home
        (home / "config").write_text("")
        (home / "config").chmod(0o600)
        (home / "keys/gpt").write_text("k")
        (home / "keys/gpt").chmod(0o600)
        self.assertEqual(self.doctor(), {})
        for name, mode, right in (("token", 0o640, "600"), ("keys", 0o755, "700"),
                                  ("keys/gpt", 0o644, "600"), ("argo.db", 0o604, "600"),
                                  ("logs", 0o750, "700"), ("run", 0o711, "700")):
            with self.subTest(name):
                (home / name).chmod(mode)
                mend = self.finds("permissions", f"{home}/{name} is open to others (mode {mode:04o})")
                self.assertEqual(mend, f"chmod {right} {home}/{name}")
                subprocess.run(mend.split(), check=True)
                self.assertEqual(self.doctor(), {})
        (home / "config").chmod(0o644)
        wrong = self.doctor()
        self.assertEqual(set(wrong), {"settings", "permissions"})
        (home / "config").chmod(0o600)
        (home / "keys/link").symlink_to("/etc/passwd")
        self.finds("permissions", "keys/link is no regular file")

    def test_home(self):
        self.daemon.home.chmod(0o750)
        self.assertEqual(self.finds("home", "mode 0750"), f"chmod 700 {self.daemon.home}")

    def test_home_that_the_daemon_takes(self):
        """One that others may look into; never one that they could write to."""
        self.daemon.stop()
        self.daemon.home.chmod(0o755)
        self.daemon.start()
        self.assertEqual(self.finds("home", "mode 0755"), f"chmod 700 {self.daemon.home}")
        self.daemon.stop()
        for mode in (0o770, 0o702):
            self.daemon.home.chmod(mode)
            refused = subprocess.run(
                [self.prefix / "bin/argo-daemon", "--home", self.daemon.home, "--port", "0"],
                text=True, capture_output=True, timeout=argo.DEADLINE)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(f"is writable by others (mode {mode:04o}); chmod go-w it", refused.stderr)
        self.daemon.home.chmod(0o700)
        self.daemon.start()

    def test_a_home_that_is_a_file(self):
        home = self.dir / "file"
        home.write_text("")
        shown = self.arc("doctor", env={"ARGO_HOME": str(home)}, check=1).stdout
        self.assertIn(f"{home} is no directory", shown)
        self.assertNotIn("starts it", shown)

    def test_a_damaged_database(self):
        self.daemon.stop()
        self.assertEqual(self.doctor(), {})
        with open(self.daemon.home / "argo.db", "r+b") as f:
            f.write(os.urandom(8192))
        mend = self.finds("database", "argo.db is damaged: no daemon can start")
        subprocess.run(["sh", "-c", mend.split(":")[0]], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PATH": f"{self.prefix}/bin:{os.environ['PATH']}"})
        self.assertEqual(self.doctor(), {})
        (self.daemon.home / "argo.db").write_bytes(b"")
        self.assertEqual(self.doctor(), {})

    def test_settings(self):
        (self.daemon.home / "config").write_text("")
        (self.daemon.home / "config").chmod(0o644)
        self.assertIn("do that", self.doctor()["settings"][1])
        (self.daemon.home / "config").unlink()
        (self.dir / ".env.argo").write_text("ARGO_DAEMON_PORT=abc\n")
        self.finds("settings", f"{self.dir}/.env.argo:1: ARGO_DAEMON_PORT is 'abc'")

    def test_a_daemon_that_hangs(self):
        self.daemon.process.send_signal(signal.SIGSTOP)
        try:
            self.assertIn("kill it", self.finds("daemon", "Timed out"))
        finally:
            self.daemon.process.send_signal(signal.SIGCONT)

    def test_a_newer_daemon_on_the_disk(self):
        program = self.prefix / "bin/argo-daemon"
        kept = program.read_bytes()
        try:
            program.unlink()
            program.write_bytes(kept + b"\0")
            program.chmod(0o755)
            self.assertIn("arc daemon stop",
                          self.finds("daemon", "another than the one that runs"))
        finally:
            program.write_bytes(kept)
        self.assertEqual(self.doctor(), {})

    def test_programs_of_another_version(self):
        for name in ("argo_workflow_executor", "argo-daemon"):
            program = self.prefix / "bin" / name
            kept = program.with_suffix(".kept")
            program.rename(kept)
            try:
                self.assertIn(f"{name} beside arc cannot be started",
                              self.doctor()["programs"][0])
                program.write_text("#!/bin/sh\necho argo 99.1\n")
                program.chmod(0o755)
                self.assertIn(f"{name} beside arc is version 99.1", self.doctor()["programs"][0])
            finally:
                kept.rename(program)
        self.assertEqual(self.doctor(), {})

    def test_a_port_that_somebody_else_has(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = str(other.getsockname()[1])
            self.finds("port", f"another program listens on 127.0.0.1:{port}",
                       env={"ARGO_DAEMON_PORT": port})
        own = {"ARGO_DAEMON_PORT": str(self.daemon.port)}
        self.assertEqual(self.doctor(env=own), {})

    def test_cis(self):
        def add(**ci):
            self.assertEqual(self.daemon.post("/api/registry/ci", {"name": "x", "model": "m", **ci}).status, 201)
        for ci, says in (
                ({"provider": "openai", "base_url": "https://x.invalid/v1"}, "x has no key"),
                ({"provider": "anthropic"}, "x has no key"),
                ({"provider": "claude", "command": ["/nowhere/claude"]}, "/nowhere/claude is not found"),
                ({"provider": "replay", "recording": "/nowhere"}, "the recording /nowhere is not there"),
                ({"provider": "opnai"}, "'opnai' is no provider"),
                ({"provider": "openai", "base_url": "http://127.0.0.1:1/v1", "model": ""},
                 "x has no model"),
                ({}, "x has no provider")):
            with self.subTest(says):
                add(**ci)
                self.finds("CI", says)
                self.daemon.delete("/api/registry/ci/x")
        add(provider="openai", base_url="https://x.invalid/v1")
        self.arc("ci", "key", "x", "--key-command", '["true"]', check=0)
        add(name="y", provider="openai", base_url="http://127.0.0.1:1/v1")
        add(name="z", provider="claude", command=["sh"])
        add(name="q", provider="openai", base_url="http://127.0.0.1:1/v1", model="")
        self.assertEqual(self.doctor(env={"ARGO_DEFAULT_MODEL": "m"}), {})

    def test_cis_are_asked_when_that_is_wanted(self):
        recording = argo.ROOT / "docs/examples/code_review/recording"
        self.daemon.post("/api/registry/ci", {"name": "dead", "provider": "openai", "model": "m",
                                              "base_url": "http://127.0.0.1:1/v1"})
        self.assertEqual(self.doctor(), {})
        self.assertIn("dead does not answer", self.doctor("--ask")["CI"][0])
        self.daemon.delete("/api/registry/ci/dead")
        self.daemon.post("/api/registry/ci", {"name": "played", "provider": "replay",
                                              "recording": str(recording)})
        self.assertIn("played does not answer", self.doctor("--ask")["CI"][0])  # not that question

    def test_templates(self):
        bad = self.daemon.home / "workflows/templates/bad.yaml"
        bad.write_text("workflow_name: bad\nsteps: 3\n")
        self.assertEqual(self.finds("template", f"{bad} is invalid"), f"arc validate {bad}")
        bad.unlink()
        own = self.dir / ".argo/workflows/own.yaml"
        own.parent.mkdir(parents=True)
        own.write_text("workflow_name: own\nsteps:\n  - {step: s, type: display, message: hi}\n")
        self.assertEqual(self.doctor(), {})  # nobody has to trust it
        self.arc("template", "trust", "own", "--yes", cwd=self.dir, check=0)
        own.write_text(own.read_text() + "# changed\n")
        self.finds("template", "has changed since it was trusted")

    def test_files_from_the_future(self):
        os.utime(self.daemon.home / "token", (2e9, 2e9))
        self.finds("clock", "in the future")

    def test_limits(self):
        import resource
        self.finds("limits", "64 files open", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (64, 64)))

    def test_people_read_how_to_mend_it(self):
        (self.daemon.home / "token").chmod(0o644)
        shown = self.arc("doctor", check=1).stdout
        self.assertRegex(shown, r"!! +permissions +.*\n +mend it: chmod 600 .*/token\n")


if __name__ == "__main__":
    argo.main()
