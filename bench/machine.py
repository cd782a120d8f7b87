"""What a benchmark ran on."""

import json
import os
import pathlib
import platform
import subprocess


def describe(threads):
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines()
              if line.startswith("model name")] if cpuinfo.exists() else []
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "system": f"{platform.system()} {platform.release()}",
        "load_average": round(os.getloadavg()[0], 2),
    }


def peak_gflops(binaries, threads):
    """Multiply-adds from registers on that many threads, two operations each: what no engine can exceed but by doing less."""
    output = subprocess.run([binaries / "bench" / "machine_costs", str(threads)], capture_output=True, text=True, check=True).stdout
    return json.loads(output)[-1]["peak_gflops"]


def line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, {machine['system']}, "
            f"load average at the start {machine['load_average']}")
