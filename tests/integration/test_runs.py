#!/usr/bin/env python3
"""Runs of every step type through the real daemon and executor, over HTTP."""
import os
import resource
import signal

import argo


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


class Runs(argo.Case):
    def test_display_set_decide_loop(self):
        run = self.daemon.launch(steps(
            {"step": "init", "type": "set", "values": {"n": 0}},
            {"step": "inc", "type": "set", "values": {"n": "{{n + 1}}"}},
            {"step": "show", "type": "display", "message": "n={{n}}\n"},
            {"step": "more", "type": "decide", "condition": "n < 3", "if_true": "inc",
             "if_false": "EXIT"}), wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done")
        self.assertEqual(self.daemon.output(run), "n=1\nn=2\nn=3\n")
        paths = [s["path"] for s in self.daemon.steps(run)]
        self.assertIn("inc#3", paths)
        self.assertEqual(len(paths), 1 + 3 * 3)

    def test_command_streams_and_saves(self):
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "ok_codes": [3],
             "argv": ["sh", "-c", "echo out; echo err >&2; cat; exit 3"], "stdin": "in\n",
             "save_to": {"stdout": "o", "stderr": "e", "exit_code": "x"}},
            {"step": "d", "type": "display", "message": "{{o}}|{{e}}|{{x}}"}), wait=True)
        kinds = {(r["kind"], r["text"]) for r in self.daemon.records(run)}
        self.assertIn(("stderr", "err\n"), kinds)
        self.assertEqual([r["text"] for r in self.daemon.records(run) if r["kind"] == "text"],
                         ["out\nin\n|err\n|3\n"])

    def test_arguments_never_reach_a_shell(self):
        hostile = "$(touch pwned); `id` && x > y \"'\n * -rf"
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": ["printf", "%s", "{{v}}"],
             "save_to": "o"},
            {"step": "s", "type": "save_file", "destination": "out.txt", "data": "{{o}}"},
            parameters={"v": {"type": "string"}}), wait=True, parameters={"v": hostile})
        self.assertEqual(self.daemon.status(run)["status"], "done")
        self.assertEqual((self.daemon.home / "out.txt").read_text(), hostile)
        self.assertFalse((self.daemon.home / "pwned").exists())

    def test_files(self):
        (self.daemon.home / "in.json").write_text('{"a": [1, 2]}')
        run = self.daemon.launch(steps(
            {"step": "r", "type": "read_file", "source": "in.json", "parse": "json",
             "save_to": "doc"},
            {"step": "w", "type": "save_file", "destination": "sub/out.txt",
             "data": "{{doc.a.length}} {{doc.a.1}}"}), wait=True)
        self.assertEqual(self.daemon.status(run)["status"], "done", self.daemon.status(run))
        self.assertEqual((self.daemon.home / "sub/out.txt").read_text(), "2 2")

    def test_failed_step_fails_the_run(self):
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": ["false"]}), wait=True)
        status = self.daemon.status(run)
        self.assertEqual(status["status"], "failed")
        self.assertEqual(status["data"]["error"]["code"], "exit_code")

    def test_retry_and_on_error(self):
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command",
             "argv": ["sh", "-c", "echo x >> tries; test $(wc -l < tries) -ge 3"],
             "retry": {"max_retries": 5, "retry_delay": 0}},
            {"step": "f", "type": "command", "argv": ["false"], "next_step": "never",
             "on_error": {"action": "goto", "target": "rescue"}},
            {"step": "never", "type": "display", "message": "never\n"},
            {"step": "rescue", "type": "display", "message": "rescued\n"}), wait=True)
        texts = [r["text"] for r in self.daemon.records(run) if r["kind"] == "text"]
        self.assertEqual(texts, ["rescued\n"])
        attempts = [s["attempt"] for s in self.daemon.steps(run) if s["step"] == "c"]
        self.assertEqual(sorted(attempts), [1, 2, 3])

    def test_timeout(self):
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": ["sleep", "1000"], "timeout": 0.2}),
            wait=True)
        self.assertEqual(self.daemon.status(run)["data"]["error"]["code"], "timeout")

    def test_max_iterations(self):
        run = self.daemon.launch(steps(
            {"step": "a", "type": "set", "values": {"n": 1}, "next_step": "b"},
            {"step": "b", "type": "set", "values": {"n": 2}, "max_iterations": 5,
             "next_step": "a"}), wait=True)
        status = self.daemon.status(run)
        self.assertEqual(status["status"], "failed")
        self.assertEqual(status["data"]["error"]["code"], "max_iterations")

    def test_question_answered_over_http(self):
        run = self.daemon.launch("hello")
        question = self.daemon.question(run)
        self.assertEqual(question["kind"], "text")
        self.assertEqual(self.daemon.status(run)["status"], "waiting")
        reply = self.daemon.answer(run, "Ada", question)
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertIn("Hello, Ada!", self.daemon.output(run))
        again = self.daemon.answer(run, "Bob", question)
        self.assertEqual(again.status, 409)

    def test_choice(self):
        run = self.daemon.launch(steps(
            {"step": "q", "type": "user_choose", "prompt": "Which?", "save_to": "c",
             "options": [{"label": "red", "value": "r", "next_step": "red"},
                         {"label": "green", "value": "g", "next_step": "green"}]},
            {"step": "red", "type": "display", "message": "RED", "next_step": "EXIT"},
            {"step": "green", "type": "display", "message": "GREEN {{c}}"}))
        question = self.daemon.question(run)
        bad = self.daemon.answer(run, "blue", question)
        self.assertEqual((bad.status, bad.json["error"]["code"]), (422, 1013))
        self.assertIn("red", bad.json["error"]["details"])
        self.assertEqual(self.daemon.answer(run, "2", question).status, 200)
        self.daemon.wait_end(run)
        self.assertEqual(self.daemon.output(run), "Which?GREEN g\n")

    def test_typed_ahead(self):
        run = self.daemon.launch(steps(
            {"step": "w", "type": "command", "argv": ["sh", "-c", "until test -e go; do :; done"]},
            {"step": "a", "type": "user_ask", "prompt": "1?", "save_to": "a"},
            {"step": "b", "type": "user_ask", "prompt": "2?", "save_to": "b"},
            {"step": "d", "type": "display", "message": "{{a}}-{{b}}"}))
        for line in ("one", "two"):
            self.assertEqual(
                self.daemon.post(f"/api/workflow/input/{run}", {"input": line}).status, 200)
        (self.daemon.home / "go").touch()
        self.daemon.wait_end(run)
        self.assertTrue(self.daemon.output(run).endswith("one-two\n"))

    def test_deadline(self):
        def ask(**fields):
            return steps({"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a",
                          "deadline": 0.2, **fields},
                         {"step": "d", "type": "display", "message": "{{a}}"})
        taken = self.daemon.launch(ask(default="late"), wait=True)
        self.assertTrue(self.daemon.output(taken).endswith("late\n"))
        failed = self.daemon.launch(ask(), wait=True)
        self.assertEqual(self.daemon.status(failed)["data"]["error"]["code"], "timeout")
        questions = self.daemon.get("/api/questions").json["questions"]
        self.assertEqual({q["state"] for q in questions}, {"expired"})
        late = self.daemon.answer(taken, "x", questions[0])
        self.assertEqual((late.status, late.json["error"]["code"]), (409, 1008))

    def test_abandon_leaves_no_process(self):
        marker = f"argo-test-{os.getpid()}"
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": [
                "sh", "-c",
                "trap '' TERM; (setsid sh -c 'trap \"\" TERM; touch ready; sleep 1000' &) ; "
                "while :; do sleep 1; done"], "env": {"MARK": marker}}))
        argo.wait_for(lambda: (self.daemon.home / "ready").exists(), "the step's grandchild")
        self.assertTrue(argo.living_with("MARK", marker))
        reply = self.daemon.delete(f"/api/workflow/abandon/{run}")
        self.assertEqual(reply.status, 200, reply)
        self.assertTrue(reply.text.startswith(
            '{"status":"success","workflow_id":"%s","action":"abandoned"' % run))
        self.assertEqual(argo.living_with("MARK", marker), [])
        status = self.daemon.status(run)
        self.assertEqual((status["status"], status["pid"]), ("abandoned", 0))
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{run}").status, 409)

    def test_executor_killed_resumes(self):
        run = self.daemon.launch(steps(
            {"step": "one", "type": "command", "argv": ["sh", "-c", "echo 1 >> log"]},
            {"step": "two", "type": "command", "repeat": "safe",
             "argv": ["sh", "-c", "echo 2 >> log; until test -e go; do sleep 0.01; done"]},
            {"step": "three", "type": "command", "argv": ["sh", "-c", "echo 3 >> log"]}))
        log = self.daemon.home / "log"
        argo.wait_for(lambda: log.exists() and "2" in log.read_text(), "step two")
        os.kill(self.daemon.executor(run), signal.SIGKILL)
        argo.wait_for(lambda: log.read_text().count("2") == 2, "step two again")
        (self.daemon.home / "go").touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(log.read_text().split(), ["1", "2", "2", "3"])

    def test_never_repeated_step_asks(self):
        run = self.daemon.launch(steps(
            {"step": "once", "type": "command",
             "argv": ["sh", "-c", "echo 1 >> log; until test -e go; do sleep 0.01; done"]},
            {"step": "after", "type": "display", "message": "after"}))
        log = self.daemon.home / "log"
        argo.wait_for(log.exists, "the step")
        os.kill(self.daemon.executor(run), signal.SIGKILL)
        question = self.daemon.question(run)
        self.assertEqual(self.daemon.status(run)["status"], "interrupted")
        self.assertEqual(self.daemon.answer(run, "skip", question).status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertEqual(log.read_text(), "1\n")

    def test_same_id_again(self):
        first = self.daemon.launch(steps({"step": "a", "type": "display", "message": "1"}),
                                   wait=True, workflow_id="x")
        self.daemon.launch(steps({"step": "a", "type": "display", "message": "2"}), wait=True,
                           workflow_id="x")
        self.assertEqual(first, "x")
        self.assertEqual(self.daemon.output("x"), "2\n")
        self.assertEqual(self.daemon.output("x~1"), "1\n")

    def test_next_free_number(self):
        body = steps({"step": "a", "type": "display", "message": "1"})
        self.assertEqual([self.daemon.launch(body), self.daemon.launch(body)], ["t_1", "t_2"])

    def test_request_key(self):
        body = {"definition": steps({"step": "a", "type": "display", "message": "1"}),
                "request_key": "k1"}
        first = self.daemon.post("/api/workflow/start", body)
        second = self.daemon.post("/api/workflow/start", body)
        self.assertEqual(first.json["workflow_id"], second.json["workflow_id"])
        body["branch"] = "other"
        third = self.daemon.post("/api/workflow/start", body)
        self.assertEqual((third.status, third.json["error"]["code"]), (409, 1012))

    def test_environment_and_cwd(self):
        work = self.daemon.home / "work"
        work.mkdir()
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": ["sh", "-c", "pwd; env"]}), wait=True,
            cwd=str(work), env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
        lines = self.daemon.output(run).splitlines()
        self.assertEqual(lines[0], str(work))
        names = {line.split("=")[0] for line in lines[1:]}
        self.assertIn("LANG=C.UTF-8", lines)
        self.assertIn("ARGO_EFFECT_KEY", names)
        self.assertNotIn("ARGO_LOCK_FILE", names)
        self.assertNotIn("ARGO_TOKEN_FD", names)
        reply = self.daemon.post("/api/workflow/start", {"template": "hello",
                                                         "env": {"LD_PRELOAD": "x"}})
        self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "env"))
        self.assertIn("LD_PRELOAD", reply.json["error"]["details"])

    def test_limits_are_those_that_the_daemon_was_started_with(self):
        self.daemon.stop()
        self.daemon.wrapper = ["sh", "-c", 'ulimit -Sn 256; ulimit -Sc 64; exec "$0" "$@"']
        self.daemon.start()
        run = self.daemon.launch(steps(
            {"step": "c", "type": "command", "argv": ["sh", "-c", "ulimit -Sn; ulimit -Sc"]},
            {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"}))
        self.daemon.question(run)
        # AddressSanitizer switches cores off in every program that is built with it.
        core = 0 if "address" in os.environ.get("ARGO_TEST_SANITIZE", "none") else 64
        self.assertTrue(self.daemon.output(run).startswith(f"256\n{core}\n"))
        limits = resource.prlimit(self.daemon.executor(run), resource.RLIMIT_NOFILE)
        own = resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(limits, (256, own[1]))
        self.assertEqual(own[0], own[1])

    def test_daemon_restart_keeps_the_run(self):
        run = self.daemon.launch("hello")
        question = self.daemon.question(run)
        pid = self.daemon.executor(run)
        self.daemon.kill()
        self.assertTrue(argo.alive(pid))
        self.daemon.start()
        self.assertEqual(self.daemon.status(run)["pid"], pid)
        self.assertEqual(self.daemon.answer(run, "Eve", question).status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertIn("Hello, Eve!", self.daemon.output(run))

    def test_spawn_failure(self):
        reply = self.daemon.post("/api/workflow/start", {
            "definition": steps({"step": "a", "type": "display", "message": "1"}),
            "workflow_id": "nowhere", "cwd": "/nonexistent"})
        self.assertEqual((reply.status, reply.json["error"]["code"]), (500, 1301))
        self.assertEqual(self.daemon.status("nowhere")["status"], "failed")


if __name__ == "__main__":
    argo.main()
