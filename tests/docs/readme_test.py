"""The program in README.md is examples/first_minute.cc, which the build compiles and runs."""
import re
import unittest

from documents import ROOT


class ReadmeProgram(unittest.TestCase):
    def test_is_the_example(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        program = re.search(r"```cpp\n(.*?)```", readme, re.DOTALL)[1]
        comment, _, example = (
            (ROOT / "examples" / "first_minute.cc").read_text(encoding="utf-8").partition("\n"))
        self.assertTrue(comment.startswith("// "), comment)
        self.assertEqual(program, example)


if __name__ == "__main__":
    unittest.main()
