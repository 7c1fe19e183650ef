"""Nodes of the stage `search`: the search, its summary, and a comparison of samplers."""

from __future__ import annotations

import hashlib
import json
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.candidates import TrainOracle, accuracy_table
from brpnas.predictors import PairwiseRanker, training_pool
from brpnas.search import (
    CandidatePool,
    FileOracle,
    Limits,
    ListedPool,
    MetricFilter,
    Oracle,
    SampledPool,
    Sampler,
    SearchStore,
    TableOracle,
    chosen,
    compare,
    fit_ranker,
    leaderboard,
    run_search,
    search_fingerprint,
    trace,
)
from pipelines.search.measuring import Measuring, set_up_measuring
from pipelines.search.objectives import front_of, front_table, read_objectives, with_choice
from pipelines.search.oracles import OracleSetup, set_up_oracle
from pipelines.search.pool import set_up_limits, set_up_pool
from pipelines.search.samplers import compared, make_sampler, pairwise_factory
from pipelines.search.scores import SearchScores, known, score_held_out
from pipelines.search.settings import SearchSettings, read_settings
from pipelines.search.winner import WinnerLatencies, winner_latencies

__all__ = [
    "compare_samplers",
    "read_objectives",
    "read_settings",
    "score_held_out",
    "search_architecture",
    "set_up_limits",
    "set_up_measuring",
    "set_up_oracle",
    "set_up_pool",
    "summarise_search",
    "winner_latencies",
]

_log = logging.getLogger(__name__)


def search_architecture(
    settings: SearchSettings,
    pool: ListedPool | SampledPool,
    oracle_setup: OracleSetup,
    measuring: Measuring,
    store: Path,
) -> tuple[pd.DataFrame, pd.DataFrame, PairwiseRanker, pd.DataFrame, bytes, pd.DataFrame]:
    """Run the search, or the rest of it, and train the ranker on all answers.

    Args:
        settings: Parameters of the search.
        pool: The candidate pool.
        oracle_setup: Answers queries.
        measuring: Measures uncertain proposals, with the sources ``table`` and ``device``.
        store: Folder of the answers; one file per search, named by its hash.

    Returns:
        All queries, one row each (``metric`` names the metric of ``accuracy``); all measurements,
        one row each; the pairwise ranker; the accuracies of the oracle's own trainings;
        the trained network of the chosen architecture, or empty bytes; and the members of the
        front, see `front_table`.

    Raises:
        AnswersPendingError: If the oracle waits for answers by hand.
        TrainingError: If the final training of the chosen network fails.
    """
    config = settings.search
    with (
        oracle_setup.opened() as oracle,
        measuring.metric_filter() as metric_filter,
        training_pool(min(config.workers, config.sampler.ranker.members)) as processes,
    ):
        sampler = make_sampler(
            config.sampler,
            config.budget,
            processes,
            objectives=settings.objectives,
            known=settings.known,
        )
        fingerprint, name = _fingerprint(pool, sampler, oracle, metric_filter, oracle_setup)
        path = store / f"{name}.jsonl"
        with SearchStore(path, fingerprint) as log:
            if log.answers:
                _log.info("Resuming from the %d answers in %s", len(log.answers), path)
            queries = config.budget.queries
            result = run_search(
                pool, sampler, oracle, queries, metric_filter=metric_filter, store=log
            )
        make_ranker = pairwise_factory(config.sampler.ranker, processes)
        ranker = fit_ranker(make_ranker, pool, result.records)
        front = front_of(settings, result.history)
        history = with_choice(result.history, front).assign(metric=config.oracle.metric)
        trained = _trained(oracle, history, settings)
    _log.info("Found %s, of %d architectures asked", chosen(history), history["arch_id"].nunique())
    return history, result.measurements, ranker, *trained, front_table(history, front)


def _fingerprint(
    pool: CandidatePool,
    sampler: Sampler,
    oracle: Oracle,
    metric_filter: MetricFilter | None,
    setup: OracleSetup,
) -> tuple[dict[str, Any], str]:
    """The fingerprint of a search, and its short hash for the file name.

    It includes the answers of a table and the release of the library: another release may
    propose other architectures.
    """
    full = search_fingerprint(pool, sampler, oracle, metric_filter)
    full["brpnas"] = version("brpnas")
    if isinstance(oracle, TableOracle):
        table = setup.accuracy
        rows = table[(table["dataset"] == oracle.dataset) & (table["split"] == "valid")]
        full["answers"] = f"{int(pd.util.hash_pandas_object(rows, index=False).sum()):x}"
    if sampler.name == "brp":
        full["ranker"] = setup.settings.search.sampler.ranker.model_dump()
    digest = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()
    return full, digest[:16]


def _trained(
    oracle: Oracle, history: pd.DataFrame, settings: SearchSettings
) -> tuple[pd.DataFrame, bytes]:
    """Accuracies of the oracle's trainings, and the chosen network after its final training."""
    if isinstance(oracle, TrainOracle):
        winner = chosen(history)
        runs = history[(history["arch_id"] == winner) & (history["status"] == "ok")]
        seed = int(runs.loc[runs["accuracy"].astype(float).idxmax(), "seed"])
        final = settings.search.oracle.final_training  # "auto" too
        network = oracle.final if final else oracle.network
        return oracle.accuracy(history), network(winner, seed).to_bytes()
    if isinstance(oracle, FileOracle):
        return oracle.accuracy(), b""
    return accuracy_table([], settings.dataset, 1), b""


def summarise_search(
    settings: SearchSettings,
    limits: Limits,
    history: pd.DataFrame,
    measurements: pd.DataFrame,
    scores: SearchScores,
    latencies: WinnerLatencies,
) -> dict[str, Any]:
    """The result of the search, for the report and the tracker.

    Returns:
        The task (`SearchSettings.task`), the ten best queried architectures, and figures of the
        chosen architecture (null if unknown, accuracies as fractions). ``chosen`` holds its cost
        and every predicted and measured metric.
        ``known`` holds figures of the search: latency of the predictor's networks and accuracy of
        the search's trainings, perhaps not of the delivered file; ``latencies`` also tells whose
        they are. ``held_out`` holds test scores of these trainings. `export` gives the figures of
        the file itself.
    """
    winner, before = latencies.arch_id, latencies.known
    row = history[history["arch_id"] == winner].iloc[0]
    last, device = scores.last(history), latencies.predicted.of.device
    front = front_of(settings, history)
    return {
        "task": settings.task(),
        "confidence": limits.confidence if limits.errors else None,
        "sources": dict(limits.sources),
        "measured": int((measurements["message"] == "").sum()),
        "refused": int((~measurements["within"]).sum()),
        "front": front and front.to_json(),
        "queries": len(history),
        "failed": int((history["status"] == "failed").sum()),
        "infeasible": int((~history["feasible"]).sum()),
        "feasible": scores.feasible,
        "network": {
            "size": settings.network.size,
            "accuracy_sizes": list(latencies.accuracy_sizes),
        },
        "latencies": {
            "predicted": latencies.predicted.plain(),
            "known": before and before.plain(),
        },
        "chosen": {
            "arch_id": winner,
            "params_m": known(row["predicted_params_m"]),
            "flops_m": known(row["predicted_flops_m"]),
            "metrics": _metrics(row),
        },
        "known": {
            "predicted_latency_ms": latencies.predicted.ms,
            "latency_ms": before.ms if before and before.of.device == device else None,
            **scores.of(winner, history, "valid"),
        },
        "held_out": {
            **scores.of(winner, history, "test"),
            "test_seeds": scores.held_out.seeds.get(winner),
            "regret": None if front else known(last["regret"]),
            "optimum_test_accuracy": known(scores.held_out.optimum),
            "best_test_seen": known(last["best_test_seen"]),
            "best_single_seed_test_seen": known(last["best_single_seed_test_seen"]),
        },
        "leaders": leaderboard(history)
        .head(10)
        .rename(columns={"accuracy": f"valid_{settings.search.oracle.metric}"})
        .to_dict("records"),
    }


def _metrics(row: pd.Series[Any]) -> dict[str, float | None]:
    """Predicted values of a query by column, and those that the search measured."""
    predicted = [str(name) for name in row.index if str(name).startswith("predicted_")]
    measured = [name.removeprefix("predicted_") for name in predicted]
    return {name: known(row[name]) for name in (*predicted, *measured) if name in row.index}


def compare_samplers(
    settings: SearchSettings,
    pool: ListedPool | SampledPool,
    oracle_setup: OracleSetup,
    measuring: Measuring,
    history: pd.DataFrame,
    scores: SearchScores,
) -> pd.DataFrame:
    """Traces of every sampler over several seeds, for the curves of the report.

    With ``report.comparison_seeds: 0``, or if answers or measurements cost time, only the trace of
    the search itself.

    Returns:
        Columns ``sampler, seed, query`` and those of `brpnas.search.trace`.
    """
    config = settings.search
    seeds = config.report.comparison_seeds
    if not seeds or not oracle_setup.is_free or measuring.on_device:
        own = trace(history, scores.held_out)
        own.insert(0, "seed", config.seed)
        own.insert(0, "sampler", config.sampler.name)
        return own
    return compare(
        pool,
        {
            name: make_sampler(
                config.sampler.model_copy(update={"name": name}),
                config.budget,
                objectives=settings.objectives,
                known=settings.known,
            )
            for name in compared(settings.objectives)
        },
        oracle_setup.factory(),
        scores.held_out,
        budget=config.budget.queries,
        seeds=range(config.seed, config.seed + seeds),
        metric_filter=measuring.table_filter,
        workers=config.workers,
    )
