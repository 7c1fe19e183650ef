"""Seconds of each step, and the slow-down of the published recipe on the same machine.

The published recipe (`benchmarks.published`: batch of one pair, comparison sort) trains for all its
epochs on few cells, and ranks a part of the space; its time for a whole search is extrapolated from
pairs and comparisons to 100 queries in 5 rounds (n log2 n comparisons per ranking). *Lenient*:
pairs in batches of 64, unlike published, and embeddings computed once before the ranking, as in the
released code. Quality is compared on the same training cells, answers and view (pruned): Kendall's
tau of the ranking of other cells with their test accuracy (CIFAR-100). One thread per process.
Start times of commands are measured by `benchmarks.start`.
"""

from __future__ import annotations

import math
import statistics
from concurrent.futures import Executor
from typing import Any

import numpy as np
import torch

from benchmarks.data import bench, settings, stopwatch
from benchmarks.latency import DEVICES, fit_once, split
from benchmarks.published import PublishedRecipe
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.start import measure
from brpnas.graphs import GraphBatch
from brpnas.metrics import kendall
from brpnas.predictors import training_pool
from brpnas.predictors.backbones import DenseGCN
from brpnas.predictors.sparse import SparseGCN
from brpnas.predictors.tensors import to_pyg_batch, to_tensors
from brpnas.search import run_search
from brpnas.spaces import get_space
from pipelines.config import RankerConfig, parse
from pipelines.search.samplers import ranker_factory

__all__ = ["run"]

SEEDS = 1, 5
DATASET = "cifar100"
BUDGET, ROUNDS, CELLS, RANKED = 100, 5, 8, 400
LENIENT_BATCH = 64


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Seconds of each step, and of the published recipe."""
    start = measure(1 if quick else 5, 0 if quick else 3)
    torch.set_num_threads(1)
    times = {"encode 15,625 cells, all views": _times(get_space("nasbench201").graphs, seeds)}
    with training_pool(workers) as pool:
        pool and pool.submit(int).result()  # the processes start before the clock does
        times |= _project(seeds, pool) | _dense_and_sparse(seeds)
        published = _published(2 if quick else 250, 1 if quick else 2, pool)
    ours = statistics.median(times[f"search, {BUDGET} queries, {ROUNDS} rounds"])
    return {
        "seeds": seeds,
        "start": start,
        "seconds": {
            k: [round(min(v), 4), round(statistics.median(v), 4), round(max(v), 4)]
            for k, v in times.items()
        },
        "published": {
            **published,
            "times_slower": round(published["search_s"] / ours),
            "lenient_times_slower": round(published["lenient_search_s"] / ours),
        },
    }


def _times(call: Any, repeats: int) -> list[float]:
    result = []
    for _ in range(repeats):
        with stopwatch() as seconds:
            call()
        result += seconds
    return result


def _project(seeds: int, pool: Executor | None) -> dict[str, list[float]]:
    """One latency fit, one search, one ranking."""
    train, search = settings("train"), settings("search")
    table = bench().latency(DEVICES["desktop CPU"])
    view = search["sampler"]["ranker"]["view"]
    result: dict[str, list[float]] = {}
    result["latency predictor, 900 cells, view chosen too"] = [
        _times(lambda s=seed: fit_once(table, split(len(table), s), s, train, pool), 1)[0]
        for seed in range(seeds)
    ]
    cells, oracle = bench().pool(view), bench().oracle(DATASET)
    for rounds in (ROUNDS, search["budget"]["rounds"]):
        sampler = make_sampler_of({"sampler": "brp", "config": search_settings(rounds=rounds)})
        result[f"search, {BUDGET} queries, {rounds} rounds"] = _times(
            lambda s=sampler: run_search(cells, s, oracle, BUDGET, progress=False), seeds
        )
    ranker = ranker_factory(parse(RankerConfig, search["sampler"]["ranker"]))()
    ranker.fit(bench().graphs.view(view)[np.arange(50)], np.linspace(0, 1, 50), 0)
    result["ranking of all 15,625 cells"] = _times(
        lambda: ranker.score(bench().graphs.view(view)).argsort(), max(seeds, 5)
    )
    return result


def _dense_and_sparse(seeds: int) -> dict[str, list[float]]:
    """The dense GCN and its reference on PyTorch Geometric, on the same 4,096 cells."""
    graphs = bench().graphs.view("pruned")[np.arange(0, len(bench().graphs), 4)]
    dense = DenseGCN(graphs.num_ops, 64, 4).eval()
    sparse, tensors, union = SparseGCN(dense).eval(), to_tensors(graphs), to_pyg_batch(graphs)
    with torch.inference_mode():
        return {
            f"dense GCN, {len(graphs)} cells": _times(lambda: dense(*tensors), max(seeds, 5)),
            f"sparse GCN (PyG), {len(graphs)} cells": _times(lambda: sparse(union), max(seeds, 5)),
        }


def _published(epochs: int, seeds: int, pool: Executor | None) -> dict[str, Any]:
    graphs = bench().graphs.view("pruned")
    arch_ids = list(bench().graphs.arch_ids)
    test = bench().test(DATASET)
    valid = bench().accuracy.query("dataset == @DATASET and split == 'valid'")
    answers = valid.groupby("arch_id")["accuracy"].first().reindex(arch_ids).to_numpy()
    ranker = ranker_factory(parse(RankerConfig, settings("search")["sampler"]["ranker"]))()
    jobs, ours = [], []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(graphs))
        train, ranked = order[:CELLS], order[CELLS : CELLS + RANKED]
        job = (graphs[train], answers[train], graphs[ranked], test[ranked], epochs, seed)
        jobs.append(pool.submit(_published_once, *job) if pool else _published_once(*job))
        ranker.fit(graphs[train], answers[train], seed)
        ours.append(round(kendall(ranker.score(graphs[ranked]), test[ranked]), 3))
    done = [job if isinstance(job, tuple) else job.result() for job in jobs]
    pair_s, comparison_s, taus, lenient_pair_s, lenient_s = zip(*done, strict=True)
    n, batch = len(graphs), BUDGET // ROUNDS
    pairs = sum((batch * r) * (batch * r - 1) for r in range(1, ROUNDS)) * 250
    ranking_s = n * math.log2(n) * statistics.mean(comparison_s)
    lenient_ranking_s = n * math.log2(n) * statistics.mean(lenient_s)
    lenient_search_s = pairs * statistics.mean(lenient_pair_s) + (ROUNDS - 1) * lenient_ranking_s
    return {
        "lenient_pair_ms": round(1e3 * statistics.mean(lenient_pair_s), 3),
        "lenient_ranking_s": round(lenient_ranking_s, 1),
        "lenient_search_s": round(lenient_search_s, 1),
        "pair_ms": round(1e3 * statistics.mean(pair_s), 3),
        "comparison_ms": round(1e3 * statistics.mean(comparison_s), 3),
        "ranking_s": round(ranking_s, 1),
        "search_s": round(pairs * statistics.mean(pair_s) + (ROUNDS - 1) * ranking_s, 1),
        "epochs": epochs,
        "tau": list(taus),
        "tau_ours": ours,
    }


def _published_once(
    train: GraphBatch,
    accuracy: np.ndarray,
    ranked: GraphBatch,
    test: np.ndarray,
    epochs: int,
    seed: int,
) -> tuple[float, float, float, float, float]:
    """Seconds of a pair and of a comparison, tau, and the seconds of both counted leniently."""
    torch.set_num_threads(1)
    recipe = PublishedRecipe(epochs)
    recipe.fit(train, accuracy, seed)
    with stopwatch() as seconds:
        ranking = recipe.rank(ranked)
    place = np.empty(len(ranking))
    place[ranking] = -np.arange(len(ranking))
    tau, comparison_s = round(kendall(place, test), 3), seconds[0] / recipe.comparisons
    with stopwatch() as seconds:
        recipe.rank(ranked, embedded=True)
    lenient_s = seconds[0] / recipe.comparisons
    lenient = PublishedRecipe(max(2, epochs // 5), LENIENT_BATCH)
    many = GraphBatch(
        np.tile(train.ops, (4, 1)), np.tile(train.adj, (4, 1, 1)), train.num_ops
    )  # fuller batches, for the time alone
    lenient.fit(many, np.tile(accuracy, 4), seed)
    return recipe.pair_s, comparison_s, tau, lenient.pair_s, lenient_s
