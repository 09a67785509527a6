"""Random templates. Every step that a person answers is followed by one that shows what the step
heard, every command leaves a line in the effects file: the checks need to know no more."""
import witness


def heard(name):
    return {"step": f"heard_{name}", "type": "display",
            "message": f"heard {name} {{{{n}}}} {{{{{name} | json}}}}"}


def safe(name, dice):
    return [witness.effect(name, "safe", f"; sleep {dice.uniform(0, 0.1):.3f}; echo {name}")]


def once(name, dice):
    return [witness.effect(name, "never", f"; sleep {dice.uniform(0, 0.1):.3f}; echo {name}")]


def show(name, dice):
    return [{"step": name, "type": "display", "message": f"{name} {{{{n}}}}"}]


def ask(name, dice):
    return [{"step": name, "type": "user_ask", "prompt": f"{name}?", "save_to": name},
            heard(name)]


def hurry(name, dice):
    return [{"step": name, "type": "user_ask", "prompt": f"{name}?", "save_to": name,
             "default": "nobody", "deadline": round(dice.uniform(0.1, 2), 3)}, heard(name)]


def choose(name, dice):
    return [{"step": name, "type": "user_choose", "prompt": f"{name}?", "save_to": name,
             "options": [{"label": "red", "value": "r"}, {"label": "green", "value": "g"}]},
            heard(name)]


def approve(name, dice):
    return [{"step": name, "type": "approve", "prompt": f"{name}?", "on_yes": f"yes_{name}",
             "on_no": f"no_{name}"},
            {"step": f"yes_{name}", "type": "set", "values": {name: True},
             "next_step": f"heard_{name}"},
            {"step": f"no_{name}", "type": "set", "values": {name: False}},
            heard(name)]


def form(name, dice):
    return [{"step": name, "type": "form", "prompt": f"{name}?", "save_to": name,
             "schema": {"type": "object", "required": ["size"], "additionalProperties": False,
                        "properties": {"size": {"type": "integer", "minimum": 0}}}},
            heard(name)]


def wait(name, dice):
    return [{"step": name, "type": "wait", "seconds": round(dice.uniform(0, 1), 3)}]


# What a step leaves that does not want to go: in a session of its own, deaf to TERM.
STUBBORN = ("; trap '' TERM; (setsid sh -c 'trap \"\" TERM; until test -e finish; do sleep 0.1; done'"
            " &); until test -e finish; do sleep 0.1; done")


def stubborn(name, dice):
    return [witness.effect(name, "safe", STUBBORN)]


# Goes at once; what it has left lives on for a while, also while the run is parked.
LEAVE = ("; (setsid sh -c 'trap \"\" TERM; i=0; until test -e finish -o $i -ge 20; do i=$((i + 1)); "
         "sleep 0.5; done' >/dev/null 2>&1 &)")


def leave(name, dice):
    return [witness.effect(name, "safe", LEAVE)]


KINDS = {kind.__name__: kind for kind in
         (safe, once, show, ask, hurry, choose, approve, form, wait, leave)}


def template(dice, kinds):
    """A loop of some steps, of the KINDS that are there."""
    if dice.random() < 0.06:
        return {"workflow_name": "crash", "steps": stubborn("stubborn", dice)}
    steps = [{"step": "init", "type": "set", "values": {"n": 0}},
             {"step": "turn", "type": "set", "values": {"n": "{{n + 1}}"}}]
    for i in range(dice.randint(1, 5)):
        kind = dice.choice(kinds)
        steps += KINDS[kind](f"{kind}{i}", dice)
    turns = dice.choice((1, 1, 2, 3))
    steps.append({"step": "more", "type": "decide", "condition": f"n < {turns}",
                  "if_true": "turn", "if_false": "EXIT"})
    return {"workflow_name": "crash", "steps": steps}


def answer(question, dice, unique):
    """An answer to QUESTION that is valid, and not given before if it is text."""
    kind = question["kind"]
    if question["question_id"].startswith("interrupted-"):
        return dice.choice(("repeat", "repeat", "skip", "skip", "skip", "fail"))
    if kind == "choice":
        return dice.choice(question["choices"])["value"]
    if kind in ("confirm", "permission"):
        return dice.random() < 0.5
    if kind == "form":
        return {"size": dice.randrange(1000)}
    return unique
