#!/usr/bin/env python3
"""An activation is added in few files: sigmoid.patch adds one, and still fits the tree.

    python3 tests/patches/sigmoid_patch_test.py
"""
import os
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
PATCH = os.path.join(FOLDER, "sigmoid.patch")
MOST_FILES = 5  # the list, the kernel, its plain twin, a test, and one to spare
SKIPPED = 77


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)


def main():
    try:
        top = git("rev-parse", "--show-toplevel")
    except OSError:
        print("skipped: there is no git here")
        return SKIPPED
    if top.returncode != 0 or not os.path.samefile(top.stdout.strip(), ROOT):
        print("skipped: this is no work tree of git")
        return SKIPPED
    files = [line.split("\t")[2] for line in git("apply", "--numstat", PATCH).stdout.splitlines()]
    if not 0 < len(files) <= MOST_FILES:
        print(f"sigmoid.patch: expected 1 to {MOST_FILES} files, got {len(files)}: {files}")
        return 1
    check = git("apply", "--check", PATCH)
    if check.returncode != 0:
        print("sigmoid.patch no longer fits the tree; make it anew:", check.stderr)
        return 1
    print("fits:", ", ".join(files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
