#!/usr/bin/env python3
"""Makes a manual page of a page of the documentation, or of a part of one: man.py PAGE.md NAME SECTION
VERSION BRIEF FIRST END: from the heading FIRST on, "" for
all of it, and before the heading END. What the pages use of Markdown is understood, no more: headings, paragraphs,
lists, tables, fenced and indented blocks, `code`, **bold**, *words* and links."""
import re
import sys


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    for character, name in (("'", "(aq"), ("`", "(ga"), ("^", "(ha"), ("~", "(ti")):
        text = text.replace(character, "\\" + name)
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match.group()):04X}]", text)


def inline(text):
    """A line of roff; what is `code` is bold and taken as it is."""
    out = []
    for i, part in enumerate(re.split(r"(`[^`]+`)", text)):
        if i % 2 == 1:
            out.append(f"\\fB{escape(part[1:-1])}\\fR")
            continue
        part = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", part)
        part = re.sub(r"\*\*(.+?)\*\*", "\1\\1\2", escape(part))
        part = re.sub(r"(?<!\w)\*(\w[^*]*)\*", "\3\\1\2", part)
        out.append(part.replace("\1", "\\fB").replace("\3", "\\fI").replace("\2", "\\fR"))
    return protect("".join(out))


def protect(line):
    return "\\&" + line if line.startswith((".", "\\(aq")) else line


def cells(row):
    return [cell.strip() for cell in row.strip().strip("|").replace("\\|", "\0").split("|")]


def table(lines):
    """A row is a term and what it means; columns beyond two keep their heads."""
    head, body = cells(lines[0]), [cells(line) for line in lines[2:]]
    for row in body:
        rest = row[1:2] if len(row) == 2 else [f"{name}: {cell}" for name, cell in
                                               zip(head[1:], row[1:]) if cell]
        yield ".TP"
        yield inline(row[0].replace("\0", "|"))
        yield inline("; ".join(rest).replace("\0", "|")) or "\\&"


def block(lines):
    yield from [".PP", ".in +4n", ".nf"]
    yield from (protect(escape(line)) for line in lines)
    yield from [".fi", ".in"]


def paragraph(lines):
    item = re.match(r"([-*]|\d+\.) +(.*)", lines[0])
    if item:
        yield ".IP " + ("\\(bu" if item.group(1) in "-*" else item.group(1)) + " 4"
        lines = [item.group(2), *lines[1:]]
    else:
        yield ".PP"
    yield inline(" ".join(line.strip() for line in lines))


def heading(line):
    level = len(line) - len(line.lstrip("#")) - 1
    return f"{'.SH' if level <= 1 else '.SS'} {inline(line.lstrip('# '))}"


def parts(text):
    """Lists of lines: each a heading, a table, a block with its fences, or a paragraph."""
    found, part = [], []
    fenced = False
    for line in [*text.splitlines(), ""]:
        fence = line.startswith("```")
        kind = "|" if line.startswith("|") else " " if line.startswith("    ") else ""
        item = re.match(r"(?:[-*]|\d+\.) ", line)
        if not fenced and part and (not line or fence or line.startswith("#") or item or
                                    (kind == "|") != part[0].startswith("|")):
            found.append(part)
            part = []
        if line or fenced:
            part.append(line)
        if fence and fenced:
            found.append(part)
            part = []
        fenced = fenced != fence
    return found


def page(text):
    for part in parts(text):
        if part[0].startswith("#"):
            yield heading(part[0])
        elif part[0].startswith("|"):
            yield from table(part)
        elif part[0].startswith("```"):
            yield from block(part[1:-1])
        elif part[0].startswith("    "):
            yield from block([line[4:] for line in part])
        else:
            yield from paragraph(part)


def main(source, name, section, version, brief, first, end):
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if first:
        text = text[text.index(f"\n## {first}\n") + 1:]
    if end:
        text = text[:text.index(f"\n## {end}\n") + 1]
    text = text.split("\n", 1)[1]  # its title is the name
    print(f".TH {name.upper()} {section} \"\" \"argo {version}\" \"Argo\"")
    print(f".SH NAME\n{escape(name)} \\- {escape(brief)}")
    lines = [".SH DESCRIPTION", *page(text)]
    print("\n".join(line for before, line in zip(["", *lines], lines)
                    if line != ".PP" or not before.startswith(".S")))
    print(".SH SEE ALSO\n.BR arc (1),\n.BR argo\\-daemon (8),\n.BR argo\\-template (5).\n"
          "Pages that are named as a file, NAME.md, are in share/doc/argo of the installation.")


if __name__ == "__main__":
    main(*sys.argv[1:])
