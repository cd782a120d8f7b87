#!/usr/bin/env python3
"""What the command asks of the system while it reads good and hostile files: no network, no other program, no file but
those that it was given and those that its libraries read of the machine. Skipped where strace is absent or not allowed.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_strace_test.py
"""
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import cli_case
import hostile_fixtures as hostile
from cli_case import HERE
from cli_fixtures import BINARY, CLASSES
from hostile_fixtures import write
from text_fixtures import write_bert_folder

CALL = re.compile(r"^\d+\s+(\w+)\((.*)")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
BELOW = re.compile(r'^\d+<([^>]*)>, ')  # the folder of openat, where it is an open one
TRACED = "%network,%process,open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat," \
         "mkdir,mkdirat,rmdir,chmod,fchmodat,truncate,mknod,mknodat,ptrace"
# Of %process; a thread is a clone with CLONE_THREAD.
PROCESS = {"exit", "exit_group", "wait4", "waitid", "arch_prctl", "kill", "tgkill", "rt_sigqueueinfo", "pidfd_open"}
READ = (  # what libraries read of the machine
    "/lib/", "/lib64/", "/usr/lib/", "/usr/local/lib/", "/usr/lib64/", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime",
    "/usr/share/locale/", "/usr/share/zoneinfo/", "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup/",
    "/sys/kernel/mm/transparent_hugepage/", "/proc/self/maps", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/status", "/proc/self/cgroup", "/proc/self/mountinfo",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/kernel/", "/proc/sys/vm/overcommit_memory", "/etc/ssl/openssl.cnf")


def setUpModule():
    if shutil.which("strace") is None:
        raise unittest.SkipTest("no strace")
    if subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False).returncode != 0:
        raise unittest.SkipTest("strace is not allowed here")
    cli_case.make_files()
    HERE["image"] = os.path.join(HERE["data"], CLASSES[0], "000.png")
    HERE["bert"] = os.path.join(HERE["folder"], "bert")
    write_bert_folder(HERE["bert"])


class Strace(unittest.TestCase):
    def path(self, name):
        return os.path.join(HERE["folder"], name)

    def calls(self, *arguments, status):
        log = self.path("strace.log")
        environment = {key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "LD_PRELOAD")}
        environment["ASAN_OPTIONS"] = "detect_leaks=0"  # it would be traced itself
        process = subprocess.run(["strace", "-f", "-y", "-s", "4096", "-o", log, "-e", "trace=" + TRACED, BINARY, *map(str, arguments)],
                                 capture_output=True, timeout=120, check=False, env=environment, stdin=subprocess.DEVNULL)
        self.assertEqual(process.returncode, status, process)
        with open(log, encoding="utf-8", errors="surrogateescape") as file:
            found = [CALL.match(line) for line in file]
        return [match.groups() for match in found if match]

    def check(self, *arguments, reads=(), output=None, status=0):
        """Only `reads` and what is in them are opened, only `output` is written, beside itself."""
        folder = os.path.dirname(output) if output else None
        executed = 0
        for name, rest in self.calls(*arguments, status=status):
            what = f"{name}({rest.strip()} by {arguments}"
            paths = PATH.findall(rest)
            if name == "execve":  # the start, and the command itself once more: cli/bounded_spin.cc
                executed += 1
                self.assertIn(paths[0], (BINARY, shutil.which(BINARY), "/proc/self/exe"), what)
                self.assertLessEqual(executed, 2, what)
            elif name in ("clone", "clone3"):
                self.assertIn("CLONE_THREAD", rest, what)
            elif name in PROCESS:
                pass
            elif name in ("open", "openat"):
                below = BELOW.match(rest)
                self.check_open(os.path.join(below.group(1), paths[0]) if below else paths[0], rest, what, reads, folder, output)
            elif name in ("linkat", "link", "rename", "renameat", "renameat2", "unlink", "unlinkat"):
                self.assertIsNotNone(output, what)
                for path in paths:
                    ours = path == output or path.startswith(output + ".partial-") or path.startswith("/proc/self/fd/")
                    self.assertTrue(ours, what)
            else:
                self.fail(what)
        self.assertGreaterEqual(executed, 1)

    def check_open(self, path, rest, what, reads, folder, output):
        if re.search("O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", rest):
            self.assertIsNotNone(output, what)
            unnamed = path == folder and "O_TMPFILE" in rest
            self.assertTrue(unnamed or (path.startswith(output + ".partial-") and "O_EXCL" in rest), what)
            return
        if path == folder and "O_DIRECTORY" in rest:  # to flush the rename
            return
        given = any(path == read or path.startswith(read + "/") for read in map(os.fspath, reads))
        self.assertTrue(given or path.startswith(READ), what)

    def test_the_check_itself_fails(self):
        for arguments, options in ((("inspect", HERE["model"]), {}), (("import", HERE["checkpoint"], "-o", self.path("x")),
                                                                      {"reads": [HERE["checkpoint"]], "output": self.path("y")})):
            with self.assertRaises(AssertionError):
                self.check(*arguments, **options)

    def test_good_files(self):
        model, out = HERE["model"], self.path("out.safetensors")
        self.check("inspect", model, reads=[model])
        self.check("inspect", HERE["checkpoint"], reads=[HERE["checkpoint"]])
        for _ in range(2):  # a new file, and over an old one
            self.check("import", HERE["checkpoint"], "-o", out, "--labels", HERE["labels"], reads=[HERE["checkpoint"], HERE["labels"]],
                       output=out)
        self.check("import", HERE["bert"], "-o", out, reads=[HERE["bert"]], output=out)
        self.check("predict", model, HERE["image"], reads=[model, HERE["image"]])
        self.check("predict", out, "--text", "an apple", reads=[out])
        self.check("predict", model, HERE["data"], "--json", "--batch", 8, reads=[model, HERE["data"]])
        self.check("evaluate", model, "--data", HERE["data"], reads=[model, HERE["data"]])
        logits = self.path("logits.npy")
        self.check("run", model, "--input", HERE["x"], "-o", logits, reads=[model, HERE["x"]], output=logits)

    def test_hostile_files(self):
        call = pickle.dumps(hostile.Call(os.system, "touch " + self.path("executed")), 2)
        with open(HERE["model"], "rb") as file:
            whole = file.read()
        files = {"call.pth": hostile.pytorch_zip(call), "legacy.pth": hostile.pytorch_legacy(call), "bomb.pth": hostile.zip_bomb(),
                 "header": struct.pack("<Q", 1 << 63) + b"{}", "empty": b"", "cut": whole[:-1000],
                 "traversal.pth": hostile.pytorch_zip(b"}.", {"../../../../etc/passwd": b"1234"})}
        out = self.path("never.safetensors")
        for name, data in files.items():
            path = write(self.path(name), data)
            with self.subTest(name):
                self.check("import", path, "-o", out, reads=[path], output=out, status=1)
                self.check("predict", path, HERE["image"], reads=[path, HERE["image"]], status=1)
                self.check("predict", HERE["model"], path, reads=[HERE["model"], path], status=1)
                if name != "traversal.pth":
                    self.check("inspect", path, reads=[path], status=1)
        self.assertFalse(os.path.exists(self.path("executed")))
        self.assertFalse(os.path.exists(out))

    def test_paths_inside_files_are_not_followed(self):
        """A Hugging Face folder whose index names files outside it."""
        folder = self.path("indexed")
        shutil.copytree(HERE["bert"], folder)
        os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "pytorch_model.bin.index.json"))
        write(os.path.join(folder, "model.safetensors.index.json"), b'{"weight_map":{"a":"../../../../../../etc/passwd"}}')
        out = self.path("never.safetensors")
        self.check("import", folder, "-o", out, reads=[folder], output=out, status=1)


if __name__ == "__main__":
    unittest.main()
