#!/usr/bin/env python3
"""Standard input, output and error that are closed, broken, or not what the command expects.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_streams_test.py
"""
import itertools
import os
import shutil
import subprocess
import sys
import threading
import unittest

sys.dont_write_bytecode = True
import hostile_case
from cli_case import HERE, CommandTest
from cli_fixtures import BINARY, Outcome, sidenet

setUpModule = hostile_case.make_files


def run_closed(closed, *arguments):
    """With these descriptors closed, as a shell's `<&-` does; the others are pipes, standard input an empty one."""
    def close():
        for descriptor in closed:
            os.close(descriptor)
    return Outcome(subprocess.run([BINARY, *map(str, arguments)], input=b"", capture_output=True, timeout=120, check=False, preexec_fn=close))


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Closed(CommandTest):
    def test_no_file_gets_their_number(self):
        """Progress lines once went into the features, and the SideNet was trained on them."""
        made = {}
        for closed in (closed for count in range(4) for closed in itertools.combinations(range(3), count)):
            name = "closed" + "".join(map(str, closed))
            model, cache = self.path(name), self.path(name + ".features")
            outcome = run_closed(closed, "train", HERE["plain"], "--data", HERE["data"], "--at", "layer1.0", "--epochs", 1, "--hidden", 4,
                                 "--threads", 1, "--cache", cache, "--keep-cache", "-o", model)
            self.assertEqual(outcome.status, 1 if 1 in closed else 0, outcome)  # its table has nowhere to go
            (key,) = os.listdir(cache)
            column = read(os.path.join(cache, key, "column0.f32"))
            self.assertNotIn(b"rows", column)
            made[closed] = column, read(model)
        self.assertEqual(len(set(made.values())), 1)

    def test_a_closed_output_is_an_error_where_something_goes_there(self):
        for arguments in (("--help",), ("--version",), ("inspect", HERE["model"]), ("predict", HERE["model"], HERE["image"], "--json"),
                          ("evaluate", HERE["model"], "--data", HERE["data"], "--quiet"), ("profile", HERE["model"], "--repeats", 1)):
            with self.subTest(arguments[0]):
                self.assert_failed(run_closed([1], *arguments), 1, "standard output", "closed")
                self.assertEqual(run_closed([1, 2], *arguments).status, 1)
        self.assertEqual(run_closed([1], "import", HERE["checkpoint"], "-o", self.path("x"), "--quiet").status, 0)

    def test_a_closed_input_or_error_is_none_where_nothing_is_read(self):
        for closed in ((0,), (2,), (0, 2)):
            outcome = run_closed(closed, "inspect", HERE["model"], "--json")
            self.assertEqual((outcome.status, outcome.err, len(outcome.rows())), (0, "", 1))
        self.assertEqual(run_closed([0, 2], "inspect", self.path("missing")).status, 1)


class Input(CommandTest):
    """What cannot be read is never taken for the end of what was to be read."""

    def models(self):
        return (HERE["model"], HERE["image"]), (HERE["text"], "an apple")

    def predict_from(self, stdin, model, *inputs, **options):
        process = subprocess.run([BINARY, "predict", model, *inputs, "--json"], stdin=stdin, capture_output=True, timeout=120, check=False, **options)
        return Outcome(process)

    def test_rows_behind_a_bad_one_are_answered(self):
        image = HERE["image"].encode()
        stdin = b"\n".join([image, b"a\0b", image, b"x" * 65537, b"", image, b"nowhere.png", image + b"\r\n"])
        outcome = sidenet("predict", HERE["model"], "-", "--json", stdin=stdin)
        self.assertEqual(outcome.status, 1)
        self.assertEqual([row["input"] for row in outcome.rows()], [HERE["image"]] * 4)
        for line, words in zip(outcome.err.splitlines(), (("standard input:2: ", "zero byte"), ("standard input:4: ", "65,536", "65537"),
                                                          ("nowhere.png",)), strict=True):
            for word in words:
                self.assertIn(word, line)
        stdin = b"an apple\n" + b"x" * (1 << 20) + b"y\nthe saw\n"
        outcome = sidenet("predict", HERE["text"], "-", "--json", stdin=stdin)
        self.assertEqual((outcome.status, [row["input"] for row in outcome.rows()]), (1, ["an apple", "the saw"]))
        self.assertIn("standard input:2: expected a text of at most 1 MiB, got 1048577 bytes", outcome.err)

    def test_closed(self):
        for model, good in self.models():
            self.assert_failed(run_closed([0], "predict", model, "-"), 1, "standard input", "closed")
            self.assertEqual(run_closed([0], "predict", model, "-", "--json").out, "")
            if model == HERE["model"]:  # the others go on
                outcome = run_closed([0], "predict", model, good, "-", good, "--json")
                self.assertEqual((outcome.status, len(outcome.rows())), (1, 2), outcome)

    def test_a_folder_or_no_way_to_read(self):
        for model, _ in self.models():
            folder = os.open("/", os.O_RDONLY)
            self.assert_failed(self.predict_from(folder, model, "-"), 1, "standard input", "Is a directory")
            os.close(folder)
            write_only = os.open(os.devnull, os.O_WRONLY)
            self.assert_failed(self.predict_from(write_only, model, "-"), 1, "standard input", "cannot be read")
            os.close(write_only)
            memory = os.open("/proc/self/mem", os.O_RDONLY)  # a file that cannot be read: nothing lies at its begin
            self.assert_failed(self.predict_from(memory, model, "-"), 1, "standard input", "Input/output error")
            os.close(memory)

    def test_empty_is_no_error(self):
        for model, _ in self.models():
            outcome = self.predict_from(subprocess.DEVNULL, model, "-")
            self.assertEqual((outcome.status, outcome.out, outcome.err), (0, "", ""))

    def test_a_pipe_that_does_not_wait(self):
        for model, good in self.models():
            read_end, write_end = os.pipe()
            os.set_blocking(read_end, False)

            def late(end=write_end, line=good.encode() + b"\n"):
                os.write(end, line)
                os.close(end)
            writer = threading.Timer(0.5, late)
            writer.start()
            outcome = self.predict_from(read_end, model, "-")
            writer.join()
            os.close(read_end)
            self.assertEqual((outcome.status, len(outcome.rows())), (0, 1), outcome)

    def test_files_of_texts(self):
        """Whatever is wrong with one is told with its name, and the others go on."""
        good, folder = self.path("good.txt"), self.path("folder.txt")
        with open(good, "w", encoding="utf-8") as file:
            file.write("an apple\n")
        os.mkdir(folder)
        for bad, word in ((folder, "a folder"), ("/proc/self/mem", "Input/output error"), (self.path("missing.txt"), "no such file"),
                          ("/dev/null", "a device")):
            outcome = sidenet("predict", HERE["text"], good, bad, good, "--json")
            self.assertEqual((outcome.status, len(outcome.rows())), (1, 2), outcome)
            self.assertEqual(len(outcome.err.splitlines()), 1, outcome)
            self.assertTrue(outcome.err.startswith(f"sidenet: {bad}: "), outcome)
            self.assertIn(word, outcome.err)
        self.assert_failed(sidenet("import", HERE["checkpoint"], "-o", self.path("x"), "--labels", "/proc/self/mem"), 1,
                           "/proc/self/mem: cannot be read: Input/output error")

    def test_a_disk_that_fails_in_the_middle(self):
        """A line that is cut short is no row."""
        if shutil.which("strace") is None:
            self.skipTest("no strace")
        path = self.path("long.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("an apple and a pear\n" * 5000)  # more than is read at once
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # a leak check would trace it itself
        for stdin in (False, True):
            with open(path, "rb") as file:
                second = 2 if stdin else 3  # a file is looked into before
                traced = ["strace", "-f", "-qq", "-o", os.devnull, "-P", path, "-e", "trace=read", "-e",
                          f"inject=read:error=EIO:when={second}+"]
                process = subprocess.run([*traced, BINARY, "predict", HERE["text"], "-" if stdin else path, "--json"], stdin=file,
                                         capture_output=True, timeout=120, check=False, env=environment)
            outcome = Outcome(process)
            if "strace: " in outcome.err:
                self.skipTest("strace is not allowed here")
            self.assertEqual(outcome.status, 1, outcome)
            rows = 65536 // 20
            self.assertEqual([row["input"] for row in outcome.rows()], ["an apple and a pear"] * rows)
            source = "standard input" if stdin else path
            self.assertEqual(outcome.err, f"sidenet: {source}:{rows + 1}: cannot be read: Input/output error\n")

    def test_answers_are_not_read_again(self):
        path = self.path("loop.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("an apple\n")
        for name in (path, "-"):
            with open(path, "rb") as stdin, open(path, "ab") as stdout:
                process = subprocess.run([BINARY, "predict", HERE["text"], name, "--json"], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                         timeout=60, check=False)
            self.assertEqual((process.returncode, read(path)), (1, b"an apple\n"))
            self.assertIn(b"standard output is written to the same file", process.stderr)


if __name__ == "__main__":
    unittest.main()
