"""Writes tokenizer/: a small vocabulary and what Hugging Face's tokenizers make of hostile texts with it. Needs `tokenizers`.

    python3 make_tokenizer_goldens.py

vocab.txt        pieces: those of the sentences below, letters, and half of the code points that the texts normalise to
tokenizer.json   the same model as Hugging Face saves it, with two added tokens, one of them new
goldens.json     {"texts", "pairs", "runs"}. A run has "file", "options" (as TokenizerOptions names them), "pairs" (whether it is
                 over the pairs) and "rows": ids, with " | " in front of the second text's, or "error" where the library
                 refuses to truncate
code_points.json {"normalised", "words"}: CRC-32s of what becomes of every code point, each over a block of 4,096 of them.
                 normalised: for each choice of steps, of PROBE with the code point in it, normalised, and "\\n"; words: of
                 "w" (white space), "p" (a word of its own) or "c" (part of a word)
"""

import json
import pathlib
import random
import zlib

from hostile_text import SPECIALS, WORDS, Generator
from tokenizers import AddedToken, BertWordPieceTokenizer, Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

FOLDER = pathlib.Path(__file__).parent / "tokenizer"
SENTENCES = """
A tokenizer cuts a text into words and the words into pieces that it knows.
What it does not know becomes a piece of its own, so nothing is ever lost without a trace.
The longest piece that fits is taken first, then the longest one that goes on from there.
Accents are dropped, capitals are lowered, and marks of punctuation stand alone.
"""
# Of the marks that stripping leaves, one of the highest combining class and one of the lowest.
PROBE = "x{0}y\U0001e000{0}\U00011446"
STEPS = [(1, 1, 1, 1), (1, 0, 0, 1), (0, 1, 1, 0), (0, 0, 1, 1)]  # clean text, Chinese characters, strip accents, lower case
ENDINGS = "s ing ed er est ness ly tion un able ation misunder standing zers kens ##s ing's".split()
FIXED = [
    "", " ", "\t\r\n", "a", "[SEP]", "[CLS] a [SEP]", "[sep]", "a[MASK]b", "[MASK][MASK]", "[[MASK]]", "[UNK] [PAD]", "[SEP",
    "[NEW]", "[new] [NEW]x", "a\u0000b", "a\u0001b\u00adc\u200bd", "a\u0085b\u000bc\u000cd\u001ce", "a\ufffdb", "\ufeffa",
    "a\u00a0b\u2028c\u3000d", "İ", "Iİı", "ΣΑΣ ς", "ǅ ß ẞ", "\u00e9 e\u0301 E\u0301", "a\u0315\u0300\u05ae\u0300\u0062",
    "a\u0345\u0300", "x\U0001d165\U0001d16e\u302e\u0323y", "a\u10f46\u0316", "한국어 \u1112\u1161\u11ab", "中文字符 mixed中a",
    "\U0002f800\uf900", "\U0002b820 \U0002b920 \U0003134a", "≠ ≮ ; ` ·", "K Å Ω", "#hash ##s", "e=mc^2 `x` ~y |z $1 +2",
    "a" * 100, "a" * 101, "é" * 100, "é" * 101, "a" * 99 + "\u0301\u0301b", "ab" * 50, "中" * 120, "don't stop-now... ok?!",
    "\u0378\U000e0fff\U0010fffd\ue000", "\u0488\u0489\u0903\u093e", "\u1734\u166d\U000111c9", "\u061d\u2e5d\U00010ead",
]


def normalised_characters(texts, **options):
    peer = BertWordPieceTokenizer({"[UNK]": 0, "[SEP]": 1, "[CLS]": 2}, **options)
    return {c for text in texts for c in peer.normalize(text)}


def make_vocabulary(texts, pick):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(c) for c in range(0x21, 0x7F)]
    words = [word.strip(".,") for word in SENTENCES.split()]
    found = sorted(normalised_characters(texts, lowercase=True) | normalised_characters(texts, lowercase=False))
    for c in letters + [c for c in found if c > "\x7f" and c.split() and pick.random() < 0.4]:
        pieces += [c] if c in "!?." else [c, "##" + c]
    pieces += words + [word.lower() for word in words + WORDS] + ENDINGS + ["##" + ending for ending in ENDINGS]
    pieces += ["##" + word[at:at + 4] for word in words for at in (1, 2)]
    return list(dict.fromkeys(piece for piece in pieces if piece == piece.rstrip()))


def row(encoding):
    line = ""
    for i, (token, kind) in enumerate(zip(encoding.ids, encoding.type_ids)):
        line += "" if i == 0 else " | " if kind != encoding.type_ids[i - 1] else " "
        line += str(token)
    return line


def rows(peer, texts):
    lines = []
    for text in texts:
        try:
            lines.append(row(peer.encode(*text) if isinstance(text, tuple) else peer.encode(text)))
        except Exception:  # the library raises bare Exception
            lines.append("error")
    return lines


def blocks():
    for first in range(0, 0x110000, 0x1000):
        yield [chr(c) for c in range(first, first + 0x1000) if not 0xD800 <= c < 0xE000]


def code_points():
    split = BertPreTokenizer()

    def kind(c):
        words = [word for word, _ in split.pre_tokenize_str(f"x{c}y")]
        return "w" if words == ["x", "y"] else "p" if len(words) == 3 else "c"

    def crc(text):
        return zlib.crc32(text.encode())

    normalised = []
    for steps in STEPS:
        peer = BertNormalizer(*map(bool, steps))
        crcs = [crc("".join(peer.normalize_str(PROBE.format(c)) + "\n" for c in block)) for block in blocks()]
        normalised.append({"steps": steps, "crcs": crcs})
    return {"normalised": normalised, "words": [crc("".join(map(kind, block))) for block in blocks()]}


def main():
    pick = random.Random(20)
    generated = Generator(20)
    texts = FIXED + [sentence for sentence in SENTENCES.split("\n") if sentence] + SPECIALS
    texts += [generated.text(8) for _ in range(330)]
    pairs = [(pick.choice(texts), pick.choice(texts)) for _ in range(70)]
    FOLDER.mkdir(exist_ok=True)
    vocabulary = FOLDER / "vocab.txt"
    vocabulary.write_bytes("".join(piece + "\n" for piece in make_vocabulary(texts, pick)).encode())

    runs = []

    def add(peer, file, options, over_pairs):
        peer.enable_truncation(options["max_tokens"], strategy=options.get("truncation", "longest_first"))
        runs.append({"file": file, "options": options, "pairs": over_pairs, "rows": rows(peer, pairs if over_pairs else texts)})

    for lower, strip, clean, chinese in [(1, None, 1, 1), (0, None, 1, 1), (1, False, 1, 1), (0, True, 0, 1), (1, None, 0, 0)]:
        peer = BertWordPieceTokenizer.from_file(str(vocabulary), lowercase=bool(lower), strip_accents=strip,
                                                clean_text=bool(clean), handle_chinese_chars=bool(chinese))
        options = {"lower_case": bool(lower), "strip_accents": strip, "clean_text": bool(clean),
                   "chinese_characters": bool(chinese), "max_tokens": 512}
        add(peer, "vocab.txt", options, False)
    peer = BertWordPieceTokenizer.from_file(str(vocabulary))
    for max_tokens in (3, 4, 5, 6, 7, 12, 21, 512):
        for strategy in ("longest_first", "only_first"):
            add(peer, "vocab.txt", {"max_tokens": max_tokens, "truncation": strategy}, True)
    add(peer, "vocab.txt", {"max_tokens": 9, "truncation": "only_first"}, False)

    saved = Tokenizer.from_str(peer.to_str())
    saved.add_special_tokens(["[NEW]", AddedToken("misunder", normalized=False)])
    saved.no_truncation()
    (FOLDER / "tokenizer.json").write_text(saved.to_str(pretty=False), encoding="utf-8")
    add(saved, "tokenizer.json", {"max_tokens": 512}, False)
    add(saved, "tokenizer.json", {"max_tokens": 10}, True)

    text = json.dumps({"texts": texts, "pairs": pairs, "runs": runs}, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / "goldens.json").write_text(text, encoding="utf-8")
    (FOLDER / "code_points.json").write_text(json.dumps(code_points(), separators=(",", ":")))


if __name__ == "__main__":
    main()
