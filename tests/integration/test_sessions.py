#!/usr/bin/env python3
"""Sessions over HTTP and by arc: runs that are started in one, looked at, paused and ended together."""
import concurrent.futures
import json

import argo

ASK = {"workflow_name": "t", "steps": [
    {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"}]}
SAY = {"workflow_name": "t", "steps": [{"step": "s", "type": "display", "message": "hello"}]}
WORK = {"workflow_name": "t", "steps": [
    {"step": "w", "type": "command", "argv": ["sh", "-c", "until test -e go; do sleep 0.02; done"]}]}


class Sessions(argo.Case):
    def session(self, **body):
        reply = self.daemon.post("/api/session", body)
        self.assertEqual(reply.status, 201, reply)
        return reply.json["session_id"]

    def error(self, reply, status, code):
        self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code), reply)
        return reply.json["error"]

    def listed(self, session, state="all"):
        reply = self.daemon.get(f"/api/workflow/list?session={session}&state={state}").json
        return sorted(run["workflow_id"] for run in reply["workflows"])

    def test_shapes(self):
        reply = self.daemon.post("/api/session", {"session_id": "s", "description": "two of them"})
        self.assertEqual(reply.status, 201)
        created = reply.json["data"]["created"]
        self.assertEqual(reply.text, '{"status":"success","session_id":"s","data":{"session_id":"s",'
                         f'"workflows":[],"created":"{created}","cis":[],"description":"two of them"}}}}')
        self.assertEqual(self.session(), "sess_1")
        run = self.daemon.launch(ASK, workflow_id="w", session_id="s")
        reply = self.daemon.get("/api/session")
        other = reply.json["sessions"][1]["created"]
        self.assertEqual(reply.text, '{"sessions":[{"session_id":"s","workflows":["w"],'
                         f'"created":"{created}","cis":[],"description":"two of them"}},'
                         f'{{"session_id":"sess_1","workflows":[],"created":"{other}","cis":[]}}],'
                         '"data":{"count":2,"next_cursor":null}}')
        reply = self.daemon.get("/api/session/s").json
        self.assertEqual(list(reply), ["status", "session_id", "data"])
        self.assertEqual(reply["data"]["workflows"], [run])
        self.assertEqual(self.daemon.status(run)["data"]["session_id"], "s")
        self.assertEqual(self.daemon.delete("/api/session/sess_1").text,
                         '{"status":"success","session_id":"sess_1","action":"removed","data":{}}')

    def test_what_is_refused(self):
        self.session(session_id="alpha")
        self.error(self.daemon.post("/api/session", {"session_id": "alpha"}), 409, 1007)
        self.error(self.daemon.post("/api/session", {"session_id": "a b"}), 400, 1003)
        self.error(self.daemon.post("/api/session", {"description": "x" * 257}), 400, 1001)
        self.session(description="x" * 256)
        error = self.error(self.daemon.post("/api/workflow/start", {
            "definition": SAY, "session_id": "alhpa"}), 404, 1017)
        self.assertEqual(error["field"], "session_id")
        self.assertIn("did you mean 'alpha'?", error["details"])
        for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")]:
            reply = self.daemon.request(method, f"/api/session/none{path}",
                                        {} if method == "POST" else None)
            self.error(reply, 404, 1017)
        self.error(self.daemon.delete("/api/session/alpha?force=maybe"), 400, 1001)
        self.assertEqual(self.daemon.get("/api/workflow/list?state=all").json["workflows"], [])

    def test_pages(self):
        for i in range(5):
            self.session(session_id=f"s{i}")
        seen, path = [], "/api/session?limit=2"
        while path:
            page = self.daemon.get(path).json
            self.assertLessEqual(page["data"]["count"], 2)
            seen += [s["session_id"] for s in page["sessions"]]
            cursor = page["data"]["next_cursor"]
            path = cursor and f"/api/session?limit=2&cursor={cursor}"
        self.assertEqual(seen, [f"s{i}" for i in range(5)])

    def test_a_session_with_runs_stays(self):
        session = self.session()
        asking = self.daemon.launch(ASK, session_id=session)
        said = self.daemon.launch(SAY, wait=True, session_id=session)
        error = self.error(self.daemon.delete(f"/api/session/{session}"), 409, 1008)
        self.assertIn(asking, error["details"])
        self.assertEqual(self.daemon.answer(asking, "Ada").status, 200)
        self.daemon.wait_end(asking)
        self.assertEqual(self.daemon.delete(f"/api/session/{session}").status, 200)
        self.error(self.daemon.get(f"/api/session/{session}"), 404, 1017)
        # What it was stays with the runs, and its name is given to nobody else by itself.
        self.assertEqual(self.listed(session), sorted([asking, said]))
        self.assertNotEqual(self.session(), session)

    def test_force_leaves_nothing_alive(self):
        session = self.session()
        runs = [self.daemon.launch(WORK, session_id=session) for _ in range(3)]
        other = self.daemon.launch(WORK)
        pids = [self.daemon.executor(run) for run in runs]
        key = {"Idempotency-Key": "k"}
        path = f"/api/session/{session}?force=true"
        reply = self.daemon.delete(path, headers=key)
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual([pid for pid in pids if argo.alive(pid)], [])
        home = set(argo.living_with("ARGO_HOME", str(self.daemon.home)))
        for run in runs:
            self.assertEqual(home & set(argo.living_with("ARGO_WORKFLOW_ID", run)), set())
            self.assertEqual(self.daemon.status(run)["status"], "abandoned")
        self.assertTrue(argo.alive(self.daemon.executor(other)))
        again = self.daemon.delete(path, headers=key)
        self.assertEqual((again.status, again.text), (200, reply.text))
        self.error(self.daemon.delete(path), 404, 1017)

    def test_starts_race_with_the_end(self):
        """A run is in the session when it is removed, and then it is abandoned, or it is refused."""
        session = self.session()
        def start(i):
            return self.daemon.post("/api/workflow/start", {
                "definition": WORK, "workflow_id": f"r{i}", "session_id": session,
                "cwd": str(self.daemon.home)})
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            starts = [pool.submit(start, i) for i in range(16)]
            argo.wait_for(lambda: self.listed(session), "a run in the session")
            removed = self.daemon.delete(f"/api/session/{session}?force=true")
            replies = [f.result() for f in starts]
        self.assertEqual(removed.status, 200, removed)
        started = {r.json["workflow_id"] for r in replies if r.status == 200}
        self.assertEqual({r.status for r in replies} - {200, 404}, set())
        self.assertEqual(set(self.listed(session)), started)
        for run in started:
            self.assertEqual(self.daemon.status(run)["status"], "abandoned")

    def test_pause_and_resume(self):
        session = self.session()
        working = self.daemon.launch(WORK, workflow_id="w1", session_id=session)
        asking = self.daemon.launch(ASK, workflow_id="w2", session_id=session)
        other = self.daemon.launch(WORK)
        self.daemon.question(asking)
        reply = self.daemon.post(f"/api/session/{session}/pause", headers={"Idempotency-Key": "k"})
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(list(reply.json), ["status", "session_id", "action", "data"])
        self.assertEqual(reply.json["action"], "paused")
        self.assertEqual(sorted(reply.json["data"]["workflows"], key=lambda w: w["workflow_id"]),
                         [{"workflow_id": "w1", "action": "paused"},
                          {"workflow_id": "w2", "action": "paused"}])
        self.assertEqual([self.daemon.status(run)["status"] for run in (working, asking)],
                         ["paused"] * 2)
        self.assertNotEqual(self.daemon.status(other)["status"], "paused")
        self.assertEqual(self.daemon.post(f"/api/workflow/resume/{asking}").status, 200)
        again = self.daemon.post(f"/api/session/{session}/pause", headers={"Idempotency-Key": "k"})
        self.assertEqual(again.text, reply.text)
        self.assertNotEqual(self.daemon.status(asking)["status"], "paused")  # it was not done again
        reply = self.daemon.post(f"/api/session/{session}/resume").json
        by_id = {w["workflow_id"]: w for w in reply["data"]["workflows"]}
        self.assertEqual(by_id[working], {"workflow_id": working, "action": "resumed"})
        self.assertEqual(by_id[asking]["error"]["code"], 1008)
        (self.daemon.home / "go").touch()
        self.assertEqual(self.daemon.wait_end(working)["status"], "done")

    def test_it_outlasts_the_daemon(self):
        session = self.session(description="kept")
        run = self.daemon.launch(ASK, session_id=session)
        self.daemon.kill()
        self.daemon.start()
        data = self.daemon.get(f"/api/session/{session}").json["data"]
        self.assertEqual((data["workflows"], data["description"]), ([run], "kept"))
        self.assertEqual(self.session(), "sess_2")

    def test_templates_know_theirs(self):
        session = self.session()
        run = self.daemon.launch({"workflow_name": "t", "steps": [
            {"step": "s", "type": "display", "message": "in {{session_id}}"}]}, wait=True,
            session_id=session)
        self.assertEqual(self.daemon.output(run), f"in {session}\n")

    def test_arc(self):
        self.assertIn("No sessions.", self.arc("session", "list", check=0).stderr)
        session = self.arc("session", "new", "--description", "for arc", check=0).stdout.strip()
        self.assertEqual(self.arc("session", "new", "mine", check=0).stdout, "mine\n")
        template = self.daemon.home / "work.json"
        template.write_text(json.dumps(WORK))
        run = self.arc("start", str(template), "--session", session, "--cwd",
                       str(self.daemon.home), "--detach", check=0).stdout.strip()
        self.assertEqual(self.arc("start", str(template), "--session", "nine", check=3).stdout, "")
        shown = self.arc("session", "list", check=0).stdout
        self.assertRegex(shown, rf"{session} +1 .*for arc")
        shown = self.arc("session", "show", session, check=0).stdout
        self.assertIn("for arc", shown)
        self.assertRegex(shown, rf"{run} +running")
        self.assertIn(run, self.arc("list", "--session", session, check=0).stdout)
        self.assertNotIn(run, self.arc("list", "--session", "mine", check=0).stdout)
        self.assertEqual(self.arc("session", "pause", session, check=0).stdout, f"{run} paused\n")
        self.assertEqual(self.arc("session", "resume", session, check=0).stdout,
                         f"{run} resumed\n")
        outcome = self.arc("session", "resume", session, check=0)
        self.assertEqual((outcome.stdout, outcome.stderr.split(":")[0]), ("", run))
        self.assertIn(f"To do it all the same: arc session end {session} --force\n",
                      self.arc("session", "end", session, check=1).stderr)
        self.assertEqual(self.arc("session", "end", session, "--force", check=0).stdout,
                         f"{session} ended\n")
        self.arc("session", "show", session, check=3)
        reply = json.loads(self.arc("--json", "session", "list", check=0).stdout)
        self.assertEqual([s["session_id"] for s in reply["sessions"]], ["mine"])


if __name__ == "__main__":
    argo.main()
