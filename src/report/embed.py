#!/usr/bin/env python3
"""Makes report_page.cc: page.html with its styles, Chart.js and the page's own scripts, cut where the data goes.

    embed.py page.html page.css LICENCE chart.min.js SCRIPT.js... --output report_page.cc

The page's Content-Security-Policy names the hash of each script and of the styles, so that nothing else runs, whatever
the data holds; and it lets the page load nothing."""
import argparse
import base64
import hashlib
import os
import re
import sys

DATA = "{{DATA}}"
PIECE = 8000  # bytes of one literal: compilers need not take more than 65536 characters


def fail(path, expected):
    sys.exit(f"embed.py: {path}: {expected}")


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        fail(path, f"cannot be read: {error}")


def source_hash(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def check_inline(path, text, end):
    """An inline element ends at the first end tag, wherever that stands."""
    for word in (end, "<!--"):
        if word in text.lower():
            fail(path, f"holds {word}, which an inline element cannot")


def chart_js(path):
    text = read(path)
    found = re.match(r"/\*!\s*\* Chart\.js v(\d+)\.(\S+)", text)
    if not found:
        fail(path, "expected Chart.js with its notice on top")
    if found[1] != "3":
        fail(path, f"expected Chart.js 3, found {found[1]}.{found[2]}")
    return re.sub(r"\n//# sourceMappingURL=.*", "", text)


def fill(template, values):
    for name, value in values.items():
        mark = "{{" + name + "}}"
        if template.count(mark) != 1:
            fail("page.html", f"expected {mark} once, found it {template.count(mark)} times")
        before, after = template.split(mark)
        template = before + value + after
    return template


def page(arguments):
    style = read(arguments.css)
    check_inline(arguments.css, style, "</style")
    chart = chart_js(arguments.chart)
    # One function around all, so that the files share names with each other and with nothing else.
    script = "(() => {\n'use strict';\n" + "\n".join(read(path) for path in arguments.scripts) + "})();\n"
    for path, text in ((arguments.chart, chart), ("scripts", script)):
        check_inline(path, text, "</script")
    licence = read(arguments.licence)
    if "--" in licence:
        fail(arguments.licence, "holds --, which a comment cannot")
    policy = (f"default-src 'none'; img-src data:; style-src {source_hash(style)}; "
              f"script-src {source_hash(chart)} {source_hash(script)}; base-uri 'none'; form-action 'none'")
    # The scripts come last: no text of theirs is taken for a mark.
    values = {"POLICY": policy, "STYLE": style, "LICENCE": licence, "CHART": chart, "SCRIPT": script}
    template = read(arguments.html)
    if template.count(DATA) != 1:
        fail(arguments.html, f"expected {DATA} once")
    return fill(template, values).split(DATA)


def literals(text):
    """A list of string literals; octal escapes end after three digits, so none runs into the next character."""
    plain = {9, 10} | set(range(32, 127))
    short = {9: "\\t", 10: "\\n", 34: '\\"', 92: "\\\\", 63: "\\?"}
    data = text.encode()
    for begin in range(0, len(data), PIECE):
        piece = data[begin:begin + PIECE]
        yield '    "' + "".join(short.get(b) or (chr(b) if b in plain else f"\\{b:03o}") for b in piece) + '",\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("html", "css", "licence", "chart"):
        parser.add_argument(name)
    parser.add_argument("scripts", nargs="+")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    head, tail = page(arguments)
    with open(arguments.output, "w", encoding="ascii") as out:
        out.write('// Made by embed.py.\n#include "report_page.h"\n\nnamespace sidenet {\nnamespace {\n\n')
        for name, text in (("kBefore", head), ("kAfter", tail)):
            out.write(f"constexpr std::string_view {name}[] = {{\n" + "".join(literals(text)) + "};\n\n")
        out.write("}  // namespace\n\n"
                  "std::span<const std::string_view> report_page_before_data() { return kBefore; }\n"
                  "std::span<const std::string_view> report_page_after_data() { return kAfter; }\n\n"
                  "}  // namespace sidenet\n")


if __name__ == "__main__":
    main()
