#!/usr/bin/env python3
"""What `meson install` puts into an empty prefix, moved elsewhere: every file is there, the
programs work, and another project can link the library through pkg-config, statically, and as a
subproject."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

import argo

LIBRARIES = {"libargo.so", "libargo.so.0", "libargo.so.0.1.0", "libargo.a", "libargo_core.a",
             "libargo_daemon.a", "libargo_workflow.a"}


def run(*args, env=None, **kw):
    """Runs a command to its end; its standard output. A failure shows all that it said."""
    result = subprocess.run([str(a) for a in args], env={**os.environ, **(env or {})}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if result.returncode != 0:
        raise AssertionError(f"{shlex.join(str(a) for a in args)}: exit {result.returncode}\n"
                             f"{result.stdout}")
    return result.stdout


def files_below(directory):
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if not p.is_dir()}


class Installation(argo.Case):
    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="argo-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        run("meson", "install", "-C", os.environ["ARGO_TEST_BUILD"], "--no-rebuild", "--quiet",
            "--destdir", cls.top / "staged")
        installed = next((cls.top / "staged").rglob("bin/arc")).parents[1]
        cls.prefix = installed.rename(cls.top / "moved prefix")
        cls.libdir = next(cls.prefix.rglob("libargo.a")).parent
        cls.pkgconfig = cls.libdir / "pkgconfig"
        cls.sanitize = os.environ["ARGO_TEST_SANITIZE"]

    @classmethod
    def tearDownClass(cls):
        pass

    def consumer(self, name):
        """A copy of the project that uses the library."""
        directory = self.top / name
        shutil.copytree(argo.ROOT / "tests/embed", directory)
        for example in (argo.ROOT / "docs/examples").glob("*.c"):
            shutil.copy(example, directory)
        return directory

    def check_embed(self, program, env=None):
        """The daemons that PROGRAM embeds run a workflow each, in homes that they make."""
        homes = tempfile.mkdtemp(prefix="argo-homes-")
        self.addCleanup(shutil.rmtree, homes, ignore_errors=True)
        output = run(program, f"{homes}/one", f"{homes}/other",
                     self.prefix / "bin/argo_workflow_executor",
                     env={"LD_LIBRARY_PATH": str(self.libdir)} if env is None else env,
                     timeout=argo.DEADLINE)
        self.assertEqual(output, "Hello from embedded_1\n" * 2)

    def meson_setup(self, directory, *args, env=None):
        run("meson", "setup", directory / "build", directory, "--buildtype=debug",
            f"-Db_sanitize={self.sanitize}", "-Db_lundef=false", *args, env=env)
        run("ninja", "-C", directory / "build",
            *(path.stem for path in (argo.ROOT / "docs/examples").glob("*.c")))
        return directory / "build/embed"

    def test_files(self):
        files = files_below(self.prefix)
        lib = self.libdir.relative_to(self.prefix)
        expected = {"bin/arc", "bin/argo-daemon", "bin/argo_workflow_executor",
                    f"{lib}/pkgconfig/argo.pc", "share/argo/workflow.schema.json",
                    "share/systemd/user/argo.service", "share/bash-completion/completions/arc", "share/zsh/site-functions/_arc",
                    "share/fish/vendor_completions.d/arc.fish"}
        expected |= {f"{lib}/{name}" for name in LIBRARIES}
        expected |= {f"include/argo/{name}" for name in files_below(argo.ROOT / "include/argo")}
        expected |= {f"share/argo/templates/{name}"
                     for name in files_below(argo.ROOT / "tools/data/templates")}
        documents = {name for name in files if name.startswith(("share/doc/", "share/man/"))}
        self.assertEqual(files - documents, expected)
        self.assertEqual({name for name in documents if name.startswith("share/man/")},
                         {"share/man/man1/arc.1", "share/man/man8/argo-daemon.8",
                          "share/man/man5/argo-template.5"})
        manual = (self.prefix / "share/man/man1/arc.1").read_text()
        for word in (".SS arc ci test", r"\-\-json", ".SH Exit codes"):
            self.assertIn(word, manual)
        examples = {name.removeprefix("share/doc/argo/examples/") for name in documents
                    if name.startswith("share/doc/argo/examples/")}
        self.assertEqual(examples, files_below(argo.ROOT / "docs/examples"))

    def test_unit(self):
        text = (self.prefix / "share/systemd/user/argo.service").read_text()
        command = re.search(r'^ExecStart="(/.*/bin/argo-daemon)"$', text, re.M).group(1)
        self.assertIn("\nKillMode=process\n", text)  # runs outlive the daemon
        daemon = self.prefix / "bin/argo-daemon"
        self.assertIn("0.1.0", run(daemon, "--version"))
        locked = subprocess.run([daemon, "--home", self.daemon.home], capture_output=True)
        self.assertIn(f"\nSuccessExitStatus={locked.returncode}\n", text)
        if shutil.which("systemd-analyze"):
            unit = self.top / "argo.service"
            unit.write_text(text.replace(command, str(daemon)))
            self.assertEqual(run("systemd-analyze", "--user", "--man=no", "--recursive-errors=no",
                                 "verify", unit, env={"XDG_RUNTIME_DIR": str(self.top)}), "")

    def test_programs(self):
        self.assertIn("0.1.0", self.arc("version", check=0).stdout)
        listed = self.arc("template", "list", check=0).stdout
        for path in (argo.ROOT / "tools/data/templates").iterdir():
            self.assertIn(path.stem, listed)
        run_id = self.daemon.launch("hello")
        self.assertEqual(self.daemon.answer(run_id, "Eve").status, 200)
        self.assertEqual(self.daemon.wait_end(run_id)["status"], "done")
        self.assertIn("Hello, Eve!", self.daemon.output(run_id))
        self.assertIn(run_id, self.arc("list", "--all", check=0).stdout)

    def test_arc_starts_the_daemon_beside_it(self):
        home = tempfile.mkdtemp(prefix="argo-home-")
        env = {**os.environ, "ARGO_HOME": home, "ARGO_DAEMON_PORT": "0"}
        started = run(self.prefix / "bin/arc", "--json", "template", "list", env=env,
                      stdin=subprocess.DEVNULL)
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        self.addCleanup(run, self.prefix / "bin/arc", "daemon", "stop", env=env)
        self.assertIn("code_review", started)

    def test_pkg_config(self):
        text = (self.pkgconfig / "argo.pc").read_text()
        self.assertRegex(text, r"(?m)^Version: 0\.1\.0$")
        self.assertRegex(text, r"(?m)^Libs: -L\$\{libdir\} -largo$")
        self.assertNotIn(str(argo.ROOT), text)
        program = self.meson_setup(self.consumer("shared"),
                                   env={"PKG_CONFIG_PATH": str(self.pkgconfig)})
        self.assertRegex(run("ldd", program), r"libargo\.so\.0")
        self.check_embed(program)

    def test_lines_of_the_page(self):
        """docs/embedding.md: shared, with a path in the program, and with libargo.a."""
        page = (argo.ROOT / "docs/embedding.md").read_text()
        plain, rpath, static = re.findall(r"^```sh install\n(.*?)^```$", page, re.M | re.S)
        (self.top / "prefix").symlink_to(self.prefix)  # a name without blanks, as the lines have it
        pkgconfig = self.top / "prefix" / self.pkgconfig.relative_to(self.prefix)
        directory = self.consumer("lines")
        (directory / "embed.c").rename(directory / "program.c")
        flags = "" if self.sanitize == "none" else f"-fsanitize={self.sanitize}"
        alone = {"LD_LIBRARY_PATH": ""}  # the tests have one, with the library as it was built
        cc = f'cc() {{ {os.environ["ARGO_TEST_CC"]} "$@" {flags}; }}\n'

        def build(line):
            run("bash", "-euc", cc + line, cwd=directory, env={"PKG_CONFIG_PATH": str(pkgconfig)})
            return run("ldd", directory / "program", env=alone)

        self.assertIn("libargo.so.0 => not found", build(plain))
        self.check_embed(directory / "program", {"LD_LIBRARY_PATH": str(self.libdir)})
        self.assertRegex(build(rpath), r"libargo\.so\.0 => /")
        self.check_embed(directory / "program", alone)
        self.assertNotIn("libargo", build(static))
        self.check_embed(directory / "program", alone)

    def test_subproject(self):
        directory = self.consumer("parent")
        (directory / "subprojects").mkdir()
        (directory / "subprojects/argo").symlink_to(argo.ROOT)
        program = self.meson_setup(directory, "--force-fallback-for=argo",
                                   env={"PKG_CONFIG_PATH": ""})
        targets = run("ninja", "-C", directory / "build", "-t", "targets", "all")
        self.assertNotRegex(targets, re.compile(r"argo-daemon|test-base"))
        self.check_embed(program)


if __name__ == "__main__":
    argo.main()
