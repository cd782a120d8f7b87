#!/usr/bin/env python3
"""What a run costs as work grows: rows, tokens, threads, exits that nobody takes. Writes docs/scaling.svg and the tables in docs/scaling.md.

    bench/scaling [--binary-dir build] [--rounds 5] [--docs docs] [--json FILE]

Each point is a bench_session of its own; the points of one table take turns (see peers.py); shut exits
are compared batch by batch in one process (bench_policies). Two to three minutes. Exit status 1 where a model with exits that all are shut is
more than 1 % slower than the same MainNet without, and in every process more than a second copy of that MainNet ever was, or where an exit was taken that must not be.
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

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

import machine
from exits import ROOT, SAMPLES, ExitEngine
from peers import HERE, ROUND_SECONDS, take_turns
from scaling_model import bounds

IMAGE_MODEL, TEXT_MODEL = SAMPLES / "fashion_mnist.safetensors", ROOT / "weights" / "debian_sections" / "debian_sections.safetensors"
ROW_COUNTS, TOKEN_COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
TAPS = ["layer1.0", "layer1.1", "layer1.2", "layer1.3", "layer1.4", "layer2.0", "layer2.1", "layer2.2", "layer2.3", "layer2.4",
        "layer3.0", "layer3.2"]
MICRO_BATCHES = [0, 1, 2, 4, 8, 16, 32]  # 0: the plan's choice
EXIT_COUNTS, HIDDEN, POOL, CHANNELS = [0, 1, 2, 4, 6, 9, 12], 128, 4, {"layer1": 16, "layer2": 32, "layer3": 64}
SECONDS = 0.1  # a turn
RESTARTS, SLOWER = 4, 1.01
BEGIN, END = "<!-- bench/scaling writes from here -->", "<!-- to here -->"


class Turn(ExitEngine):
    def warm_up(self):
        super().warm_up()
        self.runs = max(1, math.ceil(self.runs * SECONDS / ROUND_SECONDS))

    def median(self):
        return statistics.median(self.times)


class Bench:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.session, self.sidenet = options.binary_dir / "bench" / "bench_session", options.binary_dir / "tools" / "sidenet"

    def turn(self, name, model, rows, batch, exits="final", threads=None, micro_batch=0):
        engine = Turn(name, [self.session, model, self.folder / f"{rows}.npy", threads or self.options.threads, batch, exits, micro_batch])
        if engine.absent:
            sys.exit(f"bench_session: {engine.absent}")
        return engine

    def run(self, engines, rounds=None):
        """{name: engine} after its turns, {name: (rows, 3) answers}."""
        answers = take_turns(engines, rounds or self.options.rounds, self.folder)
        return {engine.name: engine for engine in engines}, answers

    def inspect(self, model):
        return json.loads(subprocess.check_output([self.sidenet, "inspect", model, "--json"]))

    # Files -----------------------------------------------------------------

    def write_exits(self, source, target, exits, tensors=()):
        """The MainNet of `source` with these exits."""
        with safe_open(source, "numpy") as file:
            kept = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("exits.")}
            metadata = file.metadata()
        save_file(kept | dict(tensors), target, metadata | {"sidenet.exits": json.dumps(exits)})

    def random_exits(self, target):
        """Untrained SideNets at all of TAPS: they are never sure."""
        random, exits, tensors = np.random.default_rng(1), [], {}
        for tap in TAPS:
            features = CHANNELS[tap.split(".")[0]] * POOL * POOL
            exits.append({"hidden": HIDDEN, "name": tap, "pool": POOL, "tap": tap, "temperature": 1.0, "threshold": 1.0})
            shapes = {"fc1.weight": (HIDDEN, features), "fc1.bias": (HIDDEN,), "fc2.weight": (10, HIDDEN), "fc2.bias": (10,)}
            values = {key: random.normal(0, shape[-1] ** -0.5, shape) for key, shape in shapes.items()}
            values |= {"mean": np.zeros(features), "std": np.ones(features)}
            tensors |= {f"exits.{tap}.{key}": value.astype(np.float32) for key, value in values.items()}
        self.write_exits(IMAGE_MODEL, target, exits, tensors)

    def prepare(self):
        data = f"{SAMPLES / 'sample1000-images.idx.gz'},{SAMPLES / 'sample1000-labels.idx.gz'}"
        subprocess.run([self.options.binary_dir / "bench" / "dataset_rows", IMAGE_MODEL, data, "256", self.folder / "images.npy"], check=True)
        np.save(self.folder / "images64.npy", np.load(self.folder / "images.npy")[:64])
        words = np.random.default_rng(1).integers(1000, 8000, (32, 512))
        for count in TOKEN_COUNTS:
            np.save(self.folder / f"tokens{count}.npy", words[:1, :count])
        np.save(self.folder / "texts.npy", words[:, :24])
        subprocess.run([sys.executable, HERE / "prepare_text.py", self.folder, "minilm", "1", "8"], check=True, stderr=subprocess.DEVNULL)
        self.minilm = self.folder / "minilm.safetensors"
        subprocess.run([self.sidenet, "import", self.folder, "-o", self.minilm, "--quiet"], check=True)

    # Measurements ------------------------------------------------------------

    def rows(self):
        exits = {"MainNet": "final", "with exits": "model"}
        engines = [self.turn(f"{name} {batch}", IMAGE_MODEL, "images", batch, policy) for name, policy in exits.items() for batch in ROW_COUNTS]
        done, _ = self.run(engines)
        return {name: [(batch, done[f"{name} {batch}"].median() / 256) for batch in ROW_COUNTS] for name in exits}

    def tokens(self):
        most = self.text_limit()
        counts = {"MiniLM": TOKEN_COUNTS, "bundled BERT": [count for count in TOKEN_COUNTS if count <= most]}
        models = {"MiniLM": self.minilm, "bundled BERT": TEXT_MODEL}
        done, _ = self.run([self.turn(f"{name} {count}", models[name], f"tokens{count}", 1) for name in counts for count in counts[name]])
        return {name: [(count, done[f"{name} {count}"].median()) for count in counts[name]] for name in counts}

    def text_limit(self):
        with safe_open(TEXT_MODEL, "numpy") as file:
            return file.get_tensor("embeddings.position_embeddings.weight").shape[0]

    def threads(self):
        """{workload: [(threads, ms a run)]}; `self.two_over_one`: the interval of t(2) / t(1) of each."""
        counts = sorted({min(2 ** power, self.options.threads) for power in range(10)})
        cases = self.cases()
        engines = [self.turn(f"{name} {count}", model, file, rows, threads=count)
                   for name, (model, file, rows, _) in cases.items() for count in counts]
        done, _ = self.run(engines, 3 * self.options.rounds)
        if 2 in counts:
            self.two_over_one = {name: median_and_interval([two / one for one, two in zip(done[f"{name} 1"].rounds, done[f"{name} 2"].rounds)])
                                 for name in cases}
        return {name: [(count, done[f"{name} {count}"].median() / runs) for count in counts] for name, (_, _, _, runs) in cases.items()}

    def cases(self):
        """{workload: (model, file of rows, rows at once, how many at-onces there are in the file)}"""
        return {"ResNet-32, 1 row": (IMAGE_MODEL, "images64", 1, 64), "ResNet-32, 64 rows": (IMAGE_MODEL, "images64", 64, 1),
                "MiniLM, 128 tokens": (self.minilm, "tokens128", 1, 1)}

    def exits(self):
        """{batch: [(exits, ms a row)]}; ratios are those of one round, so that the machine's mood cancels."""
        model = self.folder / "exits.safetensors"
        self.random_exits(model)

        def policy(count):  # spread over the network
            names = [TAPS[index * len(TAPS) // count] for index in range(count)]
            return ",".join(f"{name}=1" for name in names) or "final"

        engines = [self.turn(f"{batch} {count}", model, "images64", batch, policy(count)) for batch in (1, 64) for count in EXIT_COUNTS]
        done, answers = self.run(engines)
        if any((answer[:, 1] != len(TAPS)).any() for answer in answers.values()):
            sys.exit("scaling: a row left at an exit that must never be taken")
        compute = [done[f"1 {count}"].compute - 1 for count in EXIT_COUNTS]
        results = {}
        for batch in (1, 64):
            base = done[f"{batch} 0"]
            ratios = [statistics.median(a / b for a, b in zip(done[f"{batch} {count}"].rounds, base.rounds)) for count in EXIT_COUNTS]
            results[batch] = {"ms_a_row": base.median() / 64, "ratio": ratios}
        return {"counts": EXIT_COUNTS, "compute": compute, "batches": results}

    def shut(self):
        """A model with exits under --final-only against its MainNet in a file without exits, and that against itself."""
        cases = {"bundled ResNet-32, 1 row": (IMAGE_MODEL, "images64", 1), "bundled ResNet-32, 64 rows": (IMAGE_MODEL, "images", 64),
                 "bundled BERT, 24 tokens": (TEXT_MODEL, "texts", 1)}
        ratios = {name: {"shut": [], "same": []} for name in cases}
        plain, same = self.folder / "plain.safetensors", self.folder / "same.safetensors"
        for name, (model, rows, batch) in cases.items():
            self.write_exits(model, plain, [])
            shutil.copyfile(plain, same)
            command = [self.options.binary_dir / "bench" / "bench_policies", self.folder / f"{rows}.npy", self.options.threads, batch,
                       8 * self.options.rounds, plain, "final", model, "final", same, "final"]
            for _ in range(RESTARTS):  # a process keeps the memory it got: new ones draw anew
                lines = subprocess.check_output([str(part) for part in command], text=True).splitlines()
                for kind, line in zip(("shut", "same"), lines[1:]):
                    ratios[name][kind].append(json.loads(line)["ratio"])
        return {name: {kind: [statistics.median(values), min(values), max(values)] for kind, values in kinds.items()}
                for name, kinds in ratios.items()}

    def micro_batches(self):
        """{workload: [(rows that move together, time over that of the plan's own choice)]}; the ratios are those of one round."""
        cases = {"ResNet-32, 64 rows": (IMAGE_MODEL, "images64", "final"), "the same with exits": (IMAGE_MODEL, "images64", "model"),
                 "bundled BERT, 32 texts of 24 tokens": (TEXT_MODEL, "texts", "final")}
        engines = [self.turn(f"{name} {count}", model, rows, 64, policy, micro_batch=count)
                   for name, (model, rows, policy) in cases.items() for count in MICRO_BATCHES]
        done, _ = self.run(engines, 2 * self.options.rounds)
        return {name: [(count, statistics.median(mine / own for mine, own in zip(done[f"{name} {count}"].rounds, done[f"{name} 0"].rounds)))
                       for count in MICRO_BATCHES] for name in cases}

    def workloads(self, threads, costs):
        """{workload: the two bounds of scaling_model}, from what one and two threads took; empty where there are no two."""
        pair = next((cost for cost in costs if cost["threads"] == 2), None)
        if pair is None:
            return {}
        results = {}
        for name, (model, _, rows, _) in self.cases().items():
            nodes = [node for node in self.inspect(model)["nodes"] if not node["op"].startswith("embed") and not node["name"].startswith("exits.")]
            results[name] = bounds(dict(threads[name])[1], self.two_over_one[name], [node["multiply_adds"] for node in nodes],
                                   4 * sum(node["parameters"] for node in nodes), rows, pair)
        return results


def median_and_interval(values):
    """[median, and the 95 % interval of it by order statistics]."""
    values, count = sorted(values), len(values)
    reach = 0.98 * math.sqrt(count)  # 1.96 standard deviations of a binomial with p = 1/2
    low, high = max(0, math.floor(count / 2 - reach)), min(count - 1, math.ceil(count / 2 + reach))
    return [statistics.median(values), values[low], values[high]]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary-dir", type=pathlib.Path, default=ROOT / "build", help="configured with -Dbench=true")
    parser.add_argument("--threads", type=int, default=2, help="at most; for the other tables, always")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--docs", type=pathlib.Path, default=ROOT / "docs", help="folder of scaling.md and scaling.svg")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    options = parser.parse_args()
    options.binary_dir = options.binary_dir.resolve()
    return options


def main():
    from scaling_report import plot, tables
    options = parse_options()
    here = machine.describe(options.threads)
    print(machine.line(here), flush=True)
    with tempfile.TemporaryDirectory(prefix="sidenet-bench-") as name:
        bench = Bench(pathlib.Path(name), options)
        bench.prepare()
        costs = json.loads(subprocess.check_output([options.binary_dir / "bench" / "machine_costs", str(options.threads)]))
        results = {"machine": here, "rounds": options.rounds, "costs": costs}
        for part in ("rows", "micro_batches", "tokens", "threads", "exits", "shut"):
            print(f"{part} …", file=sys.stderr, flush=True)
            results[part] = getattr(bench, part)()
        workloads = bench.workloads(results["threads"], costs)
    text = tables(results, workloads)
    print(text)
    page = options.docs / "scaling.md"
    before, _, rest = (page.read_text() if page.exists() else f"# Scaling\n\n{BEGIN}\n{END}\n").partition(BEGIN)
    page.write_text(before + BEGIN + "\n" + text + END + rest.partition(END)[2])
    (options.docs / "scaling.svg").write_text(plot(results, workloads))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    slower = [name for name, kinds in results["shut"].items() if kinds["shut"][1] > max(SLOWER, kinds["same"][2])]
    if slower:
        sys.exit(f"more than 1 % slower than without exits: {', '.join(slower)}")


if __name__ == "__main__":
    main()
