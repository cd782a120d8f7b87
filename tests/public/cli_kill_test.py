#!/usr/bin/env python3
"""The command is killed while it writes, or cannot write: the old file or the whole new one, one line, nothing left over.
tests/internal/atomic_file_test.cc kills a writer some hundred times more.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_kill_test.py
"""
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
import cli_case
from cli_case import HERE, CommandTest
from cli_fixtures import BINARY, read_npy, sidenet, write_class_folders

setUpModule = cli_case.make_files


def run(*arguments, **options):
    return sidenet(*arguments, "--quiet", **options)


def special_outputs(folder):
    """A FIFO, a device, and a link as /dev/stdout is. None of the machine's own: root could destroy them if we were wrong."""
    fifo, device, link = (os.path.join(folder, name) for name in ("out_fifo", "out_device", "out_stdout"))
    os.mkfifo(fifo)
    os.symlink("/proc/self/fd/1", link)
    if os.geteuid() != 0:
        return fifo, link, "/dev/null", "/dev/stdout"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # as /dev/null
    except PermissionError:
        return fifo, link
    return fifo, link, device


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Killed(CommandTest):
    def test_the_target_is_the_old_file_or_the_new(self):
        target, one, two = (self.path(name) for name in ("target", "one", "two"))
        labels = self.path("other_labels")
        with open(labels, "w", encoding="utf-8") as file:
            file.write("x\ny\nz\n")
        commands = [["import", HERE["checkpoint"], "--labels", HERE["labels"], "-o"], ["import", HERE["checkpoint"], "--labels", labels, "-o"]]
        for command, path in zip(commands, (one, two)):
            start = time.monotonic()
            self.done(*command, path, "--quiet")
            length = time.monotonic() - start
        whole = [read(one), read(two)]
        self.assertNotEqual(*whole)
        self.done(*commands[0], target, "--quiet")
        rng, written = random.Random(7), 0
        for turn in range(60):
            before = read(target)
            process = subprocess.Popen([BINARY, *commands[(turn + 1) % 2], target, "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.3, 1.3) * length)
            process.send_signal(rng.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
            process.wait()
            after = read(target)
            self.assertIn(after, whole)
            written += after != before
            for name in os.listdir(HERE["folder"]):
                if name.startswith("target."):  # killed between the naming of the whole file and its renaming
                    self.assertIn(".partial-", name)
                    os.remove(self.path(name))
        self.assertEqual(self.done("inspect", target, "--json").rows()[0]["kind"], "model")
        print(f"60 kills, {written} after the rename", file=sys.stderr)


class NoRoom(CommandTest):
    def test_a_limit_on_the_size_of_files(self):
        target = self.path("limited")
        self.done("import", HERE["checkpoint"], "-o", target, "--quiet")
        before, listed = read(target), sorted(os.listdir(HERE["folder"]))

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

        for arguments in (("import", HERE["checkpoint"], "-o", target), ("train", HERE["model"], "--data", HERE["data"], "--at", "layer1.0",
                                                                      "--epochs", 1, "-o", target, "--cache", self.path("cache"))):
            self.assert_failed(run(*arguments, preexec_fn=limit), 1, "File too large")
            self.assertEqual(read(target), before)
        self.assertEqual([name for name in sorted(os.listdir(HERE["folder"])) if name != "cache"], listed)

    def test_a_full_disk(self):
        """Needs a small file system of its own: as root in a mount namespace."""
        folder = self.path("full")
        os.mkdir(folder)
        script = 'mount -t tmpfs -o size=64k none "$1" && echo old > "$1/out" && { "$2" import "$3" -o "$1/out" --quiet; echo $?; ' \
                 'cat "$1/out"; ls "$1"; }'
        process = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", folder, BINARY, HERE["checkpoint"]], capture_output=True,
                                 check=False, text=True)
        if process.stdout == "":
            self.skipTest("no mount namespace: " + process.stderr.strip())
        self.assertEqual(process.stdout.split(), ["1", "old", "out"], process)
        self.assertEqual(process.stderr, f"sidenet: {folder}/out: cannot be written (write): No space left on device\n")


class Targets(CommandTest):
    def outputs(self, path):
        """A command for each way of writing a file."""
        return [("import", HERE["checkpoint"], "-o", path), ("run", HERE["model"], "--input", HERE["x"], "-o", path),
                ("sweep", HERE["model"], "--data", HERE["data"], "-o", path),
                ("sweep", HERE["model"], "--data", HERE["data"], "-o", self.path("page"), "--json", path),
                ("sweep", HERE["model"], "--data", HERE["data"], "-o", self.path("page"), "--csv", path),
                ("profile", HERE["model"], "--repeats", 1, "--trace", path)]

    def test_what_is_no_file_stays_what_it_is(self):
        for path in (*special_outputs(HERE["folder"]), HERE["data"]):
            before = os.lstat(path)
            for arguments in self.outputs(path):
                self.assert_failed(run(*arguments), 1, path, "cannot be written")
                self.assertEqual((os.lstat(path).st_ino, os.lstat(path).st_mode), (before.st_ino, before.st_mode))

    def test_standard_output_that_leads_to_a_file(self):
        path, link = self.path("redirected"), self.path("like_dev_stdout")
        os.symlink("/proc/self/fd/1", link)
        with open(path, "wb") as out:
            process = subprocess.run([BINARY, "run", HERE["model"], "--input", HERE["x"], "-o", link], stdout=out,
                                     stderr=subprocess.PIPE, check=False)
        self.assertEqual((process.returncode, read(path)), (1, b""))
        self.assertIn(b"expected a file's name, got an open file", process.stderr)
        self.assertTrue(os.path.islink(link))

    def test_a_symbolic_link_stays(self):
        os.symlink("v1.npy", self.path("current.npy"))
        for _ in range(2):  # dangling, then with a file
            self.done("run", HERE["model"], "--input", HERE["x"], "-o", self.path("current.npy"), "--quiet")
            self.assertTrue(os.path.islink(self.path("current.npy")))
            self.assertFalse(os.path.islink(self.path("v1.npy")))
            self.assertEqual(read_npy(self.path("v1.npy"))[0], (9, 3))

    def test_the_longest_names(self):
        """What stands beside a file for a while (a temporary, train's features) has no longer name than the file may have."""
        folder = self.path("names")
        os.mkdir(folder)
        held = self.path("held_for_names")
        write_class_folders(held, 20, seed=5)
        train = ("train", HERE["plain"], "--data", HERE["data"], "--at", "layer1.0", "--epochs", 1, "--hidden", 4, "--threads", 1)
        for length in (246, 252, 255):
            path = os.path.join(folder, "n" * length)
            for arguments in (*self.outputs(path), (*train, "-o", path), ("calibrate", HERE["model"], "--data", held, "-o", path)):
                self.done(*arguments, "--quiet")
                self.assertEqual(os.listdir(folder), ["n" * length], arguments)
                os.remove(path)
        path = os.path.join(folder, "n" * 256)
        for arguments in (*self.outputs(path), (*train, "-o", path), (*train, "-o", self.path("x"), "--cache", path)):
            self.assert_failed(run(*arguments), 1, path, "File name too long")
        self.assertEqual(os.listdir(folder), [])

    def test_permissions_are_kept(self):
        path = self.path("private.npy")
        for mode in (0o600, 0o664):
            with open(path, "wb"):
                os.chmod(path, mode)
            self.done("run", HERE["model"], "--input", HERE["x"], "-o", path, "--quiet")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode)

    def test_a_cache_does_not_follow_links(self):
        """Its files are cut and written in place, and it may lie where others can write."""
        cache, victim = self.path("shared_cache"), self.path("victim")
        train = ("train", HERE["model"], "--data", HERE["data"], "--at", "layer1.0", "--epochs", 1, "--cache", cache, "-o", self.path("trained"))
        self.done(*train, "--keep-cache", "--quiet")
        (key,) = os.listdir(cache)
        with open(victim, "wb") as file:
            file.write(b"precious")
        column = os.path.join(cache, key, "column0.f32")
        for make in (os.symlink, os.link):
            os.remove(column)
            make(victim, column)
            self.assert_failed(run(*train), 1, column)
            self.assertEqual(read(victim), b"precious")
        os.remove(column)
        os.rename(os.path.join(cache, key), self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), os.path.join(cache, key))
        self.assert_failed(run(*train), 1, key, "got a link")
        self.assertFalse(os.path.exists(self.path("elsewhere/column0.f32")))
        os.symlink(cache, self.path("shared_link"))
        self.assert_failed(run(*train[:-4], "--cache", self.path("shared_link"), "-o", self.path("trained")), 1, "got a link")


if __name__ == "__main__":
    unittest.main()
