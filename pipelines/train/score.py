"""Quality of a predictor: its figures, their intervals, and the log for the user.

All figures are of rows unseen by the predictor when it predicted them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.conformal import typical_ratio
from brpnas.datasets import MEASURED, DeviceMetric, predicted_metrics, rows_of
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import regression_metrics, share_interval, spearman_interval
from brpnas.predictors import MeasuredRows
from brpnas.predictors.baselines import baseline_predictions
from brpnas.predictors.layerwise import LayerwisePredictor

__all__ = ["FEW_ROWS", "describe_score", "predict_baselines", "scored_rows", "scores"]

FEW_ROWS = 30
"""With fewer test rows, training rows left out in turn are scored too."""
_FOLDS = 20
_KEYS = ["metric", "device", "arch_id"]
_CONFIDENCE = 0.9
"""Confidence of the logged conformal ratio; a search has its own, `search.limits.confidence`."""
_WIDE = 1.25
"""Ratio from which few architectures near a limit remain."""
_SURE = 0.2
"""Width of an interval of Spearman's correlation from which the correlation is uncertain."""

_log = logging.getLogger(__name__)


def scored_rows(
    table: pd.DataFrame,
    measured_rows: pd.DataFrame,
    left_out: npt.NDArray[np.float64] | None,
) -> pd.Series[float]:
    """Predictions used for the figures; null if a row is not scored.

    Args:
        table: Columns ``arch_id, split, predicted``.
        measured_rows: Measured rows; training rows in the order given to the predictor.
        left_out: The metric of each training row, predicted from the others, if known.
    """
    test = table["split"] == "test"
    scored = table["predicted"].where(test).astype(float)
    if left_out is None or test.sum() >= FEW_ROWS:
        return scored
    learnt = measured_rows.loc[measured_rows["split"] == "train", "arch_id"]
    said = pd.Series(left_out, index=learnt.to_numpy())
    return scored.fillna(table["arch_id"].map(said).astype(float))


def scores(model: str, predictions: pd.DataFrame, baselines: pd.DataFrame) -> dict[str, Any]:
    """Figures of the predictor and of the baselines on the same rows.

    Args:
        model: Name of the predictor.
        predictions: Predicted and measured values of one device metric.
        baselines: Predictions of its baselines, see `predict_baselines`.

    Returns:
        ``scored`` (``test``, or ``left out`` if most scored rows are left-out ones),
        ``scored_rows``, ``metrics`` by model, and ``intervals``: 90 % intervals of the predictor's
        Spearman correlation and of its share within 10 %.
    """
    rows = predictions.dropna(subset=["scored"])
    others = baselines.drop(columns=_KEYS).dropna(axis="columns", how="all")
    metrics = {
        name: regression_metrics(said.to_numpy(np.float64), rows["measured"].to_numpy(np.float64))
        for name, said in {model: rows["scored"], **others}.items()
    }
    own = metrics[model]
    return {
        "scored": "test" if (rows["split"] == "test").all() else "left out",
        "scored_rows": len(rows),
        "metrics": metrics,
        "intervals": {
            "spearman": spearman_interval(own["spearman"], len(rows)),
            "within_10": share_interval(own["within_10"], len(rows)),
        },
    }


def predict_baselines(
    graphs: SpaceGraphs,
    predictions: pd.DataFrame,
    architectures: pd.DataFrame,
    operations: pd.DataFrame,
) -> pd.DataFrame:
    """The scored rows of each device metric by each baseline.

    The baselines learn from the training rows; for a training row, from the other folds.

    Args:
        graphs: The whole space.
        predictions: Predicted and measured values.
        architectures: Parameters and multiply-adds.
        operations: Operations measured alone; if the device is among them, their sum is the
            baseline ``layerwise`` of its latency.

    Returns:
        Columns ``metric, device, arch_id``, and for each baseline a column in the unit of the
        metric; null if the metric has no such baseline.
    """
    return pd.concat(
        [
            _baselines(metric, graphs, rows_of(predictions, metric), architectures, operations)
            for metric in predicted_metrics(predictions)
        ],
        ignore_index=True,
    )


def _baselines(
    metric: DeviceMetric,
    graphs: SpaceGraphs,
    predictions: pd.DataFrame,
    architectures: pd.DataFrame,
    operations: pd.DataFrame,
) -> pd.DataFrame:
    scored = predictions.dropna(subset=["scored"])
    found = scored[_KEYS].assign(**_fitted(graphs, architectures, predictions))
    alone = operations[operations["device"] == metric.device]
    if len(alone) and metric.metric == LATENCY_MS:
        found["layerwise"] = LayerwisePredictor(alone).predict(scored["arch_id"].tolist())
    return found


def _fitted(
    graphs: SpaceGraphs, architectures: pd.DataFrame, predictions: pd.DataFrame
) -> dict[str, npt.NDArray[np.float64]]:
    """Values of the scored rows by the baselines that learn from measured rows."""
    scored = predictions.dropna(subset=["scored"])
    measured = predictions[predictions["split"].isin(["train", "test"])]
    learnt = measured[measured["split"] == "train"]
    at = graphs.rows(measured["arch_id"].tolist())
    few = SpaceGraphs(graphs.space, tuple(measured["arch_id"]), {"raw": graphs.view("raw")[at]})
    folds = min(_FOLDS, len(learnt))
    fold = pd.Series(np.random.default_rng(0).permutation(len(learnt)) % folds, learnt["arch_id"])
    of_row = scored["arch_id"].map(fold).fillna(-1).to_numpy(int)
    found: dict[str, npt.NDArray[np.float64]] = {}
    for number in np.unique(of_row):
        kept = learnt[(fold != number).to_numpy()]
        train = MeasuredRows(
            few.rows(kept["arch_id"].tolist()), kept["measured"].to_numpy(np.float64)
        )
        here = of_row == number
        rows = few.rows(scored.loc[here, "arch_id"].tolist())
        for name, said in baseline_predictions(few, architectures, train).items():
            found.setdefault(name, np.empty(len(scored)))[here] = said[rows]
    return found


def describe_score(found: Mapping[str, Any], predictions: pd.DataFrame) -> None:
    """Log the quality of the predictor; warn if rows are too few for the next stages."""
    about = MEASURED[found["metric"]]
    own, rows = found["metrics"][found["model"]], found["rows"]
    low, high = found["intervals"]["spearman"]
    share_low, share_high = found["intervals"]["within_10"]
    others = {name: m["spearman"] for name, m in found["metrics"].items() if name != found["model"]}
    best = max(others, key=lambda name: np.nan_to_num(others[name], nan=-1.0))
    ratio = typical_ratio(predictions, _CONFIDENCE)
    which = "test rows"
    if found["scored"] != "test":
        which = "rows, each predicted without itself"
        if found["prior_knows_device"]:
            which += " by a prior that learnt from earlier rows of this device"
    _log.info(
        "%s predictor of %s (%s, %d rows to train on, %d to validate, %d to test). On %d %s: "
        "Spearman %.3f (%.2f to %.2f), within 10 %% %.0f %% (%.0f to %.0f %%), mean error %.1f %%. "
        "Best baseline: %s, Spearman %.3f. Where prediction decides about a "
        "limit, the conformal ratio is %.2f at a confidence of %.0f %%.",
        *(
            about.title,
            found["device"],
            found["method"],
            rows["train"],
            rows["valid"],
            rows["test"],
        ),
        *(found["scored_rows"], which, own["spearman"], low, high),
        *(100 * own["within_10"], 100 * share_low, 100 * share_high, 100 * own["mape"]),
        *(best, others[best], ratio, 100 * _CONFIDENCE),
    )
    device = found["device"]
    if others[best] >= own["spearman"]:
        _log.warning(
            "The baseline %s ranks the %s of %s as well as the predictor does (Spearman %.3f, "
            "%.3f): more measured rows would help.",
            *(best, about.title.lower(), device, others[best], own["spearman"]),
        )
    if high - low > _SURE:
        _log.warning(
            "The figures are of %d rows, so Spearman may lie anywhere from %.2f to %.2f: measure "
            "more cells of %s to know how good its predictor is.",
            *(found["scored_rows"], low, high, device),
        )
    if ratio > _WIDE:
        _log.warning(
            "With the conformal ratio %.2f, a limit of 1 %s admits predictions up to %.2f %s only, "
            "so that few architectures may remain: measure more cells of %s (`brpnas devices "
            "suggest` names those that tell most), or lower search.limits.confidence.",
            *(ratio, about.unit, 1 / ratio, about.unit, device),
        )
