#!/usr/bin/env python3
"""Settings and trust: where settings come from, what a directory may say, and that templates of a
repository run only as somebody has looked at them."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import argo
from models import Server, says
from terminal import Terminal

HELLO = "workflow_name: {0}\nsteps:\n  - {{step: s, type: display, message: '{1}'}}\n"
DANGER = """workflow_name: danger
steps:
  - step: wipe
    type: command
    argv: [rm, -rf, /tmp/everything]
"""


class Case(argo.Case):
    def setUp(self):
        super().setUp()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="argo-repo-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def here(self, *args, check=None, **kw):
        return self.arc(*args, check=check, cwd=self.dir, **kw)

    def template(self, name, text):
        path = self.dir / ".argo/workflows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class Settings(Case):
    def settings(self, *args, **kw):
        reply = json.loads(self.here("config", "--json", *args, check=0, **kw).stdout)
        return {s["key"]: (s["value"], s["source"]) for s in reply["settings"]}

    def test_every_value_says_where_it_comes_from(self):
        self.assertEqual(self.settings()["ARGO_DAEMON_PORT"], ("9876", "built-in"))
        self.here("config", "set", "ARGO_DAEMON_PORT", "1111", check=0)
        (self.dir / ".env.argo").write_text("# ours\nARGO_DEFAULT_MODEL='m 1'\n")
        settings = self.settings("--url", f"unix:{self.daemon.socket}",
                                 env={"ARGO_DEFAULT_PROVIDER": "local"})
        self.assertEqual(settings["ARGO_DAEMON_PORT"],
                         ("1111", f"{self.daemon.home}/config:1"))
        self.assertEqual(settings["ARGO_DEFAULT_MODEL"], ("m 1", f"{self.dir}/.env.argo:2"))
        self.assertEqual(settings["ARGO_DEFAULT_PROVIDER"], ("local", "environment"))
        self.assertEqual(settings["ARGO_DAEMON_URL"],
                         (f"unix:{self.daemon.socket}", "command line"))
        shown = self.here("config", check=0).stdout
        self.assertIn(f"{self.dir}/.env.argo:2", shown)
        self.assertEqual(self.here("config", "get", "ARGO_DEFAULT_MODEL", check=0).stdout, "m 1\n")

    def test_several_at_once(self):
        """No setting is lost to another one that is stored meanwhile."""
        values = {"ARGO_DAEMON_PORT": "1111", "ARGO_DEFAULT_MODEL": "m",
                  "ARGO_DEFAULT_PROVIDER": "local", "ARGO_LOG_LEVEL": "debug"}
        for _ in range(5):
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(lambda item: self.here("config", "set", *item, check=0),
                              values.items()))
            lines = (self.daemon.home / "config").read_text().splitlines()
            self.assertEqual(sorted(lines), [f"{k}={v}" for k, v in sorted(values.items())])
            for key in values:
                self.here("config", "unset", key, check=0)

    def test_what_counts_here_is_said(self):
        (self.dir / ".env.argo").write_text("ARGO_DAEMON_PORT=5\n")
        said = self.here("config", "set", "ARGO_DAEMON_PORT", "6", check=0).stderr
        self.assertIn(f"What counts here is 5, from: {self.dir}/.env.argo:1", said)
        self.here("config", "unset", "ARGO_DAEMON_PORT", check=0)
        self.assertEqual((self.daemon.home / "config").read_text(), "")

    def test_bad_settings_stop_commands_but_those_that_mend(self):
        file = self.dir / ".env.argo"
        file.write_text("ARGO_DAEMON_PORT=abc\n")
        result = self.here("list", check=2)
        self.assertEqual(result.stderr, f"arc: {file}:1: ARGO_DAEMON_PORT is 'abc', expected a "
                         "number from 0 to 65535\n")
        self.assertEqual(json.loads(self.here("list", "--json", check=2).stdout)["error"]["code"],
                         1001)
        self.here("config", "set", "ARGO_PARK_AFTER", "3", check=0)
        self.here("help", check=0)
        file.unlink()
        self.here("list", "--port", "65536", check=2)
        self.here("list", env={"ARGO_DAEMON_PORT": "x"}, check=2)
        self.here("config", "get", "ARGO_PARK_AFTR", check=3)
        self.assertIn("did you mean 'ARGO_PARK_AFTER'?",
                      self.here("config", "get", "ARGO_PARK_AFTR").stderr)
        self.assertIn("Did you mean: arc config get", self.here("config", "gte", check=2).stderr)

    def test_a_wrong_file_of_the_home_locks_nobody_out(self):
        file = self.daemon.home / "config"
        for line, says, mend in (
                ("ARGO_PARK_AFTER=soon", "is 'soon'", "set ARGO_PARK_AFTER 3"),
                ("ARGO_PARK_AFTR=3", "there is no setting", "unset ARGO_PARK_AFTR"),
                ('ARGO_LOG_LEVEL="info', "the closing quote", "set ARGO_LOG_LEVEL info")):
            file.write_text(f"ARGO_DEFAULT_MODEL=m\n{line}\n")
            file.chmod(0o600)
            for command in ("list", "attach x", "daemon start", "config get ARGO_LOG_LEVEL"):
                refused = self.here(*command.split(), check=2).stderr
                self.assertIn(f"arc: {file}:2: ", refused)
                self.assertIn(says, refused)
                self.assertIn("Mend it: arc config set", refused)
            for command in ("help list", "version", "completion bash", "daemon status"):
                self.here(*command.split(), check=0)
            self.assertIn("arc config set", self.here("doctor", check=1).stdout)
            self.here("config", *mend.split(), check=0)
            self.here("list", check=0)
            self.assertEqual(file.read_text().splitlines()[0], "ARGO_DEFAULT_MODEL=m")
        file.write_text("nonsense\n")
        self.here("daemon", "stop", check=0)
        self.here("daemon", "status", check=6)

    def test_a_directorys_file_says_all_only_with_trust(self):
        file = self.dir / ".env.argo.local"
        file.write_text("ARGO_DAEMON_URL=unix:/nowhere\n")
        result = self.here("list", check=1)
        self.assertIn(f"{file}:1: ARGO_DAEMON_URL may be set here by a trusted file only",
                      result.stderr)
        self.assertIn("arc config trust", result.stderr)
        seen = self.here("config", "trust", ".env.argo.local", "--yes", check=0).stderr
        self.assertIn("ARGO_DAEMON_URL=unix:/nowhere", seen)
        nowhere = self.here("list", check=6).stderr
        self.assertIn("No daemon: unix:/nowhere\n", nowhere)
        self.assertIn("arc config", nowhere)
        # The record is this home's, whatever the file says.
        self.assertIn(f"{file}  trusted", self.here("config", "trust", "--list", check=0).stdout)
        file.write_text("ARGO_DAEMON_URL=unix:/elsewhere\n")
        self.assertIn("has changed since", self.here("list", check=1).stderr)

    def test_the_daemon_reads_the_homes_file_and_no_other(self):
        (self.daemon.home / "config").write_text("ARGO_LOG_LEVEL=debug\nARGO_PARK_AFTER=0\n")
        (self.daemon.home / "config").chmod(0o600)
        self.daemon.stop()
        self.daemon.args = []
        self.daemon.start()
        run = self.daemon.launch({"workflow_name": "w", "steps": [
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "q"}]})
        argo.wait_for(lambda: self.daemon.status(run)["status"] == "waiting" and
                      self.daemon.status(run)["pid"] == 0, "the run to be parked at once")
        self.assertIn('"debug"', (self.daemon.home / "logs/daemon.log").read_text())
        self.daemon.stop()
        self.daemon.args = ["--park-after", "3600"]  # the command line counts before the file
        self.daemon.start()
        run = self.daemon.launch({"workflow_name": "v", "steps": [
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "q"}]})
        self.daemon.question(run)
        self.assertNotEqual(self.daemon.status(run)["pid"], 0)

    def test_a_daemon_with_a_wrong_file_does_not_start(self):
        self.daemon.stop()
        for text, mode, says in (("ARGO_PARK_AFTR=1\n", 0o600, "config:1: there is no setting"),
                                 ("ARGO_PARK_AFTER=1\n", 0o644, "chmod 600")):
            (self.daemon.home / "config").write_text(text)
            (self.daemon.home / "config").chmod(mode)
            with self.assertRaises(RuntimeError) as failed:
                self.daemon.start()
            self.assertIn(says, str(failed.exception))
        (self.daemon.home / "config").unlink()
        self.daemon.start()


class Trust(Case):
    def test_untrusted_trusted_changed(self):
        path = self.template("hello.yaml", HELLO.format("hello", "from the repository"))
        refused = self.here("start", "hello", check=1)
        self.assertIn(f"'{path}' is not trusted; it would take the place of '", refused.stderr)
        self.assertIn("arc template trust hello", refused.stderr)
        self.assertEqual(self.daemon.post("/api/workflow/start", {
            "template": "hello", "cwd": str(self.dir)}).json["error"]["code"], 1014)
        listed = self.here("template", "list", check=0).stdout
        self.assertRegex(listed, r"hello +1 +untrusted, shadows another")
        self.here("template", "trust", "hello", check=2)  # nobody to ask
        self.here("start", "hello", check=1)
        seen = self.here("template", "trust", "hello", "--yes", check=0).stderr
        self.assertIn(str(path), seen)
        self.assertRegex(seen, r"sha256 +[0-9a-f]{64}\n")
        run = self.here("start", "hello", check=0).stdout.strip()
        self.daemon.wait_end(run)
        self.assertEqual(self.daemon.output(run), "from the repository\n")
        self.assertRegex(self.here("template", "list").stdout, r"hello +1 +trusted, shadows")
        path.write_text(HELLO.format("hello", "changed"))
        self.assertIn("has changed since it was trusted", self.here("start", "hello", check=1).stderr)
        self.assertRegex(self.here("template", "list").stdout, r"hello +1 +changed, shadows")
        self.assertRegex(self.here("template", "trust", "--list", check=0).stdout,
                         re.escape(str(path)) + " +changed")
        # In another directory the name is what it always was.
        self.assertEqual(self.arc("start", "hello", "other", check=0).stdout, "hello_other\n")

    def test_what_it_would_do_is_shown_and_asked(self):
        self.template("danger.yaml", DANGER)
        t = Terminal([str(self.prefix / "bin/arc"), "template", "trust", "danger"],
                     {"ARGO_HOME": str(self.daemon.home), "TERM": "xterm", "LC_ALL": "C.UTF-8"},
                     cwd=self.dir)
        self.addCleanup(t.close)
        t.expect('wipe           command      ["rm","-rf","/tmp/everything"]')
        t.expect("[y/N] ")
        t.type("n\n")
        self.assertEqual(t.end(), 1)
        self.assertIn(b"It is not trusted", t.seen)
        self.here("start", "danger", check=1)

    def test_a_template_that_is_read_needs_no_trust(self):
        self.template("danger.yaml", DANGER)
        self.assertEqual(self.here("template", "show", "danger", check=0).stdout, DANGER)
        self.here("validate", "danger", check=0)
        self.here("template", "show", "dangr", check=3)

    def test_below_the_directory_that_has_it(self):
        """As git does: the nearest directory above counts, up to the root of the repository."""
        path = self.template("hello.yaml", HELLO.format("hello", "ours"))
        below = self.dir / "sub/deep"
        below.mkdir(parents=True)
        refused = self.arc("start", "hello", cwd=below, check=1)
        self.assertIn(f"arc template trust hello. Or start it by its path: arc start '{path}'\n",
                      refused.stderr)
        self.arc("template", "trust", "hello", "--yes", cwd=below, check=0)
        self.assertIn("ours", self.arc("start", "hello", "-w", cwd=below, check=0).stdout)
        self.arc("template", "trust", "hello", "--remove", cwd=below, check=0)
        (below / ".git").mkdir()
        self.assertNotIn("ours", self.arc("template", "show", "hello", cwd=below, check=0).stdout)
        self.arc("template", "trust", "hello", "--yes", cwd=below, check=3)

    def test_removal(self):
        path = self.template("mine.yaml", HELLO.format("mine", "hi"))
        self.here("template", "trust", "mine", "--yes", check=0)
        self.here("template", "trust", "mine", "--remove", check=0)
        self.here("start", "mine", check=1)
        self.here("template", "trust", "mine", "--remove", check=3)
        self.here("template", "trust", "mine", "--yes", check=0)
        path.unlink()
        self.assertRegex(self.here("template", "trust", "--list").stdout, r"mine\.yaml +missing")
        self.here("template", "trust", str(path), "--remove", check=0)
        self.assertEqual(self.here("template", "trust", "--list").stdout, "")
        other = self.template("other.yaml", HELLO.format("other", "hi"))
        self.template("mine.yaml", HELLO.format("mine", "hi"))
        self.here("template", "trust", "mine", "--yes", check=0)
        path.unlink()
        path.symlink_to(other)
        self.assertRegex(self.here("template", "trust", "--list").stdout, r"mine\.yaml +missing")
        self.here("template", "trust", str(path), "--remove", check=0)
        self.assertEqual(self.here("template", "trust", "--list").stdout, "")
        path.unlink()
        self.here("template", "trust", "mine", "--yes", check=3)
        self.here("template", "trust", check=2)

    def test_trust_outlasts_the_daemon_and_is_a_checksum_file(self):
        self.template("mine.yaml", HELLO.format("mine", "hi"))
        self.here("template", "trust", "mine", "--yes", check=0)
        record = self.daemon.home / "trust"
        self.assertEqual(record.stat().st_mode & 0o777, 0o600)
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", record], check=True)
        self.daemon.kill()
        self.daemon.start()
        self.here("start", "mine", check=0)

    def test_a_directory_that_is_a_link(self):
        """The record is about the file itself."""
        real = self.dir / "shared"
        self.template("mine.yaml", HELLO.format("mine", "hi"))
        (self.dir / ".argo/workflows").rename(real)
        (self.dir / ".argo/workflows").symlink_to(real)
        self.here("start", "mine", check=1)
        self.here("template", "trust", "mine", "--yes", check=0)
        self.here("start", "mine", check=0)
        self.assertIn(f"{real}/mine.yaml", self.here("template", "trust", "--list").stdout)

    def test_what_was_shown_is_what_is_trusted(self):
        path = self.template("mine.yaml", HELLO.format("mine", "hi"))
        seen = self.daemon.get(f"/api/trust?path={path}").json
        path.write_text(HELLO.format("mine", "something else"))
        reply = self.daemon.post("/api/trust", {"path": str(path), "sha256": seen["sha256"]})
        self.assertEqual((reply.status, reply.json["error"]["code"]), (409, 1008))
        self.here("start", "mine", check=1)

    def test_a_damaged_record_is_left_alone(self):
        """It is never taken for less than it was, nor written over."""
        path = self.template("mine.yaml", HELLO.format("mine", "hi"))
        seen = self.daemon.get(f"/api/trust?path={path}").json
        record = self.daemon.home / "trust"
        line = f"{'0' * 64}  /some/where\n".encode()
        for damaged in (line[:40] + b"\n" + line, line[:70] + b"\0" + line[71:] + line,
                        line + b"\0" + line, b"A" + line[1:], line.replace(b"  ", b" "), b"\n" + line,
                        line.replace(b"  /", b"  "), line[:20] + b"\xff" + line[21:]):
            record.write_bytes(damaged)
            record.chmod(0o600)
            for reply in (self.daemon.post("/api/trust", {"path": str(path),
                                                          "sha256": seen["sha256"]}),
                          self.daemon.get("/api/trust"),
                          self.daemon.delete("/api/trust?path=/some/where")):
                self.assertEqual(reply.status, 500, damaged)
                self.assertIn(str(record), reply.json["error"]["details"])
            self.here("start", "mine", check=1)
            self.assertEqual(record.read_bytes(), damaged)

    def test_a_template_that_is_no_file(self):
        """Nobody waits for who writes into it."""
        place = self.template("mine.yaml", HELLO.format("mine", "hi")).parent
        os.mkfifo(place / "pipe.yaml")
        (place / "zero.yaml").symlink_to("/dev/zero")
        (place / "dir.yaml").mkdir()
        for name in ("pipe", "zero", "dir"):
            self.assertIn("is not a regular file", self.here("start", name, check=1).stderr)
        listed = self.daemon.get(f"/api/template?cwd={self.dir}").json["templates"]
        valid = {t["name"]: t["valid"] for t in listed}
        self.assertEqual([valid[name] for name in ("mine", "pipe", "zero", "dir")],
                         [True, False, False, False])
        os.mkfifo(self.dir / ".env.argo")
        self.assertIn("is not a regular file", self.here("list", check=1).stderr)

    def test_a_run_can_trust_nothing(self):
        path = self.template("mine.yaml", HELLO.format("mine", "hi"))
        arc = [str(self.prefix / "bin/arc"), "template", "trust"]
        curl = ["curl", "-s", "--fail-with-body", "--unix-socket", self.daemon.socket]
        url = "http://localhost/api/trust"
        body = json.dumps({"path": str(path), "sha256": hashlib.sha256(
            path.read_bytes()).hexdigest()})
        for number, argv in enumerate((
                [*arc, "mine", "--yes"], [*arc, "mine", "--remove"], [*arc, "--list"],
                [*curl, "--json", body, url], [*curl, "-X", "DELETE", f"{url}?path={path}"],
                [*curl, url])):
            run = self.daemon.launch({"workflow_name": "w", "steps": [
                {"step": "t", "type": "command", "argv": argv, "cwd": str(self.dir),
                 "repeat": "safe", "env": {"ARGO_HOME": str(self.daemon.home)}}]},
                workflow_id=f"w{number}")
            self.assertEqual(self.daemon.wait_end(run)["status"], "failed")
            self.assertIn("only the owner", self.daemon.output(run))
        self.assertEqual(self.daemon.get(f"/api/trust?path={path}").json["trust"], "untrusted")


class KeyCommands(Case):
    daemon_args = ("--log-level", "debug")
    CANARY = "sk-ARGO-CANARY-9876543210"
    ASK = {"workflow_name": "a", "steps": [
        {"step": "a", "type": "ci_ask", "ci": "gpt", "prompt": "Hi", "save_to": "x"}]}

    def setUp(self):
        super().setUp()
        self.server = Server(says("Hi"))
        self.addCleanup(self.server.end)

    def add(self, command, check=0):
        return self.here("ci", "add", "gpt", "--provider", "openai", "--model", "m", "--url",
                         self.server.url, "--key-command",
                         command if isinstance(command, str) else json.dumps(command), check=check)

    def test_the_key_is_asked_for_and_goes_nowhere_else(self):
        secret = self.dir / "secret"
        secret.write_text(self.CANARY + "\nlogin: me\n")
        self.add(["cat", str(secret)])
        self.assertEqual(json.loads((self.daemon.home / "keys/gpt").read_text()),
                         ["cat", str(secret)])
        self.assertEqual((self.daemon.home / "keys/gpt").stat().st_mode & 0o777, 0o600)
        run = self.daemon.launch(self.ASK, wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done", self.daemon.output(run))
        self.assertEqual([r[1]["Authorization"] for r in self.server.requests],
                         [f"Bearer {self.CANARY}"])
        for path in self.daemon.home.rglob("*"):
            if path.is_file():
                self.assertNotIn(self.CANARY.encode(), path.read_bytes(), path)
        shown = self.daemon.output(run) + json.dumps(self.daemon.steps(run)) + "".join(
            self.here(*words, check=0).stdout for words in
            (("ci", "show", "gpt"), ("ci", "list", "--json"), ("logs", run, "--log")))
        self.assertNotIn(self.CANARY, shown)
        self.here("ci", "remove", "gpt", check=0)
        self.assertFalse((self.daemon.home / "keys/gpt").exists())

    def test_the_default_ci_and_model_are_those_of_the_directory(self):
        self.add(["echo", "sk-1"])
        for name in ("one", "two"):
            self.daemon.post("/api/registry/ci", {
                "name": name, "provider": "openai",
                "base_url": self.server.url})
        (self.dir / "ask.json").write_text(json.dumps({"workflow_name": "a", "steps": [
            {"step": "a", "type": "ci_ask", "prompt": "Hi", "save_to": "x"}]}))
        self.here("start", "ask.json", "none", "--wait", check=4)  # three CIs, and no default
        (self.dir / ".env.argo").write_text(
            "ARGO_DEFAULT_PROVIDER=two\nARGO_DEFAULT_MODEL='their model'\n")
        self.here("start", "ask.json", "two", "--wait", check=0)
        self.here("start", "ask.json", "gpt", "--wait", check=0,
                  env={"ARGO_DEFAULT_PROVIDER": "gpt"})  # has a model of its own
        self.assertEqual([r[2]["model"] for r in self.server.requests], ["their model", "m"])

    def test_a_command_that_fails_is_named_and_not_quoted(self):
        self.add(["sh", "-c", f"echo {self.CANARY}; echo {self.CANARY} >&2; exit 3"])
        run = self.daemon.launch(self.ASK, wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "failed")
        self.assertIn("keys/gpt ended with exit code 3", self.daemon.output(run))
        self.assertNotIn(self.CANARY, self.daemon.output(run))
        self.assertEqual(self.server.requests, [])

    def test_what_is_no_command(self):
        for text in ("pass show x", "[]", '[""]', '["a",1]', '{"a":1}'):
            self.assertIn("expected a JSON array of texts", self.add(text, check=2).stderr)
        self.here("ci", "show", "gpt", check=3)

    def test_a_key_of_the_environment_is_named_and_not_taken(self):
        result = self.here("ci", "add", "gpt", "--provider", "openai", "--model", "m",
                           "--url", "https://api.example.invalid/v1", check=0,
                           env={"OPENAI_API_KEY": self.CANARY})
        self.assertIn("OPENAI_API_KEY is set here; to use it: arc ci key gpt --key-env "
                      "OPENAI_API_KEY", result.stderr)
        (self.dir / "rec").mkdir()
        self.here("ci", "add", "rec", "--provider", "replay", "--recording", str(self.dir / "rec"),
                  "--upstream", "gpt", check=0)
        for name in ("gpt", "rec"):  # what the error names, not the command
            told = self.here("ci", "test", name, env={"OPENAI_API_KEY": self.CANARY}, check=1).stderr
            self.assertIn("Store its key: arc ci key gpt, ", told)
            self.assertIn("to use it: arc ci key gpt --key-env OPENAI_API_KEY", told)
        (self.dir / "ask.json").write_text(json.dumps(self.ASK))
        run = self.here("start", "ask.json", "--wait", env={"OPENAI_API_KEY": self.CANARY}, check=4)
        self.assertIn("arc ci key gpt", run.stdout + run.stderr)
        self.assertNotIn(self.CANARY, run.stdout + run.stderr)


if __name__ == "__main__":
    argo.main()
