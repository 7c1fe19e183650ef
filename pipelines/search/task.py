"""The search task as the nodes of this stage set it up from tables and parameters."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import ConfigurationError, InfeasibleError, SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import (
    HybridRanker,
    LatencyModel,
    PairwiseRanker,
    TrainingConfig,
)
from brpnas.predictors.margin import lower_factor, shared_factor, upper_factor
from brpnas.search import (
    Constraint,
    HeldOutScores,
    LatencyCheck,
    OpenContext,
    Oracle,
    Sampler,
    SearchContext,
    TableOracle,
    feasible_mask,
    get_sampler,
    task_fingerprint,
)
from brpnas.search.samplers import Ranker
from brpnas.spaces import NetworkConfig, get_space
from pipelines.config import RankerConfig, SearchConfig
from pipelines.search.predict import PredictedMetrics

__all__ = [
    "feasible",
    "fingerprint",
    "held_out_scores",
    "make_context",
    "make_sampler",
    "margin_factor",
    "measures_first",
    "parsed",
    "predicted_metrics",
    "ranker_factory",
    "reachable",
    "relation_factory",
    "upper_margin",
]

_log = logging.getLogger(__name__)

METRICS = ("latency_ms", "flops_m", "params_m")
"""Metrics that a constraint may use."""


def predicted_metrics(
    latency_predictions: pd.DataFrame, arch_ids: Sequence[str], space: str, network: NetworkConfig
) -> dict[str, npt.NDArray[np.float64]]:
    """Each metric's values in the order of ``arch_ids``; unknown ones are NaN.

    Args:
        latency_predictions: What `train` has predicted.
        arch_ids: The architectures.
        space: Name of their space.
        network: Size of the networks whose parameters and multiply-adds are wanted.

    Raises:
        SchemaError: If an architecture has no predicted latency.
    """
    latency = latency_predictions.set_index("arch_id")["predicted_latency_ms"]
    latency = latency.reindex(list(arch_ids))
    missing = latency.isna()
    if missing.any():
        raise SchemaError(
            f"`latency_predictions` has no prediction for {int(missing.sum())} of {len(latency)} "
            f"architectures, the first of them {latency.index[missing][0]}: run train again."
        )
    params, flops = get_space(space).cost(list(arch_ids), network)
    return {
        "latency_ms": latency.to_numpy(np.float64),
        "flops_m": flops / 1e6,
        "params_m": params / 1e6,
    }


def feasible(
    constraints: Sequence[str],
    metrics: Mapping[str, npt.NDArray[np.float64]],
    latency_predictions: pd.DataFrame,
    arch_ids: Sequence[str],
    config: SearchConfig,
) -> npt.NDArray[np.bool_]:
    """Which architectures the search may consider, by the constraints and predicted metrics.

    A predicted latency counts with its margin, see `margin_factor`. The latency of the rows that
    the predictor learnt from is known and needs none. With a margin of nothing all are judged by
    prediction alone.

    Raises:
        InfeasibleError: If none does.
    """
    factor = margin_factor(latency_predictions, config)
    if factor == 1:
        return feasible_mask(constraints, metrics, len(arch_ids))
    known = latency_predictions[latency_predictions["split"].isin(["train", "valid"])]
    return _keeps(constraints, metrics, known, arch_ids, factor)


def reachable(
    constraints: Sequence[str],
    metrics: Mapping[str, npt.NDArray[np.float64]],
    latency_predictions: pd.DataFrame,
    arch_ids: Sequence[str],
    config: SearchConfig,
) -> npt.NDArray[np.bool_] | None:
    """Which architectures the search could have found: those it considers and does not refuse.

    None if nobody knows, because only what was about to be asked was measured.

    Raises:
        InfeasibleError: If there are none.
    """
    mask = feasible(constraints, metrics, latency_predictions, arch_ids, config)
    if not measures_first(config, constraints):
        return mask
    if config.latency == "device":
        return None
    factor = upper_margin(latency_predictions, config)
    return mask & _keeps(constraints, metrics, latency_predictions, arch_ids, factor)


def _likely(
    constraints: Sequence[str],
    metrics: Mapping[str, npt.NDArray[np.float64]],
    latency_predictions: pd.DataFrame,
    arch_ids: Sequence[str],
    config: SearchConfig,
) -> npt.NDArray[np.bool_] | None:
    """Where latency is measured before asking: which keep the constraints by prediction alone."""
    if not measures_first(config, constraints):
        return None
    with suppress(InfeasibleError):
        known = latency_predictions[latency_predictions["split"].isin(["train", "valid"])]
        return _keeps(constraints, metrics, known, arch_ids, 1.0)
    return np.zeros(len(arch_ids), np.bool_)


def _keeps(
    constraints: Sequence[str],
    metrics: Mapping[str, npt.NDArray[np.float64]],
    known: pd.DataFrame,
    arch_ids: Sequence[str],
    factor: float,
) -> npt.NDArray[np.bool_]:
    """Which keep the constraints, by measured latency where it is known, else with a margin."""
    measured = known.set_index("arch_id")["latency_ms"].reindex(list(arch_ids)).to_numpy()
    latency = np.where(np.isnan(measured), metrics["latency_ms"], measured)
    values = {**metrics, "latency_ms": latency}
    mask: npt.NDArray[np.bool_] = np.ones(len(arch_ids), np.bool_)
    for plain, limit in zip(parsed(constraints), _with_margin(constraints, factor), strict=True):
        kept = np.where(np.isnan(measured), limit.satisfied(values), plain.satisfied(values))
        mask &= kept
    if not mask.any():
        feasible_mask(_with_margin(constraints, max(factor, 1.0)), values, len(arch_ids))
        raise InfeasibleError(
            f"No architecture among {len(arch_ids)} satisfies {', '.join(map(repr, constraints))} "
            "with the margin that a prediction needs: loosen the constraint."
        )
    return mask


def margin_factor(latency_predictions: pd.DataFrame, config: SearchConfig) -> float:
    """What a predicted latency is multiplied with before it is held against a limit.

    Above 1 if the prediction decides. Below, if it only decides who is worth measuring.
    """
    if config.latency == "predicted":
        return upper_margin(latency_predictions, config)
    valid = _validation(latency_predictions)
    if valid is None:
        return 1 / shared_factor(latency_predictions["log_deviation"], config.rule_out_confidence)
    return lower_factor(*valid, config.rule_out_confidence)


def upper_margin(latency_predictions: pd.DataFrame, config: SearchConfig) -> float:
    """What a predicted latency is multiplied with where it decides by itself."""
    if not config.confidence:
        return 1.0
    valid = _validation(latency_predictions)
    if valid is None:
        return shared_factor(latency_predictions["log_deviation"], config.confidence)
    return upper_factor(*valid, config.confidence)


def _validation(
    latency_predictions: pd.DataFrame,
) -> tuple[pd.Series[float], pd.Series[float]] | None:
    """Predicted and measured latency of validation rows; None if the predictor had none.

    A predictor that was adapted from known devices learnt from all rows, and knows the deviation
    of each of its predictions instead.
    """
    valid = latency_predictions[latency_predictions["split"] == "valid"]
    if not len(valid) and latency_predictions["log_deviation"].notna().any():
        return None
    return valid["predicted_latency_ms"], valid["latency_ms"]


def parsed(constraints: Sequence[str]) -> list[Constraint]:
    """Constraints on the metrics that there are.

    Raises:
        ConstraintError: If one cannot be read or names an unknown metric.
    """
    return [Constraint.parse(text, METRICS) for text in constraints]


def measures_first(config: SearchConfig, constraints: Sequence[str]) -> bool:
    """Whether latency is measured or looked up before asking: that is set, and it has a limit."""
    limited = any("latency_ms" in dict(constraint.terms) for constraint in parsed(constraints))
    return limited and config.latency != "predicted"


def _with_margin(constraints: Sequence[str], factor: float) -> list[Constraint]:
    return [constraint.with_margin("latency_ms", factor) for constraint in parsed(constraints)]


def make_context(  # noqa: PLR0913, PLR0917 - one argument per data set
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    predictor: LatencyModel,
    space: str,
    dataset: str,
    constraints: Sequence[str],
    network: NetworkConfig,
    config: SearchConfig,
) -> SearchContext | OpenContext:
    """The search task: which architectures are feasible by their predicted metrics.

    Those that `ingest` has listed, or with ``candidates`` any of the space, drawn as they are
    needed. With the table oracle, only those that the table can answer are.

    Args:
        graphs: The architectures that are listed.
        architectures: Which of them compute the same function.
        accuracy: The table that answers, if the oracle is the table.
        latency_predictions: Their predicted latency.
        predictor: Predicts the latency of those that are not listed.
        space: Name of the space.
        dataset: Data set of the accuracies.
        constraints: What an answer must satisfy by prediction.
        network: Size of the networks, whose multiply-adds count.
        config: Oracle, seed, view and number of candidates.

    Raises:
        ConfigurationError: If architectures that are not listed are asked of a table.
        InfeasibleError: If none is feasible.
        SchemaError: If the graphs are of another space.
    """
    if graphs.space != space:
        raise SchemaError(
            f"The graphs are of the space {graphs.space!r}, but space is {space!r}: run ingest, "
            "featurise and train again, or set space back."
        )
    if config.candidates is not None:
        limits = _with_margin(constraints, margin_factor(latency_predictions, config))
        likely = parsed(constraints) if measures_first(config, constraints) else ()
        predict = PredictedMetrics(space, predictor, network)
        return _open_context(predict, limits, likely, config, config.candidates)
    metrics = predicted_metrics(latency_predictions, graphs.arch_ids, space, network)
    mask = feasible(constraints, metrics, latency_predictions, graphs.arch_ids, config)
    _log_feasible(constraints, metrics, mask, margin_factor(latency_predictions, config), config)
    valid = accuracy[(accuracy["dataset"] == dataset) & (accuracy["split"] == "valid")]
    # A data set without rows is an error of the oracle, which says what there is.
    answered = None
    if config.oracle == "table" and len(valid):
        answered = np.isin(graphs.arch_ids, valid["arch_id"].unique().tolist())
        if not answered[mask].all():
            _log.info("%d of %d feasible have accuracies", (mask & answered).sum(), mask.sum())
    functions = architectures.set_index("arch_id")["isomorphism_id"]
    return SearchContext.create(
        get_space(space),
        graphs,
        seed=config.seed,
        view=config.ranker.view,
        feasible=mask,
        likely=_likely(constraints, metrics, latency_predictions, graphs.arch_ids, config),
        answerable=answered,
        predicted=metrics,
        isomorphism_ids=functions.loc[list(graphs.arch_ids)].tolist(),
        network=network,
    )


def _log_feasible(
    constraints: Sequence[str],
    metrics: Mapping[str, npt.NDArray[np.float64]],
    mask: npt.NDArray[np.bool_],
    factor: float,
    config: SearchConfig,
) -> None:
    """Tell what the margin leaves, and warn where that is less than twice the budget."""
    if factor == 1 or config.latency != "predicted":
        return
    plain = np.ones(len(mask), np.bool_)
    for constraint in parsed(constraints):
        plain &= constraint.satisfied(metrics)
    left = int(mask.sum())
    _log.info(
        "%d of %d architectures are feasible with a margin of %.0f %% on predicted latency, %d "
        "without",
        *(left, len(mask), 100 * (factor - 1), int(plain.sum())),
    )
    if left < 2 * config.budget and left < plain.sum() / 2:
        _log.warning(
            "The margin of %.0f %% leaves %d architectures for a budget of %d queries. Measure "
            "more cells of the device to predict its latency more surely, loosen the limit, or "
            "lower search.confidence.",
            *(100 * (factor - 1), left, config.budget),
        )


def _open_context(
    predict: PredictedMetrics,
    constraints: Sequence[Constraint],
    likely: Sequence[Constraint],
    config: SearchConfig,
    candidates: int,
) -> OpenContext:
    if config.oracle == "table":
        raise ConfigurationError(
            "search.candidates draws architectures that are in no table, and search.oracle is "
            "'table', which cannot answer for them: set search.candidates to null."
        )
    return OpenContext.create(
        get_space(predict.space),
        seed=config.seed,
        candidates=candidates,
        view=config.ranker.view,
        predict=predict,
        constraints=constraints,
        likely=likely,
        predictor=predict.predictor.digest(),
        network=predict.network,
    )


def relation_factory(
    config: RankerConfig, pool: Executor | None = None
) -> Callable[[], PairwiseRanker]:
    """A function that makes an untrained relation; without a pool it can go to other processes."""
    training = TrainingConfig(**config.model_dump(exclude={"members", "view", "paths"}))
    return functools.partial(PairwiseRanker, training, config.members, config.view, pool=pool)


def ranker_factory(config: RankerConfig, pool: Executor | None = None) -> Callable[[], Ranker]:
    """A function that makes an untrained ranker, which is the relation alone or joined by paths."""
    make = relation_factory(config, pool)
    return functools.partial(_hybrid, make) if config.paths else make


def _hybrid(make: Callable[[], PairwiseRanker]) -> HybridRanker:
    return HybridRanker(make())


def make_sampler(name: str, config: SearchConfig, pool: Executor | None = None) -> Sampler:
    """The sampler of that name with its parameters from the configuration."""
    parameters: dict[str, Any] = {"repeats": config.repeats}
    if name != "brp":
        return get_sampler(name, parameters)
    if config.neighbours and config.candidates is None:
        raise ConfigurationError(
            "search.neighbours ranks architectures that are not listed, and search.candidates is "
            "null, so only those of ingest are asked: set search.neighbours to 0."
        )
    for key in (
        "rounds",
        "exploit_fraction",
        "neighbours",
        "flops_prior",
        "unconstrained_share",
        "choose_by",
    ):
        parameters[key] = getattr(config, key)
    return get_sampler(name, parameters, make_ranker=ranker_factory(config.ranker, pool))


def held_out_scores(
    config: SearchConfig,
    accuracy: pd.DataFrame,
    oracle_accuracy: pd.DataFrame,
    dataset: str,
    feasible: Sequence[str] | None,
) -> HeldOutScores:
    """Test accuracies to score a search with.

    With the table oracle those of the table, and the optimum is that of the feasible architectures,
    not known if these are not. Otherwise what the oracle has trained, where it says, and the
    optimum is not known. None where there are none, as in the public part of NAS-Bench-101 and with
    a surrogate. They are of the metric that answers have.
    """
    table = accuracy if config.oracle == "table" else oracle_accuracy
    if not ((table["split"] == "test") & (table["dataset"] == dataset)).any():
        return HeldOutScores({}, {}, math.nan)
    if config.oracle == "table":
        scores = HeldOutScores.from_table(accuracy, dataset, feasible)
        return scores if feasible is not None else replace(scores, optimum=math.nan)
    if config.metric != "accuracy":
        table = table.assign(accuracy=table[config.metric])
    return replace(HeldOutScores.from_table(table, dataset), optimum=math.nan)


def fingerprint(
    context: SearchContext | OpenContext,
    sampler: Sampler,
    oracle: Oracle,
    check: LatencyCheck | None,
    ranker: RankerConfig,
    accuracy: pd.DataFrame,
) -> tuple[dict[str, Any], str]:
    """What makes the search this search, and a short hash of it for the name of its store.

    The answers are part of it: a table with other accuracies is another task. So is the release of
    the library, whose samplers may ask differently.
    """
    task: Mapping[str, Any] = task_fingerprint(context, sampler, oracle, check)
    full = {**task, "brpnas": version("brpnas")}
    if isinstance(oracle, TableOracle):
        rows = accuracy[(accuracy["dataset"] == oracle.dataset) & (accuracy["split"] == "valid")]
        full["answers"] = f"{int(pd.util.hash_pandas_object(rows, index=False).sum()):x}"
    if sampler.name == "brp":
        full["ranker"] = ranker.model_dump()
    digest = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()
    return full, digest[:16]
