#!/usr/bin/env python3
"""Texts: SideNet's MainNet against other CPU engines on the same weights, texts and threads, interleaved in one run.

    python3 bench/text_peers.py --binary-dir BUILD --shape bert-base --rows 1 --tokens 128
    python3 bench/text_peers.py --binary-dir BUILD --model HF_FOLDER --data dev.tsv --batch 32 [--exits MODEL --threshold T]

With --data, or rows of many lengths (--tokens 6-45), a run is all of them, --batch texts at a time; the others pad each batch
to its longest text, in the order of the file and sorted by length (SideNet: the file's order, packed). --exits adds SideNet with that model's exits. The rest is as
in peers.py. Exit status 1 where logits differ.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import machine
from peers import HERE, ROUND_SECONDS, TOLERANCE, Engine, compare, own_engines, short, take_turns


def start_engines(folder, options, batch):
    binaries = options.binary_dir
    subprocess.run([binaries / "tools" / "sidenet", "import", folder, "-o", folder / "sidenet.safetensors", "--quiet"], check=True)
    session = binaries / "bench" / "bench_session"
    ids = folder / "ids.npy"
    engines = own_engines(options, [folder / "sidenet.safetensors", ids, options.threads, batch])
    if options.exits:
        engines.append(Engine("sidenet+exits", [session, options.exits, ids, options.threads, batch, options.threshold]))
    for order in ["file", "sorted"] if mixed(options) else ["file"]:
        for peer in options.peers.split(","):
            name = peer + (" sorted" if order == "sorted" else "")
            engines.append(Engine(name, [sys.executable, HERE / "text_worker.py", peer, folder, ids, options.threads, batch, order]))
    if engines[0].absent:
        sys.exit(f"bench_session: {engines[0].absent}")
    return engines


def mixed(options):
    """Whether rows differ in length."""
    return bool(options.data) or "-" in options.tokens


def measure(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sidenet-bench-"))
    source = [options.model, options.data] if options.data else [options.shape, str(options.rows), options.tokens]
    try:
        subprocess.run([sys.executable, HERE / "prepare_text.py", folder, *source], check=True)
        ids = np.load(folder / "ids.npy")
        engines = start_engines(folder, options, options.batch if mixed(options) else options.rows)
        peak = machine.peak_gflops(options.binary_dir, options.threads)
        answers = take_turns(engines, options.rounds, folder)
    finally:
        shutil.rmtree(folder)
    rows = compare(engines, answers, peak)
    for row in rows.values():
        if "absent" not in row:
            row["ms_per_row"] = row["median_ms"] / len(ids)
    return {"source": " ".join(source), "rows": len(ids), "tokens": int((ids >= 0).sum()), "peak_gflops": peak, "engines": rows}


def print_table(result):
    print(f"\n{result['source']}: {result['rows']} rows, {result['tokens']} tokens; peak {result['peak_gflops']:.0f} GFLOP/s")
    print(f"  {'engine':<32}{'median ms':>10}{'ms a row':>10}{'of peak':>9}{'ratio':>8}  {'over rounds':<14}{'max |d| / max |logit|':>22}")
    for name, row in result["engines"].items():
        if "absent" in row:
            print(f"  {name:<32}absent: {row['absent']}")
        else:
            spread = f"{row['ratio_min']:.2f} … {row['ratio_max']:.2f}"
            print(f"  {short(name, row):<32}{row['median_ms']:>10.2f}{row['ms_per_row']:>10.3f}{100 * row['peak_share']:>7.0f} %{row['ratio']:>8.2f}  {spread:<14}"
                  f"{row['difference']:>22.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, required=True, help="build folder, configured with -Dbench=true")
    parser.add_argument("--beside", type=pathlib.Path, help="another build folder: a second SideNet, a change before and after")
    parser.add_argument("--shape", choices=["bert-base", "minilm"], default="bert-base")
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--tokens", default="128", help="of each row, or FIRST-LAST: any number between, --batch rows at a time")
    parser.add_argument("--model", help="Hugging Face folder, for --data")
    parser.add_argument("--data", help="TSV with a header: text, label")
    parser.add_argument("--batch", type=int, default=32, help="for --data, and rows of many lengths")
    parser.add_argument("--exits", help="a SideNet model of the same MainNet with exits")
    parser.add_argument("--threshold", type=float, default=0.95, help="for --exits")
    parser.add_argument("--peers", default="pytorch,pytorch-compiled,onnxruntime,openvino")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    options.binary_dir = options.binary_dir.resolve()
    if bool(options.model) != bool(options.data):
        parser.error("--model and --data go together")
    here = machine.describe(options.threads)
    print(machine.line(here))
    print(f"{options.rounds} rounds of at least {ROUND_SECONDS} s an engine; ratio: time over sidenet's, median of the rounds")
    result = measure(options)
    print_table(result)
    if options.json:
        options.json.write_text(json.dumps({"machine": here, "rounds": options.rounds, "result": result}, indent=1) + "\n")
    wrong = [name for name, row in result["engines"].items()
             if name != "sidenet+exits" and not row.get("difference", 0) <= TOLERANCE]
    if wrong:
        sys.exit(f"logits further apart than {TOLERANCE} of max |logit|: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
