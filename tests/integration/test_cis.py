#!/usr/bin/env python3
"""CIs that tell of themselves and are told: heartbeats and what their absence means, history, messages,
and the sessions that they belong to."""
import concurrent.futures
import json

import argo

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ROUTE = "/api/registry/ci"


class Cis(argo.Case):
    def add(self, name="c", **members):
        reply = self.daemon.post(ROUTE, {"name": name, **members})
        self.assertEqual(reply.status, 201, reply)
        return reply.json["data"]

    def beat(self, name="c", **said):
        reply = self.daemon.post(f"{ROUTE}/{name}/heartbeat", said)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["data"]

    def send(self, name="c", **members):
        reply = self.daemon.post(f"{ROUTE}/{name}/message", {"type": "x", **members})
        self.assertEqual(reply.status, 200, reply)
        return reply.json["data"]

    def show(self, name="c"):
        return self.daemon.get(f"{ROUTE}/{name}").json["data"]

    def history(self, name="c", query=""):
        return self.daemon.get(f"{ROUTE}/{name}/history{query}").json["history"]

    def kinds(self, name="c"):
        return [event["kind"] for event in reversed(self.history(name))]

    def messages(self, name="c", **query):
        query = "&".join(f"{key}={value}" for key, value in query.items())
        return self.daemon.get(f"{ROUTE}/{name}/messages?{query}").json

    def numbers(self, name="c", **query):
        return [message["seq"] for message in self.messages(name, **query)["messages"]]

    def error(self, reply, status, code, field=None):
        self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code), reply)
        self.assertEqual(reply.json["error"].get("field"), field, reply)
        return reply.json["error"]["details"]


class Telling(Cis):
    def test_shapes_over_both_transports(self):
        for name, tcp in (("a", False), ("b", True)):
            with self.subTest(tcp=tcp):
                self.daemon.post(ROUTE, {"name": name, "model": "m"}, tcp=tcp)
                head = (f'{{"name":"{name}","provider":null,"model":"m","port":0,"socket_path":null,'
                        f'"role":null,"status":')
                reply = self.daemon.post(f"{ROUTE}/{name}/heartbeat",
                                         {"status": "busy", "task": "review"}, tcp=tcp)
                at = reply.json["data"]["last_heartbeat"]
                self.assertEqual(reply.text, f'{{"status":"success","name":"{name}","data":{head}'
                                 f'"busy","last_heartbeat":"{at}","task":"review"}}}}')
                self.assertRegex(at, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                reply = self.daemon.post(f"{ROUTE}/{name}/message", {
                    "payload": {"n": 1}, "from": "other", "type": "ask"}, tcp=tcp)
                message = reply.json["data"]
                self.assertRegex(reply.text, f'^{{"status":"success","name":"{name}","data":'
                                 f'{{"id":"{UUID}","from":"other","type":"ask","payload":'
                                 r'{"n":1},"timestamp":"[^"]+","seq":1}}$')
                self.assertEqual(self.daemon.get(f"{ROUTE}/{name}", tcp=tcp).json["data"]["unread"], 1)
                reply = self.daemon.get(f"{ROUTE}/{name}/messages?after=0", tcp=tcp)
                self.assertEqual(reply.text, '{"messages":[' + json.dumps(
                    message, separators=(",", ":")) +
                    '],"data":{"count":1,"next_cursor":null,"next_after":1}}')
                reply = self.daemon.get(f"{ROUTE}/{name}/history", tcp=tcp)
                first, last = [event["at"] for event in reversed(reply.json["history"])]
                self.assertEqual(reply.text, '{"history":['
                                 '{"seq":2,"kind":"status","status":"busy","task":"review",'
                                 f'"messages":0,"at":"{last}"}},'
                                 '{"seq":1,"kind":"registered","status":"registered","messages":0,'
                                 f'"at":"{first}"}}],"data":{{"count":2,"next_cursor":null}}}}')

    def test_what_is_refused(self):
        self.add()
        for method, path, body in [("POST", "heartbeat", {}), ("GET", "history", None),
                                   ("POST", "message", {"type": "x"}), ("GET", "messages", None)]:
            for tcp in (False, True):
                reply = self.daemon.request(method, f"{ROUTE}/nobody/{path}", body, tcp=tcp)
                self.error(reply, 404, 1006)
                reply = self.daemon.request(method, f"{ROUTE}/a..b/{path}", body, tcp=tcp)
                self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1003), reply)
        beat, message = f"{ROUTE}/c/heartbeat", f"{ROUTE}/c/message"
        details = self.error(self.daemon.post(beat, {"status": "bussy"}), 400, 1001, "status")
        self.assertIn("expected running, idle, busy, error or stopped; did you mean 'busy'?", details)
        self.error(self.daemon.post(beat, {"status": "registered"}), 400, 1001, "status")
        self.error(self.daemon.post(beat, {"task": "x" * 257}), 400, 1001, "task")
        self.assertEqual(self.beat(task="x" * 256)["task"], "x" * 256)
        self.error(self.daemon.post(message, {}), 400, 1001, "type")
        self.error(self.daemon.post(message, {"type": "a b"}), 400, 1001, "type")
        self.error(self.daemon.post(message, {"type": "x", "from": "a b"}), 400, 1003, "from")
        self.error(self.daemon.post(message, {"type": "x", "payload": "y" * (65536 - 1)}), 413, 1201,
                   "payload")
        self.assertEqual(self.send(payload="y" * (65536 - 2))["seq"], 1)
        details = self.error(self.daemon.get(f"{ROUTE}/c/messages?after=2"), 400, 1001, "after")
        self.assertIn("the last message to 'c' is 1", details)
        self.assertEqual(self.numbers(after=1), [])
        for query in ("history?limit=0", "history?limit=1001", "history?cursor=x",
                      "messages?limit=1001", "messages?after=-1", "messages?timeout=x"):
            self.assertEqual(self.daemon.get(f"{ROUTE}/c/{query}").status, 400, query)
        self.error(self.daemon.delete(f"{ROUTE}/c?force=maybe"), 400, 1001, "force")
        for body, field in (({"command": ["a", 1]}, "command"), ({"capabilities": [{}]}, "capabilities"),
                            ({"command": "ls"}, "command"), ({"port": 65536}, "port")):
            self.error(self.daemon.post(ROUTE, {"name": "n", **body}), 400, 1001, field)
        self.assertEqual(self.add("n", command=["a"] * 64, port=65535, role="r" * 256)["port"], 65535)

    def test_only_the_daemon_says_what_has_been_heard(self):
        data = self.add(status="busy", last_heartbeat="2026-01-01T00:00:00Z", task="t", unread=7)
        self.assertEqual((data["status"], data["last_heartbeat"]), ("registered", None))
        self.assertFalse({"task", "unread"} & set(data))

    def test_what_a_heartbeat_changes(self):
        self.add()
        self.assertEqual(self.beat()["status"], "running")
        self.assertEqual(self.beat(status="idle")["status"], "idle")
        self.assertEqual(self.beat()["status"], "idle")
        data = self.beat(status="busy", task="one")
        self.assertEqual((data["status"], data["task"]), ("busy", "one"))
        self.assertEqual(self.beat()["task"], "one")
        self.assertEqual(self.beat(task="two")["task"], "two")
        data = self.beat(task="")
        self.assertEqual((data["status"], data.get("task")), ("busy", None))
        self.beat(task="three")
        self.assertNotIn("task", self.beat(status="idle"))
        self.beat(status="error")
        self.assertEqual(self.beat()["status"], "running")
        self.beat(status="busy", task="four")
        self.assertNotIn("task", self.beat(status="stopped"))
        self.assertEqual(self.kinds(), ["registered", "status", "status", "status", "task", "task",
                                        "task", "status", "status", "status", "status", "status"])
        self.assertEqual([event.get("task") for event in self.history()][:3], [None, "four", None])

    def test_who_is_busy_stays(self):
        self.add()
        for said in ({"status": "busy"}, {"status": "running", "task": "t"}):
            self.beat(**said)
            for tcp in (False, True):
                self.error(self.daemon.delete(f"{ROUTE}/c", tcp=tcp), 409, 1008)
            self.error(self.daemon.delete(f"{ROUTE}/c?force=false"), 409, 1008)
        self.assertIn("'t'", self.daemon.delete(f"{ROUTE}/c").json["error"]["details"])
        self.arc("ci", "remove", "c", check=1)
        self.assertIn("To do it all the same: arc ci remove c --force\n",
                      self.arc("ci", "remove", "c", check=1).stderr)
        self.arc("ci", "remove", "c", "--force", check=0)
        self.assertEqual(self.daemon.get(f"{ROUTE}/c").status, 404)
        self.add()
        self.beat(status="idle")
        self.assertEqual(self.daemon.delete(f"{ROUTE}/c").status, 200)

    def test_history_goes_on_under_its_name(self):
        self.add(model="old")
        self.send()
        self.assertEqual(self.daemon.delete(f"{ROUTE}/c").status, 200)
        self.assertEqual(self.kinds(), ["registered", "removed"])
        self.assertEqual(self.history()[0]["messages"], 1)
        self.assertEqual(self.daemon.get(f"{ROUTE}/c/messages").status, 404)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.kinds(), ["registered", "removed"])
        data = self.add(model="new")
        self.assertEqual((data["model"], data.get("unread")), ("new", None))
        self.assertEqual(self.kinds(), ["registered", "removed", "registered"])
        self.assertEqual(self.send()["seq"], 2)
        self.assertEqual(self.numbers(after=1), [2])

    def test_pages_of_history(self):
        self.add()
        for i in range(6):
            self.beat(task=f"t{i}")
        seen, query = [], "?limit=2"
        while query:
            page = self.daemon.get(f"{ROUTE}/c/history{query}").json
            self.assertLessEqual(len(page["history"]), 2)
            seen += [event["seq"] for event in page["history"]]
            cursor = page["data"]["next_cursor"]
            query = cursor and f"?limit=2&cursor={cursor}"
        self.assertEqual(seen, list(range(7, 0, -1)))

    def test_it_outlasts_the_daemon(self):
        self.add()
        shown = self.beat(status="busy", task="t")
        self.send()
        self.send()
        self.assertEqual(self.numbers(after=1), [2])
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.show(), {**shown, "unread": 1})
        self.assertEqual(self.kinds(), ["registered", "status"])
        self.assertEqual(self.numbers(after=0), [2])
        self.assertEqual(self.send()["seq"], 3)

    def test_arc_shows_it(self):
        self.add()
        self.beat(status="busy", task="tidy up")
        listed = self.arc("ci", "list", check=0).stdout
        self.assertRegex(listed, r"c .*busy.*tidy up")
        shown = self.arc("ci", "show", "c", check=0).stdout
        self.assertRegex(shown, r"(?m)^status +busy$")
        self.assertRegex(shown, r"(?m)^task +tidy up$")
        self.assertRegex(shown, r"(?m)^last_heartbeat +\S.* ago\)$")


class Messages(Cis):
    def test_reading_takes_only_what_was_received(self):
        self.add()
        for _ in range(4):
            self.send()
        self.assertEqual(self.numbers(after=0), [1, 2, 3, 4])
        self.assertEqual(self.numbers(), [1, 2, 3, 4])
        self.assertEqual(self.numbers(after=0, limit=2), [1, 2])
        self.assertEqual(self.daemon.request("HEAD", f"{ROUTE}/c/messages?after=4").status, 200)
        self.assertEqual(self.numbers(after=0), [1, 2, 3, 4])
        self.assertEqual(self.numbers(after=2), [3, 4])
        argo.wait_for(lambda: self.numbers(after=0) == [3, 4], "those before to be gone")
        self.assertEqual(self.show()["unread"], 2)
        self.assertEqual(self.numbers(after=4), [])
        argo.wait_for(lambda: "unread" not in self.show(), "all to be gone")

    def test_a_long_poll(self):
        self.add()
        for tcp in (False, True):
            with self.subTest(tcp=tcp), concurrent.futures.ThreadPoolExecutor(3) as pool:
                last = self.send()["seq"]
                path = f"{ROUTE}/c/messages?after={last}"
                waiting = [pool.submit(self.daemon.get, f"{path}&timeout=30", tcp=tcp)
                           for _ in range(3)]
                argo.wait_for(lambda: self.daemon.get("/api/health").status == 200, "it to answer")
                sent = self.send(payload=[tcp])
                for reply in [future.result() for future in waiting]:
                    self.assertEqual(reply.json["messages"], [sent])
                    self.assertEqual(reply.json["data"]["next_after"], last + 1)
                reply = self.daemon.get(f"{ROUTE}/c/messages?after={last + 1}&timeout=0.05", tcp=tcp)
                self.assertEqual(reply.text, '{"messages":[],"data":{"count":0,"next_cursor":null,'
                                 f'"next_after":{last + 1}}}}}')

    def test_who_waits_for_one_that_goes(self):
        self.add()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.daemon.get, f"{ROUTE}/c/messages?timeout=60")
            self.daemon.delete(f"{ROUTE}/c")
            self.error(waiting.result(), 404, 1006)

    def test_the_queue_ends(self):
        self.add()
        path = f"{ROUTE}/c/message"
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda i: self.daemon.post(path, {"type": "x", "payload": i}),
                                    range(1001)))
        self.assertEqual(sorted(r.json["data"]["seq"] for r in replies if r.status == 200),
                         list(range(1, 1001)))
        [refused] = [reply for reply in replies if reply.status != 200]
        self.error(refused, 429, 1204)
        self.error(self.daemon.post(path, {"type": "x"}, tcp=True), 429, 1204)
        self.assertEqual(self.numbers(after=0), list(range(1, 1001)))
        self.assertEqual(self.numbers(after=1)[0], 2)
        self.assertEqual(self.send()["seq"], 1001)
        self.error(self.daemon.post(path, {"type": "x"}), 429, 1204)

    def test_a_reply_ends(self):
        """It is cut after a mebibyte; the rest comes with the next."""
        self.add()
        for _ in range(20):
            self.send(payload="x" * 60000)
        first = self.messages(after=0)
        self.assertEqual(first["data"], {"count": 18, "next_cursor": None, "next_after": 18})
        self.assertEqual(self.numbers(after=18), [19, 20])

    def test_a_key_counts_once(self):
        self.add()
        for path, body in (("message", {"type": "x"}), ("heartbeat", {"task": "t"})):
            key = {"Idempotency-Key": path}
            first = self.daemon.post(f"{ROUTE}/c/{path}", body, headers=key)
            self.beat(task="other")
            self.daemon.kill()
            self.daemon.start()
            again = self.daemon.post(f"{ROUTE}/c/{path}", body, headers=key)
            self.assertEqual((again.status, again.text), (200, first.text))
            self.error(self.daemon.post(f"{ROUTE}/c/{path}", {**body, "n": 1}, headers=key), 409, 1012)
        self.assertEqual(self.numbers(after=0), [1])
        self.assertEqual(self.show()["task"], "other")

    def test_a_process_of_a_run(self):
        """A CI that a step has started reports like any other, and registers and removes nobody."""
        self.add()
        script = """
            curl() { command curl -s --unix-socket "$ARGO_HOME/run/argo.sock" \
                -o /dev/null -w '%{http_code} ' "$@"; }
            at=http://localhost/api/registry/ci
            curl --json '{"status":"busy"}' $at/c/heartbeat
            curl --json '{"type":"done","from":"c"}' $at/c/message
            curl $at/c/messages?after=1
            curl $at/c/history
            curl --json '{"name":"d"}' $at
            curl -X DELETE $at/c?force=true"""
        run = self.daemon.launch({"workflow_name": "t", "steps": [
            {"step": "s", "type": "command", "argv": ["sh", "-c", script]}]}, wait=True)
        self.assertEqual(self.daemon.output(run), "200 200 200 200 403 403 ")
        self.assertEqual(self.show()["status"], "busy")


class Silence(Cis):
    daemon_args = ("--heartbeat", "1", "--heartbeat-misses", "1")

    def test_error_then_stopped_then_back(self):
        self.add()
        self.add("model")  # never says anything
        self.add("gone")
        self.beat("gone", status="stopped")
        self.beat(status="busy", task="t")
        argo.wait_for(lambda: self.show()["status"] == "stopped", "it to be silent for long")
        self.assertNotIn("task", self.show())
        self.assertEqual(self.kinds(), ["registered", "status", "silence", "silence"])
        self.assertEqual([(event["status"], event.get("task")) for event in self.history()[:2]],
                         [("stopped", None), ("error", "t")])
        argo.wait_for(lambda: [ci["status"] for ci in json.loads(
            (self.daemon.home / "registry/ci_registry.json").read_text())["cis"]] ==
            ["stopped", "stopped", "registered"], "the mirror")
        self.assertEqual((self.kinds("model"), self.kinds("gone")),
                         (["registered"], ["registered", "status"]))
        self.assertEqual(self.beat()["status"], "running")
        self.daemon.kill()
        self.daemon.start()
        argo.wait_for(lambda: self.kinds()[4:6] == ["status", "silence"], "silence for another daemon")


class Options(argo.Case):
    def test_what_is_refused(self):
        for option, value in (("--heartbeat", "x"), ("--heartbeat", "86401"),
                              ("--heartbeat-misses", "1001"), ("--heartbeat-misses", "-1")):
            other = argo.Daemon(self.prefix, args=[option, value])
            self.addCleanup(other.end)
            with self.assertRaisesRegex(RuntimeError, f"ended with 2: argo-daemon: {option}"):
                other.start()


class Sessions(Cis):
    def test_a_session_groups_cis(self):
        self.daemon.post("/api/session", {"session_id": "s"})
        self.error(self.daemon.post(ROUTE, {"name": "c", "session_id": "t"}), 404, 1017, "session_id")
        self.assertEqual(self.add("c", session_id="s")["session_id"], "s")
        self.arc("ci", "add", "b", "--provider", "claude", "--session", "s", check=0)
        self.add("a")
        self.assertEqual(self.daemon.get("/api/session/s").json["data"]["cis"], ["b", "c"])
        self.assertEqual(self.daemon.get("/api/session").json["sessions"][0]["cis"], ["b", "c"])
        self.assertRegex(self.arc("session", "show", "s", check=0).stdout, r"(?m)^cis +b, c$")
        self.daemon.post("/api/daemon/sync")
        mirror = json.loads((self.daemon.home / "lifecycle/sessions.json").read_text())["sessions"]
        self.assertEqual(list(mirror[0]), ["session_id", "workflows", "created", "cis"])
        self.daemon.delete(f"{ROUTE}/b")
        self.assertEqual(self.daemon.get("/api/session/s").json["data"]["cis"], ["c"])
        self.beat(status="busy", task="t")
        self.assertEqual(self.daemon.post("/api/session/s/pause").json["data"], {"workflows": []})
        self.assertEqual(self.show()["status"], "busy")
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.get("/api/session/s").json["data"]["cis"], ["c"])
        self.assertEqual(self.daemon.delete("/api/session/s").status, 200)
        self.assertNotIn("session_id", self.show())
        self.assertEqual(self.show()["task"], "t")
        events = self.history()
        self.assertEqual((events[0]["kind"], events[0].get("session_id"), events[1]["session_id"]),
                         ("session", None, "s"))


if __name__ == "__main__":
    argo.main()
