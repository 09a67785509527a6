"""The end of a crash loop: everything is let go on to its end, then what clients and the journal know
is compared with what the daemon tells, and that with what the steps left behind."""
import collections
import json
import pathlib
import signal
import sqlite3
import time

import argo
import witness
import workloads

ENDS = ("done", "failed", "abandoned")
HEALING = 300  # s until a run that should end counts as hanging


class Verdict:
    def __init__(self, world):
        self.world, self.daemon = world, world.daemon

    def expect(self, fact, text, *about):
        self.world.expect(fact, text, about)

    # ---- healing -----------------------------------------------------------------------------------

    def heal(self):
        """Answers and resumes until every run has ended."""
        for run in self.world.all_runs():
            (self.world.work / run.key / "finish").touch()
        end = time.monotonic() + HEALING
        count = 0
        while time.monotonic() < end:
            going = self.listed("")
            if not going:
                return
            for item in going:
                if item["status"] == "paused" and self.world.can_pause:
                    self.resume(item["workflow_id"])
            for question in self.daemon.get("/api/questions?state=open").json["questions"]:
                count += 1
                self.settle(question, f"f{count}")
            time.sleep(0.02)
        for item in self.listed(""):
            status = self.daemon.status(item["workflow_id"])
            self.expect(False, f"{item['workflow_id']} does not end: {status}",
                        item["workflow_id"])

    def resume(self, workflow):
        run = self.world.run_of(workflow)
        if run is not None:
            run.wake(self.world)
        self.daemon.post(f"/api/workflow/resume/{workflow}")

    def settle(self, question, text):
        answer = workloads.answer(question, FIRST, text)
        reply = self.daemon.post(f"/api/workflow/input/{question['workflow_id']}",
                                 {"question_id": question["question_id"], "answer": answer})
        if reply.status == 200:
            self.world.note_input(question["workflow_id"], reply, answer,
                                  question["question_id"])
        else:
            self.expect(reply.json["error"]["code"] in (1008, 1011), f"healing: {reply}",
                        question["workflow_id"])

    def listed(self, query):
        items, cursor = [], ""
        while cursor is not None:
            reply = self.daemon.get(f"/api/workflow/list?limit=1000{query}{cursor}").json
            items += reply["workflows"]
            following = reply["data"]["next_cursor"]
            cursor = f"&cursor={following}" if following else None
        return items

    # ---- judging -----------------------------------------------------------------------------------

    def judge(self):
        """Everything that can be asked while the daemon serves."""
        ids = [item["workflow_id"] for item in self.listed("&state=all")]
        status = {run: self.daemon.status(run)["data"] for run in ids}
        questions = collections.defaultdict(list)
        for question in self.daemon.get("/api/questions").json["questions"]:
            questions[question["workflow_id"]].append(question)
        self.starts(status)
        by_key = {data.get("request_key"): data for data in status.values()}
        for run in self.world.all_runs():
            data = by_key.get(run.key)
            if data is not None:
                run.id = data["workflow_id"]
                self.run(run, data, questions[run.id])
        return status

    def starts(self, status):
        """P1: an acknowledged start is there, exactly once; another one at most once."""
        by_key = collections.defaultdict(list)
        for run, data in status.items():
            by_key[data.get("request_key")].append(run)
        for run in self.world.all_runs():
            found = by_key[run.key]
            self.expect(len(found) <= 1, f"{run.key} was started {len(found)} times", run.key)
            self.expect(run.id is None or run.id in found,
                        f"{run.id} was acknowledged for {run.key}, there is {found}", run.key)
        strangers = set(by_key) - {run.key for run in self.world.all_runs()}
        self.expect(not strangers, f"runs that nobody started: {strangers}")

    def run(self, run, data, questions):
        world = self.world
        rows, records = self.daemon.steps(run.id), self.records(run.id)
        ran = world.effects(run)
        world.counts["runs " + data["state"]] += 1
        world.counts["steps"] += len(rows)
        world.counts["effects"] += len(ran)
        self.ending(run, data)
        repeats = collections.Counter(
            q["path"] for q in questions
            if q["question_id"].startswith("interrupted-") and q.get("answer") == "repeat")
        for problem in witness.problems(rows, ran, world.kills[run.id], repeats) + \
                witness.turn_problems(ran):
            self.expect(False, f"{run.id}: {problem}", run.id, run.key)
        self.transcripts(run, records, run.records)
        self.transcripts(run, self.events(run), run.events)
        self.inputs(run, data, questions, records)
        self.hearing(run, records, rows, questions)

    def ending(self, run, data):
        """An end has a reason that the journal knows."""
        state, error = data["state"], data.get("error")
        if run.abandoned:
            self.expect(state == "abandoned", f"{run.id} was abandoned and is {state}", run.id)
            self.expect(self.world.effects(run) == run.effects_at_end,
                        f"{run.id} went on after it was abandoned", run.id)
        if state == "failed":
            allowed = {"interrupted": 1, "crashed": 3}
            self.expect(error and self.world.kills[run.id] >= allowed.get(error["code"], 1e9),
                        f"{run.id} failed after {self.world.kills[run.id]} kills: {error}",
                        run.id, run.key)

    def records(self, run):
        found, after = [], 0
        while True:
            data = self.daemon.get(f"/api/workflow/output/{run}?after={after}&limit=10000").json[
                "data"]
            if not data["records"]:
                return found
            found += data["records"]
            after = data["next_after"]

    def events(self, run):
        """All records of the run: gapless, and a chain of states."""
        events = self.daemon.get(f"/api/workflow/{run.id}/events?limit=10000").json["events"]
        seqs = [event["seq"] for event in events]
        self.expect(seqs == list(range(1, len(seqs) + 1)), f"{run.id}: events {seqs}", run.id)
        states = [(event["data"].get("from"), event["data"]["to"]) for event in events
                  if event["kind"] == "state"]
        chained = all(after[0] == before[1] for before, after in zip(states, states[1:]))
        self.expect(chained, f"{run.id}: no chain of states: {states}", run.id)
        return events

    def transcripts(self, run, records, readers):
        """P5: every reader has read the same, in one order, once."""
        seqs = [record["seq"] for record in records]
        self.expect(seqs == sorted(set(seqs)), f"{run.id}: output in the order {seqs}", run.id)
        for who, read in list(readers.items()):
            self.expect(read == records[:len(read)],
                        f"{run.id}: {who} read {read}, there is {records}", run.id)

    def inputs(self, run, data, questions, records):
        """P2: what was acknowledged is there, each answer of the question that it was for."""
        by_id = {question["question_id"]: question for question in questions}
        by_seq = {question.get("answer_seq"): question for question in questions
                  if question["state"] == "answered"}
        # Those that lines can answer: an answer to another one passes nothing over.
        used = [seq for seq, question in by_seq.items() if question["kind"] in ("text", "choice")
                and not question["question_id"].startswith("interrupted-")]
        given = sorted({entry for workflow, entry in self.freeze() if workflow == run.id},
                       key=lambda entry: entry[0])
        self.expect(len({seq for seq, _, _ in given}) == len(given),
                    f"{run.id}: one number for two inputs: {given}", run.id)
        refused = [record["text"] for record in records if record["kind"] == "notice"]
        unused = None
        for seq, text, question in given:
            where = by_id.get(question) if question else by_seq.get(seq)
            if question:
                self.expect(where and where.get("answer_seq") == seq and
                            json.dumps(where.get("answer")) == text,
                            f"{run.id}: {text} as number {seq} answered {where}", run.id)
            elif where is not None:
                self.expect(unused is None, f"{run.id}: number {seq} was used, {unused} before "
                            "it was not", run.id)
                self.expect(json.dumps(where.get("answer")) == text,
                            f"{run.id}: {text} became {where['answer']}", run.id)
            elif not any(json.loads(text) in notice for notice in refused):
                unused = seq
        self.expect(unused is None or all(seq < unused for seq in used if seq not in
                                          {s for s, _, q in given if q}),
                    f"{run.id}: number {unused} was passed over: {used}", run.id)

    def freeze(self):
        """Answers as text, so that they can be compared and kept in a set."""
        return [(workflow, (seq, json.dumps(text), question))
                for workflow, (seq, text, question) in self.world.strays]

    def hearing(self, run, records, rows, questions):
        """What a step heard is what was answered (or its default), and it was heard once."""
        done = {row["path"] for row in rows if row["status"] == "done"}
        said = collections.Counter()
        for record in records:
            if record["kind"] == "text" and record["text"].startswith("heard "):
                said[record["path"]] += 1
                _, name, turn, value = record["text"].rstrip("\n").split(" ", 3)
                path = name if turn == "1" else f"{name}#{turn}"
                answers = [q.get("answer") if q["state"] == "answered" else q.get("default")
                           for q in questions if q["path"] == path and
                           not q["question_id"].startswith("interrupted-")]
                self.expect(json.loads(value) in answers,
                            f"{run.id}: {path} heard {value}, of {answers}", run.id)
        for path, n in said.items():
            self.expect(n == 1 and path in done, f"{run.id}: {path} was shown {n} times", run.id)

    # ---- after the end -----------------------------------------------------------------------------

    def close(self, status):
        """Nothing lives, the daemon goes in peace, the store is whole and without gaps."""
        def left():
            return list(self.world.processes())
        try:
            argo.wait_for(lambda: not left(), "the last process")
        except AssertionError:
            self.expect(False, f"all runs have ended and these live: {left()}")
        for problem in self.world.bystander.problems():
            self.expect(False, problem)
        self.daemon.process.send_signal(signal.SIGTERM)
        code = self.daemon.process.wait(argo.DEADLINE)
        self.expect(code == 0, f"the daemon stopped with {code}")
        self.deaths()
        with sqlite3.connect(self.daemon.home / "argo.db") as db:
            check = db.execute("PRAGMA integrity_check").fetchall()
            self.expect(check == [("ok",)], f"integrity_check: {check}")
            seqs = collections.defaultdict(list)
            for rid, seq in db.execute("SELECT rid, seq FROM records"):
                seqs[rid].append(seq)
            for rid, run, last in db.execute("SELECT rid, workflow_id, seq FROM runs"):
                self.expect(sorted(seqs[rid]) == list(range(1, last + 1)),
                            f"{run}: numbers {sorted(seqs[rid])} up to {last}", run)
        db.close()
        self.expect(len(status) == sum(n for name, n in self.world.counts.items()
                                       if name.startswith("runs ")), "runs were not judged")

    def deaths(self):
        """No executor died but by us."""
        for log in sorted(pathlib.Path(self.daemon.home / "logs").glob("daemon.log*")):
            for line in log.read_text().splitlines():
                text = json.loads(line).get("message", "")
                if " before the end of the run" in text:
                    pid = int(text.split(": executor ")[1].split()[0])
                    self.expect(pid in self.world.killed, f"an executor died: {text}",
                                text.split(":")[0])


class _First:
    """Dice that always show the middle: an answer as good as any."""

    @staticmethod
    def choice(items):
        return items[len(items) // 2]

    @staticmethod
    def random():
        return 0.5

    @staticmethod
    def randrange(n):
        return n // 2


FIRST = _First()
