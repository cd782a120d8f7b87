#!/usr/bin/env python3
"""The command line as its contract in ARCHITECTURE.md says: usage, model files, raw tensors.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_model_test.py
"""
import glob
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from cli_case import EXITS, HERE, CommandTest, make_files
from cli_fixtures import BINARY, CLASSES, read_npy, read_safetensors_header, sidenet, write_npy, write_safetensors

COMMANDS = ["import", "inspect", "run", "predict", "train", "suggest", "calibrate", "evaluate", "sweep", "profile"]
setUpModule = make_files


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
        self.assertRegex(self.done("--version").out,
                         r"^sidenet \d+\.\d+\.\d+\npictures: JPEG by \S+, PNG by \S+, .*WebP.*, BMP by stb_image\n$")

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
                run + ["--kernels", "mkl"],
                import_ + ["--mean", "1,2"], import_ + ["--std", "0"], import_ + ["--std", "1,1,nan"],
                import_ + ["--preprocess", "sepia"], import_ + ["--size", "-1"],
                run + ["--weight-cache-limit", "-1"], run + ["--weight-cache-limit", "much"]]:
            with self.subTest(arguments=arguments):
                self.assert_failed(sidenet(*arguments), 2, "--help")
        self.assertFalse(os.path.exists(self.path("never.npy")))

    def test_command_names_are_ordinary_arguments_behind_a_command(self):
        self.assert_failed(sidenet("inspect", "train"), 1, "train: ")

    def test_kernels_are_chosen_by_name(self):
        self.assert_failed(sidenet("predict", HERE["model"], "x.png", "--kernels", "mkl"), 2,
                           "--kernels", "mkl", "auto", "own", "onednn", "eigen", "reference")

    def test_precisions_that_are_not_built_fail(self):
        for precision in ("bf16", "int8"):
            self.assert_failed(sidenet("predict", HERE["model"], "x.png", "--precision", precision), 1, precision, "f32")

    def test_weight_cache_gives_the_same_answers(self):
        folder = self.path("weights")
        plain = self.done("run", HERE["model"], "--input", HERE["x"], "-o", self.path("plain.npy"))
        for name in ("first.npy", "second.npy"):
            kept = self.done("run", HERE["model"], "--input", HERE["x"], "-o", self.path(name), "--weight-cache", folder)
            self.assertEqual(kept.out, plain.out)
            self.assertEqual(read_npy(self.path(name)), read_npy(self.path("plain.npy")))
        self.assertTrue(os.listdir(folder))
        limited = self.done("run", HERE["model"], "--input", HERE["x"], "-o", self.path("limited.npy"), "--weight-cache", folder,
                            "--weight-cache-limit", "0")
        self.assertEqual(limited.out, plain.out)
        self.assertEqual(os.listdir(folder), ["secret"])
        os.symlink(folder, self.path("link"))
        self.assert_failed(sidenet("run", HERE["model"], "--input", HERE["x"], "-o", self.path("never.npy"), "--weight-cache",
                                   self.path("link")), 1, "link", "got a link")
        os.chmod(folder, 0o777)
        self.assert_failed(sidenet("run", HERE["model"], "--input", HERE["x"], "-o", self.path("never.npy"), "--weight-cache", folder),
                           1, folder, "nobody else may write")

    def test_options_of_text_models_fail(self):
        for option in ("--config", "--vocab"):
            self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", self.path("m"), option, "f"), 1, "text models")
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
        self.assertEqual(info, {"channels": 3, "channel_order": "rgb", "resize": 40, "crop": 32,
                                "interpolation": "bilinear", "crop_mode": "center", "crop_rounding": "even",
                                "exif_orientation": False, "mean": [-0.1, 0.2, 0.3],
                                "std": [0.5, 0.5, 0.25]})

    def test_check_compares_with_given_logits(self):
        logits, out = self.path("check-logits.npy"), self.path("checked.safetensors")
        self.done("run", HERE["plain"], "--input", HERE["x"], "-o", logits, "--final-only")
        outcome = self.done("import", HERE["checkpoint"], "-o", out, "--check", f"{HERE['x']},{logits}")
        self.assertIn("compared with PyTorch's logits on 9 rows", outcome.err)
        info = sidenet("inspect", out, "--json").rows()[0]
        self.assertEqual(info["checked"]["rows"], 9)
        self.assertIn({"what": "stem stride", "value": "1", "source": "default"}, info["assumptions"])
        self.assertIn("compared with PyTorch", self.done("inspect", out).out)
        again = self.path("again.safetensors")
        self.done("import", HERE["plain"], "-o", again, "--check", f"input={HERE['x']},logits={logits}")
        self.assertEqual(sidenet("inspect", again, "--json").rows()[0]["checked"], info["checked"])
        never = self.path("never.safetensors")
        self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", never, "--stem-stride", 2, "--check",
                                   f"{HERE['x']},{logits}"), 1, "check: row ", "expected PyTorch's logit")
        self.assertFalse(os.path.exists(never))
        self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", never, "--check", HERE["x"]), 1, "x.npy,y.npy")
        self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", logits, "--check", f"{HERE['x']},{logits}"), 1, logits)

    def test_settings_are_kept_and_shown(self):
        out = self.path("set.safetensors")
        outcome = self.done("import", HERE["checkpoint"], "-o", out, "--stem-stride", 2, "--epsilon", "0.001", "--strides", "1,2,1")
        self.assertRegex(outcome.err, r"stem stride +2 +option")
        info = sidenet("inspect", out, "--json").rows()[0]
        for what, value in (("stem stride", "2"), ("epsilon", "0.001"), ("strides", "1,2,1")):
            self.assertIn({"what": what, "value": value, "source": "option"}, info["assumptions"])
        self.assertEqual(info["checked"], None)
        self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", self.path("m"), "--stride-in-1x1"), 1, "bottleneck_stride")

    def test_predict_says_once_that_nothing_was_compared(self):
        image = glob.glob(os.path.join(HERE["data"], "*", "*.png"))[0]
        note = "note: never compared with PyTorch"
        unchecked = self.path("unchecked.safetensors")
        self.assertEqual(self.done("predict", unchecked, image, image).err.count(note), 1)
        self.assertEqual(self.done("predict", unchecked, image, "--quiet").err, "")
        self.assertEqual(self.done("predict", HERE["plain"], image).err, "")

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


if __name__ == "__main__":
    unittest.main()
