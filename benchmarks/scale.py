"""Seconds and memory by size: ranking, training, known devices and processes.

Every task runs alone in a fresh process, so that its memory is its own: the peak of the resident
set, including Python and libraries (*idle* is these alone). One thread, unless stated.

- *ranking*: a pairwise ranker (conf/base, trained on 100 cells; labels do not matter here) scores
  and sorts numbers of cells of NAS-Bench-101 up to all 423,624. The graphs are in memory-mapped
  files.
- *training*: fit of the pairwise ranker, and of a unary regression by the same network, to numbers
  of random cells of NAS-Bench-201 (validation accuracy on CIFAR-10 of one seed); ``tau`` is
  Kendall's tau of its ranking of all other cells with their mean test accuracy.
- *devices*: `fit_prior` (conf/base, all 15,625 cells) by number of known devices. 19 are public and
  embedded ones; further ones are synthetic: the geometric mean of the latencies of two random
  devices, times noise of 2 %.
- *workers*: training of eight rankers, and eight searches of 40 queries, by number of processes;
  efficiency is the speed-up over one process divided by their number, process start included.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.adapt import HELP
from benchmarks.data import bench, settings, shared_network_config, stopwatch, training_config
from benchmarks.rankers import UnaryRanker, make_sampler_of, search_settings
from benchmarks.tasks import FOLDER, SEARCH_CODE, Task, code_hash, run_tasks
from brpnas.datasets import embedded_devices, latbench_devices, read_embedded_latency
from brpnas.graphs import GraphBatch
from brpnas.metrics import kendall
from brpnas.predictors import PairwiseRanker, training_pool
from brpnas.predictors.ensemble import train_members
from brpnas.predictors.training import Labelled, TrainingTask, pairwise_logistic
from brpnas.predictors.transfer import fit_prior
from brpnas.search import compare
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 1, 3
WHOLE = 423_624
CELLS = (1_000, 10_000, 100_000, WHOLE)
ROWS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
DEVICES = (2, 5, 10, 19, 30, 40)
WORKERS = (1, 2, 4)
LARGE = 1_000
TRAINED_ON, JOBS, QUERIES = 100, 8, 40
STORE = FOLDER / "scale"
CODE = (
    *SEARCH_CODE,
    "brpnas/spaces/nasbench101",
    "brpnas/predictors/transfer",
    "benchmarks/rankers.py",
)


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by size."""
    space = STORE / f"nasbench101-{code_hash([*CODE, _write_space])[:12]}"
    if not (space / "adj.npy").exists():
        _write_space(space)
    sizes = {
        "cells": CELLS[:2] if quick else CELLS,
        "rows": ROWS[:3] if quick else ROWS,
        "devices": DEVICES[:2] if quick else DEVICES,
        "workers": WORKERS[:2] if quick else WORKERS,
    }
    tasks: list[Task] = [
        {"part": "ranking", "size": n, "threads": threads, "space": str(space), "seed": seed}
        for seed in range(seeds)
        for n in sizes["cells"]
        for threads in (1, 2)
    ]
    tasks += [
        {"part": "training", "size": n, "ranker": ranker, "seed": seed}
        for n in sizes["rows"]
        for ranker in ("pairwise", "unary")
        for seed in range(seeds)
        if n <= LARGE or not seed  # the larger ones once: they take minutes
    ]
    tasks += [
        {"part": "devices", "size": n, "epochs": 1 if quick else None, "seed": 0}
        for n in sizes["devices"]
    ]
    tasks += [
        {"part": part, "size": n, "jobs": 2 if quick else JOBS, "seed": 0}
        for part in ("rankers trained", "searches")
        for n in sizes["workers"]
    ]
    tasks.append({"part": "idle", "size": 0, "seed": 0})
    values = {"search": search_settings(), "pretrain": settings("pretrain")}
    done = run_tasks("scale", work, tasks, values, code=(*CODE, *PARTS.values()), fresh=True)
    rows = pd.DataFrame([{**d.task, **d.result, "peak_mb": d.peak_mb} for d in done])
    return {"seeds": seeds, **_figures(rows)}


def work(task: Task) -> dict[str, float]:
    """One task, in a fresh process."""
    return PARTS[task["part"]](task)


def _idle(task: Task) -> dict[str, float]:
    return {"seconds": 0.0}


def _ranker() -> PairwiseRanker:
    ranker = search_settings()["ranker"]
    return PairwiseRanker(training_config(ranker), ranker["members"], ranker["view"])


def _write_space(folder: Path) -> None:
    """All cells of NAS-Bench-101 as arrays, and a trained ranker, in an atomically made folder."""
    print("Encoding NAS-Bench-101 ...", flush=True)
    graphs = get_space("nasbench101").graphs().view(search_settings()["ranker"]["view"])
    order = np.random.default_rng(0).permutation(len(graphs))
    folder.mkdir(parents=True, exist_ok=True)
    ranker = _ranker()
    ranker.fit(graphs[order[:TRAINED_ON]], np.linspace(0, 1, TRAINED_ON), 0)
    ranker.save(folder / "ranker.safetensors")
    shuffled = graphs[order]
    np.save(folder / "ops.npy", shuffled.ops)
    (folder / "num_ops.txt").write_text(str(graphs.num_ops), "utf-8")
    np.save(folder / "partial.npy", shuffled.adj)
    (folder / "partial.npy").rename(folder / "adj.npy")
    del graphs, shuffled
    gc.collect()


def _rank(task: Task) -> dict[str, float]:
    folder = Path(task["space"])
    torch.set_num_threads(task["threads"])
    ranker = PairwiseRanker.load(folder / "ranker.safetensors")
    with stopwatch() as seconds:
        ops, adj = (np.load(folder / f"{n}.npy", mmap_mode="c") for n in ("ops", "adj"))
        num_ops = int((folder / "num_ops.txt").read_text("utf-8"))
        graphs = GraphBatch(ops[: task["size"]], adj[: task["size"]], num_ops)
        order = np.argsort(-ranker.score(graphs), kind="stable")
    if len(order) != task["size"]:
        raise ValueError(f"{len(order)} cells ranked instead of {task['size']}")
    return {"seconds": seconds[0]}


def _train(task: Task) -> dict[str, float]:
    tables = bench()
    ranker = search_settings()["ranker"]
    graphs, arch_ids = tables.graphs.view(ranker["view"]), list(tables.graphs.arch_ids)
    accuracy = tables.accuracy
    valid = accuracy[(accuracy["dataset"] == "cifar10") & (accuracy["split"] == "valid")]
    known = valid.groupby("arch_id")["accuracy"].first().reindex(arch_ids).to_numpy()
    test = tables.test("cifar10")
    order = np.random.default_rng(task["seed"]).permutation(len(graphs))
    train, rest = order[: task["size"]], order[task["size"] :]
    unary = UnaryRanker(training_config(ranker), ranker["members"])
    model = _ranker() if task["ranker"] == "pairwise" else unary
    with stopwatch() as seconds:
        model.fit(graphs[train], known[train], task["seed"])
    return {"seconds": seconds[0], "tau": kendall(model.score(graphs[rest]), test[rest])}


def _tables(count: int) -> dict[str, pd.DataFrame]:
    """Latency tables of ``count`` devices, real ones first."""
    tables = {name: bench().latency(name) for name in latbench_devices()}
    tables |= {name: bench().help_latency(name) for name in HELP}
    tables |= {name: read_embedded_latency(name) for name in embedded_devices()}
    tables = {n: t[t["latency_ms"] > 0.03 * t["latency_ms"].median()] for n, t in tables.items()}
    real, rng = list(tables), np.random.default_rng(0)
    while len(tables) < count:
        first, second = rng.choice(real, 2, replace=False)
        both = tables[first].merge(tables[second], on="arch_id", suffixes=("", "_other"))
        mean = np.sqrt(both["latency_ms"] * both["latency_ms_other"])
        noise = np.exp(0.02 * rng.standard_normal(len(both)))
        tables[f"synthetic-{len(tables)}"] = both[["arch_id"]].assign(latency_ms=mean * noise)
    return {name: tables[name] for name in list(tables)[:count]}


def _devices(task: Task) -> dict[str, float]:
    config = shared_network_config(**({"epochs": task["epochs"]} if task["epochs"] else {}))
    tables, graphs = _tables(task["size"]), bench().graphs
    with stopwatch() as seconds:
        fit_prior(graphs, tables, config)
    return {"seconds": seconds[0]}


def _members(task: Task) -> dict[str, float]:
    ranker = search_settings()["ranker"]
    graphs = bench().graphs.view(ranker["view"])
    rng = np.random.default_rng(0)
    rows = Labelled(graphs[rng.permutation(len(graphs))[:200]], rng.random(200))
    config = training_config(ranker)
    jobs = [TrainingTask(rows, config, pairwise_logistic, seed) for seed in range(task["jobs"])]
    with stopwatch() as seconds, training_pool(task["size"]) as pool:
        train_members(jobs, pool)
    return {"seconds": seconds[0]}


def _searches(task: Task) -> dict[str, float]:
    config = search_settings() | ({"rounds": 2} if task["jobs"] < JOBS else {})
    pool, scores = bench().pool(config["ranker"]["view"]), bench().scores("cifar10")
    oracle = bench().oracle("cifar10")
    sampler = make_sampler_of({"sampler": "brp", "config": config})
    with stopwatch() as seconds:
        compare(pool, {"brp": sampler}, oracle.reseeded, scores, budget=QUERIES,
                seeds=range(task["jobs"]), workers=task["size"], progress=False)  # fmt: skip
    return {"seconds": seconds[0]}


PARTS = {
    "idle": _idle,
    "ranking": _rank,
    "training": _train,
    "devices": _devices,
    "rankers trained": _members,
    "searches": _searches,
}


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    idle = float(rows[rows["part"] == "idle"]["peak_mb"].iloc[0])
    ranking = rows[rows["part"] == "ranking"]
    training = rows[rows["part"] == "training"]
    devices = rows[rows["part"] == "devices"]
    return {
        "idle": [{"peak_mb": idle}],
        "ranking": _grouped(ranking, ["size", "threads"]),
        "training": _grouped(training, ["size", "ranker"]),
        "devices": _grouped(devices, ["size"]),
        "workers": [
            row
            for part in ("rankers trained", "searches")
            for row in _efficiency(rows[rows["part"] == part])
        ],
    }


def _grouped(rows: pd.DataFrame, keys: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each size: median of the seconds, greatest memory, mean tau."""
    found = []
    for _, part in rows.groupby(list(keys), sort=False):
        row: dict[str, Any] = {key: part[key].iloc[0] for key in keys}
        row = {k: v if isinstance(v, str) else int(v) for k, v in row.items()}
        row |= {
            "seconds": round(float(part["seconds"].median()), 3),
            "slowest": round(float(part["seconds"].max()), 3),
            "peak_mb": round(float(part["peak_mb"].max())),
            "runs": len(part),
        }
        if part["tau"].notna().all():
            row["tau"] = round(float(part["tau"].mean()), 4)
        found.append(row)
    return found


def _efficiency(rows: pd.DataFrame) -> list[dict[str, Any]]:
    alone = float(rows[rows["size"] == 1]["seconds"].iloc[0])
    return [
        {
            "part": str(row["part"]),
            "workers": int(row["size"]),
            "seconds": round(float(row["seconds"]), 2),
            "speed_up": round(alone / row["seconds"], 2),
            "efficiency": round(alone / row["seconds"] / row["size"], 2),
        }
        for row in rows.to_dict("records")
    ]
