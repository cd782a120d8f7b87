"""The installed headers: all are in sidenet.h, each compiles alone, and none needs anything but the others and the
standard library. The command is a guest: it includes those, its own files and the report's page alone."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "include" / "sidenet"
COMPILER = []  # the build's, with its language standard
HEADERS = sorted(path.name for path in INSTALLED.glob("*.h"))


def includes_of(path):
    return re.findall(r'^\s*#\s*include\s*([<"][^>"]+[>"])', path.read_text(encoding="utf-8"), re.MULTILINE)


def problems(source):
    """What the compiler says of a text that may include installed headers alone."""
    with tempfile.NamedTemporaryFile("w", suffix=".cc", encoding="utf-8") as file:
        file.write(source)
        file.flush()
        command = COMPILER + ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", str(INSTALLED.parent), file.name]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr


class Headers(unittest.TestCase):
    def test_the_umbrella_holds_all_and_each_is_enough_for_itself(self):
        umbrella = [name for name in includes_of(INSTALLED / "sidenet.h")]
        self.assertEqual(umbrella, ['"sidenet/%s"' % name for name in HEADERS if name != "sidenet.h"])
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            # Twice: a header is guarded against itself.
            said = list(pool.map(lambda name: problems(2 * ('#include "sidenet/%s"\n' % name)), HEADERS))
        for name, text in zip(HEADERS, said):
            with self.subTest(name):
                self.assertEqual(text, "")

    def test_what_is_declared_in_any_is_had_from_the_umbrella(self):
        use = "sidenet::SuggestOptions a; sidenet::CalibrateOptions b; sidenet::TokenRows c; sidenet::DriftGuard::Rate d;"
        self.assertEqual(problems("#include <sidenet/sidenet.h>\nint main() { %s (void)a; (void)b; (void)c; (void)d; }\n" % use), "")
        self.assertNotEqual(problems("#include <sidenet/sidenet.h>\nsidenet::ModelData data;\n"), "", "the check can fail")

    def test_headers_name_each_other_and_the_standard_library_alone(self):
        for name in HEADERS:
            for included in includes_of(INSTALLED / name):
                with self.subTest(name, included=included):
                    if included.startswith('"'):
                        self.assertIn(included, ['"sidenet/%s"' % other for other in HEADERS])
                    else:
                        self.assertRegex(included, r"^<[a-z_]+>$|^<sys/types\.h>$")


class Command(unittest.TestCase):
    def test_it_includes_installed_headers_its_own_files_and_the_page_of_the_report(self):
        folder = ROOT / "cli"
        own = {path.name for path in folder.iterdir()} | {"html_report.h"}
        sources = [path for path in sorted(folder.iterdir()) if path.suffix in (".cc", ".h")]
        self.assertGreater(len(sources), 30)
        for path in sources:
            for included in includes_of(path):
                with self.subTest(path.name, included=included):
                    if included.startswith('"sidenet/'):
                        self.assertIn(included[9:-1], HEADERS)
                    elif included.startswith('"'):
                        self.assertIn(included[1:-1], own)
                    else:
                        self.assertRegex(included, r"^<([a-z_]+|(sys/)?[a-z]+\.h|CLI/CLI\.hpp|nlohmann/json\.hpp)>$")

    def test_it_is_linked_with_no_more(self):
        text = (ROOT / "tools" / "meson.build").read_text(encoding="utf-8")
        linked = re.search(r"dependencies: \[(.*?)\]", text, re.DOTALL).group(1).replace(",", " ").split()
        self.assertEqual(set(linked), {"sidenet_study_dep", "report_dep", "json_dep", "cli11_dep", "threads_dep"})


if __name__ == "__main__":
    COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
