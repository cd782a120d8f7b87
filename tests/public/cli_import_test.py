"""What is imported and what is refused, case by case (import_cases.py); the options that a refusal names do what it says."""
import os
import shutil
import tempfile
import unittest

from cli_fixtures import BINARY, sidenet
from import_cases import CASES

LONGEST_LINE = 320  # with the paths of a test


def setUpModule():
    if shutil.which(BINARY) is None:
        raise unittest.SkipTest("SIDENET_BINARY does not name the sidenet command")


class ImportTest(unittest.TestCase):
    def test_each_case(self):
        for one in CASES:
            with self.subTest(one["what"]), tempfile.TemporaryDirectory(prefix="sidenet-import-") as folder:
                model = os.path.join(folder, "model.safetensors")
                path = os.path.join(folder, one["make"](folder))
                outcome = sidenet("import", path, "-o", model, *one["options"])
                self.assertEqual(outcome.status, 0 if one["read"] else 1, outcome)
                self.assertEqual(os.path.exists(model), one["read"])
                if not one["read"]:
                    self.assertEqual(len(outcome.err.splitlines()), 1, outcome)
                    self.assertLess(len(outcome.err), LONGEST_LINE, outcome)
                for word in one["words"]:
                    self.assertIn(word, outcome.err)


if __name__ == "__main__":
    unittest.main()
