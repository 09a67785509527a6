#!/usr/bin/env python3
"""Each error code of base/errors.def, as a program gets it: over the UNIX socket and over TCP, in the
shape of Argo and as problem+json. A code is provoked by the method that bears its number; one that has
none fails test_none_is_forgotten."""
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import threading
import unittest

import argo
import contract
import standin
from raw import MIB, Raw, head
from standin import ASK, EXECUTOR

NUMBER = {"workflow_name": "number", "steps": [
    {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a",
     "validate": {"type": "integer"}}]}
SAY = {"workflow_name": "say", "steps": [{"step": "d", "type": "display", "message": "hi"}]}
PROBLEM = "application/problem+json"
# Of a step, in its run's error: no route answers them, because the daemon calls no CI.
STEPS_ONLY = {1015}


class Errors(argo.Case):
    tcp, accept = False, None

    def send(self, method, path, body=None, headers=None, **kw):
        headers = {**(headers or {}), **({"Accept": self.accept} if self.accept else {})}
        return self.daemon.request(method, path, body, headers, tcp=self.tcp, **kw)

    def get(self, path, **kw):
        return self.send("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.send("POST", path, body if body is not None else {}, **kw)

    def restart(self, executor=None, wrapper=(), args=()):
        """The daemon again, with an EXECUTOR that is this script, under WRAPPER."""
        self.daemon.stop()
        if executor is not None:
            program = self.daemon.home / "executor"
            program.write_text(executor)
            program.chmod(0o700)
            args = ("--executor", str(program), *args)
        self.daemon.args += args
        self.daemon.wrapper = list(wrapper)
        self.daemon.start()

    def once(self, name, make):
        """What all four variants of a test share; made by the first."""
        if name not in self.__dict__:
            setattr(self, name, make())
        return getattr(self, name)

    def stand_in(self):
        """A run whose executor is played by the test: its id and its executor's headers."""
        self.restart(EXECUTOR)
        run = self.daemon.launch(ASK, workflow_id="played")
        return run, standin.headers(self.daemon, run)

    def asked(self, template=ASK):
        run = self.daemon.launch(template)
        return run, self.daemon.question(run)["question_id"]

    # ---- what the request says ---------------------------------------------------------------------

    def provoke_1001(self):
        return self.get("/api/workflow/list?limit=0")

    def provoke_1002(self):
        return self.post("/api/registry/ci", '{"name":"a","name":"b"}')

    def provoke_1003(self):
        return self.get("/api/workflow/status/a..b")

    def provoke_1004(self):
        return self.post("/api/workflow/start", {"template": "helo"})

    def provoke_1005(self):
        return self.get("/api/workflow/status/nobody")

    def provoke_1006(self):
        return self.get("/api/registry/ci/nobody")

    def provoke_1007(self):
        self.daemon.post("/api/registry/ci", {"name": "a", "model": "m"})
        return self.post("/api/registry/ci", {"name": "a", "model": "m"})

    def provoke_1008(self):
        run = self.daemon.launch(SAY, wait=True)
        return self.send("DELETE", f"/api/workflow/abandon/{run}")

    def provoke_1009(self):
        reply = self.post("/api/template/validate", {"definition": "workflow_name: x\nsteps:\n"
                                                     "  - {step: a, type: dsplay}\n"
                                                     "  - {step: a, type: nope}\n"})
        blame = reply.json if self.accept else reply.json["error"]
        self.assertGreater(len(blame["problems"]), 1)
        return reply

    def provoke_1010(self):
        run, headers = self.once("played", self.stand_in)
        return self.get(f"/api/workflow/{run}/checkpoint", headers={**headers, "X-Argo-Epoch": "7"})

    def provoke_1011(self):
        run, question = self.asked({"workflow_name": "two", "steps": [
            *ASK["steps"], {"step": "r", "type": "user_ask", "prompt": "?", "save_to": "b"}]})
        answer = {"question_id": question, "answer": "Ada"}
        self.assertEqual(self.daemon.post(f"/api/workflow/input/{run}", answer).status, 200)
        return self.post(f"/api/workflow/input/{run}", answer)

    def provoke_1012(self):
        key = {"Idempotency-Key": f"k-{self.tcp}-{self.accept}"}
        body = {"name": re.sub(r"\W", "", f"c{self.tcp}{self.accept}"), "model": "m"}
        self.assertEqual(self.daemon.post("/api/registry/ci", body, headers=key).status, 201)
        return self.post("/api/registry/ci", {**body, "model": "n"}, headers=key)

    def provoke_1013(self):
        run, question = self.asked(NUMBER)
        return self.post(f"/api/workflow/input/{run}", {"question_id": question, "answer": "many"})

    def provoke_1014(self):
        directory = self.daemon.home / "repository/.argo/workflows"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "mine.json").write_text(json.dumps(SAY))
        return self.post("/api/workflow/start",
                         {"template": "mine", "cwd": str(self.daemon.home / "repository")})

    def provoke_1016(self):
        return self.get("/api/question/nobody")

    def provoke_1017(self):
        return self.get("/api/session/nobody")

    # ---- who sends it ------------------------------------------------------------------------------

    def provoke_1101(self):
        return self.get("/api/workflow/list", headers={"Authorization": "Bearer " + "0" * 64})

    def provoke_1102(self):
        run = self.once("run", lambda: self.daemon.launch(ASK))
        return self.get(f"/api/workflow/{run}/checkpoint",
                        headers={"Authorization": f"Bearer {self.daemon.token}", "X-Argo-Epoch": "1"})

    def provoke_1103(self):
        return self.get("/api/health", headers={"Origin": "https://example.org"})

    # ---- how much ----------------------------------------------------------------------------------

    def provoke_1201(self):
        """Said before, and found out."""
        for announced, body in ((f"Content-Length: {MIB + 1}", b""),
                                ("Transfer-Encoding: chunked",
                                 b"%x\r\n" % (MIB + 1) + b" " * (MIB + 1))):
            reply = self.raw("POST", "/api/registry/ci", announced, body=body)
            if not body:
                self.check_shape(reply, 1201)
        return reply

    def raw(self, method, target, *lines, body=b""):
        """A request that http.client would not send."""
        lines = (*lines, "Content-Type: application/json",
                 f"Authorization: Bearer {self.daemon.token}",
                 *([f"Accept: {self.accept}"] if self.accept else []))
        host = f"127.0.0.1:{self.daemon.port}" if self.tcp else "localhost"
        with Raw(self.daemon, "tcp" if self.tcp else "unix") as raw:
            raw.send(head(method, target, *lines, host=host) + body)
            status, headers, text = raw.reply(method)
        reply = argo.Reply(status, headers, text.decode())
        contract.check(method, target, reply)
        return reply

    def provoke_1202(self):
        return self.post("/api/registry/ci", "name=a", headers={"Content-Type": "text/plain"})

    def provoke_1203(self):
        """Of 160 files a daemon uses 90 for those who wait."""
        def fill():
            self.restart(wrapper=["sh", "-c", 'ulimit -n 160; exec "$@"', "sh"])
            run = self.daemon.launch(ASK)
            self.daemon.question(run)
            for _ in range(90):
                raw = Raw(self.daemon, "unix")
                self.addCleanup(raw.sock.close)
                raw.send(head("GET", f"/api/workflow/status/{run}?wait=terminal&timeout=600"))
            return run
        run = self.once("crowded", fill)
        path = f"/api/workflow/status/{run}?wait=terminal&timeout=0.05"
        return argo.wait_for(lambda: self.later_refused(self.get(path)), "too many waiters")

    @staticmethod
    def later_refused(reply):
        return reply if reply.status != 200 else None

    def provoke_1204(self):
        """1,000 lines typed ahead wait for a run that asks for none."""
        def fill():
            self.restart(EXECUTOR)
            run = self.daemon.launch(ASK, workflow_id="quiet")
            threads = [threading.Thread(target=self.type_ahead, args=(run, 50)) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(argo.DEADLINE)
            return run
        run = self.once("full", fill)
        return self.post(f"/api/workflow/input/{run}", {"input": "one more"})

    def type_ahead(self, run, n):
        for _ in range(n):
            self.daemon.post(f"/api/workflow/input/{run}", {"input": "x"})

    def provoke_1205(self):
        return self.get("/api/nothing")

    def provoke_1206(self):
        reply = self.send("DELETE", "/api/workflow/list")
        self.assertEqual(reply.headers["Allow"], "GET, HEAD")
        return reply

    # ---- what the daemon cannot do -----------------------------------------------------------------

    def provoke_1301(self):
        self.once("broken", lambda: self.restart("this is no program") or True)
        return self.post("/api/workflow/start", {"definition": SAY, "cwd": str(self.daemon.home)})

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def provoke_1302(self):
        """The kernel lets the daemon signal nobody, as a process of another user. It tries for some
        seconds: so all four ask at once."""
        return self.once("refused", self.pause_in_vain)[self.tcp, self.accept]

    def pause_in_vain(self):
        self.restart(EXECUTOR, ["strace", "-D", "-f", "-o", "/dev/null", "-e",
                                "trace=pidfd_send_signal", "-e",
                                "inject=pidfd_send_signal:error=EPERM"])
        replies, pids = {}, []

        def pause(tcp, accept):
            run = self.daemon.launch(ASK)
            pids.append(self.daemon.status(run)["pid"])
            replies[tcp, accept] = self.daemon.post(
                f"/api/workflow/pause/{run}", headers={"Accept": accept} if accept else {}, tcp=tcp)
        threads = [threading.Thread(target=pause, args=(tcp, accept))
                   for tcp in (False, True) for accept in (None, PROBLEM)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(argo.DEADLINE)
        self.daemon.kill()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return replies

    def provoke_1303(self):
        """A file may not grow: that is what a full disk looks like to the daemon."""
        ignore = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"]
        self.once("confined", lambda: self.restart(wrapper=ignore) or True)
        pid, limit = self.daemon.process.pid, resource.RLIMIT_FSIZE
        before = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (0, before[1]))
        try:
            reply = self.post("/api/registry/ci", {"name": "a", "model": "m"})
        finally:
            resource.prlimit(pid, limit, before)
        self.assertEqual(reply.headers["Retry-After"], "1")
        self.assertEqual(self.daemon.get("/api/registry/ci").json["cis"], [])
        return reply

    def provoke_1304(self):
        """Whoever waits when the daemon stops."""
        if self.daemon.process.poll() is not None:
            self.daemon.start()
        run = self.once("run", lambda: self.daemon.launch(ASK))
        found = []
        waiter = threading.Thread(target=lambda: found.append(
            self.get(f"/api/workflow/status/{run}?wait=terminal&timeout=30")))
        self.daemon.question(run)
        at_rest = self.waiting()
        waiter.start()
        argo.wait_for(lambda: self.waiting() > at_rest, "one who waits")
        self.daemon.post("/api/daemon/shutdown", {"grace_s": 30})
        waiter.join(argo.DEADLINE)
        self.assertEqual(self.daemon.process.wait(argo.DEADLINE), 0)
        return found[0]

    def waiting(self):
        return int(re.search(r"^argo_http_waiting (\d+)$", self.daemon.get("/metrics").text,
                             re.M).group(1))

    def provoke_1399(self):
        """A row that something else has written over."""
        def damage():
            run = self.daemon.launch(SAY, wait=True)
            self.daemon.stop()
            with sqlite3.connect(self.daemon.home / "argo.db") as db:
                db.execute("UPDATE run_specs SET parameters = '{'")
            db.close()
            self.daemon.start()
            return run
        return self.get(f"/api/workflow/status/{self.once('damaged', damage)}")

    # ---- each, in every variant --------------------------------------------------------------------

    def check(self, code):
        status = contract.contract().codes[code]
        for self.tcp in (False, True):
            for self.accept in (None, PROBLEM):
                with self.subTest(tcp=self.tcp, accept=self.accept):
                    reply = getattr(self, f"provoke_{code}")()
                    self.assertEqual(reply.status, status, reply)
                    self.check_shape(reply, code)

    def check_shape(self, reply, code):
        if self.accept:
            self.assertEqual(reply.headers["Content-Type"], PROBLEM)
            error, details = reply.json, reply.json["detail"]
            self.assertEqual(error["type"], f"urn:argo:error:{code}")
        else:
            self.assertEqual(reply.headers["Content-Type"], "application/json")
            error, details = reply.json["error"], reply.json["error"]["details"]
        self.assertEqual(error["code"], code)
        self.assertTrue(details, "an error without details")
        self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer" if reply.status == 401 else None)
        self.assertEqual(reply.headers["Retry-After"], "1" if reply.status == 503 else None)
        self.assertEqual(reply.headers["Cache-Control"], "no-store")

    def test_1015(self):
        self.daemon.post("/api/registry/ci", {"name": "c", "provider": "openai", "model": "m",
                                              "base_url": "https://api.example.org/v1"})
        run = self.daemon.launch({"workflow_name": "key", "steps": [
            {"step": "a", "type": "ci_ask", "ci": "c", "prompt": "p", "save_to": "v"}]}, wait=True)
        for tcp in (False, True):
            error = self.daemon.get(f"/api/workflow/status/{run}", tcp=tcp).json["data"]["error"]
            self.assertEqual((error["code"], error["step"]), ("ci", "a"))
            self.assertIn("CI 'c' has no key", error["message"])


def each(code):
    return lambda self: self.check(code)


for name in list(vars(Errors)):
    if name.startswith("provoke_"):
        number = name.rpartition("_")[2]
        setattr(Errors, f"test_{number}", each(int(number)))


class Complete(unittest.TestCase):
    def test_none_is_forgotten(self):
        provoked = {int(name.rpartition("_")[2]) for name in vars(Errors)
                    if re.fullmatch(r"(test|provoke)_\d{4}", name)}
        self.assertEqual(sorted(set(contract.error_codes()) ^ provoked), [],
                         "errors.def and this file differ: add a method provoke_CODE to Errors")
        self.assertEqual({code for code in provoked if not hasattr(Errors, f"provoke_{code}")},
                         STEPS_ONLY)


if __name__ == "__main__":
    argo.main()
