"""Texts that try a tokenizer: all planes of Unicode, marks, control characters, long words, literal special tokens. The same
for the same seed."""

import random

WORDS = ("The quick brown fox jumps over lazy dogs while unbelievable translators reconsider seventeen misunderstandings "
         "I'm don't can't e-mail U.S.A. $3.50 100% C++ naïve café Ångström Straße ÉCOLE İstanbul ΣΟΦΟΣ Москва 東京 서울").split()
SPECIALS = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "[mask]", "[Sep]", "[SEP", "SEP]", "[[SEP]]", "[CLS][SEP]",
            "##s", "[unused1]", "[MASK ]", "x[MASK]y"]
# First and last code points of what is worth hitting often.
BLOCKS = [
    (0x0, 0x20), (0x7F, 0xA0), (0xA1, 0x17F), (0x180, 0x24F), (0x2B0, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F),
    (0x530, 0x58F), (0x590, 0x5FF), (0x600, 0x6FF), (0x700, 0x8FF), (0x900, 0xDFF), (0xE00, 0xFFF), (0x1000, 0x11FF),
    (0x1200, 0x17FF), (0x1800, 0x1AFF), (0x1B00, 0x1CFF), (0x1D00, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F),
    (0x2070, 0x2BFF), (0x2C00, 0x2E7F), (0x2E80, 0x30FF), (0x3100, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xA000, 0xABFF), (0xAC00, 0xD7AF), (0xD7B0, 0xD7FF), (0xE000, 0xF8FF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF),
    (0xFE00, 0xFFFF), (0x10000, 0x10FFF), (0x11000, 0x11FFF), (0x12000, 0x16FFF), (0x17000, 0x1BFFF), (0x1C000, 0x1D3FF),
    (0x1D400, 0x1DFFF), (0x1E000, 0x1EFFF), (0x1F000, 0x1FAFF), (0x1FB00, 0x1FFFF), (0x20000, 0x2FFFF), (0x30000, 0x3FFFF),
    (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
]
EMOJI = ["👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "👍🏽", "🇫🇷", "1\ufe0f\u20e3", "❤\ufe0f"]
MARKS = (list(range(0x300, 0x370)) + list(range(0x591, 0x5C8)) + list(range(0x64B, 0x660)) + list(range(0x8D4, 0x903))
         + list(range(0x1AB0, 0x1AC0)) + list(range(0x1DC0, 0x1E00)) + list(range(0x302A, 0x3030))
         + list(range(0x1D165, 0x1D173)) + [0x93C, 0x94D, 0xE38, 0xF71, 0xF72, 0x3099, 0x16FF0, 0x10F46, 0x1E000, 0x11442])
SPACES = [" ", " ", " ", " ", "\t", "\n", "\r", "\r\n", "\u00a0", "\u2028", "\u3000", "\u200b", "\x0b", "\x85", "\x1c", "  "]


class Generator:
    def __init__(self, seed):
        self._random = random.Random(seed)

    def character(self):
        pick = self._random
        first, last = pick.choice(BLOCKS) if pick.random() < 0.9 else (0, 0x10FFFF)
        c = pick.randint(first, last)
        return chr(c) if not 0xD800 <= c < 0xE000 else "\ufffd"

    def word(self):
        pick = self._random
        kind = pick.randrange(13)
        if kind < 3:
            return pick.choice(WORDS)
        if kind == 3:
            word = pick.choice(WORDS)
            return "".join(pick.choice([c.upper(), c.lower(), c]) for c in word)
        if kind == 4:
            return pick.choice(SPECIALS)
        if kind == 5:
            return "".join(chr(pick.randint(0x21, 0x7E)) for _ in range(pick.randint(1, 12)))
        if kind == 6:
            return pick.choice("aeiouAEIOUnzÅ한") + "".join(chr(pick.choice(MARKS)) for _ in range(pick.randint(1, 6)))
        if kind == 7:
            return "".join(self.character() for _ in range(pick.randint(1, 8)))
        if kind == 8:
            first, last = pick.choice(BLOCKS)
            span = [c for c in (pick.randint(first, last) for _ in range(pick.randint(1, 12))) if not 0xD800 <= c < 0xE000]
            return "".join(map(chr, span))
        if kind == 9:
            return pick.choice(EMOJI)
        if kind == 10 and pick.random() < 0.15:
            return pick.choice(["a", "é", "x\u0301", "ab", "中", "\u0e31k", "İ"]) * pick.choice([49, 50, 51, 99, 100, 101, 130])
        if kind == 11:
            word = pick.choice(WORDS)
            at = pick.randrange(len(word) + 1)
            return word[:at] + self.character() + word[at:]
        return "".join(pick.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(pick.randint(1, 14)))

    def text(self, most_words=12):
        pick = self._random
        parts = []
        for _ in range(pick.randint(0, most_words)):
            parts.append(self.word())
            if pick.random() < 0.7:
                parts.append(pick.choice(SPACES))
        return "".join(parts)
