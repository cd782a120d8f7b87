#!/usr/bin/env python3
"""The floors of the house, read from the build files: docs/floors.svg and a column of the table.

    docs/make_floors.py            writes both
    docs/make_floors.py --check    fails where one of them is not what the build files say
"""
import argparse
import re
import sys

from floors.build_files import ROOT, floors, short
from floors.picture import picture

ARCHITECTURE, PICTURE = ROOT / "ARCHITECTURE.md", ROOT / "docs" / "floors.svg"


def may_include(floor):
    inside, outside = floor
    return ", ".join([short(folder) for folder in inside] + outside) or "std"


def with_table(text, found):
    """The text, with the last cell of each folder's row as the build files have it."""
    lines, seen = text.splitlines(), set()
    for i, line in enumerate(lines):
        match = re.match(r"\| `([\w/]+)/` \|(.*)\|([^|]*)\|$", line)
        if match and match[1] in found:
            seen.add(match[1])
            lines[i] = f"| `{match[1]}/` |{match[2]}| {may_include(found[match[1]])} |"
    if missing := sorted(set(found) - seen):
        sys.exit(f"ARCHITECTURE.md: no row for {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail where stale")
    check = parser.parse_args().check
    found = floors()
    table = with_table(ARCHITECTURE.read_text(encoding="utf-8"), found)
    for path, text in [(ARCHITECTURE, table), (PICTURE, picture(found))]:
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            sys.exit(f"{path.relative_to(ROOT)} is not what the build files say: run docs/make_floors.py")
        if not check:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
