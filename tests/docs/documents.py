"""What the tests of the documents read of a Markdown file: prose, links, code, lines."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
_PATTERNS = ["*.md", "docs/*.md", "bench/*.md", "weights/*/*.md"]
_ABBREVIATIONS = re.compile(r"\b(al|cf|resp)\.$")


def documents():
    return sorted(path for pattern in _PATTERNS for path in ROOT.glob(pattern))


def blocks(text):
    """Pairs (kind, lines): code, table, heading, comment, or prose: one paragraph or list item."""
    found, current, fenced = [], [], False

    def close():
        if current:
            found.append(("prose", current.copy()))
            current.clear()

    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("```"):
            close()
            fenced = not fenced
            found.append(("code", [line]))
        elif fenced or (line.startswith("    ") and not current):
            found.append(("code", [line]))
        elif not stripped:
            close()
        elif stripped.startswith(("|", "#", "<!--", "![")):
            close()
            kind = {"|": "table", "#": "heading", "<": "comment", "!": "picture"}[stripped[0]]
            found.append((kind, [line]))
        else:
            if re.match(r"(-|\d+\.) ", stripped):
                close()
            current.append(line)
    close()
    return found


def plain(text):
    """Prose as it is read: a link is its words, a piece of code is one word."""
    text = re.sub(r"``.+?``|`[^`]+`", "Code", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*_]{1,2}(\S.*?\S|\S)[*_]{1,2}", r"\1", text)


def sentences(lines):
    text = re.sub(r"^(-|\d+\.) ", "", " ".join(line.strip() for line in lines))
    found, rest = [], ""
    for part in re.split(r"(?<=[.!?])(?=\s)|(?<=[.!?][)*])(?=\s)", plain(text)):
        rest += part
        if _ABBREVIATIONS.search(rest):
            continue
        found.append(rest.strip())
        rest = ""
    return [sentence for sentence in found + [rest.strip()] if sentence]


def word_count(sentence):
    return len([word for word in sentence.split() if re.search(r"[^\W_]", word)])


def links(text):
    prose = "\n".join("\n".join(lines) for kind, lines in blocks(text) if kind != "code")
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose))


def anchors(text):
    """What GitHub calls the headings of a file."""
    headings = [lines[0].lstrip("# ") for kind, lines in blocks(text) if kind == "heading"]
    return {re.sub(r"[^\w\- ]", "", plain(h).lower()).replace(" ", "-") for h in headings}
