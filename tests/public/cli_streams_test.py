#!/usr/bin/env python3
"""Standard input, output and error that are closed, broken, or not what the command expects.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_streams_test.py
"""
import itertools
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import cli_case
from cli_case import HERE, CommandTest
from cli_fixtures import BINARY, CLASSES, Outcome

setUpModule = cli_case.make_files


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
        image = os.path.join(HERE["data"], CLASSES[0], "000.png")
        for arguments in (("--help",), ("--version",), ("inspect", HERE["model"]), ("predict", HERE["model"], image, "--json"),
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


if __name__ == "__main__":
    unittest.main()
