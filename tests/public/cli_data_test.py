#!/usr/bin/env python3
"""The command line as its contract in ARCHITECTURE.md says: images, labelled data, training, timing.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_data_test.py

SIDENET_MODEL (the bundled model) and SIDENET_SAMPLES (a folder of PNGs for it) add a test on real weights."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
from cli_case import EXITS, HERE, CommandTest, make_files
from cli_fixtures import CLASSES, random_rows, resnet8, sidenet, write_png, write_safetensors

setUpModule = make_files


class Predict(CommandTest):
    KEYS = ["input", "label", "index", "confidence", "exit", "ms"]

    def test_json_rows(self):
        images = [os.path.join(HERE["data"], name, "000.png") for name in CLASSES]
        rows = self.done("predict", HERE["model"], *images, "--json", "--threshold", "0.5").rows()
        self.assertEqual([row["input"] for row in rows], images)
        for row in rows:
            self.assertEqual(list(row), self.KEYS)
            self.assertEqual(row["label"], CLASSES[row["index"]])
            self.assertIn(row["exit"], EXITS + ["final"])
            self.assertTrue(0 <= row["confidence"] <= 1 and row["ms"] > 0)

    def test_probabilities(self):
        image = os.path.join(HERE["data"], "red", "000.png")
        for options, count in ((["--top-k", 2], 2), (["--top-k", 50], 3), (["--probabilities"], 3)):
            (row,) = self.done("predict", HERE["model"], image, "--json", *options).rows()
            top = row["probabilities"]
            self.assertEqual(len(top), count)
            self.assertEqual(top[0]["index"], row["index"])
            self.assertAlmostEqual(top[0]["probability"], row["confidence"], places=5)
            values = [entry["probability"] for entry in top]
            self.assertEqual(values, sorted(values, reverse=True))
            if count == 3:
                self.assertAlmostEqual(sum(values), 1, places=5)
                self.assertEqual({entry["label"] for entry in top}, set(CLASSES))

    def test_folder_is_sorted_and_batches_change_nothing(self):
        runs = []
        for batch in (1, 5):
            rows = self.done("predict", HERE["model"], HERE["data"], "--json", "--batch", batch).rows()
            for row in rows:
                del row["ms"]
            runs.append(rows)
        names = [row["input"] for row in runs[0]]
        self.assertEqual(len(names), 36)
        self.assertEqual(names, sorted(names))
        self.assertEqual(runs[0], runs[1])

    def test_names_on_stdin(self):
        images = [os.path.join(HERE["data"], name, "001.png") for name in CLASSES]
        rows = self.done("predict", HERE["model"], "-", "--json", stdin="\r\n".join(images).encode()).rows()
        self.assertEqual([row["input"] for row in rows], images)
        self.assertEqual(self.done("predict", HERE["model"], "-", "--json").out, "")
        self.assert_failed(sidenet("predict", HERE["model"], "-", "--json", stdin=b"a\0b\n"), 1)
        self.assert_failed(sidenet("predict", HERE["model"], "-", "--json", stdin=b"x" * 100_000), 1)

    def test_bad_images_do_not_stop_the_others(self):
        good = os.path.join(HERE["data"], "blue", "002.png")
        with open(good, "rb") as file:
            half = file.read()[:60]
        for name, content in (("text.png", b"no image"), ("half.png", half), ("empty.png", b"")):
            with open(self.path(name), "wb") as file:
                file.write(content)
        bad = [self.path("text.png"), self.path("half.png"), self.path("empty.png"), self.path("missing.png")]
        outcome = sidenet("predict", HERE["model"], bad[0], good, *bad[1:], good, "--json", "--batch", 2)
        self.assertEqual(outcome.status, 1)
        self.assertEqual([row["input"] for row in outcome.rows()], [good, good])
        lines = outcome.err.splitlines()
        self.assertEqual(len(lines), len(bad))
        for line, name in zip(lines, bad):
            self.assertTrue(line.startswith("sidenet: ") and name in line, line)

    def test_rows_whose_logits_are_no_numbers_do_not_stop_the_others(self):
        tensors = resnet8()
        shape, values = tensors["conv1.weight"]
        tensors["conv1.weight"] = (shape, [3e38] * len(values))  # black stays 0, and all else overflows
        write_safetensors(self.path("overflow.safetensors"), tensors)
        model = self.path("overflow.model")
        self.done("import", self.path("overflow.safetensors"), "-o", model, "--labels", HERE["labels"], "--preprocess", "none")
        folder = os.path.join(HERE["folder"], "shades", "red")
        os.makedirs(folder)
        images = [os.path.join(folder, f"{number}.png") for number in range(5)]
        for number, image in enumerate(images):
            write_png(image, lambda y, x, number=number: (0 if number % 2 else 200,) * 3)
        alone = [row for image in images[1::2] for row in self.done("predict", model, image, "--json").rows()]
        for batch in (1, 2, 5):
            outcome = sidenet("predict", model, *images, "--json", "--batch", batch)
            self.assertEqual(outcome.status, 1, outcome)
            self.assertEqual([{**row, "ms": 0} for row in outcome.rows()], [{**row, "ms": 0} for row in alone])
            reason = "no answer: the logits of exit final are not numbers (NaN or infinite)"
            errors = [line for line in outcome.err.splitlines() if not line.startswith("note: ")]
            self.assertEqual(errors, [f"sidenet: {image}: {reason}" for image in images[::2]])
        self.assert_failed(sidenet("evaluate", model, "--data", os.path.dirname(folder)), 1, "red/0.png: no answer")
        random_rows(self.path("two.npy"), 2)
        self.assert_failed(sidenet("run", model, "--input", self.path("two.npy"), "-o", self.path("two_logits.npy")), 1,
                           "two.npy: row 0: no answer")
        self.assertFalse(os.path.exists(self.path("two_logits.npy")))

    def test_folder_without_images(self):
        os.makedirs(self.path("bare"), exist_ok=True)
        self.assert_failed(sidenet("predict", HERE["model"], self.path("bare")), 1, "bare")

    def test_table(self):
        image = os.path.join(HERE["data"], "red", "003.png")
        lines = self.done("predict", HERE["model"], image, "--final-only", "--top-k", 3).out.splitlines()
        self.assertEqual(lines[0].split(), ["input", "label", "confidence", "exit", "ms"])
        self.assertEqual(len(lines), 4)
        self.assertIn(" final ", lines[1])

    def test_other_sizes_are_resized(self):
        write_png(self.path("small.png"), lambda y, x: (7 * y % 256, 5 * x % 256, 9), size=11)
        write_png(self.path("large.png"), lambda y, x: (2 * y % 256, 3 * x % 256, 9), size=90)
        rows = self.done("predict", HERE["model"], self.path("small.png"), self.path("large.png"), "--json", "--batch", 2).rows()
        self.assertEqual(len(rows), 2)


class Evaluate(CommandTest):
    KEYS = ["rows", "accuracy", "mainnet_accuracy", "agreement", "exits", "compute_ratio", "ms_per_row", "mainnet_ms_per_row",
            "warnings"]

    def evaluate(self, *options):
        outcome = self.done("evaluate", HERE["model"], "--data", HERE["data"], "--json", "--quiet", "--threads", 1, *options)
        self.assertEqual(outcome.err, "")
        (row,) = outcome.rows()
        chosen = {"--skip", "--limit"} & set(options)
        self.assertEqual(list(row), self.KEYS + (["taken"] if chosen else []))
        self.assertEqual(list(row["exits"]), EXITS + ["final"])
        for report in row["exits"].values():
            self.assertEqual(list(report), ["rows", "accuracy", "ece"])
            self.assertEqual(report["accuracy"] is None, report["rows"] == 0)
        self.assertEqual(sum(report["rows"] for report in row["exits"].values()), row["rows"])
        return row

    def test_mainnet_alone(self):
        row = self.evaluate("--final-only")
        self.assertEqual((row["rows"], row["agreement"], row["compute_ratio"]), (36, 1, 1))
        self.assertEqual(row["accuracy"], row["mainnet_accuracy"])

    def test_an_exit_saves_compute(self):
        row = self.evaluate("--exit", EXITS[0])
        self.assertEqual(row["exits"][EXITS[0]]["rows"], 36)
        self.assertLess(row["compute_ratio"], 0.9)
        self.assertGreater(row["ms_per_row"], 0)

    def test_rows(self):
        self.assertEqual(self.evaluate("--skip", 30)["rows"], 6)
        self.assertEqual(self.evaluate("--skip", 4, "--limit", 5)["rows"], 5)

    def test_table_and_progress(self):
        outcome = self.done("evaluate", HERE["model"], "--data", HERE["data"])
        self.assertIn("accuracy", outcome.out)
        self.assertIn("36/36 rows", outcome.err)
        self.assertNotIn("\x1b", outcome.err)

    def test_bad_data(self):
        for data in ("/nowhere", self.path("labels.txt")):
            self.assert_failed(sidenet("evaluate", HERE["model"], "--data", data, "--quiet"), 1, data)


class Train(CommandTest):
    def train(self, out, *options):
        return sidenet("train", HERE["plain"], "--data", HERE["data"], "-o", out, "--epochs", 2, "--hidden", 8, "--threads", 1,
                       *options)

    def test_json_and_cache(self):
        out = self.path("trained.safetensors")
        outcome = self.train(out, "--at", EXITS[1], "--json")
        self.assertEqual(outcome.status, 0, outcome)
        (row,) = outcome.rows()
        self.assertEqual([exit_["name"] for exit_ in row["exits"]], [EXITS[1]])
        self.assertEqual(row["exits"][0]["training_rows"] + row["exits"][0]["holdout_rows"], 36)
        self.assertFalse(os.path.exists(out + ".cache"))
        self.assertIn("features", outcome.err)

    def test_same_seed_same_file(self):
        contents = []
        for name in ("first.safetensors", "second.safetensors"):
            self.assertEqual(self.train(self.path(name), "--at", EXITS[0], "--seed", 7, "--quiet").status, 0)
            with open(self.path(name), "rb") as file:
                contents.append(file.read())
        self.assertEqual(contents[0], contents[1])

    def test_fails_before_any_work(self):
        before = sorted(os.listdir(HERE["folder"]))
        self.assert_failed(self.train(self.path("no/folder/m"), "--at", EXITS[0]), 1, "no/folder/m")
        self.assert_failed(self.train(self.path("never"), "--at", "layer9"), 1, "layer9")
        self.assert_failed(self.train(self.path("never"), "--at", f"{EXITS[0]},{EXITS[0]}"), 1, "twice")
        self.assert_failed(self.train(self.path("never"), "--at", EXITS[0], "--data", "/nowhere"), 1, "/nowhere")
        self.assertEqual(sorted(os.listdir(HERE["folder"])), before)


class Profile(CommandTest):
    def test_json(self):
        trace = self.path("trace.json")
        (row,) = self.done("profile", HERE["model"], "--json", "--repeats", 2, "--batch", 3, "--threads", 1, "--trace", trace).rows()
        with open(trace, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        self.assertEqual([event["name"] for event in events], [node["name"] for node in row["nodes"]])
        self.assertTrue(all(event["ph"] == "X" for event in events))
        for one, following in zip(events, events[1:]):
            self.assertAlmostEqual(one["ts"] + one["dur"], following["ts"], places=3)
        self.assertEqual(list(row), ["total_ms", "batch", "threads", "precision", "kernels", "nodes"])
        self.assertEqual((row["batch"], row["threads"], row["precision"]), (3, 1, "f32"))
        for node in row["nodes"]:
            self.assertEqual(list(node), ["name", "op", "kernel", "shape", "ms", "gflops", "peak_share", "bytes"])
            self.assertGreater(node["bytes"], 0)
        self.assertAlmostEqual(row["total_ms"], sum(node["ms"] for node in row["nodes"]))


class Bundled(CommandTest):
    """The model of the repository, on its sample images."""

    def setUp(self):
        self.model, self.samples = os.environ.get("SIDENET_MODEL", ""), os.environ.get("SIDENET_SAMPLES", "")
        if not os.path.isfile(self.model) or not os.path.isdir(self.samples):
            self.skipTest("SIDENET_MODEL and SIDENET_SAMPLES do not name the bundled model and its sample images")

    def test_samples(self):
        (info,) = self.done("inspect", self.model, "--json").rows()
        names = [exit_["name"] for exit_ in info["exits"]]
        self.assertGreater(len(names), 1, "the bundled model has no exits")
        rows = self.done("predict", self.model, self.samples, "--json").rows()
        self.assertEqual(len(rows), sum(name.endswith(".png") for name in os.listdir(self.samples)))
        for row in rows:
            self.assertIn(row["exit"], names)
            self.assertIn(row["label"], info["labels"])


if __name__ == "__main__":
    unittest.main()
