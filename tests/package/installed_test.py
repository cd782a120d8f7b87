"""Programs outside the tree, built against an installation by pkg-config and by CMake, shared and static."""
import os
import pathlib
import shutil
import shlex
import unittest

import installed_files
from installed_files import INTERFACE, SHARED, STATIC, VERSION, run

HERE = pathlib.Path(__file__).resolve().parent
FASHION = pathlib.Path(os.environ["SIDENET_WEIGHTS"]) / "fashion_mnist"
MODEL = FASHION / "fashion_mnist.safetensors"
DATA = "%s,%s" % (FASHION / "sample1000-images.idx.gz", FASHION / "sample1000-labels.idx.gz")
INSTALLED = {}


def setUpModule():
    INSTALLED["shared"] = installed_files.install()
    INSTALLED["static"] = installed_files.without_shared(INSTALLED["shared"])


needs_shared = unittest.skipUnless(SHARED, "this build makes static libraries only (default_library)")
needs_static = unittest.skipUnless(STATIC, "this build makes shared libraries only (default_library)")
needs_pkg_config = unittest.skipUnless(shutil.which("pkg-config"), "pkg-config is not installed")
needs_cmake = unittest.skipUnless(shutil.which("cmake"), "cmake is not installed")


class Programs(unittest.TestCase):
    def check(self, kind, folder):
        """Runs classify and measure of the folder, against the libraries that they were built with."""
        libraries = INSTALLED[kind].libraries
        environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries), "OMP_WAIT_POLICY": "passive"}
        sneaker = run(folder / "classify", MODEL, FASHION / "samples" / "sneaker.png", env=environment, cwd=folder)
        self.assertEqual(sneaker.splitlines()[0], "Sneaker")
        self.assertIn("caught: nowhere.safetensors", sneaker)
        measured = run(folder / "measure", MODEL, DATA, env=environment, cwd=folder).splitlines()
        self.assertEqual(measured[0], "20 rows")
        self.assertRegex(measured[1], "^caught: .*nowhere")
        self.assertEqual(measured[2], "caught: enough")
        for program, needed in (("classify", ["libsidenet.so.%s" % INTERFACE]),
                                ("measure", ["libsidenet.so.%s" % INTERFACE, "libsidenet-study.so.%s" % VERSION])):
            dynamic = run("readelf", "--dynamic", "--wide", folder / program)
            for library in needed:
                self.assertEqual("[%s]" % library in dynamic, kind == "shared", dynamic)
            self.assertEqual("libsidenet-study" in dynamic, kind == "shared" and program == "measure", dynamic)

    def build_by_pkg_config(self, kind, *options):
        installed, folder = INSTALLED[kind], installed_files.temporary_folder()
        environment = {**os.environ, "PKG_CONFIG_PATH": str(installed.libraries / "pkgconfig"),
                       "PKG_CONFIG_SYSROOT_DIR": str(installed.destdir)}
        for program, package in (("classify", "sidenet"), ("measure", "sidenet-study")):
            flags = shlex.split(run("pkg-config", *options, "--cflags", "--libs", package, env=environment))
            links = ["-Wl,-rpath-link,%s" % installed.libraries]
            run(*shlex.split(os.environ["CXX"]), "-std=c++20", HERE / (program + ".cc"), "-o", folder / program, *flags, *links)
        self.check(kind, folder)

    def build_by_cmake(self, kind):
        folder = installed_files.temporary_folder()
        run("cmake", "-S", HERE, "-B", folder, "-DCMAKE_PREFIX_PATH=%s" % INSTALLED[kind].prefix)
        run("cmake", "--build", folder)
        self.check(kind, folder)

    @needs_shared
    @needs_pkg_config
    def test_pkg_config_shared(self):
        self.build_by_pkg_config("shared")

    @needs_static
    @needs_pkg_config
    def test_pkg_config_static(self):
        self.build_by_pkg_config("static", "--static")

    @needs_shared
    @needs_cmake
    def test_cmake_shared(self):
        self.build_by_cmake("shared")

    @needs_static
    @needs_cmake
    def test_cmake_static(self):
        self.build_by_cmake("static")

    @needs_cmake
    def test_cmake_takes_versions_of_one_interface(self):
        version_file = INSTALLED["shared"].libraries / "cmake" / "sidenet" / "sidenetConfigVersion.cmake"
        script = installed_files.temporary_folder() / "ask.cmake"
        other_minor = "0.%d" % (int(VERSION.split(".")[1]) + 1)
        for asked, compatible in ((VERSION, "TRUE"), (INTERFACE, "TRUE"), (other_minor, "FALSE"), ("0.0.9", "FALSE"), ("1", "FALSE"),
                                  (INTERFACE + ".99", "FALSE")):
            script.write_text('set(PACKAGE_FIND_VERSION "%s")\ninclude("%s")\nmessage("${PACKAGE_VERSION_COMPATIBLE}")\n'
                              % (asked, version_file))
            run("sh", "-c", 'test "$(cmake -P "$1" 2>&1)" = "$2"', "sh", script, compatible)

    def test_every_public_header_is_installed(self):
        here = {path.name for path in installed_files.HEADERS.iterdir()}
        self.assertEqual({path.name for path in (INSTALLED["shared"].prefix / "include" / "sidenet").iterdir()}, here)


if __name__ == "__main__":
    unittest.main()
