"""Bytes that an engine takes on disk: what must be installed so that it answers."""

import importlib.metadata
import pathlib
import re
import subprocess

# The C library and the compiler's run-time are there on any machine.
SYSTEM = re.compile(r"^(ld-linux|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s)[.-]")


def of_program(program):
    """The program and the shared libraries that it loads, without the system's own: (bytes, {name: bytes})."""
    parts = {pathlib.Path(program).name: pathlib.Path(program).stat().st_size}
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.split()
        if "=>" in fields and len(fields) > 2 and not SYSTEM.match(fields[0]):
            path = pathlib.Path(fields[2]).resolve()
            if path.is_file():
                parts[fields[0]] = path.stat().st_size
    return sum(parts.values()), parts


def of_package(name):
    """A Python package and those that it requires, without Python itself: (bytes, {name: bytes}), or None where it is absent."""
    parts, wanted = {}, [name]
    while wanted:
        package = wanted.pop()
        try:
            distribution = importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            if package == name:
                return None
            continue
        key = distribution.metadata["Name"].lower()
        if key in parts:
            continue
        files = [pathlib.Path(distribution.locate_file(file)) for file in distribution.files or []]
        parts[key] = sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
        for requirement in distribution.requires or []:
            if "extra ==" not in requirement:
                wanted.append(re.match(r"[A-Za-z0-9._-]+", requirement)[0])
    return sum(parts.values()), parts
