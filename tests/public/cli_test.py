#!/usr/bin/env python3
"""The command line as its contract in ARCHITECTURE.md says: statuses, one-line errors, JSON, and what files it leaves.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_test.py

SIDENET_MODEL (the bundled model) and SIDENET_SAMPLES (a folder of PNGs for it) add tests on real weights."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from cli_fixtures import (BINARY, CLASSES, random_rows, read_npy, read_safetensors_header, resnet8, sidenet,
                          write_class_folders, write_npy, write_png, write_safetensors)

COMMANDS = ["import", "inspect", "run", "predict", "train", "evaluate", "profile"]
EXITS = ["layer1.0", "layer2.0"]
HERE = {}  # paths of the files that setUpModule makes


def setUpModule():
    if shutil.which(BINARY) is None:
        raise unittest.SkipTest("SIDENET_BINARY does not name the sidenet command")
    folder = HERE["folder"] = tempfile.mkdtemp(prefix="sidenet-cli-")
    for name in ("checkpoint.safetensors", "plain.safetensors", "model.safetensors", "labels.txt", "data", "x.npy"):
        HERE[name.split(".")[0]] = os.path.join(folder, name)
    write_safetensors(HERE["checkpoint"], resnet8())
    write_class_folders(HERE["data"], 12)
    random_rows(HERE["x"], 9)
    with open(HERE["labels"], "w", encoding="utf-8") as file:
        file.write("\n".join(CLASSES) + "\n\n")
    for arguments in (
            ("import", HERE["checkpoint"], "-o", HERE["plain"], "--labels", HERE["labels"], "--quiet"),
            ("train", HERE["plain"], "--data", HERE["data"], "--at", ",".join(EXITS), "-o", HERE["model"], "--epochs", 5,
             "--hidden", 16, "--threads", 1, "--quiet")):
        outcome = sidenet(*arguments)
        assert outcome.status == 0 and outcome.out == "" and outcome.err == "", (arguments, outcome)


def tearDownModule():
    shutil.rmtree(HERE["folder"], ignore_errors=True)


class CommandTest(unittest.TestCase):
    def path(self, name):
        return os.path.join(HERE["folder"], name)

    def assert_failed(self, outcome, status, *words):
        """One line on stderr that holds the words; nothing on stdout."""
        self.assertEqual(outcome.status, status, outcome)
        self.assertEqual(outcome.out, "", outcome)
        self.assertEqual(len(outcome.err.splitlines()), 1, outcome)
        self.assertTrue(outcome.err.startswith("sidenet: "), outcome)
        for word in words:
            self.assertIn(word, outcome.err)

    def done(self, *arguments, **options):
        outcome = sidenet(*arguments, **options)
        self.assertEqual(outcome.status, 0, (arguments, outcome))
        return outcome


class Usage(CommandTest):
    def test_help_of_every_command_fits_80_columns(self):
        for arguments in [["--help"]] + [[command, "--help"] for command in COMMANDS]:
            outcome = self.done(*arguments)
            self.assertEqual(outcome.err, "")
            self.assertIn("Usage: sidenet", outcome.out)
            for line in outcome.out.splitlines():
                self.assertLessEqual(len(line), 80, line)
        top = sidenet("--help").out
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", top)
            self.assertIn("Example", sidenet(command, "--help").out)

    def test_version(self):
        self.assertRegex(self.done("--version").out, r"^sidenet \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_status_2(self):
        run = ["run", HERE["model"], "--input", HERE["x"], "-o", self.path("never.npy")]
        import_ = ["import", HERE["checkpoint"], "-o", self.path("never")]
        for arguments in [
                [], ["nonsense"], ["--nonsense"], ["import"], ["import", HERE["checkpoint"]], ["inspect"], ["inspect", "a", "b"],
                ["predict"], ["predict", HERE["model"]], ["predict", HERE["model"], "x.png", "--top-k", "0"],
                ["evaluate", HERE["model"]], ["train", HERE["model"], "--data", HERE["data"], "-o", "x"],
                run + ["--threshold", "nan"], run + ["--threshold", "-0.1"], run + ["--threshold", "high"],
                run + ["--thresholds", "layer1.0"], run + ["--thresholds", "layer1.0=0.5,layer1.0=0.6"],
                run + ["--thresholds", "=0.5"], run + ["--thresholds", "layer1.0=nan"],
                run + ["--exit", "final", "--final-only"], run + ["--exit", "final", "--threshold", "0.5"],
                run + ["--final-only", "--thresholds", "layer1.0=0.5"], run + ["--confidence", "gut"],
                run + ["--threads", "-1"], run + ["--threads", "many"], run + ["--batch", "0"], run + ["--precision", "f8"],
                import_ + ["--mean", "1,2"], import_ + ["--std", "0"], import_ + ["--std", "1,1,nan"],
                import_ + ["--preprocess", "sepia"], import_ + ["--size", "-1"]]:
            with self.subTest(arguments=arguments):
                self.assert_failed(sidenet(*arguments), 2, "--help")
        self.assertFalse(os.path.exists(self.path("never.npy")))

    def test_command_names_are_ordinary_arguments_behind_a_command(self):
        self.assert_failed(sidenet("inspect", "train"), 1, "train: ")

    def test_precisions_that_are_not_built_fail(self):
        for precision in ("bf16", "int8"):
            self.assert_failed(sidenet("predict", HERE["model"], "x.png", "--precision", precision), 1, precision, "f32")

    def test_options_of_text_models_fail(self):
        for option in ("--config", "--vocab"):
            self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", self.path("m"), option, "f"), 1, option)
        self.assert_failed(sidenet("predict", HERE["model"], "--text", "hello"), 1, "--text")

    def test_stdout_that_cannot_be_written_fails(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            process = subprocess.run([BINARY, "inspect", HERE["model"], "--json"], stdout=full, stderr=subprocess.PIPE,
                                     timeout=60, check=False)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(process.stderr.count(b"\n"), 1)

    def test_errors_show_no_control_characters(self):
        self.assert_failed(sidenet("inspect", "new\nline\x1b[2Jand\rreturn"), 1)
        self.assertNotIn("\x1b", sidenet("inspect", "\x1b[2J").err)


class Import(CommandTest):
    def test_writes_safetensors_with_the_labels(self):
        header = read_safetensors_header(HERE["plain"])
        self.assertIn("sidenet.version", header["__metadata__"])
        self.assertIn("conv1.weight", header)
        self.assertEqual(sidenet("inspect", HERE["plain"], "--json").rows()[0]["labels"], CLASSES)

    def test_summary_is_on_stderr(self):
        outcome = self.done("import", HERE["checkpoint"], "-o", self.path("summary.safetensors"))
        self.assertEqual(outcome.out, "")
        self.assertIn("cifar_resnet8", outcome.err)

    def test_preprocessing_options_are_kept(self):
        out = self.path("preprocessed.safetensors")
        self.done("import", HERE["checkpoint"], "-o", out, "--mean", "-0.1,0.2,0.3", "--std", "0.5,0.5,0.25", "--size", 40,
                  "--crop", 32)
        info = sidenet("inspect", out, "--json").rows()[0]["preprocessing"]
        self.assertEqual(info, {"channels": 3, "resize": 40, "crop": 32, "mean": [-0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.25]})

    def test_bad_labels(self):
        for name, content, word in (("empty", b"", "no labels"), ("blank", b"a\n\nb\n", "line 2"), ("latin1", b"caf\xe9\n", "UTF-8"),
                                    ("zero", b"a\0b\n", "zero byte"), ("few", b"one\ntwo\n", "2")):
            with open(self.path(name), "wb") as file:
                file.write(content)
            outcome = sidenet("import", HERE["checkpoint"], "-o", self.path("bad"), "--labels", self.path(name))
            self.assert_failed(outcome, 1, word)
        self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", self.path("bad"), "--labels", "/nowhere"), 1, "/nowhere")
        self.assertFalse(os.path.exists(self.path("bad")))

    def test_bad_checkpoints_and_outputs(self):
        with open(self.path("text.pth"), "w", encoding="utf-8") as file:
            file.write("not a checkpoint")
        for checkpoint in (self.path("text.pth"), self.path("missing.pth"), HERE["folder"]):
            self.assert_failed(sidenet("import", checkpoint, "-o", self.path("bad")), 1, checkpoint)
        for output in (self.path("no/such/folder"), HERE["folder"], "/dev/null"):
            self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", output), 1, output)
        self.assertTrue(os.path.exists("/dev/null") and not os.path.isfile("/dev/null"))

    def test_failure_leaves_the_old_file_and_nothing_else(self):
        old = self.path("old.safetensors")
        with open(old, "wb") as file:
            file.write(b"old")
        before = sorted(os.listdir(HERE["folder"]))
        self.assert_failed(sidenet("import", self.path("missing.pth"), "-o", old), 1)
        self.assertEqual(sorted(os.listdir(HERE["folder"])), before)
        with open(old, "rb") as file:
            self.assertEqual(file.read(), b"old")


class Inspect(CommandTest):
    def test_model(self):
        (info,) = self.done("inspect", HERE["model"], "--json").rows()
        self.assertEqual([exit_["name"] for exit_ in info["exits"]], EXITS + ["final"])
        for key in ("architecture", "labels", "preprocessing", "input_shape", "parameters", "multiply_adds", "taps", "nodes",
                    "tensors"):
            self.assertIn(key, info)
        shares = [exit_["compute_share"] for exit_ in info["exits"]]
        self.assertEqual(shares, sorted(shares))
        self.assertEqual(shares[-1], 1)
        self.assertGreaterEqual({tap["name"] for tap in info["taps"]}, set(EXITS))
        mainnet = sum(node["multiply_adds"] for node in info["nodes"] if node["op"] != "exit")
        self.assertEqual(mainnet, info["multiply_adds"])
        text = self.done("inspect", HERE["model"], "--nodes", "--taps", "--tensors").out
        for word in EXITS + ["cifar_resnet8", "conv1.weight"]:
            self.assertIn(word, text)

    def test_checkpoint(self):
        (info,) = self.done("inspect", HERE["checkpoint"], "--json").rows()
        self.assertEqual(info["format"], "safetensors")
        names = {tensor["name"]: tensor for tensor in info["tensors"]}
        self.assertEqual(names["conv1.weight"], {"name": "conv1.weight", "dtype": "f32", "shape": [16, 3, 3, 3], "bytes": 1728})

    def test_tensor_names_cannot_move_the_cursor(self):
        write_safetensors(self.path("evil.safetensors"), {"a\x1b[2J": ((1,), [0.0])})
        self.assertNotIn("\x1b", sidenet("inspect", self.path("evil.safetensors")).out)


class Run(CommandTest):
    def logits(self, *options):
        out = self.path("logits.npy")
        self.done("run", HERE["model"], "--input", HERE["x"], "--output", out, "--threads", 1, "--quiet", *options)
        return read_npy(out)

    def test_shapes_and_policies(self):
        shape, final = self.logits("--final-only")
        self.assertEqual(shape, (9, len(CLASSES)))
        self.assertEqual(self.logits("--threshold", "1.5")[1], final)
        self.assertEqual(self.logits("--exit", "final")[1], final)
        first = self.logits("--exit", EXITS[0])[1]
        self.assertNotEqual(first, final)
        self.assertEqual(self.logits("--threshold", "0")[1], first)
        self.assertEqual(self.logits("--threshold", "0", "--thresholds", f"{EXITS[0]}=2,{EXITS[1]}=2")[1], final)
        self.assertEqual(self.logits("--threshold", "2", "--thresholds", f"{EXITS[0]}=0", "--confidence", "margin")[1], first)

    def test_answers_do_not_depend_on_the_batch(self):
        for policy in (["--final-only"], ["--threshold", "0.6"]):
            whole = self.logits(*policy)
            for batch in (1, 2, 7):
                self.assertEqual(self.logits("--batch", batch, *policy), whole)

    def test_input_names(self):
        out = self.path("named.npy")
        run = ["run", HERE["model"], "-o", out]
        self.done(*run, "--input", "input=" + HERE["x"])
        self.assert_failed(sidenet(*run, "--input", "input_ids=" + HERE["x"]), 1, "input_ids")
        self.assert_failed(sidenet(*run, "--input", HERE["x"], "--input", HERE["x"]), 1, "--input")

    def test_bad_inputs(self):
        write_npy(self.path("u8.npy"), (1, 3, 32, 32), [0] * 3072, "|u1")
        write_npy(self.path("flat.npy"), (1, 3072), [0.0] * 3072)
        write_npy(self.path("grey.npy"), (1, 1, 32, 32), [0.0] * 1024)
        write_npy(self.path("huge.npy"), (1 << 40, 3, 32, 32), [0.0])
        out = self.path("bad.npy")
        for name in ("u8.npy", "flat.npy", "grey.npy", "huge.npy", "missing.npy"):
            self.assert_failed(sidenet("run", HERE["model"], "--input", self.path(name), "-o", out), 1, name)
        self.assert_failed(sidenet("run", HERE["checkpoint"], "--input", HERE["x"], "-o", out), 1, HERE["checkpoint"])
        self.assert_failed(sidenet("run", HERE["model"], "--input", HERE["x"], "-o", self.path("no/folder.npy")), 1)
        self.assertFalse(os.path.exists(out))

    def test_no_rows(self):
        write_npy(self.path("none.npy"), (0, 3, 32, 32), [])
        out = self.path("none_out.npy")
        self.done("run", HERE["model"], "--input", self.path("none.npy"), "-o", out)
        self.assertEqual(read_npy(out), ((0, len(CLASSES)), ()))

    def test_unknown_exits(self):
        run = ["run", HERE["model"], "--input", HERE["x"], "-o", self.path("bad.npy")]
        self.assert_failed(sidenet(*run, "--exit", "layer9"), 1, "layer9", EXITS[0], "final")
        self.assert_failed(sidenet(*run, "--thresholds", "layer9=0.5"), 1, "layer9")
        self.assert_failed(sidenet(*run, "--thresholds", "final=0.5"), 1, "final")


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
    KEYS = ["rows", "accuracy", "mainnet_accuracy", "agreement", "exits", "compute_ratio", "ms_per_row", "mainnet_ms_per_row"]

    def evaluate(self, *options):
        outcome = self.done("evaluate", HERE["model"], "--data", HERE["data"], "--json", "--quiet", "--threads", 1, *options)
        self.assertEqual(outcome.err, "")
        (row,) = outcome.rows()
        self.assertEqual(list(row), self.KEYS)
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
        (row,) = self.done("profile", HERE["model"], "--json", "--repeats", 2, "--batch", 3, "--threads", 1).rows()
        self.assertEqual(list(row), ["total_ms", "batch", "threads", "precision", "nodes"])
        self.assertEqual((row["batch"], row["threads"], row["precision"]), (3, 1, "f32"))
        for node in row["nodes"]:
            self.assertEqual(list(node), ["name", "op", "shape", "ms", "gflops", "peak_share"])
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
