"""Adaptation to a new device from few rows: the value of known devices and of chosen cells.

Public devices: 13 of LatBench and 3 of HELP; the three embedded ones are known beside them. Each
public device in turn is new: a prior is trained on all others and adapted to some of its rows; all
other measured cells with a path from input to output are test rows.

- *10 and 20 rows*, suggested by `brpnas devices suggest`, and random. Once with all other devices
  known, once without near twins (Spearman above .99 with the new one); the latter changes only the
  two desktop files.
- *100 rows* at random, five distinct devices of LatBench, no twin known: share within ±10 %.
- *900 rows* at random, the HELP tables: Spearman on all other rows, cells without a path included;
  of `pixel3` without the 223 rows more than 30 times off its median, refused by the intake.

A seed decides rows, folds and weights; a prior is trained once per new device. Results are stored
below `data/benchmarks`, and the command resumes. Intervals are nominal 90 %. `gold_6240` drifted
during its measurement: *ceiling* is a regression on pairs of operations fitted to all rows, test
rows included; *given moment* is the same predictor with the residuals of rows measured shortly
before and after.
"""

from __future__ import annotations

import functools
import hashlib
import json
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor
from tqdm import tqdm

import brpnas.predictors
from benchmarks.data import ROOT, Benchmark, settings, training_config
from benchmarks.latency import DEVICES
from brpnas.datasets import embedded_devices, latbench_devices, near_twins, read_embedded_latency
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import regression_metrics, spearman
from brpnas.predictors import MeasuredRows, training_pool
from brpnas.predictors.transfer import (
    AdaptConfig,
    DevicePrior,
    SharedNetworkConfig,
    fit_device,
    fit_prior,
    suggest_rows,
)
from brpnas.spaces.nasbench201 import published_cells

__all__ = ["configuration", "run"]

HELP = ("1080ti_1", "gold_6240", "pixel3")
CACHE = ROOT / "data" / "benchmarks" / "priors"
RESULTS = ROOT / "data" / "benchmarks" / "adapt"
ROWS = (10, 20)
MANY, HELP_ROWS = 100, 900
TWIN = 0.99
_MODULES = ("features", "kernel", "known", "prior", "shared_network")


class _Devices:
    """The tables of all devices, and priors without some of them."""

    def __init__(self, bench: Benchmark, *, quick: bool) -> None:
        self.graphs: SpaceGraphs = bench.graphs
        public = latbench_devices()
        self.tables = {name: bench.latency(name) for name in public}
        connected = frozenset(self.tables[DEVICES["desktop CPU"]]["arch_id"])
        self.complete = {name: _accepted(bench.help_latency(name)) for name in HELP}
        for name, table in self.complete.items():
            self.tables[name] = table[table["arch_id"].isin(connected)]
        self.public = [*public, *HELP]
        self.tables |= {name: read_embedded_latency(name) for name in embedded_devices()}
        self.twins = {name: {name} for name in self.tables}
        for first, second, _ in near_twins(self.tables, TWIN):
            self.twins[first].add(second)
            self.twins[second].add(first)
        order = np.array(self.graphs.rows(list(published_cells())))
        self.published = np.empty(len(order), np.int64)
        self.published[order] = np.arange(len(order))
        values = settings("pretrain")
        self.config = SharedNetworkConfig(
            **{k: values[k] for k in SharedNetworkConfig.__dataclass_fields__}
            | ({"epochs": 2} if quick else {})
        )

    @functools.cache  # noqa: B019 - one instance per process
    def features(self, without: frozenset[str]) -> list[Tensor]:
        """Features of every cell under a prior."""
        return self.prior(without).features.of(self.graphs.views)

    @functools.cache  # noqa: B019
    def prior(self, without: frozenset[str]) -> DevicePrior:
        """A prior of all devices but some; kept in a file from the first time on."""
        key = json.dumps([sorted(without), asdict(self.config), _code()])
        path = CACHE / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            known = {k: v for k, v in self.tables.items() if k not in without}
            partial = path.with_suffix(".partial")
            fit_prior(self.graphs, known, self.config).save(partial)
            partial.rename(path)
        return DevicePrior.load(path)


@functools.cache
def _code(*, every: bool = False) -> str:
    """Hash of the code behind a prior, or behind an adapted predictor."""
    folder = Path(brpnas.predictors.__file__).parent
    names = (*_MODULES, "calibration", "device", "folds", "suggest") if every else _MODULES
    files = [folder / "backbones.py", *(folder / "transfer" / f"{name}.py" for name in names)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _accepted(table: pd.DataFrame) -> pd.DataFrame:
    """Rows accepted by the intake of a device: see docs/devices.md."""
    far = table["latency_ms"] / table["latency_ms"].median()
    return table[(far > 1 / 30) & (far < 30)]


def configuration(*, quick: bool) -> AdaptConfig:
    """How `retrain` adapts, by the parameters of the project."""
    values = settings("adaptation")
    network = training_config(values["network"] | ({"epochs": 10} if quick else {}))
    names = set(AdaptConfig.__dataclass_fields__) - {"network"}
    return AdaptConfig(**{k: v for k, v in values.items() if k in names}, network=network)


def _once(
    devices: _Devices,
    table: pd.DataFrame,
    chosen: np.ndarray,
    prior: DevicePrior,
    config: AdaptConfig,
    seed: int,
) -> dict[str, Any]:
    """Adapt to some rows of a table, and test on all others."""
    rows, latency = devices.graphs.rows(table["arch_id"].tolist()), table["latency_ms"].to_numpy()
    known = np.zeros(len(table), bool)
    known[chosen] = True
    predictor = fit_device(
        devices.graphs, MeasuredRows(rows[known], latency[known]), prior, config, seed=seed
    )
    every, lower, upper = predictor.intervals(devices.graphs)[rows].T
    predicted, true = every[~known], latency[~known]
    lower, upper = lower[~known], upper[~known]
    moved = np.log(latency / every)
    drifted = predicted * np.exp(_drift(devices.published[rows], moved, known))
    return {
        **regression_metrics(predicted, true),
        "spearman_given_moment": spearman(drifted, true),
        "coverage": float(((true >= lower) & (true <= upper)).mean()),
        "width": float(np.median(upper / lower)),
        "method": predictor.method,
        "view": predictor.view,
    }


def _drift(
    position: np.ndarray, residual: np.ndarray, known: np.ndarray, length: float = 30
) -> np.ndarray:
    """Mean residual of the training rows measured at about the same time.

    Args:
        position: Place of each row in the published order.
        residual: Log of measured over predicted; values of unknown rows are ignored.
        known: Mask of the training rows.
        length: Places over which a weight falls to 1/e.

    Returns:
        One value per unknown row.
    """
    apart = np.abs(position[~known][:, None] - position[known][None, :])
    weights = np.exp(-apart / length) + 1e-12
    return (weights * residual[known]).sum(axis=1) / weights.sum(axis=1)


def _task(devices: _Devices, task: dict[str, Any], config: AdaptConfig) -> dict[str, Any]:
    """One fit, described by device, rows, how they are chosen, twins and seed."""
    name, seed, count = task["device"], task["seed"], task["rows"]
    without = frozenset(devices.twins[name] if task["honest"] else {name})
    prior = devices.prior(without)
    table = devices.complete[name] if count == HELP_ROWS else devices.tables[name]
    if task["how"] == "suggested":
        rows = devices.graphs.rows(table["arch_id"].tolist())
        picked = suggest_rows(
            prior.hyperparameters,
            devices.features(without),
            count,
            among=rows,
            seed=seed,
        )
        chosen = np.flatnonzero(np.isin(rows, picked))
    else:
        chosen = np.random.default_rng(seed).permutation(len(table))[:count]
    return {**task, **_once(devices, table, chosen, prior, config, seed)}


def _tasks(devices: _Devices, seeds: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def add(part: str, names: list[str], counts: tuple[int, ...], how: str, honest: bool) -> None:
        found.extend(
            {"part": part, "device": d, "rows": n, "how": how, "honest": honest, "seed": seed}
            for d in names
            for n in counts
            for seed in range(seeds)
        )

    with_twins = [name for name in devices.public if len(devices.twins[name]) > 1]
    for how in ("suggested", "random"):
        add("few", devices.public, ROWS, how, True)
        add("few", with_twins, ROWS, how, False)
    add("many", list(DEVICES.values()), (MANY,), "random", True)
    add("help", list(HELP), (HELP_ROWS,), "random", True)
    return sorted(found, key=lambda task: (task["part"] == "help", task["seed"]))


@functools.cache
def _devices(quick: bool) -> _Devices:
    """The tables, read once in each worker."""
    return _Devices(Benchmark(), quick=quick)


def _work(quick: bool, task: dict[str, Any]) -> dict[str, Any]:
    """Result of a task, stored by an earlier run with the same code and settings if possible."""
    config = configuration(quick=quick)
    key = json.dumps([task, asdict(config), asdict(_devices(quick).config), _code(every=True)])
    path = RESULTS / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if not path.exists():
        found = _task(_devices(quick), task, config)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(found), "utf-8")
        partial.rename(path)
    done: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return done


def _prepare(quick: bool, without: tuple[str, ...]) -> None:
    _devices(quick).prior(frozenset(without))


def _all(pool: Executor | None, function: Any, items: list[Any], quick: bool, what: str) -> Any:
    bar = tqdm(total=len(items), desc=what, leave=False)
    if pool is None:
        for item in items:
            yield function(quick, item)
            bar.update()
        return
    for future in [pool.submit(function, quick, item) for item in items]:
        yield future.result()
        bar.update()


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print the tables and return their figures."""
    seeds = seeds or (1 if quick else 10)
    print(__doc__)
    print(f"{seeds} seeds, {workers} processes, settings: {configuration(quick=quick)}\n")
    devices = _Devices(bench, quick=quick)
    tasks = _tasks(devices, seeds)
    needed = sorted(
        {tuple(sorted(devices.twins[t["device"]] if t["honest"] else {t["device"]})) for t in tasks}
    )
    with training_pool(workers) as pool:
        for _ in _all(pool, _prepare, needed, quick, "priors"):
            pass
        results = pd.DataFrame(_all(pool, _work, tasks, quick, "adapt"))
    figures = _figures(results, devices)
    print(json.dumps(figures["tables"], indent=1))
    return {"seeds": seeds, "known_devices": len(devices.tables) - 1, **figures}


def _spread(values: pd.Series) -> list[float]:
    """Mean, and standard deviation between seeds of the mean over devices."""
    return [round(float(values.mean()), 4), round(float(values.std(ddof=1)), 4)]


def _figures(results: pd.DataFrame, devices: _Devices) -> dict[str, Any]:
    metrics = ("spearman", "kendall", "within_10", "mape", "coverage")
    per_device = {}
    for (part, device, rows, how, honest), group in results.groupby(
        ["part", "device", "rows", "how", "honest"], sort=False
    ):
        regime = "no twin known" if honest else "twin known"
        per_device[f"{part} / {device} / {rows} {how} / {regime}"] = {
            **{name: _spread(group[name]) for name in metrics},
            "methods": group["method"].value_counts().to_dict(),
            "views": group["view"].value_counts().to_dict(),
        }
    tables: dict[str, Any] = {}
    few = results[results["part"] == "few"]
    for how in ("suggested", "random"):
        for rows in ROWS:
            some = few[(few["how"] == how) & (few["rows"] == rows)]
            honest = some[some["honest"]]
            twinned = some[~some["honest"]]["device"].unique()
            known = some[~(some["honest"] & some["device"].isin(twinned))]
            for regime, part in (("all others known", known), ("no twin known", honest)):
                by_seed = part.groupby("seed")[list(metrics)].mean()
                tables[f"16 devices, {rows} {how}, {regime}"] = {
                    name: _spread(by_seed[name]) for name in metrics
                }
            five = honest[honest["device"].isin(DEVICES.values())].groupby("seed")
            tables[f"5 distinct devices, {rows} {how}, no twin known"] = {
                name: _spread(five[name].mean()) for name in metrics
            }
    many = results[results["part"] == "many"].groupby("seed")
    tables[f"5 distinct devices, {MANY} random, no twin known"] = {
        name: _spread(many[name].mean()) for name in metrics
    }
    for device in HELP:
        own = results[(results["part"] == "help") & (results["device"] == device)]
        names = (*metrics, "spearman_given_moment")
        tables[f"{device}, {HELP_ROWS} random"] = {name: _spread(own[name]) for name in names}
    ceiling = _pair_ceiling(devices.graphs, devices.complete["gold_6240"])
    return {"tables": tables, "devices": per_device, "gold_6240_ceiling": round(ceiling, 4)}


def _pair_ceiling(graphs: SpaceGraphs, table: pd.DataFrame) -> float:
    """Spearman of least squares on pairs of operations, fitted to the rows it is tested on."""
    codes = graphs.view("raw").ops[graphs.rows(table["arch_id"].tolist())][:, 2:-1]
    one_hot = np.eye(len(np.unique(codes)))[codes - codes.min()].reshape(len(codes), -1)
    pairs = np.einsum("na,nb->nab", one_hot, one_hot).reshape(len(codes), -1)
    log = np.log(table["latency_ms"].to_numpy())
    weights = np.linalg.lstsq(pairs, log, rcond=None)[0]
    return spearman(pairs @ weights, log)
