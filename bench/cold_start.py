#!/usr/bin/env python3
"""Cold start: from process start to the first answer, and peak memory, against ONNX Runtime and OpenVINO.

    python3 bench/cold_start.py --binary-dir BUILD [--nets resnet50,bert-base] [--threads 2] [--rounds 10] [--json FILE]

SideNet's is the whole process (`sidenet predict` of one image; `sidenet run` of 128 tokens), as it is and (*kept*) with weights that an
earlier one has left in order (`--weight-cache`). The peers' is counted twice: the whole Python process, and loading the network and the
first answer alone, as a C++ program around the same library would have it.

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
    """(seconds of wall clock, bytes of peak memory, exit status, what it printed)"""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return seconds, usage.ru_maxrss * 1024, process.returncode, out.read()


def measure(commands, rounds):
    """Interleaved; {name: {"median_s", "min_s", "peak_mib", "inside_s"?} or {"absent"}}."""
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
        if b"load_s" in rows[0][3]:
            times = [json.loads(row[3]) for row in rows]
            results[name]["inside_s"] = statistics.median(time["load_s"] + time["first_s"] for time in times)
    return results


def commands_of(net, sidenet, folder, threads):
    """Makes the network's files; ({name: command}, bytes of weights)."""
    model = folder / "model.safetensors"
    if net.startswith(("bert", "minilm")):
        subprocess.run([sys.executable, HERE / "prepare_text.py", folder, net, "1", "128"], check=True, stderr=subprocess.DEVNULL)
        source, onnx, inputs = folder / "model.safetensors", folder / "fused.onnx", folder / "ids.npy"
        model = folder / "sidenet.safetensors"
        subprocess.run([sidenet, "import", folder, "-o", model, "--quiet"], check=True)
        command = [sidenet, "run", model, "--input", inputs, "-o", folder / "logits.npy", "--quiet"]
    else:
        subprocess.run([sys.executable, HERE / "prepare.py", net, "1", folder], check=True, stdout=subprocess.DEVNULL)
        source, onnx, inputs = folder / f"{net}.pth", folder / f"{net}.onnx", folder / f"{net}.npy"
        subprocess.run([sidenet, "import", source, "-o", model, "--quiet"], check=True)
        write_bmp(folder / "image.bmp", 256)
        command = [sidenet, "predict", model, folder / "image.bmp", "--json"]
    source.unlink()
    commands = {"sidenet": [*command, "--threads", threads]}
    commands["kept"] = [*commands["sidenet"], "--weight-cache", folder / "weights"]
    for peer in ("onnxruntime", "openvino"):
        commands[peer] = [sys.executable, HERE / "cold_peer.py", peer, onnx, inputs, threads]
    return {name: [str(part) for part in command] for name, command in commands.items()}, model.stat().st_size


def print_table(net, measured, rounds):
    weights = measured["weights_mib"]
    mine = measured["results"]["sidenet"]["median_s"]
    print(f"\n{net}: weights {weights:.1f} MiB; {rounds} rounds, interleaved, after one to warm the disk cache")
    print(f"  {'':<14}{'process s':>10}{'min s':>8}{'ratio':>7}{'load + first s':>16}{'ratio':>7}{'peak MiB':>10}{'over weights':>14}")
    for name, row in measured["results"].items():
        if "absent" in row:
            print(f"  {name:<14}absent: {row['absent']}")
            continue
        inside = f"{row['inside_s']:>16.3f}{row['inside_s'] / mine:>7.2f}" if "inside_s" in row else f"{'':>23}"
        print(f"  {name:<14}{row['median_s']:>10.3f}{row['min_s']:>8.3f}{row['median_s'] / mine:>7.2f}{inside}"
              f"{row['peak_mib']:>10.1f}{row['peak_mib'] / weights:>14.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--nets", default="resnet50,bert-base", help="torchvision ResNets, cifar_resnetN, bert-base, minilm")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    options = parser.parse_args()
    sidenet = str(options.binary_dir.resolve() / "tools" / "sidenet")
    here = machine.describe(options.threads)
    print(machine.line(here))
    nets = {}
    for net in options.nets.split(","):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sidenet-bench-"))
        try:
            commands, weights = commands_of(net, sidenet, folder, options.threads)
            nets[net] = {"weights_mib": weights / MIB, "results": measure(commands, options.rounds)}
        finally:
            shutil.rmtree(folder)
        print_table(net, nets[net], options.rounds)
    if options.json:
        options.json.write_text(json.dumps({"machine": here, "nets": nets}, indent=1) + "\n")


if __name__ == "__main__":
    main()
