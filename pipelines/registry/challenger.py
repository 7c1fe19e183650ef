"""A challenger: a predictor to register."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from brpnas.datasets import MEASURED, DeviceMetric
from brpnas.errors import SchemaError
from brpnas.promotion import Kind, check_rows
from brpnas.serving import OnnxPredictor

__all__ = ["Challenger", "accuracy_model_name", "metric_model_name"]

_VALUES = {"accuracy": "score"} | {metric.kind: name for name, metric in MEASURED.items()}
"""Value of a file by the kind of its model."""
_FORBIDDEN = set("/:%\"'")
"""Characters not allowed in the name of a model in MLflow, or in a search for it."""


def metric_model_name(metric: DeviceMetric) -> str:
    """Name of the registered predictor of a device metric: ``latency-my-phone``."""
    return f"{metric.about.kind.replace('_', '-')}-{metric.device}"


def accuracy_model_name(dataset: str) -> str:
    """Name of the registered accuracy ranker of a data set."""
    return "accuracy-" + "".join("-" if letter in _FORBIDDEN else letter for letter in dataset)


@dataclass(frozen=True, eq=False)
class Challenger:
    """A predictor with everything needed to judge and to serve it.

    Args:
        name: Registered model, see `metric_model_name` and `accuracy_model_name`.
        kind: Its target.
        onnx: A file of `brpnas.export.export_predictor`.
        test: Its test rows: ``arch_id, true, predicted`` and, with intervals, ``lower, upper``;
            ``predicted`` by torch, for comparison with the served file. Without rows it is never
            promoted.
        parity: Largest error of the file against torch; if None, unknown, it is never promoted.
        tolerance: Largest error allowed.
        card: Model card, Markdown.
        licence: Text of the licence.
        metrics: Figures of the version.
        tags: Its origin: ``git.commit``, ``dvc.lock``, hash of the data.
        rows: All rows of the device: ``arch_id``, the metric, ``split``; to describe data drift
            later.

    Raises:
        SchemaError: If the test rows are malformed, or the outputs of the file do not match
            ``kind``.
    """

    name: str
    kind: Kind
    onnx: bytes
    test: pd.DataFrame
    parity: float | None
    tolerance: float
    card: str
    licence: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    rows: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        check_rows(self.test, self.name)
        value = _VALUES[self.kind]
        predictor = self.predictor()
        if predictor.value != value:
            raise SchemaError(
                f"{self.name} must predict {self.kind} by the output {value}, but its ONNX file "
                f"has {predictor.value}."
            )
        if len(self.test):
            predictor.canonical(self.test["arch_id"].tolist())

    def predictor(self) -> OnnxPredictor:
        """The opened file; promotion judges whether its outputs are finite."""
        return OnnxPredictor(self.onnx, check_answers=False)

    def all_tags(self) -> dict[str, str]:
        """Tags of the version: its origin, its test rows, its metrics."""
        truth = self.test[["arch_id", "true"]].sort_values("arch_id").to_csv(index=False)
        return {
            **self.tags,
            "brpnas.kind": self.kind,
            "brpnas.onnx.sha256": hashlib.sha256(self.onnx).hexdigest(),
            "brpnas.test.rows": str(len(self.test)),
            "brpnas.test.sha256": hashlib.sha256(truth.encode()).hexdigest(),
            "brpnas.parity": "unknown" if self.parity is None else repr(float(self.parity)),
            "brpnas.tolerance": repr(float(self.tolerance)),
            **{f"brpnas.metric.{name}": f"{value:.6g}" for name, value in self.metrics.items()},
        }
