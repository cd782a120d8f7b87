#!/usr/bin/env python3
"""The command line on texts.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_text_test.py
"""
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from cli_case import HERE, CommandTest
from cli_fixtures import BINARY, read_npy, read_safetensors_header, sidenet, write_npy
from text_fixtures import CLASSES, POSITIONS, VOCABULARY, labelled_texts, write_bert_folder, write_tsv

TEXT = "the old apple and a pear"


def setUpModule():
    if shutil.which(BINARY) is None:
        raise unittest.SkipTest("SIDENET_BINARY does not name the sidenet command")
    folder = HERE["folder"] = tempfile.mkdtemp(prefix="sidenet-cli-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    for name in ("hf", "headless", "train.tsv", "held.tsv", "plain.safetensors", "model.safetensors", "encoder.safetensors"):
        HERE[name.split(".")[0]] = os.path.join(folder, name)
    write_bert_folder(HERE["hf"])
    write_bert_folder(HERE["headless"], [])
    write_tsv(HERE["train"], labelled_texts(1500))
    write_tsv(HERE["held"], labelled_texts(60, seed=2))
    for arguments in (
            ("import", HERE["hf"], "-o", HERE["plain"]), ("import", HERE["headless"], "-o", HERE["encoder"]),
            ("train", HERE["encoder"], "--data", HERE["train"], "--head", "--at", "encoder.layer.0", "-o", HERE["model"],
             "--epochs", 90, "--hidden", 64, "--threads", 1)):
        outcome = sidenet(*arguments, "--quiet")
        assert outcome.status == 0 and outcome.out == "" and outcome.err == "", (arguments, outcome)


class Predict(CommandTest):
    def test_text(self):
        row = self.done("predict", HERE["model"], "--text", TEXT, "--json").rows()[0]
        self.assertEqual(row["input"], TEXT)
        self.assertEqual(row["label"], "fruit")
        self.assertIn(row["exit"], ["encoder.layer.0", "final"])
        self.assertEqual(self.done("predict", HERE["model"], "--text", "one hammer", "--json").rows()[0]["label"], "tool")

    def test_table_shows_the_beginning_of_a_long_text(self):
        out = self.done("predict", HERE["model"], "--text", "apple " * 40).out
        self.assertIn("apple apple", out)
        self.assertIn("…", out)
        self.assertTrue(all(len(line) < 120 for line in out.splitlines()))

    def test_lines_on_stdin(self):
        texts = [text for text, _ in labelled_texts(20, seed=3)]
        stdin = "\n".join(texts).encode() + b"\n"
        rows = self.done("predict", HERE["model"], "-", "--json", stdin=stdin).rows()
        self.assertEqual([row["input"] for row in rows], texts)
        for batch in (3, 64):
            batched = self.done("predict", HERE["model"], "-", "--json", "--batch", batch, stdin=stdin).rows()
            for one, other in zip(rows, batched, strict=True):
                self.assertEqual({**one, "ms": 0}, {**other, "ms": 0})

    def test_a_file_of_texts(self):
        path = self.path("texts.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a pear\r\none saw")
        self.assertEqual([row["input"] for row in self.done("predict", HERE["model"], path, "--json").rows()], ["a pear", "one saw"])

    def test_bad_lines_are_reported_and_the_others_go_on(self):
        stdin = b"a pear\n\n   \nb\xffad\n" + b"x" * (1 << 20) + b"yy\nthe saw\n"
        outcome = sidenet("predict", HERE["model"], "-", "--json", stdin=stdin)
        self.assertEqual(outcome.status, 1)
        rows = outcome.rows()  # as many as lines, in their order
        self.assertEqual([row["label"] is None for row in rows], [False, True, True, True, True, False])
        self.assertEqual([rows[i]["input"] for i in (0, 1, 2, 4, 5)], ["a pear", "", "   ", "", "the saw"])
        for row in rows[1:5]:
            self.assertEqual([row[key] for key in ("index", "confidence", "exit", "ms")], [None] * 4)
        errors = outcome.err.splitlines()
        self.assertEqual(["sidenet: " + row["error"] for row in rows[1:5]], errors)
        self.assertEqual(len(errors), 4, errors)
        for number, words in zip((2, 3, 4, 5), ("empty text", "empty text", "invalid UTF-8 at byte 1", "at most 1 MiB"), strict=True):
            self.assertIn(f"standard input:{number}: ", errors[number - 2])
            self.assertIn(words, errors[number - 2])

    def test_each_line_has_its_line_of_output(self):
        path = self.path("blank.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a pear\n\nthe saw\n\n")
        for batch in (1, 64):
            outcome = sidenet("predict", HERE["model"], path, "--batch", batch)
            self.assertEqual(outcome.status, 1)
            lines = outcome.out.splitlines()
            self.assertEqual(len(lines), 5, lines)
            self.assertEqual([line.split()[0] for line in lines], ["input", "a", "-", "the", "-"])
        outcome = sidenet("predict", HERE["model"], "--text", " ", "--text", "a pear", "--json", "--probabilities")
        self.assertEqual(outcome.status, 1)
        self.assertEqual([len(row["probabilities"]) for row in outcome.rows()], [0, len(CLASSES)])

    def test_what_is_no_lines_of_texts(self):
        for name, content, words in (
                ("x.json", b'["a pear"]\n', ("expected an object",)),
                ("x.csv.gz", gzip.compress(b"a,b\n"), ("--text-column",)),
                ("x.txt.gz", gzip.compress(b"a pear\n"), ("one text a line", "a gzip file", "zcat")),
                ("x", b"PAR1" + bytes(20), ("Parquet", "read_parquet('x')")),
                ("x.txt", "a pear\n".encode("utf-16"), ("one text a line", "UTF-16", "iconv"))):
            path = self.path(name)
            with open(path, "wb") as file:
                file.write(content)
            with self.subTest(name):
                self.assert_failed(sidenet("predict", HERE["model"], path, "--json"), 1, name, *words)

    def test_answers_come_while_the_pipe_is_open(self):
        with subprocess.Popen([BINARY, "predict", HERE["model"], "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            for text in ("a fig", "a drill"):
                process.stdin.write(text.encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["input"], text)
            process.stdin.close()
            self.assertEqual(process.wait(), 0)

    def test_pairs(self):
        row = self.done("predict", HERE["model"], "--text", "a fig", "--pair", "one saw", "--json").rows()[0]
        self.assertEqual(row["input"], "a fig | one saw")
        by_tab = self.done("predict", HERE["model"], "-", "--pairs", "--json", stdin=b"a fig\tone saw\n").rows()[0]
        self.assertEqual({**row, "ms": 0}, {**by_tab, "ms": 0})
        other = self.done("predict", HERE["model"], "--text", "a fig one saw", "--json").rows()[0]
        self.assertNotEqual(row["confidence"], other["confidence"])
        outcome = sidenet("predict", HERE["model"], "-", "--pairs", "--json", stdin=b"no tab\n")
        self.assertEqual((outcome.status, [row["label"] for row in outcome.rows()]), (1, [None]))
        self.assertIn("standard input:1: expected two texts with a tab between them", outcome.err)
        self.assert_failed(sidenet("predict", HERE["model"], "--text", "a", "--text", "b", "--pair", "c"), 1, "--pair", "2", "1")

    def test_a_text_longer_than_the_model_is_cut(self):
        long = "apple " * 1000
        cut = "apple " * (POSITIONS - 2)
        rows = [self.done("predict", HERE["model"], "--text", text, "--json").rows()[0] for text in (long, cut)]
        self.assertEqual(rows[0]["confidence"], rows[1]["confidence"])

    def test_a_missing_file_is_told(self):
        self.assert_failed(sidenet("predict", HERE["model"], self.path("none.txt")), 1, "none.txt")


class Models(CommandTest):
    def test_import_of_a_folder(self):
        metadata = read_safetensors_header(HERE["plain"])["__metadata__"]
        self.assertEqual(json.loads(metadata["sidenet.labels"]), CLASSES)
        self.assertEqual(json.loads(metadata["sidenet.vocabulary"]), VOCABULARY)
        self.assertEqual(json.loads(metadata["sidenet.architecture"])["settings"]["num_attention_heads"], "2")

    def test_options_of_import(self):
        vocabulary = self.path("cased.txt")
        with open(vocabulary, "w", encoding="utf-8") as file:
            file.write("\n".join(word.upper() if word.isalpha() else word for word in VOCABULARY) + "\n")
        model = self.path("cased.safetensors")
        outcome = self.done("import", os.path.join(HERE["hf"], "model.safetensors"), "-o", model, "--vocab", vocabulary, "--config",
                            os.path.join(HERE["hf"], "config.json"), "--max-tokens", 8)
        self.assertIn("texts are lowered, as transformers does, although the vocabulary has capitals", outcome.err)
        self.assertEqual(self.done("inspect", model, "--json").rows()[0]["tokenizer"],
                         {"pieces": len(VOCABULARY), "lower_case": True, "max_tokens": 8, "truncation": "longest_first"})
        self.assert_failed(sidenet("import", HERE["hf"], "-o", model, "--max-tokens", POSITIONS + 1), 1, "max_tokens", str(POSITIONS))
        self.assert_failed(sidenet("import", HERE["hf"], "-o", model, "--size", 32), 1, "image models")
        os.makedirs(self.path("alone"), exist_ok=True)
        for name in ("model.safetensors", "config.json"):
            shutil.copy(os.path.join(HERE["hf"], name), self.path("alone"))
        outcome = self.done("import", self.path("alone"), "-o", model)
        self.assertIn("the model takes token ids only", outcome.err)
        empty = self.path("empty")
        os.makedirs(empty, exist_ok=True)
        self.assert_failed(sidenet("import", empty, "-o", model), 1, "model.safetensors", "found neither")

    def test_an_encoder_without_a_head(self):
        self.assertIn("none yet", self.done("inspect", HERE["encoder"]).out)
        self.assert_failed(sidenet("predict", HERE["encoder"], "--text", "a"), 1, "--head")
        self.assert_failed(sidenet("train", HERE["encoder"], "--data", HERE["train"], "--at", "encoder.layer.0", "-o", self.path("x"),
                                   "--quiet"), 1, "--head")
        self.assert_failed(sidenet("train", HERE["plain"], "--data", HERE["train"], "--head", "-o", self.path("x"), "--quiet"),
                           1, "head of its own")

    def test_inspect(self):
        model = self.done("inspect", HERE["model"], "--json").rows()[0]
        self.assertEqual([exit["name"] for exit in model["exits"]], ["encoder.layer.0", "final"])
        self.assertEqual(model["exits"][0]["pool"], "cls+mean")
        self.assertEqual([tap["name"] for tap in model["taps"]], ["embeddings", "encoder.layer.0", "encoder.layer.1"])
        self.assertIn("tokens x 16", self.done("inspect", HERE["model"], "--nodes").out)

    def test_images_and_texts_are_not_mixed_up(self):
        images = os.path.join(os.path.dirname(os.environ["SIDENET_MODEL"]), "sample1000-images.idx.gz")
        pair = images + "," + images.replace("images", "labels")
        for command in (("evaluate",), ("train", "--at", "encoder.layer.0", "-o", self.path("x"))):
            self.assert_failed(sidenet(*command, HERE["model"], "--data", pair, "--quiet"), 1, "is an image", "takes texts")
        self.assert_failed(sidenet("evaluate", os.environ["SIDENET_MODEL"], "--data", HERE["train"], "--quiet"), 1, "is a text",
                           "takes images")
        self.assert_failed(sidenet("train", HERE["plain"], "--data", HERE["train"], "--at", "encoder.layer.0", "--flip", "-o",
                                   self.path("x"), "--quiet"), 1, "flip")


class Data(CommandTest):
    def test_evaluate(self):
        result = self.done("evaluate", HERE["model"], "--data", HERE["held"], "--threshold", "0.8", "--json", "--quiet").rows()[0]
        self.assertEqual(result["rows"], 60)
        self.assertGreater(result["accuracy"], 0.9)
        self.assertLess(result["compute_ratio"], 1)
        self.assertGreater(result["exits"]["encoder.layer.0"]["rows"], 0)

    def test_guesses_are_told_and_options_decide(self):
        path = self.path("odd.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("id,body,kind\n" + "".join(f'{i},"{text}, so",{label}\n' for i, (text, label) in enumerate(labelled_texts(30, 5))))
        outcome = self.done("evaluate", HERE["model"], "--data", path, "--text-column", "body", "--label-column", "3", "--json")
        self.assertEqual(outcome.rows()[0]["rows"], 30)
        self.assertIn("odd.csv", outcome.err)
        self.assert_failed(sidenet("evaluate", HERE["model"], "--data", path, "--text-column", "nobody", "--quiet"), 1, "odd.csv", "nobody")

    def test_bad_data_tells_file_and_line(self):
        for name, content, words in (
                ("latin.tsv", b"text\tlabel\ncaf\xe9 apple\tfruit\n", ("latin.tsv:2", "UTF-8", "latin-1")),
                ("label.tsv", b"text\tlabel\na\tfruit\nb\tstone\nc\ttool\n", ("stone",)),
                ("columns.tsv", b"text\tlabel\na\tfruit\nb\n", ("columns.tsv:3",)),
                ("blank.tsv", b"text\tlabel\na\tfruit\n \ttool\n", ("blank.tsv:3", "empty text"))):
            path = self.path(name)
            with open(path, "wb") as file:
                file.write(content)
            with self.subTest(name):
                self.assert_failed(sidenet("evaluate", HERE["model"], "--data", path, "--quiet"), 1, *words)
        self.done("evaluate", HERE["model"], "--data", self.path("latin.tsv"), "--encoding", "latin-1", "--quiet")

    def test_quotes_and_empty_rows_are_settled_by_options(self):
        path = self.path("quotes.tsv")
        with open(path, "w", encoding="utf-8") as file:
            file.write('text\tlabel\n"one ""saw"" it"\ttool\na 5" drill\ttool\n\tfruit\n')
        self.assert_failed(sidenet("evaluate", HERE["model"], "--data", path), 1, "quotes.tsv", "--quotes doubled", "--quotes text")
        self.assert_failed(sidenet("evaluate", HERE["model"], "--data", path, "--quotes", "text", "--quiet"), 1, "quotes.tsv:4",
                           "empty text", "--drop-empty")
        outcome = self.done("evaluate", HERE["model"], "--data", path, "--quotes", "doubled", "--drop-empty", "--json")
        self.assertEqual(outcome.rows()[0]["rows"], 2)
        self.assertIn("1 row without a text or label left out", outcome.err)

    def test_numbers_as_labels(self):
        numbers = {name: str(i + 1) for i, name in enumerate(sorted(CLASSES))}
        rows = [(text, numbers[label]) for text, label in labelled_texts(400, 4)]
        whole, ones, seconds = self.path("whole.tsv"), self.path("ones.tsv"), self.path("seconds.tsv")
        write_tsv(whole, rows)
        write_tsv(ones, [row for row in rows if row[1] == "1"])
        write_tsv(seconds, [row for row in rows if row[1] != "1"])
        accuracy = lambda *more: self.done("evaluate", HERE["model"], "--json", "--quiet", *more).rows()[0]["accuracy"]
        self.assertGreater(accuracy("--data", whole), 0.9)
        self.assert_failed(sidenet("evaluate", HERE["model"], "--data", ones, "--quiet"), 1, "ones.tsv:2", "--labels-from 0",
                           "--labels-from 1")
        self.assertGreater(accuracy("--data", ones, "--labels-from", "1"), 0.9)
        self.assertLess(accuracy("--data", ones, "--labels-from", "0"), 0.1)
        self.assert_failed(sidenet("train", HERE["encoder"], "--head", "--data", HERE["held"], "--data", whole, "--at", "embeddings", "-o",
                                   self.path("x"), "--quiet"), 1, "held.tsv:2", "whole.tsv:2", "numbers", "names")
        # One numbering for all files; the model keeps it, and then one of them is clear.
        trained = self.path("numbers.safetensors")
        outcome = self.done("train", HERE["model"], "--data", ones, "--data", seconds, "--at", "embeddings", "--epochs", 1, "-o", trained)
        self.assertEqual(len([line for line in outcome.err.splitlines() if "counted from 1" in line]), 1, outcome.err)
        self.assertEqual(self.done("inspect", trained, "--json").rows()[0]["data_labels"], [numbers[name] for name in sorted(CLASSES)])
        self.done("evaluate", trained, "--data", ones, "--quiet")
        zeros = self.path("zeros.tsv")
        write_tsv(zeros, [(text, str(int(label) - 1)) for text, label in rows])
        self.assert_failed(sidenet("evaluate", trained, "--data", zeros, "--quiet"), 1, "counted from 0", "training", "--labels-from 0")
        self.assertGreater(self.done("evaluate", trained, "--data", zeros, "--labels-from", "0", "--json", "--quiet").rows()[0]["accuracy"],
                           0.9)

    def test_training_adds_exits(self):
        model = self.path("two.safetensors")
        outcome = self.done("train", HERE["model"], "--data", HERE["train"], "--at", "embeddings,encoder.layer.1", "--token-pool", "mean",
                            "--epochs", 2, "--json", "-o", model)
        self.assertEqual([exit["name"] for exit in outcome.rows()[0]["exits"]], ["embeddings", "encoder.layer.1"])
        exits = self.done("inspect", model, "--json").rows()[0]["exits"]
        self.assertEqual([exit["name"] for exit in exits], ["embeddings", "encoder.layer.0", "encoder.layer.1", "final"])
        self.assertEqual(exits[0]["pool"], "mean")

    def test_profile(self):
        result = self.done("profile", HERE["model"], "--tokens", 12, "--batch", 3, "--repeats", 2, "--json").rows()[0]
        kinds = {node["op"] for node in result["nodes"]}
        self.assertLessEqual({"embeddings", "layer_norm", "self_attention", "linear+gelu", "linear+add", "exit"}, kinds)


class Run(CommandTest):
    def logits(self, *inputs):
        out = self.path("logits.npy")
        arguments = [part for name, file in inputs for part in ("--input", f"{name}={file}" if name else file)]
        self.done("run", HERE["model"], *arguments, "-o", out, "--final-only", "--quiet")
        return read_npy(out)

    def ids(self, name, shape, values):
        path = self.path(name + ".npy")
        write_npy(path, shape, values, "|u1")
        return path

    def test_masked_tokens_are_not_there(self):
        ids = self.ids("ids", (2, 5), [2, 5, 16, 3, 0, 2, 9, 3, 0, 0])
        mask = self.ids("mask", (2, 5), [1, 1, 1, 1, 0, 1, 1, 1, 0, 0])
        shape, both = self.logits(("input_ids", ids), ("attention_mask", mask))
        self.assertEqual(shape, (2, 2))
        _, second = self.logits(("", self.ids("one", (1, 3), [2, 9, 3])))
        self.assertEqual(both[2:], second)
        _, unmasked = self.logits(("", ids))
        self.assertNotEqual(both, unmasked)

    def test_refused(self):
        ids = self.ids("ids", (1, 3), [2, 5, 3])
        out = self.path("never.npy")
        for inputs, words in (
                ([f"input={ids}"], ("no input 'input'", "input_ids")),
                ([f"attention_mask={ids}"], ("expected 'input_ids'",)),
                ([ids, f"attention_mask={self.ids('short', (1, 2), [1, 1])}"], ("short.npy", "(1, 3)", "(1, 2)")),
                ([ids, f"attention_mask={self.ids('two', (1, 3), [1, 2, 1])}"], ("two.npy", "expected 0 or 1, got 2")),
                ([ids, f"attention_mask={self.ids('first', (1, 3), [0, 1, 1])}"], ("first.npy", "first token")),
                ([self.ids("range", (1, 2), [2, 200])], ("range.npy", "word id", "200")),
                ([self.ids("long", (1, POSITIONS + 1), [2] * (POSITIONS + 1))], ("long.npy", str(POSITIONS)))):
            arguments = [part for value in inputs for part in ("--input", value)]
            with self.subTest(inputs):
                self.assert_failed(sidenet("run", HERE["model"], *arguments, "-o", out, "--quiet"), 1, *words)
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
