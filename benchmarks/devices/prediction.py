"""A new runtime, predicted from 100 measured cells by a prior without any of its rows."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.adapt import CODE, PRIOR_CODE, Devices, adapt_once, configuration
from benchmarks.figures import pair
from benchmarks.tasks import Task, run_tasks
from brpnas.datasets import embedded_devices, embedded_facts
from brpnas.metrics import spearman

__all__ = ["RUNTIMES", "new_devices", "predicted"]

RUNTIMES = ("openvino", "litert", "executorch", "ncnn")
"""The runtimes whose tables are held out."""
ROWS = 100
METRICS = ("spearman", "within_10", "mape", "coverage")


def new_devices() -> list[str]:
    """The shipped tables of these runtimes."""
    shipped = set(embedded_devices())
    names = (f"amd-epyc-{runtime}-fp32-1t" for runtime in RUNTIMES)
    return [name for name in names if name in shipped]


def predicted(names: Iterable[str], *, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of shipped tables that the prior does not know.

    A seed chooses the measured cells; all other cells of the table are test rows.

    Args:
        names: The devices. The prior knows all others, and none of these.
        quick: Train small networks for a few epochs.
        seeds: Number of seeds.
        workers: Processes.

    Returns:
        By device: ``cells`` of the table, measured ``rows``; mean and deviation between seeds of
        Spearman, share within ±10 %, error and coverage of the interval; the known device with the
        ``most_similar`` table; ``again``, agreement of two measurements of the same cells; and
        ``blocks``, spread between the blocks of a measurement.
    """
    names = list(names)
    if not names:
        return {}
    tasks = [{"device": name, "seed": seed} for seed in range(seeds) for name in names]
    devices = _devices(quick)
    devices.prior(devices.others(names))  # in this process, before several need it
    given = {"network": asdict(devices.config), "config": asdict(configuration(quick=quick))}
    work = functools.partial(_fit, quick, tuple(names))
    code = (*CODE, *PRIOR_CODE)
    done = run_tasks("devices-predicted", work, tasks, given | {"new": names}, workers, code=code)
    facts = embedded_facts()["latency"]
    return {
        name: {
            "cells": len(devices.tables[name]),
            "rows": ROWS,
            **_spread([each.result for each in done if each.task["device"] == name]),
            "most_similar": _most_similar(devices.tables, name, names),
            "again": facts[name]["again"],
            "blocks": facts[name]["repeats"],
        }
        for name in names
    }


@functools.cache
def _devices(quick: bool) -> Devices:
    return Devices(quick=quick)


def _fit(quick: bool, unknown: tuple[str, ...], task: Task) -> dict[str, Any]:
    devices = _devices(quick)
    table = devices.tables[task["device"]]
    chosen = np.random.default_rng(task["seed"]).permutation(len(table))[:ROWS]
    prior, config = devices.prior(devices.others(unknown)), configuration(quick=quick)
    return adapt_once(devices, table, chosen, prior, config, task["seed"])


def _spread(results: list[dict[str, Any]]) -> dict[str, list[float]]:
    return {key: pair([result[key] for result in results]) for key in METRICS}


def _most_similar(
    tables: dict[str, pd.DataFrame], device: str, unknown: list[str]
) -> dict[str, Any]:
    """The known device with the largest rank correlation over the cells of both."""
    ours = tables[device].set_index("arch_id")["latency_ms"]
    found = {}
    for name, table in tables.items():
        if name not in unknown:
            both = table.set_index("arch_id")["latency_ms"].reindex(ours.index).dropna()
            found[name] = spearman(both, ours[both.index])
    best = max(found, key=lambda name: found[name])
    return {"device": best, "spearman": round(found[best], 4)}
