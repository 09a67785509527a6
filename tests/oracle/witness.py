"""What steps leave behind: a line per execution in a file, written with O_APPEND at once. Together
with the steps table it shows what ran, how often, and whether that was allowed."""
import collections
import pathlib

# The key names run and place, the same for all attempts; the line says which attempt it is.
EFFECT = 'printf "%s %s\\n" "$ARGO_EFFECT_KEY" "$ARGO_ATTEMPT" >> effects'
COMMANDS = ("safe", "once", "stubborn", "leave")
GO = "; until test -e go; do sleep 0.02; done"
ASK = {"step": "q", "type": "user_ask", "prompt": "Who?", "save_to": "who"}
SAY = {"step": "said", "type": "display", "message": "it is {{who}}"}


def steps(*items, **top):
    return {"workflow_name": "t", "steps": list(items), **top}


def effect(name, repeat, then="", **fields):
    """A command step that leaves a line as soon as it runs."""
    return {"step": name, "type": "command", "repeat": repeat,
            "argv": ["sh", "-c", EFFECT + then], **fields}


def looping(turns_over, sleep=0.01, name="crash"):
    """A loop of commands that ends when TURNS_OVER, a condition, holds; the file `stop` makes
    `state` begin with "stop"."""
    return {"workflow_name": name, "limits": {"max_steps": 100000}, "steps": [
        {"step": "init", "type": "set", "values": {"n": 0, "state": "go"}},
        {"step": "inc", "type": "set", "values": {"n": "{{n + 1}}"}, "max_iterations": 100000},
        effect("safe", "safe", "; test -e stop && echo stop || echo go",
               save_to={"stdout": "state"}, max_iterations=100000),
        effect("once", "never", f"; sleep {sleep}", max_iterations=100000),
        {"step": "show", "type": "display", "message": "turn {{n}}", "max_iterations": 100000},
        {"step": "more", "type": "decide", "condition": turns_over, "if_true": "EXIT",
         "if_false": "inc", "max_iterations": 100000}]}


def shown(records):
    """The texts that a run has shown."""
    return [record["text"] for record in records if record["kind"] == "text"]


def effects(path, run):
    """(path, attempt) of every execution of RUN that is in the file, in order."""
    path = pathlib.Path(path)
    lines = path.read_text().splitlines() if path.exists() else []
    return [(key.split("/", 1)[1], int(attempt)) for key, attempt in map(str.split, lines)
            if key.split("/", 1)[0] == run]


def problems(rows, ran, deaths, repeats):
    """What is wrong with the executions RAN of a run, given the ROWS of its steps table. DEATHS
    executors of it were killed; REPEATS counts, by path, how often a person let an interrupted
    step be repeated. Names tell which steps leave lines, and which of them are never repeated."""
    found = []
    by_path = collections.defaultdict(list)
    for row in rows:
        by_path[row["path"]].append(row)
    found += [f"attempt {attempt} of {path} ran {n} times"
              for (path, attempt), n in collections.Counter(ran).items() if n > 1]
    for path, of_path in by_path.items():
        ends = [row["attempt"] for row in of_path if row["status"] in ("done", "skipped")]
        last = max(row["attempt"] for row in of_path)
        if len(ends) > 1:
            found.append(f"{path} completed {len(ends)} times")
        if ends and ends[0] != last:
            found.append(f"{path} has attempt {last} after its completion in {ends[0]}")
    for path, attempt in ran:
        if attempt not in [row["attempt"] for row in by_path[path]]:
            found.append(f"attempt {attempt} of {path} ran without a row")
    for path, of_path in by_path.items():
        done = [row["attempt"] for row in of_path if row["status"] == "done"]
        if path.startswith(COMMANDS) and done and (path, done[0]) not in ran:
            found.append(f"{path} is done in attempt {done[0]}, which never ran")
    tries = collections.Counter(path for path, _ in ran)
    for path, n in tries.items():
        if path.startswith("once") and n > 1 + repeats[path]:
            found.append(f"{path} ran {n} times with {repeats[path]} repetitions allowed")
    if sum(tries.values()) - len(tries) > deaths:
        found.append(f"{sum(tries.values()) - len(tries)} repetitions after {deaths} deaths")
    return found


def turn_problems(ran):
    """Executions of loops come in the order of their turns, each path's attempts ascending."""
    turns = collections.defaultdict(list)
    for path, attempt in ran:
        name, _, turn = path.partition("#")
        turns[name].append((int(turn or 1), attempt))
    return [f"{name} ran in the order {order}" for name, order in turns.items()
            if order != sorted(order)]
