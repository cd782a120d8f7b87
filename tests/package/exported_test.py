"""What the installed libraries export and hold: the public API, and of libsidenet nothing that libsidenet-study is for."""
import collections
import os
import re
import subprocess
import sys
import unittest

import installed_files
from installed_files import HEADERS, INTERFACE, SHARED, STATIC, VERSION, run

STUDY_HEADERS = {"calibration.h", "evaluation.h", "preprocessing_trial.h", "suggestion.h", "sweep.h",
                 "training.h"}
STUDY_WORDS = re.compile(r"train_sidenets|sidenet::Trainer|adamw|certify_path|risk_|threshold_search|descent|calibrat|sweep|suggest|probe",
                         re.I)
PUBLIC, PRIVATE, STUDY = "SIDENET_" + INTERFACE, "SIDENET_PRIVATE_" + VERSION, "SIDENET_STUDY_" + INTERFACE
INSTALLED = {}


def setUpModule():
    INSTALLED["all"] = installed_files.install()


def library(name):
    return INSTALLED["all"].libraries / name


def api(header):
    """Names that SIDENET_API marks in a header."""
    text = header.read_text(encoding="utf-8")
    return set(re.findall(r"\bclass SIDENET_API (\w+)", text)) | set(re.findall(r"^SIDENET_API [^;]*?(\w+)\(", text, re.M))


def api_of(headers):
    return set().union(*(api(header) for header in headers if header.name != "export.h"))


def exported(name):
    """Of each exported symbol, demangled: (name, version)."""
    lines = run("nm", "-D", "-C", "--defined-only", "--with-symbol-versions", library(name)).splitlines()
    symbols = [re.fullmatch(r"[0-9a-f]+ (\w) (.*)@@(\S+)", line).groups() for line in lines if " A " not in line]
    return [(symbol, version) for _, symbol, version in symbols]


def defined(name):
    """Global symbols that are defined strongly by a static library: functions and data."""
    lines = run("nm", "-C", "--defined-only", "--extern-only", library(name)).splitlines()
    return {line[19:] for line in lines if re.match(r"[0-9a-f]{16} [TDBR] ", line)}


def entity(symbol):
    """The class or function of namespace sidenet that a symbol belongs to, or None."""
    found = re.match(r"(?:typeinfo for |typeinfo name for |vtable for )?sidenet::(\w+)", symbol)
    return found and found.group(1)


class Marked(unittest.TestCase):
    def test_every_class_and_function_of_the_headers_is_marked(self):
        for header in HEADERS.glob("*.h"):
            # A template's own header line goes first: it is compiled into whatever uses it.
            text = re.sub(r"^template <.*\n(?:requires .*\n)?[^;{]*[;{]", "", header.read_text(encoding="utf-8"), flags=re.M)
            inline = set(re.findall(r"^(?:inline|constexpr) [^;{]*?(\w+)\(", text, re.M))
            functions = set(re.findall(r"^(?!SIDENET_API|inline|constexpr|template|using|#|//)\w[^;{}=#]*?(\w+)\(", text, re.M))
            classes = set(re.findall(r"^class (?!SIDENET_API)(\w+)[^;]*{", text, re.M))
            self.assertEqual((functions - inline) | classes, set(), "%s: expected SIDENET_API on each of these" % header.name)


@unittest.skipUnless(SHARED, "this build makes static libraries only (default_library)")
class Exported(unittest.TestCase):
    def test_public_version_is_the_api_of_the_headers(self):
        here = api_of(header for header in HEADERS.iterdir() if header.name not in STUDY_HEADERS)
        there = api_of(HEADERS / name for name in STUDY_HEADERS)
        for name, node, names in (("libsidenet.so", PUBLIC, here), ("libsidenet-study.so", STUDY, there)):
            entities = {symbol: entity(symbol) for symbol, version in exported(name) if version == node}
            self.assertEqual({symbol for symbol, owner in entities.items() if owner not in names}, set(), name)
            self.assertEqual(set(entities.values()), names, name)
            self.assertEqual({symbol for symbol in entities if "::Impl" in symbol}, set(), name)

    def test_all_else_is_private_to_the_study(self):
        names = exported("libsidenet.so")
        self.assertEqual({version for _, version in names}, {PUBLIC, PRIVATE})
        for symbol, version in names:
            if version == PRIVATE:
                self.assertRegex(symbol, r"^(typeinfo for |typeinfo name for |vtable for )?sidenet::")
        self.assertEqual({version for _, version in exported("libsidenet-study.so")}, {STUDY})
        lent = {symbol for symbol, version in names if version == PRIVATE}
        used = run("nm", "-D", "-C", "--undefined-only", "--with-symbol-versions", library("libsidenet-study.so"))
        self.assertEqual(set(re.findall(r" U (.*)@%s$" % re.escape(PRIVATE), used, re.M)), lent)

    def test_sonames(self):
        for name, soname in (("libsidenet.so", "libsidenet.so." + INTERFACE),
                             ("libsidenet-study.so", "libsidenet-study.so." + VERSION)):
            self.assertIn("Library soname: [%s]" % soname, run("readelf", "--dynamic", "--wide", library(name)))

    def test_study_loads_with_its_own_version_alone(self):
        study = library("libsidenet-study.so").read_bytes()
        other = installed_files.temporary_folder() / "libsidenet-study.so"
        needed = PRIVATE[:-1] + "x"
        for contents, complaint in ((study, ""), (study.replace(PRIVATE.encode(), needed.encode()), "version `%s' not found" % needed)):
            other.write_bytes(contents)
            loaded = subprocess.run([sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", str(other)],
                                    capture_output=True, text=True, check=False,
                                    env={**os.environ, "LD_LIBRARY_PATH": str(INSTALLED["all"].libraries)})
            self.assertEqual(loaded.returncode == 0, complaint == "", loaded.stderr)
            self.assertIn(complaint, loaded.stderr)

    def test_inference_is_smaller_than_all(self):
        text = {name: int(run("size", library(name)).splitlines()[1].split()[0]) for name in ("libsidenet.so", "libsidenet-study.so")}
        self.assertLess(text["libsidenet.so"], 0.85 * sum(text.values()), text)

    def test_inference_exports_no_study(self):
        self.assertEqual([symbol for symbol, _ in exported("libsidenet.so") if STUDY_WORDS.search(symbol)], [])


@unittest.skipUnless(STATIC, "this build makes shared libraries only (default_library)")
class Held(unittest.TestCase):
    def test_inference_holds_no_study(self):
        inference, study = defined("libsidenet.a"), defined("libsidenet-study.a")
        self.assertEqual(inference & study, set())
        self.assertEqual({symbol for symbol in inference if STUDY_WORDS.search(symbol)}, set())
        self.assertGreater(len([symbol for symbol in study if STUDY_WORDS.search(symbol)]), 20)

    def test_nothing_is_there_twice(self):
        for name in ("libsidenet.a", "libsidenet-study.a"):
            lines = run("nm", "--defined-only", "--extern-only", library(name)).splitlines()
            symbols = collections.Counter(line[19:] for line in lines if re.match(r"[0-9a-f]{16} [TDBR] ", line))
            self.assertEqual([symbol for symbol, count in symbols.items() if count > 1], [], name)


if __name__ == "__main__":
    unittest.main()
