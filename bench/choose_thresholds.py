#!/usr/bin/env python3
"""Choose one threshold an exit on calibration rows, for the most compute saved within an accuracy drop.

    build/bench/exit_logits MODEL DATA FOLDER
    python3 bench/choose_thresholds.py FOLDER --model MODEL --binary build/tools/sidenet --rows 2000 --drop 0.5

Only the first --rows rows are looked at: report on the others (`sidenet evaluate --skip 2000`). Prints what `--thresholds`
takes. The search is coordinate descent on a grid of quantiles, from the best uniform threshold; an exit that does
not earn its head is shut (threshold 2). Needs NumPy.
"""
import argparse
import json
import subprocess

import numpy as np


def softmax_max(logits):
    z = logits - logits.max(1, keepdims=True)
    return 1 / np.exp(z).sum(1)


def simulate(confidence, right, prefix, heads, thresholds):
    """Accuracy and compute ratio where row r leaves at the first exit with confidence >= threshold."""
    rows = right.shape[1]
    left = np.zeros(rows, bool)
    correct = 0
    compute = 0.0
    spent = 0.0  # heads of open exits so far: every row still there pays for them
    for i, threshold in enumerate(thresholds):
        if threshold > 1:
            continue
        spent += heads[i]
        leaves = ~left & (confidence[i] >= threshold)
        correct += (right[i] & leaves).sum()
        compute += leaves.sum() * (prefix[i] + spent)
        left |= leaves
    stay = ~left
    correct += (right[-1] & stay).sum()
    compute += stay.sum() * (1 + spent)
    return correct / rows, compute / rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--model", required=True)
    parser.add_argument("--binary", default="build/tools/sidenet")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--drop", type=float, default=0.5, help="points of accuracy given up, on the calibration rows")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    info = json.loads(subprocess.check_output([args.binary, "inspect", args.model, "--json"]))
    exits = [e for e in info["exits"] if e["name"] != "final"]
    macs = {node["name"]: node["multiply_adds"] for node in info["nodes"]}
    heads = np.array([macs[f"exits.{e['name']}"] / info["multiply_adds"] for e in exits])
    prefix = np.array([e["compute_share"] for e in exits]) - heads
    rows = slice(args.first, args.first + args.rows)
    labels = np.load(f"{args.folder}/labels.npy")[rows]
    logits = [np.load(f"{args.folder}/{e['name']}.npy")[rows] for e in exits] + [np.load(f"{args.folder}/final.npy")[rows]]
    confidence = np.array([softmax_max(x.astype(np.float64)) for x in logits])
    right = np.array([x.argmax(1) == labels for x in logits])
    floor = right[-1].mean() - args.drop / 100

    grid = [np.unique(np.append(np.quantile(c, np.linspace(0, 1, 101)), 2.0)) for c in confidence[:-1]]
    best = None
    for t in np.linspace(0.5, 1, 101):
        accuracy, compute = simulate(confidence, right, prefix, heads, [t] * len(exits))
        if accuracy >= floor and (best is None or compute < best[0]):
            best = (compute, accuracy, [t] * len(exits))
    if best is None:
        parser.exit(1, f"no threshold keeps the drop within {args.drop} points on these rows\n")
    uniform = best
    improved = True
    while improved:
        improved = False
        for i in range(len(exits)):
            for t in grid[i]:
                trial = list(best[2])
                trial[i] = t
                accuracy, compute = simulate(confidence, right, prefix, heads, trial)
                if accuracy >= floor and compute < best[0] - 1e-9:
                    best, improved = (compute, accuracy, trial), True
    names = [e["name"] for e in exits]
    spec = ",".join(f"{n}={t:.4f}" for n, t in zip(names, best[2]))
    if args.json:
        print(json.dumps({"thresholds": dict(zip(names, best[2])), "compute": best[0], "accuracy": best[1],
                          "mainnet": right[-1].mean(), "uniform": uniform[2][0]}))
    else:
        print(f"MainNet {100 * right[-1].mean():.2f} %; exits alone: " +
              ", ".join(f"{n} {100 * r.mean():.2f} %" for n, r in zip(names, right)))
        print(f"uniform threshold {uniform[2][0]:.3f}: {100 * uniform[1]:.2f} %, compute saved {100 * (1 - uniform[0]):.1f} %")
        print(f"one an exit: {100 * best[1]:.2f} %, compute saved {100 * (1 - best[0]):.1f} %")
        print(f"--thresholds {spec}")


if __name__ == "__main__":
    main()
