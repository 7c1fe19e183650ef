"""``python -m benchmarks NAME [--quick] [--seeds N]``: protocol, tables, and one JSON object."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.tables import shown
from benchmarks.tasks import spent
from brpnas.errors import BrpNasError

NAMES = {
    "adapt": "a new device from few rows: leave one device out, intervals",
    "containers": "images of the stages: size, start, rebuild, the pipeline through Compose",
    "latency": "latency predictor on LatBench: error bounds and rank correlation per device",
    "fbnet": "latency predictor on FBNet, 7 devices, drift of the machines",
    "conformal": "conformal ratios of predictors adapted to few rows, on unknown devices",
    "hostile_files": "hostile and damaged files: code run, tracebacks, memory, time",
    "measure": "latency measured on this machine: seconds, drift, repeatability, predictors",
    "explorer": "the report in Chromium: seconds to the first paint of 15,625 points",
    "queries": "accuracy found within a budget on NAS-Bench-201, three data sets; its ceilings",
    "constrained": "search of NAS-Bench-201 under a latency limit on each LatBench device",
    "front": "search of NAS-Bench-201 for the front of accuracy and latency, NSGA-II and random",
    "kendall": "Kendall's tau of rankers by training cells, NAS-Bench-101 and -201",
    "nb101": "rank of the cell found in the public sample of NAS-Bench-101",
    "early": "early stopping of trainings on NB201-Digits: epochs spent, network found",
    "darts": "search of DARTS on the NAS-Bench-301 surrogate: BRP, evolution, random",
    "devices": "any device: runtimes, SSH, kits, breaks, `devices add`, int8",
    "cluster": "searches without rounds: time to the end, slow and dying workers, kills",
    "scale": "seconds and memory by size of space, training set, devices, workers",
    "reference": "the published recipe of the latency predictor on the rows of `latency`",
    "render": "README.md, docs/results.md and their pictures from benchmarks/results; runs nothing",
    "pareto": "the search of `make run`: accuracy against latency, queries, front, samplers",
    "live": "measure, train and search from nothing on this machine",
    "protocol": "settings for NB201-Digits: how well two seeds of a training agree",
    "train": "candidates trained on digits: seconds, seed noise, jobs killed and resumed",
    "notation": "latency tables in the notation of NASLib: how often they are found out",
    "road": "a new user: own pictures, own board, interruptions, hostile files",
    "speed": "seconds of each step, and of the published recipe beside them",
}

PACKAGES = ("brpnas", "numpy", "torch")


def _circumstances(wall_s: float, workers: int) -> dict[str, Any]:
    """When, where and how long; ``task_s`` sums the tasks of interrupted runs too."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text("utf-8").splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else model
    versions = {name: importlib.metadata.version(name).partition("+")[0] for name in PACKAGES}
    return {
        "machine": {"cpu": model, "cores": os.cpu_count(), "workers": workers},
        "wall_s": round(wall_s, 1),
        "task_s": round(spent(), 1),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version(), **versions},
    }


def main() -> int:
    """Run one benchmark; print its figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="\n".join(f"{name:10} {text}" for name, text in NAMES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The published files come from $BRPNAS_MIRROR if set, else from their URLs.",
    )
    parser.add_argument("name", choices=list(NAMES))
    parser.add_argument("--quick", action="store_true", help="a few minutes' work; not to quote")
    parser.add_argument("--seeds", type=int, help="repetitions (default: the protocol's)")
    parser.add_argument("--output", type=Path, help="also write the JSON object to this file")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start = time.perf_counter()
    try:
        module = importlib.import_module(f"benchmarks.{arguments.name}")
        seeds = arguments.seeds or module.SEEDS[0 if arguments.quick else 1]
        print(f"{module.__doc__}\n{seeds} seeds, {arguments.workers} processes\n", flush=True)
        figures = module.run(quick=arguments.quick, seeds=seeds, workers=arguments.workers)
    except BrpNasError as error:
        sys.exit(f"Error: {error}")
    result = {
        "benchmark": arguments.name,
        "quick": arguments.quick,
        **figures,
        **_circumstances(time.perf_counter() - start, arguments.workers),
    }
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(*shown(arguments.name, result), sep="\n\n", end="\n\n")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
