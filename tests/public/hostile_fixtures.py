"""Hostile files for the tests of the command line, made with the standard library alone, and a runner that measures."""
import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

from cli_fixtures import BINARY

MIB = 1 << 20


# A process's peak memory counts what it was forked from, so a small process of its own starts the command: this one holds
# bombs.
LAUNCHER = """
import json, os, subprocess, sys, threading
for line in sys.stdin:
    task = json.loads(line)
    with open(task['out'], 'wb') as out, open(task['err'], 'wb') as err, open(task['stdin'], 'rb') as stdin:
        process = subprocess.Popen(task['command'], stdout=out, stderr=err, stdin=stdin)
        timer = threading.Timer(task['seconds'], process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024]), flush=True)
"""
_launcher = []


def launched(task):
    if not _launcher:
        _launcher.append(subprocess.Popen([sys.executable, "-c", LAUNCHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    _launcher[0].stdin.write(json.dumps(task).encode() + b"\n")
    _launcher[0].stdin.flush()
    return json.loads(_launcher[0].stdout.readline())


def stop_launcher():
    while _launcher:
        with _launcher.pop() as process:
            process.stdin.close()


class Measured:
    """Status, stdout and stderr (bytes) of one run, its CPU seconds, and its peak memory in bytes. A hang shows as status -9."""

    def __init__(self, *arguments, seconds=60, stdin=os.devnull):
        command = [BINARY] + [os.fsdecode(argument) if isinstance(argument, bytes) else str(argument) for argument in arguments]
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            task = {"command": command, "out": out.name, "err": err.name, "stdin": stdin, "seconds": seconds}
            self.status, self.seconds, self.peak = launched(task)
            self.out, self.err = out.read(), err.read()

    def __repr__(self):
        return f"status {self.status}, {self.seconds:.2f} s, {self.peak / MIB:.0f} MiB\nstdout {self.out!r}\nstderr {self.err!r}"


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def raw_safetensors(header, data=b""):
    """Any header, as text or as what JSON makes of it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Call:
    """Pickles as the call of `function`, found under its own module, as an attacker writes it."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def pytorch_zip(data_pkl, storages=None, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data_pkl)
        for name, data in (storages or {}).items():
            archive.writestr(f"archive/data/{name}", data)
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def pytorch_legacy(payload):
    """torch.save before 1.6: magic number, protocol, system, object, storage keys."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    start = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system))
    return start + payload + pickle.dumps([], 2)


def zip_bomb(size=128 * MIB):
    """data.pkl is one long run of zeros: a thousandth of it in the file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("archive/data.pkl", "w") as entry:
            for _ in range(size // MIB):
                entry.write(bytes(MIB))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def gzip_bomb(start, size=128 * MIB):
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    return pack.compress(start) + b"".join(pack.compress(bytes(MIB)) for _ in range(size // MIB)) + pack.flush()


def png(width, height, rows=b"", colour=2):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def special_files(folder):
    """What is no file: name -> path."""
    paths = {name: os.path.join(folder, name) for name in ("folder", "fifo", "loop", "missing", "socket", "to_zero")}
    os.mkdir(paths["folder"])
    os.mkfifo(paths["fifo"])
    os.symlink("loop", paths["loop"])
    os.symlink("/dev/zero", paths["to_zero"])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(paths["socket"])
    return {**paths, "zero": "/dev/zero", "null": "/dev/null"}
