#!/usr/bin/env python3
"""I/O channels against a real daemon: docs/examples/channel.c connects a socket to a run. What the
run says comes out, what is typed goes in, whatever the daemon does meanwhile."""
import os
import shutil
import socket
import subprocess

import argo

CHATTY = {"workflow_name": "chatty", "steps": [
    {"step": "much", "type": "command", "argv": ["sh", "-c", "yes 0123456789abcde | head -c 3145728"]},
    {"step": "after", "type": "display", "message": "after all\n"}]}
NUMBER = {"workflow_name": "number", "steps": [
    {"step": "ask", "type": "user_choose", "prompt": "Which?", "options": [{"label": "red"}, {"label": "blue"}],
     "save_to": "colour"},
    {"step": "say", "type": "display", "message": "It is {{colour}}.\n"}]}


class Relay:
    """The example with a run at its one side; this is the other."""

    def __init__(self, test, run_id):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(argo.DEADLINE)
        self.process = subprocess.Popen(
            [os.environ["ARGO_TEST_CAPI"] + "/channel", str(test.daemon.home), run_id, str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True)
        theirs.close()
        self.heard = b""
        test.addCleanup(self.end)

    def say(self, text):
        self.socket.sendall(text.encode())

    def hear(self, text):
        """Waits until TEXT has come."""
        while text.encode() not in self.heard:
            piece = self.socket.recv(65536)
            if not piece:
                raise AssertionError(f"the end, without {text!r}: {self.heard!r}")
            self.heard += piece

    def rest(self):
        """All that was said until the end."""
        while piece := self.socket.recv(65536):
            self.heard += piece
        return self.heard.decode()

    def code(self):
        code = self.process.wait(argo.DEADLINE)
        return code, self.process.stderr.read()

    def end(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


class Channels(argo.Case):
    def test_conversation(self):
        run_id = self.daemon.launch("hello")
        relay = Relay(self, run_id)
        relay.hear("What is your name?")
        relay.say("Grace\n")
        self.assertIn("Hello, Grace!\n", relay.rest())
        self.assertEqual(relay.code(), (0, ""))
        self.assertEqual(self.daemon.status(run_id)["status"], "done")
        self.assertEqual(relay.heard.decode(), self.daemon.output(run_id))
        answered = self.daemon.get("/api/questions?state=answered").json["questions"]
        self.assertEqual(answered[0]["answered_via"], "relay")

    def test_every_byte_in_order(self):
        run_id = self.daemon.launch(CHATTY)
        relay = Relay(self, run_id)
        self.assertEqual(relay.rest(), "0123456789abcde\n" * 196608 + "after all\n")
        self.assertEqual(relay.code(), (0, ""))

    def test_refusal(self):
        """A line that is no answer: the reason comes back, and the question stays open."""
        run_id = self.daemon.launch(NUMBER)
        relay = Relay(self, run_id)
        relay.hear("Which?")
        relay.say("green\n")
        relay.hear("green")
        relay.say("blue\n")
        self.assertIn("It is blue.\n", relay.rest())
        self.assertEqual(relay.code(), (0, ""))

    def test_daemon_away(self):
        """What is typed while the daemon is dead arrives when it is back, once."""
        run_id = self.daemon.launch("hello")
        relay = Relay(self, run_id)
        relay.hear("What is your name?")
        self.daemon.kill()
        relay.say("Joan\n")
        self.daemon.start()
        self.assertIn("Hello, Joan!\n", relay.rest())
        self.assertEqual(relay.code(), (0, ""))
        self.assertEqual(relay.heard.decode(), self.daemon.output(run_id))

    def test_hang_up(self):
        """Nobody is there any more: the program ends, the run goes on."""
        run_id = self.daemon.launch("hello")
        relay = Relay(self, run_id)
        relay.hear("What is your name?")
        relay.socket.close()
        self.assertEqual(relay.code(), (0, ""))
        self.assertEqual(self.daemon.answer(run_id, "Ada").status, 200)
        self.assertEqual(self.daemon.wait_end(run_id)["status"], "done")

    def test_no_such_run(self):
        relay = Relay(self, "nobody")
        self.assertEqual(relay.rest(), "")
        code, said = relay.code()
        self.assertEqual(code, 1)
        self.assertIn("Workflow not found", said)


class Executors(argo.Case):
    """A program of somebody else's is the executor, at the other end of the run's channel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        program = cls.prefix / "bin/argo_workflow_executor"
        program.unlink()
        shutil.copy2(os.environ["ARGO_TEST_CAPI"] + "/echo", program)

    def test_echo(self):
        run_id = self.daemon.launch("hello")
        relay = Relay(self, run_id)
        relay.hear("listening\n")
        relay.say("one\n\nthe last of three")
        relay.hear("one\n\n")
        relay.say("\nstop\n")
        relay.hear("the last of three\nstopping\n")
        # It leaves without a word of the run's end, and is started again: what was typed is there.
        relay.hear("stopping\nlistening\none\n")
        first = self.daemon.records(run_id)[0]
        self.assertEqual((first["kind"], first["text"]), ("text", "listening\n"))


if __name__ == "__main__":
    argo.main()
