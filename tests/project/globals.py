#!/usr/bin/env python3
"""Looks into the objects of the library for what it promises its hosts not to have: data that changes
and is not of an object, and calls that print, end the process, or change what belongs to all of it."""
import re
import subprocess
import sys

# Once for all: libraries that have to be initialised, and hashing that has to be seeded.
ONCE = {("http.c.o", "global_once"), ("http.c.o", "global_result"), ("value.c.o", "once"),
        ("value.c.o", "seed_once")}
# A process of its own, which is forked from one of its own.
OWN = {"forkserver.c.o"}
NOT_A_LIBRARYS = re.compile(
    r"(v?f?printf|v?dprintf|puts|fputs|putchar|perror|v?syslog|std(in|out|err)|_?exit|_Exit|quick_exit|"
    r"abort|atexit|signal|sigaction|v?fork|system|popen|f?chdir|umask|(un)?setenv|putenv|clearenv|"
    r"setlocale|setrlimit\w*|s?rand|strtok|set\w*[ug]id)")

failed = False
for archive in sys.argv[1:]:
    text = subprocess.run(["objdump", "--syms", archive], check=True, capture_output=True,
                          text=True).stdout
    for object_file, table in re.findall(r"^(\S+):\s+file format[^\n]*\n(.*?)(?=^\S+:\s+file format|\Z)",
                                         text, re.M | re.S):
        name = object_file.rpartition("/")[2]
        for section, symbol in re.findall(r"^[0-9a-f]+ .{7} (\S+)\t[0-9a-f]+ (?:\.\w+ )?(\S+)$",
                                          table, re.M):
            base = symbol.split(".")[0]
            if section in (".bss", ".data") and symbol != section and (name, base) not in ONCE:
                print(f"{object_file}: {symbol} is data that changes: it belongs into an object")
                failed = True
            if section == "*UND*" and NOT_A_LIBRARYS.fullmatch(symbol) and name not in OWN:
                print(f"{object_file}: {symbol} is not for a library to call")
                failed = True
sys.exit(1 if failed else 0)
