"""An installation under a temporary DESTDIR, made once a test file."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["SIDENET_BUILD"]
VERSION = os.environ["SIDENET_VERSION"]
INTERFACE = os.environ["SIDENET_INTERFACE"]
SHARED = os.environ["SIDENET_LIBRARIES"] != "static"
STATIC = os.environ["SIDENET_LIBRARIES"] != "shared"
HEADERS = pathlib.Path(__file__).resolve().parents[2] / "include" / "sidenet"


def run(*command, **options):
    """What the command writes on stdout; a failed one shows all that it wrote."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError("%s: status %d\n%s%s" % (" ".join(map(str, command)), done.returncode, done.stdout, done.stderr))
    return done.stdout


class Installation:
    def __init__(self, destdir):
        self.destdir = pathlib.Path(destdir)
        self.prefix = self.destdir / os.environ["SIDENET_PREFIX"].lstrip("/")
        self.libraries = self.prefix / os.environ["SIDENET_LIBDIR"]


def temporary_folder():
    folder = tempfile.mkdtemp(prefix="sidenet-package-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


def install():
    destdir = temporary_folder()
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", destdir)
    return Installation(destdir)


def without_shared(installation):
    """The same as it is where only the static libraries were installed."""
    destdir = temporary_folder() / "static"
    shutil.copytree(installation.destdir, destdir, symlinks=True, ignore=shutil.ignore_patterns("*.so", "*.so.*"))
    return Installation(destdir)
