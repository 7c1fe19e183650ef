"""Nodes of the stage `search`: the search, its summary, and a comparison of samplers."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.candidates import TrainOracle, accuracy_table
from brpnas.errors import ConfigurationError
from brpnas.predictors import PairwiseRanker, training_pool
from brpnas.search import (
    CandidatePool,
    EarlyStopping,
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
from pipelines.search.compared import FrontSearches, compare_fronts, front_traces
from pipelines.search.latencies import FoundLatencies, found_latencies
from pipelines.search.measuring import Measuring, set_up_measuring
from pipelines.search.objectives import front_of, front_table, read_objectives, with_choice
from pipelines.search.oracles import OracleSetup, set_up_oracle
from pipelines.search.pool import set_up_limits, set_up_pool
from pipelines.search.samplers import compared, make_sampler, pairwise_factory
from pipelines.search.scores import SearchScores, best_seed, known, score_held_out
from pipelines.search.settings import SearchSettings, read_settings
from pipelines.training import delivered_network

__all__ = [
    "compare_samplers",
    "found_latencies",
    "read_objectives",
    "read_settings",
    "score_held_out",
    "search_architecture",
    "set_up_limits",
    "set_up_measuring",
    "set_up_oracle",
    "set_up_pool",
    "summarise_search",
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
        ConfigurationError: If trainings in flight would disturb the measurements.
        TrainingError: If the final training of the chosen network fails.
    """
    config = settings.search
    if config.parallel and measuring.on_device and measuring.is_here and oracle_setup.trains_here:
        raise ConfigurationError(
            "search.parallel keeps trainings in flight on this machine while search.limits.source "
            "'device' measures on it, so the latencies would be wrong: set search.parallel to "
            "null, search.limits.source to predicted or table, timing.target or timing.scheduler "
            "to another machine, or network_training.scheduler to a cluster of other machines."
        )
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
                pool,
                sampler,
                oracle,
                queries,
                metric_filter=metric_filter,
                store=log,
                parallel=config.parallel,
                stopping=EarlyStopping() if config.early_stopping else None,
            )
        make_ranker = pairwise_factory(config.sampler.ranker, processes)
        ranker = fit_ranker(make_ranker, pool, result.records)
        front = front_of(settings, result.history)
        history = with_choice(result.history, front).assign(metric=config.oracle.metric)
        trained = _trained(oracle, history, settings)
    _log.info("Found %s, of %d architectures asked", chosen(history), history["arch_id"].nunique())
    if config.early_stopping and (epochs := _epochs(history)):
        _log.info("Early stopping: %(trained)d of %(to_the_end)d epochs trained", epochs)
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
    parallel = setup.settings.search.parallel
    full = search_fingerprint(pool, sampler, oracle, metric_filter, parallel=parallel)
    full["brpnas"] = version("brpnas")
    if isinstance(oracle, TableOracle):
        table = setup.accuracy
        rows = table[(table["dataset"] == oracle.dataset) & (table["split"] == "valid")]
        full["answers"] = f"{int(pd.util.hash_pandas_object(rows, index=False).sum()):x}"
    if setup.settings.search.early_stopping:
        full["early_stopping"] = asdict(EarlyStopping())
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
        seed = best_seed(history[(history["arch_id"] == winner) & (history["status"] == "ok")])
        assert seed is not None  # each training has one
        network = delivered_network(oracle, winner, seed, settings.search.oracle)
        return oracle.accuracy(history), network
    if isinstance(oracle, FileOracle):
        return oracle.accuracy(), b""
    return accuracy_table([], settings.dataset, 1), b""


def summarise_search(
    settings: SearchSettings,
    limits: Limits,
    history: pd.DataFrame,
    measurements: pd.DataFrame,
    scores: SearchScores,
    latencies: Sequence[FoundLatencies],
) -> dict[str, Any]:
    """The result of the search, for the report and the tracker.

    Returns:
        The task (`SearchSettings.task`), the ten best queried architectures, and figures of the
        chosen architecture (null if unknown, accuracies as fractions). ``chosen`` holds its cost
        and every predicted and measured metric.
        ``known`` holds figures of the search: latency of the predictor's networks and accuracy of
        the search's trainings, perhaps not of the delivered file; ``latencies`` also tells whose
        they are. ``held_out`` holds test scores of these trainings. ``seed`` is the seed of its
        best answer. ``members`` holds these figures of each member of the front, in its order.
        `export` gives the figures of the file itself.
    """
    last, front = scores.last(history), front_of(settings, history)
    found = {one.arch_id: _figures(one, history, scores) for one in latencies}
    winner = found[latencies[0].arch_id]
    return {
        "task": settings.task(),
        "confidence": limits.confidence if limits.errors else None,
        "sources": dict(limits.sources),
        "measured": int((measurements["message"] == "").sum()),
        "refused": int((~measurements["within"]).sum()),
        "front": front and front.to_json(),
        "queries": len(history),
        "failed": int((history["status"] == "failed").sum()),
        "stopped": int((history["status"] == "stopped").sum()),
        "epochs": _epochs(history),
        "infeasible": int((~history["feasible"]).sum()),
        "feasible": scores.feasible,
        "network": {
            "size": settings.network.size,
            "accuracy_sizes": list(latencies[0].accuracy_sizes),
        },
        **winner,
        "held_out": {
            **winner["held_out"],
            "regret": None if front else known(last["regret"]),
            "optimum_test_accuracy": known(scores.held_out.optimum),
            "best_test_seen": known(last["best_test_seen"]),
            "best_single_seed_test_seen": known(last["best_single_seed_test_seen"]),
        },
        "leaders": leaderboard(history)
        .head(10)
        .rename(columns={"accuracy": f"valid_{settings.search.oracle.metric}"})
        .to_dict("records"),
        "members": [found[name] for name in front_table(history, front)["arch_id"]],
    }


def _epochs(history: pd.DataFrame) -> dict[str, int] | None:
    """Epochs of all trainings, and those that they would have taken to the end; null if unknown."""
    trained = history["epochs"].dropna()
    if trained.empty:
        return None
    return {"trained": int(trained.sum()), "to_the_end": int(trained.max()) * len(trained)}


def _figures(one: FoundLatencies, history: pd.DataFrame, scores: SearchScores) -> dict[str, Any]:
    """Figures of an architecture of the front, as in the result of the search."""
    runs = history[(history["arch_id"] == one.arch_id) & (history["status"] == "ok")]
    row, before, device = runs.iloc[0], one.known, one.predicted.of.device
    return {
        "chosen": {
            "arch_id": one.arch_id,
            "params_m": known(row["predicted_params_m"]),
            "flops_m": known(row["predicted_flops_m"]),
            "metrics": _metrics(row),
        },
        "seed": best_seed(runs),
        "latencies": {"predicted": one.predicted.plain(), "known": before and before.plain()},
        "known": {
            "predicted_latency_ms": one.predicted.ms,
            "latency_ms": before.ms if before and before.of.device == device else None,
            **scores.of(one.arch_id, runs, "valid"),
        },
        "held_out": {
            **scores.of(one.arch_id, runs, "test"),
            "test_seeds": scores.held_out.seeds.get(one.arch_id),
        },
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
        Columns ``sampler, seed, query`` and those of `brpnas.search.trace`; with several objectives
        ``hypervolume`` too, see `pipelines.search.compared.front_traces`.
    """
    config, several = settings.search, settings.objectives.several
    count = config.report.comparison_seeds
    if not count or not oracle_setup.is_free or measuring.on_device:
        if several:
            own = {(config.sampler.name, config.seed): history}
            return front_traces(own, settings.objectives, settings.known, scores.held_out)
        table = trace(history, scores.held_out)
        table.insert(0, "seed", config.seed)
        table.insert(0, "sampler", config.sampler.name)
        return table
    samplers = {
        name: make_sampler(
            config.sampler.model_copy(update={"name": name}),
            config.budget,
            objectives=settings.objectives,
            known=settings.known,
        )
        for name in compared(settings.objectives)
    }
    make_oracle, budget = oracle_setup.factory(), config.budget.queries
    seeds, looked_up = range(config.seed, config.seed + count), measuring.table_filter
    if several:
        searches = FrontSearches(pool, samplers, make_oracle, budget, looked_up, config.parallel)
        return compare_fronts(settings, searches, scores.held_out, seeds)
    return compare(
        pool,
        samplers,
        make_oracle,
        scores.held_out,
        budget=budget,
        seeds=seeds,
        metric_filter=looked_up,
        workers=config.workers,
        parallel=config.parallel,
    )
