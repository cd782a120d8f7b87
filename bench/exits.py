#!/usr/bin/env python3
"""Early exit in other engines against SideNet: the same network, SideNets, temperatures, thresholds, rows and threads, interleaved.

    bench/exits [--binary-dir build] [--model MODEL --data DATA] [--rows 256] [--batches 1,8,64] [--json FILE]

MODEL is a CIFAR ResNet with exits, as `sidenet train` makes it; default: the bundled one. The others: a loop over the network's
parts in PyTorch; one session of ONNX Runtime, or one model of OpenVINO, for each segment, with the rows that stay moved together in
NumPy; and nested `If`s in one graph of ONNX Runtime (one row at a time). Each engine's MainNet alone is measured too. Exit status
1 where more than 0.5 % of the answers (class and exit) are not SideNet's, or any that is not within 1e-4 of a threshold.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

import machine
from peers import HERE, ROUND_SECONDS, Engine, compare, take_turns

ROOT = HERE.parent
SAMPLES = ROOT / "weights" / "fashion_mnist"
PEERS = {"sidenet": "SideNet", "pytorch": "PyTorch, loop", "onnxruntime": "ONNX Runtime, segments", "onnxruntime-if": "ONNX Runtime, If",
         "openvino": "OpenVINO, segments"}
MAY_DIFFER, NEAR = 0.005, 1e-4


class ExitEngine(Engine):
    def logits(self, folder):
        """(rows, 3): class, exit, confidence, for take_turns."""
        reply = self.ask(f"answers {folder / (self.name + '.npy')}")
        self.compute = reply.get("compute")
        return np.load(reply["written"])


def start_engines(folder, batch, options):
    threads = options.threads
    session = [options.binary_dir / "bench" / "bench_session", options.model, folder / "rows.npy", threads, batch]
    thresholds = "model" if options.threshold is None else options.threshold
    engines = [ExitEngine("sidenet exits", [*session, thresholds]), ExitEngine("sidenet mainnet", [*session, "final"])]
    if engines[0].absent:
        sys.exit(f"bench_session: {engines[0].absent}")
    for peer in list(PEERS)[1:]:
        for mode in ("exits", "mainnet"):
            if peer != "onnxruntime-if" or (batch == 1 and mode == "exits"):  # its MainNet is ONNX Runtime's
                command = [sys.executable, HERE / "exit_worker.py", peer, mode, folder, options.model, threads, batch]
                engines.append(ExitEngine(f"{peer} {mode}", command))
    return engines


def differences(ours, theirs, thresholds):
    """Rows whose class or exit differs, and how many of these no threshold nearby excuses."""
    differ = np.flatnonzero((ours[:, :2] != theirs[:, :2]).any(axis=1))
    excused = 0
    for row in differ:
        early, late = sorted((ours[row], theirs[row]), key=lambda answer: answer[1])
        excused += early[1] < late[1] and abs(early[2] - thresholds[int(early[1])]) <= NEAR
    return len(differ), len(differ) - int(excused)


def measure(folder, batch, exits, options):
    subprocess.run([sys.executable, HERE / "prepare_exits.py", folder, options.model, str(batch)], check=True)
    engines = start_engines(folder, batch, options)
    answers = take_turns(engines, options.rounds, folder)
    measured, rounds = compare(engines, answers), {engine.name: engine.rounds for engine in engines}
    ours, rows = answers["sidenet exits"], len(answers["sidenet exits"])
    compute_saved = 1 - engines[0].compute
    thresholds = [exit["threshold"] for exit in exits[:-1]]
    results = {}
    for peer in PEERS:
        name, alone = f"{peer} exits", f"{'onnxruntime' if peer == 'onnxruntime-if' else peer} mainnet"
        if name not in measured:
            continue
        row = measured[name]
        if "absent" in row or "absent" in measured[alone]:
            results[peer] = {"absent": row.get("absent") or measured[alone]["absent"]}
            continue
        saved = statistics.median(1 - mine / full for mine, full in zip(rounds[name], rounds[alone]))
        differ, wrong = differences(ours, answers[name], thresholds)
        results[peer] = {key: row[key] for key in ("version", "runs", "ratio", "ratio_min", "ratio_max")} | {
            "ms_a_row": row["median_ms"] / rows, "mainnet_ms_a_row": measured[alone]["median_ms"] / rows, "time_saved": saved,
            "of_compute_saved": saved / compute_saved, "differ": differ, "differ_far_from_threshold": wrong,
            "mainnet_ratio": statistics.median(full / mine for full, mine in zip(rounds[alone], rounds["sidenet mainnet"]))}
    taken = np.bincount(ours[:, 1].astype(int), minlength=len(exits)) / rows
    return {"batch": batch, "rows": rows, "compute_saved": compute_saved,
            "taken": {exit["name"]: float(share) for exit, share in zip(exits, taken)}, "engines": results}


def print_table(result):
    print(f"\nbatch {result['batch']}: {result['rows']} rows, compute saved {100 * result['compute_saved']:.1f} %; left at " +
          ", ".join(f"{name} {100 * share:.1f} %" for name, share in result["taken"].items()))
    print(f"  {'engine':<34}{'ms a row':>10}{'MainNet':>10}{'saved':>9}{'of compute':>12}{'ratio':>8}  {'over rounds':<16}{'differ':>7}")
    for peer, row in result["engines"].items():
        if "absent" in row:
            print(f"  {PEERS[peer]:<34}absent: {row['absent']}")
            continue
        name = f"{PEERS[peer]} {row['version'].split('-')[0]}"
        spread = f"{row['ratio_min']:.2f} … {row['ratio_max']:.2f}"
        print(f"  {name:<34}{row['ms_a_row']:>10.4f}{row['mainnet_ms_a_row']:>10.4f}{100 * row['time_saved']:>7.1f} %"
              f"{row['of_compute_saved']:>12.2f}{row['ratio']:>8.2f}  {spread:<16}{row['differ']:>7}")
    sys.stdout.flush()


def describe_exits(folder, options):
    """Writes exits.json, what the model file says of its exits, and rows.npy."""
    command = [options.binary_dir / "tools" / "sidenet", "inspect", options.model, "--json"]
    exits = json.loads(subprocess.check_output(command))["exits"]
    if len(exits) < 2:
        sys.exit(f"{options.model}: expected a model with exits")
    for exit in exits[:-1]:
        exit["threshold"] = exit["threshold"] if options.threshold is None else options.threshold
    (folder / "exits.json").write_text(json.dumps(exits))
    subprocess.run([options.binary_dir / "bench" / "dataset_rows", options.model, options.data, str(options.rows), folder / "rows.npy"], check=True)
    return exits


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, default=ROOT / "build", help="configured with -Dbench=true")
    parser.add_argument("--model", type=pathlib.Path, help="a CIFAR ResNet with exits")
    parser.add_argument("--data", help="labelled images, as `sidenet evaluate` takes them, for --model")
    parser.add_argument("--threshold", type=float, help="for all exits (default: the model's own)")
    parser.add_argument("--rows", type=int, default=256, help="the first of the data; a run goes through all of them")
    parser.add_argument("--batches", default="1,8,64")
    parser.add_argument("--threads", type=int, default=2, help="for every engine")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    options = parser.parse_args()
    if bool(options.model) != bool(options.data):
        parser.error("--model and --data go together")
    options.binary_dir = options.binary_dir.resolve()
    if not options.model:
        options.model = SAMPLES / "fashion_mnist.safetensors"
        options.data = f"{SAMPLES / 'sample1000-images.idx.gz'},{SAMPLES / 'sample1000-labels.idx.gz'}"
    return options


def main():
    options = parse_options()
    batches = [int(batch) for batch in options.batches.split(",")]
    if options.rows % max(batches):
        sys.exit(f"--rows {options.rows}: expected a multiple of the largest batch, so that MainNet's graph has one shape")
    here = machine.describe(options.threads)
    print(machine.line(here))
    print(f"{options.model.name}; {options.rounds} rounds of at least {ROUND_SECONDS} s an engine; saved: against that engine's own MainNet alone; "
          "ratio: time with exits over SideNet's (above 1: SideNet is faster)")
    results = []
    with tempfile.TemporaryDirectory(prefix="sidenet-bench-") as name:
        folder = pathlib.Path(name)
        exits = describe_exits(folder, options)
        for batch in batches:
            results.append(measure(folder, batch, exits, options))
            print_table(results[-1])
    if options.json:
        report = {"machine": here, "model": options.model.name, "rounds": options.rounds, "results": results}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    wrong = [f"batch {result['batch']}: {peer}" for result in results for peer, row in result["engines"].items()
             if row.get("differ_far_from_threshold") or row.get("differ", 0) > MAY_DIFFER * result["rows"]]
    if wrong:
        sys.exit(f"answers differ from SideNet's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
