#!/usr/bin/env python3
"""From process start to the answer, and peak memory, of `sidenet predict`, beside what it takes only to import PyTorch.

    python3 bench/cold_start.py --binary-dir BUILD [--net resnet50] [--threads 2] [--rounds 10] [--json FILE]

This process stays small on purpose: the peak memory of a child starts from its parent's.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import machine

HERE = pathlib.Path(__file__).resolve().parent
MIB = 1 << 20


def write_bmp(path, size):
    """A square 24-bit gradient; `size` is a multiple of 4, so that lines need no padding."""
    pixels = bytes(value & 255 for y in range(size) for x in range(size) for value in (x, y, x + y))
    header = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, size, size, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    path.write_bytes(header + pixels)


def run_once(command):
    """(seconds of wall clock, bytes of peak memory, exit status)"""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return seconds, usage.ru_maxrss * 1024, process.returncode


def measure(commands, rounds):
    """Interleaved; {name: {"median_s", "min_s", "peak_mib"} or {"absent"}}."""
    samples = {name: [] for name in commands}
    first = {name: run_once(command)[2] for name, command in commands.items()}  # also fills the disk cache
    absent = {name: f"exit status {status}" for name, status in first.items() if status != 0}
    for _ in range(rounds):
        for name, command in commands.items():
            if name not in absent:
                samples[name].append(run_once(command))
    results = {}
    for name, rows in samples.items():
        if name in absent:
            results[name] = {"absent": absent[name]}
            continue
        seconds = [row[0] for row in rows]
        results[name] = {"median_s": statistics.median(seconds), "min_s": min(seconds), "peak_mib": max(row[1] for row in rows) / MIB}
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--net", default="resnet50", help="a torchvision ResNet, or cifar_resnetN")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    options = parser.parse_args()
    sidenet = str(options.binary_dir.resolve() / "tools" / "sidenet")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sidenet-bench-"))
    here = machine.describe(options.threads)
    try:
        subprocess.run([sys.executable, HERE / "prepare.py", options.net, "1", folder], check=True)
        model, image = folder / "model.safetensors", folder / "image.bmp"
        subprocess.run([sidenet, "import", folder / f"{options.net}.pth", "-o", model, "--quiet"], check=True)
        write_bmp(image, 256)
        weights = model.stat().st_size
        results = measure({
            f"sidenet predict, {options.net}": [sidenet, "predict", str(model), str(image), "--threads", str(options.threads), "--json"],
            "sidenet --version": [sidenet, "--version"],
            "python3 -c 'pass'": [sys.executable, "-c", "pass"],
            "python3 -c 'import onnxruntime'": [sys.executable, "-c", "import onnxruntime"],
            "python3 -c 'import torch'": [sys.executable, "-c", "import torch"],
        }, options.rounds)
    finally:
        shutil.rmtree(folder)
    print(machine.line(here))
    print(f"weights: {weights / MIB:.1f} MiB; {options.rounds} rounds, interleaved, after one to warm the disk cache\n")
    print(f"{'':<34}{'median s':>10}{'min s':>10}{'peak MiB':>10}{'over weights':>14}")
    for name, row in results.items():
        if "absent" in row:
            print(f"{name:<34}absent: {row['absent']}")
            continue
        over = f"{row['peak_mib'] * MIB / weights:.2f}" if "predict" in name else ""
        print(f"{name:<34}{row['median_s']:>10.3f}{row['min_s']:>10.3f}{row['peak_mib']:>10.1f}{over:>14}")
    if options.json:
        options.json.write_text(json.dumps({"machine": here, "weights_mib": weights / MIB, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
