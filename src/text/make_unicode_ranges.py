"""Writes unicode_ranges.cc: the code points that Hugging Face's BERT normalizer and pre-tokenizer treat specially. Asks the
library itself, code point by code point: its tables are of several Unicode versions (8.0 for categories, 9.0 for
canonical order, that of its Rust compiler for lower case), whatever version utf8proc has. Needs `tokenizers`, and
`unicodedata2` of Unicode 17 or later for what later versions of Unicode (and of utf8proc) know.

    python3 src/text/make_unicode_ranges.py
"""

import pathlib

import tokenizers
import unicodedata2
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HEADER = """\
// Made by make_unicode_ranges.py from Hugging Face tokenizers {version}; not edited by hand.
#include "unicode_ranges.h"

namespace sidenet {{
namespace {{

// clang-format off
"""
FOOTER = """\
// clang-format on

}}  // namespace

{functions}
}}  // namespace sidenet
"""


def normalizer(**on):
    steps = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return BertNormalizer(**{**steps, **on})


def removed():
    clean = normalizer(clean_text=True)
    return [c for c in CODE_POINTS if clean.normalize_str(f"x{chr(c)}x") == "xx"]


def nonspacing():
    strip = normalizer(strip_accents=True)
    return [c for c in CODE_POINTS if strip.normalize_str("x" + chr(c)) == "x"]


def punctuation():
    split = BertPreTokenizer()
    return [c for c in CODE_POINTS if len(split.pre_tokenize_str(f"x{chr(c)}x")) == 3]


def ideographs():
    space = normalizer(handle_chinese_chars=True)
    return [c for c in CODE_POINTS if space.normalize_str(chr(c)) != chr(c)]


def never_normalised():
    """Decomposed, or with a combining class, in Unicode 17 but left alone by the library."""
    nfd = NFD()
    after, before = "\u0345", "\u0334"  # the highest and the lowest combining class: 240 and 1

    def changes(c):
        # A class from 1 to 239 moves in front of U+0345, one from 2 behind U+0334.
        return (nfd.normalize_str("x" + c) != "x" + c or nfd.normalize_str("x" + after + c) != "x" + after + c
                or nfd.normalize_str("x" + c + before) != "x" + c + before)

    def known(c):
        return unicodedata2.combining(c) != 0 or unicodedata2.normalize("NFD", c) != c
    return [c for c in CODE_POINTS if known(chr(c)) and not changes(chr(c)) and chr(c) not in (after, before)]


def ranges(code_points):
    result = []
    for c in code_points:
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def table(name, code_points):
    items = [f"{{0x{a:X}, 0x{b:X}}}," for a, b in ranges(code_points)]
    lines, line = [], " "
    for item in items:
        if len(line) + 1 + len(item) > 120:
            lines.append(line)
            line = " "
        line += " " + item
    return f"constexpr CodePointRange {name}[] = {{\n" + "\n".join(lines + [line]) + "\n};\n"


def main():
    if int(unicodedata2.unidata_version.split(".")[0]) < 17:
        raise SystemExit(f"unicodedata2: expected Unicode 17 or later, got {unicodedata2.unidata_version}")
    sets = {
        "removed": removed(),
        "nonspacing": nonspacing(),
        "punctuation": punctuation(),
        "ideographs": ideographs(),
        "never_normalised": never_normalised(),
    }
    text = HEADER.format(version=tokenizers.__version__)
    functions = ""
    for name, code_points in sets.items():
        constant = "k" + "".join(part.capitalize() for part in name.split("_"))
        text += table(constant, code_points)
        functions += f"std::span<const CodePointRange> {name}_ranges() {{ return {constant}; }}\n"
    text += FOOTER.format(functions=functions)
    (pathlib.Path(__file__).parent / "unicode_ranges.cc").write_text(text)


if __name__ == "__main__":
    main()
