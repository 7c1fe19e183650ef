"""``python -m benchmarks NAME [--quick] [--seeds N]``; the last line printed is one JSON object."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from benchmarks.data import Benchmark
from brpnas.errors import BrpNasError

NAMES = {
    "adapt": "a new device from few rows: leave one device out, intervals",
    "containers": "images of the stages: size, start, rebuild, the pipeline through Compose",
    "latency": "latency predictor on LatBench: error bounds and rank correlation per device",
    "measure": "latency measured on this machine: seconds, drift, repeatability, predictors",
    "search": "accuracy found within a budget on NAS-Bench-201: BRP, evolution, random",
    "live": "measure, train and search from nothing on this machine",
    "protocol": "settings for NB201-Digits: how well two seeds of a training agree",
    "train": "candidates trained on digits: seconds, seed noise, jobs killed and resumed",
    "intake": "files of latencies that are wrong: refused clearly, no file changed",
    "promote": "a better predictor becomes champion in the registry, and nothing else does",
    "speed": "seconds of each step, and of the published recipe beside them",
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
    try:
        run = importlib.import_module(f"benchmarks.{arguments.name}").run
        figures = run(
            Benchmark(), quick=arguments.quick, seeds=arguments.seeds, workers=arguments.workers
        )
    except BrpNasError as error:
        sys.exit(f"Error: {error}")
    result = {"benchmark": arguments.name, "quick": arguments.quick, **figures}
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
