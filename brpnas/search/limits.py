"""The limits of a search: constraints, conformal ratios, and when a latency is measured.

`Limits` is built once, from the constraints and the predictions of the device. The candidate pool,
the latency filter and the report use it. It alone decides whether an architecture satisfies a
constraint.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.conformal import lower_ratio, mixture_ratio, upper_ratio
from brpnas.errors import InfeasibleError
from brpnas.search.constraints import Constraint, explain_infeasible

__all__ = ["LATENCY", "METRICS", "LatencySource", "Limits"]

LATENCY = "latency_ms"
METRICS = (LATENCY, "flops_m", "params_m")
"""Metrics of a search of this project."""

LatencySource = Literal["predicted", "table", "device"]
"""Source of the deciding latency: the predictor, a table of measurements, or the device."""

Metrics: TypeAlias = Mapping[str, npt.ArrayLike]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Limits:
    """Decides whether architectures satisfy the constraints of a search.

    Methods returning a mask of shape ``[N]`` take architectures and their predicted metrics, each
    of shape ``[N]`` in the order of the architectures. A measured latency replaces the predicted
    one and needs no ratio. A missing metric (NaN) satisfies no constraint.

    Attributes:
        constraints: Constraints on `METRICS`.
        latency: Source of the deciding latency.
        upper_ratio: Conformal ratio of true over predicted latency, at least 1: the predicted
            latency times this ratio is an upper bound of the true one.
        lower_ratio: The same for a lower bound, at most 1.
        training_ms: Measured latency of the predictor's training and validation rows.
        table_ms: All measured latencies of the device; ``table`` looks them up.
        measurements_per_query: Measurements allowed per query of a round; after that only
            architectures predicted feasible are proposed. An isomorphic architecture costs one
            more.

    Examples:
        >>> limits = Limits.parse(["latency_ms <= 5"])
        >>> limits.feasible(["a", "b"], {"latency_ms": np.array([4.0, 6.0])})
        array([ True, False])
    """

    constraints: tuple[Constraint, ...] = ()
    latency: LatencySource = "predicted"
    upper_ratio: float = 1.0
    lower_ratio: float = 1.0
    training_ms: Mapping[str, float] = field(default_factory=dict, repr=False)
    table_ms: Mapping[str, float] = field(default_factory=dict, repr=False)
    measurements_per_query: int = 10

    @classmethod
    def parse(
        cls, constraints: Sequence[str], metrics: Iterable[str] = METRICS, **choices: Any
    ) -> Limits:
        """Limits without a predictor's error.

        Args:
            constraints: Strings for `Constraint.parse`.
            metrics: Allowed metrics.
            **choices: Other attributes of the class.

        Raises:
            ConstraintError: If a string cannot be read or names an unknown metric.
        """
        known = tuple(metrics)
        return cls(tuple(Constraint.parse(text, known) for text in constraints), **choices)

    @classmethod
    def from_predictions(
        cls,
        constraints: Sequence[str],
        predictions: pd.DataFrame,
        *,
        latency: LatencySource,
        confidence: float,
        prefilter_confidence: float,
        measurements_per_query: int = 10,
    ) -> Limits:
        """Limits with the conformal ratios of a latency predictor.

        Args:
            constraints: Strings for `Constraint.parse`.
            predictions: Latencies of the device: columns ``arch_id, split, measured, predicted,
                log_deviation``. The ratios come from the rows with the split ``valid``; without
                such rows from the deviations of the predictions, see `mixture_ratio`.
            latency: Source of the deciding latency.
            confidence: Probability that an architecture predicted feasible is feasible, from 0 to
                below 1; 0 for the ratio 1.
            prefilter_confidence: Probability that a feasible architecture is measured, from 0 to
                below 1.
            measurements_per_query: Measurements allowed per query of a round.

        Raises:
            ConstraintError: If a string cannot be read or names an unknown metric.
            ConfigurationError: If a confidence is out of range or there is nothing to calibrate on.
        """
        valid = predictions[predictions["split"] == "valid"]
        pair = valid["predicted"], valid["measured"]
        lower = upper = 1.0
        if not len(valid) and predictions["log_deviation"].notna().any():
            deviation = predictions["log_deviation"]
            upper = mixture_ratio(deviation, confidence)
            if latency != "predicted":
                lower = 1 / mixture_ratio(deviation, prefilter_confidence)
        else:
            upper = upper_ratio(*pair, confidence)
            if latency != "predicted":
                lower = lower_ratio(*pair, prefilter_confidence)
        fitted = predictions[predictions["split"].isin(["train", "valid"])]
        return cls.parse(
            constraints,
            latency=latency,
            upper_ratio=upper,
            lower_ratio=lower,
            training_ms=_latencies(fitted),
            table_ms=_latencies(predictions),
            measurements_per_query=measurements_per_query,
        )

    @property
    def measures(self) -> bool:
        """Whether a latency is measured or looked up before an architecture is proposed."""
        limited = any(LATENCY in dict(constraint.terms) for constraint in self.constraints)
        return limited and self.latency != "predicted"

    @property
    def ratio(self) -> float:
        """Factor on predicted latencies in comparisons with a limit."""
        return self.upper_ratio if self.latency == "predicted" else self.lower_ratio

    def feasible(self, arch_ids: Sequence[str], metrics: Metrics) -> BoolArray:
        """Architectures feasible by known measurements, and by prediction without one.

        Predicted latencies count with the upper ratio.
        """
        known = self.table_ms if self.measures else self.training_ms
        return self._satisfied(arch_ids, metrics, self.upper_ratio, known)

    def predicted_feasible(self, arch_ids: Sequence[str], metrics: Metrics) -> BoolArray:
        """Architectures feasible by the prediction itself."""
        return self._satisfied(arch_ids, metrics, 1.0, self.training_ms)

    def worth_measuring(self, arch_ids: Sequence[str], metrics: Metrics) -> BoolArray:
        """Architectures not ruled out by the lower ratio."""
        return self._satisfied(arch_ids, metrics, self.lower_ratio, self.training_ms)

    def proposable(self, arch_ids: Sequence[str], metrics: Metrics) -> BoolArray:
        """Architectures to propose: worth measuring, or feasible if nothing is measured."""
        return (self.worth_measuring if self.measures else self.feasible)(arch_ids, metrics)

    def holds(self, metrics: Mapping[str, float], latency_ms: float | None) -> bool:
        """Whether one architecture satisfies the constraints by its measured latency.

        Args:
            metrics: Its predicted metrics.
            latency_ms: Its measured latency; None if it cannot be known. The predicted latency
                then counts with the upper ratio.
        """
        if latency_ms is not None:
            values = {**metrics, LATENCY: latency_ms}
            return all(bool(constraint.satisfied(values)) for constraint in self.constraints)
        return all(bool(limit.satisfied(metrics)) for limit in self._with_ratio(self.upper_ratio))

    def infeasible(self, arch_ids: Sequence[str], metrics: Metrics) -> InfeasibleError:
        """The error if `proposable` is false everywhere; names the constraint at fault."""
        known = self._measured(arch_ids, self.training_ms)
        values = {name: np.asarray(value, np.float64) for name, value in metrics.items()}
        if LATENCY in values:
            values[LATENCY] = np.where(np.isnan(known), values[LATENCY], known)
        limits = self._with_ratio(max(self.ratio, 1.0))
        return InfeasibleError(explain_infeasible(limits, values, len(arch_ids)))

    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store (JSON types): another value is another search."""
        return {
            "constraints": [constraint.canonical for constraint in self.constraints],
            "latency": self.latency,
            "upper_ratio": float(f"{self.upper_ratio:.6g}"),
            "lower_ratio": float(f"{self.lower_ratio:.6g}"),
            "measurements_per_query": self.measurements_per_query,
        }

    @functools.cached_property
    def table_sha256(self) -> str:
        """Hash of `table_ms`."""
        rows = sorted(self.table_ms.items())
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def _with_ratio(self, ratio: float) -> list[Constraint]:
        return [constraint.with_ratio(LATENCY, ratio) for constraint in self.constraints]

    def _measured(
        self, arch_ids: Sequence[str], known: Mapping[str, float]
    ) -> npt.NDArray[np.float64]:
        """Measured latency of each architecture, ``[N]``, NaN without one."""
        return np.array([known.get(arch_id, np.nan) for arch_id in arch_ids], np.float64)

    def _satisfied(
        self, arch_ids: Sequence[str], metrics: Metrics, ratio: float, known: Mapping[str, float]
    ) -> BoolArray:
        mask = np.ones(len(arch_ids), np.bool_)
        if not self.constraints:
            return mask
        measured = self._measured(arch_ids, known)
        is_measured = ~np.isnan(measured)
        exact = dict(metrics)
        if is_measured.any() and LATENCY in metrics:
            exact[LATENCY] = np.where(is_measured, measured, np.asarray(metrics[LATENCY]))
        for constraint, limit in zip(self.constraints, self._with_ratio(ratio), strict=True):
            mask &= np.where(is_measured, constraint.satisfied(exact), limit.satisfied(metrics))
        return mask


def _latencies(rows: pd.DataFrame) -> dict[str, float]:
    known = rows.dropna(subset=["measured"])
    return dict(zip(known["arch_id"], known["measured"].astype(float), strict=True))
