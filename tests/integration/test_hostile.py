#!/usr/bin/env python3
"""Texts that would control a terminal (tests/unit/arc/sequences.txt), from everywhere that a text can
come from: none of them reaches the terminal."""
import json
import re
import unicodedata

import argo
import standin
import terminal

# All that arc and libedit write of their own here, without colours.
OWN = re.compile(r"(\x1b\[\d+A)?\r\x1b\[J|\x1b\[\?2004[hl]|\r\n")


def samples():
    found = []
    for line in (argo.ROOT / "tests/unit/arc/sequences.txt").read_text().splitlines():
        if not line.startswith("#"):
            found.append([re.sub(rb"\\x(..)", lambda m: bytes([int(m[1], 16)]), column.encode())
                          for column in line.split("\t")])
    return found


def is_text(raw):
    try:
        raw.decode()
        return True
    except UnicodeDecodeError:
        return False


SAMPLES = samples()
TEXTS = [(raw.decode(), shown.decode()) for raw, shown in SAMPLES if is_text(raw)]
ALL = "\n".join(raw for raw, _ in TEXTS)
SHOWN = "\n".join(shown for _, shown in TEXTS)
SHORT = "\x1b]0;t\x07\x1b[2J\u009b31m\u202ename\u2066\u200b\U000e0041\x1b[3"  # "name" is what is shown
STEP = "st\u202eep\u200b\u2066\U000e0041"  # no control characters are allowed there
GO = "until test -e go; do sleep 0.02; done"


def flow(*steps, name="t", **top):
    return {"workflow_name": name, "steps": list(steps), **top}


class Hostile(terminal.Case):
    def assert_clean(self, t):
        """Nothing but text and arc's own has come; the text is returned."""
        text = OWN.sub("\n", t.seen.decode())
        hostile = [c for c in text if terminal.HOSTILE.match(c)]
        self.assertEqual(hostile, [], repr(text))
        return text

    def show(self, *args, code=0):
        t = self.terminal(*args)
        self.assertEqual(t.end(), code, t.seen)
        return self.assert_clean(t)

    def has_all(self, text):
        """Whether the lines of SHOWN stand in TEXT one after the other."""
        squeezed = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
        return re.sub(r"\s+", " ", unicodedata.normalize("NFC", SHOWN)).strip() in squeezed

    def test_output_of_a_program_with_every_byte(self):
        path = self.daemon.home / "all"
        path.write_bytes(b"\n".join(raw for raw, _ in SAMPLES) + b"\n")
        run = self.daemon.launch(flow(
            {"step": "out", "type": "command", "argv": ["cat", str(path)]},
            {"step": "err", "type": "command", "argv": ["sh", "-c", f"cat {path} >&2"]}), wait=True)
        text = self.show("attach", run)
        lines = b"\n".join(shown for _, shown in SAMPLES).decode()
        one = re.compile("\ufffd+")  # of bytes that are no text each, or all that belong together
        self.assertEqual(one.sub("\ufffd", text).count(one.sub("\ufffd", lines)), 2, text)
        for args in (("logs", run), ("attach", run, "--json"), ("steps", run, "--json")):
            self.show(*args)

    def test_prompts_choices_and_forms(self):
        run = self.daemon.launch(flow(
            {"step": STEP, "type": "user_ask", "prompt": ALL, "default": ALL, "save_to": "a"},
            {"step": "c", "type": "user_choose", "prompt": SHORT, "save_to": "c", "options": [
                {"label": raw + f"\n{i}", "value": str(i)} for i, (raw, _) in enumerate(TEXTS)]},
            {"step": "f", "type": "form", "prompt": ALL, "save_to": "f", "fields": [
                {"name": "a", "label": ALL, "description": ALL, "options": [ALL, SHORT],
                 "default": SHORT}]},
            {"step": "e", "type": "approve", "prompt": SHORT, "details": ALL, "on_no": "n"},
            {"step": "n", "type": "display", "message": ALL}))
        self.daemon.question(run)
        for args, code in ((("list",), 0), (("list", "--json"), 0), (("status", run), 0),
                           (("status", run, "--json"), 0), (("inbox", "-q"), 5),
                           (("inbox", "--json"), 5)):
            self.show(*args, code=code)
        t = self.terminal("inbox")
        t.see("Answer it (Enter) >")
        t.type("\n")
        t.see(lambda s: "Enter alone: " in s.text() and s.last() == ">", "the question")
        t.type("\x04")
        self.assertEqual(t.end(), 5)
        self.assert_clean(t)
        t = self.terminal("attach", run)
        for sign, prompt, typed in ((SHOWN[:10], ">", ""), (f"  {len(TEXTS)}) ", ">", "1"),
                                    ("one of: ", "a >", ""),
                                    ("[yes/no] >", "[yes/no] >", "no")):
            t.see(lambda s: sign in s.text() and s.last().endswith(prompt), sign)
            t.type(typed + "\n")
        self.assertEqual(t.end(), 0)
        text = self.assert_clean(t)
        self.assertTrue(self.has_all(text))
        for i in range(len(TEXTS)):  # a label is one line, so none can pretend to be another
            self.assertRegex(text, rf"\n  {i + 1}\) .* ?{i}\n")

    def test_progress_and_errors(self):
        run = self.daemon.launch(flow(
            {"step": STEP, "type": "command", "argv": ["sh", "-c", GO]},
            {"step": "e", "type": "command", "argv": ["no\u202e" + SHORT, ALL]}))
        t = self.terminal("attach", run)
        t.see(lambda s: s.last().startswith("[1/2] step: running sh"), "the step")
        (self.daemon.home / "go").touch()
        self.assertEqual(t.end(), 4)
        self.assertIn("failed", self.assert_clean(t))
        for args in (("list", "--all"), ("list", "--all", "--json"), ("status", run), ("steps", run),
                     ("steps", run, "--json"), ("logs", "--log", run)):
            self.show(*args)

    def test_names_and_messages(self):
        self.daemon.post("/api/registry/ci", {"name": "c", "provider": "openai", "model": SHORT,
                                              "role": SHORT, "base_url": "http://h/" + SHORT})
        self.daemon.post("/api/session", {"session_id": "s", "description": SHORT})
        directory = self.daemon.home / ("d\x1b[2J\u202e" + "\u009b1m")
        directory.mkdir()
        run = self.daemon.launch(flow({"step": "s", "type": "display", "message": "x"}),
                                 branch=SHORT, environment=SHORT, session_id="s",
                                 cwd=str(directory))
        templates = self.daemon.home / "workflows/templates"
        templates.mkdir(parents=True, exist_ok=True)
        (templates / "bad.json").write_text(json.dumps(flow(
            {"step": "s", "type": SHORT, "x" + SHORT: ALL}, description=ALL, name="bad")))
        (templates / "good.json").write_text(json.dumps(flow(
            {"step": "s", "type": "display", "message": ALL}, description=ALL, name="good")))
        for args, code in ((("ci", "list"), 0), (("ci", "show", "c"), 0), (("session", "list"), 0),
                           (("session", "show", "s"), 0), (("status", run), 0),
                           (("template", "list"), 0), (("template", "show", "good"), 0),
                           (("validate", "bad"), 1), (("validate", "bad", "--json"), 1),
                           (("start", "bad"), 1), (("start", SHORT), 3), (("status", SHORT), 2),
                           (("status", SHORT, "--json"), 2), (("nonsense" + SHORT,), 2),
                           (("list", "--state", SHORT), 1), (("list", "--template", SHORT), 0),
                           (("answer", run, SHORT), 1), (("list", "--" + SHORT[1:]), 2),
                           (("start", "./" + SHORT + ".yaml"), 3), (("ci", "show", SHORT), 2)):
            with self.subTest(args=args):
                t = self.terminal(*args)
                t.end()
                self.assert_clean(t)

    def test_the_border_of_two_records_is_none(self):
        """Every text, cut in two at every character: what comes out is the same."""
        records = []
        for raw, _ in TEXTS:
            for cut in range(1, len(raw)):
                records += [raw[:cut], raw[cut:] + "\n"]
        run, headers = self.stand_in()
        for at in range(0, len(records), 500):
            reply = self.daemon.post(f"/api/workflow/output/{run}", {"records": [
                {"kind": "stdout", "text": text} for text in records[at:at + 500]]},
                headers=headers)
            self.assertEqual(reply.status, 200, reply)
        text = self.show("logs", run)
        wanted = "".join((shown + "\n") * (len(raw) - 1) for raw, shown in TEXTS)
        self.assertEqual(text.replace("\n\n", "\n"), wanted.replace("\n\n", "\n"))

    def test_a_log_is_not_torn(self):
        text = "€" * 5000 + "x" * 8189 + "\x1b[2J€\n"  # wherever a buffer may end
        (self.daemon.home / "logs/torn.log").write_text(text * 3)
        shown = self.arc("logs", "--log", "torn", check=0).stdout
        self.assertNotIn("\ufffd", shown)
        self.assertEqual(shown.count("€"), 3 * 5001)
        self.assertEqual(shown.count("2J"), 0, "the sequence has been torn")

    def stand_in(self):
        """A run whose executor is played by the test."""
        program = self.prefix / "bin/argo_workflow_executor"
        program.rename(self.prefix / "bin/real")
        self.addCleanup((self.prefix / "bin/real").rename, program)
        standin.install(program)
        run = self.daemon.launch(flow({"step": "s", "type": "display", "message": "x"}))
        return run, standin.headers(self.daemon, run)


if __name__ == "__main__":
    argo.main()
