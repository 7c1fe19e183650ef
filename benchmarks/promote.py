"""Promotion of predictors in a real MLflow registry: what becomes champion, and what must not.

Each try starts from an empty model name. A predictor of a shipped device, trained on 300 rows,
takes the empty place. Challengers meet it one after another: trained on 60 rows, on shuffled
labels, with noise on the weights (all worse); the same weights (equal); a better predictor with NaN
in a weight, with a failed or unknown parity, with a test row less; and, last, the better predictor
itself, trained on 1,200 rows. All are exported to ONNX, registered and judged as the project does,
by the gates of conf/base. Counted are promotions; all but the first and the last must be 0.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from benchmarks.challengers import DEVICE, TEST_ROWS, TOLERANCE, Exported, train
from benchmarks.data import Benchmark, settings
from pipelines.config import PromoteConfig, parse
from pipelines.registry import Candidate, latency_model_name, promote, register

__all__ = ["KINDS", "run"]

KINDS = (
    "missing champion",
    "worse, fewer rows",
    "worse, shuffled labels",
    "worse, noisy weights",
    "equal",
    "NaN",
    "failed parity",
    "unknown parity",
    "fewer test rows",
    "better",
)
"""What is tried, in this order; the first and the last are to be promoted."""


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print each kind and return the figures."""
    del bench  # the device ships
    print(__doc__)
    tries = seeds or (3 if quick else 20)
    began = time.perf_counter()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        trained = list(pool.map(train, range(tries)))
    seconds = {"train_and_export": time.perf_counter() - began}
    verdicts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    began = time.perf_counter()
    with _registry():
        for number, predictors in enumerate(trained):
            for kind, verdict in _one_try(latency_model_name(f"try-{number}"), predictors).items():
                verdicts[kind][verdict] += 1
    seconds["register_and_decide"] = time.perf_counter() - began
    for kind, counts in verdicts.items():
        print(f"{kind:24} {dict(counts)}")
    wrong = sum(verdicts[kind]["promoted"] for kind in KINDS[1:-1])
    return {
        "device": DEVICE,
        "tries": tries,
        "test_rows": TEST_ROWS,
        "promotions": {kind: counts["promoted"] for kind, counts in verdicts.items()},
        "wrong_promotions": wrong,
        "wrong_chances": tries * (len(KINDS) - 2),
        "verdicts": {kind: dict(counts) for kind, counts in verdicts.items()},
        "log_error": {
            name: round(float(np.median([_error(p[name].test) for p in trained])), 4)
            for name in trained[0]
            if name != "NaN"
        },
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }


@contextmanager
def _registry() -> Iterator[None]:
    """A new store in SQLite, which MLflow is set to."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    before = mlflow.get_tracking_uri()
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("promote", artifact_location=(Path(folder) / "kept").as_uri())
        mlflow.set_experiment("promote")
        yield
        mlflow.set_tracking_uri(before)


def _one_try(name: str, predictors: dict[str, Exported]) -> dict[str, str]:
    """Verdict on each challenger."""
    config = parse(PromoteConfig, settings("promote"))
    better = predictors["better"]
    challengers: dict[str, tuple[Exported, float | None]] = {
        "missing champion": (predictors["champion"], predictors["champion"].parity),
        **{kind: (predictors[kind], predictors[kind].parity) for kind in KINDS[1:4]},
        "equal": (predictors["champion"], predictors["champion"].parity),
        "NaN": (predictors["NaN"], predictors["NaN"].parity),
        "failed parity": (better, 10 * TOLERANCE),
        "unknown parity": (better, None),
        "fewer test rows": (replace(better, test=better.test[:-1]), better.parity),
        "better": (better, better.parity),
    }
    verdicts: dict[str, str] = {}
    for kind in KINDS:
        exported, parity = challengers[kind]
        register(
            Candidate(
                name,
                "latency",
                exported.onnx,
                exported.test,
                parity,
                TOLERANCE,
                card=f"# {kind}\n",
                licence="Apache-2.0\n",
            )
        )
        verdicts[kind] = promote(name, config).verdict
    return verdicts


def _error(test: pd.DataFrame) -> float:
    return float(np.abs(np.log(test["predicted"] / test["true"])).mean())
