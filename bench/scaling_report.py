"""The tables and the plot of scaling.py."""

import textwrap

import machine
import svg_plot

MODELLED = [1, 2, 4, 8, 16, 32, 64]


def table(header, rows):
    lines = ["| " + " | ".join(map(str, header)) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def prose(text):
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False) + "\n"


def milliseconds(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def curves(series, header):
    """{name: [(x, ms)]} with x across."""
    xs = max((dict(line) for line in series.values()), key=len)
    return table([header, *xs], [[name, *(milliseconds(dict(line)[x]) if x in dict(line) else "–" for x in xs)] for name, line in series.items()])


def exits_table(exits):
    rows = []
    for batch, result in exits["batches"].items():
        base = result["ms_a_row"]
        rows.append([f"batch {batch}, time", *(f"{100 * (ratio - 1):+.1f} %" for ratio in result["ratio"])])
        rows.append([f"batch {batch}, µs for each exit", "–", *(f"{1e3 * base * (ratio - 1) / count:.1f}"
                                                           for ratio, count in list(zip(result["ratio"], exits["counts"]))[1:])])
    rows.append(["multiply-adds", *(f"{100 * share:+.2f} %" for share in exits["compute"])])
    return table(["open exits", *exits["counts"]], rows)


def interval(values):
    return f"{values[0]:.4f} ({values[1]:.4f} … {values[2]:.4f})"


def model_table(workloads):
    rows = []
    for name, bounds in workloads.items():
        for label, work in bounds.items():
            times = [work.time(threads) for threads in MODELLED]
            rows.append([f"{name}, {label}", f"{100 * work.serial:.1f} %", *(f"{times[0] / time:.1f}" for time in times)])
    return table(["speed-up, modelled", "serial share", *MODELLED], rows)


def tables(results, workloads):
    costs = results["costs"]
    parts = [
        prose(f"Measured on {machine.line(results['machine'])}; {results['rounds']} rounds; medians."),
        "### Rows: ms a row\n", prose("The same 256 test images each time, so many at once; bundled ResNet-32."),
        curves(results["rows"], "batch"),
        "### Rows that move together\n",
        prose("Time over that of the plan's own choice, by the most rows of a micro-batch. Medians of the rounds' ratios."),
        table(["micro-batch", *(count for count, _ in next(iter(results["micro_batches"].values())) if count)],
              [[name, *(f"{ratio:.3f}" for count, ratio in line if count)] for name, line in results["micro_batches"].items()]),
        "### Tokens: ms a text, one at a time\n", prose("MiniLM: 6 layers of 384, untrained. Bundled BERT: 8 layers of 128, at most 64 tokens. MainNet alone."),
        curves(results["tokens"], "tokens"),
        "### Threads: ms a run\n", curves(results["threads"], "threads"),
        "### Exits that nobody takes\n",
        prose("Up to 12 untrained SideNets of 128 hidden units on 4 x 4 averages, on the bundled ResNet-32. All are open at a threshold of "
              "1, and no row leaves early. MainNet alone: "
              f"{milliseconds(results['exits']['batches'][1]['ms_a_row'])} ms a row at batch 1, "
              f"{milliseconds(results['exits']['batches'][64]['ms_a_row'])} at 64."),
        exits_table(results["exits"]),
        "### Exits that are shut\n",
        prose("Time of `--final-only` of a model with exits, over its MainNet in a file without. Beside it a second copy of that MainNet: "
              "the noise of this measurement. All three run batch by batch in one process (`bench_policies`). Median, smallest and largest "
              "of the processes."),
        table(["", "exits shut / no exits", "no exits / no exits"],
              [[name, interval(kinds["shut"]), interval(kinds["same"])] for name, kinds in results["shut"].items()]),
        "### The machine's constants\n",
        table(["threads", "fork and join, µs", "a Team's piece, µs", "memory read, GB/s", "FMA peak, GFLOP/s"],
              [[cost["threads"], f"{cost['fork_join_us']:.2f}", f"{cost['team_us']:.2f}", f"{cost['read_gb_s']:.1f}", f"{cost['peak_gflops']:.0f}"] for cost in costs]),
    ]
    if workloads:
        parts += ["### More threads: a model, not measured\n", model_table(workloads)]
    return "\n".join(parts)


def short(name):
    return name.replace("-32", "").replace(", 128 tokens", "")


def plot(results, workloads):
    speed = {short(name): [(threads, line[0][1] / ms) for threads, ms in line] for name, line in results["threads"].items()}
    speed |= {f"{short(name)} *": [(threads, bounds["favourable"].one / bounds["favourable"].time(threads)) for threads in MODELLED]
              for name, bounds in workloads.items()}
    exits = results["exits"]
    added = {f"batch {batch}": [(count, 100 * (ratio - 1)) for count, ratio in zip(exits["counts"], result["ratio"])]
             for batch, result in exits["batches"].items()}
    added["multiply-adds *"] = [(count, 100 * share) for count, share in zip(exits["counts"], exits["compute"])]
    return svg_plot.grid([
        svg_plot.panel("Rows: ms a row", "rows at once", results["rows"], y_log=False, x_ticks=[1, 4, 16, 64, 256]),
        svg_plot.panel("Tokens: ms a text", "tokens", results["tokens"], x_ticks=[1, 4, 16, 64, 256]),
        svg_plot.panel("Threads: speed-up (dashed: modelled, favourable)", "threads", speed, x_ticks=MODELLED if workloads else None),
        svg_plot.panel("Exits nobody takes: time added, %", "open exits", added, x_log=False, y_log=False),
    ])
