"""Nodes of the stage `search`: the search itself, what it found, and other samplers beside it."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.candidates import TrainOracle, accuracy_table
from brpnas.devices import Device
from brpnas.errors import InfeasibleError
from brpnas.fanout import Engine, SerialEngine, get_engine
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import LatencyModel, PairwiseRanker, training_pool
from brpnas.search import (
    FileOracle,
    Oracle,
    SearchContext,
    SearchStore,
    chosen,
    compare,
    fit_ranker,
    leaderboard,
    run_search,
    trace,
)
from pipelines.config import (
    ExportConfig,
    ImagesConfig,
    MeasureConfig,
    Sampler,
    SearchConfig,
    TrainCandidatesConfig,
    parse,
)
from pipelines.network import network_config
from pipelines.search.check import device_check, table_check
from pipelines.search.found import PRECISION
from pipelines.search.oracles import Files, cheap_oracle, make_oracle
from pipelines.search.sizes import answering_sizes, check_latency_size
from pipelines.search.task import (
    feasible,
    fingerprint,
    held_out_scores,
    make_context,
    make_sampler,
    margin_factor,
    measures_first,
    predicted_metrics,
    reachable,
    relation_factory,
)
from pipelines.search.winner import Found, deliver

__all__ = ["compare_samplers", "search_architecture", "summarise_search"]

logger = logging.getLogger(__name__)


def search_architecture(  # noqa: PLR0913, PLR0917 - one argument per data set
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    latency_predictor: LatencyModel,
    surrogate: Files,
    store: Path,
    by_hand: Path,
    known_devices: Mapping[str, Device],
    space: str,
    dataset: str,
    constraints: Sequence[str],
    params: Mapping[str, Any],
    network: Mapping[str, Any],
    images: Mapping[str, Any],
    candidate_params: Mapping[str, Any],
    measure_params: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame, PairwiseRanker, pd.DataFrame, bytes]:
    """Run the search, or what is left of it, and train the ranker on all that it learnt.

    Args:
        graphs: The architectures that `ingest` has listed: the whole space, or a sample.
        architectures: Which of them compute the same function.
        accuracy: The table that answers queries, if the oracle is the table.
        latency_predictions: Their predicted latency.
        latency_predictor: Predicts the latency of architectures that are not listed.
        surrogate: Gives the files of NAS-Bench-301, if the oracle is the surrogate.
        store: Folder for the answers; one file per task, named by a hash of it. Networks that the
            oracle trains are kept there too.
        by_hand: Folder of the questions and answers, if these are given by hand.
        known_devices: The catalogue of one's own devices.
        space: Name of the space.
        dataset: Data set of the accuracies.
        constraints: What an answer must satisfy by prediction.
        params: Parameters of the stage.
        network: Size of the networks that are trained and measured.
        images: What they are trained on, if the oracle trains.
        candidate_params: Parameters of `train_candidates`, by which the oracle trains.
        measure_params: Parameters of `measure`, by which latency is measured before asking.

    Returns:
        All queries, one row each, where ``metric`` names what ``accuracy`` holds; what was
        measured before it was to be asked, likewise; the binary relation predictor; the accuracies
        that the oracle found by training; and the network chosen with its trained weights, or
        nothing.

    Raises:
        ConfigurationError: If it would train or measure networks of another size than those whose
            latency is predicted.
        AnswersPendingError: If the oracle waits for answers that are given by hand.
        TrainingError: If the final training of the network found fails.
    """
    config = parse(SearchConfig, params)
    candidates = parse(TrainCandidatesConfig, candidate_params)
    measure = parse(MeasureConfig, measure_params)
    size = network_config(network)
    check_latency_size(config, size, latency_predictions, space)
    tables = (graphs, architectures, accuracy, latency_predictions, latency_predictor)
    context = make_context(*tables, space, dataset, constraints, size, config)
    with (
        _engine(config, candidates) as engine,
        _meter(config, constraints, measure) as meter,
        training_pool(min(config.workers, config.ranker.members)) as pool,
    ):
        places = (size, parse(ImagesConfig, images), by_hand, store, engine)
        oracle = make_oracle(config, candidates, accuracy, surrogate, space, dataset, *places)
        sampler = make_sampler(config.sampler, config, pool)
        check = table_check(config, constraints, latency_predictions) or device_check(
            config, constraints, latency_predictions, known_devices, space, size, measure, meter
        )
        task, name = fingerprint(context, sampler, oracle, check, config.ranker, accuracy)
        path = store / f"{name}.jsonl"
        with SearchStore(path, task) as log:
            if log.answers:
                logger.info("Resuming from the %d answers in %s", len(log.answers), path)
            result = run_search(context, sampler, oracle, config.budget, check=check, store=log)
        ranker = fit_ranker(relation_factory(config.ranker, pool), context, result.records)
        found = _trained(oracle, result.history, dataset, config)
    history = result.history.assign(metric=config.metric)
    return history, result.measurements, ranker, *found


def _engine(config: SearchConfig, candidates: TrainCandidatesConfig) -> Engine:
    """Where networks are trained, if any are: no cluster is asked for a look into a table."""
    if config.oracle != "train":
        return SerialEngine()
    return get_engine(candidates.workers, candidates.scheduler)


def _meter(config: SearchConfig, constraints: Sequence[str], measure: MeasureConfig) -> Engine:
    """Where architectures are measured, if any are."""
    measured = config.latency == "device" and measures_first(config, constraints)
    return get_engine(scheduler=measure.scheduler if measured else None)


def _trained(
    oracle: Oracle, history: pd.DataFrame, dataset: str, config: SearchConfig
) -> tuple[pd.DataFrame, bytes]:
    """What the oracle trained: its accuracies, and the network chosen, after its final training."""
    if isinstance(oracle, TrainOracle):
        winner = chosen(history)
        runs = history[(history["arch_id"] == winner) & (history["status"] == "ok")]
        seed = int(runs.loc[runs["accuracy"].astype(float).idxmax(), "seed"])
        network = oracle.final if config.final_training else oracle.network  # "auto" too
        return oracle.accuracy(history), network(winner, seed).to_bytes()
    if isinstance(oracle, FileOracle):
        return oracle.accuracy(), b""
    return accuracy_table([], dataset, 1), b""


def summarise_search(  # noqa: PLR0913, PLR0917 - one argument per data set
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    history: pd.DataFrame,
    measurements: pd.DataFrame,
    oracle_accuracy: pd.DataFrame,
    winner_network: bytes,
    known_devices: Mapping[str, Device],
    space: str,
    dataset: str,
    constraints: Sequence[str],
    params: Mapping[str, Any],
    network: Mapping[str, Any],
    measure_params: Mapping[str, Any],
    export_params: Mapping[str, Any],
) -> dict[str, Any]:
    """What the search found, scored by test accuracies that it never saw.

    If the configuration says so, the network file that `export` delivers is measured here and now,
    and that is the latency reported.

    Returns:
        The task, the ten best of the queried, and of the architecture found, null where unknown and
        accuracies as fractions: ``chosen``, the figures of the network file (`Delivered.figures`
        and its cost); ``known``, what the search knew, of networks that may be others than the file
        (those whose latency is predicted, and its trainings); ``held_out``, test scores of these
        trainings. Scores of the file itself are those of `export`.
    """
    config = parse(SearchConfig, params)
    winner = chosen(history)
    arch_ids = architectures["arch_id"].tolist()
    size = network_config(network)
    metrics = predicted_metrics(latency_predictions, arch_ids, space, size)
    listed = (constraints, metrics, latency_predictions, arch_ids, config)
    mask: npt.NDArray[np.bool_] = np.zeros(len(arch_ids), np.bool_)
    found: npt.NDArray[np.bool_] | None = mask
    with suppress(InfeasibleError):  # of the few that are listed; the search found others
        mask = feasible(*listed)
    with suppress(InfeasibleError):
        found = reachable(*listed)
    allowed = None if found is None else architectures["arch_id"][found].tolist()
    scores = held_out_scores(config, accuracy, oracle_accuracy, dataset, allowed)
    last = trace(history, scores).iloc[-1]
    said = history[history["arch_id"] == winner].iloc[0]
    predicted = float(said["predicted_latency_ms"])
    sizes = answering_sizes(config, accuracy, dataset, space)
    delivered, digest = deliver(
        Found(winner, winner_network, predicted, _known(said["latency_ms"]), sizes),
        latency_predictions,
        known_devices,
        space,
        size,
        config,
        parse(MeasureConfig, measure_params),
        parse(ExportConfig, export_params),
    )
    figures = delivered.figures()
    logger.info("Found %s, of %d architectures asked", winner, history["arch_id"].nunique())
    if delivered.measured is not None:
        error = figures["latency_error"]
        logger.info(
            "Latency of the network found: predicted %.4g ms, measured %.4g ms%s",
            predicted,
            delivered.measured.ms,
            "" if error is None else f", error {100 * float(error):+.1f} %",
        )
    known, mine = delivered.known, delivered.predicted.of.device
    return {
        "space": space,
        "dataset": dataset,
        "constraints": list(constraints),
        "oracle": config.oracle,
        "metric": config.metric,
        "sampler": config.sampler,
        "budget": config.budget,
        "rounds": config.rounds,
        "flops_prior": config.flops_prior if config.sampler == "brp" else 0,
        "chosen_by": config.choose_by if config.sampler == "brp" else "answers",
        "latency": config.latency,
        "latency_margin": margin_factor(latency_predictions, config) - 1,
        "measured": int(measurements["latency_ms"].notna().sum()),
        "refused": int((~measurements["within"]).sum()),
        "seed": config.seed,
        "queries": len(history),
        "failed": int((history["status"] == "failed").sum()),
        "beyond": int((~history["feasible"]).sum()),
        "feasible": int(mask.sum()),
        "network": {
            "size": size.size,
            "precision": PRECISION,
            "measured_sha256": digest,
            "notes": delivered.notes(),
        },
        "chosen": {
            "arch_id": winner,
            **figures,
            "params_m": _known(said["predicted_params_m"]),
            "flops_m": _known(said["predicted_flops_m"]),
        },
        "known": {
            "predicted_latency_ms": predicted,
            "latency_ms": known.ms if known and known.of.device == mine else None,
            **_scores(winner, oracle_accuracy, last, "valid"),
        },
        "held_out": {
            **_scores(winner, oracle_accuracy, last, "test"),
            "test_seeds": scores.seeds.get(winner),
            "regret": _known(last["regret"]),
            "optimum_test_accuracy": _known(scores.optimum),
            "best_test_seen": _known(last["best_test_seen"]),
            "best_single_seed_test_seen": _known(last["best_single_seed_test_seen"]),
        },
        "leaders": leaderboard(history)
        .head(10)
        .rename(columns={"accuracy": f"valid_{config.metric}"})
        .to_dict("records"),
    }


def _scores(
    winner: str, oracle_accuracy: pd.DataFrame, last: pd.Series[Any], split: str
) -> dict[str, float | None]:
    """Scores of the winner's trainings in the search, by metric, means over seeds."""
    if "balanced_accuracy" not in oracle_accuracy:
        return {f"{split}_accuracy": _known(last[f"chosen_{split}"])}
    rows = (oracle_accuracy["arch_id"] == winner) & (oracle_accuracy["split"] == split)
    means = oracle_accuracy.loc[rows, ["accuracy", "balanced_accuracy"]].mean()
    return {f"{split}_{metric}": _known(value) for metric, value in means.items()}


def compare_samplers(  # noqa: PLR0913, PLR0917 - one argument per data set
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    latency_predictor: LatencyModel,
    surrogate: Files,
    history: pd.DataFrame,
    oracle_accuracy: pd.DataFrame,
    space: str,
    dataset: str,
    constraints: Sequence[str],
    params: Mapping[str, Any],
    network: Mapping[str, Any],
) -> pd.DataFrame:
    """Traces of every sampler over several seeds, for the curves of the report.

    With ``comparison_seeds: 0``, and where answers are not to be had from a table or a surrogate or
    latency is measured, it is the trace of the search itself.

    Returns:
        Columns ``sampler, seed, query`` and those of `brpnas.search.trace`.
    """
    config = parse(SearchConfig, params)
    tables = (graphs, architectures, accuracy, latency_predictions, latency_predictor)
    size = network_config(network)
    context = make_context(*tables, space, dataset, constraints, size, config)
    allowed: list[str] | None = []
    if isinstance(context, SearchContext):
        metrics = {name: np.asarray(values) for name, values in context.predicted.items()}
        found = reachable(constraints, metrics, latency_predictions, context.arch_ids, config)
        allowed = None if found is None else context.names(np.flatnonzero(found & context.feasible))
    scores = held_out_scores(config, accuracy, oracle_accuracy, dataset, allowed)
    on_device = config.latency == "device" and measures_first(config, constraints)
    answered_at_once = config.oracle in {"table", "surrogate"} and not on_device
    if not config.comparison_seeds or not answered_at_once:
        own = trace(history, scores)
        own.insert(0, "seed", config.seed)
        own.insert(0, "sampler", config.sampler)
        return own
    return compare(
        context,
        {name: make_sampler(name, config) for name in get_args(Sampler)},
        cheap_oracle(config, accuracy, surrogate, dataset),
        scores,
        budget=config.budget,
        seeds=range(config.seed, config.seed + config.comparison_seeds),
        check=table_check(config, constraints, latency_predictions),
        workers=config.workers,
    )


def _known(value: Any) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else float(value)
