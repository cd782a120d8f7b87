#!/usr/bin/env python3
"""How well `sidenet sweep` predicts time: five thresholds of its curve against what `sidenet evaluate` measures at them, and
what the sweep itself costs against one pass of MainNet.

    python3 bench/predicted_time.py --binary-dir BUILD --model MODEL --data DATA [--batch 1] [--limit 10000]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

THRESHOLDS = (0.99, 0.95, 0.9, 0.8, 0.7)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--limit", type=int, default=10000)
    options = parser.parse_args()
    common = ["--data", options.data, "--batch", str(options.batch), "--limit", str(options.limit), "--quiet"]
    command = options.binary_dir / "tools" / "sidenet"

    with tempfile.TemporaryDirectory() as folder:
        figures = pathlib.Path(folder) / "sweep.json"
        start = time.perf_counter()
        subprocess.run([command, "sweep", options.model, *common, "-o", figures.with_suffix(".html"), "--json", figures],
                       check=True, stdout=subprocess.DEVNULL)
        sweep_seconds = time.perf_counter() - start
        report = json.loads(figures.read_text())

    def evaluate(*policy):
        output = subprocess.run([command, "evaluate", options.model, *common, "--json", *policy], check=True, capture_output=True)
        return json.loads(output.stdout)

    print(f"{options.model}, {report['data']['rows']} rows, batch {options.batch}")
    print(f"{'threshold':>10}{'predicted, of MainNet':>24}{'measured':>12}{'off by':>10}{'predicted ms':>14}{'measured ms':>13}")
    for wanted in THRESHOLDS:
        point = min(report["curve"], key=lambda p: abs(p["threshold"] - wanted))
        measured = evaluate("--threshold", repr(point["threshold"]))
        predicted = point["ms"] / report["mainnet"]["ms"]
        share = measured["ms_per_row"] / measured["mainnet_ms_per_row"]
        print(f"{point['threshold']:>10.4f}{predicted:>24.3f}{share:>12.3f}{100 * (predicted / share - 1):>9.1f}%{point['ms']:>14.4f}"
              f"{measured['ms_per_row']:>13.4f}")
    mainnet_seconds = measured["mainnet_ms_per_row"] * report["data"]["rows"] / 1e3
    print(f"the sweep, from start to page: {sweep_seconds:.1f} s; MainNet alone on the same rows: {mainnet_seconds:.1f} s; "
          f"ratio {sweep_seconds / mainnet_seconds:.2f}")


if __name__ == "__main__":
    main()
