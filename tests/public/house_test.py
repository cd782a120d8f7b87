#!/usr/bin/env python3
"""What a reader of the code may rely on: one format, files of a readable length, nothing written twice.

    python3 tests/public/house_test.py
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
LONGEST_FILE = 400
REPEATED_LINES = 13
# Runs alike but for names: list of options, tables. Fewer tokens are an accident of the language.
REPEATED_TOKENS = 120


def sources(*folders):
    """The C++ files of these folders."""
    found = []
    for folder in folders:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.join(place, name) for name in names if name.endswith((".cc", ".h"))]
    return sorted(found)


OURS = "include", "src", "kernels", "cli", "bench", "examples"


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def alike(tokens, paths):
    """Runs of that many tokens that stand twice, whatever their names are: two (path, first line, last line)."""
    place = r"(\S+): line (\d+)-(\d+)"
    output = subprocess.run(["sim_c++", "-n", "-s", "-r", str(tokens), "-w", "400", *paths], capture_output=True,
                            text=True, check=True).stdout
    for match in re.finditer(rf"^{place}\s*\|\s*{place}\s*\[\d+\]", output, re.M):
        first, second = match.groups()[:3], match.groups()[3:]
        yield tuple((path, int(begin), int(end)) for path, begin, end in (first, second))


def equal_run(one, other):
    """The most lines in a row that are the same in both, blank ones, comments and includes left out."""
    texts = []
    for path, begin, end in (one, other):
        stripped = (line.strip() for line in lines_of(path)[begin - 1:end])
        texts.append([line for line in stripped if line and not line.startswith(("//", "#"))])
    longest, ends = 0, [0] * (len(texts[1]) + 1)
    for line in texts[0]:
        previous = ends
        ends = [0] + [previous[i] + 1 if line == there else 0 for i, there in enumerate(texts[1])]
        longest = max(longest, *ends)
    return longest


class House(unittest.TestCase):
    def test_format(self):
        """As .clang-format says. Versions differ in taste, so it is Debian 12's."""
        tool = shutil.which("clang-format-14") or shutil.which("clang-format")
        if tool is None or " version 14." not in subprocess.run([tool, "--version"], capture_output=True, text=True,
                                                                 check=True).stdout:
            self.skipTest("no clang-format 14")
        process = subprocess.run([tool, "--dry-run", "-Werror", "--ferror-limit=1", "--style=file", *sources(*OURS, "tests")],
                                 capture_output=True, text=True, check=False)
        self.assertEqual((process.returncode, process.stderr[:2000]), (0, ""))

    def test_length(self):
        long = {path: len(lines_of(path)) for path in sources(*OURS) if len(lines_of(path)) > LONGEST_FILE}
        self.assertEqual(long, {})

    def test_nothing_stands_twice(self):
        if shutil.which("sim_c++") is None:
            self.skipTest("no sim_c++ (similarity-tester)")
        paths = sources(*OURS)
        same = [pair for pair in alike(40, paths) if equal_run(*pair) >= REPEATED_LINES]
        self.assertEqual(same, [])
        shaped = [pair for pair in alike(REPEATED_TOKENS, paths)
                  if min(end - begin for _, begin, end in pair) >= REPEATED_LINES]
        self.assertEqual(shaped, [])

    def test_what_stands_twice_is_found(self):
        if shutil.which("sim_c++") is None:
            self.skipTest("no sim_c++ (similarity-tester)")
        body = "".join(f"  total += weights[{i}] * values[row + {i}];\n" for i in range(REPEATED_LINES))
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("one.cc", "two.cc")]
            for path, name in zip(paths, ("sum", "dot")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"float {name}(const float* weights, const float* values, int row) {{\n"
                               f"  float total = 0;\n{body}  return total;\n}}\n")
            self.assertTrue(any(equal_run(*pair) >= REPEATED_LINES for pair in alike(40, paths)))


if __name__ == "__main__":
    unittest.main()
