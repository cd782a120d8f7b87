"""What a benchmark ran on."""

import os
import pathlib
import platform


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


def line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, {machine['system']}, "
            f"load average at the start {machine['load_average']}")
