"""Short sentences, short lines, and links and names of files that lead somewhere."""
import re
import unittest

from documents import ROOT, anchors, blocks, documents, links, sentences, word_count

COLUMNS = 100
MOST_WORDS = 40
LONG_WORDS = 25
LONG_SHARE = 0.1
FOLDERS = "bench cli docs examples include kernels src tests tools weights".split()


def wide_lines(text):
    """Lines of prose that could have been cut: a link, or code that fills the line, cannot."""
    for kind, lines in blocks(text):
        for line in lines if kind == "prose" else []:
            whole = re.sub(r"\[[^\]]*\]\([^)]*\)|`[^`]*`", lambda part: "x" * len(part[0]), line)
            if len(line) > COLUMNS and " " in whole.strip():
                yield f"{len(line)} columns, at most {COLUMNS}: {line}"


def long_sentences(text):
    prose = [lines for kind, lines in blocks(text) if kind == "prose"]
    counts = [(word_count(s), s) for lines in prose for s in sentences(lines)]
    for words, sentence in counts:
        if words > MOST_WORDS:
            yield f"{words} words, at most {MOST_WORDS}: {sentence}"
    long = [sentence for words, sentence in counts if words > LONG_WORDS]
    if len(long) > LONG_SHARE * len(counts):
        yield (f"{len(long)} of {len(counts)} sentences have more than {LONG_WORDS} words, at most "
               f"a share of {LONG_SHARE}:\n    " + "\n    ".join(long))


def broken_links(path, text):
    for link in links(text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists():
            yield f"no file: {link}"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"no heading: {link}"


def missing_files(text):
    for name in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)[` ]", text):
        if "NAME" not in name and not (ROOT / name).exists():
            yield f"no file: {name}"


class Words(unittest.TestCase):
    def check(self, problems_of):
        paths = documents()
        self.assertGreater(len(paths), 10)
        problems = []
        for path in paths:
            text = path.read_text(encoding="utf-8")
            problems += [f"{path.relative_to(ROOT)}: {p}" for p in problems_of(path, text)]
        if problems:
            self.fail("\n".join(problems))

    def test_lines_are_wrapped(self):
        self.check(lambda _, text: wide_lines(text))

    def test_sentences_are_short(self):
        self.check(lambda _, text: long_sentences(text))

    def test_links_lead_somewhere(self):
        self.check(broken_links)

    def test_named_files_exist(self):
        self.check(lambda _, text: missing_files(text))


class Reading(unittest.TestCase):
    """The rules themselves, so that none passes by seeing nothing."""

    def test_blocks(self):
        text = "# T\n\na b\nc\n- d\n  e\n\n| x |\n\n```\ncode\n```\n\n    more\n"
        kinds = [kind for kind, _ in blocks(text)]
        self.assertEqual(kinds, "heading prose prose table code code code code".split())

    def test_sentences(self):
        lines = ["- A `b c` stands", "  (Guo et al. 2017). It ends! [Here](x.md#y) **too.** Yes."]
        self.assertEqual(
            sentences(lines), ["A Code stands (Guo et al. 2017).", "It ends!", "Here too.", "Yes."])
        self.assertEqual(word_count("0.1 points … of *two* – or `c`"), 6)

    def test_rules(self):
        self.assertEqual(len(list(wide_lines("word " * 21))), 1)
        self.assertEqual(list(wide_lines("[" + "x " * 60 + "](y)")), [])
        self.assertEqual(len(list(long_sentences("word " * 41))), 2)
        self.assertEqual(len(list(long_sentences("word " * 26 + ". " + "A b. " * 8))), 1)
        self.assertEqual(list(long_sentences("word " * 26 + ". " + "A b. " * 9)), [])
        path = ROOT / "docs" / "cifar10.md"
        self.assertEqual(len(list(broken_links(path, "[a](none.md) [b](../README.md#none)"))), 2)
        self.assertEqual(list(broken_links(path, "[a](../README.md#what-is-promised)")), [])
        self.assertEqual(list(missing_files("`src/core` `src/none.cc` `src/NAME.cc`")),
                         ["no file: src/none.cc"])


if __name__ == "__main__":
    unittest.main()
