"""What a predictor brings to the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from brpnas.errors import SchemaError
from brpnas.promotion import Kind, check_rows
from brpnas.serving import OnnxPredictor

__all__ = ["Candidate", "accuracy_model_name", "latency_model_name"]

_FORBIDDEN = set("/:%\"'")
"""What the name of a model in MLflow, or a search for it, must not hold."""


def latency_model_name(device: str) -> str:
    """Name of the registered model that predicts latency on a device."""
    return f"latency-{_clean(device)}"


def accuracy_model_name(dataset: str) -> str:
    """Name of the registered model that ranks architectures by accuracy on a data set."""
    return f"accuracy-{_clean(dataset)}"


def _clean(name: str) -> str:
    return "".join("-" if letter in _FORBIDDEN else letter for letter in name)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A predictor with all that is needed to judge and to serve it.

    Args:
        name: Registered model, see `latency_model_name` and `accuracy_model_name`.
        kind: What it predicts.
        onnx: The file that `brpnas.export.export_predictor` wrote.
        test: Its test rows: ``arch_id, true, predicted`` and, with intervals, ``lower, upper``;
            ``predicted`` by torch, so that what is served can be compared with it. Without any it
            is registered, and never promoted.
        parity: Largest error of the file against torch; None if unknown, which no promotion takes.
        tolerance: Largest error allowed.
        card: Model card, Markdown.
        licence: Text of the licence.
        metrics: Figures to show beside the version.
        tags: Where it comes from: ``git.commit``, ``dvc.lock``, hash of the data.
        rows: All rows of the device that it was made from, ``arch_id, latency_ms, split``; what
            has changed is told against them later.

    Raises:
        SchemaError: If the rows are no test rows, or the file does not predict what ``kind`` says.
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
        value = {"latency": "latency_ms", "accuracy": "score"}[self.kind]
        predictor = self.predictor()
        if predictor.value != value:
            raise SchemaError(
                f"{self.name} is to predict {self.kind}, but its ONNX file answers "
                f"{predictor.value} where {value} is expected."
            )
        if len(self.test):
            predictor.canonical(self.test["arch_id"].tolist())

    def predictor(self) -> OnnxPredictor:
        """The file, ready to answer; whether its answers are numbers is judged by promotion."""
        return OnnxPredictor(self.onnx, check_answers=False)

    def all_tags(self) -> dict[str, str]:
        """Tags of the version: where it comes from, what it was judged on, how well it did."""
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
