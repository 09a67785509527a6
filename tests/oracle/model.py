#!/usr/bin/env python3
"""The model test: random requests go to a daemon and to a small model of what it should do. After each
one everything that can be asked must be as the model says, and every now and then the daemon is killed
and started again in between, which must not show. The same seed makes the same requests.

    model.py [--seed N] [--calls N]
"""
import argparse
import collections
import http.client
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

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
CALLS = int(os.environ.get("ARGO_MODEL_CALLS", "10000" if LONG else "300"))
QUESTIONS = {"ask": "text", "choose": "choice", "approve": "confirm"}
KINDS = ("show", "run", "hold", *QUESTIONS)


def step(kind, name, release):
    """A step, and one that shows what it heard. One that holds does so until the file RELEASE is
    there: meanwhile one can type ahead."""
    if kind == "show":
        return [{"step": name, "type": "display", "message": name}]
    if kind == "run":
        return [{"step": name, "type": "command", "argv": ["echo", name]}]
    if kind == "hold":
        return [{"step": name, "type": "command", "argv": [
            "sh", "-c", f"until test -e {release}; do sleep 0.02; done; echo {name}"]}]
    fields = {"ask": {"type": "user_ask"},
              "choose": {"type": "user_choose", "options": [{"label": "red", "value": "r"},
                                                            {"label": "green", "value": "g"}]},
              "approve": {"type": "approve", "on_no": f"heard_{name}"}}[kind]
    return [{"step": name, "prompt": f"{name}?", "save_to": name, **fields},
            {"step": f"heard_{name}", "type": "display", "message": f"heard {{{{{name} | json}}}}"}]


def template(kinds, release):
    return {"workflow_name": "model",
            "steps": [s for i, kind in enumerate(kinds) for s in step(kind, f"{kind}{i}", release)]}


def valid(kind, given):
    """The answer that GIVEN makes for a question of KIND, None when it is none."""
    if kind == "ask":
        return given if isinstance(given, str) else None
    if kind == "choose":
        return {"red": "r", "green": "g", "r": "r", "g": "g", "1": "r", "2": "g"}.get(given) \
            if isinstance(given, str) else None
    return {"yes": True, "no": False}.get(given) if isinstance(given, str) else \
        given if isinstance(given, bool) else None


class Run:
    """The model of a run. It goes on at once, to the next question or to its end."""

    def __init__(self, kinds, session, release):
        self.kinds, self.session, self.release = kinds, session, release
        self.held = True
        self.at, self.done = 0, []
        self.lines, self.output, self.config = [], [], {}
        self.questions = {}  # path -> [state, answer]
        self.end, self.paused = None, False
        self.go()

    @property
    def state(self):
        if self.end or self.paused:
            return self.end or "paused"
        return "waiting" if self.open() else "running"

    def open(self):
        """(kind, path) of the open question, or None."""
        return next(((self.kinds[self.at], path) for path, (state, _) in self.questions.items()
                     if state == "open"), None)

    def go(self):
        while not self.end and not self.paused:
            if self.at == len(self.kinds):
                self.end = "done"
                return
            kind = self.kinds[self.at]
            name = f"{kind}{self.at}"
            if (kind == "hold" and self.held) or (kind in QUESTIONS and not self.ask(kind, name)):
                return
            if kind in ("show", "run", "hold"):
                self.output.append(("text" if kind == "show" else "stdout", name + "\n"))
            else:
                self.hear(name)
            self.at += 1

    def ask(self, kind, name):
        """True when the question is answered."""
        if name not in self.questions:
            self.questions[name] = ["open", None]
            self.output.append(("prompt", name + "?"))
            while kind != "approve" and self.lines and self.questions[name][0] == "open":
                answer = valid(kind, self.lines.pop(0))
                if answer is None:
                    self.output.append(("notice", None))
                else:
                    self.questions[name] = ["answered", answer]
        return self.questions[name][0] == "answered"

    def hear(self, name):
        answer = self.questions[name][1]
        shown = f'{{"approved":{str(answer).lower()},"reason":null}}' \
            if isinstance(answer, bool) else f'"{answer}"'
        self.done.append(name)
        self.done.append(f"heard_{name}")
        self.output.append(("text", f"heard {shown}\n"))

    def finish(self):
        self.end, self.paused = "abandoned", False
        for question in self.questions.values():
            question[0] = "cancelled" if question[0] == "open" else question[0]

    def steps(self):
        return sorted(self.done + [f"{kind}{i}" for i, kind in enumerate(self.kinds[:self.at])
                                   if kind not in QUESTIONS])


class Ci:
    """The model of a CI. What happens to it goes on under its name."""

    def __init__(self, model, session, name):
        self.model, self.session, self.name = model, session, name
        self.status, self.task, self.unread = "registered", None, []
        self.received = name["seq"]  # nothing before is for it
        name["kinds"].append("registered")

    def beat(self, status, task):
        before = self.status, self.task
        if task is not None:
            self.task = task or None
        elif status in ("idle", "stopped"):
            self.task = None
        self.status = status or (self.status if self.status in ("idle", "busy") else "running")
        if self.status != before[0]:
            self.name["kinds"].append("status")
        elif self.task != before[1]:
            self.name["kinds"].append("task")

    def shown(self):
        return {"model": self.model, "session_id": self.session, "status": self.status,
                "task": self.task, "unread": len(self.unread) or None}


class Model:
    """What the daemon should know. Each request returns the code that its reply should have."""

    def __init__(self):
        self.runs = {}  # by id, in the order of their starts
        self.keys, self.cis, self.sessions = {}, {}, {}
        self.names = {}  # of CIs, registered or not: what is kept

    def live(self):
        return {name: run for name, run in self.runs.items() if not run.end}

    def retire(self, name):
        n = 1 + sum(other.startswith(name + "~") for other in self.runs)
        self.runs = {f"{name}~{n}" if key == name else key: run for key, run in self.runs.items()}

    def start(self, body, kinds, release):
        key, name, session = body.get("request_key"), body["workflow_id"], body.get("session_id")
        if key in self.keys:
            return 200 if self.keys[key][1] == body else 1012
        if session and session not in self.sessions:
            return 1017
        if name in self.live():
            return 1007
        if name in self.runs:
            self.retire(name)
        self.runs[name] = Run(kinds, session, release)
        if key:
            self.keys[key] = (name, body)
        return 200

    def input(self, name, path, given):
        run = self.runs.get(name)
        if run is None:
            return 1005
        if run.end:
            return 1011 if run.questions.get(path, [""])[0] == "answered" else 1008
        if path and path not in run.questions:
            return 1016
        if path and run.questions[path][0] != "open":
            return 1011
        question = run.open()
        if question is None:
            run.lines.append(given)
            return 200
        kind, place = question
        if not path and kind == "approve":
            return 1008
        answer = valid(kind, given)
        if answer is None:
            return 1013
        run.questions[place] = ["answered", answer]
        run.go()
        return 200

    def abandon(self, name):
        run = self.runs.get(name)
        if run is None or run.end:
            return 1005 if run is None else 1008
        run.finish()
        return 200

    def pause(self, name):
        run = self.runs.get(name)
        if run is None or run.end:
            return 1005 if run is None else 1008
        run.paused = True
        return 200

    def resume(self, name):
        run = self.runs.get(name)
        if run is None or not run.paused:
            return 1005 if run is None else 1008
        run.paused = False
        run.go()
        return 200

    def configure(self, name, payload):
        run = self.runs.get(name)
        if run is None or run.end:
            return 1005 if run is None else 1008
        if "nonsense" in payload:
            return 1001
        run.config.update(payload)
        return 200

    def add_session(self, name):
        if name in self.sessions:
            return 1007
        self.sessions[name] = True
        return 201

    def add_ci(self, name, model, session):
        if name in self.cis or (session and session not in self.sessions):
            return 1007 if name in self.cis else 1017
        kept = self.names.setdefault(name, {"kinds": [], "seq": 0})
        self.cis[name] = Ci(model, session, kept)
        return 201

    def remove_ci(self, name, force):
        ci = self.cis.get(name)
        if ci is None or (not force and (ci.task or ci.status == "busy")):
            return 1006 if ci is None else 1008
        self.cis.pop(name).name["kinds"].append("removed")
        return 200

    def beat(self, name, status, task):
        if name not in self.cis:
            return 1006
        self.cis[name].beat(status, task)
        return 200

    def send(self, name):
        ci = self.cis.get(name)
        if ci is None:
            return 1006
        ci.name["seq"] += 1
        ci.unread.append(ci.name["seq"])
        return 200

    def receive(self, name, after):
        ci = self.cis.get(name)
        if ci is None or after > ci.name["seq"]:
            return 1006 if ci is None else 1001
        ci.unread = [seq for seq in ci.unread if seq > after]
        ci.received = max(ci.received, after)
        return 200

    def remove_session(self, name, force):
        if name not in self.sessions:
            return 1017
        members = [run for run in self.live().values() if run.session == name]
        if members and not force:
            return 1008
        for run in members:
            run.finish()
        for ci in self.cis.values():
            if ci.session == name:
                ci.session = None
                ci.name["kinds"].append("session")
        del self.sessions[name]
        return 200

    def of_session(self, name, action):
        if name not in self.sessions:
            return 1017
        for key, run in self.live().items():
            if run.session == name:
                action(key)
        return 200


class Test:
    def __init__(self, seed, prefix):
        self.dice, self.model = random.Random(seed), Model()
        self.daemon = argo.Daemon(prefix, args=["--heartbeat", "86400"]).start()
        self.count = collections.Counter()
        self.log = []

    # ---- requests, by name -------------------------------------------------------------------------

    def name(self):
        """An id: few, so that they meet; sometimes one that is not there."""
        names = list(self.model.runs)
        return self.dice.choice(names) if names and self.dice.random() < 0.9 else "nobody"

    def do_start(self):
        body = {"workflow_id": f"w{self.dice.randrange(6)}"}
        kinds = self.dice.choices(KINDS, k=self.dice.randint(1, 5))
        if self.dice.random() < 0.3:
            body["session_id"] = f"s{self.dice.randrange(3)}"
        if self.dice.random() < 0.5:
            body["request_key"] = f"k{self.dice.randrange(10)}"
            if body["request_key"] in self.model.keys and self.dice.random() < 0.6:
                body = self.model.keys[body["request_key"]][1]
        release = f"release{sum(self.count.values())}"
        full = body if "definition" in body else {
            **body, "definition": template(kinds, release), "cwd": str(self.daemon.home),
            "env": {"PATH": "/usr/bin:/bin"}}
        return "POST", "/api/workflow/start", full, self.model.start(full, kinds, release)

    def do_release(self):
        """What holds goes on; no request to change anything."""
        name = self.name()
        run = self.model.runs.get(name)
        if run is not None and run.held:
            (self.daemon.home / run.release).touch()
            run.held = False
            run.go()
        return "GET", "/api/version", None, 200

    def do_line(self):
        name, text = self.name(), self.dice.choice(("red", "2", "blue", "Ada", "no"))
        return "POST", f"/api/workflow/input/{name}", {"input": text}, \
            self.model.input(name, None, text)

    def do_answer(self):
        name = self.name()
        run = self.model.runs.get(name)
        given = self.dice.choice(("r", "green", "Ada", True, False, "yes", {}, "blue"))
        path = self.dice.choice(list(run.questions)) if run and run.questions else "none"
        question = self.question_id(name, path)
        return "POST", f"/api/workflow/input/{name}", {"question_id": question, "answer": given}, \
            self.model.input(name, path, given)

    def do_abandon(self):
        name = self.name()
        return "DELETE", f"/api/workflow/abandon/{name}", None, self.model.abandon(name)

    def do_pause(self):
        name = self.name()
        return "POST", f"/api/workflow/pause/{name}", {}, self.model.pause(name)

    def do_resume(self):
        name = self.name()
        return "POST", f"/api/workflow/resume/{name}", {}, self.model.resume(name)

    def do_configure(self):
        name = self.name()
        key = self.dice.choice(("park_after_s", "budget_tokens", "nonsense"))
        payload = {key: self.dice.randrange(1, 100)}
        return "POST", f"/api/workflow/{name}/message", {
            "type": "update_config", "payload": payload}, self.model.configure(name, payload)

    def ci(self):
        return f"ci{self.dice.randrange(3)}"

    def do_add_ci(self):
        body = {"name": self.ci(), "model": f"m{self.dice.randrange(9)}"}
        if self.dice.random() < 0.3:
            body["session_id"] = f"s{self.dice.randrange(3)}"
        return "POST", "/api/registry/ci", body, \
            self.model.add_ci(body["name"], body["model"], body.get("session_id"))

    def do_remove_ci(self):
        name, force = self.ci(), self.dice.random() < 0.3
        return "DELETE", f"/api/registry/ci/{name}" + ("?force=true" if force else ""), None, \
            self.model.remove_ci(name, force)

    def do_beat(self):
        name = self.ci()
        status = self.dice.choice((None, "running", "idle", "busy", "error", "stopped"))
        task = self.dice.choice((None, None, "", "one", "two"))
        return "POST", f"/api/registry/ci/{name}/heartbeat", {"status": status, "task": task}, \
            self.model.beat(name, status, task)

    def do_send(self):
        name = self.ci()
        return "POST", f"/api/registry/ci/{name}/message", {"type": "x"}, self.model.send(name)

    def do_receive(self):
        name = self.ci()
        after = self.dice.randint(0, self.model.names.get(name, {"seq": 0})["seq"] + 1)
        return "GET", f"/api/registry/ci/{name}/messages?after={after}", None, \
            self.model.receive(name, after)

    def do_add_session(self):
        name = f"s{self.dice.randrange(3)}"
        return "POST", "/api/session", {"session_id": name}, self.model.add_session(name)

    def do_remove_session(self):
        name, force = f"s{self.dice.randrange(3)}", self.dice.random() < 0.3
        return "DELETE", f"/api/session/{name}" + ("?force=true" if force else ""), None, \
            self.model.remove_session(name, force)

    def do_of_session(self):
        name, action = f"s{self.dice.randrange(3)}", self.dice.choice(("pause", "resume"))
        return "POST", f"/api/session/{name}/{action}", {}, \
            self.model.of_session(name, getattr(self.model, action))

    # ---- comparing ---------------------------------------------------------------------------------

    def get(self, path):
        reply = self.daemon.get(path)
        assert reply.status == 200, f"{path}: {reply}"
        return reply.json

    def question_id(self, name, path):
        for question in self.get("/api/questions")["questions"]:
            if (question["workflow_id"], question["path"]) == (name, path):
                return question["question_id"]
        return "none"

    def seen(self, name, questions):
        """A run as the daemon shows it."""
        data = self.get(f"/api/workflow/status/{name}")["data"]
        output = self.get(f"/api/workflow/output/{name}?after=0")["data"]["records"]
        return {"state": data["state"], "session": data.get("session_id"),
                "config": data.get("config") or {},
                "steps": sorted(s["path"] for s in self.get(f"/api/workflow/{name}/steps")["steps"]
                                if s["status"] != "started"),
                "output": [(r["kind"], r["text"] if r["kind"] != "notice" else None)
                           for r in output],
                "questions": {q["path"]: [q["state"], q.get("answer")] for q in questions
                              if q["workflow_id"] == name}}

    def expected(self, run):
        return {"state": run.state, "session": run.session, "config": run.config,
                "steps": run.steps(), "output": run.output, "questions": run.questions}

    def settled(self, name, run):
        questions = self.get("/api/questions")["questions"]
        return self.seen(name, questions) == self.expected(run)

    def compare(self):
        for name, run in self.model.runs.items():
            try:
                argo.wait_for(lambda n=name, r=run: self.settled(n, r), name, 20)
            except AssertionError:
                got = self.seen(name, self.get("/api/questions")["questions"])
                raise AssertionError(f"{name}: got\n  {got}\nexpected\n  "
                                     f"{self.expected(run)}") from None
        ids = list(reversed(self.model.runs))
        for query, wanted in (("state=all&limit=1000", ids),
                              ("limit=1000", [n for n in ids if n in self.model.live()]),
                              ("state=paused", [n for n in ids if self.model.runs[n].paused])):
            listed = [w["workflow_id"] for w in
                      self.get(f"/api/workflow/list?{query}")["workflows"]]
            assert listed == wanted[:100 if "limit" not in query else None], \
                f"{query}: {listed}, expected {wanted}"
        sessions = {s["session_id"]: s["cis"] for s in self.get("/api/session")["sessions"]}
        wanted = {s: sorted(name for name, ci in self.model.cis.items() if ci.session == s)
                  for s in self.model.sessions}
        assert sessions == wanted, f"{sessions}: {wanted}"
        self.compare_cis()

    def seen_cis(self):
        return {ci["name"]: {key: ci.get(key) for key in (
            "model", "session_id", "status", "task", "unread")}
            for ci in self.get("/api/registry/ci")["cis"]}

    def compare_cis(self):
        """What was received is said again first: no reply tells that it has been noted."""
        for name, ci in self.model.cis.items():
            messages = self.get(f"/api/registry/ci/{name}/messages?after={ci.received}")["messages"]
            assert [m["seq"] for m in messages] == ci.unread, f"{name}: {messages}, {ci.unread}"
        wanted = {name: ci.shown() for name, ci in self.model.cis.items()}
        try:
            argo.wait_for(lambda: self.seen_cis() == wanted, "the CIs", 20)
        except AssertionError:
            raise AssertionError(f"{self.seen_cis()}, expected {wanted}") from None
        for name, kept in self.model.names.items():
            history = self.get(f"/api/registry/ci/{name}/history?limit=1000")["history"]
            kinds = [event["kind"] for event in reversed(history)]
            assert kinds == kept["kinds"], f"{name}: {kinds}, expected {kept['kinds']}"

    # ---- the test ----------------------------------------------------------------------------------

    def restart(self):
        signo = signal.SIGKILL if self.dice.random() < 0.7 else signal.SIGTERM
        self.daemon.kill(signo)
        self.daemon.args[1] = self.dice.choice(("0", "3600"))
        self.daemon.start()
        self.count["restarts"] += 1
        self.log.append(f"restart {signo.name}")

    def call(self, number):
        acts = (("start", 4), ("line", 4), ("answer", 6), ("release", 2), ("abandon", 1), ("pause", 1.5),
                ("resume", 2), ("configure", 0.7), ("add_ci", 1), ("remove_ci", 0.5),
                ("beat", 1.5), ("send", 1.5), ("receive", 1),
                ("add_session", 0.6), ("remove_session", 0.3), ("of_session", 0.5))
        names, weights = zip(*acts)
        act = self.dice.choices(names, weights)[0]
        method, path, body, code = getattr(self, "do_" + act)()
        key = {"Idempotency-Key": f"key-{number}"} if method != "GET" and act != "start" else {}
        shown = {**body, "definition": "".join(str(s["step"]) + " " for s in body["definition"][
            "steps"])} if act == "start" else body
        self.log.append(f"{number} {method} {path} {shown} -> {code}")
        reply = self.daemon.request(method, path, body, headers=key,
                                    tcp=self.dice.random() < 0.3)
        got = reply.status if reply.status < 300 else reply.json["error"]["code"]
        assert got == code, f"{method} {path} {body}: got {reply}, expected {code}"
        self.count[act] += 1
        if self.dice.random() < 0.3:
            self.restart()
        if self.dice.random() < 0.2 and reply.status < 300 and \
                (key or "request_key" in (body or {})):
            again = self.daemon.request(method, path, body, headers=key)
            same = again.text == reply.text if key else \
                again.json.get("workflow_id") == reply.json["workflow_id"]
            assert same, f"{method} {path} again: got {again}, before {reply}"


def test(seed, calls, prefix):
    """None, or what was wrong."""
    run = Test(seed, prefix)
    try:
        for number in range(calls):
            run.call(number)
            run.compare()
    except (AssertionError, RuntimeError, OSError, http.client.HTTPException) as error:
        return "\n".join([*run.log[-30:], f"{type(error).__name__}: {error}"])
    finally:
        print(f"seed {seed}: " + ", ".join(f"{n} {what}" for what, n in
                                           sorted(run.count.items())), flush=True)
        run.daemon.end()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--calls", type=int, default=CALLS)
    options = parser.parse_args()
    prefix = argo.stage()
    try:
        # Homes of their own: what they hold is asked for after every call.
        for part in range(0, options.calls, 100):
            wrong = test(options.seed + part, min(100, options.calls - part), prefix)
            if wrong:
                sys.exit(wrong)
    finally:
        shutil.rmtree(prefix, ignore_errors=True)


if __name__ == "__main__":
    main()
