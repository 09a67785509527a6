#!/usr/bin/env python3
"""Compares the documentation with the tables of the code: what is documented is there, and what is
there is documented."""
import ast
import pathlib
import re
import sys

import yaml

root = pathlib.Path(sys.argv[1])
problems = []


def read(name):
    return (root / name).read_text()


def compare(page, what, documented, actual):
    for item in sorted(set(actual) - set(documented)):
        problems.append(f"docs/{page}: {what} {item} is missing")
    for item in sorted(set(documented) - set(actual)):
        problems.append(f"docs/{page}: {what} {item} does not exist")


def section(text, heading):
    """What follows the line HEADING, up to the next heading of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    match = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S)
    if match is None:
        problems.append(f"'{heading}' is missing")
    return match.group(1) if match else ""


def rows(text):
    """The cells of every table row."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if re.match(r"\|(?!-)", line)]


def code_words(text):
    return re.findall(r"`([^`]+)`", text)


def check_routes():
    actual = re.findall(r'^\s+\{AG_(GET|POST|DELETE), "([^"]+)", (\w+),',
                        read("libargo/daemon/routes.c"), re.M)
    page = read("docs/rest-api.md")
    compare("rest-api.md", "route", re.findall(r"^### (\w+ /\S*)$", page, re.M),
            [f"{method} {path}" for method, path, _ in actual])
    executors = page.index("\n## What executors use")
    for method, path, access in actual:
        heading = f"### {method} {path}"
        if heading not in page:
            continue
        text = section(page, heading)
        said = "EXECUTOR" if page.index(heading) > executors else \
            text.strip().split(".")[0].strip("*").upper()
        if said != access:
            problems.append(f"docs/rest-api.md: {method} {path} is for {access.lower()}, "
                            f"not {said.lower()}")


# Of every route, or said once for all that are alike.
ALWAYS = {1001, 1002, 1003, 1012, 1101, 1102, 1103, 1201, 1202, 1203, 1303, 1304, 1399}
OF_EXECUTORS = {1005, 1008, 1010}


def check_codes():
    """The error codes of each route are on the page as they are in openapi.yaml."""
    page = re.sub(r"^```.*?^```$", "", read("docs/rest-api.md"), flags=re.M | re.S)
    for path, item in yaml.safe_load(read("docs/openapi.yaml"))["paths"].items():
        for method in sorted({"get", "post", "delete"} & set(item)):
            operation, route = item[method], f"{method.upper()} {path}"
            once = ALWAYS | (OF_EXECUTORS if operation["x-argo-access"] in ("executor", "either")
                             else set())
            said = {int(code) for code in re.findall(r"\b1[0-3]\d\d\b",
                                                     section(page, f"### {route}"))} - {1000}
            compare("rest-api.md", f"{route}: error", said - once,
                    set(operation.get("x-argo-errors", [])) - once)


def check_errors():
    actual = re.findall(r'^X\((\w+), (\d+), (\d+), "([^"]+)"\)', read("libargo/base/errors.def"),
                        re.M)
    page = read("docs/errors.md")
    documented = [(row[2].strip("`").removeprefix("ARGO_E_"), row[0], row[1], row[3])
                  for row in rows(page) if re.fullmatch(r"\d{4}", row[0])]
    compare("errors.md", "error", documented, actual)
    words = re.findall(r'^#define AG_FAIL_\w+\s+"(\w+)"', read("libargo/exec/step.h"), re.M)
    compare("errors.md", "failure", [code_words(row[0])[0] for row in rows(section(
        page, "## In a run")) if code_words(row[0])], words)


def check_transitions():
    table = read("libargo/domain/state.c").split("transitions[] = {")[1].split("};")[0]
    actual = {}
    for state, to in re.findall(r"\[AG_RUN_(\w+)\] =(.*?)(?=\[AG_RUN|\Z)", table, re.S):
        for target in re.findall(r"BIT\(AG_RUN_(\w+)\)", to) or [""]:
            actual[state.lower(), target.lower()] = True
    documented = [(row[0], target.strip()) for row in
                  rows(section(read("docs/architecture.md"), "## The life of a run"))[1:]
                  for target in row[1].split(",")]
    compare("architecture.md", "transition", documented, actual)


def check_layers():
    tree = ast.parse(read("tests/project/layers.py"))
    tables = {node.targets[0].id: node.value for node in tree.body
              if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}
    may = {ast.literal_eval(key): set() if isinstance(value, ast.Call) else ast.literal_eval(value)
           for key, value in zip(tables["MAY"].keys, tables["MAY"].values)}
    third = {"jansson.h": "jansson", "sqlite3.h": "sqlite3", "yaml.h": "libyaml",
             "pcre2.h": "PCRE2", "microhttpd.h": "libmicrohttpd", "curl/curl.h": "libcurl",
             "nettle/": "nettle"}
    owners = ast.literal_eval(tables["THIRD_PARTY"])
    actual = [(layer, " ".join(sorted(below)),
               " ".join(sorted(third[name] for name in third if layer in owners[name])))
              for layer, below in may.items()]
    documented = [(row[0].strip("`/"), " ".join(sorted(row[1].split())),
                   " ".join(sorted(row[2].replace(",", " ").split())))
                  for row in rows(section(read("docs/architecture.md"), "## Layers"))[1:]]
    compare("architecture.md", "layer", documented, actual)


KEY = re.compile(r'\{"([^"]+)", AG_KEY_\w+(.*?)\}[,\n]', re.S)


def key_tables():
    """Array name -> {key: (words, name of the array of its own keys)}, aliases as keys."""
    text = read("libargo/template/step_table.c")
    words = {name: re.findall(r'"([^"]+)"', body) for name, body in
             re.findall(r"const char \*const (\w+)\[\] = \{(.*?)\};", text, re.S)}
    for name, body in re.findall(r"^#define (\w+_KEYS) \\\n((?:.*\\\n)*.*)$", text, re.M):
        text = text.replace(f"    {name},\n", body.replace("\\", "") + ",\n")
    tables = {}
    for name, body in re.findall(r"struct ag_key (\w+)\[\] = \{(.*?)\n\};", text, re.S):
        tables[name] = {}
        for key, rest in KEY.findall(body):
            alias = re.search(r'\.alias = "([^"]+)"', rest)
            listed = re.search(r"\.words = (\w+)", rest)
            sub = re.search(r"\.sub = SUB\((\w+)\)", rest)
            for spelling in (key, *([alias.group(1)] if alias else [])):
                tables[name][spelling] = (words[listed.group(1)] if listed else [],
                                          sub.group(1) if sub else None)
    types = re.findall(r'^    \{"(\w+)", (NULL|"\w+"), "[^"]*", \w+, KEYS\((\w+)\)[,}]', text, re.M)
    later = re.findall(r'"([^"]+)"', re.search(r"types_later\[\] = \{(.*?)\}", text, re.S).group(1))
    return tables, types, later


def check_keys(where, text, tables, name):
    expected = {}
    for key, (words, sub) in tables[name].items():
        expected[key] = words
        for inner, (inner_words, _) in (tables[sub] if sub else {}).items():
            expected[f"{key}.{inner}"] = inner_words
    documented = {}
    for row in rows(text):
        for key in code_words(row[0]):
            documented[key] = row[1]
    compare("templates.md", f"{where}: key", documented, expected)
    for key, words in expected.items():
        for word in words:
            if f"`{word}`" not in documented.get(key, f"`{word}`"):
                problems.append(f"docs/templates.md: {where}: {key}: the word {word} is missing")


def check_templates():
    tables, types, later = key_tables()
    page = read("docs/templates.md")
    check_keys("top level", section(page, "## Top level"), tables, "template_keys")
    check_keys("every step", section(page, "## Every step"), tables, "step_keys")
    compare("templates.md", "step type", re.findall(r"^### `(\w+)`$", page, re.M),
            [name for name, _, _ in types])
    for name, alias, keys in types:
        text = section(page, f"### `{name}`")
        check_keys(name, text, tables, keys)
        if alias != "NULL" and f"Or `{alias[1:-1]}`" not in text:
            problems.append(f"docs/templates.md: {name}: the alias {alias} is missing")
        if "```" not in text:
            problems.append(f"docs/templates.md: {name}: an example is missing")
    not_yet = re.search(r"^Not yet: `([^`]+)`", page, re.M)
    compare("templates.md", "step type to come", not_yet.group(1).split() if not_yet else [],
            [name for name in later if name != "user_ci_chat"])


def check_answers():
    actual = re.findall(r'^    \{"([^"]+)", check_\w+, \w+\},',
                        read("libargo/template/schema_check.c"), re.M)
    formats = re.findall(r'^    \{"([^"]+)", is_\w+,', read("libargo/template/schema_format.c"), re.M)
    table = rows(section(read("docs/answers.md"), "## Schemas"))
    words = [row for row in table if row[0].startswith("`")]
    compare("answers.md", "word", [word for row in words for word in code_words(row[0])], actual)
    documented = [row[1] for row in words if row[0] == "`format`"]
    compare("answers.md", "format", code_words(documented[0]) if documented else [], formats)


OPTION = re.compile(r'\{"([a-z-]+)", +(0|\'.\'), +ARC_OPTION')


def arc_commands():
    """Command -> its options, as the table of commands has them; None -> those of every command."""
    tables, commands, shown = {}, {}, []
    for path in sorted((root / "tools/arc").glob("*.c")):
        text = path.read_text()
        for name, body in re.findall(r"struct arc_option (\w+)\[\] = \{(.*?)\n\};", text, re.S):
            tables[path, name] = {spelling for option, letter in OPTION.findall(body) for spelling in
                                  (f"--{option}", *([f"-{letter[1]}"] if letter != "0" else []))}
            if name == "arc_globals":
                commands[None] = tables[path, name]
        for name, body in re.findall(r"struct arc_command (arc_command_\w+) = \{(.*?)\n\};", text,
                                     re.S):
            options = re.search(r"\.options = (\w+)", body)
            shown.append(name)
            if ".hidden = true" not in body:
                commands[re.search(r'\.name = "([^"]+)"', body).group(1)] = \
                    tables[path, options.group(1)] if options else set()
    listed = re.findall(r"&(arc_command_\w+)", read("tools/arc/commands.c"))
    compare("commands.c", "struct of a command", listed, shown)
    return commands


def check_arc():
    page = read("docs/arc.md")
    commands = arc_commands()
    compare("arc.md", "command", re.findall(r"^### arc (.+)$", page, re.M), set(commands) - {None})
    spelt = re.compile(r"(?<![\w`-])`?(--?[a-z][a-z-]*)")
    compare("arc.md", "option of every command",
            spelt.findall(section(page, "## Options of every command")), commands[None])
    for name, options in commands.items():
        text = section(page, f"### arc {name}") if name else ""
        for option in sorted(options if name else []):
            if option not in spelt.findall(text):
                problems.append(f"docs/arc.md: arc {name}: {option} is missing")
    clients = page[:page.index("\n## argo-daemon")]
    compare("arc.md", "option", set(spelt.findall(clients)), set().union(*commands.values()))
    codes = re.search(r"enum arc_exit \{(.*?)\}", read("tools/arc/arc.h"), re.S).group(1)
    compare("arc.md", "exit code", [row[0] for row in rows(section(page, "## Exit codes"))[1:]],
            re.findall(r"ARC_EXIT_\w+ = (\d+)", codes))


def check_advice():
    """arc says what to do next after every error."""
    codes = re.findall(r"^    (ARGO_E_\w+) =", read("include/argo/error.h"), re.M)
    compare("../tools/arc/report.c", "advice for", re.findall(r"\{(ARGO_E_\w+), ARC_EXIT_\w+,\s+\"",
                                                            read("tools/arc/report.c")), codes)


def tables(text):
    """First cell of a table's head -> the first cells of its other rows."""
    found = {}
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, *body = rows(table)
        found[head[0]] = [row[0] for row in body]
    return found


def exit_codes(main):
    """Of a program: those that its main file defines, and the two of stdlib.h."""
    return ["0", "1", *re.findall(r"^#define EXIT_\w+\s+(\d+)", read(main), re.M)]


def check_programs():
    """Options, environment and exit codes of the two that people do not call."""
    page = read("docs/arc.md")
    daemon, executor = (tables(section(page, f"## {name}"))
                        for name in ("argo-daemon", "argo_workflow_executor"))
    known = read("tools/daemon/options.c").split("known[] = {")[1].split("};")[0]
    compare("arc.md", "argo-daemon option",
            [word.split()[0] for cell in daemon["option"] for word in code_words(cell)],
            [f"--{name}" for name in re.findall(r'\{"([a-z-]+)",', known)])
    compare("arc.md", "argo-daemon exit code", daemon["exit code"], exit_codes("tools/daemon/main.c"))
    given = set(re.findall(r'"(ARGO_[A-Z_]+)[="]', read("libargo/daemon/launch_env.c")))
    taken = set(re.findall(r'(?:getenv|number_from)\("(\w+)"', read("tools/executor/main.c")))
    compare("arc.md", "argo_workflow_executor variable",
            [code_words(cell)[0] for cell in executor["variable"]], given | taken)
    compare("arc.md", "argo_workflow_executor exit code", executor["exit code"],
            exit_codes("tools/executor/main.c"))


def check_environment():
    """Each variable that a program reads or sets is on some page."""
    pages = "".join(path.read_text() for path in sorted((root / "docs").glob("*.md")))
    for directory in ("libargo", "tools"):
        for path in sorted((root / directory).rglob("*.c")):
            text = path.read_text()
            names = set(re.findall(r'getenv\("(\w+)"\)', text)) | \
                set(re.findall(r'"(ARGO_[A-Z_]+)[="]', text))
            for name in sorted(names):
                if not re.search(rf"\b{name}\b", pages):
                    problems.append(f"{path.relative_to(root)}: {name} is on no page of docs/")


def check_installed():
    """What is in docs/ is installed."""
    listed = set(re.findall(r"'([\w.-]+\.(?:md|yaml|json))'", read("docs/meson.build")))
    there = {path.name for path in (root / "docs").iterdir()
             if path.suffix in (".md", ".yaml", ".json")}
    compare("meson.build", "page", listed, there)


# What a fenced block may be, and who tries it: test_docs.py, test_transcripts.py and test_remote.py, the unit tests of
# expressions, the C compiler. "text" shows what is printed; "sh elsewhere" is what CI does as a whole.
BLOCKS = {"console", "sh tried", "sh run", "sh executor", "sh elsewhere", "sh remote", "sh install", "yaml", "json",
          "conditions", "substitutions", "c", "text"}
COMMAND = re.compile(r"^\n    (?:\$ )?((?:arc|argo-daemon|curl|bash|meson|ninja|git|export) .*)", re.M)


def check_examples():
    for path in [*sorted((root / "docs").rglob("*.md")), root / "README.md"]:
        text = path.read_text()
        for info in re.findall(r"^```([^\n]*)\n.*?^```$", text, re.M | re.S):
            if info not in BLOCKS and info.split(" ")[0] not in ("yaml", "json", "c", "python"):
                problems.append(f"{path.relative_to(root)}: a block '{info}' is tried by no test")
        for command in COMMAND.findall(text):
            problems.append(f"{path.relative_to(root)}: '{command}' is in no block that is tried")


def check_metrics():
    text = read("libargo/daemon/metrics.c")
    actual = re.findall(r'(?:family|single)\(\w+, "(\w+)", "(\w+)",', text) + \
        [(name, "histogram") for name in re.findall(r'histogram\(\w+, "(\w+)",', text)]
    table = [row for row in rows(read("docs/metrics.md")) if row[0].startswith("`")]
    compare("metrics.md", "metric", [(code_words(row[0])[0], row[1]) for row in table], actual)
    labels = set(re.findall(r'label\(b, "[{,]", "(\w+)",', text)) | \
        set(re.findall(r'by_label\(b, "\w+", "(\w+)",', text))
    compare("metrics.md", "label", {word for row in table for word in code_words(row[2])}, labels)


def check_settings():
    """configuration.md's table, against the one table of base/config.c."""
    table = read("libargo/base/config.c").split("struct known table[] = {")[1].split("\n};")[0]
    actual = [(key, builtin.strip('"').replace("NULL", ""), f"--{option}" if option else "")
              for key, builtin, option in
              re.findall(r'\{"(\w+)", \w+, \d+, \w+, \w+, (NULL|"[^"]*"), (?:NULL|"([^"]*)")', table)]
    documented = [(code_words(row[0])[0], row[1], "".join(code_words(row[2])))
                  for row in rows(section(read("docs/configuration.md"), "## Settings"))[1:]]
    compare("configuration.md", "setting", documented, actual)
    # What is not about one start of the daemon, or found by itself, can be set for good.
    options = set(re.findall(r'\{"([a-z-]+)",', read("tools/daemon/options.c").split("known[] = {")[1]
                             .split("};")[0]))
    compare("configuration.md", "option of argo-daemon",
            [option.removeprefix("--") for _, _, option in actual if option],
            options - {"home", "executor", "templates", "ready-fd", "repair", "foreground", "version",
                       "help"})


def check_c_api():
    """Each header of include/argo has its section with its functions in docs/capi.md."""
    page = read("docs/capi.md")
    headers = {f"<argo/{path.name}>": path for path in (root / "include/argo").glob("*.h")
               if path.stem not in ("argo", "macros")}
    compare("capi.md", "header", re.findall(r"^## (<.*>)$", page, re.M), headers)
    for name, path in headers.items():
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        listed = [word for row in rows(section(page, f"## {name}")) for word in code_words(row[0])]
        compare("capi.md", f"{name}: function", listed,
                re.findall(r"ARGO_PUBLIC\s+[^;]*?\b(argo_\w+)\s*\(", text))


def check_links():
    for path in [*sorted((root / "docs").glob("*.md")), root / "README.md",
                 root / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                problems.append(f"{path.relative_to(root)}: the link {target} leads nowhere")


check_routes()
check_codes()
check_errors()
check_transitions()
check_layers()
check_templates()
check_answers()
check_arc()
check_advice()
check_programs()
check_environment()
check_installed()
check_examples()
check_metrics()
check_settings()
check_c_api()
check_links()
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
