"""What data say against what import assumed: warnings, and `import --try`."""
import os
import random
import unittest

import cli_case
from cli_case import CommandTest, HERE
from cli_fixtures import CLASSES, resnet8, sidenet, write_png, write_safetensors

ROWS = 120
TRUE = ("--size", 64, "--channel-order", "bgr")


def write_patches(path, seed):
    """24 x 24 pixels in 16 patches of any colour."""
    rng = random.Random(seed)
    colours = [[tuple(rng.randrange(256) for _ in range(3)) for _ in range(4)] for _ in range(4)]
    write_png(path, lambda y, x: colours[y // 6][x // 6], 24)


def setUpModule():
    cli_case.make_files()
    HERE["net"] = os.path.join(HERE["folder"], "net.safetensors")
    write_safetensors(HERE["net"], resnet8(seed=6))  # answers every class somewhere
    HERE["patches"] = os.path.join(HERE["folder"], "patches")
    HERE["true"] = os.path.join(HERE["folder"], "true.safetensors")
    loose = os.path.join(HERE["folder"], "loose")
    os.makedirs(loose)
    for name in CLASSES:
        os.makedirs(os.path.join(HERE["patches"], name))
    files = [os.path.join(loose, f"{i:03d}.png") for i in range(ROWS)]
    for i, file in enumerate(files):
        write_patches(file, i)
    outcome = sidenet("import", HERE["net"], "-o", HERE["true"], "--labels", HERE["labels"], *TRUE, "--quiet")
    assert outcome.status == 0, outcome
    for row in sidenet("predict", HERE["true"], *files, "--json").rows():
        os.rename(row["input"], os.path.join(HERE["patches"], row["label"], os.path.basename(row["input"])))


class Try(CommandTest):
    def test_finds_the_preprocessing_of_the_labels(self):
        out = self.path("tried.safetensors")
        outcome = self.done("import", HERE["net"], "-o", out, "--labels", HERE["labels"], "--try", HERE["patches"])
        self.assertEqual(outcome.out, "")
        self.assertIn("chosen: resize 64, mean 0.485 0.456 0.406, std 0.229 0.224 0.225, BGR: 100.0 %", outcome.err)
        self.assertIn("These rows have chosen: calibrate and report on others", outcome.err)
        (info,) = sidenet("inspect", out, "--json").rows()
        self.assertEqual(info["preprocessing"]["channel_order"], "bgr")
        sources = {each["what"]: (each["value"], each["source"]) for each in info["assumptions"]}
        self.assertEqual(sources["resize"], ("64", "tried"))
        self.assertEqual(sources["channels"], ("BGR", "tried"))
        (result,) = self.done("evaluate", out, "--data", HERE["patches"], "--json").rows()
        self.assertEqual(result["accuracy"], 1)
        self.assertEqual(result["warnings"], [])

    def test_what_is_given_stays(self):
        out = self.path("given.safetensors")
        outcome = self.done("import", HERE["net"], "-o", out, "--labels", HERE["labels"], "--try", HERE["patches"],
                            "--size", 40, "--preprocess", "imagenet")
        self.assertIn("2 preprocessings tried", outcome.err)
        (info,) = sidenet("inspect", out, "--json").rows()
        self.assertEqual(info["preprocessing"]["resize"], 40)
        self.assertEqual({each["source"] for each in info["assumptions"] if each["what"] in ("resize", "mean")}, {"option"})
        self.assert_failed(sidenet("import", HERE["net"], "-o", self.path("no"), "--labels", HERE["labels"], "--quiet",
                                   "--try", HERE["patches"], "--preprocess", "imagenet", "--channel-order", "rgb"), 1,
                           "nothing is left to try")

    def test_labels_that_mean_nothing_are_refused(self):
        mixed = self.path("mixed")
        for i, name in enumerate(CLASSES):
            os.makedirs(os.path.join(mixed, name))
            for j in range(40):
                write_patches(os.path.join(mixed, name, f"{j:02d}.png"), 1000 + 40 * i + j)
        out = self.path("refused.safetensors")
        outcome = sidenet("import", HERE["net"], "-o", out, "--labels", HERE["labels"], "--try", mixed, "--size", 32,
                          "--quiet")
        self.assert_failed(outcome, 1, "better than chance on 120 rows", "no model was written")
        self.assertLess(len(outcome.err), 260)
        self.assertFalse(os.path.exists(out))

    def test_data_that_does_not_do(self):
        for extra, words in ((("--try", self.path("nowhere")), "nowhere"),
                             (("--try", HERE["patches"], "--limit", 20), "at least 30"),
                             (("--try", HERE["labels"]), "labels.txt")):
            self.assert_failed(sidenet("import", HERE["net"], "-o", self.path("no"), "--labels", HERE["labels"], "--quiet", *extra),
                               1, words)
        for option in ("--limit", "--try-rows"):
            outcome = sidenet("import", HERE["net"], "-o", self.path("no"), option, 40)
            self.assertEqual(outcome.status, 2, outcome)
            self.assertIn("--try", outcome.err)
        own = os.path.join(HERE["patches"], CLASSES[0])
        own = os.path.join(own, sorted(os.listdir(own))[0])
        self.assert_failed(sidenet("import", HERE["net"], "-o", own, "--try", HERE["patches"]), 1, "--try")


class Warnings(CommandTest):
    def test_on_stderr_and_in_json(self):
        """The random network is right by chance alone on the colours."""
        outcome = self.done("evaluate", HERE["plain"], "--data", HERE["data"], "--json")
        (result,) = outcome.rows()
        self.assertTrue(any("than by chance" in line for line in result["warnings"]), result)
        for line in result["warnings"]:
            self.assertIn("warning: " + line + "\n", outcome.err)
        self.assertNotIn("warning", self.done("evaluate", HERE["plain"], "--data", HERE["data"], "--quiet").err)

    def test_of_every_command_that_measures(self):
        for arguments in (("train", HERE["plain"], "--at", "layer1.0", "--epochs", 1, "-o", self.path("w.safetensors")),
                          ("calibrate", HERE["model"], "--keep-training-rows", "-o", self.path("c.safetensors")),
                          ("suggest", HERE["plain"], "--probe-epochs", 1, "--rows", 100)):
            data = self.path("many")
            outcome = self.done(*arguments, "--data", data, "--json", "--threads", 1)
            warnings = outcome.rows()[0]["warnings"]
            self.assertTrue(any("64 x 64 pixels shrink to 32" in line for line in warnings), warnings)
            self.assertTrue(all("warning: " + line in outcome.err for line in warnings), outcome)

    @classmethod
    def setUpClass(cls):
        folder = os.path.join(HERE["folder"], "many")
        for i, name in enumerate(CLASSES):
            os.makedirs(os.path.join(folder, name))
            for j in range(40):
                colour = tuple(200 if channel == i else j for channel in range(3))
                write_png(os.path.join(folder, name, f"{j}.png"), lambda y, x, colour=colour: colour, 64)


if __name__ == "__main__":
    unittest.main()
