"""The test case of whatever kills executors: it answers interruptions and checks the executions."""
import collections

import argo
import witness


class Crashes(argo.Case):
    def effects(self, run):
        """(path, attempt) of every execution of RUN, in order."""
        return witness.effects(self.daemon.home / "effects", run)

    def answer_interruption(self, run, asked, answers):
        """Answers the question that an interrupted run asks, if it is one now."""
        for question in self.daemon.get("/api/questions?state=open").json["questions"]:
            if question["workflow_id"] == run:
                answer = next(answers)
                asked.append((question["path"], answer))
                self.assertEqual(self.daemon.answer(run, answer, question).status, 200)

    def wait_moving(self, run, fact, asked, answers):
        """Waits for FACT while the interruptions of RUN are answered."""
        def moved():
            self.answer_interruption(run, asked, answers)
            return fact()
        try:
            return argo.wait_for(moved, f"{run} to move")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.daemon.status(run)}") from None

    def check(self, run, deaths, asked):
        """The oracle. DEATHS executors of RUN were killed, ASKED holds (path, answer)."""
        rows, ran = self.daemon.steps(run), self.effects(run)
        repeats = collections.Counter(path for path, answer in asked if answer == "repeat")
        self.assertEqual(witness.problems(rows, ran, deaths, repeats), [])
        self.check_order(run, ran)

    def check_order(self, run, ran):
        """Executions are in the order of the loop's turns, and the output is gapless."""
        turns = [int(path.partition("#")[2] or 1) for path, _ in ran]
        self.assertEqual(turns, sorted(turns))
        shown = witness.shown(self.daemon.records(run))
        turns = sum(s["step"] == "show" for s in self.daemon.steps(run))
        self.assertEqual(shown, [f"turn {i + 1}\n" for i in range(turns)])
