#!/usr/bin/env python3
"""What the command computes for a file grows with the file, not with its square: instructions for a file and for one of
twice the size, counted by valgrind. Seconds would need files large enough to be slow.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_growth_test.py"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import growth_files
from cli_fixtures import BINARY, write_png

MOST = 2.4  # times the instructions for twice the size: n log n is well below, n^2 is 4
HERE = {}


def instructions(*arguments, status=0):
    """Of one run of the command on one thread."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", BINARY]
    run = subprocess.run(valgrind + list(arguments), capture_output=True, timeout=100, check=False, stdin=subprocess.DEVNULL,
                         env={**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"})
    counted = re.search(rb"Collected : (\d+)", run.stderr)
    if run.returncode != status or not counted:
        raise AssertionError((arguments, run.returncode, run.stderr[-2000:].decode("utf-8", "replace")))
    return int(counted.group(1))


def setUpModule():
    if shutil.which(BINARY) is None:
        raise unittest.SkipTest("SIDENET_BINARY does not name the sidenet command")
    if shutil.which("valgrind") is None:
        raise unittest.SkipTest("there is no valgrind")
    try:
        instructions("--version")
    except AssertionError as error:  # the command is built with a sanitizer, say
        raise unittest.SkipTest("valgrind cannot run the command") from error
    HERE["start"] = instructions("inspect", "nowhere", status=1)  # what no file has a part in
    folder = HERE["folder"] = tempfile.mkdtemp(prefix="sidenet-growth-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    HERE["image"] = os.path.join(folder, "image.png")
    write_png(HERE["image"], lambda y, x: (y, x, 9))


class Growth(unittest.TestCase):
    def grows_with_the_file(self, make, n, *commands):
        """commands: each a list with FILE for the file and MODEL for what `import` makes of it; or one with its status."""

        def count(size):
            path = os.path.join(HERE["folder"], f"{make.__name__}-{size}")
            make(path, size)
            counts = []
            for command in commands:
                status = command[0] if isinstance(command[0], int) else 0
                words = [word for word in command if not isinstance(word, int)]
                words = [{"FILE": path, "MODEL": path + ".model", "IMAGE": HERE["image"]}.get(word, word) for word in words]
                counts.append(instructions(*words, status=status) - HERE["start"])
            return counts

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            small, large = pool.map(count, (n, 2 * n))
        for command, once, twice in zip(commands, small, large):
            with self.subTest(command=command):
                if os.environ.get("SIDENET_TELL_GROWTH"):
                    print(f"{make.__name__:20} {command[0]!s:9} {once:13,} {twice:13,} {twice / once:5.2f}", flush=True)
                self.assertLess(twice, MOST * once)

    def test_prefix_of_a_name(self):
        self.grows_with_the_file(growth_files.prefix, 50000, (1, "predict", "FILE", "IMAGE"), ("inspect", "FILE"))

    def test_names_that_begin_alike(self):
        self.grows_with_the_file(growth_files.names, 150, ("inspect", "FILE"))

    def test_table_of_a_long_name(self):
        self.grows_with_the_file(growth_files.table, 1000, ("inspect", "FILE"))

    def test_metadata(self):
        self.grows_with_the_file(growth_files.metadata, 2000, ("inspect", "FILE", "--json"))

    def test_pickled_key(self):
        self.grows_with_the_file(growth_files.pickled_key, 5000, ("inspect", "FILE"))

    def test_archive_entries(self):
        self.grows_with_the_file(growth_files.entries, 1000, ("inspect", "FILE"))

    def test_blocks(self):
        self.grows_with_the_file(growth_files.blocks, 200, ("import", "FILE", "-o", "MODEL"), ("inspect", "MODEL"),
                                 ("predict", "MODEL", "IMAGE", "--threads", "1"))

    def test_modules(self):
        self.grows_with_the_file(growth_files.modules, 1000, (1, "import", "FILE", "-o", "MODEL"))

    def test_computed_weights(self):
        self.grows_with_the_file(growth_files.computed, 500, ("import", "FILE", "-o", "MODEL"))

    def test_shards(self):
        self.grows_with_the_file(growth_files.shards, 1000, ("import", "FILE", "-o", "MODEL"))

    def test_classes(self):
        self.grows_with_the_file(growth_files.classes, 2000, ("import", "FILE", "-o", "MODEL"), ("inspect", "MODEL"))

    def test_exits(self):
        self.grows_with_the_file(growth_files.exits_at_one_tap, 500, ("inspect", "FILE"))

    def test_exits_at_taps_of_their_own(self):
        self.grows_with_the_file(growth_files.exits_at_many_taps, 100, ("inspect", "FILE"))

    def test_layers_of_a_text_model(self):
        self.grows_with_the_file(growth_files.bert, 50, ("import", "FILE", "-o", "MODEL"),
                                 ("inspect", "MODEL"))

    def test_added_tokens(self):
        self.grows_with_the_file(growth_files.added_tokens, 500, ("import", "FILE", "-o", "MODEL"),
                                 ("predict", "MODEL", "--text", "a" * 100000, "--threads", "1"))


if __name__ == "__main__":
    unittest.main()
