#!/usr/bin/env python3
"""From CSV to CSV: predict on a table, against the same texts as lines and pandas around them.

    python3 bench/table_job.py --binary build/tools/sidenet --model weights/debian_sections/debian_sections.safetensors \
        --texts $D/sst2/train.tsv --rows 20000

One command reads the CSV and writes the answers behind its columns. The parts are what it replaces: predict on the same texts as
lines, with JSON on standard output, at the same --batch. Both in turn, ROUNDS times; the ratio is the median of the rounds. With
pandas at hand the file of answers is read back and compared with the input. --memory also gives the command's peak memory on that
table and on ten of it."""
import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import machine  # noqa: E402


def read_texts(path, rows):
    with open(path, encoding="utf-8") as file:
        texts = [line.rstrip("\n").split("\t")[0] for line in file][1:]
    return [text for text in texts if text.strip()][:rows]


def write_table(path, texts):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "text", "source"])
        writer.writerows((i, text, "a, b") for i, text in enumerate(texts))


def seconds(command, output):
    """Of the clock, and of all cores: the second hardly moves where others use the machine."""
    start = time.perf_counter()
    with open(output, "wb") as file:
        process = subprocess.Popen([*map(str, command)], stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def told(rounds, index, name):
    ours, parts = [job[index] for job, _ in rounds], [other[index] for _, other in rounds]
    ratios = [a / b for a, b in zip(ours, parts)]
    return (f"{name}: one command {statistics.median(ours):.2f} s, as lines {statistics.median(parts):.2f} s, ratio "
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def peak_mib(command):
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def check(table, answers, rows):
    try:
        import pandas
    except ImportError:
        return "pandas is not at hand: not compared"
    before, after = pandas.read_csv(table), pandas.read_csv(answers)
    assert before.equals(after[before.columns]) and len(after) == rows, "the columns of the input have changed"
    return "the input's columns are the same, by pandas"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="build/tools/sidenet")
    parser.add_argument("--model", required=True)
    parser.add_argument("--texts", required=True, help="TSV with a header; its first column")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    print(machine.line(machine.describe(options.threads)))
    texts = read_texts(options.texts, options.rows)
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        table, lines, answers = here / "in.csv", here / "in.txt", here / "out.csv"
        write_table(table, texts)
        lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        common = ["--batch", options.batch, "--threads", options.threads]
        job = [options.binary, "predict", options.model, table, "-o", answers, *common]
        parts = [options.binary, "predict", options.model, lines, "--json", *common]
        rounds = []
        for _ in range(options.rounds):
            rounds.append((seconds(job, here / "none"), seconds(parts, here / "answers.jsonl")))
        with open(here / "answers.jsonl", encoding="utf-8") as file, open(answers, encoding="utf-8", newline="") as written:
            same = [json.loads(line)["label"] for line in file] == [row["label"] for row in csv.DictReader(written)]
        assert same, "other answers"
        print(f"{len(texts)} rows; {check(table, answers, len(texts))}")
        print(told(rounds, 0, "clock"))
        print(told(rounds, 1, "cores"))
        if options.memory:
            write_table(here / "ten.csv", texts * 10)
            ten = [options.binary, "predict", options.model, here / "ten.csv", "-o", answers, *common]
            print(f"peak memory: {peak_mib(job):.1f} MiB, on ten of it {peak_mib(ten):.1f} MiB")


if __name__ == "__main__":
    main()
