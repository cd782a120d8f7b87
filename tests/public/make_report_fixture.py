#!/usr/bin/env python3
"""A made-up report of `sidenet sweep --json`, as a real one would be: what the tests of the page need.

    python3 make_report_fixture.py images|texts [--rows N] [--exits N] [--seed N] > report.json

Every row has a difficulty; an exit's chance to be right falls with it and grows with depth, and calibrated exits know
it. All figures are then counted from the rows, as the sweep does. Needs the standard library only."""
import argparse
import base64
import json
import math
import random
import struct
import sys
import zlib

SHUT = 2.0
BINS = 15
LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
TOPICS = ["world", "sport", "business", "science"]
WORDS = ("the a market game team science of in says wins loses new space trade report city minister season quarter shares "
         "coach study finds after against first before record league orbit bank growth deal match court launch").split()


def png(rng, size=32):
    """A picture of two colours and noise, as a data: address."""
    tint = [rng.randrange(256) for _ in range(6)]
    lines = b""
    for y in range(size):
        lines += b"\0"
        for x in range(size):
            side = 0 if (x - size / 2) ** 2 + (y - size / 2) ** 2 < size * size / 8 else 3
            lines += bytes(min(255, max(0, tint[side + c] + rng.randrange(-20, 20))) for c in range(3))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))
    return "data:image/png;base64," + base64.b64encode(data).decode()


class Rows:
    """label[i], prediction[e][i], confidence[e][i] (u16), weight[i] or None; `raw` is confidence before calibration."""

    def __init__(self, rng, n, exits, classes, texts):
        self.n, self.exits = n, exits
        self.label = [rng.randrange(classes) for _ in range(n)]
        self.prediction = [[0] * n for _ in range(exits)]
        self.confidence = [[0] * n for _ in range(exits)]
        self.raw = [[0.0] * n for _ in range(exits)]
        lengths = [rng.lognormvariate(0, 0.5) for _ in range(n)]
        mean = math.fsum(lengths) / n
        # Through float32, as the report has them.
        self.weight = [struct.unpack("<f", struct.pack("<f", x / mean))[0] for x in lengths] if texts else None
        for i in range(n):
            difficulty = rng.gauss(0, 1)
            wrong = rng.randrange(classes - 1)
            wrong += wrong >= self.label[i]
            for e in range(exits):
                margin = 0.2 + 2.6 * (e + 1) / exits - difficulty + rng.gauss(0, 0.4)
                sure = 1 / classes + (1 - 1 / classes) / (1 + math.exp(-2.4 * margin))
                # Right as often as it is sure; before calibration it is surer than that.
                self.prediction[e][i] = self.label[i] if rng.random() < sure else wrong
                self.confidence[e][i] = round(65535 * sure)
                if i % 50 == 0:  # on the edges of the bins of calibration: where < and <= differ
                    self.confidence[e][i] = round(BINS * sure) * 65535 // BINS
                self.raw[e][i] = sure ** 0.5

    def right(self, e, i):
        return self.prediction[e][i] == self.label[i]


def take(report, rows, thresholds):
    """What the page has to count too: figures of thresholds (one an exit without `final`), by the contract's words."""
    exits = report["exits"]
    n, last = rows.n, rows.exits - 1
    answered, right, ece_bins = [0] * rows.exits, [0] * rows.exits, [[[0, 0.0] for _ in range(BINS)] for _ in exits]
    agreeing, compute, ms, weights = 0, 0.0, 0.0, 0.0
    limits = [65536 if t > 1 else round(65535 * t) for t in thresholds] + [0]
    for i in range(n):
        spent = spent_ms = 0.0
        for e in range(rows.exits):
            spent += exits[e]["segment_compute"]
            spent_ms += exits[e]["segment_ms"]
            if e < last and thresholds[e] <= 1:
                spent += exits[e]["head_compute"]
                spent_ms += exits[e]["head_ms"]
            if rows.confidence[e][i] >= limits[e]:
                break
        weight = rows.weight[i] if rows.weight else 1.0
        compute, ms, weights = compute + spent * weight, ms + spent_ms * weight, weights + weight
        answered[e] += 1
        right[e] += rows.right(e, i)
        agreeing += rows.prediction[e][i] == rows.prediction[last][i]
        entry = ece_bins[e][bin_of(rows.confidence[e][i] / 65535)]
        entry[0] += rows.right(e, i)
        entry[1] += rows.confidence[e][i] / 65535
    ece = [sum(abs(a - b) for a, b in bins) / max(1, answered[e]) for e, bins in enumerate(ece_bins)]
    point = {"accuracy": sum(right) / n, "agreement": agreeing / n, "compute": compute / weights, "ms": ms / weights,
             "shares": [a / n for a in answered]}
    by_exit = [{"rows": a, "accuracy": r / a, "ece": c} if a else None for a, r, c in zip(answered, right, ece)]
    return point, by_exit


def bin_of(confidence):
    return max(0, math.ceil(round(confidence * BINS, 9)) - 1)


def metrics(rows, e, chosen):
    """ECE and the like over the rows `chosen`; None where there are none."""
    if not chosen:
        return None
    right = [rows.right(e, i) for i in chosen]
    n, hits = len(chosen), sum(right)
    out = {"rows": n, "accuracy": hits / n}
    calibrated, raw = [rows.confidence[e][i] / 65535 for i in chosen], [rows.raw[e][i] for i in chosen]
    for suffix, sure in (("", calibrated), ("_uncalibrated", raw)):
        bins = reliability(sure, right)
        out["ece" + suffix] = sum(b[0] / n * abs(b[1] - b[2]) for b in bins if b[0])
        out["brier" + suffix] = sum((s - r) ** 2 + (1 - s - (1 - r)) ** 2 for s, r in zip(sure, right)) / n
        out["nll" + suffix] = -sum(math.log(max(1e-7, s if r else 1 - s)) for s, r in zip(sure, right)) / n
    order = sorted(zip((rows.confidence[e][i] for i in chosen), right))
    rank_sum, at = 0.0, 0
    while at < n:
        end = at
        while end < n and order[end][0] == order[at][0]:
            end += 1
        rank_sum += sum(r for _, r in order[at:end]) * (at + 1 + end) / 2
        at = end
    out["auroc"] = (rank_sum - hits * (hits + 1) / 2) / (hits * (n - hits)) if 0 < hits < n else None
    return out


def reliability(sure, right):
    bins = [[0, 0.0, 0.0] for _ in range(BINS)]
    for s, r in zip(sure, right):
        entry = bins[bin_of(s)]
        entry[0], entry[1], entry[2] = entry[0] + 1, entry[1] + s, entry[2] + r
    return [[n, s / n, r / n] if n else [0, None, None] for n, s, r in bins]


def exit_entries(rng, names, threshold):
    last = len(names) - 1
    return [{
        "name": name, "tap": name, "temperature": round(rng.uniform(0.9, 1.8), 3),
        "threshold": None if e == last else threshold,
        "hidden": 160, "segment_compute": 1 / len(names), "head_compute": 0 if e == last else 0.0013,
        "segment_ms": 0.72 / len(names), "head_ms": 0 if e == last else 0.008,
    } for e, name in enumerate(names)]


def joint_points(rng, report, rows, tries):
    """Random thresholds; those that no other beats in both accuracy and compute."""
    found = []
    inner = rows.exits - 1
    for _ in range(tries):
        base = rng.uniform(0.5, 1)
        thresholds = [min(1.0, round(base + rng.gauss(0.03 * (inner / 2 - e), 0.03), 4)) for e in range(inner)]
        if rng.random() < 0.3:
            thresholds[0] = SHUT
        found.append({"thresholds": thresholds, **take(report, rows, thresholds)[0]})
    found.sort(key=lambda p: (p["compute"], -p["accuracy"]))
    best, kept = -1.0, []
    for point in found:
        if point["accuracy"] > best:
            best = point["accuracy"]
            kept.append(point)
    return kept


def example(rng, rows, i, names, texts):
    entry = {"row": i, "name": f"line {i + 1}" if texts else f"{i:05d}.png", "label": rows.label[i],
             "answers": [{"exit": name, "index": rows.prediction[e][i], "confidence": rows.confidence[e][i] / 65535}
                         for e, name in enumerate(names)]}
    if texts:
        entry["text"] = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(8, 60)))
    else:
        entry["image"] = png(rng)
    return entry


def packed(values, code):
    return base64.b64encode(struct.pack(f"<{len(values)}{code}", *values)).decode()


def make_report(kind="images", n=10000, exits=6, seed=1, joint_tries=60, curve_points=40):
    """(report, rows). `exits` counts `final`; exits=1 is a model without SideNets."""
    rng = random.Random(seed)
    texts = kind == "texts"
    labels = TOPICS if texts else LABELS
    names = [f"encoder.layer.{2 * e}" if texts else f"layer{1 + e // 2}.{5 * (e % 2) + 3}" for e in range(exits - 1)]
    names.append("final")
    rows = Rows(rng, n, exits, len(labels), texts)
    report = {
        "format": 1,
        "model": {"file": "minilm.safetensors" if texts else "r56x.safetensors",
                  "architecture": "bert" if texts else "cifar_resnet56", "labels": labels},
        "data": {"name": "test.tsv" if texts else "test_batch.bin", "rows": n, "kind": kind},
        "command": "sidenet sweep MODEL --data DATA -o report.html",
        "machine": {"threads": 2, "batch": 1, "precision": "f32"},
        "exits": exit_entries(rng, names, 0.9),
        "certificate": None,
    }
    last, every = exits - 1, list(range(n))
    report["mainnet"] = {"accuracy": sum(rows.right(last, i) for i in every) / n, "ms": 0.72}
    own = [0.9] * last
    point, answered = take(report, rows, own)
    report["current"] = {"thresholds": own, **point}
    there = every
    for e, entry in enumerate(report["exits"]):
        entry["all"], entry["reached"], entry["answered"] = metrics(rows, e, every), metrics(rows, e, there), answered[e]
        right = [rows.right(e, i) for i in every]
        entry["bins"] = reliability([c / 65535 for c in rows.confidence[e]], right)
        entry["bins_uncalibrated"] = reliability(rows.raw[e], right)
        final = [rows.right(last, i) for i in every]
        entry["overthinking"] = {
            name: sum((a, b) == both for a, b in zip(right, final)) for name, both in (
                ("both_right", (True, True)), ("exit_only", (True, False)), ("mainnet_only", (False, True)),
                ("both_wrong", (False, False)))}
        if e < last:
            there = [i for i in there if rows.confidence[e][i] < round(65535 * own[e])]
    report["curve"], report["joint"] = [], []
    if last:
        for step in range(curve_points):
            threshold = round((1 + step) / curve_points, 4)
            report["curve"].append({"threshold": threshold, **take(report, rows, [threshold] * last)[0]})
        report["joint"] = joint_points(rng, report, rows, joint_tries)
    report["rows"] = {"label": packed(rows.label, "H"), "prediction": [packed(p, "H") for p in rows.prediction],
                      "confidence": [packed(c, "H") for c in rows.confidence],
                      "weight": packed(rows.weight, "f") if texts else None}
    order = sorted(every, key=lambda i: sum(rows.confidence[e][i] * (1 if rows.right(e, i) else -1) for e in range(exits)))
    report["examples"] = {"hardest": [example(rng, rows, i, names, texts) for i in order[:12]],
                          "easiest": [example(rng, rows, i, names, texts) for i in order[::-1][:12]]}
    return report, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["images", "texts"])
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--exits", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report, _ = make_report(arguments.kind, arguments.rows, arguments.exits, arguments.seed)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
