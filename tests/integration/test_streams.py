#!/usr/bin/env python3
"""What a run tells, as Server-Sent Events and as JSON: the same to every reader, whatever happens to
its connection; slow readers harm nobody; output that is too much leaves a gap and a log."""
import asyncio
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess

import argo
import contract

LONG = os.environ.get("ARGO_TEST_LONG") == "1"
SEED = int(os.environ.get("ARGO_TEST_SEED", "20261123"))
MEBIBYTE = 1 << 20


def steps(*items):
    return {"workflow_name": "t", "steps": list(items)}


def shell(script, **more):
    return {"step": "sh", "type": "command", "argv": ["sh", "-c", script], "repeat": "safe", **more}


ASK = steps(shell("echo one; echo two >&2"),
            {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"},
            {"step": "d", "type": "display", "message": "it is {{who}}"})
HOLD = steps({"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"})


class Events:
    """A reader of Server-Sent Events: over the socket, or over TCP with a receive buffer of RECEIVE
    bytes."""

    def __init__(self, daemon, run, query="", headers=None, receive=None):
        headers = {"Accept": "text/event-stream", **(headers or {})}
        if receive is None:
            self.connection = argo.UnixConnection(daemon.socket)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port)
            self.connection.sock = socket.socket()
            self.connection.sock.settimeout(argo.DEADLINE)
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            self.connection.sock.connect(("127.0.0.1", daemon.port))
            headers["Authorization"] = f"Bearer {daemon.token}"
        self.connection.request("GET", f"/api/workflow/{run}/events{query}", None, headers)
        self.response = None

    def open(self, status=200):
        self.response = self.connection.getresponse()
        assert self.response.status == status, self.response.read()
        return self

    def line(self):
        """The next line without its end; None when the server has closed."""
        line = self.response.readline()
        return line.decode().rstrip("\n") if line else None

    def __iter__(self):
        """(id, event, data) of each event; comments as (None, ':', text)."""
        if self.response is None:
            self.open()
        fields = {}
        while (line := self.line()) is not None:
            if line.startswith(":"):
                yield None, ":", line[1:]
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                if "data" in fields:
                    contract.contract().check_event("/api/workflow/{id}/events", fields["event"],
                                                    fields["data"])
                    yield fields.get("id"), fields["event"], fields["data"]
                fields = {}

    def close(self):
        self.connection.close()
        if self.response is not None:
            self.response.close()


def output_records(daemon, run, after=0):
    """All of them, however many replies that takes."""
    records = []
    while True:
        reply = daemon.get(f"/api/workflow/output/{run}?after={after}&limit=10000").json["data"]
        records += reply["records"]
        after = reply["next_after"]
        if not reply["records"] or reply["ended"]:
            return records


def memory(pid):
    """The daemon's resident memory in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


class Streams(argo.Case):
    def stream(self, run, query="", **headers):
        """Everything until the server closes: the records' texts, and what the end said."""
        reader = Events(self.daemon, run, query, headers)
        self.addCleanup(reader.close)
        told = list(reader)
        self.assertEqual(told[-1][:2], (None, "end"))
        records = [data for _, event, data in told[:-1] if event != ":"]
        for (number, event, _), record in zip([t for t in told if t[1] != ":"],
                                              map(json.loads, records)):
            self.assertEqual((number, event), (str(record["seq"]), record["stream"]))
        return records, json.loads(told[-1][2])

    def polled(self, run, after=0, limit=1000):
        """The same by long polls."""
        records, ended = [], False
        while not ended:
            reply = self.daemon.get(
                f"/api/workflow/{run}/events?after={after}&limit={limit}&timeout=20").json
            self.assertEqual(list(reply), ["events", "data"])
            self.assertEqual(list(reply["data"]), ["count", "next_after", "ended"])
            self.assertEqual(reply["data"]["count"], len(reply["events"]))
            records += reply["events"]
            after, ended = reply["data"]["next_after"], reply["data"]["ended"]
        return [json.dumps(r, separators=(",", ":"), ensure_ascii=False) for r in records]

    def conversation(self):
        run = self.daemon.launch(ASK)
        self.daemon.answer(run, "Ädä")
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        return run

    def assert_gapless(self, records):
        self.assertEqual([r["seq"] for r in records], list(range(1, len(records) + 1)))

    def test_both_forms_tell_the_same(self):
        run = self.conversation()
        records, end = self.stream(run)
        self.assertEqual(records, self.polled(run))
        self.assertEqual(records, self.polled(run, limit=1))
        self.assertEqual(end, {"workflow_id": run, "state": "done", "ended": True,
                               "next_after": len(records)})
        decoded = [json.loads(r) for r in records]
        self.assert_gapless(decoded)
        told = [(r["kind"], r["text"]) for r in decoded if r["stream"] == "event"]
        self.assertEqual([k for k, _ in told], [
            "state", "state", "step_start", "step_complete", "question", "state", "answer", "state",
            "step_complete", "step_complete", "state"])
        self.assertEqual([t for k, t in told if k == "state"],
                         ["queued", "running", "waiting", "running", "done"])
        # The view of one stream is a part of it.
        output = [{k: v for k, v in r.items() if k != "stream"} for r in decoded
                  if r["stream"] == "output"]
        self.assertEqual(output, self.daemon.records(run))

    def test_it_comes_while_it_happens(self):
        run = self.daemon.launch(ASK)
        reader = Events(self.daemon, run)
        self.addCleanup(reader.close)
        seen = []
        for _, event, data in reader:
            if event == ":":
                continue
            seen.append(event)
            if '"kind":"question"' in data:
                question = json.loads(data)["question_id"]
                self.assertEqual(self.daemon.answer(run, "Ada", {"question_id": question}).status,
                                 200)
        self.assertEqual(seen[-1], "end")
        self.assertIn("input", seen)

    def test_a_reader_goes_on_where_it_was(self):
        run = self.conversation()
        records, _ = self.stream(run)
        for seen in range(len(records) + 1):
            rest, end = self.stream(run, **{"Last-Event-ID": str(seen)})
            self.assertEqual(rest, records[seen:])
            self.assertEqual(end["next_after"], len(records))
            self.assertEqual(self.polled(run, seen), rest)
        # What the reader says it has seen counts for more than the URL that it was given.
        rest, _ = self.stream(run, "?after=1", **{"Last-Event-ID": "5"})
        self.assertEqual(rest, records[5:])
        reply = self.daemon.get(f"/api/workflow/{run}/events?after=1",
                                headers={"Last-Event-ID": "5"}).json
        self.assertEqual(reply["events"][0]["seq"], 6)
        for headers in ({"Last-Event-ID": "x"}, {"Last-Event-ID": "-1"}):
            for accept in ("text/event-stream", "application/json"):
                reply = self.daemon.get(f"/api/workflow/{run}/events",
                                        headers={**headers, "Accept": accept})
                self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1001))

    def test_the_last_records(self):
        run = self.conversation()
        records = output_records(self.daemon, run)
        for tail in range(len(records) + 2):
            reply = self.daemon.get(f"/api/workflow/output/{run}?tail={tail}").json["data"]
            self.assertEqual(reply["records"], records[len(records) - tail:] if tail <
                             len(records) else records)
            shown = self.arc("attach", run, "--json", "--tail", str(tail), check=0).stdout
            self.assertEqual([r["seq"] for r in map(json.loads, shown.splitlines()) if "seq" in r],
                             [r["seq"] for r in reply["records"]])
        self.assertEqual(self.daemon.get(f"/api/workflow/output/{run}?tail=x").status, 400)

    def test_errors_are_plain_replies(self):
        for accept in ("text/event-stream", "application/json"):
            reply = self.daemon.get("/api/workflow/nobody/events", headers={"Accept": accept})
            self.assertEqual((reply.status, reply.json["error"]["code"]), (404, 1005))
            run = self.daemon.launch(HOLD)
            reply = self.daemon.get(f"/api/workflow/{run}/events?after=x",
                                    headers={"Accept": accept})
            self.assertEqual((reply.status, reply.json["error"]["code"]), (400, 1001))
            reply = self.daemon.get(f"/api/workflow/{run}/events", tcp=True, token=False,
                                    headers={"Accept": accept})
            self.assertEqual(reply.status, 401)

    def test_the_end_is_said(self):
        failed = self.daemon.launch(steps(shell("exit 3")), wait=True)
        self.assertEqual(self.stream(failed)[1]["state"], "failed")
        abandoned = self.daemon.launch(HOLD)
        self.daemon.question(abandoned)
        reader = Events(self.daemon, abandoned).open()
        self.addCleanup(reader.close)
        self.assertEqual(self.daemon.delete(f"/api/workflow/abandon/{abandoned}").status, 200)
        _, event, data = list(reader)[-1]
        self.assertEqual(event, "end")
        self.assertEqual((json.loads(data)["state"], json.loads(data)["ended"]),
                         ("abandoned", True))

    def test_a_daemon_that_stops_says_so(self):
        run = self.daemon.launch(HOLD)
        question = self.daemon.question(run)
        reader = Events(self.daemon, run).open()
        self.addCleanup(reader.close)
        self.daemon.stop()
        told = list(reader)
        end = json.loads(told[-1][2])
        self.assertEqual((told[-1][1], end["ended"]), ("end", False))
        self.daemon.start()
        self.assertEqual(self.daemon.answer(run, "x", question).status, 200)
        rest, _ = self.stream(run, **{"Last-Event-ID": str(end["next_after"])})
        self.assert_gapless([json.loads(d) for _, e, d in told[:-1] if e != ":"] +
                            [json.loads(r) for r in rest])

    def test_a_heartbeat_while_nothing_happens(self):
        run = self.daemon.launch(HOLD)
        self.daemon.question(run)
        reader = Events(self.daemon, run)
        self.addCleanup(reader.close)
        for _, event, _ in reader:
            if event == ":":
                return
        self.fail("it ended")

    def test_head_has_no_body_and_moves_nothing(self):
        run = self.conversation()
        before = self.daemon.get(f"/api/workflow/output/{run}?limit=1").json
        for accept in ("text/event-stream", "application/json"):
            reply = self.daemon.request("HEAD", f"/api/workflow/{run}/events",
                                        headers={"Accept": accept})
            self.assertEqual((reply.status, reply.text), (200, ""))
            self.assertTrue(reply.headers["Content-Type"].startswith(accept))
        live = self.daemon.launch(HOLD)
        self.daemon.question(live)
        for path in (f"output/{live}", f"{live}/events"):
            self.assertEqual(self.daemon.request("HEAD", f"/api/workflow/{path}").status, 200)
        first = self.daemon.get(f"/api/workflow/output/{live}").json
        self.assertEqual([r["kind"] for r in first["data"]["records"]], ["prompt"])
        self.assertEqual(self.daemon.get(f"/api/workflow/output/{run}?limit=1").json, before)

    def test_streams_count_as_waiters(self):
        run = self.daemon.launch(HOLD)
        question = self.daemon.question(run)
        readers = []
        while len(readers) < 1024:  # the executor waits, too
            reader = Events(self.daemon, run)
            self.addCleanup(reader.close)
            reader.response = reader.connection.getresponse()
            if reader.response.status != 200:
                break
            readers.append(reader)
        self.assertGreater(len(readers), 1000)
        reply = self.daemon.get(f"/api/workflow/{run}/events",
                                headers={"Accept": "text/event-stream"})
        self.assertEqual((reply.status, reply.json["error"]["code"]), (503, 1203))
        self.assertEqual(self.daemon.get("/api/health").status, 200)
        readers.pop().close()
        argo.wait_for(lambda: self.daemon.request(
            "HEAD", f"/api/workflow/{run}/events",
            headers={"Accept": "text/event-stream"}).status == 200, "a place")
        self.daemon.answer(run, "x", question)
        self.assertEqual({list(reader)[-1][1] for reader in readers}, {"end"})

    def test_readers_that_do_not_read(self):
        """They cost the daemon little, and nobody waits for them; later they get everything."""
        size = 48 * MEBIBYTE
        go = self.daemon.home / "go"
        run = self.daemon.launch(steps(shell(
            f"until test -e {go}; do sleep 0.02; done; yes 0123456789abcdef | head -c {size}")))
        slow = [Events(self.daemon, run, receive=1 if i < 4 else None) for i in range(8)]
        for reader in slow:
            self.addCleanup(reader.close)
            reader.open()
        before = memory(self.daemon.process.pid)
        go.touch()
        records, end = self.stream(run)
        self.assertEqual((end["state"], end["ended"]), ("done", True))
        decoded = [json.loads(r) for r in records]
        self.assert_gapless(decoded)
        self.assertEqual(sum(len(r["text"]) for r in decoded if r["kind"] == "stdout"), size)
        if os.environ.get("ARGO_TEST_SANITIZE", "none") == "none":  # they keep what is freed
            grown = memory(self.daemon.process.pid) - before
            print(f"{grown >> 10} KiB for 8 readers that were sent {size >> 20} MiB", flush=True)
            self.assertLess(grown, size, "less than one copy, let alone eight")
        for reader in slow[6:]:
            told = [data for _, event, data in reader if event not in (":", "end")]
            self.assertEqual(told, records)

    def test_arc_killed_between_reading_and_showing(self):
        """What it had read and not shown is shown when it is asked for again."""
        run = self.daemon.launch(steps(shell("seq 1 200000")), wait=True)
        env = {**os.environ, "ARGO_HOME": str(self.daemon.home)}
        arc = [str(self.prefix / "bin/arc"), "logs", "--json", run]
        seen = []
        with subprocess.Popen(arc, env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              text=True) as killed:
            # It has read far more than this pipe takes.
            seen.append(json.loads(killed.stdout.readline()))
            killed.send_signal(signal.SIGKILL)
            killed.wait(argo.DEADLINE)
        shown = self.arc("attach", run, "--json", "--after", str(seen[-1]["seq"]), check=0).stdout
        seen += [json.loads(line) for line in shown.splitlines()]
        seen = [r for r in seen if "stream" in r]  # the last line is how it ended
        self.assertEqual([r["seq"] for r in seen],
                         [r["seq"] for r in output_records(self.daemon, run)])
        self.assertEqual("".join(r["text"] for r in seen),
                         "".join(f"{n}\n" for n in range(1, 200001)))


class Gaps(argo.Case):
    daemon_args = ("--output-max", str(2 * MEBIBYTE))

    def produce(self, size):
        """A run whose command writes SIZE bytes in numbered lines of 16; its text."""
        lines = size // 16
        text = "".join(f"{n:015d}\n" for n in range(lines))
        run = self.daemon.launch(steps(shell(f"seq -f %015.0f 0 {lines - 1}")), wait=True)
        return run, text

    def log(self, run):
        """The output records in the run's log."""
        path = self.daemon.home / f"logs/{run}.log"
        found = []
        for line in path.read_text().splitlines() if path.exists() else []:
            record = json.loads(line)
            if record.get("stream") == "output":
                found.append(record)
        return found

    def events(self, run):
        records, ended = [], False
        while not ended:
            after = records[-1]["seq"] if records else 0
            reply = self.daemon.get(f"/api/workflow/{run}/events?after={after}&limit=10000").json
            records += reply["events"]
            ended = reply["data"]["ended"]
        return records

    def test_below_the_limit_there_is_none(self):
        run, text = self.produce(MEBIBYTE)
        self.assertEqual(self.daemon.output(run), text)
        self.assertEqual([r["seq"] for r in self.events(run)],
                         list(range(1, len(self.events(run)) + 1)))
        self.assertEqual(self.log(run), [])

    def test_above_it_the_oldest_goes_to_the_log(self):
        run, text = self.produce(5 * MEBIBYTE)
        records = output_records(self.daemon, run)
        gap, kept = records[0], records[1:]
        logged = self.log(run)
        self.assertEqual([r["kind"] for r in records].count("gap"), 1)
        self.assertEqual(gap["kind"], "gap")
        self.assertEqual(gap["data"], {"records": len(logged),
                                       "bytes": sum(len(r["text"]) for r in logged)})
        self.assertIn(f"the log {run}.log", gap["text"])
        # Nothing is lost, nothing is twice, and the numbers are what they were.
        self.assertEqual("".join(r["text"] for r in logged + kept), text)
        self.assertEqual(gap["seq"], logged[-1]["seq"])
        self.assertEqual(kept[0]["seq"], gap["seq"] + 1)
        self.assertLess(sum(len(r["text"]) for r in kept), 2 * MEBIBYTE)
        self.assertGreater(sum(len(r["text"]) for r in kept), MEBIBYTE)
        # All that is told has the gap in its place, among what came between.
        events = self.events(run)
        self.assertEqual([r for r in events if r["kind"] == "gap"], [{**gap, "stream": "output"}])
        self.assertEqual([r["seq"] for r in events], sorted(
            {r["seq"] for r in events} | {r["seq"] for r in records}))
        missing = set(range(1, events[-1]["seq"] + 1)) - {r["seq"] for r in events}
        self.assertEqual(missing, {r["seq"] for r in logged[:-1]})
        # Within the gap, at its end, behind it.
        for after, expected in ((logged[3]["seq"], records), (gap["seq"] - 1, records),
                                (gap["seq"], kept)):
            self.assertEqual(output_records(self.daemon, run, after), expected)
        shown = self.arc("logs", run, check=0).stdout
        self.assertTrue(shown.startswith(gap["text"]))
        self.assertTrue(shown.endswith(text[-1000:]))
        log = self.arc("logs", "--log", run, check=0).stdout
        self.assertIn(text[:15], log)

    def test_a_reader_that_does_not_read_sees_it(self):
        go = self.daemon.home / "go"
        run = self.daemon.launch(steps(
            shell(f"echo first; until test -e {go}; do sleep 0.02; done; "
                  f"yes 0123456789abcdef | head -c {16 * MEBIBYTE}")))
        argo.wait_for(lambda: self.daemon.records(run), "the first line")
        reader = Events(self.daemon, run, receive=1)
        self.addCleanup(reader.close)
        reader.open()
        go.touch()
        self.assertEqual(self.daemon.wait_end(run)["status"], "done")
        told = [json.loads(data) for _, event, data in reader if event == "output"]
        self.assertEqual(told[0]["text"], "first\n")
        seqs = [r["seq"] for r in told]
        self.assertEqual(seqs, sorted(set(seqs)))
        self.assertIn("gap", [r["kind"] for r in told])
        # What it was not told is in the log.
        missed = set(r["seq"] for r in self.log(run)) - set(seqs)
        self.assertTrue(missed)
        self.assertEqual(missed | set(seqs),
                         {r["seq"] for r in self.log(run) + output_records(self.daemon, run)})


async def hang_up(*writers):
    for writer in writers:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


class Proxy:
    """Between readers and the daemon's socket; cuts each connection after a random number of bytes
    in either direction."""

    def __init__(self, path, dice):
        self.path, self.dice, self.cuts = path, dice, 0
        self.tasks = set()

    async def pass_on(self, reader, writer, left):
        try:
            while left > 0 and (data := await reader.read(min(left, 4096))):
                writer.write(data)
                await writer.drain()
                left -= len(data)
            self.cuts += left == 0
        except OSError:
            pass

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        towards, back = self.dice.randrange(20, 2000), int(self.dice.expovariate(1 / 4000)) + 1
        daemon_reader, daemon_writer = await asyncio.open_unix_connection(self.path)
        both = [asyncio.ensure_future(self.pass_on(reader, daemon_writer, towards)),
                asyncio.ensure_future(self.pass_on(daemon_reader, writer, back))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await hang_up(writer, daemon_writer)
        self.tasks.discard(asyncio.current_task())

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        await asyncio.gather(*self.tasks)


class Reader:
    """Collects the transcript of a run through connections that break."""

    def __init__(self, port, run, sse):
        self.port, self.run, self.sse = port, run, sse
        self.records, self.after, self.connections = [], 0, 0

    async def request(self, headers):
        self.connections += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"GET {headers.pop('path')} HTTP/1.1", "Host: localhost",
                 *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        except asyncio.IncompleteReadError:
            await hang_up(writer)
            raise
        assert head.startswith("http/1.1 200"), head
        return reader, writer, head

    async def body(self, reader):
        """The pieces of a chunked body."""
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            yield (await reader.readexactly(size + 2))[:-2]

    def take(self, event):
        """True at the end."""
        fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
        if fields.get("event") == "end":
            return json.loads(fields["data"])["ended"]
        if "id" in fields:
            self.records.append(fields["data"])
            self.after = int(fields["id"])
        return False

    async def follow(self):
        headers = {"path": f"/api/workflow/{self.run}/events", "Accept": "text/event-stream"}
        if self.after:
            headers["Last-Event-ID"] = str(self.after)
        reader, writer, _ = await self.request(headers)
        try:
            text = b""
            async for piece in self.body(reader):
                text += piece
                while b"\n\n" in text:
                    event, text = text.split(b"\n\n", 1)
                    if self.take(event.decode()):
                        return True
        finally:
            await hang_up(writer)
        return False

    async def poll(self):
        reader, writer, head = await self.request(
            {"path": f"/api/workflow/{self.run}/events?after={self.after}&timeout=20&limit=50",
             "Connection": "close"})
        try:
            length = int(head.split("content-length: ")[1].split("\r\n")[0])
            reply = json.loads(await reader.readexactly(length))
        finally:
            await hang_up(writer)
        self.records += [json.dumps(r, separators=(",", ":"), ensure_ascii=False)
                         for r in reply["events"]]
        self.after = reply["data"]["next_after"]
        return reply["data"]["ended"]

    async def collect(self):
        ended = False
        while not ended:
            try:
                ended = await (self.follow() if self.sse else self.poll())
            except (OSError, asyncio.IncompleteReadError, ValueError):
                await asyncio.sleep(0.001)  # cut: come again, as the retry hint says in longer


class CutConnections(argo.Case):
    def test_every_reader_gets_the_same(self):
        readers = 100 if LONG else 20
        lines = 2000 if LONG else 300
        print(f"seed {SEED}: ARGO_TEST_SEED={SEED} repeats it", flush=True)
        run = self.daemon.launch(steps(
            shell(f"for i in $(seq {lines}); do echo line $i; sleep 0.005; done"),
            {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"},
            shell(f"for i in $(seq {lines}); do echo more $i; done")| {"step": "more"}))

        async def main():
            proxy = Proxy(self.daemon.socket, random.Random(SEED))
            port = await proxy.start()
            everybody = [Reader(port, run, i % 4 != 3) for i in range(readers)]
            work = [asyncio.ensure_future(r.collect()) for r in everybody]
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self.daemon.answer, run, "x")
            await asyncio.wait_for(asyncio.gather(*work), argo.DEADLINE * (10 if LONG else 2))
            await proxy.stop()
            return everybody, proxy.cuts

        everybody, cuts = asyncio.run(main())
        truth = [json.dumps(r, separators=(",", ":"), ensure_ascii=False)
                 for r in self.whole(run)]
        self.assertEqual([json.loads(r)["seq"] for r in truth], list(range(1, len(truth) + 1)))
        for reader in everybody:
            self.assertEqual(reader.records, truth)
        self.assertGreater(cuts, readers)
        print(f"{readers} readers, {sum(r.connections for r in everybody)} connections, "
              f"{cuts} cuts, {len(truth)} records", flush=True)

    def whole(self, run):
        records = []
        while True:
            after = records[-1]["seq"] if records else 0
            reply = self.daemon.get(f"/api/workflow/{run}/events?after={after}").json
            records += reply["events"]
            if reply["data"]["ended"]:
                return records


if __name__ == "__main__":
    argo.main()
