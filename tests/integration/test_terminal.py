#!/usr/bin/env python3
"""What a person sees and does: progress, prompts of every kind, and a terminal that is left as it was
found, whatever happens."""
import json
import os
import signal

import argo
import terminal
from terminal import ASK, HI, SAID, STALE, SURE, flow

GO = "until test -e go; do sleep 0.02; done"
END = {"step": "end", "type": "display", "message": "It is over."}
SECRET = {"step": "pw", "type": "user_ask", "prompt": "Password?", "secret": True, "save_to": "pw",
          "validate": {"pattern": "^hunter"}}
UP = "\x1b[A"


def command(script, step="work"):
    return {"step": step, "type": "command", "argv": ["sh", "-c", script]}


class Progress(terminal.Case):
    def go(self):
        (self.daemon.home / "go").touch()

    def test_one_line_that_redraws_and_goes(self):
        run = self.daemon.launch(flow(command(GO + "; printf done."), END))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/2] work: running sh"), "the step")
        t.see(lambda s: s.last().startswith("[1/2] work: running sh \u2026 2 s"), "its time")
        self.assertEqual(t.screen.text().count("work"), 1)
        self.go()
        self.assertEqual(t.end(), 0)
        self.assertEqual(t.screen.text(), f"done.\nIt is over.\n{run} done")
        self.assertEqual(t.screen.unknown, [])
        self.assertTrue(t.restored())

    def test_a_wait_and_a_retry(self):
        run = self.daemon.launch(flow(
            {**command("test -e tried && " + GO + "; touch tried; exit 1"),
             "retry": {"max_retries": 1, "retry_delay": 0}, "on_error": {"action": "skip"}},
            {"step": "nap", "type": "wait", "seconds": 3600}))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/2] work (try 2): running sh"), "the second try")
        self.go()
        t.see(lambda s: s.last().startswith("[2/2] nap: until 20"), "the wait")
        self.assertNotIn("\u2026", t.screen.last())
        t.type("\x03")
        self.assertEqual(t.end(), 0)
        self.assertEqual(t.screen.last(), f"Detached. arc attach {run} brings you back.")
        self.assertNotIn("nap", t.screen.text())

    def test_it_follows_the_window(self):
        run = self.daemon.launch(flow(command(GO, "a" * 60)))
        t = self.terminal("attach", run)
        t.see(lambda s: "a" * 60 + ": running sh" in s.last(), "the whole of it")
        t.resize(24, 24)
        t.see(lambda s: "\u2026" in s.last() and s.last().endswith(" s")
              and len(s.last()) < 24, "less of it")
        self.assertEqual(len(t.screen.text().splitlines()), 1)
        self.go()
        self.assertEqual(t.end(), 0)
        self.assertEqual(t.screen.text(), f"{run} done")

    def test_output_and_typing_push_it_aside(self):
        run = self.daemon.launch(flow(command(
            "until test -e go; do sleep 0.02; done; echo one; "
            "until test -e on; do sleep 0.02; done; echo two"), ASK, HI))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/3] work"), "the step")
        t.type("An")
        t.see("> An")
        self.go()
        t.see(lambda s: s.text().endswith("one\n> An"), "output above what is typed")
        t.type("\x7f\x7f")
        t.see(lambda s: s.last().startswith("[1/3] work"), "the step again")
        t.type("Ann")
        t.see("> Ann")
        (self.daemon.home / "on").touch()
        t.see(lambda s: s.text().endswith("two\nWho?\n> Ann"), "the question with what was typed")
        t.type("a\n")
        self.assertEqual(t.end(), 0)
        self.assertEqual(t.screen.text(), f"one\ntwo\nWho?\n> Anna\nHi Anna!\n{run} done")

    def test_a_line_typed_ahead_answers_the_next_question(self):
        run = self.daemon.launch(flow(command(GO), ASK, HI))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/3]"), "the step")
        t.type("Bob\n")
        t.see(lambda s: s.last().startswith("[1/3]") and "> Bob\n" in s.text(), "the line")
        self.go()
        self.assertEqual(t.end(), 0)
        self.assertIn("Hi Bob!", t.screen.text())

    def test_plain_lines_where_nothing_can_be_redrawn(self):
        run = self.daemon.launch(flow(command("echo out"), command("echo more", "again"), END))
        result = self.arc("attach", run, check=0)
        self.assertEqual(result.stdout, "out\nmore\nIt is over.\n")
        self.assertEqual(result.stderr, f"[1/3] work: running sh\n[2/3] again: running sh\n"
                                        f"{run} done\n")
        quiet = self.arc("logs", run, check=0)
        self.assertEqual((quiet.stdout, quiet.stderr), (result.stdout, ""))

    def test_what_a_step_says_that_it_does(self):
        run = self.daemon.launch(flow(
            {"step": "a", "type": "command", "argv": ["/bin/true"]},
            {"step": "b", "type": "command", "argv": ["{{program}}"]},
            {"step": "c", "type": "ci_ask", "ci": "{{ci}}", "prompt": "?", "on_error": {"action": "skip"}},
            {"step": "d", "type": "wait", "seconds": 0},
            parameters={"program": {"type": "string", "default": "true"},
                        "ci": {"type": "string", "default": "gpt"}}), wait=True)
        events = self.daemon.get(f"/api/workflow/{run}/events?after=0&limit=1000").json["events"]
        told = [(e["text"], e["data"].get("doing"), e["data"]["current_step"],
                 e["data"]["total_steps"]) for e in events if e["kind"] == "step_start"]
        self.assertEqual(told, [("a", "running true", 1, 4), ("b", None, 2, 4),
                                ("c", "asking gpt", 3, 4), ("d", None, 4, 4)])

    def test_a_dumb_terminal_gets_no_sequences(self):
        run = self.daemon.launch(flow(command("echo out"), ASK, HI))
        t = self.terminal("attach", run, TERM="dumb", NO_COLOR="")
        t.expect("> ", t.expect("Who?"))
        t.type("Ann\n")
        self.assertEqual(t.end(), 0)
        self.assertIn(b"[1/3] work: running sh", t.seen)
        self.assertIn(b"Hi Ann!", t.seen)
        self.assertNotIn(b"\x1b", t.seen)
        self.assertTrue(t.restored())

    def test_colours(self):
        run = self.daemon.launch(flow(ASK))
        for no_color, coloured in (("", True), ("1", False)):
            t = self.terminal("attach", run, NO_COLOR=no_color)
            t.expect("> ")
            t.type("\x04")
            self.assertEqual(t.end(), 0)
            self.assertEqual(b"\x1b[1mWho?\x1b[0m" in t.seen, coloured, t.seen)
        self.assertNotIn("\x1b", self.arc("attach", run, check=5, env={"NO_COLOR": ""}).stdout)


class Prompts(terminal.Case):
    """One run asks in every way; what is wrong is said, and asked again."""

    def converse(self, t, *lines):
        """Types the second of each pair when the first is the last line."""
        at = 0
        for wanted, typed in lines:
            at = t.expect(wanted, at)
            t.expect("> ", at)
            t.type(typed)

    def test_every_kind(self):
        red = {"label": "red", "value": "r"}
        green, grey = {"label": "green", "value": "g"}, {"label": "grey", "value": "y"}
        run = self.daemon.launch(flow(
            {**ASK, "default": "world"},
            {"step": "one", "type": "user_choose", "prompt": "One?", "save_to": "one",
             "options": [red, green, grey]},
            {"step": "two", "type": "user_choose", "prompt": "Two?", "save_to": "two",
             "multiple": True, "options": [red, green, grey]},
            {"step": "sure", "type": "approve", "prompt": "Sure?", "on_no": "why", "save_to": "sure"},
            {"step": "why", "type": "display", "message": "no: {{sure.reason}}"},
            {"step": "f", "type": "form", "prompt": "Who else?", "save_to": "f", "fields": [
                {"name": "name", "required": True}, {"name": "age", "type": "integer", "max": 150},
                {"name": "ok", "type": "boolean", "default": True}]},
            {"step": "end", "type": "display",
             "message": "{{who}} {{one}} {{two}} {{f.name}} {{f.age}} {{f.ok}}"}))
        t = self.terminal("attach", run)
        self.converse(t, ("Enter alone: world", "\n"), ("3) grey", "gr\n"),
                      ("none of the choices", "9\n"), ("none of the choices", "gree\n"),
                      ("Two?", "1,grey\n"), ("Sure?", "perhaps\n"),
                      ("yes or no", "no, it is Friday\n"), ("name", "Eve\n"), ("age", "200\n"),
                      ("age: that is not what is expected", "30\n"), ("ok", "\n"))
        self.assertEqual(t.end(), 0)
        self.assertIn("no: it is Friday", t.screen.text())
        self.assertIn('world g ["r","y"] Eve 30 true', t.screen.text())
        self.assertEqual(t.screen.unknown, [])

    def test_editing(self):
        run = self.daemon.launch(flow(ASK, HI))
        t = self.terminal("attach", run)
        t.see("> ".rstrip())
        t.type("worlt\x7fd\x1b[D\x1b[D\x01brave \x05!")
        t.see("> brave world!")
        t.type("\x1b")  # alone, it holds up nothing
        self.daemon.answer(run, "Bob")
        self.assertEqual(t.end(), 0)
        self.assertIn("Hi Bob!", t.screen.text())

    def test_a_long_line_and_the_history(self):
        """What libedit loses of it while another line is looked at is not sent unseen."""
        for typed in ("old", "x" * 1500):
            run = self.daemon.launch(flow(ASK, HI))
            t = self.terminal("attach", run)
            t.see("> ".rstrip())
            t.type(typed)
            t.see(lambda screen, typed=typed: screen.text().count("x") == typed.count("x"))
            if typed != "old":
                t.type(UP)
                t.see("> old")
                t.type("\x1b[B")
                t.expect("> " + "x" * 70, t.expect("only the beginning is left:"))
                t.type("!")
            t.type("\n")
            self.assertEqual(t.end(), 0)
        self.assertEqual(self.daemon.output(run), f"Who?Hi {'x' * 1024}!!\n")

    def test_utf8_without_a_locale(self):
        run = self.daemon.launch(flow(ASK, HI))
        t = self.terminal("attach", run, LC_ALL="C")
        t.see(">")
        t.type("\u00e9\u4f60\u597d\u0301\x7fx")
        t.see(lambda s: s.last().startswith("> \u00e9\u4f60"), "what was typed")
        t.type("\n")
        self.assertEqual(t.end(), 0)
        self.assertIn("Hi \u00e9\u4f60", t.screen.text())

    def test_history_over_calls(self):
        for answer in ("alpha", "beta \u00e9"):
            run = self.daemon.launch(flow(ASK, HI))
            t = self.terminal("attach", run)
            t.expect("> ")
            t.type(answer + "\n")
            self.assertEqual(t.end(), 0)
        path = self.daemon.home / "history"
        self.assertEqual(path.read_text(), "alpha\nbeta \u00e9\n")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        run = self.daemon.launch(flow(ASK, HI))
        self.daemon.question(run)
        t = self.terminal("answer", run)
        t.see(">")
        t.type(UP)
        t.see("> beta \u00e9")
        t.type(UP)
        t.see("> alpha")
        t.type("\n")
        self.assertEqual(t.end(), 0)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertIn("Hi alpha!", self.daemon.output(run))

    def test_history_of_text_only_and_bounded(self):
        path = self.daemon.home / "history"
        path.write_text("".join(f"line {i}\n" for i in range(1001)) + "two\\nlines \\\\\n")
        run = self.daemon.launch(flow(
            {"step": "sure", "type": "approve", "prompt": "Sure?", "on_no": "pw"}, SECRET))
        t = self.terminal("attach", run)
        t.expect("[yes/no] > ")
        t.type(UP + "yes\n")
        t.expect("(not shown) > ")
        t.type("hunter2\n")
        self.assertEqual(t.end(), 0)
        kept = path.read_text().splitlines()
        self.assertEqual((len(kept), kept[-1], kept[0]), (500, "two\\nlines \\\\", "line 502"))
        self.assertEqual([p.name for p in self.daemon.home.iterdir() if "history" in p.name],
                         ["history"])

    def test_a_paste_of_several_lines_is_one_answer(self):
        run = self.daemon.launch(flow(ASK, HI))
        t = self.terminal("attach", run)
        t.see(">")
        t.type("\x1b[200~one\rtwo\x1b[31m\x07\r\r\x1b[201~")
        t.see(lambda s: s.text().endswith("> one\ntwo[31m"), "both lines")
        t.resize(24, 60)
        t.type("!")
        t.see(lambda s: s.text().endswith("Who?\n> one\ntwo[31m!"), "both lines, once")
        t.type("\n")
        self.assertEqual(t.end(), 0)
        self.assertIn("Hi one\ntwo[31m!!", self.daemon.output(run))
        self.assertEqual((self.daemon.home / "history").read_text(), "one\\ntwo[31m!\n")

    def test_a_long_line_and_a_narrow_window(self):
        run = self.daemon.launch(flow(ASK, HI))
        t = self.terminal("attach", run, size=(24, 40))
        t.see(">")
        t.type("x" * 50)
        t.see(lambda s: s.text().endswith("Who?\n> " + "x" * 38 + "\n" + "x" * 12), "two rows")
        t.resize(24, 70)
        t.see("> " + "x" * 50)
        self.daemon.answer(run, "Bob")
        self.assertEqual(t.end(), 0)
        self.assertNotIn("xx", t.screen.text())

    def test_a_secret_is_seen_nowhere(self):
        run = self.daemon.launch(flow(SECRET, {
            "step": "f", "type": "form", "prompt": "More", "save_to": "f", "schema": {
                "type": "object", "properties": {"key": {"type": "string", "writeOnly": True}}}}))
        t = self.terminal("attach", run)
        t.expect("(not shown) > ")
        self.assertFalse(t.echoes())
        t.type("wrong-canary\n")
        at = t.expect("answer")
        t.expect("(not shown) > ", at)
        self.assertFalse(t.echoes())
        t.type("hunter-canary\n")
        t.expect("key (not shown) > ", at)
        t.type("key-canary\n")
        self.assertEqual(t.end(), 0)
        self.assertNotIn(b"canary", t.seen)
        self.assertFalse((self.daemon.home / "history").exists())
        self.assertTrue(t.restored())


class InOrder(terminal.Case):
    """The terminal's settings afterwards are those of before."""

    def ways(self):
        return (("\x03", None), ("half\x03", None), ("\x04", None), ("", signal.SIGTERM),
                ("", signal.SIGHUP), ("", signal.SIGQUIT))

    def leave(self, t, keys, signo):
        t.type(keys)
        if signo is not None:
            t.signal(signo)
        code = t.end()
        self.assertTrue(t.restored(), (keys, signo))
        self.assertNotIn("[?2004h", t.seen.decode().rpartition("[?2004l")[2])
        return code

    def test_however_it_is_left(self):
        for step in (ASK, SECRET):
            run = self.daemon.launch(flow(step))
            self.daemon.question(run)
            for keys, signo in self.ways():
                t = self.terminal("attach", run)
                t.expect("> ")
                self.assertEqual(self.leave(t, keys, signo), 0)
                self.assertIn(f"Detached. arc attach {run} brings you back.", t.screen.text())
                t = self.terminal("answer", run)
                t.expect("> ")
                self.assertEqual(self.leave(t, keys, signo), 5)
                self.assertIn("Not answered.", t.screen.text())
            self.assertEqual(self.daemon.status(run)["status"], "waiting")
            self.daemon.delete(f"/api/workflow/abandon/{run}")

    def test_a_key_that_is_typed(self):
        add = ("ci", "add", "gpt", "--provider", "openai", "--url", "http://127.0.0.1:1/v1",
               "--model", "m", "--key-stdin")
        for keys, signo in self.ways():
            t = self.terminal(*add)
            t.expect("Key (not shown): ")
            self.assertFalse(t.echoes())
            self.assertEqual(self.leave(t, keys, signo), 1)
        t = self.terminal(*add)
        t.expect("Key (not shown): ")
        t.type("sk-canary\n")
        self.assertEqual(t.end(), 0)
        self.assertTrue(t.restored())
        self.assertNotIn(b"canary", t.seen)
        self.assertEqual((self.daemon.home / "keys/gpt").read_text().strip(), "sk-canary")

    def test_the_terminal_goes(self):
        for step in (ASK, SECRET):
            run = self.daemon.launch(flow(step))
            self.daemon.question(run)
            for words in (("attach", run), ("answer", run), ("inbox",)):
                t = self.terminal(*words)
                t.expect("> ")
                os.close(t.slave)
                os.close(t.master)
                t.process.wait(argo.DEADLINE)
                t.master, t.slave = os.openpty()
            self.assertEqual(self.daemon.status(run)["status"], "waiting")
            self.daemon.delete(f"/api/workflow/abandon/{run}")

    def test_ctrl_z_and_back(self):
        for step, prompt in ((ASK, ">"), (SECRET, "(not shown) >")):
            for words in ("attach", "answer"):
                run = self.daemon.launch(flow(step))
                self.daemon.question(run)
                t = self.terminal(words, run)
                t.see(prompt)
                t.type("hun" if step is ASK else "")
                t.see("> hun" if step is ASK else prompt)
                # The shell of a session would see it stop; without one the kernel lets nobody stop
                # by Ctrl-Z, so the key only redraws.
                t.type("\x1a")
                t.see("> hun" if step is ASK else prompt)
                t.signal(signal.SIGSTOP)
                argo.wait_for(t.stopped, "arc to stop")
                t.signal(signal.SIGCONT)
                argo.wait_for(lambda: not t.stopped(), "arc to go on")
                t.type("ter2\n" if step is ASK else "hunter2\n")
                self.assertEqual(t.end(), 0)
                self.assertEqual(self.daemon.wait_end(run)["status"], "done")
                self.assertTrue(t.restored())

    def test_a_shell_gets_its_terminal_while_arc_is_stopped(self):
        run = self.daemon.launch(flow(SECRET, END))
        self.daemon.question(run)
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home), "TERM": "xterm", "PS1": "$ ",
               "LC_ALL": "C.UTF-8", "HISTFILE": ""}
        t = terminal.Terminal(["dash", "-i"], env)  # others mend the terminal by themselves
        self.addCleanup(t.close)
        t.type(f"{self.prefix}/bin/arc attach {run}\n")
        at = t.expect("(not shown) > ")
        self.assertFalse(t.echoes())
        t.type("\x1a")
        at = t.expect("Stopped", at)
        at = t.expect("$ ", at)
        argo.wait_for(t.echoes, "the echo")
        t.type("fg\n")
        t.expect("(not shown) > ", t.expect("Password?", at))
        argo.wait_for(lambda: not t.echoes(), "no echo")
        t.type("hunter2\n")
        t.expect("$ ", t.expect(f"{run} done", at))
        t.type("exit\n")
        t.end()
        self.assertNotIn(b"hunter2", t.seen)


class Json(terminal.Case):
    """--json: what is on standard output is JSON, on success and on failure."""

    def lines(self, *args, code):
        result = self.arc(*args, "--json", check=code)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def test_of_every_command(self):
        run = self.daemon.launch(flow(END, ASK))
        self.daemon.question(run)
        path = self.daemon.home / "g.json"
        path.write_text(json.dumps(flow(END, name="g")))
        add = ("--provider", "openai", "--url", "http://127.0.0.1:1/v1", "--model", "m")
        for code, line in (
                (0, "list"), (0, "list --all"), (0, f"status {run}"), (3, "status nobody"),
                (0, f"steps {run}"), (0, f"logs {run}"), (5, f"attach {run}"), (5, "inbox"),
                (5, f"answer {run}"), (3, f"answer {run} x -q nobody"), (0, f"pause {run}"),
                (0, f"resume {run}"), (1, f"resume {run}"), (0, f"answer {run} Ann"),
                (1, f"answer {run} Ann"), (0, f"attach {run}"), (0, "inbox"), (0, f"validate {path}"),
                (3, "validate nobody"), (0, f"start {path}"), (3, "start nobody"),
                (0, f"start {path} W --wait"), (0, f"status {run} --wait"),
                (1, f"abandon {run} --yes"), (3, "abandon nobody --yes"), (0, "template list"),
                (0, "template show hello"), (0, "ci list"), (0, " ".join(("ci add c", *add))),
                (0, "ci show c"), (0, "ci remove c"), (3, "ci show c"), (0, "session list"),
                (0, "session new s"), (0, "session show s"), (0, "session pause s"),
                (0, "session resume s"), (0, "session end s"), (0, "version"), (0, "daemon status"),
                (0, "daemon sync"), (0, "daemon stop"), (6, "daemon status")):
            with self.subTest(line):
                self.assertGreater(len(self.lines(*line.split(), code=code)), 0)


class Together(terminal.Case):
    def test_two_arcs_on_one_run(self):
        run = self.daemon.launch(flow(ASK, HI))
        self.daemon.question(run)
        one, two = self.terminal("attach", run), self.terminal("attach", run)
        for t in (one, two):
            t.see(">")
        one.type("An")
        one.see("> An")
        two.type("Bob\n")
        self.assertEqual((one.end(), two.end()), (0, 0))
        self.assertRegex(one.screen.text(), r"^Who\?\nAnswered by \S+ via arc: Bob\nHi Bob!\n")
        self.assertIn("Hi Bob!", two.screen.text())
        self.assertNotIn("Answered by", two.screen.text())

    def test_what_was_typed_for_another_question_is_not_sent(self):
        """Neither a line nor Enter alone, to the next question or ahead."""
        for keys, rest in (("sev", "en\n"), ("", "\n")):
            run = self.daemon.launch(flow(ASK, SURE, SAID))
            t = self.terminal("attach", run)
            t.see(">")
            t.type(keys)
            t.see(f"> {keys}".rstrip())
            self.daemon.answer(run, "Bob")
            t.see(lambda s: s.text().endswith(f"Bob\nSure?\n{STALE}"), "the next question")
            t.type(rest)
            t.see(lambda s: s.text().endswith(f"Sure?\n{STALE}\n>"), "its prompt")
            t.type("\n")  # nothing at all is no answer by itself
            t.see(lambda s: "Nothing was typed. " in s.text() and s.last() == ">", "it again")
            t.type("yes\n")
            self.assertEqual(t.end(), 0)
            self.assertIn("Bob, yes", t.screen.text())
        run = self.daemon.launch(flow(ASK, command(GO), SURE, SAID))
        t = self.terminal("attach", run)
        t.see(">")
        t.type("sev")
        t.see("> sev")
        self.daemon.answer(run, "Bob")
        t.see(STALE)
        t.type("en\n")
        t.see(lambda s: s.last().startswith("[2/4]"), "the step")
        t.type("ahead\n")
        t.see(lambda s: s.last().startswith("[2/4]") and "> ahead" in s.text(), "a line ahead")
        (self.daemon.home / "go").touch()
        self.assertEqual(t.end(), 0)
        self.assertIn("Bob, ahead", t.screen.text())

    def test_half_a_secret_goes_to_nobody(self):
        run = self.daemon.launch(flow(SECRET, SURE, END))
        t = self.terminal("attach", run)
        t.see("(not shown) >")
        t.type("can")
        self.daemon.answer(run, "hunter2")
        t.see(STALE)
        self.assertFalse(t.echoes())
        t.type("ary\n")
        t.see(lambda s: s.text().endswith("Sure?\n>"), "the next question")
        t.type("yes\n")
        self.assertEqual(t.end(), 0)
        for text in (b"can", b"ary", b"hunter2"):
            self.assertNotIn(text, t.seen)

    def test_paused_and_failed(self):
        """What to do next is said where it happens."""
        run = self.daemon.launch(flow(command(GO + "; false")))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/1]"), "the step")
        self.daemon.post(f"/api/workflow/pause/{run}")
        t.see(f"{run} is paused. Let it go on: arc resume {run}")
        self.daemon.post(f"/api/workflow/resume/{run}")
        t.see(lambda s: f"{run} is running.\n[1/1]" in s.text(), "the step again")
        (self.daemon.home / "go").touch()
        self.assertEqual(t.end(), 4)
        self.assertRegex(t.screen.text(), f"{run} failed\nSee what it did: arc steps {run}, and "
                                          f"its log: arc logs --log {run}$")

    def test_nothing_is_said_twice(self):
        run = self.daemon.launch(flow(command(GO + "; false")))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/1]"), "the step")
        t.type("\x04")
        self.assertEqual(t.end(), 0)
        self.assertEqual(t.screen.text(), f"Detached. arc attach {run} brings you back.")
        (self.daemon.home / "go").touch()
        self.daemon.wait_end(run)
        t = self.terminal("attach", run)
        self.assertEqual(t.end(), 4)
        self.assertRegex(t.screen.text(), f"step 'work' failed: .*\n{run} failed\nSee what it did: ")
        self.assertIn(f"{run} failed: ", self.arc("attach", run, check=4).stderr)

    def test_a_deadline_while_attached(self):
        for step in ({"type": "approve", "on_yes": "end", "on_no": "end"},
                     {"type": "user_ask", "default": "x", "save_to": "x"}):
            run = self.daemon.launch(flow({**step, "step": "q", "prompt": "Now?",
                                           "deadline": "1s"}, END))
            t = self.terminal("attach", run)
            self.assertEqual(t.end(), 0)
            self.assertRegex(t.screen.text(), "(?s)Now.*\nNobody has answered in time\nIt is over.")

    def test_help_in_forty_columns(self):
        wide = self.arc("help", "answer", check=0).stdout
        for words in (("help",), ("help", "answer"), ("help", "inbox")):
            t = self.terminal(*words, size=(24, 40))
            self.assertEqual(t.end(), 0)
            self.assertEqual(t.screen.wrapped, set())
        self.assertIn("asked here. Without ID it is that\nof the", wide)  # elsewhere as ever

    def test_forty_columns(self):
        self.daemon.launch(flow({**ASK, "step": "a_step_of_a_long_name"}, name="template_name"),
                           workflow_id="a_run_of_a_name")
        self.daemon.question("a_run_of_a_name")
        self.arc("ci", "add", "local", "--provider", "openai", "--url",
                 "http://127.0.0.1:18434/v1/long", "--model", "a-model", check=0)
        for words, shown in ((("list",), r"\na_run_of_a_name  waiting  1/1 a_st"),
                             (("ci", "list"), r"\nlocal .* a-model .* registered")):
            t = self.terminal(*words, size=(24, 40))
            self.assertEqual(t.end(), 0)
            self.assertRegex(t.screen.text(), shown)
            self.assertEqual(t.screen.wrapped, set())

    def test_a_daemon_that_dies_is_brought_back(self):
        for word in ("attach", "answer"):
            run = self.daemon.launch(flow(ASK, HI))
            self.daemon.question(run)
            t = self.terminal(word, run, ARGO_DAEMON_PORT="0")
            t.see(">")
            self.addCleanup(self.arc, "daemon", "stop")
            self.daemon.kill()
            t.see(lambda s: "The daemon does not answer." in s.text(), "that it has gone")
            argo.wait_for(lambda: self.arc("daemon", "status").returncode == 0, "another daemon")
            self.daemon.question(run)
            t.type("Ann\n")
            self.assertEqual(t.end(), 0)
            self.daemon.wait_end(run)
            self.arc("daemon", "stop", check=0)
            self.daemon.start()

    def test_a_restart_while_attached(self):
        run = self.daemon.launch(flow(command(GO), ASK, HI))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/3]"), "the step")
        self.daemon.stop()
        t.see("The daemon does not answer. Waiting for it; the workflow goes on.")
        self.daemon.start()
        t.see(lambda s: s.last().startswith("[1/3]"), "the step again")
        (self.daemon.home / "go").touch()
        t.see(lambda s: s.text().endswith("Who?\n>"), "the question")
        t.type("Ann\n")
        self.assertEqual(t.end(), 0)
        self.assertIn("Hi Ann!", t.screen.text())


if __name__ == "__main__":
    argo.main()
