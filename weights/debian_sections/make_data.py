#!/usr/bin/env python3
"""Debian's package descriptions with their archive sections, as three disjoint splits. Needs Debian's apt and nothing else.

    weights/debian_sections/make_data.py -o DATA        # DATA/train.tsv, calibration.tsv, test.tsv: text TAB section

A split is chosen by the digest of the source package's name, so that a package stays in its split when the archive
moves on, and packages built from one source are never on two sides. Then duplicates and near-duplicates (Jaccard
similarity of the word sets 0.8 or more) go: within each split, from calibration those near a test text, from train
those near a text of either.
"""
import argparse
import collections
import hashlib
import os
import re
import subprocess
import sys

SECTIONS = ("admin devel doc fonts games gnome gnu-r golang graphics haskell java javascript libdevel libs lisp mail math net "
            "ocaml perl php python ruby rust science sound text utils web x11").split()
NEAR = 0.8
SPLITS = ("train", "calibration", "test")


def packages():
    try:
        dump = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"make_data.py: apt-cache dumpavail failed (Debian with package lists, `apt-get update`, is needed): {error}")
    for stanza in dump.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Source|Section|Description): (.*)$", stanza, re.M))
        section = fields.get("Section", "").split("/")[-1]
        text = " ".join(fields.get("Description", "").split())
        if section in SECTIONS and text:
            yield fields.get("Source", fields["Package"]).split()[0], text, section


def split_of(source):
    bucket = int.from_bytes(hashlib.blake2b(source.encode(), digest_size=4).digest(), "big") % 10
    return "test" if bucket == 9 else "calibration" if bucket == 8 else "train"


class NearDuplicates:
    """Texts by their rarest words: two sets of Jaccard similarity J share a word among the rarest (1 - J) n + 1 of each."""

    def __init__(self, frequency):
        self.frequency, self.by_word = frequency, collections.defaultdict(list)

    def rarest(self, words):
        ordered = sorted(words, key=lambda word: (self.frequency[word], word))
        return ordered[:int((1 - NEAR) * len(ordered) + 1e-9) + 1]

    def has(self, words):
        seen = (other for word in self.rarest(words) for other in self.by_word[word])
        return any(len(words & other) >= NEAR * len(words | other) for other in seen)

    def add(self, words):
        for word in self.rarest(words):
            self.by_word[word].append(words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", required=True)
    folder = parser.parse_args().output
    rows = collections.defaultdict(list)
    frequency = collections.Counter()
    for source, text, section in sorted(set(packages())):
        words = frozenset(re.findall(r"\w+", text.lower()))
        if words:
            frequency.update(words)
            rows[split_of(source)].append((text, section, words))
    if not rows:
        sys.exit("make_data.py: apt-cache dumpavail lists no packages; run `apt-get update` first")
    kept = NearDuplicates(frequency)
    os.makedirs(folder, exist_ok=True)
    for split in reversed(SPLITS):
        path, count = os.path.join(folder, split + ".tsv"), 0
        with open(path + ".part", "w", encoding="utf-8") as out:
            out.write("text\tsection\n")
            for text, section, words in rows[split]:
                if not kept.has(words):
                    kept.add(words)
                    out.write(f"{text}\t{section}\n")
                    count += 1
        os.replace(path + ".part", path)
        print(f"{path}: {count} of {len(rows[split])} texts kept", file=sys.stderr)


if __name__ == "__main__":
    main()
