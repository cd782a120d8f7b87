#!/usr/bin/env python3
"""Files that parse and deceive: names with control characters, and models changed behind their certificate's back.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_deceit_test.py
"""
import csv
import json
import os
import pathlib
import pickle
import re
import struct
import sys
import unicodedata
import unittest

sys.dont_write_bytecode = True
import hostile_case
import hostile_fixtures as hostile
from cli_case import EXITS, HERE
from cli_fixtures import CLASSES, read_safetensors_header, sidenet, write_class_folders
from hostile_case import CONTROLS, HIDDEN, HostileTest, model_bytes
from hostile_fixtures import Measured, raw_safetensors, write

setUpModule = hostile_case.make_files


def parts_of(path):
    """A model file's header and what stands behind it."""
    with open(path, "rb") as file:
        data = file.read()
    return read_safetensors_header(path), data[8 + struct.unpack("<Q", data[:8])[0]:]


class Names(HostileTest):
    """From outside: they must not move the cursor, change the title, or feign a line of ours."""

    EVIL = "a\x1b[2J\x1b]0;t\x07\x9b31m\rb\nsidenet: done\u202e\u2028c\x7f" + "".join(chr(code) for part in HIDDEN[1:] for code in list(part)[:2]
                                                                                       if code < 0x1FFFE)

    def shown(self, *arguments, status=0):
        run = Measured(*arguments)
        self.assertEqual(run.status, status, run)
        for line in (run.out + run.err).decode("utf-8").split("\n"):
            self.assertFalse(CONTROLS & set(line), run)
            self.assertFalse(line.startswith("sidenet: done"), run)
        return run

    def test_the_list_is_whole(self):
        """Of all control and format characters, those alone are missing that show."""
        if tuple(map(int, unicodedata.unidata_version.split("."))) >= (18,):
            self.skipTest("a Unicode that the list is not made for")
        shown = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
        for code in range(0x110000):
            if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp") and code != 10:
                self.assertEqual(chr(code) in CONTROLS, code not in shown, hex(code))

    def test_the_page_has_the_same_list(self):
        with open(pathlib.Path(__file__).resolve().parents[2] / "src" / "report" / "format.js", encoding="utf-8") as file:
            (source,) = re.findall(r"const HIDDEN = new RegExp\(\n(.*?), 'u'\);", file.read(), re.S)
        pattern = "".join(re.findall(r"'([^']*)'", source)).replace("\\\\", "\\")
        pattern, count = re.subn(r"\\p\{Noncharacter_Code_Point\}", "\ufdd0-\ufdef" + "".join(chr(code) for code in HIDDEN[-1]), pattern)
        self.assertEqual(count, 1)
        pattern = re.sub(r"\\u\{(\w+)\}", lambda match: f"\\U{match[1]:>08}", pattern)
        self.assertEqual({chr(code) for code in range(0x110000) if re.match(pattern, chr(code))}, CONTROLS | {"\n"})

    def test_of_files(self):
        for bad in (self.EVIL, "line\nbreak", "\x1b[31mred"):
            path = write(self.path(bad), b"no checkpoint")
            for command in (["inspect", path], ["import", path, "-o", HERE["old"]], ["predict", HERE["model"], path],
                            ["evaluate", HERE["model"], "--data", path], ["import", HERE["checkpoint"], "-o", HERE["old"], "--labels", path]):
                run = self.shown(*command, status=1)
                self.assertEqual(len(run.err.splitlines()), 1, run)
            os.remove(path)
        raw = os.fsencode(self.path("bytes")) + b"\xff\xfe\x9b"
        self.assertEqual(Measured("inspect", raw).err.count(b"\xff"), 0)

    def test_of_good_files(self):
        path = write(self.path(self.EVIL + ".safetensors"), model_bytes())
        image = write(self.path(self.EVIL + ".png"), open(HERE["image"], "rb").read())
        self.shown("inspect", path, "--tensors")
        self.shown("inspect", path, "--json")
        self.shown("predict", path, image)
        self.assertEqual(json.loads(self.shown("predict", path, image, "--json").out)["input"], image)
        self.shown("evaluate", path, "--data", HERE["data"])
        self.shown("import", HERE["checkpoint"], "-o", path)

    def test_of_tensors_and_metadata(self):
        header = {"__metadata__": {self.EVIL: self.EVIL}, self.EVIL: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
        path = write(self.path("names.safetensors"), raw_safetensors(header, bytes(4)))
        self.shown("inspect", path)
        self.assertEqual(json.loads(self.shown("inspect", path, "--json").out)["tensors"][0]["name"], self.EVIL)
        self.shown("import", path, "-o", HERE["old"], status=1)
        payload = pickle.dumps({self.EVIL: 1, "b": hostile.Call(os.system, self.EVIL)}, 2)
        self.shown("inspect", write(self.path("names.pth"), hostile.pytorch_zip(payload)), status=1)

    def test_of_labels_exits_and_certificate(self):
        header, data = parts_of(HERE["model"])
        metadata = dict(header["__metadata__"])
        metadata["sidenet.labels"] = json.dumps([self.EVIL, "g", self.EVIL + "2"])
        exits = json.loads(metadata["sidenet.exits"])
        exits[0]["name"], exits[0]["threshold"] = self.EVIL, 0
        metadata["sidenet.exits"] = json.dumps(exits)
        metadata["sidenet.certificate"] = json.dumps({
            "risk": "drop", "epsilon": 0.1, "delta": 0.1, "method": self.EVIL, "rows": 9, "bound": 0, "disagreement_bound": 0, "accuracy": 1,
            "mainnet_accuracy": 1, "compute": 1, "thresholds": {self.EVIL: 0.5}, "precision": self.EVIL, "winograd": True, "digest": self.EVIL})
        renamed = {name.replace(f"exits.{EXITS[0]}.", f"exits.{self.EVIL}."): value for name, value in header.items()}
        path = write(self.path("labels.safetensors"), raw_safetensors({**renamed, "__metadata__": metadata}, data))
        classes = self.path("evil_classes")
        for label in json.loads(metadata["sidenet.labels"]):
            os.makedirs(os.path.join(classes, label))
            write(os.path.join(classes, label, "1.png"), open(HERE["image"], "rb").read())
        for command in (["inspect", path, "--nodes", "--taps", "--tensors"], ["inspect", path, "--json"], ["predict", path, HERE["image"]],
                        ["predict", path, HERE["image"], "--json", "--top-k", 3], ["evaluate", path, "--data", classes],
                        ["run", path, "--input", HERE["x"], "-o", self.path("logits.npy")], ["profile", path, "--repeats", 1],
                        ["sweep", path, "--data", classes, "-o", self.path("page.html")]):
            self.shown(*command)
        self.check_files(path, classes, metadata)

    def check_files(self, path, classes, metadata):
        """What is written for people's programs: JSON has the same values and hides nothing, CSV has the names as they are."""
        page, figures, table, trace = (self.path(name) for name in ("page.html", "figures.json", "table.csv", "trace.json"))
        self.shown("sweep", path, "--data", classes, "-o", page, "--json", figures, "--csv", table)
        self.shown("profile", path, "--repeats", 1, "--trace", trace)
        for name in (figures, trace):
            with open(name, encoding="utf-8") as file:
                text = file.read()
            self.assertFalse(CONTROLS & set(text))
            self.assertIn(self.EVIL, self.strings(json.loads(text)))
        with open(page, encoding="utf-8") as file:
            data = re.search(r'<script[^>]*id="report"[^>]*>(.*?)</script>', file.read(), re.S).group(1)
        self.assertTrue(data.isascii() and not CONTROLS & set(data))
        self.assertEqual(json.loads(data)["model"]["labels"], json.loads(metadata["sidenet.labels"]))
        with open(table, encoding="utf-8", newline="") as file:
            self.assertIn("threshold " + self.EVIL, next(csv.reader(file)))

    def strings(self, value):
        if isinstance(value, dict):
            return {text for pair in value.items() for part in pair for text in self.strings(part)}
        if isinstance(value, list):
            return {text for part in value for text in self.strings(part)}
        return {value, value.removeprefix("exits.")} if isinstance(value, str) else set()


class Certificates(HostileTest):
    """Whatever changes behind a certificate's back is told of. Accidents are found: who forges the digest too is not."""

    @classmethod
    def setUpClass(cls):
        held = os.path.join(HERE["folder"], "held")
        write_class_folders(held, 60, seed=5)
        cls.certified = os.path.join(HERE["folder"], "certified.safetensors")
        run = sidenet("calibrate", HERE["model"], "--data", held, "-o", cls.certified, "--max-drop", 0.3, "--delta", 0.2, "--quiet")
        assert run.status == 0, run
        cls.header, cls.data = parts_of(cls.certified)
        cls.metadata = cls.header["__metadata__"]

    def tampered(self, data=None, **metadata):
        changed = {**self.header, "__metadata__": {**self.metadata, **{"sidenet." + key: value for key, value in metadata.items()}}}
        return write(self.path("tampered.safetensors"), raw_safetensors(changed, self.data if data is None else data))

    def told(self, path, *words, by_all=False):
        text, row = Measured("inspect", path), Measured("inspect", path, "--json")
        self.assertIn(b"it no longer holds: ", text.out)
        certificate = json.loads(row.out)["certificate"]
        self.assertFalse(certificate["valid"])
        for word in words:
            self.assertIn(word, certificate["problem"])
        commands = [["predict", path, HERE["image"], "--json", "--threads", 1]]
        if by_all:
            commands += [["predict", path, HERE["image"]], ["evaluate", path, "--data", HERE["data"]],
                         ["sweep", path, "--data", HERE["data"], "-o", self.path("page.html")]]
        for command in commands:
            run = Measured(*command)
            self.assertEqual(run.status, 0, run)
            self.assertRegex(run.err.decode(), r"note: the model's certificate \(.*\) does not hold", run)

    def test_untouched(self):
        for path in (self.certified, self.tampered()):
            self.assertIn(b"it holds for this file", Measured("inspect", path).out)
            self.assertIsNone(json.loads(Measured("inspect", path, "--json").out)["certificate"]["problem"])
            for command in (["predict", path, HERE["image"]], ["evaluate", path, "--data", HERE["data"]]):
                self.assertNotIn(b"certificate", Measured(*command).err)

    def test_without_a_certificate(self):
        """Every file has a digest, so that an edit of a threshold or a flipped bit is seen."""
        header, data = parts_of(HERE["model"])
        exits = json.loads(header["__metadata__"]["sidenet.exits"])
        exits[0]["threshold"] = 0.4321
        edited = {**header, "__metadata__": {**header["__metadata__"], "sidenet.exits": json.dumps(exits)}}
        flipped = bytearray(data)
        flipped[header["conv1.weight"]["data_offsets"][0]] ^= 1
        path = self.path("edited.safetensors")
        for new_header, new_data, is_same in ((header, data, True), (edited, data, False), (header, bytes(flipped), False)):
            write(path, raw_safetensors(new_header, new_data))
            problem = json.loads(Measured("inspect", path, "--json").out)["file_problem"]
            self.assertEqual(problem is None, is_same)
            told = [Measured("inspect", path).out, Measured("predict", path, HERE["image"]).err,
                    Measured("evaluate", path, "--data", HERE["data"]).err,
                    Measured("sweep", path, "--data", HERE["data"], "-o", self.path("page.html")).err]
            self.assertEqual([b"the model's file was changed" in text for text in told], [not is_same] * 4)

    def test_bundled_models(self):
        weights = pathlib.Path(__file__).resolve().parents[2] / "weights"
        for name in ("fashion_mnist", "debian_sections"):
            data = bytearray((weights / name / (name + ".safetensors")).read_bytes())
            path = self.path("bundled.safetensors")
            for is_same in (True, False):
                data[-1] ^= not is_same
                write(path, bytes(data))
                self.assertEqual(json.loads(Measured("inspect", path, "--json").out)["file_problem"] is None, is_same)

    def test_weights(self):
        for name in ("linear.weight", "conv1.weight", f"exits.{EXITS[0]}.fc2.bias"):
            data = bytearray(self.data)
            data[self.header[name]["data_offsets"][0]] ^= 1
            self.told(self.tampered(bytes(data)), "the model is not the one that was certified", by_all=name == "conv1.weight")

    def test_thresholds(self):
        exits = json.loads(self.metadata["sidenet.exits"])
        exits[0]["threshold"] = 0.4321
        self.told(self.tampered(exits=json.dumps(exits)), "threshold of " + EXITS[0], by_all=True)

    def test_temperature(self):
        exits = json.loads(self.metadata["sidenet.exits"])
        exits[0]["temperature"] = 0.5
        self.told(self.tampered(exits=json.dumps(exits)), "not the one that was certified")

    def test_labels(self):
        self.told(self.tampered(labels=json.dumps(CLASSES[::-1])), "not the one that was certified")

    def test_preprocessing(self):
        value = {**json.loads(self.metadata["sidenet.preprocessing"]), "mean": [0.1, 0.1, 0.1]}
        self.told(self.tampered(preprocessing=json.dumps(value)), "not the one that was certified")

    def test_its_own_fields(self):
        for key, value in (("epsilon", 0.01), ("delta", 0.001), ("rows", 10 ** 6), ("bound", 0.001), ("accuracy", 1), ("risk", "disagreement"),
                           ("method", "belief"), ("winograd", False), ("kernels", "own"), ("precision", "f16"), ("digest", "0" * 32),
                           ("unlabelled_rows", 10 ** 6), ("fitted_rows", 1), ("distinct", True), ("training_rows_known", False),
                           ("seed", "77"), ("data", "0" * 32), ("look", 9), ("looks_kept", True), ("look_delta", 0.001), ("version", 3)):
            with self.subTest(field=key):
                value = {**json.loads(self.metadata["sidenet.certificate"]), key: value}
                self.told(self.tampered(certificate=json.dumps(value)))


if __name__ == "__main__":
    unittest.main()
