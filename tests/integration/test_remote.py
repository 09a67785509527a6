#!/usr/bin/env python3
"""docs/remote.md, lived through: its blocks are run as they stand, against a real sshd of the test's own
on a loopback port, which gives the other side a home of its own. And what does not work over --url."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import argo

BLOCK = re.compile(r"^```sh remote\n(.*?)^```$", re.M | re.S)
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@unittest.skipUnless(os.path.exists(SSHD) and shutil.which("ssh"), "no openssh-server and client")
class Remote(unittest.TestCase):
    def setUp(self):
        self.prefix = argo.stage()
        self.addCleanup(shutil.rmtree, self.prefix, True)
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="argo-ssh-"))
        self.addCleanup(shutil.rmtree, self.top, True)
        self.here, self.there = self.top / "here", self.top / "there"
        for home in (self.here, self.there):
            home.mkdir(mode=0o700)
        self.env = {"HOME": str(self.here), "PATH": f"{self.top}/bin:{self.prefix}/bin:"
                    f"{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        self.start_sshd()
        self.addCleanup(self.end)

    def start_sshd(self):
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's sshd insists
        keys = self.top / "keys"
        keys.mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True)
        port = free_port()
        (keys / "authorized").write_text((keys / "user.pub").read_text())
        (keys / "known").write_text(f"[127.0.0.1]:{port} {(keys / 'host.pub').read_text()}")
        (keys / "sshd").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys}/host\nPidFile none\n"
            f"AuthorizedKeysFile {keys}/authorized\nPasswordAuthentication no\nUsePAM no\n"
            f"StrictModes no\nPermitRootLogin yes\nSetEnv HOME={self.there} "
            f"ARGO_HOME={self.there}/.argo ARGO_DAEMON_PORT=0 PATH={self.prefix}/bin:/usr/bin:/bin\n")
        (keys / "ssh").write_text(
            f"Host there\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {keys}/user\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {keys}/known\n  StrictHostKeyChecking yes\n")
        # ssh takes the person's files from the user data base, not from HOME.
        wrapper = self.top / "bin/ssh"
        wrapper.parent.mkdir()
        wrapper.write_text(f"#!/bin/sh\nexec {shutil.which('ssh')} -F {keys}/ssh \"$@\"\n")
        wrapper.chmod(0o755)
        self.sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", keys / "sshd"], stdin=subprocess.DEVNULL,
                                     stderr=open(self.top / "sshd.log", "w"))
        argo.wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "sshd")

    def end(self):
        arc = [str(self.prefix / "bin/arc"), "--home", str(self.there / ".argo")]
        subprocess.run([*arc, "daemon", "stop", "--abandon"], capture_output=True)
        for pid in argo.living_with("HOME", str(self.here)):  # ssh -f has left us
            os.kill(pid, signal.SIGKILL)
        self.sshd.terminate()
        self.sshd.wait()

    def sh(self, script, check=0, **env):
        # Files, not pipes: ssh -f would keep those open.
        with open(self.top / "out", "w+") as out:
            result = subprocess.run(["bash", "-eu", "-c", script], env={**self.env, **env},
                                    stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.here,
                                    timeout=argo.DEADLINE * 2)
        text = (self.top / "out").read_text()
        self.assertIn(result.returncode, check if isinstance(check, tuple) else (check,),
                         f"{script}\n{text}\n{(self.top / 'sshd.log').read_text()}")
        return text

    def blocks(self):
        return BLOCK.findall((argo.ROOT / "docs/remote.md").read_text())

    def test_the_page(self):
        forward, use, tcp = self.blocks()
        shown = self.sh(forward)
        self.assertIn("argo-daemon", shown)
        self.assertNotIn(".argo-there/argo.sock\n", shown.splitlines()[-1])
        self.assertIn("Hello, Ada!", self.sh(use))
        self.assertFalse((self.here / ".argo/run").exists())
        if not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("no IPv6 loopback")
        self.assertIn("hello_1", self.sh(tcp))
        self.assertEqual((self.here / ".argo-there/token").stat().st_mode & 0o777, 0o600)

    def test_what_is_there_and_what_is_here(self):
        self.sh(self.blocks()[0])
        url = {"ARGO_DAEMON_URL": f"unix:{self.here}/.argo-there/argo.sock"}
        template = self.here / "pwd.yaml"
        template.write_text("workflow_name: pwd\nsteps:\n"
                            "  - {step: s, type: command, argv: [sh, -c, 'pwd; echo $HOME'], repeat: safe}\n")
        self.assertEqual(self.sh("arc start pwd.yaml one --wait 2>/dev/null", **url),
                         f"{self.there}/.argo\n{self.there}\n")
        self.assertTrue(self.sh("arc start pwd.yaml two --wait --cwd /usr 2>/dev/null", **url)
                        .startswith("/usr\n"))
        for command, says in (
                ("arc start pwd.yaml --cwd usr", "expected an absolute path"),
                ("arc ci add gpt --provider openai --model m --key-env HOME", "where the daemon runs"),
                ("arc ci key gpt --key-env HOME", "where the daemon runs"),
                ("arc template trust hello", "absolute path where the daemon runs"),
                ("arc logs pwd_one --log", "lies where its daemon runs"),
                ("arc daemon start", "only the daemon of this home"),
                ("arc daemon logs", "lies where it runs")):
            with self.subTest(command):
                self.assertIn(says, self.sh(command, check=2, **url))
        self.sh("arc daemon stop", **url)
        # ssh takes the connection and drops it; how that looks depends on which comes first.
        self.assertRegex(self.sh("arc list", check=(1, 6), **url), "is it forwarded|See --url")


if __name__ == "__main__":
    argo.main()
