"""Adaptation to a new device from few rows: the value of known devices and of chosen cells.

Public devices: 13 of LatBench and 3 of HELP; the three embedded ones are known beside them. Each
public device in turn is new: a prior is trained on all others and adapted to some of its rows; all
other measured cells with a path from input to output are test rows.

- *5, 10 and 20 rows*, suggested by `brpnas devices suggest`, and random. Once with all other
  devices known, once without near twins (Spearman above .99 with the new one); the latter changes
  only the two desktop files.
- *100 and 900 rows* at random, five distinct devices of LatBench, no twin known: share within
  ±10 %.
- *900 rows* at random, the HELP tables: Spearman on all other rows, cells without a path included;
  of `pixel3` without the 223 rows more than 30 times off its median, refused by the intake.

Tasks with other source devices, in the form of few-shot predictors of latency (Akhauri &
Abdelfattah, MLSys 2024): a prior is trained on the named sources alone and adapted to each target.
All other cells with a path are test rows; *first 128*: those among the first 128 cells of the
published order alone.

- *D0*: LatBench to the three devices of HELP. *D5*: these three to the five distinct devices of
  LatBench.
- *D2*: CPUs and GPUs of LatBench to its TPU, DSPs and mobile GPUs, which compile.
- *DE*: energy of the two devices of HW-NAS-Bench, from latencies of LatBench.

A seed decides rows, folds and weights; a prior is trained once per new device. Intervals are
nominal 90 %. `gold_6240` drifted during its measurement: *ceiling* is a regression on pairs of
operations fitted to all rows, test rows included; *given moment* is the same predictor with the
residuals of rows measured shortly before and after.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from benchmarks.data import bench, settings, shared_network_config, training_config
from benchmarks.figures import pair
from benchmarks.hwnas import read_table
from benchmarks.latency import DEVICES
from benchmarks.tasks import FOLDER, Task, code_hash, run_tasks
from brpnas.atomic import atomic_path
from brpnas.datasets import embedded_devices, latbench_devices, near_twins, read_embedded_latency
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import regression_metrics, spearman
from brpnas.predictors import MeasuredRows
from brpnas.predictors.transfer import (
    AdaptConfig,
    DevicePrior,
    fit_device,
    fit_prior,
    suggest_rows,
)
from brpnas.spaces.nasbench201 import published_cells

__all__ = ["CODE", "PRIOR_CODE", "Devices", "adapt_once", "configuration", "run"]

SEEDS = 1, 10
HELP = ("1080ti_1", "gold_6240", "pixel3")
CACHE = FOLDER / "priors"
ROWS = (5, 10, 20)
MANY, HELP_ROWS = (100, 900), 900
FIRST = 128
_COMPILED = ("-tpu-", "-dsp-", "mobile-gpu-")
_METRICS = ("spearman", "kendall", "within_10", "mape", "coverage")
TWIN = 0.99
ENERGY = {"edgegpu energy": "edgegpu", "eyeriss energy": "eyeriss"}
_PLACES = 30
"""Of the published order, over which a weight falls to 1/e."""
_TRANSFER = "brpnas/predictors/transfer"
PRIOR_CODE = (
    "brpnas/predictors/backbones.py",
    *(
        f"{_TRANSFER}/{name}.py"
        for name in ("features", "kernel", "known", "prior", "shared_network")
    ),
)
CODE = ("benchmarks/adapt.py", "brpnas/predictors/backbones.py", _TRANSFER)


class Devices:
    """The tables of all devices, and priors of some of them."""

    def __init__(self, *, quick: bool) -> None:
        self.graphs: SpaceGraphs = bench().graphs
        public = latbench_devices()
        self.tables = {name: bench().latency(name) for name in public}
        connected = frozenset(self.tables[DEVICES["desktop CPU"]]["arch_id"])
        self.complete = {name: _accepted(bench().help_latency(name)) for name in HELP}
        for name, table in self.complete.items():
            self.tables[name] = table[table["arch_id"].isin(connected)]
        self.public = [*public, *HELP]
        self.sources = {
            "D0": (public, list(HELP)),
            "D2": (
                [name for name in public if not any(kind in name for kind in _COMPILED)],
                [name for name in public if any(kind in name for kind in _COMPILED)],
            ),
            "D5": (list(HELP), list(DEVICES.values())),
            "DE": (public, list(ENERGY)),
        }
        self.tables |= {name: read_embedded_latency(name) for name in embedded_devices()}
        self.twins = {name: {name} for name in self.tables}
        for first, second, _ in near_twins(self.tables, TWIN):
            self.twins[first].add(second)
            self.twins[second].add(first)
        order = np.array(self.graphs.rows(list(published_cells())))
        self.published = np.empty(len(order), np.int64)
        self.published[order] = np.arange(len(order))
        self.config = shared_network_config(**({"epochs": 2} if quick else {}))

    def others(self, names: Iterable[str]) -> frozenset[str]:
        """All devices but some."""
        return frozenset(self.tables) - frozenset(names)

    @functools.cached_property
    def energy(self) -> dict[str, pd.DataFrame]:
        """Tables of energy, columns ``arch_id, energy_mj``."""
        connected = self.graphs.view("pruned").connected
        found = {}
        for name, device in ENERGY.items():
            table = read_table(device)
            found[name] = table[connected[self.graphs.rows(table["arch_id"].tolist())]]
        return found

    @functools.cache  # noqa: B019 - one instance per process
    def features(self, known: frozenset[str]) -> list[Tensor]:
        """Features of every cell under a prior."""
        return self.prior(known).features.of(self.graphs.views)

    @functools.cache  # noqa: B019
    def table(self, name: str) -> pd.DataFrame:
        """Latencies of a device, or energy of one of `ENERGY`; of cells with a path."""
        return self.energy[name] if name in ENERGY else self.tables[name]

    @functools.cache  # noqa: B019
    def suggested(self, known: frozenset[str], name: str, seed: int) -> np.ndarray:
        """Suggested rows of the space for the largest of `ROWS`; fewer are the first of these."""
        rows = self.graphs.rows(self.table(name)["arch_id"].tolist())
        return suggest_rows(self.features(known), max(ROWS), among=rows, seed=seed)

    @functools.cache  # noqa: B019
    def prior(self, known: frozenset[str]) -> DevicePrior:
        """A prior of some devices; kept in a file from the first time on."""
        key = json.dumps([sorted(known), asdict(self.config), code_hash(PRIOR_CODE)])
        path = CACHE / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            tables = {k: v for k, v in self.tables.items() if k in known}
            with atomic_path(path) as unfinished:
                fit_prior(self.graphs, tables, self.config).save(unfinished)
        return DevicePrior.load(path)


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


def adapt_once(
    devices: Devices,
    table: pd.DataFrame,
    chosen: np.ndarray,
    prior: DevicePrior,
    config: AdaptConfig,
    seed: int,
    metric: str = LATENCY_MS,
) -> dict[str, Any]:
    """Adapt to some rows of a table, and test on all others."""
    rows, latency = devices.graphs.rows(table["arch_id"].tolist()), table[metric].to_numpy()
    known = np.zeros(len(table), bool)
    known[chosen] = True
    predictor = fit_device(
        devices.graphs,
        MeasuredRows(rows[known], latency[known]),
        prior,
        config,
        metric=metric,
        seed=seed,
    )
    every, lower, upper = predictor.intervals(devices.graphs)[rows].T
    predicted, true = every[~known], latency[~known]
    lower, upper = lower[~known], upper[~known]
    moved = np.log(latency / every)
    first = devices.published[rows][~known] < FIRST
    drifted = predicted * np.exp(_drift(devices.published[rows], moved, known))
    return {
        **regression_metrics(predicted, true),
        "spearman_first": spearman(predicted[first], true[first]),
        "spearman_given_moment": spearman(drifted, true),
        "coverage": float(((true >= lower) & (true <= upper)).mean()),
        "width": float(np.median(upper / lower)),
        "method": predictor.method,
        "view": predictor.view,
    }


def _drift(position: np.ndarray, residual: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean residual of the training rows measured at about the same time.

    Args:
        position: Place of each row in the published order.
        residual: Log of measured over predicted; values of unknown rows are ignored.
        known: Mask of the training rows.

    Returns:
        One value per unknown row.
    """
    apart = np.abs(position[~known][:, None] - position[known][None, :])
    weights = np.exp(-apart / _PLACES) + 1e-12
    return (weights * residual[known]).sum(axis=1) / weights.sum(axis=1)


def _task(devices: Devices, task: dict[str, Any], config: AdaptConfig) -> dict[str, Any]:
    """One fit, described by device, rows, how they are chosen, known devices and seed."""
    name, seed, count, known = task["device"], task["seed"], task["rows"], _known(devices, task)
    table = devices.complete[name] if task["part"] == "help" else devices.table(name)
    metric = "energy_mj" if name in ENERGY else LATENCY_MS
    if task["how"] == "suggested":
        rows = devices.graphs.rows(table["arch_id"].tolist())
        chosen = np.flatnonzero(np.isin(rows, devices.suggested(known, name, seed)[:count]))
    else:
        chosen = np.random.default_rng(seed).permutation(len(table))[:count]
    prior = devices.prior(known)
    return {**task, **adapt_once(devices, table, chosen, prior, config, seed, metric)}


def _known(devices: Devices, task: dict[str, Any]) -> frozenset[str]:
    """The known devices of a task: its sources, or all without the new device and its twins."""
    if task["part"] in devices.sources:
        return frozenset(devices.sources[task["part"]][0])
    name = task["device"]
    return devices.others(devices.twins[name] if task["honest"] else {name})


def _tasks(devices: Devices, seeds: int) -> list[dict[str, Any]]:
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
        for part, (_, targets) in devices.sources.items():
            add(part, targets, ROWS, how, True)
    add("many", list(DEVICES.values()), MANY, "random", True)
    add("help", list(HELP), (HELP_ROWS,), "random", True)
    return sorted(found, key=lambda task: (task["rows"] == HELP_ROWS, task["seed"]))


@functools.cache
def _devices(quick: bool) -> Devices:
    """The tables, read once in each process."""
    return Devices(quick=quick)


def _prepare(quick: bool, task: Task) -> None:
    _devices(quick).prior(frozenset(task["known"]))


def _work(quick: bool, task: Task) -> dict[str, Any]:
    return _task(_devices(quick), task, configuration(quick=quick))


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by number of rows and by device."""
    devices = _devices(quick)
    for device in ENERGY.values():
        read_table(device)  # report missing files now
    tasks = _tasks(devices, seeds)
    needed = {tuple(sorted(_known(devices, task))) for task in tasks}
    given = {"network": asdict(devices.config)}
    priors = [{"known": list(names)} for names in sorted(needed)]
    run_tasks("adapt-priors", partial(_prepare, quick), priors, given, workers, code=PRIOR_CODE)
    given |= {"config": asdict(configuration(quick=quick))}
    done = run_tasks("adapt", partial(_work, quick), tasks, given, workers, code=CODE)
    figures = _figures(pd.DataFrame([d.result for d in done]), devices)
    return {"seeds": seeds, "known_devices": len(devices.tables) - 1, **figures}


def _figures(results: pd.DataFrame, devices: Devices) -> dict[str, Any]:
    metrics = _METRICS
    per_device = {}
    for (part, device, rows, how, honest), group in results.groupby(
        ["part", "device", "rows", "how", "honest"], sort=False
    ):
        regime = "no twin known" if honest else "twin known"
        per_device[f"{part} / {device} / {rows} {how} / {regime}"] = {
            **{name: pair(group[name]) for name in metrics},
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
                    name: pair(by_seed[name]) for name in metrics
                }
            five = honest[honest["device"].isin(DEVICES.values())].groupby("seed")
            tables[f"5 distinct devices, {rows} {how}, no twin known"] = {
                name: pair(five[name].mean()) for name in metrics
            }
    for rows in MANY:
        many = results[(results["part"] == "many") & (results["rows"] == rows)].groupby("seed")
        tables[f"5 distinct devices, {rows} random, no twin known"] = {
            name: pair(many[name].mean()) for name in metrics
        }
    for device in HELP:
        own = results[(results["part"] == "help") & (results["device"] == device)]
        names = (*metrics, "spearman_given_moment")
        tables[f"{device}, {HELP_ROWS} random"] = {name: pair(own[name]) for name in names}
    ceiling = _pair_ceiling(devices.graphs, devices.complete["gold_6240"])
    transfers = {
        f"{part}, {rows} {how}": {
            name: pair(group.groupby("seed")[name].mean()) for name in (*metrics, "spearman_first")
        }
        for (part, how, rows), group in results[results["part"].isin(devices.sources)].groupby(
            ["part", "how", "rows"], sort=False
        )
    }
    return {
        "tables": tables,
        "transfers": transfers,
        "devices": per_device,
        "gold_6240_ceiling": round(ceiling, 4),
    }


def _pair_ceiling(graphs: SpaceGraphs, table: pd.DataFrame) -> float:
    """Spearman of least squares on pairs of operations, fitted to the rows it is tested on."""
    codes = graphs.view("raw").ops[graphs.rows(table["arch_id"].tolist())][:, 2:-1]
    one_hot = np.eye(len(np.unique(codes)))[codes - codes.min()].reshape(len(codes), -1)
    pairs = np.einsum("na,nb->nab", one_hot, one_hot).reshape(len(codes), -1)
    log = np.log(table["latency_ms"].to_numpy())
    weights = np.linalg.lstsq(pairs, log, rcond=None)[0]
    return spearman(pairs @ weights, log)
