#!/usr/bin/env python3
"""Messages both ways: to a run and what they do, from an executor and what becomes of them."""
import json
import os
import re
import signal
import sqlite3
import sys
import threading

import argo
from models import Server, says

PARKED = ("waiting", 0)


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


ASK = {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"}
GO = "until test -e go; do sleep 0.02; done"


def command(name, script, **more):
    return {"step": name, "type": "command", "argv": ["sh", "-c", script], **more}


class Sending(argo.Case):
    """What all of these need."""

    def send(self, run, kind, payload=None, expect=200, **kw):
        body = {"type": kind, **({} if payload is None else {"payload": payload})}
        reply = self.daemon.post(f"/api/workflow/{run}/message", body, **kw)
        self.assertEqual(reply.status, expect, reply)
        return reply

    def events(self, run, kind=None):
        events = self.daemon.get(f"/api/workflow/{run}/events?after=0&limit=10000&timeout=0").json[
            "events"]
        return [e for e in events if kind is None or e["kind"] == kind]

    def wait_state(self, run, state, pid=None):
        def there():
            status = self.daemon.status(run)
            return status["status"] == state and (pid is None or status["pid"] == pid)
        argo.wait_for(there, f"{run} to be {state}")

    def log_of(self, run):
        path = self.daemon.home / f"logs/{run}.log"
        return path.read_text() if path.exists() else ""


class Messages(Sending):
    def test_the_message_is_shown_and_logged(self):
        run = self.daemon.launch(steps(command("w", GO)))
        reply = self.send(run, "x-hello", {"n": [1, 2]})
        self.assertRegex(reply.text, r'^\{"status":"success","workflow_id":"t_1","data":\{"id":"[0-9a-f-]{36}",'
                                     r'"type":"x-hello","payload":\{"n":\[1,2\]\},"timestamp":"[^"]+Z","seq":\d+\}\}$')
        message = reply.json["data"]
        event = self.events(run, "message")[0]
        self.assertEqual((event["seq"], event["text"], event["data"]),
                         (message["seq"], "x-hello", message))
        argo.wait_for(lambda: "message x-hello" in self.log_of(run), "the executor to receive it")
        seqs = [e["seq"] for e in self.events(run)]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        (self.daemon.home / "go").touch()
        self.daemon.wait_end(run)
        self.assertEqual(self.send(run, "x-late", {}, 409).json["error"]["code"], 1008)

    def test_received_once(self):
        """By the next executor only what none before it has received."""
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}", repeat="safe")))
        self.send(run, "x-first", {})
        argo.wait_for(lambda: "message x-first" in self.log_of(run), "the first to be received")
        # The poll after it says so to the daemon; the next message comes with that poll's reply.
        self.send(run, "x-second", {})
        argo.wait_for(lambda: "message x-second" in self.log_of(run), "the second to be received")
        argo.wait_for(lambda: self.checkpoint_after(run) >= self.events(run, "message")[-1]["seq"],
                      "the daemon to know")
        pid = self.daemon.executor(run)
        os.kill(pid, signal.SIGSTOP)
        self.send(run, "x-third", {})
        os.kill(pid, signal.SIGKILL)
        argo.wait_for(lambda: self.daemon.status(run)["data"]["epoch"] == 2, "the next executor")
        argo.wait_for(lambda: "message x-third" in self.log_of(run), "the third to be received")
        self.daemon.kill()
        self.daemon.start()
        (self.daemon.home / "go").touch()
        self.daemon.wait_end(run)
        got = re.findall(r"message (x-\w+)", self.log_of(run))
        self.assertEqual(got, ["x-first", "x-second", "x-third"])

    def checkpoint_after(self, run):
        """As a new executor would be told; the store's number alone is looked at."""
        with sqlite3.connect(f"file:{self.daemon.home}/argo.db?mode=ro", uri=True) as db:
            return db.execute("SELECT message_seq FROM runs WHERE workflow_id = ?", (run,)).fetchone()[0]

    def test_pause_resume_abort(self):
        run = self.daemon.launch(steps(command("w", GO)))
        self.send(run, "pause")
        self.assertEqual(self.daemon.status(run)["status"], "paused")
        self.send(run, "pause", {})
        self.send(run, "resume", {})
        self.assertEqual(self.daemon.status(run)["status"], "running")
        self.assertEqual(self.send(run, "resume", {}, 409).json["error"]["code"], 1008)
        self.send(run, "abort")
        self.assertEqual(self.daemon.status(run)["status"], "abandoned")

    def test_what_is_refused(self):
        run = self.daemon.launch(steps(ASK))
        for kind in ("pausee", "x-", "step_start", "workflow_complete"):
            error = self.send(run, kind, {}, 400).json["error"]
            self.assertEqual((error["code"], error["field"]), (1001, "type"))
        self.assertIn("did you mean 'pause'?", self.send(run, "pausee", {}, 400).text)
        error = self.send(run, "update_config", {"park_after": 1}, 400).json["error"]
        self.assertEqual((error["code"], error["field"]), (1001, "payload"))
        self.assertIn("did you mean 'park_after_s'?", error["details"])
        self.send(run, "update_config", {"log_level": "loud"}, 400)
        self.send(run, "update_config", 7, 400)
        self.assertEqual(self.send("nobody", "x-a", {}, 404).json["error"]["code"], 1005)
        self.send(run, "x-a", "a" * (64 * 1024 - 2))
        error = self.send(run, "x-a", "a" * (64 * 1024 - 1), 413).json["error"]
        self.assertEqual(error["code"], 1201)

    def test_the_queue_is_full(self):
        self.daemon.args[1] = "0"
        self.daemon.stop()
        self.daemon.start()
        run = self.daemon.launch(steps(ASK))
        self.wait_state(run, *PARKED)
        for _ in range(1000):
            self.send(run, "x-a")
        self.assertEqual(self.send(run, "x-a", {}, 429).json["error"]["code"], 1204)
        self.daemon.post(f"/api/workflow/pause/{run}")
        self.assertEqual(self.daemon.post(f"/api/workflow/resume/{run}").status, 200)
        self.daemon.answer(run, "Ada")
        self.daemon.wait_end(run)

    def test_a_key_counts_once(self):
        run = self.daemon.launch(steps(ASK))
        first = self.send(run, "x-a", {}, headers={"Idempotency-Key": "k"})
        again = self.send(run, "x-a", {}, headers={"Idempotency-Key": "k"})
        self.assertEqual(first.text, again.text)
        self.assertEqual(len(self.events(run, "message")), 1)
        self.send(run, "x-b", {}, 409, headers={"Idempotency-Key": "k"})

    def test_settings_act_at_once(self):
        run = self.daemon.launch(steps(ASK))
        question = self.daemon.question(run)
        self.send(run, "update_config", {"log_level": "debug", "park_after_s": 0})
        self.wait_state(run, *PARKED)
        self.assertEqual(self.daemon.status(run)["data"]["config"],
                         {"log_level": "debug", "park_after_s": 0})
        self.assertEqual(self.events(run, "config")[0]["data"],
                         {"log_level": "debug", "park_after_s": 0})
        # Those of a parked run act when it is launched again.
        self.send(run, "update_config", {"log_level": "error", "park_after_s": None})
        lines = len(self.log_of(run).splitlines())
        self.daemon.answer(run, "Ada", question)
        self.daemon.wait_end(run)
        told = [json.loads(line) for line in self.log_of(run).splitlines()[lines:]]
        self.assertFalse([t for t in told if "attempt 1 begins" in json.dumps(t)])
        self.assertEqual(self.daemon.status(run)["data"]["config"], {"log_level": "error"})

    def test_who_may(self):
        """A step's command is no executor and no owner: it sends nothing."""
        script = ("import http.client, json, os, socket, sys\n"
                  "c = http.client.HTTPConnection('localhost')\n"
                  "c.sock = socket.socket(socket.AF_UNIX)\n"
                  "c.sock.connect(os.environ['ARGO_HOME'] + '/run/argo.sock')\n"
                  "c.request('POST', '/api/workflow/' + os.environ['ARGO_WORKFLOW_ID'] + '/message',\n"
                  "          json.dumps({'type': sys.argv[1]}),\n"
                  "          {'Content-Type': 'application/json', 'X-Argo-Epoch': '1'})\n"
                  "print(c.getresponse().status)\n")
        run = self.daemon.launch(steps(
            {"step": "a", "type": "command", "argv": [sys.executable, "-c", script, "x-a"]},
            {"step": "b", "type": "command", "argv": [sys.executable, "-c", script, "abort"]}),
            wait=True)
        self.assertEqual(self.daemon.output(run), "401\n401\n")
        self.assertEqual(self.daemon.status(run)["status"], "done")


class FromExecutor(Sending):
    """As an executor: its token is caught by a program that is one in name only."""

    def setUp(self):
        super().setUp()
        caught = self.daemon.home / "catch"
        caught.write_text("#!/bin/sh\ncat <&3 > \"$ARGO_HOME/caught.tmp\"\n"
                          "mv \"$ARGO_HOME/caught.tmp\" \"$ARGO_HOME/caught\"\nexec sleep 1000\n")
        caught.chmod(0o700)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(caught)]
        self.daemon.start()
        self.run_id = self.daemon.launch(steps({"step": "a", "type": "display", "message": "x"}))
        argo.wait_for((self.daemon.home / "caught").exists, "the token")
        self.headers = {"Authorization": f"Bearer {(self.daemon.home / 'caught').read_text()}",
                        "X-Argo-Epoch": "1"}

    def tell(self, kind, payload, expect=200, **members):
        reply = self.daemon.post(f"/api/workflow/{self.run_id}/message",
                                 {"type": kind, "payload": payload, **members}, tcp=True,
                                 headers=self.headers)
        self.assertEqual(reply.status, expect, reply)
        return reply

    def get(self, query):
        return self.daemon.get(f"/api/workflow/{self.run_id}/messages?{query}", tcp=True,
                               headers=self.headers)

    def test_all_types(self):
        start = {"step": "a", "path": "a", "attempt": 1}
        self.tell("step_start", start)
        self.tell("step_output", {"step": "a", "path": "a", "text": "hello\n"})
        self.tell("x-metric", {"cpu": 0.5})
        self.tell("error", {"code": "odd", "message": "never mind"})
        self.tell("step_complete", {**start, "status": "done", "next_step": "EXIT"})
        self.tell("workflow_complete", {"status": "done"})
        self.assertEqual(self.daemon.status(self.run_id)["status"], "done")
        self.assertEqual([(r["kind"], r["text"]) for r in self.daemon.records(self.run_id)],
                         [("text", "hello\n"), ("error", "never mind")])
        self.assertEqual([e["text"] for e in self.events(self.run_id, "message")],
                         ["x-metric", "error"])

    def test_a_fatal_error(self):
        self.tell("error", {"code": "disk", "message": "gone", "fatal": True})
        self.tell("error", {"message": "m"}, 401)  # with the run its token has ended
        end = self.daemon.wait_end(self.run_id)
        self.assertEqual((end["status"], end["data"]["error"]),
                         ("failed", {"code": "disk", "message": "gone"}))

    def test_refused(self):
        self.assertIn("did you mean 'step_start'?", self.tell("step_strat", {}, 400).text)
        self.tell("pause", {}, 400)
        self.tell("error", {"message": 7}, 400)
        self.tell("x-a", "a" * (64 * 1024 - 2))
        self.assertEqual(self.tell("x-a", "a" * (64 * 1024 - 1), 413).json["error"]["code"], 1201)
        self.headers["X-Argo-Epoch"] = "2"
        self.assertEqual(self.tell("x-a", {}, 409).json["error"]["code"], 1010)

    def test_sent_again(self):
        same = {"id": "11111111-2222-4333-8444-555555555555"}
        self.tell("x-a", {"n": 1}, **same)
        self.tell("x-a", {"n": 1}, **same)
        self.assertEqual(len(self.events(self.run_id, "message")), 1)

    def test_the_poll(self):
        self.assertRegex(self.get("timeout=0").text,
                         r'^\{"messages":\[\],"data":\{"count":0,"next_cursor":null,"next_after":0\}\}$')
        held = threading.Thread(target=lambda: replies.append(self.get("timeout=20&with=input")))
        replies = []
        held.start()
        sent = self.send(self.run_id, "x-a", {"n": 1}).json["data"]
        held.join(argo.DEADLINE)
        self.assertEqual(replies[0].json["messages"], [sent])
        self.daemon.post(f"/api/workflow/input/{self.run_id}", {"input": "typed"})
        self.send(self.run_id, "x-b", {})
        reply = self.get(f"after={sent['seq']}&with=input").json
        self.assertEqual([m["type"] for m in reply["messages"]], ["x-b"])
        self.assertEqual([r["text"] for r in reply["data"]["input"]], ["typed"])
        self.assertEqual(reply["data"]["next_after"], reply["messages"][0]["seq"])
        self.assertEqual(self.get(f"after={reply['data']['next_after']}&with=input").json[
            "messages"], [])
        self.headers["X-Argo-Epoch"] = "2"
        self.assertEqual(self.get("timeout=0").json["error"]["code"], 1010)

    def test_more_input_than_fits(self):
        """`after` is one number for both: no message may jump over input that did not fit."""
        for i in range(1000):
            self.daemon.post(f"/api/workflow/input/{self.run_id}", {"input": str(i)})
        for i in range(5):  # each uses up a line, and makes room for another
            reply = self.daemon.post(
                f"/api/workflow/{self.run_id}/question", {
                    "question_id": f"q{i}", "path": "a", "kind": "text", "prompt": "?"},
                tcp=True, headers=self.headers)
            self.assertEqual(reply.json["data"]["answer"], str(i))
            self.daemon.post(f"/api/workflow/input/{self.run_id}", {"input": f"more {i}"})
        self.send(self.run_id, "x-a", {})
        reply = self.get("after=0&with=input&timeout=0").json
        self.assertEqual((len(reply["data"]["input"]), reply["messages"]), (1000, []))
        rest = self.get(f"after={reply['data']['next_after']}&with=input&timeout=0").json
        self.assertEqual([r["text"] for r in rest["data"]["input"]],
                         [f"more {i}" for i in range(5)])
        self.assertEqual([m["type"] for m in rest["messages"]], ["x-a"])


class Budget(Sending):
    def test_budgets(self):
        server = Server(says("yes"))
        self.addCleanup(server.end)
        reply = self.daemon.post("/api/registry/ci", {
            "name": "ai", "provider": "openai", "model": "m",
            "base_url": server.url})
        self.assertEqual(reply.status, 201, reply)
        ask = {"type": "ci_ask", "prompt": "?", "stream": False}
        run = self.daemon.launch(steps({"step": "a", **ask}, ASK, {"step": "b", **ask},
                                       limits={"budget_tokens": 100}))
        question = self.daemon.question(run)
        self.send(run, "update_config", {"budget_tokens": 8})
        self.daemon.answer(run, "Ada", question)
        error = self.daemon.wait_end(run)["data"]["error"]
        self.assertEqual((error["code"], error["step"]), ("budget", "b"))
        self.assertEqual(error["message"], "the run has used 8 tokens, budget_tokens is 8")


if __name__ == "__main__":
    argo.main()
