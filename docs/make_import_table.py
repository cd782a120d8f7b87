#!/usr/bin/env python3
"""Writes into docs/import.md, between its marks, what the command says of each of the tests' cases.

    docs/make_import_table.py [--binary build/tools/sidenet] [--check]     # --check: only compares
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "import.md"
BEGIN, END = "<!-- cases: made by docs/make_import_table.py -->\n", "<!-- end of cases -->\n"
sys.path.insert(0, str(ROOT / "tests" / "public"))
from import_cases import CASES  # noqa: E402


def said(binary, one):
    """"read", or the refusal without the paths."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{one['make'](pathlib.Path(folder))}"
        command = [binary, "import", path, "-o", f"{folder}/model.safetensors", *one["options"]]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        if outcome.returncode == 0:
            return "read"
        return outcome.stderr.strip().replace(folder + "/", "").removeprefix("sidenet: ").replace("|", "\\|")


def table(binary):
    lines, group = [], None
    for one in CASES:
        if one["group"] != group:
            group = one["group"]
            lines += ["", f"| {group} | |", "|---|---|"]
        lines.append(f"| {one['what']} | {said(binary, one)} |")
    return "\n".join(lines[1:]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "build" / "tools" / "sidenet")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    made = before + BEGIN + table(options.binary) + END + rest.split(END)[1]
    if options.check and made != text:
        sys.exit(f"{PAGE.name}: its table is not what the command says now: run docs/make_import_table.py")
    if not options.check:
        PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
