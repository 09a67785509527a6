#!/usr/bin/env python3
"""CIs of the providers anthropic and claude, as a user meets them: a server and a CLI of our own that
say what the real ones say; arc ci test; recordings; and that a key is nowhere but where it must be."""
import json

import argo
from models import Server, fails, pong

KEY = "sk-ant-canary-8d2f6b1c9e"
CLI = """#!/usr/bin/env python3
import json, os, sys, time
home = os.path.dirname(os.path.abspath(__file__))
with open(home + "/asked", "a") as out:
    json.dump({"argv": sys.argv[1:], "stdin": sys.stdin.read(), "env": dict(os.environ),
               "cwd": os.getcwd()}, out)
    out.write("\\n")
def say(**line):
    print(json.dumps(line), flush=True)
say(type="system", subtype="init", model="claude-served-1")
mode = open(home + "/mode").read()
if mode == "hang":
    pid = os.fork()
    if pid:
        open(home + "/pids", "w").write(f"{os.getpid()} {pid}")
    time.sleep(1000)
if mode == "refuse":
    print("bad key " + os.environ.get("ANTHROPIC_API_KEY", "-"), file=sys.stderr)
    sys.exit(1)
usage = {"input_tokens": 5, "output_tokens": 2}
end = {"type": "result", "subtype": "success", "is_error": False, "stop_reason": "end_turn",
       "total_cost_usd": 0.25, "usage": usage}
if "--json-schema" in sys.argv:
    say(**end, result='{"n": 3}', structured_output={"n": 3})
else:
    for text in ("po", "ng"):
        if "--include-partial-messages" in sys.argv:
            say(type="stream_event", event={"type": "content_block_delta", "index": 0,
                                            "delta": {"type": "text_delta", "text": text}})
    say(**end, result="pong")
"""
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def refuses(handler):
    fails(401, f"invalid x-api-key {handler.headers['x-api-key']}",
          type="authentication_error")(handler)


class Fixture(argo.Case):
    def setUp(self):
        super().setUp()
        self.server = Server(pong)
        self.addCleanup(self.server.end)
        self.arc("ci", "add", "api", "--provider", "anthropic", "--model", "m", "--url",
                 self.server.root, check=0)
        self.cli = self.daemon.home / "cli"
        self.cli.mkdir()
        (self.cli / "claude").write_text(CLI)
        (self.cli / "claude").chmod(0o755)
        self.mode("answer")
        self.arc("ci", "add", "cli", "--provider", "claude", "--command", "./claude", cwd=self.cli,
                 check=0)

    def mode(self, word):
        (self.cli / "mode").write_text(word)

    def asked(self):
        return [json.loads(line) for line in (self.cli / "asked").read_text().splitlines()]

    def ask(self, ci, wait=True, **more):
        run = self.daemon.launch({"workflow_name": "t", "steps": [
            {"step": "a", "type": "ci_ask", "ci": ci, "prompt": "Hi", "save_to": "said", **more},
            {"step": "d", "type": "display", "message": "[{{said | json}}]"}]}, wait=wait)
        return run

    def done(self, run):
        status = self.daemon.status(run)
        self.assertEqual(status["status"], "done", status)
        return self.daemon.output(run)

    def usage(self, run):
        return [s for s in self.daemon.steps(run) if s["step"] == "a"][-1]["usage"]


class CIs(Fixture):
    def test_anthropic(self):
        self.assertEqual(self.done(self.ask("api", system="Be brief", max_tokens=9)),
                         'pong\n["pong"]\n')
        path, headers, body = self.server.requests[-1]
        self.assertEqual((path, headers["anthropic-version"], headers["x-api-key"]),
                         ("/v1/messages", "2023-06-01", None))
        self.assertEqual((body["model"], body["system"], body["max_tokens"], body["messages"]),
                         ("m", "Be brief", 9, [{"role": "user", "content": "Hi"}]))
        run = self.ask("api", schema=SCHEMA)
        self.assertEqual(self.done(run), '{"n": 3}\n[{"n":3}]\n')
        self.assertEqual(self.usage(run), {"model": "served-1", "input_tokens": 5,
                                           "output_tokens": 2, "attempts": 1})
        self.assertEqual(self.done(self.ask("api", stream=False)), '["pong"]\n')

    def test_claude(self):
        run = self.ask("cli", system="Be brief")
        self.assertEqual(self.done(run), 'pong\n["pong"]\n')
        self.assertEqual(self.usage(run), {
            "model": "claude-served-1", "input_tokens": 5, "output_tokens": 2, "cost_usd": 0.25,
            "attempts": 1})
        asked = self.asked()[-1]
        self.assertEqual((asked["stdin"], asked["cwd"]), ("Hi", str(self.daemon.home)))
        self.assertEqual(asked["env"]["ARGO_WORKFLOW_ID"], run)
        self.assertNotIn("ARGO_DAEMON_URL", asked["env"])
        self.assertNotIn("ANTHROPIC_API_KEY", asked["env"])
        self.assertNotIn(self.daemon.token, json.dumps(asked))
        self.assertEqual(self.done(self.ask("cli", schema=SCHEMA)), '{"n":3}\n[{"n":3}]\n')

    def test_abandoning_ends_the_cli(self):
        self.mode("hang")
        run = self.ask("cli", wait=False)
        pids = [int(pid) for pid in argo.wait_for(
            lambda: (self.cli / "pids").exists() and (self.cli / "pids").read_text().split(),
            "the CLI")]
        self.assertTrue(all(argo.alive(pid) for pid in pids))
        self.daemon.delete(f"/api/workflow/abandon/{run}")
        self.assertFalse([pid for pid in pids if argo.alive(pid)])

    def test_a_timeout_ends_the_cli(self):
        self.mode("hang")
        run = self.ask("cli", timeout=1)
        self.assertEqual(self.daemon.status(run)["data"]["error"]["code"], "timeout")
        argo.wait_for(lambda: not [pid for pid in (self.cli / "pids").read_text().split()
                                   if argo.alive(int(pid))], "the end of the CLI")

    def test_a_cli_that_is_not_there(self):
        self.arc("ci", "add", "none", "--provider", "claude", "--command", "no-such-program", check=0)
        message = self.daemon.status(self.ask("none"))["data"]["error"]["message"]
        self.assertIn("cannot start 'no-such-program'", message)
        self.assertIn("npm install -g @anthropic-ai/claude-code", message)

    def test_recordings_of_all(self):
        for ci in ("api", "cli"):
            self.server.script = [pong]
            self.mode("answer")
            recording = self.daemon.home / f"of-{ci}"
            recording.mkdir()
            self.arc("ci", "add", f"rec-{ci}", "--provider", "replay", "--recording",
                     str(recording), "--upstream", ci, check=0)
            asked = {"prompt": "Hi", "schema": SCHEMA}
            recorded = self.done(self.ask(f"rec-{ci}", **asked))
            self.done(self.ask(f"rec-{ci}"))
            self.arc("ci", "remove", f"rec-{ci}", check=0)
            self.arc("ci", "add", f"rec-{ci}", "--provider", "replay", "--recording",
                     str(recording), *(["--model", "m"] if ci == "api" else []), check=0)
            self.server.script = [refuses]
            self.mode("refuse")
            played = self.done(self.ask(f"rec-{ci}", **asked))
            self.assertIn("replay: recorded from", played)
            self.assertEqual(played.splitlines()[-1], recorded.splitlines()[-1])
            self.assertIn("pong", self.done(self.ask(f"rec-{ci}")))

    def files_with(self, secret):
        return [str(path.relative_to(self.daemon.home)) for path in self.daemon.home.rglob("*")
                if path.is_file() and secret.encode() in path.read_bytes()]

    def test_a_key_is_where_it_must_be(self):
        for ci in ("api", "cli"):
            self.arc("ci", "key", ci, "--key-env", "THE_KEY", env={"THE_KEY": KEY}, check=0)
        seen = ""
        for refuse in (False, True):
            self.server.script = [refuses if refuse else pong]
            self.mode("refuse" if refuse else "answer")
            for ci in ("api", "cli"):
                run = self.ask(ci)
                seen += json.dumps(self.daemon.status(run)) + self.daemon.output(run)
                seen += json.dumps(self.daemon.steps(run))
                seen += self.daemon.get(f"/api/workflow/{run}/events?after=0").text
                for args in (("ci", "test", ci), ("ci", "test", ci, "--json"), ("ci", "show", ci)):
                    done = self.arc(*args)
                    seen += done.stdout + done.stderr
        self.assertIn("invalid x-api-key ****", seen)
        self.assertIn("bad key ****", seen)
        self.assertNotIn(KEY, seen)
        self.assertEqual(self.server.requests[-1][1]["x-api-key"], KEY)
        asked = self.asked()
        self.assertEqual(asked[-1]["env"]["ANTHROPIC_API_KEY"], KEY)
        self.assertFalse([a for a in asked if KEY in json.dumps(a["argv"]) or KEY in a["stdin"]])
        (self.cli / "asked").unlink()
        self.daemon.stop()  # all of it is on disk now
        self.assertEqual(sorted(self.files_with(KEY)), ["keys/api", "keys/cli"])

    def test_test(self):
        for ci, model in (("api", "served-1"), ("cli", "claude-served-1")):
            shown = self.arc("ci", "test", ci, check=0).stdout
            self.assertIn(f"{ci} answers.\nanswer      pong\n", shown)
            self.assertIn(f"model       {model}\ntokens      5 in, 2 out\n", shown)
            self.assertEqual("cost        $0.25" in shown, ci == "cli")
            told = json.loads(self.arc("ci", "test", ci, "--json", "--prompt", "Ping?",
                                       check=0).stdout)
            self.assertEqual((told["name"], told["text"], told["usage"]["model"]),
                             (ci, "pong", model))
            self.assertGreaterEqual(told["seconds"], told["first_word"])
        self.assertEqual(self.server.requests[-1][2]["messages"][0]["content"], "Ping?")
        self.assertEqual(self.asked()[-1]["stdin"], "Ping?")

    def test_test_says_what_to_mend(self):
        self.arc("ci", "add", "far", "--provider", "anthropic", "--model", "m", check=0)
        for args, code, words in (
                (("far",), 1, "arc ci key far"),
                (("nobody",), 3, "nobody"),
                (("api", "--timeout", "0"), 2, "1 to 3600"),
                ((), 2, "ci test")):
            done = self.arc("ci", "test", *args, check=code)
            self.assertIn(words, done.stderr)
        self.server.script = [refuses]
        told = self.arc("ci", "test", "api", check=1).stderr
        self.assertIn("HTTP 401: invalid x-api-key", told)
        self.assertTrue(told.endswith("See how it is registered: arc ci show api\n"), told)
        error = json.loads(self.arc("ci", "test", "far", "--json", check=1).stdout)["error"]
        self.assertEqual(error["code"], 1015)
        self.mode("hang")
        self.assertIn("did not finish within 1 s",
                      self.arc("ci", "test", "cli", "--timeout", "1", check=1).stderr)

    def test_what_a_provider_needs_is_said_at_once(self):
        for args, words in ((("--provider", "openai"), "needs a base_url"),
                            (("--provider", "anthropic", "--url", "http://10.0.0.1"), "https"),
                            (("--provider", "replay"), "recording"),
                            (("--provider", "opnai", "--model", "m"), "nearest: openai")):
            self.assertIn(words, self.arc("ci", "add", "x", *args, check=1).stderr)
            self.assertEqual(self.daemon.get("/api/registry/ci/x").status, 404)
        local = ("--provider", "openai", "--url", "http://127.0.0.1:1/v1")
        for args, words in ((local, "--model is missing"),
                            (("--provider", "replay", "--recording", "/nope"), "/nope")):
            self.assertIn(words, self.arc("ci", "add", "x", *args, check=2).stderr)
            self.assertEqual(self.daemon.get("/api/registry/ci/x").status, 404)
        self.assertIn(str(self.cli / "claude"), self.arc("ci", "list", check=0).stdout)
        added = self.arc("ci", "add", "x", *local, "--key-command", '["pass"]',
                         env={"ARGO_DEFAULT_MODEL": "m", "OPENAI_API_KEY": "k"}, check=0)
        self.assertEqual((added.stdout, added.stderr),
                         ("x added, the command for its key is stored\n", ""))
        self.arc("ci", "remove", "x", check=0)
        added = self.arc("ci", "add", "x", *local, "--model", "m", env={"OPENAI_API_KEY": "k"},
                         check=0)
        self.assertEqual((added.stdout, added.stderr), ("x added\n", ""))

    def test_nobody_is_asked_for_the_key_of_no_ci(self):
        done = self.arc("ci", "key", "nosuch", check=3)
        self.assertIn("not registered", done.stderr)


class Parked(Fixture):
    daemon_args = ("--park-after", "0")

    def test_a_worded_question_is_parked(self):
        """It costs no process, keeps its words and their price, and is no death."""
        run = self.ask("cli", wait=False, ask_user=True)
        question = self.daemon.question(run)
        self.assertEqual(question["prompt"], "pong")
        argo.wait_for(lambda: self.daemon.status(run)["pid"] == 0, "the run to be parked")
        self.daemon.answer(run, "Ada", question)
        status = self.daemon.wait_end(run)
        self.assertEqual((status["status"], status["data"]["deaths"]), ("done", 0), status)
        self.assertIn('["Ada"]', self.daemon.output(run))
        self.assertEqual(self.usage(run)["cost_usd"], 0.25)
        self.assertEqual(len(self.asked()), 1)


if __name__ == "__main__":
    argo.main()
