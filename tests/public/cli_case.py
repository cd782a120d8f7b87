"""What the tests of the command line share: a model with exits, made once a file, and the checks of an outcome."""
import os
import shutil
import tempfile
import unittest

from cli_fixtures import BINARY, CLASSES, random_rows, resnet8, sidenet, write_class_folders, write_safetensors

EXITS = ["layer1.0", "layer2.0"]
HERE = {}  # paths of the files that make_files() makes


def make_files():
    if shutil.which(BINARY) is None:
        raise unittest.SkipTest("SIDENET_BINARY does not name the sidenet command")
    folder = HERE["folder"] = tempfile.mkdtemp(prefix="sidenet-cli-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    for name in ("checkpoint.safetensors", "plain.safetensors", "model.safetensors", "labels.txt", "data", "x.npy"):
        HERE[name.split(".")[0]] = os.path.join(folder, name)
    write_safetensors(HERE["checkpoint"], resnet8())
    write_class_folders(HERE["data"], 12)
    random_rows(HERE["x"], 9)
    with open(HERE["labels"], "w", encoding="utf-8") as file:
        file.write("\n".join(CLASSES) + "\n\n")
    unchecked, logits = os.path.join(folder, "unchecked.safetensors"), os.path.join(folder, "logits.npy")
    # Its own logits: nothing is to be said of it then.
    for arguments in (
            ("import", HERE["checkpoint"], "-o", unchecked, "--labels", HERE["labels"], "--quiet"),
            ("run", unchecked, "--input", HERE["x"], "-o", logits, "--quiet"),
            ("import", unchecked, "-o", HERE["plain"], "--check", f"{HERE['x']},{logits}", "--quiet"),
            ("train", HERE["plain"], "--data", HERE["data"], "--at", ",".join(EXITS), "-o", HERE["model"], "--epochs", 5,
             "--hidden", 16, "--threads", 1, "--quiet")):
        outcome = sidenet(*arguments)
        assert outcome.status == 0 and outcome.out == "" and outcome.err == "", (arguments, outcome)


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
