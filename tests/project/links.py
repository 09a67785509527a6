#!/usr/bin/env python3
"""The daemon calls no CI: it must not be linked with libcurl."""
import subprocess
import sys

output = subprocess.run(["ldd", sys.argv[1]], check=True, capture_output=True, text=True).stdout
for line in output.splitlines():
    if "curl" in line:
        print(f"{sys.argv[1]} is linked with {line.strip()}")
        sys.exit(1)
