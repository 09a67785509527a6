#!/usr/bin/env python3
"""Pause, resume and abandon in every state: what stands still, what goes on, what is not counted."""
import os
import pathlib
import signal
import subprocess
import threading
import time

import argo
from models import Server, says


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


def command(name, script, **more):
    return {"step": name, "type": "command", "argv": ["sh", "-c", script], **more}


GO = "until test -e go; do sleep 0.02; done"
WAIT = steps(command("w", f"touch at; {GO}; echo over"))
ASK = steps(command("before", "echo before >> log"),
            {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"},
            {"step": "after", "type": "display", "message": "it is {{who}}"})


def state_of(pid):
    """The letter of /proc; "" when it has gone. T as well for one that waits in the kernel, as a
    parent does for a vfork child that is stopped, and will stop before its next instruction."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    letter = fields["State"].split()[0]
    pending = int(fields["ShdPnd"], 16) >> (signal.SIGSTOP - 1) & 1
    return "T" if letter == "D" and pending else letter


def environ_of(pid, name):
    for entry in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if entry.startswith(name.encode() + b"="):
            return entry.partition(b"=")[2].decode()
    return None


def let_pass(seconds):
    """Time itself is what is tested: that it is not counted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)


class Pausing(argo.Case):
    """What both kinds of tests need."""

    def pause(self, run, expect=200, **kw):
        reply = self.daemon.post(f"/api/workflow/pause/{run}", **kw)
        self.assertEqual(reply.status, expect, reply)
        return reply

    def resume(self, run, expect=200, **kw):
        reply = self.daemon.post(f"/api/workflow/resume/{run}", **kw)
        self.assertEqual(reply.status, expect, reply)
        return reply

    def state(self, run):
        return self.daemon.status(run)["status"]

    def file(self, name):
        return self.daemon.home / name

    def wait_file(self, name):
        argo.wait_for(self.file(name).exists, f"the file {name}")

    def wait_state(self, run, state):
        argo.wait_for(lambda: self.state(run) == state, f"{run} to be {state}")

    def nonce(self, run):
        return environ_of(self.daemon.executor(run), "ARGO_RUN_NONCE")

    def processes(self, nonce):
        return {pid: state_of(pid) for pid in argo.living_with("ARGO_RUN_NONCE", nonce)}

    def signal(self, nonce, signo):
        for pid in self.processes(nonce):
            try:
                os.kill(pid, signo)
            except ProcessLookupError:
                pass  # a `sleep` that is over

    def assert_all_stopped(self, nonce, at_least=2):
        states = self.processes(nonce)
        self.assertGreaterEqual(len(states), at_least, states)
        self.assertEqual(set(states.values()), {"T"}, states)

    def finish(self, run, status="done"):
        end = self.daemon.wait_end(run)
        self.assertEqual(end["status"], status, end)
        return end


class Processes(Pausing):
    def test_everything_stands_still(self):
        deaf = ("trap '' TERM; (setsid sh -c 'trap \"\" TERM; touch left; until test -e go; do sleep 0.02; "
                f"done' &); {GO}; echo over")
        run = self.daemon.launch(steps(command("w", deaf)))
        self.wait_file("left")
        pid, nonce = self.daemon.executor(run), self.nonce(run)
        reply = self.pause(run)
        self.assertEqual(reply.text, '{"status":"success","workflow_id":"%s","action":"paused",'
                                     '"data":{}}' % run)
        self.assert_all_stopped(nonce, 3)
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("paused", pid))
        self.assertIn("paused_at", status["data"])
        listed = self.daemon.get("/api/workflow/list?state=paused").json["workflows"]
        self.assertEqual([w["workflow_id"] for w in listed], [run])
        self.file("go").touch()
        reply = self.resume(run)
        self.assertEqual(reply.text, '{"status":"success","workflow_id":"%s","action":"resumed",'
                                     '"data":{}}' % run)
        self.finish(run)
        self.assertEqual(self.daemon.output(run), "over\n")
        self.assertEqual([(s["attempt"], s["status"]) for s in self.daemon.steps(run)],
                         [(1, "done")])

    def test_again(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        self.pause(run)
        before = self.daemon.status(run)["data"]
        self.pause(run)
        after = self.daemon.status(run)["data"]
        self.assertEqual((before["paused_at"], before["seq"]), (after["paused_at"], after["seq"]))
        self.assert_all_stopped(self.nonce(run))
        self.resume(run)
        self.assertEqual(self.resume(run, 409).json["error"]["code"], 1008)
        self.file("go").touch()
        self.finish(run)
        self.assertEqual(self.pause(run, 409).json["error"]["code"], 1008)
        self.assertEqual(self.resume(run, 409).json["error"]["code"], 1008)
        self.assertEqual(self.pause("nobody", 404).json["error"]["code"], 1005)
        self.assertEqual(self.resume("nobody", 404).json["error"]["code"], 1005)

    def test_a_key_counts_once(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        first = self.pause(run, headers={"Idempotency-Key": "p1"})
        self.resume(run, headers={"Idempotency-Key": "r1"})
        again = self.pause(run, headers={"Idempotency-Key": "p1"})
        self.assertEqual(first.text, again.text)
        self.assertEqual(self.state(run), "running")
        self.assertEqual(self.daemon.post("/api/workflow/pause/other",
                                          headers={"Idempotency-Key": "p1"}).status, 409)
        self.resume(run, headers={"Idempotency-Key": "r1"})
        self.file("go").touch()
        self.finish(run)

    def test_in_quick_succession(self):
        loop = steps({"step": "n", "type": "set", "values": {"n": "{{n + 1}}"}},
                     command("c", "echo {{n}} >> counted"),
                     {"step": "d", "type": "decide", "condition": "n < 30", "if_true": "n",
                      "if_false": "EXIT"},
                     parameters={"n": {"type": "number", "default": 0}})
        run = self.daemon.launch(loop, parameters={"n": 0})
        for _ in range(10):
            if self.daemon.post(f"/api/workflow/pause/{run}").status != 200:
                break
            self.assertEqual(self.daemon.post(f"/api/workflow/resume/{run}").status, 200)
        self.finish(run)
        counted = self.file("counted").read_text().split()
        self.assertEqual(counted, [str(i) for i in range(1, 31)])
        attempts = {s["attempt"] for s in self.daemon.steps(run)}
        self.assertEqual(attempts, {1})

    def test_nothing_moves_until_the_resume(self):
        loop = steps({"step": "n", "type": "set", "values": {"n": "{{n + 1}}"}, "until": "n >= 400"},
                     parameters={"n": {"type": "number", "default": 0}})
        run = self.daemon.launch(loop, parameters={"n": 0})
        argo.wait_for(lambda: len(self.daemon.steps(run)) > 5, "some steps")
        self.pause(run)
        nonce = self.nonce(run)
        argo.wait_for(lambda: set(self.processes(nonce).values()) == {"T"}, "all to be stopped")
        seq = self.daemon.status(run)["data"]["seq"]
        before = len(self.daemon.steps(run))
        self.assertLess(before, 400)
        let_pass(0.5)
        self.assertEqual(len(self.daemon.steps(run)), before)
        self.assertEqual(self.daemon.status(run)["data"]["seq"], seq)
        self.resume(run)
        self.finish(run)
        self.assertEqual(len(self.daemon.steps(run)), 400)

    def test_between_launch_and_first_report(self):
        slow = self.file("slow")
        slow.write_text("#!/bin/sh\nuntil test -e \"$ARGO_HOME/start\"; do sleep 0.02; done\n"
                        f"exec {self.prefix}/bin/argo_workflow_executor \"$@\"\n")
        slow.chmod(0o700)
        self.daemon.stop()
        self.daemon.args += ["--executor", str(slow)]
        self.daemon.start()
        run = self.daemon.launch(steps({"step": "a", "type": "display", "message": "hi"}))
        self.pause(run)
        self.file("start").touch()
        nonce = self.nonce(run)
        argo.wait_for(lambda: set(self.processes(nonce).values()) == {"T"}, "all to be stopped")
        self.assertEqual(self.daemon.steps(run), [])
        self.resume(run)
        self.finish(run)
        self.assertEqual(self.daemon.output(run), "hi\n")

    def test_the_daemon_dies(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        pid, nonce = self.daemon.executor(run), self.nonce(run)
        self.pause(run)
        self.daemon.kill()
        self.daemon.start()
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("paused", pid))
        self.assert_all_stopped(nonce)
        self.file("go").touch()
        self.resume(run)
        end = self.finish(run)
        self.assertEqual(end["data"]["epoch"], 1)
        self.assertEqual(len(self.daemon.steps(run)), 1)

    def test_signals_that_a_dead_daemon_owed(self):
        """The decision was durable, the signals had not gone out."""
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        nonce = self.nonce(run)
        self.pause(run)
        self.daemon.kill()
        self.signal(nonce, signal.SIGCONT)
        self.daemon.start()
        argo.wait_for(lambda: set(self.processes(nonce).values()) == {"T"}, "all to be stopped")
        self.resume(run)
        self.daemon.kill()

        def stopped():
            self.signal(nonce, signal.SIGSTOP)
            return set(self.processes(nonce).values()) == {"T"}
        argo.wait_for(stopped, "all to be stopped by hand")
        self.file("go").touch()
        self.daemon.start()
        self.finish(run)

    def test_the_executor_dies(self):
        run = self.daemon.launch(steps(command("a", "echo a >> log"),
                                       command("w", f"echo w >> log; touch at; {GO}",
                                               repeat="safe")))
        self.wait_file("at")
        pid, nonce = self.daemon.executor(run), self.nonce(run)
        self.pause(run)
        os.kill(pid, signal.SIGKILL)
        argo.wait_for(lambda: self.daemon.status(run)["pid"] == 0, "the death to be noticed")
        argo.wait_for(lambda: not self.processes(nonce), "what it left to end")
        self.assertEqual(self.state(run), "paused")
        self.file("go").touch()
        self.resume(run)
        end = self.finish(run)
        self.assertEqual(end["data"]["epoch"], 2)
        self.assertEqual(self.file("log").read_text().split(), ["a", "w", "w"])

    def test_both_die(self):
        run = self.daemon.launch(steps(command("a", "echo a >> log"),
                                       command("w", f"echo w >> log; touch at; {GO}",
                                               repeat="safe")))
        self.wait_file("at")
        pid, nonce = self.daemon.executor(run), self.nonce(run)
        self.pause(run)
        self.daemon.kill()
        os.kill(pid, signal.SIGKILL)
        self.daemon.start()
        argo.wait_for(lambda: self.daemon.status(run)["pid"] == 0, "the death to be noticed")
        argo.wait_for(lambda: not self.processes(nonce), "what it left to end")
        self.assertEqual(self.state(run), "paused")
        self.file("go").touch()
        self.resume(run)
        self.finish(run)
        self.assertEqual(self.file("log").read_text().split(), ["a", "w", "w"])

    def test_a_death_in_a_step_that_must_not_be_repeated(self):
        run = self.daemon.launch(steps(command("w", f"echo w >> log; touch at; {GO}"),
                                       {"step": "d", "type": "display", "message": "on"}))
        self.wait_file("at")
        pid = self.daemon.executor(run)
        self.pause(run)
        os.kill(pid, signal.SIGKILL)
        question = self.daemon.question(run)
        self.assertEqual(self.state(run), "paused")
        self.assertEqual(self.daemon.answer(run, "skip", question).status, 200)
        self.assertEqual((self.state(run), self.daemon.status(run)["pid"]), ("paused", 0))
        self.resume(run)
        self.finish(run)
        self.assertEqual(self.file("log").read_text().split(), ["w"])

    def test_an_interrupted_run(self):
        run = self.daemon.launch(steps(command("w", f"echo w >> log; touch at; {GO}")))
        self.wait_file("at")
        os.kill(self.daemon.executor(run), signal.SIGKILL)
        self.wait_state(run, "interrupted")
        self.pause(run)
        self.resume(run)
        self.assertEqual(self.state(run), "interrupted")
        self.pause(run)
        self.assertEqual(self.daemon.answer(run, "repeat").status, 200)
        self.assertEqual(self.state(run), "paused")
        self.file("go").touch()
        self.resume(run)
        self.finish(run)
        self.assertEqual(self.file("log").read_text().split(), ["w", "w"])

    def abandon(self, prepare):
        deaf = ("trap '' TERM; (setsid sh -c 'trap \"\" TERM; touch left; sleep 1000' &); "
                "while :; do sleep 1; done")
        run = self.daemon.launch(steps(command("w", deaf)))
        self.wait_file("left")
        nonce = self.nonce(run)
        prepare(run)
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        self.assertEqual(self.processes(nonce), {})
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("abandoned", 0))
        self.assertNotIn("paused_at", status["data"])

    def test_abandoned_while_paused(self):
        self.abandon(self.pause)

    def test_abandoned_while_stopped_by_hand(self):
        self.abandon(lambda run: os.kill(self.daemon.executor(run), signal.SIGSTOP))

    def test_arc(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        attached = subprocess.Popen(
            [self.prefix / "bin/arc", "attach", run], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "ARGO_HOME": str(self.daemon.home)})
        self.assertEqual(self.arc("pause", run, check=0).stdout, f"{run} paused\n")
        self.assertIn("paused", self.arc("list", check=0).stdout)
        shown = self.arc("status", run, check=0).stdout
        self.assertRegex(shown, r"state +paused\n")
        self.assertRegex(shown, r"paused +\d{4}-")
        self.assertEqual(self.arc("workflow", "resume", run, check=0).stdout, f"{run} resumed\n")
        self.arc("resume", run, check=1)
        self.arc("pause", "nobody", check=3)
        self.file("go").touch()
        self.finish(run)
        output, told = attached.communicate(timeout=argo.DEADLINE)
        self.assertEqual((attached.returncode, output), (0, "over\n"))
        self.assertEqual(told.partition("\n")[2], f"{run} is paused. Let it go on: arc resume {run}\n"
                                                  f"{run} is running.\n{run} done\n")


class Time(Pausing):
    def test_a_step_timeout_stands_still(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}; echo over", timeout=1.5)))
        self.wait_file("at")
        self.pause(run)
        let_pass(3)
        self.file("go").touch()
        self.resume(run)
        self.finish(run)
        self.assertEqual(self.daemon.output(run), "over\n")

    def test_a_step_timeout_goes_on(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}", timeout=1)))
        self.wait_file("at")
        self.pause(run)
        let_pass(1.5)
        self.resume(run)
        end = self.finish(run, "failed")
        self.assertEqual(end["data"]["error"]["code"], "timeout")

    def test_a_step_timeout_over_two_pauses(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}", timeout=1.5)))
        self.wait_file("at")
        for _ in range(2):
            self.pause(run)
            let_pass(1)
            self.resume(run)
        self.pause(run)
        self.file("go").touch()
        self.resume(run)
        self.finish(run)

    def test_a_step_timeout_and_a_dead_daemon(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}", timeout=2)))
        self.wait_file("at")
        self.pause(run)
        self.daemon.kill()
        let_pass(3)
        self.daemon.start()
        self.file("go").touch()
        self.resume(run)
        self.finish(run)

    def test_the_limit_of_the_run_stands_still(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}"), limits={"timeout": 2}))
        self.wait_file("at")
        self.pause(run)
        let_pass(3)
        self.file("go").touch()
        self.resume(run)
        self.finish(run)

    def test_the_limit_of_the_run_goes_on(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}"), limits={"timeout": 1}))
        self.wait_file("at")
        self.pause(run)
        let_pass(1.5)
        self.resume(run)
        end = self.finish(run, "failed")
        self.assertEqual(end["data"]["error"]["code"], "timeout")
        self.assertIn("limits.timeout", end["data"]["error"]["message"])

    def test_a_ci_call_stands_still(self):
        asked = threading.Event()

        def slow(handler):
            asked.set()
            handler.server.go.wait(argo.DEADLINE)
            says("yes")(handler)
        server = Server(slow)
        self.addCleanup(server.end)
        self.daemon.post("/api/registry/ci", {
            "name": "ai", "provider": "openai", "model": "m",
            "base_url": server.url})
        run = self.daemon.launch(steps(
            {"step": "q", "type": "ci_ask", "prompt": "?", "save_to": "a", "stream": False,
             "timeout": 1.5},
            {"step": "d", "type": "display", "message": "{{a}}"}))
        self.assertTrue(asked.wait(argo.DEADLINE))
        self.pause(run)
        let_pass(3)
        server.go.set()
        self.resume(run)
        self.finish(run)
        self.assertEqual(self.daemon.output(run), "yes\n")
        self.assertEqual(len(self.daemon.steps(run)), 2)


class Parked(Pausing):
    daemon_args = ("--park-after", "0")

    def wait_parked(self, run):
        argo.wait_for(lambda: (self.state(run), self.daemon.status(run)["pid"]) == ("waiting", 0),
                      f"{run} to be parked")

    def test_an_answer_waits_for_the_resume(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.wait_parked(run)
        self.pause(run)
        self.assertEqual(self.daemon.answer(run, "Ada", question).status, 200)
        self.assertEqual((self.state(run), self.daemon.status(run)["pid"]), ("paused", 0))
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual((self.state(run), self.daemon.status(run)["pid"]), ("paused", 0))
        self.resume(run)
        self.finish(run)
        self.assertIn("it is Ada\n", self.daemon.output(run))
        self.assertEqual(self.file("log").read_text().split(), ["before"])

    def test_nothing_has_come(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.wait_parked(run)
        self.pause(run)
        self.resume(run)
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("waiting", 0))
        epoch = status["data"]["epoch"]
        self.daemon.answer(run, "Eve", question)
        end = self.finish(run)
        self.assertEqual(end["data"]["epoch"], epoch + 1)

    def test_a_deadline_waits_for_the_resume(self):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "deadline": 1.5,
             "default": "nobody"},
            {"step": "d", "type": "display", "message": "{{a}}"}))
        question = self.daemon.question(run)
        self.wait_parked(run)
        self.pause(run)
        let_pass(2)
        self.assertEqual(self.daemon.answer(run, "late", question).status, 409)
        self.assertEqual((self.state(run), self.daemon.status(run)["pid"]), ("paused", 0))
        self.resume(run)
        self.finish(run)
        self.assertIn("nobody\n", self.daemon.output(run))

    def test_abandon(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        self.wait_parked(run)
        self.pause(run)
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 200)
        self.assertEqual(self.state(run), "abandoned")


class Waiting(Pausing):
    """With a process that waits."""

    def test_an_answer_to_one_that_stands_still(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.wait_state(run, "waiting")
        self.pause(run)
        self.assertEqual(self.daemon.answer(run, "Ada", question).status, 200)
        self.assertEqual(self.state(run), "paused")
        self.resume(run)
        self.finish(run)
        self.assertIn("it is Ada\n", self.daemon.output(run))

    def test_a_deadline_passes_meanwhile(self):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a", "deadline": 1.5,
             "default": "nobody"},
            {"step": "d", "type": "display", "message": "{{a}}"}))
        self.daemon.question(run)
        self.pause(run)
        let_pass(2)
        self.assertEqual(self.state(run), "paused")
        self.resume(run)
        self.finish(run)
        self.assertIn("nobody\n", self.daemon.output(run))


class Silent(Pausing):
    daemon_args = ("--stall-after", "1")

    def test_stalled_and_back(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        pid = self.daemon.executor(run)
        os.kill(pid, signal.SIGSTOP)
        self.wait_state(run, "stalled")
        status = self.daemon.status(run)
        self.assertEqual((status["pid"], status["data"]["epoch"]), (pid, 1))
        os.kill(pid, signal.SIGCONT)
        self.wait_state(run, "running")
        self.file("go").touch()
        end = self.finish(run)
        self.assertEqual(end["data"]["epoch"], 1)
        self.assertEqual(len(self.daemon.steps(run)), 1)

    def test_one_that_speaks_is_not_stalled(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        let_pass(3)
        events = self.daemon.get(f"/api/workflow/{run}/events?after=0&timeout=0",
                                 headers={"Accept": "application/json"}).text
        self.assertNotIn("stalled", events)
        self.file("go").touch()
        self.finish(run)

    def test_paused_while_stalled(self):
        run = self.daemon.launch(WAIT)
        self.wait_file("at")
        os.kill(self.daemon.executor(run), signal.SIGSTOP)
        self.wait_state(run, "stalled")
        self.pause(run)
        let_pass(1.5)
        self.assertEqual(self.state(run), "paused")
        self.resume(run)
        self.assertEqual(self.state(run), "running")
        self.file("go").touch()
        self.finish(run)

    def test_the_executor_dies_of_it(self):
        run = self.daemon.launch(steps(command("w", f"touch at; {GO}", repeat="safe")))
        self.wait_file("at")
        pid = self.daemon.executor(run)
        os.kill(pid, signal.SIGSTOP)
        self.wait_state(run, "stalled")
        self.file("go").touch()
        os.kill(pid, signal.SIGKILL)
        end = self.finish(run)
        self.assertEqual(end["data"]["epoch"], 2)


if __name__ == "__main__":
    argo.main()
