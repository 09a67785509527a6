"""What was asked and what was acknowledged, one JSON object a line, on the disk before it counts."""
import json
import os
import threading
import time


class Journal:
    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.count = 0

    def put(self, who, **entry):
        """Writes an entry; its number ties what follows to it."""
        with self.lock:
            self.count += 1
            line = {"n": self.count, "t": round(time.monotonic() - self.began, 4), "who": who,
                    **entry}
            os.write(self.fd, (json.dumps(line) + "\n").encode())
            os.fsync(self.fd)
            return self.count

    def lines_about(self, words, most=40):
        """The last lines in which one of WORDS occurs, and those that belong to them."""
        found, numbers = [], set()
        with open(self.path) as file:
            for line in file:
                entry = json.loads(line)
                if any(f'"{word}"' in line or f"/{word}" in line or f"{word}\\" in line
                       for word in words if word) or entry.get("of") in numbers:
                    numbers.add(entry["n"])
                    found.append(line.rstrip())
        return found[-most:]
