"""What the tests of hostile files share: good files to set them beside, and the check of a refusal."""
import os
import shutil
import sys
import unittest

import cli_case
import hostile_fixtures as hostile
from cli_case import EXITS, HERE
from cli_fixtures import BINARY, CLASSES, sidenet
from hostile_fixtures import MIB, Measured, write
from text_fixtures import labelled_texts, write_bert_folder, write_tsv

SECONDS = 2  # of CPU, a file
WORST = {"seconds": (0.0, ""), "peak": (0, "")}
# As detail::kHidden in include/sidenet/error.h.
HIDDEN = [range(0x20), range(0x7F, 0xA0), [0xAD, 0x34F, 0x61C], range(0x115F, 0x1161), range(0x17B4, 0x17B6), [0x180E], range(0x200B, 0x2010),
          range(0x2028, 0x202F), range(0x2060, 0x2070), [0x3164], range(0xFDD0, 0xFDF0), [0xFEFF, 0xFFA0], range(0xFFF0, 0xFFFC),
          range(0x1BCA0, 0x1BCA4), range(0x1D173, 0x1D17B), range(0xE0000, 0xE0100), range(0xE01F0, 0xE1000),
          [plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF)]]
CONTROLS = {chr(code) for part in HIDDEN for code in part} - {"\n"}


def make_files():
    cli_case.make_files()
    unittest.addModuleCleanup(tell_worst)
    unittest.addModuleCleanup(hostile.stop_launcher)
    HERE["old"], HERE["special"] = os.path.join(HERE["folder"], "old"), hostile.special_files(HERE["folder"])
    HERE["image"] = os.path.join(HERE["data"], CLASSES[0], "000.png")
    HERE["bert"], HERE["tsv"] = os.path.join(HERE["folder"], "bert"), os.path.join(HERE["folder"], "texts.tsv")
    HERE["text"] = os.path.join(HERE["folder"], "text.safetensors")
    write_bert_folder(HERE["bert"])
    write_tsv(HERE["tsv"], labelled_texts(40))
    write(HERE["old"], b"old")
    outcome = sidenet("import", HERE["bert"], "-o", HERE["text"], "--quiet")
    assert outcome.status == 0, outcome
    HERE["idle"] = Measured("--version").peak
    with open(shutil.which(BINARY), "rb") as file:
        HERE["sanitized"] = b"__asan_init" in file.read()


def tell_worst():
    for name, (value, line) in WORST.items() if WORST["seconds"][1] else ():
        print(f"\nworst {name}: {value:.3f}  {line}", file=sys.stderr)


def model_bytes(name="model"):
    with open(HERE[name], "rb") as file:
        return file.read()


def size_of(path):
    """Of what a reader may hold three times; a device or FIFO has none."""
    if os.path.isdir(path):
        return sum(size_of(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)
    return os.path.getsize(path) if os.path.isfile(path) else 0


class HostileTest(unittest.TestCase):
    def path(self, name):
        return os.path.join(HERE["folder"], name)

    def refused(self, path, *arguments, words=(), status=1):
        """One line that names the file and holds the words; nothing else told, written, left over or lost."""
        path = os.fspath(path)
        with self.subTest(arguments=[os.path.basename(str(argument)) for argument in arguments], file=os.path.basename(path)):
            before = sorted(os.listdir(HERE["folder"]))
            write(HERE["old"], b"old")
            run = Measured(*arguments)
            line = run.err.decode("utf-8")
            self.assertEqual(run.status, status, run)
            self.assertEqual(run.out, b"", run)
            self.assertTrue(line.startswith("sidenet: ") and line.endswith("\n"), run)
            self.assertEqual(len(line.splitlines()), 1, run)
            for word in (path, *words):
                self.assertIn(word, line)
            self.assertFalse(CONTROLS & set(line), run)
            self.assertEqual(sorted(os.listdir(HERE["folder"])), before)
            self.assertEqual(os.path.getsize(HERE["old"]), 3)
            over = run.peak - HERE["idle"]
            if not HERE["sanitized"]:
                self.assertLess(run.seconds, SECONDS, run)
                self.assertLessEqual(over, 3 * size_of(path) + 64 * MIB, run)
            told = " ".join(os.path.basename(str(argument)) for argument in arguments)
            WORST["seconds"] = max(WORST["seconds"], (run.seconds, told))
            WORST["peak"] = max(WORST["peak"], (over / MIB, "MiB over idle, " + told))

    def checkpoint_refused(self, path, *words, by_all=False):
        """By the commands that open it: three of them, or all."""
        old, data, exits = HERE["old"], HERE["data"], ",".join(EXITS)
        self.refused(path, "inspect", path, words=words)
        self.refused(path, "import", path, "-o", old, words=words)
        self.refused(path, "predict", path, HERE["image"], words=words)
        if not by_all:
            return
        self.refused(path, "inspect", path, "--json", words=words)
        self.refused(path, "run", path, "--input", HERE["x"], "-o", old, words=words)
        self.refused(path, "evaluate", path, "--data", data, words=words)
        self.refused(path, "train", path, "--data", data, "--at", exits, "-o", old, words=words)
        self.refused(path, "suggest", path, "--data", data, words=words)
        self.refused(path, "calibrate", path, "--data", data, "-o", old, words=words)
        self.refused(path, "sweep", path, "--data", data, "-o", old, words=words)
        self.refused(path, "profile", path, words=words)

    def data_refused(self, path, *words, model="model", tap=EXITS[0], spec=None, by_all=False):
        """By the commands that take labelled rows: two of them, or all."""
        model, old, spec = HERE[model], HERE["old"], spec or path
        self.refused(path, "evaluate", model, "--data", spec, words=words)
        self.refused(path, "train", model, "--data", spec, "--at", tap, "-o", old, words=words)
        if not by_all:
            return
        self.refused(path, "suggest", model, "--data", spec, words=words)
        self.refused(path, "calibrate", model, "--data", spec, "-o", old, words=words)
        self.refused(path, "sweep", model, "--data", spec, "-o", old, words=words)
