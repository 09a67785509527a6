"""What happens to processes: the daemon and executors are killed with -9, together or alone, stopped
for a moment, ended politely, and killed again while they start. It measures how long it takes until
all is well again, and sees that executors do not notice a daemon's death."""
import os
import random
import signal
import threading
import time

import argo

AWAY = 60  # s until something that must come back counts as lost


class Nemesis(threading.Thread):
    def __init__(self, world):
        super().__init__(name="nemesis", daemon=True)
        self.world = world
        self.stop = threading.Event()

    def run(self):
        step = 0
        try:
            while not self.stop.is_set():
                dice = random.Random(f"{self.world.seed}/nemesis/{step}")
                self.stop.wait(dice.uniform(0.02, 0.8))
                act = dice.choices(
                    (self.kill_daemon, self.kill_executor, self.kill_both, self.freeze_daemon,
                     self.freeze_executor, self.end_daemon, self.kill_starting),
                    (4, 3, 2, 1, 1, 1, 2))[0]
                act(dice)
                step += 1
        except Exception as error:  # pylint: disable=broad-except
            self.world.violation(f"nemesis: {type(error).__name__}: {error}", ["nemesis"])
            self.world.over.set()
            if not isinstance(error, AssertionError):
                raise

    def note(self, **what):
        self.world.journal.put("nemesis", **what)

    # ---- the daemon ----------------------------------------------------------------------------

    def check_alive(self):
        code = self.world.daemon.process.poll()
        if code is not None:
            raise AssertionError(f"the daemon ended by itself with {code}: "
                                 f"{(self.world.daemon.home / 'stderr').read_text()[-2000:]}")

    def strike(self, signo):
        self.check_alive()
        self.note(did="signal daemon", signal=int(signo), pid=self.world.daemon.process.pid)
        began = time.monotonic()
        self.world.daemon.kill(signo)
        self.world.counts["daemon kills" if signo == signal.SIGKILL else "daemon stops"] += 1
        if signo == signal.SIGTERM:
            self.world.slowest("stop", time.monotonic() - began)
            code = self.world.daemon.process.returncode
            self.world.expect(code == 0, f"the daemon stopped with {code}", ["nemesis"])

    def bring_back(self, dice, before):
        """Starts the daemon; BEFORE are the executors that were there when it died."""
        # A parked run costs nothing, one that waits with its process must survive as well.
        self.world.daemon.args[1] = dice.choice(("0", "0", "1", "3600"))
        began = time.monotonic()
        self.world.daemon.start()
        self.note(did="start daemon", pid=self.world.daemon.process.pid)
        self.world.slowest("restart", time.monotonic() - began)
        for executor in before:
            self.check_adopted(executor)
        if before:
            self.world.slowest("re-adoption", time.monotonic() - began)

    def check_adopted(self, executor):
        """An executor that lives serves its run as before, or has been replaced before it spoke."""
        now = {}

        def settled():
            reply = self.world.daemon.get(f"/api/workflow/status/{executor.run}")
            now.update(reply.json["data"] if reply.status == 200 else {"state": "gone"})
            return now["state"] != "queued" or now["epoch"] != executor.epoch

        argo.wait_for(settled, f"{executor.run} to be launched or adopted", AWAY)
        # One that is gone: its start was not acknowledged, and the sweep ends what lives of it.
        self.world.expect(now["state"] == "gone" or now["epoch"] != executor.epoch or
                          now["pid"] == executor.pid or now.get("ended") is not None or
                          not executor.lives(),
                          f"{executor} is not adopted: {now}", [executor.run])

    def kill_daemon(self, dice):
        before = self.world.executors()
        self.strike(signal.SIGKILL)
        self.stop.wait(dice.choice((0, 0.02, 0.5)) * dice.random())
        self.bring_back(dice, before)

    def end_daemon(self, dice):
        before = self.world.executors()
        self.strike(signal.SIGTERM)
        self.stop.wait(dice.choice((0, 0.5)) * dice.random())
        self.bring_back(dice, before)

    def kill_starting(self, dice):
        before = self.world.executors()
        self.strike(signal.SIGKILL)
        for _ in range(dice.randint(1, 3)):
            os.close(self.world.daemon.spawn())
            time.sleep(dice.uniform(0, 0.06))  # where in its start it dies
            self.note(did="kill starting daemon")
            self.world.daemon.kill()
            self.world.counts["daemon kills"] += 1
        self.bring_back(dice, before)

    def freeze_daemon(self, dice):
        self.check_alive()
        self.world.daemon.process.send_signal(signal.SIGSTOP)
        self.note(did="stop daemon")
        time.sleep(dice.uniform(0.05, 1))
        self.world.daemon.process.send_signal(signal.SIGCONT)
        self.world.counts["freezes"] += 1

    # ---- executors -----------------------------------------------------------------------------

    def kill_some(self, dice, most, executors):
        executors = list(executors)
        dice.shuffle(executors)
        victims = executors[:dice.randint(1, most)]
        for victim in victims:
            self.world.note_kill(victim)
            self.note(did="kill executor", run=victim.run, epoch=victim.epoch, pid=victim.pid)
            victim.kill()
            self.world.counts["executor kills"] += 1
        return victims

    def kill_executor(self, dice):
        for victim in self.kill_some(dice, 3, self.world.executors()):
            began = time.monotonic()
            argo.wait_for(lambda run=victim: self.recovered(run), f"{victim} to be replaced", AWAY)
            self.world.slowest("executor's return", time.monotonic() - began)

    def recovered(self, victim):
        now = self.world.daemon.get(f"/api/workflow/status/{victim.run}").json["data"]
        return now["epoch"] > victim.epoch or now.get("ended") is not None or \
            now["state"] == "interrupted" or now["state"] == "paused"

    def kill_both(self, dice):
        before = self.world.executors()
        first = dice.random() < 0.5
        victims = self.kill_some(dice, 5, before) if first else []
        self.strike(signal.SIGKILL)
        victims += [] if first else self.kill_some(dice, 5, before)
        self.stop.wait(dice.choice((0, 0.3)) * dice.random())
        self.bring_back(dice, [executor for executor in before if executor not in victims])

    def freeze_executor(self, dice):
        executors = self.world.executors()
        if not executors:
            return
        victim = dice.choice(executors)
        run = self.world.run_of(victim.run)
        if run is not None:
            run.wake(self.world)
        self.note(did="stop executor", run=victim.run, pid=victim.pid)
        victim.signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.05, 1))
        victim.signal(signal.SIGCONT)
        if run is not None:
            run.woken += 1
        self.world.counts["freezes"] += 1
