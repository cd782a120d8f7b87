#!/usr/bin/env python3
"""`sidenet suggest` as its contract says: the table, the JSON object, and a train line that runs as it stands.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_suggest_test.py"""
import os
import shlex
import sys
import unittest

sys.dont_write_bytecode = True
from cli_case import HERE, CommandTest, make_files
from cli_fixtures import sidenet, write_class_folders
from text_fixtures import labelled_texts, write_bert_folder, write_tsv

PROBES = ["--hidden", 16, "--probe-epochs", 4, "--max-drop", 0.1]
KEYS = ["probe_rows", "choosing_rows", "told_rows", "left_out", "mainnet_accuracy", "mainnet_ms", "max_drop", "by", "taps",
        "sets", "suggested", "compared", "command"]
TAP_KEYS = ["name", "compute_share", "head_compute", "ms", "head_ms", "accuracy", "ece", "auroc", "threshold", "answered",
            "saved"]
SET_KEYS = ["at", "threshold", "worth", "saved", "accuracy", "agreement", "rows"]


def setUpModule():
    make_files()
    HERE["rows"] = os.path.join(HERE["folder"], "it's rows")
    HERE["others"] = os.path.join(HERE["folder"], "others")
    write_class_folders(HERE["rows"], 50, seed=2)
    write_class_folders(HERE["others"], 40, seed=3)
    for name in ("hf", "texts.tsv", "encoder.safetensors", "texts.safetensors"):
        HERE[name] = os.path.join(HERE["folder"], name)
    write_bert_folder(HERE["hf"], [])
    write_tsv(HERE["texts.tsv"], labelled_texts(400))
    for arguments in (("import", HERE["hf"], "-o", HERE["encoder.safetensors"]),
                      ("train", HERE["encoder.safetensors"], "--data", HERE["texts.tsv"], "--head", "-o", HERE["texts.safetensors"],
                       "--epochs", 40, "--hidden", 16, "--threads", 1)):
        outcome = sidenet(*arguments, "--quiet")
        assert outcome.status == 0 and outcome.err == "", (arguments, outcome)


class SuggestTexts(CommandTest):
    def test_texts(self):
        words = ("suggest", HERE["texts.safetensors"], "--data", HERE["texts.tsv"], *PROBES, "--label-column", "label", "--quiet")
        (row,) = self.done(*words, "--token-pool", "mean", "--json").rows()
        self.assertEqual([tap["name"] for tap in row["taps"]], ["embeddings", "encoder.layer.0"])
        self.assertEqual(row["taps"][0]["compute_share"], 0)
        self.assertGreater(row["taps"][0]["head_compute"], 0)
        self.assertTrue(row["suggested"]["at"], row)
        line = shlex.split(row["command"])
        self.assertEqual(line[line.index("--label-column") + 1], "label")
        self.assertEqual(line[line.index("--token-pool") + 1], "mean")
        self.done(*line[1:], "--epochs", 1, "--quiet")

    def test_no_head(self):
        outcome = sidenet("suggest", HERE["encoder.safetensors"], "--data", HERE["texts.tsv"], "--quiet")
        self.assert_failed(outcome, 1, "has no head", "--head")

    def test_images_for_texts(self):
        self.assert_failed(sidenet("suggest", HERE["texts.safetensors"], "--data", HERE["rows"], "--quiet"), 1)
        self.assert_failed(sidenet("suggest", HERE["plain"], "--data", HERE["texts.tsv"], "--quiet"), 1)


class Suggest(CommandTest):
    def suggest(self, *options, model="plain", data="rows"):
        return sidenet("suggest", HERE[model], "--data", HERE[data], *PROBES, *options)

    def object(self, *options, **where):
        outcome = self.suggest("--json", "--quiet", *options, **where)
        self.assertEqual((outcome.status, outcome.err), (0, ""), outcome)
        (row,) = outcome.rows()
        chosen = {"--skip", "--limit"} & set(options)
        self.assertEqual(list(row), KEYS + (["taken"] if chosen else []))
        return row

    def test_json(self):
        row = self.object()
        self.assertEqual(row["choosing_rows"] + row["told_rows"], 150)
        self.assertEqual(row["by"], "compute")
        self.assertIsNone(row["mainnet_ms"])
        self.assertIsNone(row["compared"])
        self.assertEqual([tap["name"] for tap in row["taps"]], ["layer1.0", "layer2.0"])
        for tap in row["taps"]:
            self.assertEqual(list(tap), TAP_KEYS)
            self.assertTrue(0 < tap["compute_share"] < 1 and 0 < tap["head_compute"] < 0.1)
            self.assertTrue(0 <= tap["answered"] <= 1)
        self.assertEqual([len(one["at"]) for one in row["sets"]], [1, 2])
        for one in row["sets"]:
            self.assertEqual(list(one), SET_KEYS)
            self.assertEqual(len(one["rows"]), len(one["at"]) + 1)
            self.assertEqual(sum(one["rows"]), row["told_rows"])
        self.assertEqual(list(row["suggested"]), SET_KEYS + ["gains"])

    def test_the_train_line_runs(self):
        # A random MainNet's head knows nothing, so that an exit answers no worse.
        row = self.object("--probe-data", HERE["others"], "--skip", 10, "--pool", 1)
        self.assertTrue(row["suggested"]["at"], row)
        words = shlex.split(row["command"])
        self.assertEqual(words[:3], ["sidenet", "train", HERE["plain"]])
        self.assertEqual(words[words.index("--data") + 1], HERE["others"])
        self.assertNotIn("--skip", words)
        self.assertEqual(words[words.index("--hidden") + 1], "16")
        out = words[words.index("-o") + 1]
        self.assertEqual(out, self.path("plain_exits.safetensors"))
        self.done(*words[1:], "--epochs", 1, "--quiet")
        (info,) = self.done("inspect", out, "--json").rows()
        self.assertEqual([exit_["name"] for exit_ in info["exits"]], row["suggested"]["at"] + ["final"])
        for exit_, tap in zip(info["exits"], (t for t in row["taps"] if t["name"] in row["suggested"]["at"])):
            self.assertAlmostEqual(exit_["compute_share"], tap["compute_share"] + tap["head_compute"], places=6)
            self.assertEqual(exit_["pool"], 1)

    def test_quotes(self):
        words = shlex.split(self.object("--limit", 140)["command"])
        self.assertEqual(words[words.index("--data") + 1], HERE["rows"])
        self.assertEqual(words[words.index("--limit") + 1], "140")
        self.assertNotIn("--pool", words)

    def test_same_seed_same_answer_and_a_model_with_exits(self):
        first = self.object("--seed", 3, "--threads", 1)
        self.assertEqual(first, self.object("--seed", 3, "--threads", 2))
        again = self.object("--seed", 3, model="model")
        for row in (first, again):
            del row["command"]
        self.assertEqual(first, again)

    def test_table(self):
        outcome = self.suggest("--compare", "layer2.0", "--by", "time", "--batch", 4)
        self.assertEqual(outcome.status, 0, outcome)
        for words in ("tap", "layer1.0", "-> ", "yours: 1", "sidenet train ", "--probe-data"):
            self.assertIn(words, outcome.out)
        self.assertIn("train probes", outcome.err)

    def test_time(self):
        row = self.object("--by", "time")
        self.assertGreater(row["mainnet_ms"], row["taps"][1]["ms"])
        self.assertTrue(all(tap["head_ms"] > 0 for tap in row["taps"]))

    def test_nothing_worth_having(self):
        options = ("--candidates", "layer2.0", "--min-gain", 0.99)
        row = self.object(*options)
        self.assertEqual((row["suggested"]["at"], row["suggested"]["gains"], row["command"]), ([], [], None))
        self.assertIn("none is suggested", self.suggest(*options).out)

    def test_refused(self):
        self.assert_failed(self.suggest("--quiet", data="data"), 1, "expected at least 100 rows, got 36")
        self.assert_failed(self.suggest("--quiet", "--limit", 50), 1, "got 50")
        self.assert_failed(self.suggest("--quiet", "--candidates", "layer9"), 1, "layer9")
        self.assert_failed(self.suggest("--quiet", "--compare", "layer1.0,layer1"), 1, "layer1", "twice")
        self.assert_failed(self.suggest("--quiet", "--probe-data", HERE["rows"]), 1, "150 of 150")
        self.assert_failed(self.suggest("--quiet", "--probe-data", "/nowhere"), 1, "/nowhere")
        for options in (("--max-exits", 0), ("--max-exits", 17), ("--rows", 99), ("--by", "rows"), ("--max-drop", 1)):
            self.assert_failed(self.suggest("--quiet", *options), 2, options[0])

    def test_one_class(self):
        folder = self.path("one")
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(os.path.join(folder, "red")):
            os.symlink(os.path.join(HERE["rows"], "red"), os.path.join(folder, "red"))
        outcome = sidenet("suggest", HERE["plain"], "--data", folder, "--data", folder, "--quiet", *PROBES)
        self.assert_failed(outcome, 1, "two classes or more", "red")


if __name__ == "__main__":
    unittest.main()
