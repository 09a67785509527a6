"""One person at work: starts runs, answers, types ahead, reads, looks, repeats himself. Everything
that changes something has a key and is sent again until a reply comes, or he gives up. What he sees
is checked at once against what was acknowledged before."""
import http.client
import random
import threading

import workloads

LOST = (OSError, http.client.HTTPException, ValueError)
ENDS = ("done", "failed", "abandoned")


class Run:
    """What one start has led to."""

    def __init__(self, key, body):
        self.key, self.body = key, body
        self.id = None  # as acknowledged
        self.abandoned = False  # acknowledged
        self.effects_at_end = None
        self.seen = {}  # the last status by client
        self.records = {}  # read so far by client
        self.events = {}
        self.waking = 0  # begun: whatever may let a paused run go on
        self.woken = 0  # and ended
        self.still = None  # the effects when it was paused, as long as nobody has woken it

    def wake(self, world):
        """To be called before anything that lets the run go on; a paused run did nothing until now."""
        with world.lock:
            self.waking += 1
            still, self.still = self.still, None
        world.expect(still is None or still == world.effects(self),
                     f"{self.id} went on while it was paused", [self.id])


class Client(threading.Thread):
    def __init__(self, world, number):
        super().__init__(name=f"client-{number}", daemon=True)
        self.world, self.number = world, number
        self.done = []  # (method, path, body, key, text of the reply) that may be repeated
        self.going = set()  # the runs that had not ended when it last looked
        self.texts = 0

    def run(self):
        world, step = self.world, 0
        try:
            while not world.over.is_set():
                # A generator of its own for each act: what came back does not change the next one.
                dice = random.Random(f"{world.seed}/{self.number}/{step}")
                self.luck = random.Random(f"{world.seed}/{self.number}/{step}/luck")
                self.act(dice)
                step += 1
                world.over.wait(dice.uniform(0, 0.1))
        except Exception as error:  # pylint: disable=broad-except
            world.violation(f"{self.name}: {type(error).__name__}: {error}", [self.name])
            if not isinstance(error, AssertionError):
                raise

    def act(self, dice):
        acts = (("start", 3), ("answer", 6), ("line", 2), ("read", 4), ("look", 3),
                ("list_all", 1), ("repeat", 2), ("clash", 0.3), ("abandon", 0.4))
        if self.world.can_pause:
            acts += (("pause", 0.7), ("resume", 1.5))
        names, weights = zip(*acts)
        getattr(self, "do_" + dice.choices(names, weights)[0])(dice)

    # ---- requests --------------------------------------------------------------------------------

    def send(self, method, path, body, headers, tcp):
        """A reply, or None when it was lost or is to be asked for again."""
        daemon = self.world.daemon
        port = daemon.port
        try:
            reply = daemon.request(method, path, body, headers=headers, tcp=tcp)
        except LOST as error:
            return None, type(error).__name__
        if reply.status == 503 or (reply.status == 401 and tcp and daemon.port != port):
            return None, reply.status
        return reply, None

    def change(self, dice, method, path, body=None, key=None):
        """A request that changes something, sent again until it is answered. None: given up."""
        world = self.world
        headers = {"Idempotency-Key": key} if key else {}
        number = world.journal.put(self.name, ask=[method, path, body, key])
        gives_up = dice.random() < 0.15
        while True:
            tcp = self.luck.random() < 0.3
            reply, why = self.send(method, path, body, headers, tcp)
            if reply is not None:
                world.journal.put(self.name, of=number, ack=reply.status, text=reply.text)
                world.counts["acknowledged"] += 1
                return reply
            world.journal.put(self.name, of=number, lost=why)
            world.counts["lost"] += 1
            if (gives_up and why != 503) or world.over.wait(self.luck.uniform(0, 0.1)):
                return None

    def get(self, path):
        """A reply to a GET, or None when the daemon is away."""
        return self.send("GET", path, None, {}, self.luck.random() < 0.3)[0]

    def keep(self, method, path, body, key, reply):
        if reply is not None and reply.status == 200:
            self.done.append((method, path, body, key, reply))

    # ---- what a person does ------------------------------------------------------------------------

    def do_start(self, dice):
        world = self.world
        reply = self.get("/api/workflow/list?limit=1000")
        if reply is not None:
            self.going = {item["workflow_id"] for item in reply.json["workflows"]}
        if sum(run.id in self.going for run in world.runs_of(self)) >= 4:
            return self.do_look(dice)
        self.texts += 1
        key = f"r{self.number}-{self.texts}"
        work = world.work / key
        work.mkdir()
        body = {"definition": workloads.template(dice, world.kinds), "cwd": str(work),
                "env": {"PATH": world.path}}
        if dice.random() < 0.5:
            body["workflow_id"] = f"w{key}"
        header = dice.random() < 0.5
        if not header:
            body["request_key"] = key
        run = Run(key, body)
        world.add(self, run)
        reply = self.change(dice, "POST", "/api/workflow/start", body, key if header else None)
        if reply is None:
            return None
        world.expect(reply.status == 200, f"start {key}: {reply}", [key])
        run.id = reply.json["workflow_id"]
        self.keep("POST", "/api/workflow/start", body, key if header else None, reply)
        return None

    def do_answer(self, dice):
        reply = self.get("/api/questions?state=open")
        if reply is None:
            return
        questions = reply.json["questions"]
        if not questions:
            return
        question = questions[int(dice.random() * len(questions))]
        self.texts += 1
        text = f"c{self.number}a{self.texts}"
        answer = workloads.answer(question, dice, text)
        workflow = question["workflow_id"]
        path = f"/api/workflow/input/{workflow}"
        if dice.random() < 0.1 and question["kind"] != "text":
            reply = self.change(dice, "POST", path, {"question_id": question["question_id"],
                                                     "answer": "no such answer"}, text)
            self.world.expect(reply is None or reply.status in (409, 422),
                              f"a wrong answer: {reply}", [workflow])
            return
        body = {"question_id": question["question_id"], "answer": answer}
        reply = self.change(dice, "POST", path, body, text)
        if reply is None:
            return
        if reply.status == 200:
            self.keep("POST", path, body, text, reply)
            self.world.note_input(workflow, reply, answer, question["question_id"])
        else:
            code = reply.json["error"]["code"]
            self.world.expect(code in (1008, 1011), f"an answer: {reply}", [workflow])

    def do_line(self, dice):
        run = self.pick(dice)
        if run is None:
            return
        self.texts += 1
        text = f"c{self.number}l{self.texts}"
        path, body = f"/api/workflow/input/{run.id}", {"input": text}
        reply = self.change(dice, "POST", path, body, text)
        if reply is None:
            return
        if reply.status == 200:
            self.keep("POST", path, body, text, reply)
            self.world.note_input(run.id, reply, text, None)
        else:
            # Ended, or a question that takes no such line.
            self.world.expect(reply.json["error"]["code"] in (1008, 1013), f"a line: {reply}",
                              [run.id])

    def do_read(self, dice):
        run = self.pick(dice)
        if run is None:
            return
        events = dice.random() < 0.4
        records = (run.events if events else run.records).setdefault(self.name, [])
        after = records[-1]["seq"] if records else 0
        path = f"/api/workflow/{run.id}/events" if events else f"/api/workflow/output/{run.id}"
        reply = self.get(f"{path}?after={after}&limit={dice.choice((1, 3, 1000))}"
                         f"&timeout={dice.choice((0, 0.2, 1))}")
        if reply is not None:
            self.world.expect(reply.status == 200, f"{path}: {reply}", [run.id])
            records += reply.json["events"] if events else reply.json["data"]["records"]

    def do_look(self, dice):
        run = self.pick(dice)
        if run is None:
            return
        reply = self.get(f"/api/workflow/status/{run.id}")
        if reply is None:
            return
        self.world.expect(reply.status == 200, f"status of {run.id}: {reply}", [run.id])
        if dice.random() < 0.3:
            (self.world.work / run.key / "finish").touch()  # the stubborn may end
        now, before = reply.json["data"], run.seen.get(self.name)
        run.seen[self.name] = now
        if before is None:
            return
        for field in ("epoch", "seq", "steps_done", "started"):
            self.world.expect((now.get(field) or 0) >= (before.get(field) or 0) or
                              (field == "started" and now[field] == before[field]),
                              f"{field} of {run.id} went back from {before[field]} to "
                              f"{now[field]}", [run.id])
        self.world.expect(before["state"] not in ENDS or now["state"] == before["state"],
                          f"{run.id} was {before['state']} and is {now['state']}", [run.id])

    def do_list_all(self, dice):
        acknowledged = [run.id for run in self.world.all_runs() if run.id]
        ids, cursor = [], ""
        while cursor is not None:
            reply = self.get(f"/api/workflow/list?state=all&limit=1000{cursor}")
            if reply is None:
                return
            ids += [item["workflow_id"] for item in reply.json["workflows"]]
            following = reply.json["data"]["next_cursor"]
            cursor = f"&cursor={following}" if following else None
        missing = set(acknowledged) - set(ids)
        self.world.expect(not missing, f"acknowledged and not listed: {missing}", list(missing))
        self.world.expect(len(ids) == len(set(ids)), "a run is listed twice", [])

    def do_repeat(self, dice):
        """The same request with the same key gets the same answer."""
        if not self.done:
            return
        method, path, body, key, first = self.done[int(dice.random() * len(self.done))]
        reply = self.change(dice, method, path, body, key)
        if reply is None:
            return
        same = reply.text == first.text if path != "/api/workflow/start" else \
            reply.status == 200 and reply.json["workflow_id"] == first.json["workflow_id"]
        self.world.expect(same, f"{method} {path} with the key {key} got {reply}, before {first}",
                          [key or body.get("request_key")])

    def do_clash(self, dice):
        """The same key with another body is refused."""
        run = self.pick(dice)
        if run is None or "request_key" not in run.body:
            return
        reply = self.change(dice, "POST", "/api/workflow/start", {**run.body, "branch": "other"})
        self.world.expect(reply is None or (reply.status == 409 and
                                            reply.json["error"]["code"] == 1012),
                          f"{run.key} with another body: {reply}", [run.key])

    def do_abandon(self, dice):
        run = self.pick(dice)
        if run is None:
            return
        self.texts += 1
        key, path = f"c{self.number}x{self.texts}", f"/api/workflow/abandon/{run.id}"
        run.wake(self.world)
        reply = self.change(dice, "DELETE", path, None, key)
        if reply is None:
            return
        if reply.status != 200:
            self.world.expect(reply.json["error"]["code"] == 1008, f"abandon: {reply}", [run.id])
            return
        living = self.world.processes_of(run.id)
        self.world.expect(not living, f"{run.id} is abandoned and {living} live", [run.id])
        run.abandoned = True
        run.effects_at_end = self.world.effects(run)
        self.keep("DELETE", path, None, key, reply)

    def do_pause(self, dice):
        """When the reply has come everything of the run stands still, unless somebody woke it."""
        run = self.pick(dice)
        if run is None:
            return
        before = run.waking if run.waking == run.woken else None
        reply = self.control(dice, run, "pause")
        if reply is None or reply.status != 200 or before is None:
            return
        running, effects = self.world.running_of(run.id), self.world.effects(run)
        with self.world.lock:
            undisturbed = run.waking == before
            if undisturbed:
                run.still = effects
        self.world.expect(not undisturbed or not running,
                          f"{run.id} is paused and {running} run", [run.id])

    def do_resume(self, dice):
        run = self.pick(dice)
        if run is not None:
            run.wake(self.world)
            if self.control(dice, run, "resume") is not None:
                run.woken += 1  # else its request may still be under way

    def control(self, dice, run, action):
        self.texts += 1
        key, path = f"c{self.number}p{self.texts}", f"/api/workflow/{action}/{run.id}"
        reply = self.change(dice, "POST", path, {}, key)
        self.world.expect(reply is None or reply.status == 200 or
                          reply.json["error"]["code"] == 1008, f"{action}: {reply}", [run.id])
        self.keep("POST", path, {}, key, reply)
        return reply

    def pick(self, dice):
        """Mostly one of mine that goes on, sometimes anybody's, also one that has ended."""
        runs = [run for run in self.world.all_runs() if run.id and not run.abandoned]
        going = [run for run in runs if run.id in self.going]
        mine = [run for run in going if run in self.world.runs_of(self)]
        place, which = dice.random(), dice.random()
        runs = mine if mine and which < 0.7 else going if going and which < 0.95 else runs
        return runs[int(place * len(runs))] if runs else None
