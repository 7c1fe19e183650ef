"""Validity of the conformal ratio of a predictor adapted to few rows.

Two devices of HW-NAS-Bench (Li et al., ICLR 2021; MIT), an edge GPU and Eyeriss, at the input of
ImageNet16-120, unknown to the packaged prior. For each device and seed it is adapted to 10 or 20
rows, random or suggested by `brpnas devices suggest`; all other cells are test rows. The limit is
the 30 % quantile of the latencies, and confidence is 0.9, as of `search.limits.confidence`.

- *ratio*: upper bound of a latency over the predicted one, of each cell by its deviation
  (`brpnas.conformal.log_errors`); the median of the test rows.
- *coverage*: share of test rows no slower than prediction times ratio; nominal 0.9.
- *feasible*: of the test rows predicted feasible (prediction times ratio within the limit), the
  share measured within the limit; *without ratio*: the same with ratio 1. Means are over the draws
  with such rows.
- *admitted*: share of test rows predicted feasible; *empty*: share of draws without any.

The tables lie below ``$BRPNAS_MIRROR``; they are read in place, and only these figures are kept.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.adapt import configuration
from benchmarks.figures import pair
from benchmarks.hwnas import FILES, read_table
from benchmarks.tasks import Task, run_tasks
from brpnas.conformal import error_quantile, log_errors
from brpnas.datasets import held_out
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MeasuredRows
from brpnas.predictors.transfer import DevicePrior, fit_device, shipped_prior, suggest_rows
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 1, 10
ROWS = (10, 20)
HOWS = ("random", "suggested")
CONFIDENCE, FASTEST, TEST_SHARE = 0.9, 0.3, 0.2
CODE = (
    "benchmarks/conformal.py",
    "brpnas/graphs.py",
    "brpnas/predictors/backbones.py",
    "brpnas/conformal.py",
    "brpnas/predictors/transfer",
    "brpnas/spaces/nasbench201",
)
_FIGURES = ("ratio", "coverage", "feasible", "without_ratio", "admitted")


@functools.cache
def _known() -> tuple[SpaceGraphs, DevicePrior]:
    """Read once in each process."""
    return get_space("nasbench201").graphs(), shipped_prior("nasbench201")


@functools.cache
def _features() -> list[Any]:
    graphs, prior = _known()
    return prior.features.of(graphs.views)


def _chosen(arch_ids: list[str], task: Task) -> np.ndarray:
    """Places of the training rows, never of held-out cells."""
    open_rows = np.flatnonzero(~held_out(arch_ids, TEST_SHARE))
    if task["how"] == "random":
        return np.random.default_rng(task["seed"]).permutation(open_rows)[: task["rows"]]
    rows = _known()[0].rows(arch_ids)
    picked = suggest_rows(_features(), task["rows"], among=rows[open_rows], seed=task["seed"])
    return np.flatnonzero(np.isin(rows, picked))


def draw_once(task: Task) -> dict[str, float | str | None]:
    """One fit: device, rows, how they are chosen, seed."""
    graphs, prior = _known()
    table = read_table(task["device"])
    latency = table["latency_ms"].to_numpy(np.float64)
    rows = graphs.rows(table["arch_id"].tolist())
    learnt = _chosen(table["arch_id"].tolist(), task)
    predictor = fit_device(
        graphs,
        MeasuredRows(rows[learnt], latency[learnt]),
        prior,
        configuration(quick=task["quick"]),
        seed=task["seed"],
    )
    deviations = predictor.deviations(graphs)
    known = pd.DataFrame({"split": "train", "log_deviation": deviations})
    ratio = np.exp(error_quantile(log_errors(known), CONFIDENCE) * deviations)
    tested = np.setdiff1d(np.arange(len(table)), learnt)
    ratio = ratio[rows[tested]]
    predicted, true = predictor.predict(graphs)[rows[tested]], latency[tested]
    limit = float(np.quantile(latency, FASTEST))
    admitted = ratio * predicted <= limit
    return {
        "ratio": float(np.median(ratio)),
        "coverage": float((true <= ratio * predicted).mean()),
        "feasible": _share(true <= limit, admitted),
        "without_ratio": _share(true <= limit, predicted <= limit),
        "admitted": float(admitted.mean()),
        "method": predictor.method,
    }


def _share(holds: np.ndarray, among: np.ndarray) -> float | None:
    """Share of true values; None of an empty set."""
    return float(holds[among].mean()) if among.any() else None


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by device and rows."""
    for device in FILES:
        read_table(device)  # report missing files now
    tasks = [
        {"device": device, "how": how, "rows": rows, "seed": seed, "quick": quick}
        for seed in range(seeds)
        for device in FILES
        for how in HOWS
        for rows in ROWS
    ]
    settings = {"confidence": CONFIDENCE, "config": repr(configuration(quick=quick))}
    done = run_tasks("conformal", draw_once, tasks, settings, workers, code=CODE)
    results = pd.DataFrame([{**d.task, **d.result} for d in done])
    groups = results.groupby(["device", "how", "rows"], sort=False)
    tables = {f"{device}, {rows} {how}": summary(part) for (device, how, rows), part in groups}
    return {
        "seeds": seeds,
        "confidence": CONFIDENCE,
        "limit": f"latency that {FASTEST:.0%} of the cells keep",
        "source": "HW-NAS-Bench (Li et al., ICLR 2021), MIT; ImageNet16-120",
        "tables": tables,
    }


def summary(part: pd.DataFrame) -> dict[str, Any]:
    """Mean and standard deviation between draws of each figure, and the share of empty draws.

    Args:
        part: A row per draw, as `draw_once` gives it.
    """
    known = {name: part[name].dropna().astype(float) for name in _FIGURES}
    found: dict[str, Any] = {
        name: pair(values) if len(values) else [None, 0.0] for name, values in known.items()
    }
    found["empty"] = round(float((part["admitted"] == 0).mean()), 4)
    found["methods"] = part["method"].value_counts().to_dict()
    return found
