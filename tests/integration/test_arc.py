"""arc as people use it: on a terminal and in scripts, against real daemons."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import argo
import terminal

SAY = {"workflow_name": "say", "steps": [{"step": "s", "type": "display", "message": "hello"}]}
ASK = {"workflow_name": "ask", "steps": [
    {"step": "who", "type": "user_ask", "prompt": "Who?", "save_to": "who"},
    {"step": "hi", "type": "display", "message": "Hi {{who}}!"}]}
CHOOSE = {"workflow_name": "choose", "steps": [
    {"step": "c", "type": "user_choose", "prompt": "Which?", "save_to": "c",
     "options": [{"label": "red", "value": "r"}, {"label": "green", "value": "g"}]},
    {"step": "s", "type": "user_ask", "prompt": "Secret?", "secret": True, "save_to": "s"},
    {"step": "e", "type": "display", "message": "chose {{c}}"}]}
FAIL = {"workflow_name": "fail", "steps": [
    {"step": "f", "type": "command", "argv": ["false"], "repeat": "safe"}]}


class OnATerminal(terminal.Case):
    def test_a_conversation(self):
        run = self.daemon.launch(CHOOSE)
        t = self.terminal("attach", run)
        t.expect("2) green")
        at = t.expect("> ")
        t.type("blue\n")
        at = t.expect("none of the choices", at)
        t.expect("> ", at)
        t.type("2\n")
        t.expect("(not shown) > ")
        self.assertFalse(t.echoes())
        t.type("hunter2\n")
        self.assertEqual(t.end(), 0)
        self.assertIn(b"chose g", t.seen)
        self.assertNotIn(b"hunter2", t.seen)
        self.assertTrue(t.echoes())

    def test_keys_detach_and_the_run_goes_on(self):
        run = self.daemon.launch(ASK)
        for key in ("\x03", "\x04", "half typed\x03"):
            t = self.terminal("attach", run)
            t.expect("> ")
            t.type(key)
            self.assertEqual(t.end(), 0)
            self.assertIn(f"arc attach {run} brings you back".encode(), t.seen)
            self.assertTrue(t.echoes())
        self.daemon.answer(run, "Ann")
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")

    def test_a_whole_session(self):
        """Start, watch it stream, detach, answer from elsewhere, attach again, finish."""
        go = self.daemon.home / "go"
        template = self.daemon.home / "session.json"
        wait = f"echo first; until test -e {go}; do sleep 0.02; done; echo second"
        template.write_text(json.dumps({"workflow_name": "session", "steps": [
            {"step": "work", "type": "command", "argv": ["sh", "-c", wait]},
            {"step": "who", "type": "user_ask", "prompt": "Who is there?", "save_to": "who"},
            {"step": "greet", "type": "display", "message": "Hi {{who}}!"},
            {"step": "last", "type": "user_ask", "prompt": "One more?", "save_to": "more"},
            {"step": "end", "type": "display", "message": "It was {{more}}."}]}))
        first = self.terminal("start", str(template))
        at = first.expect("Started session_1")
        first.expect("first", at)
        self.assertNotIn(b"second", first.seen)
        first.type("\x04")
        self.assertEqual(first.end(), 0)
        go.touch()
        self.daemon.question("session_1")
        second = self.terminal("answer", "session_1")
        second.expect("> ", second.expect("Who is there?"))
        second.type("Ann\n")
        self.assertEqual(second.end(), 0)
        third = self.terminal("attach", "session_1", "--after", "0")
        at = 0
        for text in ("first", "second", "Hi Ann!", "One more?", "> "):
            at = third.expect(text, at)
        third.type("tea\n")
        self.assertEqual(third.end(), 0)
        self.assertIn(b"It was tea.", third.seen)
        self.assertIn(b"session_1 done", third.seen)

    def test_somebody_else_answers(self):
        run = self.daemon.launch(ASK)
        t = self.terminal("attach", run)
        t.expect("> ")
        t.type("my ans")
        self.daemon.answer(run, "Bob")
        self.assertEqual(t.end(), 0)
        answered = t.seen.index(b"Answered by ")
        self.assertGreater(t.seen.index(b"Hi Bob!"), answered)

    def test_the_daemon_goes_and_comes(self):
        run = self.daemon.launch(ASK)
        t = self.terminal("attach", run)
        t.expect("> ")
        self.daemon.stop()
        at = t.expect("Waiting for it")
        self.daemon.start()
        t.expect("> ", at)
        argo.wait_for(lambda: self.daemon.question(run), "the question again")
        t.type("Eve\n")
        t.expect("Hi Eve!")
        self.assertEqual(t.end(), 0)


class InScripts(argo.Case):
    def file(self, text):
        path = self.daemon.home / "t.json"
        path.write_text(text if isinstance(text, str) else argo.json.dumps(text))
        return str(path)

    def test_exit_codes(self):
        self.arc("nonsense", check=2)
        self.arc("start", check=2)
        self.arc("start", "nowhere", check=3)
        self.arc("status", "nowhere", check=3)
        self.arc("ci", "show", "nowhere", check=3)
        self.arc("start", self.file(SAY), "--wait", check=0)
        self.arc("start", self.file(FAIL), "--wait", check=4)
        waits = self.arc("start", self.file(ASK), "W", "--wait", check=5)
        self.assertIn("arc answer ask_W ANSWER", waits.stderr)
        self.arc("answer", "ask_W", check=5)
        self.arc("answer", "ask_W", "Ann", check=0)
        self.arc("status", "ask_W", "--wait", check=0)
        late = self.arc("answer", "ask_W", "Ann", check=1)
        self.assertIn("ask_W asks nothing: it is done", late.stderr)
        self.arc("start", self.file(CHOOSE), "C", check=0)
        wrong = self.arc("answer", "choose_C", "neither", check=1)
        self.assertTrue(wrong.stderr.endswith("still open. arc answer choose_C\n"), wrong.stderr)
        self.arc("answer", "choose_C", "red", check=0)
        self.arc("start", self.file(ASK), "A", check=0)
        self.arc("start", self.file(ASK), "A", check=1)
        self.arc("abandon", "ask_A", check=2)  # nobody to ask
        self.arc("abandon", "ask_A", "--yes", check=0)
        self.arc("attach", "ask_A", check=4)
        self.arc("--url", "unix:/nowhere/argo.sock", "list", check=6)

    def test_validate_places_every_problem(self):
        path = self.file('{"workflow_name":"x","steps":[\n {"step":"a","type":"dislpay",\n'
                         '  "mesage":"m"}]}')
        result = self.arc("validate", path, check=1)
        self.assertIn(f"{path}:2:", result.stderr)
        self.assertIn("did you mean 'display'?", result.stderr)
        self.assertIn(f"{path}:3:", result.stderr)
        self.assertEqual(self.arc("start", path, check=1).stderr, result.stderr)

    def test_one_problem_is_told_once(self):
        file = self.daemon.home / "x.yaml"
        file.write_text("workflow_name: x\nparameters: {who: {required: true, description: For whom}}\n"
                        "steps:\n  - {step: a, type: display, message: hi}\n")
        said = self.arc("start", str(file), check=1).stderr
        self.assertEqual(said.splitlines()[:2], ["arc: Invalid request", "parameters.who: missing, "
                                                 "it is required: For whom"])
        self.assertEqual(said.count("missing"), 1, said)
        file.write_text("workflow_name: {{x}}\n")
        said = self.arc("validate", str(file), check=1).stderr
        self.assertEqual(said.count("in quotes"), 1, said)

    def test_json_whatever_happens(self):
        """One value on stdout, of what succeeds and of what fails."""
        with tempfile.TemporaryDirectory() as directory:
            self.daemon.question(self.daemon.launch(ASK, workflow_id="ask"))
            for code, words, key, value in (
                    (0, "switch ask", "workflow_id", "ask"), (0, "switch", "workflow_id", "ask"),
                    (0, "switch -", "workflow_id", None), (3, "switch", "status", "error"),
                    (0, "template new x", "path", "./.argo/workflows/x.yaml"),
                    (1, "template new x", "status", "error"),
                    (0, "config set ARGO_LOG_LEVEL debug", "value", "debug"),
                    (0, "config get ARGO_LOG_LEVEL", "value", "debug"),
                    (0, "config unset ARGO_LOG_LEVEL", "value", None),
                    (3, "config get ARGO_DAEMON_URL", "status", "error"),
                    (3, "start ./none.yaml", "status", "error"),
                    (3, "validate ./none.yaml", "status", "error"),
                    (3, "template trust none", "status", "error"),
                    (3, "ci key none --key-env ARGO_NOT_SET", "status", "error"),
                    (1, "start --cwd ./none commit_message", "status", "error"),
                    (3, "answer none x", "status", "error"),
                    (6, "--url unix:/none list", "status", "error")):
                result = self.arc("--json", *words.split(), check=code, cwd=directory)
                self.assertEqual(json.loads(result.stdout)[key], value, words)
                if code not in (0, 3):
                    self.assertTrue(json.loads(result.stdout)["error"]["details"], words)
            for words in ("list --none", "none", "ci", "start", "abandon ask", "config gte", "help none"):
                for line in (("--json", *words.split()), (*words.split(), "--json")):
                    result = self.arc(*line, check=2, cwd=directory)
                    reply = json.loads(result.stdout)
                    self.assertEqual((reply["status"], reply["error"]["code"]), ("error", 1001))
                    self.assertTrue(reply["error"]["details"], line)
                    self.assertEqual(result.stderr, "")

    def test_json_is_the_reply(self):
        run = argo.json.loads(self.arc("start", self.file(SAY), "--json", check=0).stdout)
        self.assertEqual(run["status"], "success")
        error = argo.json.loads(self.arc("status", "no", "--json", check=3).stdout)
        self.assertEqual(error["error"]["code"], 1005)

    def test_follow_prints_once_and_everything(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        logs = subprocess.Popen([str(self.prefix / "bin/arc"), "logs", "-f", run], env=env,
                                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.assertEqual(logs.stdout.readline(), "Who?\n")
        self.daemon.answer(run, "Ann")
        self.assertEqual(logs.stdout.read(), "Hi Ann!\n")
        self.assertEqual(logs.wait(), 0)
        logs.stdout.close()

    def test_following_ends_with_its_reader(self):
        run = self.daemon.launch({"workflow_name": "lines", "steps": [
            {"step": "l", "type": "command",
             "argv": ["sh", "-c", "while sleep 0.05; do echo x; done"]}]})
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        logs = subprocess.Popen([str(self.prefix / "bin/arc"), "logs", "-f", run], env=env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True)
        self.assertEqual(logs.stdout.readline(), "x\n")
        logs.stdout.close()
        self.assertEqual(logs.stderr.read(), "")
        self.assertEqual(logs.wait(argo.DEADLINE), 1)
        logs.stderr.close()

    def arc_in_shell(self, line, *words):
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        return subprocess.run(["sh", "-c", line, "sh", str(self.prefix / "bin/arc"), *words], env=env,
                              text=True, capture_output=True, timeout=argo.DEADLINE)

    def test_output_that_goes_nowhere(self):
        """What has no stdout, or a full one, fails and says so; no socket takes its number."""
        for words in (["list", "--json"], ["version"], ["template", "list"], ["help"], ["config"]):
            for where, why in ((">&-", "Bad file descriptor"), (">/dev/full", "No space left")):
                result = self.arc_in_shell(f'"$@" {where}', *words)
                self.assertEqual(result.returncode, 1, words)
                self.assertIn(f"arc: stdout: {why}", result.stderr)
        result = self.arc_in_shell('"$@" <&- 2>&-', "list", "--json")
        self.assertEqual((result.returncode, json.loads(result.stdout)["workflows"]), (0, []))

    def test_a_daemon_without_standard_fds(self):
        self.daemon.stop()
        self.daemon.wrapper = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        for args in ([], ["--foreground"]):
            self.daemon.args[2:] = args  # --park-after stays
            self.daemon.start()
            self.daemon.launch({"workflow_name": "t", "steps": [
                {"step": "s", "type": "command", "argv": ["true"]}]}, wait=True)
            fds = [os.readlink(f"/proc/{self.daemon.process.pid}/fd/{fd}") for fd in range(3)]
            self.assertEqual(fds, ["/dev/null"] * 3)
            self.daemon.stop()
            self.assertEqual(self.daemon.process.returncode, 0)

    def test_a_signal_is_no_success(self):
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        run = self.daemon.launch({"workflow_name": "long", "steps": [
            {"step": "l", "type": "command", "argv": ["sh", "-c", "echo begun; sleep 600"]}]})
        attached = subprocess.Popen([str(self.prefix / "bin/arc"), "attach", run], env=env,
                                    stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, text=True)
        self.assertEqual(attached.stdout.readline(), "begun\n")
        attached.terminate()
        self.assertEqual(attached.wait(argo.DEADLINE), 1)
        attached.stdout.close()
        self.assertEqual(self.daemon.status(run)["status"], "running")

    def test_a_key_is_replaced(self):
        self.arc("ci", "add", "gpt", "--provider", "openai", "--url", "http://127.0.0.1:1/v1",
                 "--model", "m", check=0)
        key = self.daemon.home / "keys/gpt"
        for text in ("sk-first-0123456789", "sk-second-0123456789"):
            self.arc("ci", "key", "gpt", "--key-env", "THE_KEY", env={"THE_KEY": text}, check=0)
            self.assertEqual(key.read_text().strip(), text)
        source = self.daemon.home / "source"
        source.write_text("sk-third-0123456789\n")
        with open(source) as stdin:
            self.arc("ci", "key", "gpt", stdin=stdin, check=0)
        self.assertEqual((key.read_text().strip(), key.stat().st_mode & 0o777),
                         ("sk-third-0123456789", 0o600))
        nobody = self.arc("ci", "key", "nobody", "--key-file", str(source), check=3)
        self.assertIn("nobody", nobody.stderr)
        self.assertFalse((self.daemon.home / "keys/nobody").exists())
        self.arc("ci", "key", "gpt", "--key-file", "x", "--key-stdin", check=2)

    def test_a_key_is_in_its_file_only(self):
        canary = "sk-ARGO-CANARY-0123456789"
        self.arc("ci", "add", "gpt", "--provider", "openai", "--url", "http://127.0.0.1:1/v1",
                 "--model", "m", "--key-env", "THE_KEY", env={"THE_KEY": canary}, check=0)
        files = [p for p in self.daemon.home.rglob("*")
                 if p.is_file() and canary.encode() in p.read_bytes()]
        self.assertEqual(files, [self.daemon.home / "keys/gpt"])
        self.assertEqual(files[0].stat().st_mode & 0o777, 0o600)
        shown = self.arc("ci", "show", "gpt", check=0).stdout + \
            self.arc("ci", "list", "--json", check=0).stdout
        self.assertNotIn(canary, shown)
        self.arc("ci", "remove", "gpt", check=0)
        self.assertFalse(files[0].exists())


class WithoutADaemon(unittest.TestCase):
    def setUp(self):
        self.prefix = argo.stage()
        self.addCleanup(shutil.rmtree, self.prefix, True)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="argo-home-"))
        self.addCleanup(shutil.rmtree, self.home, True)
        self.env = {**os.environ, "ARGO_HOME": str(self.home), "ARGO_DAEMON_PORT": "0"}

    def arc(self, *args):
        return subprocess.run([str(self.prefix / "bin/arc"), *args], env=self.env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)

    def test_hundred_arcs_start_one_daemon(self):
        arcs = [subprocess.Popen([str(self.prefix / "bin/arc"), "daemon", "start", "--json"],
                                 env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, text=True) for _ in range(100)]
        try:
            replies = [(a.communicate(), a.returncode) for a in arcs]
            self.assertEqual([(e, c) for (_, e), c in replies if c != 0], [])
            pids = {argo.json.loads(o)["data"]["pid"] for (o, _), _ in replies}
            self.assertEqual(len(pids), 1)
        finally:
            stopped = self.arc("daemon", "stop")
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.assertFalse(argo.alive(pids.pop()))

    def test_what_never_starts_one(self):
        self.assertEqual(self.arc("daemon", "status").returncode, 6)
        self.assertEqual(self.arc("daemon", "stop").returncode, 0)
        self.assertEqual(self.arc("version").returncode, 0)
        self.assertEqual(list(self.home.iterdir()), [])

    def test_a_daemon_that_cannot_start_is_explained(self):
        (self.home / "argo.db").write_text("this is no database, and must not be overwritten")
        result = self.arc("list")
        self.assertEqual(result.returncode, 6)
        self.assertIn("argo.db", result.stderr)
        self.assertIn("no database", (self.home / "argo.db").read_text())


if __name__ == "__main__":
    argo.main()
