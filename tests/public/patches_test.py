"""CONTRIBUTING.md says how many files an addition touches. tests/patches has one of each kind, as somebody would make it:
it still fits the tree, and touches no more."""
import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / "tests" / "patches").glob("*.patch"))
# The most files that each may touch, its build line and its test included.
MOST_FILES = {
    "sigmoid": 5,
    "vgg_family": 4,
}


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def setUpModule():
    if shutil.which("git") is None:
        raise unittest.SkipTest("there is no git")
    if git("rev-parse", "--is-inside-work-tree").stdout.strip() != "true":
        raise unittest.SkipTest(f"{ROOT} is no git work tree")


class PatchesTest(unittest.TestCase):
    def test_each_has_its_limit(self):
        self.assertEqual([patch.stem for patch in PATCHES], sorted(MOST_FILES))

    def test_each_applies(self):
        for patch in PATCHES:
            with self.subTest(patch.name):
                outcome = git("apply", "--check", patch)
                self.assertEqual(outcome.returncode, 0, outcome.stderr)

    def test_none_touches_more_files_than_promised(self):
        for patch in PATCHES:
            with self.subTest(patch.name):
                outcome = git("apply", "--numstat", patch)
                self.assertEqual(outcome.returncode, 0, outcome.stderr)
                files = outcome.stdout.splitlines()
                self.assertGreater(len(files), 0)
                self.assertLessEqual(len(files), MOST_FILES[patch.stem], files)


if __name__ == "__main__":
    unittest.main()
