#!/usr/bin/env python3
"""Hostile and broken files on the command line: nothing executed, nothing lost, one clear line, little time and memory.

A file that shrinks while it is mapped is out of scope: the system then kills the process (SIGBUS), and no output is lost.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_hostile_test.py
"""
import builtins
import os
import pickle
import struct
import sys
import unittest
import zipfile
import zlib

sys.dont_write_bytecode = True
import hostile_case
import hostile_fixtures as hostile
from cli_case import HERE
from cli_fixtures import CLASSES, read_safetensors_header, resnet8, write_class_folders, write_npy, write_safetensors
from hostile_case import HostileTest, model_bytes
from hostile_fixtures import MIB, Measured, raw_safetensors, write

setUpModule = hostile_case.make_files


class NoFile(HostileTest):
    """In the place of each file that a command takes."""

    def each(self, words):
        for name, word in words.items():
            yield HERE["special"][name], word

    KINDS = {"folder": "folder", "fifo": "regular file", "socket": "", "zero": "regular file", "null": "regular file",
             "to_zero": "regular file", "loop": "symbolic links", "missing": "No such file"}

    def test_as_model(self):
        for path, word in self.each({**self.KINDS, "folder": ""}):
            self.checkpoint_refused(path, word, by_all=path.endswith("fifo"))

    def test_as_image(self):
        for path, word in self.each({**self.KINDS, "folder": "a folder without PNG, JPEG"}):
            self.refused(path, "predict", HERE["model"], path, words=[word])

    def test_as_texts(self):
        for path, word in self.each({"folder": "folder", "fifo": "pipe", "socket": "socket", "zero": "device",
                                     "loop": "symbolic links", "missing": "no such file"}):
            self.refused(path, "predict", HERE["text"], path, words=[word])

    def test_as_input_of_run(self):
        for path, word in self.each(self.KINDS):
            self.refused(path, "run", HERE["model"], "--input", path, "-o", HERE["old"], words=[word])

    def test_as_data(self):
        for path, _ in self.each(self.KINDS):
            self.data_refused(path, by_all=path.endswith("fifo"))

    def test_as_data_by_its_ending(self):
        for ending in (".tsv", ".csv", ".jsonl", ".bin", ".gz"):
            path = self.path("pipe" + ending)
            os.mkfifo(path)
            self.data_refused(path, model="text", tap="encoder.layer.0")

    def test_as_labels(self):
        for path, _ in self.each(self.KINDS):
            self.refused(path, "import", HERE["checkpoint"], "-o", HERE["old"], "--labels", path)

    def test_as_vocabulary_and_config(self):
        for option in ("--vocab", "--config"):
            for path, _ in self.each(self.KINDS):
                self.refused(path, "import", HERE["bert"], "-o", HERE["old"], option, path)

    def test_unreadable(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        path = write(self.path("unreadable"), model_bytes())
        os.chmod(path, 0)
        self.checkpoint_refused(path, "Permission denied")
        self.data_refused(path, "Permission denied")
        self.refused(path, "import", HERE["checkpoint"], "-o", HERE["old"], "--labels", path, words=["Permission denied"])


class Pickles(HostileTest):
    def payloads(self):
        marker = self.path("executed")
        touch = f"open({marker!r}, 'w').close()"
        reach = hostile.Call(getattr, hostile.Call(__import__, "os"), "system")
        return marker, {
            "system": pickle.dumps(hostile.Call(os.system, f"touch {marker}"), 2),
            "eval": pickle.dumps(hostile.Call(eval, touch), 2),
            "exec": pickle.dumps(hostile.Call(builtins.exec, touch), 2),
            "getattr": pickle.dumps(reach, 2),
            "nested": pickle.dumps({"conv1.weight": [hostile.Call(os.system, f"touch {marker}")]}, 2),
            "stack_global": pickle.dumps(hostile.Call(os.system, f"touch {marker}"), 4),
            "instance": b"(S'touch " + marker.encode() + b"'\nios\nsystem\n.",
            "object": b"(cos\nsystem\nS'touch " + marker.encode() + b"'\no.",
            "build": b"cbuiltins\ndict\n)R}S'__setstate__'\ncos\nsystem\nsS'touch " + marker.encode() + b"'\nb.",
        }

    def test_calls_are_not_made(self):
        marker, payloads = self.payloads()
        for name, payload in payloads.items():
            for kind, data in (("zip", hostile.pytorch_zip(payload)), ("legacy", hostile.pytorch_legacy(payload))):
                path = write(self.path(f"{name}.{kind}.pth"), data)
                self.checkpoint_refused(path)
                self.assertFalse(os.path.exists(marker))
        _, payloads = self.payloads()
        self.checkpoint_refused(write(self.path("system.pth"), hostile.pytorch_zip(payloads["system"])), "system", "byte", by_all=True)
        self.assertFalse(os.path.exists(marker))

    def test_a_real_unpickler_would_have_made_them(self):
        marker, payloads = self.payloads()
        for name in ("system", "eval", "nested", "stack_global", "instance", "object"):
            pickle.loads(payloads[name])
            self.assertTrue(os.path.exists(marker), name)
            os.remove(marker)

    def test_bombs(self):
        doubling = b"(" + b"]q\x00" + b"(h\x00h\x00e" * 40 + b"t."
        memo = b"\x80\x02" + b"".join(b"K\x01r" + struct.pack("<I", (1 << 32) - 1 - i) for i in range(20000)) + b"."
        deep = b"\x80\x02" + b"(" * 200000 + b"t" * 200000 + b"."
        lists = b"\x80\x02" + b"]" * 300000 + b"a" * 299999 + b"."
        text = b"\x80\x02X" + struct.pack("<I", 0xFFFFFFFF) + b"short."
        for name, payload in (("doubling", doubling), ("memo", memo), ("deep", deep), ("lists", lists), ("long", text)):
            for kind, data in (("zip", hostile.pytorch_zip(payload)), ("legacy", hostile.pytorch_legacy(payload))):
                path = write(self.path(f"{name}.{kind}"), data)
                for command in (["inspect", path], ["import", path, "-o", HERE["old"]]):
                    self.refused(path, *command)


class Checkpoints(HostileTest):
    def test_empty(self):
        self.checkpoint_refused(write(self.path("empty"), b""), "expected a", "an empty file", by_all=True)

    def test_another_format(self):
        self.checkpoint_refused(write(self.path("page.pth"), b"<!DOCTYPE html>\n<p>not found"), "expected a", "web page")

    def test_header_of_2_to_the_63_bytes(self):
        for size in (1 << 63, (1 << 64) - 1, (1 << 63) - 8):
            path = write(self.path("header"), struct.pack("<Q", size) + b'{"a":{}}' + bytes(100))
            self.checkpoint_refused(path, "header", "expected", "got")

    def test_truncated_safetensors(self):
        data = model_bytes()
        header = 8 + struct.unpack("<Q", data[:8])[0]
        for end in (9, header // 2, header, header + 1000, len(data) - 1):
            self.checkpoint_refused(write(self.path("truncated"), data[:end]))

    def test_truncated_pickles(self):
        payload = pickle.dumps({"a": 1}, 2)
        for data in (hostile.pytorch_zip(payload), hostile.pytorch_legacy(payload)):
            for end in (20, len(data) // 2, len(data) - 1):
                path = write(self.path("truncated.pth"), data[:end])
                self.checkpoint_refused(path)

    def test_zip_bombs(self):
        path = write(self.path("bomb.pth"), hostile.zip_bomb())
        self.checkpoint_refused(path)
        deflated = write(self.path("deflated.pth"), hostile.pytorch_zip(b"}.", {"0": bytes(64 * MIB)}, zipfile.ZIP_DEFLATED))
        run = Measured("inspect", deflated)  # an entry that nothing refers to may be there, but is not unpacked
        if not HERE["sanitized"]:
            self.assertLess(run.peak - HERE["idle"], 16 * MIB, run)

    def test_deep_and_large_headers(self):
        for name, header in (("deep", b"[" * 500000), ("objects", b'{"a":' * 200000), ("twice", b'{"a":1,"a":2}'),
                             ("huge", {"a": {"dtype": "F32", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 4]}}),
                             ("negative", {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}),
                             ("outside", {"a": {"dtype": "F32", "shape": [1], "data_offsets": [1 << 40, (1 << 40) + 4]}}),
                             ("overlap", {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"})):
            path = write(self.path(name), raw_safetensors(header, bytes(4)))
            self.checkpoint_refused(path)

    def test_no_numbers(self):
        for value, kind in ((float("nan"), "nan"), (float("inf"), "inf")):
            tensors = resnet8()
            tensors["layer1.0.conv1.weight"][1][7] = value
            path = self.path(kind + ".safetensors")
            write_safetensors(path, tensors)
            run = Measured("import", path, "-o", self.path(kind + ".model"))
            self.assertEqual(run.status, 0, run)
            self.assertIn(b"tensor 'layer1.0.conv1.weight' holds NaN or infinite values", run.err)

    def test_metadata_of_a_model(self):
        header = read_safetensors_header(HERE["model"])
        data = model_bytes()
        data = data[8 + struct.unpack("<Q", data[:8])[0]:]
        deep = "[" * 200000
        for key, value in (("sidenet.labels", deep), ("sidenet.exits", deep), ("sidenet.labels", "{}"), ("sidenet.labels", '["a"]'),
                           ("sidenet.data_labels", deep), ("sidenet.data_labels", '["a"]'), ("sidenet.data_labels", '{"a":0}'),
                           ("sidenet.exits", '[{"name":1}]'), ("sidenet.exits", '[{"name":"a","name":"b"}]'),
                           ("sidenet.architecture", '{"name":"resnet999"}'), ("sidenet.architecture", ""),
                           ("sidenet.preprocessing", '{"channels":3,"crop":0,"mean":[1e999],"resize":32,"std":[1]}'),
                           ("sidenet.preprocessing",
                            '{"channels":3,"channel_order":"gbr","crop":0,"mean":[],"resize":32,"std":[]}'),
                           ("sidenet.certificate", '{"risk":"drop"}')):
            changed = {**header, "__metadata__": {**header["__metadata__"], key: value}}
            path = write(self.path("metadata"), raw_safetensors(changed, data))
            for command in (["inspect", path], ["predict", path, HERE["image"]], ["profile", path]):
                self.refused(path, *command, words=[] if key == "sidenet.architecture" else [key])


class Images(HostileTest):
    def test_bad_images(self):
        good = open(HERE["image"], "rb").read()
        zeros = zlib.compress(bytes(64 * MIB), 9)
        for name, data in (("empty.png", b""), ("text.png", b"no image"), ("cut.png", good[:60]), ("half.png", good[:len(good) // 2]),
                           ("huge.png", hostile.png(100000, 100000, zeros)), ("wide.png", hostile.png(0x7FFFFFFF, 1, zeros)),
                           ("bomb.png", hostile.png(60000, 60000, zeros, 0)), ("nothing.png", hostile.png(0, 0)),
                           ("short.png", hostile.png(4000, 4000, zlib.compress(b"a"))), ("cut.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
                           ("cut.bmp", b"BM" + bytes(30))):
            path = write(self.path(name), data)
            self.refused(path, "predict", HERE["model"], path)
            self.refused(path, "predict", HERE["model"], path, "--json", "--threads", 1)

    def test_the_others_go_on(self):
        path = write(self.path("between.png"), b"no image")
        run = Measured("predict", HERE["model"], HERE["image"], path, HERE["image"], "--json")
        self.assertEqual(run.status, 1, run)
        self.assertEqual(len(run.out.splitlines()), 2, run)
        self.assertEqual(len(run.err.splitlines()), 1, run)


class Data(HostileTest):
    def test_image_data(self):
        idx = struct.pack(">IIII", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
        labels = write(self.path("labels.idx"), struct.pack(">II", 0x801, 3) + bytes(3))
        for name, data in (("huge.idx", idx), ("cut.idx", idx[:6]), ("bomb.idx.gz", hostile.gzip_bomb(idx)), ("cut.idx.gz", b"\x1f\x8b\x08")):
            path = write(self.path(name), data)
            self.data_refused(path, spec=f"{path},{labels}")
        for name, data in (("odd.bin", bytes(3072)), ("empty.bin", b""), ("bomb.bin.gz", hostile.gzip_bomb(b""))):
            self.data_refused(write(self.path(name), data))

    def test_folders(self):
        folder = self.path("broken_images")
        write_class_folders(folder, 2)
        write(os.path.join(folder, CLASSES[1], "000.png"), b"no image")
        for command in ("evaluate", "sweep"):
            self.refused(os.path.join(folder, CLASSES[1], "000.png"), command, HERE["model"], "--data", folder, "--quiet",
                         *(["-o", HERE["old"]] if command == "sweep" else []))

    def test_text_data(self):
        for name, data in (("latin.csv", b"text,label\ncaf\xe9,fruit\n"),
                           ("quote.csv", b'text,label\n"never closed,fruit\n' + b"x" * MIB), ("long.tsv", b"text\tlabel\n" + b"x" * (8 * MIB)),
                           ("deep.jsonl", b'{"text":' + b"[" * 500000 + b"\n"), ("twice.jsonl", b'{"text":"a","text":"b","label":1}\n'),
                           ("list.jsonl", b"[1,2]\n"), ("columns.tsv", b"\t" * 500000 + b"\n"), ("empty.tsv", b""),
                           ("bomb.tsv.gz", hostile.gzip_bomb(b"text\tlabel\n"))):
            self.data_refused(write(self.path(name), data), model="text", tap="encoder.layer.0")

    def test_arrays(self):
        for name, data in (("empty.npy", b""), ("cut.npy", b"\x93NUMPY\x01\0"), ("header.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff{"),
                           ("object.npy", b"\x93NUMPY\x01\0\x40\0" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(64))):
            path = write(self.path(name), data)
            self.refused(path, "run", HERE["model"], "--input", path, "-o", HERE["old"])
        path = self.path("huge.npy")
        write_npy(path, (1 << 40, 3, 32, 32), [0.0])
        self.refused(path, "run", HERE["model"], "--input", path, "-o", HERE["old"], words=["13510798882111488", "got"])


class SmallFiles(HostileTest):
    def test_labels(self):
        for name, data in (("empty", b""), ("zero", b"a\0b\n"), ("latin", b"caf\xe9\n"), ("long", b"x" * MIB), ("many", b"a\n" * 1_100_000)):
            path = write(self.path("labels." + name), data)
            self.refused(path, "import", HERE["checkpoint"], "-o", HERE["old"], "--labels", path)

    def test_vocabulary_and_config(self):
        for option, name, data in (("--vocab", "empty", b""), ("--vocab", "latin", b"caf\xe9\n"), ("--vocab", "long", b"x" * MIB),
                                   ("--vocab", "deep.json", b'{"model":' + b"[" * 500000), ("--vocab", "twice.json", b'{"model":1,"model":2}'),
                                   ("--config", "empty", b""), ("--config", "deep", b"[" * 500000), ("--config", "list", b"[]"),
                                   ("--config", "twice", b'{"model_type":"bert","model_type":"gpt"}'),
                                   ("--config", "heads", b'{"model_type":"bert","num_attention_heads":1e999}'),
                                   ("--config", "zero", b'{"model_type":"bert","num_attention_heads":0}')):
            path = write(self.path("small." + name), data)
            self.refused(path, "import", HERE["bert"], "-o", HERE["old"], option, path)

    def test_thresholds(self):
        for status, value in ((2, "a=nan"), (2, "=1"), (2, "a"), (1, "\x1b[2J=0.5"), (1, "nowhere\n=0.5"), (2, "a\x1b]0;x\x07=b")):
            self.refused("", "predict", HERE["model"], HERE["image"], "--thresholds", value, status=status)


if __name__ == "__main__":
    unittest.main()
