"""Nodes of the stage `promote`: exported predictors are registered, then judged.

They use the registry of MLflow, see `pipelines.registry`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import (
    DeviceMetric,
    held_out,
    mean_accuracy,
    predicted_metrics,
    rows_of,
)
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import kendall, regression_metrics, spearman
from brpnas.predictors import PairwiseRanker
from pipelines.config import PromoteConfig, parse
from pipelines.registry import (
    Challenger,
    accuracy_model_name,
    licence_text,
    metric_model_name,
    promote,
    register,
)

__all__ = [
    "decide_champions",
    "own_card",
    "register_accuracy",
    "register_predictors",
    "score_test_cells",
]

_log = logging.getLogger(__name__)


def register_predictors(
    onnx: Mapping[str, bytes],
    predictions: pd.DataFrame,
    parity: Mapping[str, Any],
    card: str,
    test_share: float,
) -> list[str]:
    """Register the exported predictor of each device metric as challenger of its model.

    Its test rows are the permanent ones, independent of the random training rows.

    Args:
        onnx: The exported predictors by file name.
        predictions: Predicted and measured values of the whole space.
        parity: Largest error of each exported file against torch.
        card: Model cards of the exported files; only the card of a file is registered with it.
        test_share: Share of the cells that are always test rows.

    Returns:
        Names of the registered models, that of the task's latency first.
    """
    return [
        _registered(
            _challenger(
                metric,
                onnx[f"{metric}.onnx"],
                rows_of(predictions, metric),
                parity,
                own_card(card, f"predictors/{metric}.onnx"),
                test_share,
            )
        )
        for metric in predicted_metrics(predictions)
    ]


def _challenger(
    metric: DeviceMetric,
    onnx: bytes,
    predictions: pd.DataFrame,
    parity: Mapping[str, Any],
    card: str,
    test_share: float,
) -> Challenger:
    """The challenger of a device metric."""
    measured = predictions.dropna(subset=["measured"])
    test = measured[held_out(measured["arch_id"].tolist(), test_share)]
    answers = test[["arch_id", "measured", "predicted"]].rename(columns={"measured": "true"})
    figures = regression_metrics(answers["predicted"], answers["true"]) if len(answers) else {}
    rows = measured[["arch_id", "measured", "split"]].rename(columns={"measured": metric.metric})
    return Challenger(
        name=metric_model_name(metric),
        kind=metric.about.kind,  # type: ignore[arg-type]
        onnx=onnx,
        test=answers.reset_index(drop=True),
        parity=parity["predictors"][str(metric)],
        tolerance=parity["tolerance"],
        card=card,
        licence=licence_text(),
        metrics=figures,
        tags={"brpnas.rows": str(len(measured))},
        rows=rows.reset_index(drop=True),
    )


def score_test_cells(
    predictor: PairwiseRanker,
    graphs: SpaceGraphs,
    accuracy: pd.DataFrame,
    search_result: Mapping[str, Any],
    test_share: float,
) -> pd.DataFrame:
    """Scores of the permanent test rows, and their mean *test* accuracies.

    No search sees these accuracies. The search may have queried the validation accuracy of a few of
    these cells: one query in five, of thousands of cells.

    Args:
        predictor: The ranker.
        graphs: The whole space.
        accuracy: Table of accuracies.
        search_result: Result of the search, with its data set.
        test_share: Share of the cells that are always test rows.

    Returns:
        Columns ``arch_id, true, predicted``; no rows if the table lacks the data set.
    """
    dataset = str(search_result["task"]["dataset"])
    on_test = accuracy[(accuracy["dataset"] == dataset) & (accuracy["split"] == "test")]
    if on_test.empty:  # a live search has no table
        return pd.DataFrame({"arch_id": pd.Series(dtype="str"), "true": [], "predicted": []})
    means = mean_accuracy(accuracy, dataset, "test")
    means = means[held_out(means.index.tolist(), test_share)]
    rows = graphs.rows(means.index.tolist())
    scores = predictor.score(graphs.view(predictor.view)[rows])
    return pd.DataFrame(
        {"arch_id": means.index, "true": means.to_numpy(np.float64), "predicted": scores}
    )


def register_accuracy(
    onnx: bytes,
    answers: pd.DataFrame,
    search_result: Mapping[str, Any],
    parity: Mapping[str, float],
    card: str,
) -> str:
    """Register the exported ranker as challenger of its data set.

    Args:
        onnx: The exported ranker.
        answers: Its test rows, see `score_test_cells`.
        search_result: Result of the search, with its data set.
        parity: Largest error of each exported file against torch.
        card: Model cards of the exported files; only the card of this file is registered.

    Returns:
        Name of the registered model.
    """
    figures = {}
    if len(answers) > 1:
        both = answers["predicted"], answers["true"]
        figures = {"spearman": spearman(*both), "kendall": kendall(*both)}
    challenger = Challenger(
        name=accuracy_model_name(str(search_result["task"]["dataset"])),
        kind="accuracy",
        onnx=onnx,
        test=answers,
        parity=parity["ranker"],
        tolerance=parity["tolerance"],
        card=own_card(card, "ranker.onnx"),
        licence=licence_text(),
        metrics=figures,
    )
    return _registered(challenger)


def own_card(page: str, file: str) -> str:
    """The card of one file, from a page with all cards; the whole page if it names no file."""
    cards = page.split("\n---\n\n")
    return next((card for card in cards if f'InferenceSession("{file}"' in card), page)


def _registered(challenger: Challenger) -> str:
    version = register(challenger)
    _log.info("Registered %s, version %s, as challenger", challenger.name, version)
    return challenger.name


def decide_champions(
    predictors: Sequence[str], accuracy: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Compare each challenger with its champion.

    Args:
        predictors: Names of the registered models of device metrics.
        accuracy: Name of the registered model of accuracy.
        params: Parameters of the stage.

    Returns:
        The record of each decision, by model.
    """
    config = parse(PromoteConfig, params)
    return {name: _decided(name, config) for name in (*predictors, accuracy)}


def _decided(name: str, config: PromoteConfig) -> dict[str, Any]:
    decision = promote(name, config)
    _log.info("%s: %s. %s", name, decision.verdict, " ".join(decision.reasons))
    return decision.as_dict()
