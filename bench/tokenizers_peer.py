#!/usr/bin/env python3
"""Tokenising on one core, against Hugging Face's `tokenizers` (which must be installed):

    python3 bench/tokenizers_peer.py --program build/bench/tokenize_speed --vocabulary vocab.txt [--cased] TEXTS...

Each of TEXTS is a file of texts, one a line; of a .tsv the first column is taken. Both read the same lines and cut them at
512 tokens. They take turns, after a warm-up; the order changes with each round. Printed for each file: the medians, their
ratio (above 1: SideNet is faster), the smallest and largest ratio of a round. Fails where the numbers of tokens differ.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from machine import describe, line  # noqa: E402
from tokenizers import BertWordPieceTokenizer  # noqa: E402

BATCH = 1000  # texts of one encode_batch


def read_texts(path):
    texts = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    return [text.split("\t")[0] for text in texts] if path.suffix == ".tsv" else texts


def compare(arguments, path):
    texts = read_texts(path)
    peer = BertWordPieceTokenizer.from_file(str(arguments.vocabulary), lowercase=not arguments.cased)
    peer.enable_truncation(512)

    def run_peer():
        start = time.perf_counter()
        tokens = 0
        for first in range(0, len(texts), BATCH):
            tokens += sum(len(encoding) for encoding in peer.encode_batch(texts[first:first + BATCH]))
        return (time.perf_counter() - start) * 1e3, tokens

    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "texts"
        lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        command = [arguments.program, str(arguments.vocabulary), "0" if arguments.cased else "1", str(lines)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ours:
            counts = json.loads(ours.stdout.readline())
            _, tokens = run_peer()
            if (counts["rows"], counts["tokens"]) != (len(texts), tokens):
                sys.exit(f"{path}: {counts} here, {len(texts)} rows and {tokens} tokens there")

            def run_ours():
                ours.stdin.write("run\n")
                ours.stdin.flush()
                return json.loads(ours.stdout.readline())["ms"]

            run_ours()
            rounds = []
            for i in range(arguments.rounds):
                if i % 2 == 0:
                    mine, (theirs, _) = run_ours(), run_peer()
                else:
                    (theirs, _), mine = run_peer(), run_ours()
                rounds.append((mine, theirs))
            ours.stdin.close()
    ratios = [theirs / mine for mine, theirs in rounds]
    mine, theirs = (statistics.median(column) for column in zip(*rounds))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{path.name}: {len(texts)} texts, {megabytes:.2f} MB, {tokens} tokens: SideNet {mine:.1f} ms "
          f"({megabytes / mine * 1e3:.0f} MB/s, {mine / tokens * 1e6:.0f} ns a token), tokenizers {theirs:.1f} ms; "
          f"ratio {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--vocabulary", required=True, type=pathlib.Path)
    parser.add_argument("--cased", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("texts", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    print(line(describe(1)))
    for path in arguments.texts:
        compare(arguments, path)


if __name__ == "__main__":
    main()
