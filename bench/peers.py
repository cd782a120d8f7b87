#!/usr/bin/env python3
"""SideNet's MainNet against other CPU engines: the same weights, inputs and number of threads, interleaved in one run.

    python3 bench/peers.py --binary-dir BUILD [--nets resnet18,resnet50] [--batch 1] [--threads 2] [--rounds 15] [--json FILE]

Every engine is a process of its own and loads before the clock starts. A round gives each engine the same time, in an order
that moves on by one each round. Exit status 1 where this engine's logits are not PyTorch's.
"""

import argparse
import json
import math
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import machine

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_RUNS = [("resnet18", 1), ("resnet50", 1), ("cifar_resnet56", 1), ("cifar_resnet56", 64)]
PEERS = ["pytorch", "pytorch-compiled", "onnxruntime", "openvino", "ncnn"]
ROUND_SECONDS, WARM_UP_RUNS, PAUSE_SECONDS = 0.4, 3, 0.05
TOLERANCE = 1e-4  # of max |logit|


class Engine:
    """A worker process; `absent` says why there is none."""

    def __init__(self, name, command):
        self.name, self.absent, self.times, self.rounds = name, None, [], []
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        hello = self.process.stdout.readline()
        if hello:
            self.version = json.loads(hello)["version"]
        else:
            lines = self.process.communicate()[1].strip().splitlines()
            self.absent = lines[-1] if lines else f"exit status {self.process.returncode}"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline() or '{"error": "the process ended"}')
        if "error" in reply:
            raise RuntimeError(f"{self.name}: {reply['error']}")
        return reply

    def warm_up(self):
        milliseconds = statistics.median(self.ask(f"run {WARM_UP_RUNS}")["ms"][1:])
        self.runs = max(1, min(200, math.ceil(1e3 * ROUND_SECONDS / milliseconds)))

    def round(self):
        time.sleep(PAUSE_SECONDS)  # threads of the engine before still spin
        times = self.ask(f"run {self.runs}")["ms"]
        self.times += times
        self.rounds.append(statistics.median(times))

    def logits(self, folder):
        reply = self.ask(f"logits {folder / (self.name.replace(' ', '-') + '.npy')}")
        self.multiply_adds = reply.get("multiply_adds")
        return np.load(reply["written"])

    def close(self):
        if self.absent is None:
            self.process.stdin.close()
            self.process.wait()


def own_engines(options, arguments):
    """SideNet, and with --beside another build of it: the same model, rows and threads."""
    engines = [Engine("sidenet", [options.binary_dir / "bench" / "bench_session", *arguments])]
    if options.beside:
        engines.append(Engine("sidenet beside", [options.beside / "bench" / "bench_session", *arguments]))
    return engines


def start_engines(net, folder, options):
    binaries, threads = options.binary_dir, options.threads
    subprocess.run([binaries / "tools" / "sidenet", "import", folder / f"{net}.pth", "-o", folder / f"{net}.safetensors",
                    "--preprocess", "none", "--quiet"], check=True)
    arguments = [folder / f"{net}.safetensors", folder / f"{net}.npy", threads]
    engines = own_engines(options, arguments)
    engines += [Engine(peer, [sys.executable, HERE / "peer_worker.py", peer, net, folder, threads]) for peer in PEERS]
    if engines[0].absent:
        sys.exit(f"bench_session: {engines[0].absent}")
    return engines


def take_turns(engines, rounds, folder):
    """Warms up those that are there, gives each its rounds, and ends them; {name: logits}."""
    present = [engine for engine in engines if engine.absent is None]
    for engine in present:
        engine.warm_up()
    for number in range(rounds):
        shift = number % len(present)
        for engine in present[shift:] + present[:shift]:
            engine.round()
    answers = {engine.name: engine.logits(folder) for engine in present}
    for engine in present:
        engine.close()
    return answers


def compare(engines, answers, peak=None):
    """{name: a dict for --json}; ratios and differences are to the first engine, SideNet. peak: GFLOP/s, for its share."""
    ours = engines[0]
    rows = {}
    for engine in engines:
        if engine.absent is not None:
            rows[engine.name] = {"absent": engine.absent}
            continue
        difference = np.abs(answers[engine.name] - answers[ours.name]).max() / np.abs(answers[ours.name]).max()
        ratios = [theirs / mine for theirs, mine in zip(engine.rounds, ours.rounds)]
        rows[engine.name] = {
            "version": engine.version, "runs": len(engine.times), "median_ms": statistics.median(engine.times),
            "min_ms": min(engine.times), "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
            "difference": float(difference),
        }
        if peak:
            rows[engine.name]["peak_share"] = 2e-6 * ours.multiply_adds / peak / statistics.median(engine.times)
    return rows


def measure(net, batch, options):
    """One network: a dict for --json. Raises RuntimeError where an engine dies."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sidenet-bench-"))
    try:
        subprocess.run([sys.executable, HERE / "prepare.py", net, str(batch), folder], check=True, stdout=subprocess.DEVNULL)
        engines = start_engines(net, folder, options)
        peak = machine.peak_gflops(options.binary_dir, options.threads)
        answers = take_turns(engines, options.rounds, folder)
    finally:
        shutil.rmtree(folder)
    return {"net": net, "batch": batch, "peak_gflops": peak, "engines": compare(engines, answers, peak)}


def short(name, row):
    """With its version, without what a build adds to that."""
    return f"{name} {row['version'].split('-')[0].split('+')[0]}"


def print_table(result):
    print(f"\n{result['net']}, batch {result['batch']}; peak {result['peak_gflops']:.0f} GFLOP/s")
    print(f"  {'engine':<28}{'median ms':>10}{'min ms':>10}{'of peak':>9}{'ratio':>8}  {'over rounds':<14}{'max |d| / max |logit|':>22}")
    for name, row in result["engines"].items():
        if "absent" in row:
            print(f"  {name:<28}absent: {row['absent']}")
        else:
            spread = f"{row['ratio_min']:.2f} … {row['ratio_max']:.2f}"
            print(f"  {short(name, row):<28}{row['median_ms']:>10.2f}{row['min_ms']:>10.2f}{100 * row['peak_share']:>7.0f} %{row['ratio']:>8.2f}  {spread:<14}"
                  f"{row['difference']:>22.1e}")
    sys.stdout.flush()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, required=True, help="build folder, configured with -Dbench=true")
    parser.add_argument("--beside", type=pathlib.Path, help="another build folder: a second SideNet, a change before and after")
    parser.add_argument("--nets", help="names with commas: torchvision ResNets, cifar_resnetN; default: " +
                        ", ".join(f"{net} (batch {batch})" for net, batch in DEFAULT_RUNS))
    parser.add_argument("--batch", type=int, default=1, help="rows, for --nets")
    parser.add_argument("--threads", type=int, default=2, help="for every engine")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    options = parser.parse_args()
    options.binary_dir = options.binary_dir.resolve()
    return options


def main():
    options = parse_options()
    runs = [(net, options.batch) for net in options.nets.split(",")] if options.nets else DEFAULT_RUNS
    here = machine.describe(options.threads)
    print(machine.line(here))
    print(f"{options.rounds} rounds of {ROUND_SECONDS} s an engine; ratio: time over sidenet's, median of the rounds (above 1: sidenet is faster)")
    results = []
    for net, batch in runs:
        results.append(measure(net, batch, options))
        print_table(results[-1])
    if options.json:
        options.json.write_text(json.dumps({"machine": here, "rounds": options.rounds, "results": results}, indent=1) + "\n")
    # Others may round more (ncnn does); PyTorch is the oracle.
    wrong = [f"{result['net']}: {name}" for result in results for name, row in result["engines"].items()
             if name == "pytorch" and not row.get("difference", 0) <= TOLERANCE]
    if wrong:
        sys.exit(f"logits further apart than {TOLERANCE} of max |logit|: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
