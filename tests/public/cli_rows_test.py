#!/usr/bin/env python3
"""Which rows a run takes, and which files of a folder: the same for every command, and said.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_rows_test.py"""
import json
import os
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
from cli_case import EXITS, HERE, CommandTest, make_files
from cli_fixtures import CLASSES, sidenet, write_png

setUpModule = make_files


class Rows(CommandTest):
    def evaluate(self, *options):
        (row,) = self.done("evaluate", HERE["model"], "--data", HERE["data"], "--json", "--quiet", "--threads", 1, *options).rows()
        return row

    def taken(self, *options):
        (taken,) = self.evaluate(*options)["taken"]
        return taken

    def test_all_rows_have_no_field(self):
        self.assertNotIn("taken", self.evaluate())

    def test_fields(self):
        self.assertEqual(self.taken("--skip", 3, "--limit", 30, "--split", "2-3/3", "--sample", 10, "--rows-seed", 4), {
            "data": HERE["data"], "rows": 10, "of": 36, "skip": 3, "limit": 30, "split": "2-3/3", "sample": 10, "rows_seed": 4})
        self.assertEqual(self.taken("--split", "5/5"), {
            "data": HERE["data"], "rows": 7, "of": 36, "skip": 0, "limit": None, "split": "5/5", "sample": None, "rows_seed": 1})

    def test_parts_add_up(self):
        """Counts of right answers of the parts are those of the whole, with any --seed."""
        def right(row):
            return round(row["rows"] * row["accuracy"])
        whole = right(self.evaluate())
        parts = [self.evaluate("--split", f"{part}/3", "--seed", part) for part in (1, 2, 3)]
        self.assertEqual([part["rows"] for part in parts], [12, 12, 12])
        self.assertEqual(sum(map(right, parts)), whole)
        self.assertEqual(right(parts[0]) + right(parts[1]), right(self.evaluate("--split", "1-2/3", "--seed", 9)))

    def test_every_command_tells_the_same_rows(self):
        words = ["--data", HERE["data"], "--split", "1-2/2", "--skip", 1, "--sample", 33]
        expected = {"data": HERE["data"], "rows": 33, "of": 36, "skip": 1, "limit": None, "split": "1-2/2", "sample": 33, "rows_seed": 1}
        out = self.path("rows.safetensors")
        (train,) = self.done("train", HERE["plain"], *words, "--at", EXITS[0], "-o", out, "--epochs", 1, "--hidden", 8, "--json").rows()
        self.assertEqual(train["taken"], [expected])
        page, figures = self.path("rows.html"), self.path("rows.json")
        self.done("sweep", HERE["model"], *words, "-o", page, "--json", figures)
        with open(figures, encoding="utf-8") as file:
            swept = json.load(file)
        self.assertEqual(swept["taken"], [{**expected, "data": os.path.basename(HERE["data"])}])
        self.assertIn("--skip 1 --split 1-2/2 --sample 33", swept["command"])

    def test_told_on_stderr(self):
        outcome = self.done("evaluate", HERE["model"], "--data", HERE["data"], "--limit", 5)
        self.assertIn(f"{HERE['data']}: 5 of 36 rows: limit 5 (classes in turn)", outcome.err.splitlines())

    def test_wrong_usage(self):
        for option, value in (("--split", "5"), ("--split", "0/5"), ("--split", "6/5"), ("--split", "3-2/5"), ("--split", "1/x"),
                              ("--split", "1/2000000"), ("--split", "-1/5"), ("--sample", "0"), ("--limit", "0")):
            outcome = sidenet("evaluate", HERE["model"], "--data", HERE["data"], f"{option}={value}")
            self.assertEqual(outcome.status, 2, (option, value, outcome))
            self.assertIn(option, outcome.err)


class Folders(CommandTest):
    """A folder with one picture of each class that the fixture's folders have."""

    def setUp(self):
        self.folder = self.path(self.id().rsplit(".", 1)[1])
        for name in CLASSES:
            os.makedirs(os.path.join(self.folder, name))
            shutil.copy(os.path.join(HERE["data"], name, "000.png"), os.path.join(self.folder, name))

    def write(self, name):
        os.makedirs(os.path.dirname(os.path.join(self.folder, name)), exist_ok=True)
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(b"no picture")

    def evaluate(self):
        return sidenet("evaluate", HERE["model"], "--data", self.folder, "--json")

    def test_skipped_files_are_counted_by_kind(self):
        for name in ("red/a.gif", "blue/b.GIF", "blue/notes.txt", "red/.DS_Store", "red/Thumbs.db", "__MACOSX/red/._a.png"):
            self.write(name)
        write_png(os.path.join(self.folder, "beside.png"), lambda y, x: (1, 2, 3))
        outcome = self.evaluate()
        self.assertEqual((outcome.status, outcome.rows()[0]["rows"]), (0, 3), outcome)
        self.assertIn(f"{self.folder}: skipped .gif (2 files in 2 folders), .txt (1 file in 1 folder)", outcome.err.splitlines())
        self.assertIn("1 picture beside the class folders, such as 'beside.png'", outcome.err)
        self.assertNotIn("MACOSX", outcome.err)
        predicted = sidenet("predict", HERE["model"], self.folder, "--json")
        self.assertEqual((predicted.status, len(predicted.rows())), (0, 4), predicted)
        self.assertIn(f"{self.folder}: skipped .gif (2 files in 2 folders), .txt (1 file in 1 folder)", predicted.err.splitlines())

    def test_a_class_of_other_files_is_refused(self):
        os.rename(os.path.join(self.folder, "red", "000.png"), os.path.join(self.folder, "red", "000.gif"))
        self.assert_failed(self.evaluate(), 1, "files in a class folder",
                           ".gif (1 file in 1 folder)")

    def test_a_class_that_the_model_lacks_is_refused(self):
        shutil.copytree(os.path.join(self.folder, "red"), os.path.join(self.folder, "purple"))
        self.assert_failed(self.evaluate(), 1, "'purple'", "red, green, blue")

    def test_a_class_that_the_data_lacks_is_told(self):
        shutil.rmtree(os.path.join(self.folder, "green"))
        os.rename(os.path.join(self.folder, "red"), os.path.join(self.folder, "Red"))
        note = "warning: no row of class green: what is told here says nothing about rows of it"
        outcome = self.evaluate()
        self.assertEqual((outcome.status, outcome.rows()[0]["rows"]), (0, 2), outcome)
        self.assertIn(note, outcome.err.splitlines())
        quiet = self.done("evaluate", HERE["model"], "--data", self.folder, "--json", "--quiet")
        self.assertEqual(quiet.err, "")
        train = ["train", HERE["plain"], "--data", self.folder, "--at", EXITS[0], "-o", self.path("lacks"), "--epochs", 1]
        self.assertIn(note, self.done(*train).err.splitlines())
        self.assertNotIn("no row of", self.done(*train, "--data", HERE["data"]).err)

    def test_an_empty_class_is_told(self):
        os.remove(os.path.join(self.folder, "green", "000.png"))
        outcome = self.evaluate()
        self.assertEqual((outcome.status, outcome.rows()[0]["rows"]), (0, 2), outcome)
        self.assertIn("classes without a row, as their folders are empty: 'green'", outcome.err)


if __name__ == "__main__":
    unittest.main()
