#!/usr/bin/env python3
"""predict on tables and folders of texts, and its files of answers.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_tables_test.py
"""
import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from cli_case import HERE, CommandTest
from cli_fixtures import BINARY, sidenet
from text_fixtures import write_bert_folder

ANSWER = ["label", "index", "confidence", "exit", "error"]


def setUpModule():
    if shutil.which(BINARY) is None:
        raise unittest.SkipTest("SIDENET_BINARY does not name the sidenet command")
    folder = HERE["folder"] = tempfile.mkdtemp(prefix="sidenet-cli-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    write_bert_folder(os.path.join(folder, "hf"))
    HERE["model"] = os.path.join(folder, "model.safetensors")
    outcome = sidenet("import", os.path.join(folder, "hf"), "-o", HERE["model"], "--quiet")
    assert outcome.status == 0, outcome


class TableTest(CommandTest):
    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def rows(self, path, delimiter=","):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="") as file:
            return list(csv.reader(io.StringIO(file.read(), newline=""), delimiter=delimiter))

    def predict(self, *arguments, status=0, **options):
        outcome = sidenet("predict", HERE["model"], *arguments, **options)
        self.assertEqual(outcome.status, status, outcome)
        return outcome


class Read(TableTest):
    def test_columns_are_read_as_evaluate_reads_them(self):
        texts = ["an apple, a pear", 'the "old" saw', "a\nfig"]
        frame = list(zip("123", texts, ["fruit", "tool", "fruit"]))

        def table(delimiter, header=("", "text", "label")):
            file = io.StringIO(newline="")
            csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, *frame])
            return file.getvalue()

        objects = [{"label": label, "text": text} for _, text, label in frame]
        for name, content, options in (
                ("x.csv", table(","), []), ("x.csv.gz", gzip.compress(table(",").encode()), []), ("x.csv", table(";"), []),
                ("x.csv", table(",").encode("utf-16"), []), ("x.tsv", table("\t"), []), ("x.tsv", table("\t"), ["--quotes", "doubled"]),
                ("x.csv", table(",", ("n", "a", "b")), ["--text-column", "a"]), ("x.txt", table("\t"), ["--text-column", "text", "--quotes", "doubled"]),
                ("x.jsonl", "".join(json.dumps(row) + "\n" for row in objects), []), ("x.ndjson", "".join(json.dumps(row) + "\n" for row in objects), []),
                ("x.json", json.dumps(objects, indent=1), []), ("x.json.gz", gzip.compress(json.dumps(objects).encode()), [])):
            with self.subTest(name, options=options):
                outcome = self.predict(self.write(name, content), "--json", *options)
                self.assertEqual([row["input"] for row in outcome.rows()], texts)
                self.assertRegex(outcome.err.splitlines()[-1], r"^3 rows, [\d,.]+ rows/s; final 100.0 %$")
        self.assertEqual(self.predict(self.write("x.csv", "text\ncaf\xe9\n".encode("latin-1")), "--encoding", "latin-1", "--json", "--quiet").rows()[0]["input"], "café")

    def test_pairs(self):
        path = self.write("p.tsv", "sentence1\tsentence2\na fig\tone saw\n")
        by_option = self.predict(path, "--text-column", "sentence1", "--pair-column", "sentence2", "--json").rows()[0]
        plain = self.predict("--text", "a fig", "--pair", "one saw", "--json").rows()[0]
        self.assertEqual({**by_option, "ms": 0}, {**plain, "ms": 0})
        self.assert_failed(sidenet("predict", HERE["model"], path, "--pairs", "--quiet"), 1, "p.tsv", "--pair-column")

    def test_unclear_columns_are_refused(self):
        path = self.write("x.csv", "a,b\none apple here,one saw here\n")
        self.assert_failed(sidenet("predict", HERE["model"], path), 1, "x.csv", "--text-column", "1 ('a'), 2 ('b')")
        self.assert_failed(sidenet("predict", HERE["model"], path, "-o", self.path("o.csv")), 1, "x.csv", "--text-column")
        outcome = sidenet("predict", HERE["model"], "-", "--text-column", "a", stdin=b"a pear\n")
        self.assert_failed(outcome, 1, "standard input", "--text-column", "for tables")
        lines = self.write("l.txt", "caf\xe9\n".encode("latin-1"))
        self.assert_failed(sidenet("predict", HERE["model"], lines, "--encoding", "latin-1"), 1, "l.txt", "--encoding", "iconv")

    def test_a_folder_of_texts(self):
        for name, text in (("b/2.txt", "one\nsaw"), ("a/1.txt", "a pear"), ("a/.x.txt", "x"), ("README.md", "x")):
            self.write("texts/" + name, text)
        self.write("texts/c.txt", b"\xff")
        folder = self.path("texts")
        outcome = self.predict(folder, "--json", status=1)
        self.assertEqual([row["input"] for row in outcome.rows()], [f"{folder}/{name}" for name in ("a/1.txt", "b/2.txt", "c.txt")])
        self.assertIn("skipped .md (1 file in 1 folder)", outcome.err)
        answers = [{**row, "input": "", "ms": 0} for row in self.predict("--text", "one saw", "--json").rows()]
        self.assertEqual({**outcome.rows()[1], "input": "", "ms": 0}, answers[0])
        self.predict(folder, "-o", self.path("o.csv"), status=1)
        rows = self.rows(self.path("o.csv"))
        self.assertEqual(rows[0], ["file", *ANSWER])
        self.assertIn("invalid UTF-8", rows[3][-1])


class Written(TableTest):
    CSV = ',text,label,note\n0,"an ""apple""\nfig",fruit,"a;b"\n1,,tool,\n2,a saw,,x\n'

    def test_rows_keep_their_place_and_their_columns(self):
        path, out = self.write("in.csv", self.CSV), self.path("out.csv")
        outcome = self.predict(path, "-o", out, status=1)
        self.assertEqual(outcome.out, "")
        rows, kept = self.rows(out), self.rows(path)
        self.assertEqual([row[:4] for row in rows], kept)
        self.assertEqual(rows[0][4:], ["predicted_label", *ANSWER[1:]])
        self.assertIn("predicted_label", outcome.err)
        for text, row in (('an "apple"\nfig', rows[1]), ("a saw", rows[3])):
            answer = self.predict("--text", text, "--json").rows()[0]
            self.assertEqual(row[4:], [answer["label"], str(answer["index"]), str(answer["confidence"]), answer["exit"], ""])
        self.assertEqual(rows[2][4:], ["", "", "", "", f"{path}:4: empty text"])
        self.assertRegex(outcome.err.splitlines()[-1], r"out.csv: 3 rows, [\d,.]+ rows/s; final 100.0 %; 1 failed$")

    def test_every_format_has_the_same_rows(self):
        path = self.write("in.csv", self.CSV)
        self.predict(path, "-o", self.path("out.csv"), status=1)
        expected = self.rows(self.path("out.csv"))
        self.predict(path, "-o", self.path("out.csv.gz"), "--batch", 2, "--quiet", status=1)
        self.assertEqual(self.rows(self.path("out.csv.gz")), expected)
        self.predict(path, "-o", self.path("out.tsv"), status=1)
        self.assertEqual(self.rows(self.path("out.tsv"), "\t"), expected)
        self.predict(path, "-o", self.path("out.jsonl"), status=1)
        with open(self.path("out.jsonl"), encoding="utf-8") as file:
            objects = [json.loads(line) for line in file]
        self.assertEqual([list(row) for row in objects], [expected[0]] * 3)
        self.assertEqual([["" if value is None else str(value) for value in row.values()] for row in objects], expected[1:])

    def test_objects_keep_their_values(self):
        rows = [{"text": "a pear", "n": 1.50, "x": {"y": [1, None]}}, {"text": None}, {"text": "é saw", "label": True}]
        path, out = self.write("in.jsonl", "".join(json.dumps(row) + "\n" for row in rows)), self.path("out.jsonl")
        self.predict(path, "-o", out, "--top-k", 1, status=1)
        with open(out, encoding="utf-8") as file:
            written = [json.loads(line) for line in file]
        for row, answer in zip(rows, written, strict=True):
            self.assertEqual({key: answer[key] for key in row}, row)
            self.assertEqual(list(answer)[len(row):], ["predicted_label", "index", "confidence", "exit", "probabilities", "error"])
        self.assertEqual(written[0]["probabilities"][0]["label"], written[0]["predicted_label"])
        self.assertIsNone(written[1]["predicted_label"])

    def test_lines_pairs_and_pictures(self):
        out = self.path("out.csv")
        self.predict("-", "-o", out, stdin=b"a pear\n\nthe \xff saw\n", status=1)
        rows = self.rows(out)
        self.assertEqual([row[0] for row in rows], ["text", "a pear", "", "the \ufffd saw"])
        self.assertEqual([bool(row[-1]) for row in rows[1:]], [False, True, True])
        self.predict("-", "-o", out, "--pairs", stdin=b"a fig\tone saw\n")
        self.assertEqual(self.rows(out)[1][:2], ["a fig", "one saw"])
        self.predict("--text", "a fig", "-o", out)
        self.assertEqual(self.rows(out)[1][0], "a fig")

    def test_an_object_sums_up(self):
        (total,) = self.predict(self.write("in.csv", self.CSV), "-o", self.path("out.csv"), "--json", "--quiet", status=1).rows()
        self.assertEqual([total[key] for key in ("rows", "failed", "exits")], [3, 1, {"final": 2}])

    def test_five_failures_are_told(self):
        lines = "text,x\n" + "".join(f",{i}\n" for i in range(9)) + "a pear,9\n"
        outcome = self.predict(self.write("in.csv", lines), "-o", self.path("out.csv"), status=1)
        self.assertEqual(sum("empty text" in line for line in outcome.err.splitlines()), 5)
        self.assertIn("4 more failed: see the column error of", outcome.err)
        self.assertEqual(len(self.rows(self.path("out.csv"))), 11)

    def test_memory_does_not_grow_with_the_rows(self):
        """A table of 2 MB and one of 60 take the same, but for what is read at once."""
        for kind in ("csv", "jsonl"):
            peaks = []
            for rows in (2000, 60000):
                path = self.path(f"long.{kind}")
                with open(path, "w", encoding="utf-8") as file:
                    file.write("text,note\n" if kind == "csv" else "")
                    for i in range(rows):
                        text, note = f"pear {i}", "n" * 1000
                        file.write(f'"{text}",{note}\n' if kind == "csv" else json.dumps({"text": text, "note": note}) + "\n")
                process = subprocess.Popen([BINARY, "predict", HERE["model"], path, "-o", self.path("long." + kind + ".gz"), "--quiet"])
                _, status, usage = os.wait4(process.pid, 0)
                self.assertEqual(status, 0)
                peaks.append(usage.ru_maxrss)
            self.assertLess(peaks[1], peaks[0] + 16 * 1024, (kind, peaks))  # KiB

    def test_what_is_refused(self):
        path, old = self.write("in.csv", "text\na pear\n"), self.write("old.csv", "old")
        for arguments, words in (
                ((path, "-o", self.path("o.parquet")), (".csv, .tsv or .jsonl",)),
                ((path, "-o", path), ("in.csv", "is read")),
                ((path, "-o", old, "--top-k", 2), ("--top-k", ".jsonl")),
                ((path, path, "-o", old), ("one table", "2 inputs")),
                ((path, "--text", "a", "-o", old), ("one table", "--text")),
                ((self.path("none.csv"), "-o", old), ("none.csv", "cannot be opened")),
                ((self.write("broken.csv", 'text,x\na b,1\n"c"d,2\n'), "-o", old), ("broken.csv:3", "a comma"))):
            with self.subTest(words):
                self.assert_failed(sidenet("predict", HERE["model"], *arguments, "--quiet"), 1, *words)
        with open(old) as file:
            self.assertEqual(file.read(), "old")
        with open(path, "rb") as file:
            outcome = sidenet("predict", HERE["model"], "-", "-o", path, stdin=file.read())
        self.assertEqual(outcome.status, 0)


class SkipBroken(TableTest):
    def test_evaluate_counts_what_it_leaves_out(self):
        path = self.write("e.csv", "text,label\na pear,fruit\na,b,c\nthe saw,tool\n,tool\n")
        self.assert_failed(sidenet("evaluate", HERE["model"], "--data", path, "--quiet"), 1, "e.csv:3")
        outcome = self.done("evaluate", HERE["model"], "--data", path, "--skip-broken", "--json")
        (row,) = outcome.rows()
        self.assertEqual((row["rows"], row["left_out"]), (2, 2))
        self.assertIn("1 row that cannot be read left out, the first: ", outcome.err)

    def test_class_folders_of_texts(self):
        for name, text in (("fruit/1.txt", "a pear"), ("tool/1.txt", "one saw"), ("tool/2.txt", "the\ndrill"), ("unsup/1.txt", "a fig")):
            self.write("imdb/train/" + name, text)
        folder = self.path("imdb/train")
        (row,) = self.done("evaluate", HERE["model"], "--data", folder, "--json").rows()
        self.assertEqual((row["rows"], "left_out" in row), (3, False))
        model = self.path("trained.safetensors")
        self.done("train", HERE["model"], "--data", folder, "--at", "encoder.layer.0", "--epochs", 1, "-o", model, "--quiet")
        self.done("sweep", model, "--data", folder, "-o", self.path("r.html"), "--quiet")
        self.assert_failed(sidenet("evaluate", HERE["model"], "--data", self.path("imdb")), 1, "imdb/train")


if __name__ == "__main__":
    unittest.main()
