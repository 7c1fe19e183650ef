"""Nodes of the stage `search`: the search itself, what it found, and other samplers beside it."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import BinaryRelationPredictor, training_pool
from brpnas.search import (
    HeldOutScores,
    SearchStore,
    TableOracle,
    chosen,
    compare,
    feasible_mask,
    fit_ranker,
    leaderboard,
    run_search,
    trace,
)
from pipelines.config import Sampler, SearchConfig, parse
from pipelines.search.task import (
    feasible_scores,
    fingerprint,
    make_context,
    make_sampler,
    predicted_metrics,
    ranker_factory,
)

__all__ = ["compare_samplers", "search_architecture", "summarise_search"]

logger = logging.getLogger(__name__)


def search_architecture(
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    store: Path,
    dataset: str,
    constraints: Sequence[str],
    params: Mapping[str, Any],
) -> tuple[pd.DataFrame, BinaryRelationPredictor]:
    """Run the search, or what is left of it, and train the ranker on all that it learnt.

    Args:
        graphs: The whole space.
        architectures: Their parameters and multiply-adds.
        accuracy: The table that answers queries.
        latency_predictions: Predicted latency of the whole space.
        store: Folder for the answers; one file per task, named by a hash of it.
        dataset: Data set of the accuracies.
        constraints: What an answer must satisfy by prediction.
        params: Parameters of the stage.

    Returns:
        All queries, one row each, and the binary relation predictor.
    """
    config = parse(SearchConfig, params)
    context = make_context(graphs, architectures, latency_predictions, constraints, config)
    oracle = TableOracle(accuracy, dataset, config.seed)
    with training_pool(min(config.workers, config.ranker.members)) as pool:
        sampler = make_sampler(config.sampler, config, pool)
        task, name = fingerprint(context, sampler, oracle, config.ranker, accuracy)
        path = store / f"{name}.jsonl"
        with SearchStore(path, task) as log:
            if log.answers:
                logger.info("Resuming from the %d answers in %s", len(log.answers), path)
            result = run_search(context, sampler, oracle, config.budget, store=log)
        ranker = fit_ranker(ranker_factory(config.ranker, pool), context, result.records)
    return result.history, ranker


def summarise_search(
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    history: pd.DataFrame,
    dataset: str,
    constraints: Sequence[str],
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """What the search found, scored by test accuracies that it never saw.

    Returns:
        The task, the choice with its predicted and measured figures (null where unknown; accuracies
        as fractions), and the ten best of the queried.
    """
    config = parse(SearchConfig, params)
    winner = chosen(history)
    arch_ids = architectures["arch_id"].tolist()
    metrics = predicted_metrics(architectures, latency_predictions, arch_ids)
    mask = feasible_mask(constraints, metrics, len(arch_ids))
    scores = HeldOutScores.from_table(accuracy, dataset, architectures["arch_id"][mask].tolist())
    last = trace(history, scores).iloc[-1]
    row = arch_ids.index(winner)
    measured = latency_predictions.set_index("arch_id")["latency_ms"].get(winner)
    return {
        "space": str(architectures["space"].iloc[0]),
        "dataset": dataset,
        "constraints": list(constraints),
        "sampler": config.sampler,
        "budget": config.budget,
        "rounds": config.rounds,
        "seed": config.seed,
        "queries": len(history),
        "failed": int((history["status"] == "failed").sum()),
        "feasible": int(mask.sum()),
        "chosen": {
            "arch_id": winner,
            "predicted_latency_ms": float(metrics["latency_ms"][row]),
            "latency_ms": _known(measured),
            "params_m": _known(metrics["params_m"][row]),
            "flops_m": _known(metrics["flops_m"][row]),
            "valid_accuracy": _known(last["chosen_valid"]),
            "test_accuracy": _known(last["chosen_test"]),
            "regret": _known(last["regret"]),
            "optimum_test_accuracy": _known(scores.optimum),
            "best_test_seen": _known(last["best_test_seen"]),
            "best_single_seed_test_seen": _known(last["best_single_seed_test_seen"]),
        },
        "leaders": leaderboard(history).head(10).to_dict("records"),
    }


def compare_samplers(
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    history: pd.DataFrame,
    dataset: str,
    constraints: Sequence[str],
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Traces of every sampler over several seeds, for the curves of the report.

    With ``comparison_seeds: 0`` it is the trace of the search itself.

    Returns:
        Columns ``sampler, seed, query`` and those of `brpnas.search.trace`.
    """
    config = parse(SearchConfig, params)
    context = make_context(graphs, architectures, latency_predictions, constraints, config)
    scores = feasible_scores(accuracy, dataset, context)
    if not config.comparison_seeds:
        own = trace(history, scores)
        own.insert(0, "seed", config.seed)
        own.insert(0, "sampler", config.sampler)
        return own
    return compare(
        context,
        {name: make_sampler(name, config) for name in get_args(Sampler)},
        functools.partial(TableOracle, accuracy, dataset),
        scores,
        budget=config.budget,
        seeds=range(config.seed, config.seed + config.comparison_seeds),
        workers=config.workers,
    )


def _known(value: Any) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else float(value)
