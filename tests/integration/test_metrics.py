#!/usr/bin/env python3
"""GET /metrics and the request log: what is counted, by a parser that others have written, and one line
for each request that nothing can break up."""
import json
import os
import re

from prometheus_client.parser import text_string_to_metric_families

import argo
import standin
from raw import Raw, head

ASK = {"workflow_name": "ask", "steps": [
    {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"}]}
SAY = {"workflow_name": "say", "steps": [{"step": "d", "type": "display", "message": "hi"}]}
MODEL = 'a "model"\\n\nof {many} words, déjà'


class MetricsCase(argo.Case):
    def scrape(self, **kw):
        """(name, labels as a sorted tuple) -> value, and the families by name."""
        reply = self.daemon.get("/metrics", **kw)
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.families = list(text_string_to_metric_families(reply.text))
        self.assertEqual(len({f.name for f in self.families}), len(self.families))
        samples = [(sample.name, tuple(sorted(sample.labels.items()))) for family in self.families
                   for sample in family.samples]
        self.assertEqual(len(set(samples)), len(samples))
        return {(s.name, tuple(sorted(s.labels.items()))): s.value
                for family in self.families for s in family.samples}

    def value(self, name, **labels):
        return self.scrape().get((name, tuple(sorted(labels.items()))))

    def becomes(self, expected, name, **labels):
        """What a commit has brought is counted before its reply, what follows it may come later."""
        argo.wait_for(lambda: self.value(name, **labels) == expected, f"{name} {labels} {expected}")


class Metrics(MetricsCase):
    def test_a_daemon_without_runs(self):
        samples = self.scrape()
        self.assertEqual(samples["argo_executors", ()], 0)
        self.assertEqual(samples["argo_runs", (("state", "waiting"),)], 0)
        self.assertEqual(samples["argo_runs_ended_total", (("state", "done"),)], 0)
        self.assertEqual(samples["argo_store_failing", ()], 0)
        self.assertEqual(samples["argo_http_connections", ()], 1)
        for name in ("db", "wal"):
            size = (self.daemon.home / f"argo.db{'-wal' if name == 'wal' else ''}").stat().st_size
            self.assertEqual(samples["argo_store_bytes", (("file", name),)], size)
        version = self.daemon.get("/api/version").json
        self.assertEqual(samples["argo_build_info", tuple(sorted({
            "version": version["version"], "binary_sha256": version["binary_sha256"]}.items()))], 1)
        health = self.daemon.get("/api/health").json["data"]
        started = samples["process_start_time_seconds", ()]
        self.assertEqual(round(self.value("process_start_time_seconds"), 3), round(started, 3))
        self.assertGreater(started, 1.7e9)
        self.assertEqual(health["executors"], 0)
        self.assertEqual(self.scrape(tcp=True).keys() - samples.keys(), {
            (name, tuple(sorted({"method": "GET", "route": route, **more}.items())))
            for route in ("/metrics", "/api/version", "/api/health")
            for name, more in (("argo_http_requests_total", {"status": "2xx"}),
                               ("argo_http_request_seconds_count", {}),
                               ("argo_http_request_seconds_sum", {}))})

    def test_types(self):
        self.scrape()
        kinds = {family.name: family.type for family in self.families}
        # The parser takes _total off the names of counters.
        self.assertEqual(kinds["argo_runs"], "gauge")
        self.assertEqual(kinds["argo_runs_ended"], "counter")
        self.assertEqual(kinds["argo_launch_seconds"], "histogram")
        self.assertEqual(kinds["argo_http_request_seconds"], "summary")
        for family in self.families:
            self.assertTrue(family.documentation.endswith("."), family.name)
            if family.type == "histogram":
                self.check_histogram(family)

    def check_histogram(self, family):
        buckets = [s for s in family.samples if s.name.endswith("_bucket")]
        bounds = [float(s.labels["le"]) for s in buckets]
        counts = [s.value for s in buckets]
        self.assertEqual(bounds, sorted(bounds))
        self.assertEqual(bounds[-1], float("inf"))
        self.assertEqual(counts, sorted(counts))
        found = {s.name.rpartition("_")[2]: s.value for s in family.samples if s not in buckets}
        self.assertEqual(sorted(found), ["count", "sum"])
        self.assertEqual(found["count"], counts[-1])
        self.assertEqual(found["sum"] > 0, found["count"] > 0, family.name)

    def test_a_run(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        samples = self.scrape()
        self.assertEqual(samples["argo_runs", (("state", "waiting"),)], 1)
        self.assertEqual(samples["argo_runs", (("state", "running"),)], 0)
        self.assertEqual(samples["argo_runs_parked", ()], 0)
        self.assertEqual(samples["argo_executors", ()], 1)
        self.assertEqual(samples["argo_questions_open", ()], 1)
        self.assertEqual(samples["argo_launch_seconds_count", ()], 1)
        self.assertEqual(samples["argo_answer_seconds_count", ()], 0)
        self.assertEqual(samples["argo_commit_seconds_count", ()],
                         samples["argo_store_transactions_total", ()])
        self.assertGreater(samples["argo_store_commits_total", ()], 0)
        self.daemon.answer(run, "Ada", question)
        self.daemon.wait_end(run)
        samples = self.scrape()
        self.assertEqual(samples["argo_runs_ended_total", (("state", "done"),)], 1)
        self.assertEqual(samples["argo_questions_open", ()], 0)
        self.assertEqual(samples["argo_answer_seconds_count", ()], 1)
        self.assertEqual(samples["argo_launch_seconds_count", ()], 1)
        for family in self.families:
            if family.type == "histogram":
                self.check_histogram(family)
        self.assertEqual({value for (name, _), value in samples.items() if name == "argo_runs"}, {0})

    def test_what_a_run_of_one_step_costs(self):
        """Three transactions: it is there, it has a process, its step has ended and so has it."""
        self.daemon.launch(SAY, wait=True)
        before = self.scrape()
        self.daemon.launch(SAY, wait=True)
        after = self.scrape()
        grown = lambda *key: after[key] - before[key]
        requests = {dict(labels)["route"]: grown("argo_http_requests_total", labels)
                    for name, labels in after if name == "argo_http_requests_total" and
                    dict(labels)["status"] == "2xx"
                    and (name, labels) in before}
        self.assertEqual(grown("argo_store_transactions_total", ()), 3)
        self.assertEqual(requests["/api/workflow/{id}/checkpoint"], 1)
        self.assertEqual(requests["/api/workflow/{id}/step/complete"], 1)
        self.assertNotIn("/api/workflow/{id}/message", requests)

    def test_what_has_ended_takes_no_room(self):
        self.daemon.launch(SAY, wait=True)
        before = self.scrape()
        for _ in range(5):
            self.daemon.launch(SAY, wait=True)
        after = self.scrape()
        self.assertEqual(after.keys() - before.keys(), {
            ("argo_http_requests_total", (("method", "GET"), ("route", "/metrics"),
                                          ("status", "2xx"))),
            ("argo_http_request_seconds_count", (("method", "GET"), ("route", "/metrics"))),
            ("argo_http_request_seconds_sum", (("method", "GET"), ("route", "/metrics")))})
        self.assertEqual(after["argo_runs_ended_total", (("state", "done"),)], 6)

    def test_states(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        self.daemon.post(f"/api/workflow/pause/{run}")
        self.assertEqual(self.value("argo_runs", state="paused"), 1)
        self.assertEqual(self.value("argo_runs", state="waiting"), 0)
        self.daemon.post(f"/api/workflow/resume/{run}")
        self.assertEqual(self.value("argo_runs", state="waiting"), 1)
        self.daemon.delete(f"/api/workflow/abandon/{run}")
        self.assertEqual(self.value("argo_runs_ended_total", state="abandoned"), 1)
        self.becomes(0, "argo_executors")
        self.assertEqual(self.value("argo_questions_open"), 0)

    def test_gauges_are_what_is_after_a_crash(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        self.daemon.kill()
        self.daemon.start()
        self.becomes(1, "argo_executors")
        self.assertEqual(self.value("argo_runs", state="waiting"), 1)
        self.assertEqual(self.value("argo_questions_open"), 1)
        self.assertEqual(self.value("argo_launch_seconds_count"), 0)

    def test_requests(self):
        for _ in range(3):
            self.daemon.get("/api/workflow/status/nobody")
        self.daemon.request("HEAD", "/api/workflow/list")
        self.daemon.get("/nothing")
        self.daemon.request("PUT", "/api/workflow/list")
        count = lambda **labels: self.value("argo_http_requests_total", **labels)
        self.assertEqual(count(method="GET", route="/api/workflow/status/{id}", status="4xx"), 3)
        self.assertEqual(count(method="GET", route="/api/workflow/list", status="2xx"), 1)
        self.assertEqual(count(method="", route="", status="4xx"), 2)
        self.assertEqual(self.value("argo_http_request_seconds_count", method="GET",
                                    route="/api/workflow/status/{id}"), 3)
        self.assertGreater(self.value("argo_http_request_seconds_sum", method="GET",
                                      route="/api/workflow/status/{id}"), 0)

    def test_who_waits(self):
        run = self.daemon.launch(ASK)
        self.daemon.question(run)
        at_rest = self.value("argo_http_waiting")  # its executor polls, or is about to
        with Raw(self.daemon, "unix") as raw:
            raw.send(head("GET", f"/api/workflow/status/{run}?wait=terminal&timeout=60"))
            argo.wait_for(lambda: self.value("argo_http_waiting") > at_rest, "one more who waits")

    def test_head(self):
        reply = self.daemon.request("HEAD", "/metrics")
        self.assertEqual((reply.status, reply.text), (200, ""))
        self.assertEqual(reply.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")


class Parked(MetricsCase):
    daemon_args = ("--park-after", "0")

    def test_parked_and_called_back(self):
        run = self.daemon.launch(ASK)
        question = self.daemon.question(run)
        self.becomes(1, "argo_runs_parked")
        self.becomes(0, "argo_executors")
        self.assertEqual(self.value("argo_runs", state="waiting"), 1)
        self.daemon.answer(run, "Ada", question)
        self.daemon.wait_end(run)
        samples = self.scrape()
        self.assertEqual(samples["argo_runs_parked", ()], 0)
        self.assertEqual(samples["argo_launch_seconds_count", ()], 2)
        self.assertEqual(samples["argo_answer_seconds_count", ()], 1)
        # The second launch lies within the answer.
        self.assertGreater(samples["argo_answer_seconds_sum", ()], 0)


class Usage(standin.Case, MetricsCase):
    """With an executor that is played by the test."""

    def test_what_ends_a_launch_and_an_answer(self):
        run, headers = self.played()
        request = lambda: self.daemon.get(f"/api/workflow/{run}/checkpoint", headers=headers)
        counts = lambda: [self.value(f"argo_{name}_seconds_count") for name in ("launch", "answer")]
        self.assertEqual(counts(), [0, 0])
        request()
        request()
        self.assertEqual(counts(), [1, 0])
        for i, (between, expected) in enumerate(((lambda: None, 1), (self.pause_and_resume, 1),
                                                 (lambda: None, 2))):
            self.daemon.post(f"/api/workflow/{run}/question", {
                "question_id": f"q-{i}", "path": "q", "kind": "text", "prompt": "?"},
                headers=headers)
            self.daemon.post(f"/api/workflow/input/{run}",
                             {"question_id": f"q-{i}", "answer": "x"})
            between()
            request()
            self.assertEqual(counts(), [1, expected])

    def pause_and_resume(self):
        self.assertEqual(self.daemon.post("/api/workflow/pause/w").status, 200)
        self.assertEqual(self.daemon.post("/api/workflow/resume/w").status, 200)

    def test_tokens(self):
        run, headers = self.played()

        def complete(attempt, **usage):
            reply = self.daemon.post(f"/api/workflow/{run}/step/complete", {
                "step": "q", "path": "q", "attempt": attempt, "status": "failed", "usage": usage},
                headers=headers)
            self.assertEqual(reply.status, 200, reply)
        used = {"model": MODEL, "input_tokens": 7, "output_tokens": 3, "cost_usd": 0.125}
        complete(1, **used)
        complete(1, **used)  # the same again
        complete(2, **used)
        complete(3, model="free", input_tokens=1, output_tokens=0, cost_usd=-5)
        complete(4, model="dear", input_tokens=1, output_tokens=0, cost_usd=1e300)
        tokens = lambda model, way: self.value("argo_tokens_total", model=model, direction=way)
        self.assertEqual((tokens(MODEL, "input"), tokens(MODEL, "output")), (14, 6))
        self.assertEqual(self.value("argo_cost_usd_total", model=MODEL), 0.25)
        self.assertEqual(self.value("argo_cost_usd_total", model="free"), 0)
        self.assertGreater(self.value("argo_cost_usd_total", model="dear"), 1e12)
        for i in range(5, 105):
            complete(i, model=f"m{i}", input_tokens=1, output_tokens=0)
        models = {dict(labels)["model"] for name, labels in self.scrape()
                  if name == "argo_cost_usd_total"}
        self.assertEqual(len(models), 101)
        self.assertEqual(tokens("other", "input"), 3)


class Log(argo.Case):
    daemon_args = ("--log-level", "debug")
    LINE = re.compile(r"method=(\S+) route=(\S+) status=(\d+) us=(\d+) peer=(unix|tcp):(\d+) run=(\S+)")

    def lines(self):
        """The requests in the log so far."""
        found = []
        for line in (self.daemon.home / "logs/daemon.log").read_text().splitlines():
            text = json.loads(line)["message"]
            if text.startswith("method="):
                match = self.LINE.fullmatch(text)
                self.assertIsNotNone(match, text)
                found.append(match.groups())
        return found

    def raw(self, data, transport="unix"):
        with Raw(self.daemon, transport) as raw:
            raw.send(data)
            raw.reply()
            return raw.sock.getsockname()[1] if transport == "tcp" else 0

    def logged(self, n):
        return argo.wait_for(lambda: len(self.lines()) >= n and self.lines(), f"{n} lines")

    def test_a_line_for_each(self):
        self.daemon.get("/api/workflow/status/nobody?wait=terminal")
        self.daemon.request("HEAD", "/api/version")
        self.daemon.delete("/api/workflow/list")
        self.daemon.post("/api/nothing", {"secret": "in the body"})
        self.daemon.get("/api/workflow/status/w~3")
        port = self.raw(head("GET", "/api/health", host=f"127.0.0.1:{self.daemon.port}"), "tcp")
        self.raw(head("BREW", "/api/health"))
        lines = self.logged(7)
        self.assertEqual(len(lines), 7)
        got = [(line[0], line[1], line[2], line[6]) for line in lines]
        self.assertEqual(got, [
            ("GET", "/api/workflow/status/{id}", "404", "nobody"),
            ("HEAD", "/api/version", "200", "-"),
            ("DELETE", "-", "405", "-"),
            ("POST", "-", "404", "-"),
            ("GET", "/api/workflow/status/{id}", "404", "w~3"),
            ("GET", "/api/health", "200", "-"),
            ("-", "-", "405", "-")])
        self.assertEqual([line[4:6] for line in lines[:1]], [("unix", str(os.getpid()))])
        self.assertEqual(lines[5][4:6], ("tcp", str(port)))

    def test_nothing_breaks_a_line_up(self):
        targets = ["/api/workflow/status/a%0d%0amethod=GET%20route=/forged",
                   "/api/workflow/status/a%20run=forged", "/api/workflow/status/a%e2%80%a8b",
                   "/api/workflow/status/w?wait=%0d%0amethod=GET", "/api/x%0ay",
                   "/api/workflow/status/w?a=%22%7d%0a%7b%22message%22:%22x",
                   "/api/workflow/status/" + "a" * 3000]
        for target in targets:
            self.raw(head("GET", target))
        self.raw(head("GET", "/api/workflow/status/w", "X-Forged: a\r\n b"))
        lines = self.logged(len(targets) + 1)
        self.assertEqual(len(lines), len(targets) + 1)
        self.assertLessEqual({line[6] for line in lines}, {"-", "w"})
        text = (self.daemon.home / "logs/daemon.log").read_text()
        self.assertNotIn("forged", text)
        self.assertNotIn("\u2028", text)

    def test_no_secret_is_in_it(self):
        run = self.daemon.launch({"workflow_name": "s", "steps": [
            {"step": "q", "type": "user_ask", "prompt": "?", "secret": True, "save_to": "a"}]})
        self.daemon.answer(run, "a-secret-answer")
        self.daemon.wait_end(run)
        self.daemon.get("/api/version", tcp=True)
        self.daemon.get("/api/version", tcp=True, token=False,
                        headers={"Authorization": "Bearer a-wrong-token"})
        self.daemon.get("/api/workflow/list?template=a-query")
        self.daemon.post("/api/registry/ci", {"name": "c", "model": "a-body"},
                         headers={"Idempotency-Key": "a-key"})
        argo.wait_for(lambda: any(line[1] == "/api/registry/ci" for line in self.lines()), "the last")
        text = (self.daemon.home / "logs/daemon.log").read_text()
        for word in (self.daemon.token, "a-secret-answer", "a-wrong-token", "a-query", "a-body",
                     "a-key", "Bearer"):
            self.assertNotIn(word, text)

    def test_only_at_level_debug(self):
        quiet = argo.Daemon(self.prefix).start()
        self.addCleanup(quiet.end)
        quiet.get("/api/version")
        quiet.get("/api/version")
        self.assertNotIn("method=", (quiet.home / "logs/daemon.log").read_text())


if __name__ == "__main__":
    argo.main()
