#!/usr/bin/env python3
"""The JSON files of the home: they show what is committed, are replaced as a whole, harm nobody when
they cannot be written, and fill a home that has lost its database."""
import concurrent.futures
import json
import os
import re
import shutil
import signal
import stat
import time

import argo

FILES = {"cis": "registry/ci_registry.json",
         "workflows": "workflows/registry/active_workflow_registry.json",
         "sessions": "lifecycle/sessions.json"}
ASK = {"workflow_name": "t", "steps": [
    {"step": "hello", "type": "display", "message": "hello"},
    {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"}]}
CI = {"name": "local", "provider": "openai", "model": "m", "role": "default", "port": 45001,
      "socket_path": "/run/ci.sock", "base_url": "http://127.0.0.1:1/v1", "capabilities": ["code"]}


class Mirrors(argo.Case):
    def path(self, key):
        return self.daemon.home / FILES[key]

    def read(self, key):
        """Whole or not at all: what is there at any moment can be parsed."""
        whole = json.loads(self.path(key).read_text())
        self.assertEqual(list(whole), [key])
        return whole[key]

    def sync(self):
        reply = self.daemon.post("/api/daemon/sync")
        self.assertEqual((reply.status, reply.text), (200, '{"status":"success","data":{}}'))

    def log(self):
        return (self.daemon.home / "logs/daemon.log").read_text()


class Writing(Mirrors):
    def test_a_new_home_has_empty_ones(self):
        argo.wait_for(lambda: all(self.path(key).exists() for key in FILES), "the files")
        for key, name in FILES.items():
            self.assertEqual(self.read(key), [])
            path = self.path(key)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, name)
            self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700, name)

    def test_what_they_show(self):
        self.daemon.post("/api/registry/ci", CI)
        self.daemon.post("/api/registry/ci", {"name": "bare"})
        self.daemon.post("/api/session", {"session_id": "s", "description": "about"})
        run = self.daemon.launch(ASK, session_id="s")
        ended = self.daemon.launch({"workflow_name": "e", "steps": [
            {"step": "s", "type": "display", "message": "x"}]}, wait=True, session_id="s")
        self.daemon.question(run)
        self.sync()
        bare, local = self.read("cis")
        self.assertEqual(list(local)[:5], ["name", "model", "port", "socket_path", "status"])
        self.assertEqual({key: local[key] for key in CI}, CI)
        self.assertEqual(bare, {"name": "bare", "model": None, "port": 0, "socket_path": None,
                                "status": "registered"})
        status = self.daemon.status(run)
        self.assertEqual(self.read("workflows"), [{
            "workflow_id": run, "template": "t", "pid": status["pid"], "status": "waiting",
            "current_step": 2, "started": status["data"]["started"]}])
        self.assertEqual(list(self.read("workflows")[0]), [
            "workflow_id", "template", "pid", "status", "current_step", "started"])
        shown = self.daemon.get("/api/session/s").json["data"]
        self.assertEqual(self.read("sessions"), [shown])
        self.assertEqual(list(shown)[:3], ["session_id", "workflows", "created"])
        self.assertNotIn(ended, self.path("workflows").read_text())

    def test_they_follow_by_themselves(self):
        self.sync()
        self.daemon.post("/api/registry/ci", CI)
        argo.wait_for(lambda: [ci["name"] for ci in self.read("cis")] == ["local"], "the CI")
        run = self.daemon.launch(ASK)
        argo.wait_for(lambda: [w["status"] for w in self.read("workflows")] == ["waiting"],
                      "the run that waits")
        self.daemon.answer(run, "Ada")
        argo.wait_for(lambda: self.read("workflows") == [], "the run to be gone")
        self.daemon.delete("/api/registry/ci/local")
        argo.wait_for(lambda: self.read("cis") == [], "the CI to be gone")

    def test_at_most_every_two_seconds(self):
        begun = time.monotonic()
        self.sync()  # writes at once, and from then on it counts
        inode, stamp = self.path("cis").stat().st_ino, self.path("cis").stat().st_mtime_ns
        seen = i = 0
        while seen < 2:
            if i % 2 == 0:  # there may not be more than 1000
                self.daemon.post("/api/registry/ci", {"name": "ci"})
            else:
                self.daemon.delete("/api/registry/ci/ci")
            i += 1
            now = self.path("cis").stat()
            if (now.st_ino, now.st_mtime_ns) != (inode, stamp):
                inode, stamp, seen = now.st_ino, now.st_mtime_ns, seen + 1
            self.assertLess(time.monotonic() - begun, argo.DEADLINE, "it is not written")
        self.assertGreaterEqual(time.monotonic() - begun, 3.9)  # the clock counts milliseconds
        self.assertGreater(i, 5)

    def test_the_last_state_is_there_when_the_daemon_has_stopped(self):
        self.sync()
        for i in range(3):
            self.daemon.post("/api/registry/ci", {"name": f"ci{i}"})
        self.daemon.stop()
        self.assertEqual(self.daemon.process.returncode, 0)
        self.assertEqual([ci["name"] for ci in self.read("cis")], ["ci0", "ci1", "ci2"])

    def test_what_a_killed_daemon_left_is_brought_up_to_date(self):
        self.sync()
        self.daemon.post("/api/registry/ci", CI)
        self.daemon.kill()
        before = self.read("cis")
        self.daemon.start()
        argo.wait_for(lambda: [ci["name"] for ci in self.read("cis")] == ["local"],
                      f"the CI, not {before}")

    def test_arc_daemon_sync(self):
        self.daemon.post("/api/registry/ci", CI)
        self.assertEqual(self.arc("daemon", "sync", check=0).stdout, "")
        self.assertEqual([ci["name"] for ci in self.read("cis")], ["local"])
        self.daemon.stop()
        self.arc("daemon", "sync", check=6)

    def test_many_who_ask_at_once_get_what_they_have_committed(self):
        def one(i):
            self.daemon.post("/api/registry/ci", {"name": f"ci{i}"})
            self.sync()
            return f"ci{i}" in [ci["name"] for ci in self.read("cis")]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual(list(pool.map(one, range(40))), [True] * 40)

    def test_links_are_not_followed(self):
        victim = self.daemon.home / "victim"
        victim.write_text("mine")
        self.sync()
        for key in FILES:
            path = self.path(key)
            path.unlink()
            path.symlink_to(victim)
            path.with_name(path.name + ".tmp").symlink_to(victim)
        self.sync()
        self.assertEqual(victim.read_text(), "mine")
        for key in FILES:
            self.assertFalse(self.path(key).is_symlink())
            self.assertEqual(self.read(key), [])

    def test_a_directory_that_was_taken_away_comes_back(self):
        self.sync()
        shutil.rmtree(self.path("sessions").parent)
        self.sync()
        self.assertEqual(self.read("sessions"), [])
        self.assertEqual(stat.S_IMODE(self.path("sessions").parent.stat().st_mode), 0o700)

    def test_a_failure_is_said_once_and_hurts_nobody(self):
        self.sync()
        registry = self.path("cis").parent
        shutil.rmtree(registry)
        registry.symlink_to("/tmp")  # nothing is written through it
        for i in range(3):
            self.assertEqual(self.daemon.post("/api/registry/ci", {"name": f"c{i}"}).status, 201)
            reply = self.daemon.post("/api/daemon/sync")
            self.assertEqual((reply.status, reply.json["error"]["code"]), (503, 1303))
            self.assertIn(str(registry), reply.json["error"]["details"])
        run = self.daemon.launch(ASK)
        self.assertEqual(self.daemon.answer(run, "Ada").status, 200)
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        self.assertFalse(os.path.exists("/tmp/ci_registry.json"))
        self.assertEqual(self.daemon.get("/api/health").json["data"]["store"], "ok")
        self.assertEqual(self.log().count("out of date"), 1)
        registry.unlink()
        self.sync()
        self.assertEqual([ci["name"] for ci in self.read("cis")], ["c0", "c1", "c2"])
        self.assertEqual(self.log().count("up to date again"), 1)


class Importing(Mirrors):
    def lose_database(self):
        """As if it had never been there; no executor outlives it."""
        for run in self.read("workflows"):
            os.kill(run["pid"], signal.SIGKILL)
        for path in self.daemon.home.glob("argo.db*"):
            path.unlink()

    def write(self, key, text, mode=0o600):
        path = self.path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        path.chmod(mode)

    def refused(self):
        """What the daemon that does not start says."""
        (self.daemon.home / "stderr").write_text("")
        with self.assertRaises(RuntimeError) as caught:
            self.daemon.start()
        self.assertRegex(str(caught.exception), r"^the daemon ended with 1: ")
        return str(caught.exception)

    def test_everything_but_the_runs_comes_back(self):
        self.daemon.post("/api/registry/ci", CI)
        self.daemon.post("/api/registry/ci", {"name": "play", "provider": "replay",
                                              "recording": "/tmp/r", "upstream": "local"})
        self.daemon.post("/api/session", {"session_id": "s", "description": "about"})
        self.daemon.post("/api/session", {})
        self.daemon.post("/api/registry/ci", {"name": "inside", "session_id": "s"})
        run = self.daemon.launch(ASK, workflow_id="mine", session_id="s")
        self.daemon.question(run)
        cis = self.daemon.get("/api/registry/ci").text
        created = self.daemon.get("/api/session/s").json["data"]["created"]
        self.daemon.stop()
        started = self.read("workflows")[0]["started"]
        self.lose_database()
        self.daemon.start()
        self.assertRegex(self.log(), r"imported 3 CIs, 2 sessions and, as failed ones, 1 workflows")
        self.assertEqual(self.daemon.get("/api/registry/ci").text, cis)
        [event] = self.daemon.get("/api/registry/ci/inside/history").json["history"]
        self.assertEqual((event["seq"], event["kind"]), (1, "registered"))
        session = self.daemon.get("/api/session/s").json["data"]
        self.assertEqual(session, {"session_id": "s", "workflows": [], "created": created,
                                   "cis": ["inside"], "description": "about"})
        status = self.daemon.status("mine")
        self.assertEqual((status["status"], status["pid"], status["template"]), ("failed", 0, "t"))
        data = status["data"]
        self.assertEqual((data["error"]["code"], data["session_id"], data["started"],
                          data["current_step"]), ("imported", "s", started, 2))
        self.assertEqual(self.arc("status", "mine", check=0).returncode, 0)
        self.assertEqual(self.daemon.steps("mine"), [])
        self.assertEqual(self.daemon.launch(ASK, workflow_id="mine"), "mine")
        self.assertEqual(self.daemon.status("mine~1")["status"], "failed")
        # The number of a session that was given out is not given out again.
        self.assertNotIn(self.daemon.post("/api/session", {}).json["session_id"], ["s", "sess_1"])

    def test_once(self):
        self.daemon.post("/api/registry/ci", CI)
        self.daemon.stop()
        self.lose_database()
        self.daemon.start()
        self.assertEqual(self.daemon.delete("/api/registry/ci/local").status, 200)
        self.daemon.stop()
        self.write("cis", {"cis": [{"name": "other"}]})
        self.daemon.start()
        self.assertEqual(self.daemon.get("/api/registry/ci").json["cis"], [])
        self.sync()
        self.assertEqual(self.read("cis"), [])  # with a database it is a mirror, whatever it says

    def test_a_home_of_the_original(self):
        self.daemon.stop()
        shutil.rmtree(self.daemon.home)
        self.daemon.home.mkdir(mode=0o700)
        self.write("cis", """{
  "cis": [{"name": "claude-code-1", "model": "claude-sonnet-4", "port": 45001,
           "socket_path": "/tmp/argo_claude_1.sock", "status": "running"}]
}""", 0o644)
        self.write("workflows", """{"workflows": [{"workflow_id": "code_review_test_1",
  "template": "code_review", "pid": 12345, "status": "running", "current_step": 2,
  "started": "2025-10-06T10:30:00Z"}]}""", 0o644)
        self.write("sessions", """{"sessions": [{"session_id": "sess_123",
  "workflows": ["code_review_test_1"], "created": "2025-10-06T10:00:00Z"}]}""", 0o644)
        self.daemon.start()
        ci = self.daemon.get("/api/registry/ci/claude-code-1").json["data"]
        self.assertEqual((ci["model"], ci["port"], ci["provider"], ci["status"]),
                         ("claude-sonnet-4", 45001, None, "registered"))
        status = self.daemon.status("code_review_test_1")
        self.assertEqual((status["status"], status["data"]["session_id"],
                          status["data"]["started"]),
                         ("failed", "sess_123", "2025-10-06T10:30:00.000Z"))
        self.assertEqual(self.daemon.get("/api/session/sess_123").json["data"]["created"],
                         "2025-10-06T10:00:00.000Z")
        self.assertEqual(self.daemon.post("/api/session", {}).json["session_id"], "sess_124")

    def test_what_is_damaged_is_refused_and_kept(self):
        run = {"workflow_id": "w", "template": "t", "pid": 1, "status": "running",
               "current_step": 1, "started": "2025-10-06T10:30:00Z"}
        cases = [
            ("cis", '{"cis":[{"name":"a"', "line 1"),
            ("cis", "", "line 1"),
            ("cis", "[]", "object"),
            ("cis", "{}", "cis: expected a list"),
            ("cis", {"cis": {}}, "cis: expected a list"),
            ("cis", {"cis": [7]}, r"cis\[0\]"),
            ("cis", {"cis": [{"name": "a"}, {"model": "m"}]}, r"cis\[1\].*name"),
            ("cis", {"cis": [{"name": "../a"}]}, r"cis\[0\].*name"),
            ("cis", {"cis": [{"name": "a"}, {"name": "a"}]}, r"cis\[1\].*'a' is there twice"),
            ("cis", {"cis": [{"name": "a", "port": 70000}]}, r"cis\[0\].*port"),
            ("cis", {"cis": [{"name": "a", "provider": "x y"}]}, r"cis\[0\].*provider"),
            ("workflows", {"workflows": [{**run, "workflow_id": None}]}, "workflow_id"),
            ("workflows", {"workflows": [run, run]}, r"workflows\[1\].*'w' is there twice"),
            ("workflows", {"workflows": [{**run, "started": "yesterday"}]}, "started"),
            ("sessions", {"sessions": [{"workflows": []}]}, r"sessions\[0\].*session_id"),
            ("sessions", {"sessions": [{"session_id": "s", "workflows": [1]}]}, "workflows.0."),
            ("sessions", {"sessions": [{"session_id": "s", "created": 7}]}, "created"),
        ]
        self.daemon.stop()
        good = {key: self.path(key).read_text() for key in FILES}
        for key, text, why in cases:
            with self.subTest(key=key, text=text):
                self.lose_database()
                self.write(key, text)
                before = self.path(key).read_bytes()
                said = self.refused()
                self.assertIn(str(self.path(key)), said)
                self.assertRegex(said, why)
                self.assertRegex(said, re.escape(f'expected {{"{key}":[{{"'))
                self.refused()  # and so for ever: it never starts empty
                self.assertEqual(self.path(key).read_bytes(), before)
                self.write(key, good[key])
        self.daemon.start()

    def test_a_file_that_others_could_have_written(self):
        self.daemon.stop()
        self.lose_database()
        path = self.path("cis")
        path.chmod(0o620)
        self.assertIn("chmod 600", self.refused())
        path.unlink()
        path.symlink_to(self.path("sessions"))
        self.assertIn("is a link", self.refused())
        path.unlink()
        os.mkfifo(path, 0o600)
        self.assertIn("not a regular file", self.refused())
        path.unlink()
        self.daemon.start()  # one that is not there says nothing

    def test_its_size_has_a_limit(self):
        self.daemon.stop()
        limit, text = 64 * 1024 * 1024, b'{"cis":[{"name":"a"}]}'
        self.lose_database()
        with open(self.path("cis"), "wb") as file:
            file.write(text + b" " * (limit + 1 - len(text)))
        self.assertIn("larger than", self.refused())
        os.truncate(self.path("cis"), limit)
        self.daemon.start()
        self.assertEqual(self.daemon.get("/api/registry/ci/a").status, 200)


if __name__ == "__main__":
    argo.main()
