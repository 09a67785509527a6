#!/usr/bin/env python3
"""Makes docs/examples/code_review/recording anew: record_example.py PREFIX [DIRECTORY].

The words below, written for the example, are served as a model's, and a recording CI (replay with an
upstream) writes what it hears. To be run when code_review.yaml or the example's change is edited;
the same inputs give the same bytes. Must not invent usage: nothing was spent."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from models import Server, says

EXAMPLE = ROOT / "docs/examples/code_review"
ORIGIN = "scripted: no model"
RUN = "code_review_demo"

FIRST = """\
Two problems, and one thing that the change drops.

1. wordcount.c:7: `char c` cannot hold what fgetc() returns.
   fgetc() returns an int: every byte as an unsigned char, or EOF. Where char is signed, the byte
   0xff compares equal to EOF and the count ends early; where it is unsigned, as on ARM, c is never
   EOF and the loop never ends. Keep it as it was: `int c;`

2. wordcount.c:22: the result of fopen() is not checked.
   A file that is not there gives NULL, and fgetc(NULL) crashes.

Without arguments the program printed the count of its standard input; now it prints nothing. If
that is not meant, keep it: `if (argc == 1) { printf("%ld\\n", count_words(stdin)); }`
"""

SECOND = """\
At error handling above all: three problems there, and the type of c.

1. wordcount.c:22: the result of fopen() is not checked.
   Say which file it was and why, go on with the others, and remember that one failed:

       if (file == NULL) {
           perror(argv[i]);
           failed = 1;
           continue;
       }

2. wordcount.c:23: the file is never closed.
   Each argument leaves a descriptor open; after about a thousand files fopen() fails, and by
   problem 1 the program crashes. Add `fclose(file);` after the printf().

3. wordcount.c:9: a read error looks like the end of the file.
   fgetc() returns EOF for both. Ask ferror(file) after the loop; a directory, for one, can be
   opened but not read. And `return 0` in main() hides all of it: return failed.

4. wordcount.c:7: `char c` must stay `int c`.
   It cannot tell the byte 0xff from EOF where char is signed, and never sees EOF where it is not.

As before: without arguments the program no longer reads its standard input.
"""


def review(handler):
    again = "Your review so far" in handler.body["messages"][-1]["content"]
    says(*(SECOND if again else FIRST).splitlines(keepends=True))(handler)


class Recorder:
    def __init__(self, prefix, home, out, url):
        self.program, self.out = prefix / "bin/arc", out
        self.env = {**os.environ, "ARGO_HOME": str(home), "ARGO_DAEMON_PORT": "0"}
        self.arc("ci", "add", "words", "--provider", "openai", "--model", "scripted",
                 "--url", url)
        self.arc("ci", "add", "scripted", *self.ci())

    def arc(self, *args, expect=0, **kw):
        done = subprocess.run([self.program, *args], env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, **kw)
        if done.returncode != expect:
            raise SystemExit(f"arc {' '.join(args)}: {done.returncode}, expected {expect}\n"
                             f"{done.stdout}{done.stderr}")
        return done.stdout

    def ci(self):
        return ["--provider", "replay", "--recording", str(self.out), "--model", "scripted"]

    def use(self, *options):
        self.arc("ci", "remove", "scripted", "--force")
        self.arc("ci", "add", "scripted", *self.ci(), *options)

    def until_asked(self):
        self.arc("attach", RUN, expect=5)

    def first_look(self, repository):
        self.use("--upstream", "words")
        self.arc("start", "code_review", "--id", RUN, "--ci", "scripted", cwd=repository)
        self.until_asked()
        self.arc("abandon", RUN, "--yes")
        set_origin(self.out)

    def second_look(self, repository):
        """The first is played, so that the words that it hands on bear the label."""
        self.use()
        self.arc("start", "code_review", "--id", RUN, "--ci", "scripted", cwd=repository)
        self.until_asked()
        self.use("--upstream", "words")
        self.arc("answer", RUN, "ask for another look")
        self.until_asked()
        self.arc("answer", RUN, "")
        self.until_asked()
        self.arc("abandon", RUN, "--yes")
        set_origin(self.out)


def write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    path.chmod(0o644)


def set_origin(out):
    """One origin for all, instead of the time and the server that each was recorded with."""
    write(out / "recording.json", {"origin": ORIGIN})
    for path in sorted(out.glob("*.json")):
        exchange = json.loads(path.read_text())
        if path.name != "recording.json":
            exchange.pop("origin", None)
            exchange["reply"].pop("usage", None)
            write(path, exchange)


def record(prefix, out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    server = Server(review, model="scripted")
    with tempfile.TemporaryDirectory(prefix="argo-record-") as temporary:
        home, repository = pathlib.Path(temporary, "home"), pathlib.Path(temporary, "wordcount")
        home.mkdir(mode=0o700)
        subprocess.run([EXAMPLE / "repository.sh", repository], check=True)
        recorder = Recorder(prefix, home, out, server.url)
        try:
            recorder.first_look(repository)
            recorder.second_look(repository)
        finally:
            recorder.arc("daemon", "stop", "--abandon")
    server.end()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path, nargs="?", default=EXAMPLE / "recording")
    arguments = parser.parse_args()
    record(arguments.prefix.resolve(), arguments.out.resolve())
