"""The limits of a search: constraints, errors of predictions, and the budget of measurements.

`Limits` is built once, from the constraints and the predictions of `train`. The candidate pool, the
filter and the report use it. It alone decides whether an architecture satisfies the constraints:
clearly within, clearly out, or worth a measurement.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.conformal import joint_errors, log_errors
from brpnas.datasets.metrics import LATENCY_MS, DeviceMetric
from brpnas.datasets.predictions import predicted_metrics, rows_of
from brpnas.errors import ConfigurationError, InfeasibleError
from brpnas.search.constraints import Constraint, check_consistent, explain_infeasible
from brpnas.search.history import History

__all__ = ["LATENCY", "METRICS", "Limits", "Source", "sources_of"]

LATENCY = LATENCY_MS
METRICS = (LATENCY, "flops_m", "params_m")
"""Metrics of a search of this project."""

Source = Literal["predicted", "table", "device"]
"""Source of the deciding value of a metric: the predictor, a table of measurements, the device."""

Metrics: TypeAlias = Mapping[str, npt.ArrayLike]
Values: TypeAlias = Mapping[str, Mapping[str, float]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]

_KEPT = 5
"""Measurements kept for the final choice, which may be an unmeasured architecture."""
_HOPELESS = 0.005
"""Probability below which an architecture is not worth a measurement."""


@dataclass(frozen=True, eq=False)
class Limits:
    """Decides whether architectures satisfy the constraints of a search.

    The errors of a predictor on its validation rows, each divided by the deviation of its
    prediction, are a sample of the errors of other predictions in units of their deviations
    (normalised conformal prediction, Lei et al., JASA 2018, arXiv 1604.04173). `odds` is the
    probability over this sample that the true values satisfy all constraints together: errors of
    several metrics are drawn independently. Hence each architecture has an interval of its own.

    Methods with a result of shape ``[N]`` take architectures, their predicted metrics and the
    deviations of these predictions, each of shape ``[N]`` in the order of the architectures. A
    known value replaces the predicted one and has no error. A missing metric (NaN) satisfies no
    constraint.

    Attributes:
        constraints: The constraints, consistent.
        sources: Source of each metric, ``table`` or ``device``; others are predicted.
        confidence: Probability from which an architecture is clearly within the constraints.
        errors: Normalised errors of the logarithm of each predicted metric, see
            `brpnas.conformal.log_errors`; a metric without errors is exact.
        known: Measured values of the rows of each predictor, by metric and architecture.
        tables: All measured values of tables, by metric and architecture.
        measurements: Architectures measured in the whole search, at most; then only architectures
            clearly within the constraints are proposed.
        costs: Costs among the objectives; those with a source are measured before a query.

    Examples:
        >>> limits = Limits.parse(["latency_ms <= 5"])
        >>> limits.within(["a", "b"], {"latency_ms": np.array([4.0, 6.0])})
        array([ True, False])
    """

    constraints: tuple[Constraint, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    confidence: float = 0.0
    errors: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    known: Values = field(default_factory=dict, repr=False)
    tables: Values = field(default_factory=dict, repr=False)
    measurements: int = 100
    costs: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls,
        constraints: Sequence[str],
        metrics: Iterable[str] | None = None,
        *,
        device: str | None = None,
        **choices: Any,
    ) -> Self:
        """Limits without errors of predictions.

        Args:
            constraints: Strings for `Constraint.parse`.
            metrics: Allowed metrics; all if left out.
            device: Device of the task.
            **choices: Other attributes of the class.

        Raises:
            ConstraintError: If a string cannot be read or names an unknown metric.
            InfeasibleError: If the constraints contradict each other.
        """
        known = None if metrics is None else tuple(metrics)
        parsed = tuple(Constraint.parse(text, known, device=device) for text in constraints)
        check_consistent(parsed)
        return cls(parsed, **choices)

    @classmethod
    def from_predictions(
        cls,
        constraints: Sequence[str],
        predictions: pd.DataFrame,
        *,
        device: str,
        source: Source | Mapping[str, Source] = "predicted",
        confidence: float,
        measurements: int = 100,
        costs: Sequence[str] = (),
    ) -> Self:
        """Limits with the errors of the predictors of `train`.

        Args:
            constraints: Strings for `Constraint.parse`.
            predictions: Columns ``metric, device, arch_id, split, measured, predicted,
                log_deviation``, a block of rows per metric and device. Errors come from the rows
                with the split ``valid``; without such rows they are normal, with the deviations of
                the predictions.
            device: Device of the task.
            source: Source of the deciding values, of all limited metrics and costs or by metric. A
                single ``device`` is meant for the metrics of the device of the task.
            confidence: Probability that an architecture clearly within the constraints satisfies
                them, from 0 to below 1; 0 to trust the predictions.
            measurements: Architectures to measure, at most.
            costs: Costs among the objectives (`brpnas.search.fronts.Objectives.costs`).

        Raises:
            ConstraintError: If a string cannot be read or names an unknown metric.
            InfeasibleError: If the constraints contradict each other.
            SchemaError: If a limited metric has no predictions.
            ConfigurationError: If a number is out of range, a source is of another metric, or there
                is nothing to calibrate on.
        """
        plain = cls.parse(constraints, device=device, costs=tuple(costs))
        if not 0 <= confidence < 1:
            raise ConfigurationError(f"confidence must be from 0 to below 1, not {confidence}.")
        if measurements < 0:
            raise ConfigurationError(f"measurements must not be negative, but is {measurements}.")
        there = {str(metric.relative_to(device)) for metric in predicted_metrics(predictions)}
        # `Objectives.check` refuses a cost without predictions, and names the objective.
        named = [name for name in plain.measurable if name in {*plain.metrics, *there}]
        blocks = {name: _rows(predictions, name, device) for name in named}
        fitted = {
            name: rows[rows["split"].isin(["train", "valid"])] for name, rows in blocks.items()
        }
        errors = {n: log_errors(b) for n, b in blocks.items() if confidence and n in plain.metrics}
        return cls(
            plain.constraints,
            sources_of(source, named, device),
            confidence,
            errors,
            {name: _measured(rows) for name, rows in fitted.items()},
            {name: _measured(rows) for name, rows in blocks.items()},
            measurements,
            plain.costs,
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """Limited metrics, each once, in alphabetical order."""
        return tuple(sorted({name for limit in self.constraints for name in limit.metrics}))

    @property
    def measurable(self) -> list[str]:
        """Limited metrics and costs that are measured on a device, in alphabetical order."""
        names = sorted({*self.metrics, *self.costs})
        return [name for name in names if DeviceMetric.parse(name).measured]

    @property
    def measured_costs(self) -> list[str]:
        """Costs with a source, measured before a query."""
        return [name for name in self.costs if name in self.sources]

    @property
    def measures(self) -> bool:
        """Whether architectures are measured or looked up before they are proposed."""
        return bool(self.sources)

    def left(self, history: History, *, choice: bool = False) -> int:
        """Measurements left for a search with this history.

        Args:
            history: The search so far.
            choice: Whether they are for the final choice, for which a few are kept.
        """
        kept = 0 if choice else min(_KEPT, self.measurements // 2)
        spent = kept + len(history.measurements)
        return max(0, self.measurements - spent) if self.measures else 0

    def is_measurable(self, arch_id: str) -> bool:
        """Whether a measurement tells more of an architecture than is known.

        A table that lacks it tells nothing, nor does a second measurement of a training row.
        """
        return any(
            (source == "device" or arch_id in self.tables.get(name, {}))
            and arch_id not in self.known.get(name, {})
            for name, source in self.sources.items()
        )

    def knows_costs(self, arch_id: str) -> bool:
        """Whether no cost of an architecture is left to measure."""
        return all(arch_id in self.known.get(name, {}) for name in self.measured_costs)

    def odds(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics | None = None
    ) -> FloatArray:
        """Probability that each architecture satisfies the constraints, ``[N]``.

        Of ``n`` errors the share that keeps the constraints, as ``count / (n + 1)``; 1 or 0 where
        nothing is uncertain.
        """
        count, uncertain = self._count(arch_ids, metrics, deviations or {}, self.known)
        draws = len(next(iter(self._draws.values()), [0.0]))
        return np.where(uncertain, count / (draws + 1), (count > 0).astype(np.float64))

    def within(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics | None = None
    ) -> BoolArray:
        """Architectures clearly within the constraints, without any measurement."""
        return self._clear(arch_ids, metrics, deviations or {}, self.known)

    def predicted_feasible(self, arch_ids: Sequence[str], metrics: Metrics) -> BoolArray:
        """Architectures feasible by known values and the predictions themselves."""
        return self._satisfied(arch_ids, metrics, self.known)

    def proposable(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics | None = None
    ) -> BoolArray:
        """Architectures to propose: clearly within, or worth a measurement that can be made."""
        found = self.within(arch_ids, metrics, deviations)
        if not self.measures or not self.measurements:
            return found
        worth = self.odds(arch_ids, metrics, deviations) > _HOPELESS
        return found | (worth & np.array([self.is_measurable(name) for name in arch_ids], np.bool_))

    def feasible(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics | None = None
    ) -> BoolArray:
        """Architectures feasible by all that tables know, and clearly within where they do not."""
        known = {**self.known, **self.looked_up}
        return self._clear(arch_ids, metrics, deviations or {}, known)

    def holds(
        self,
        arch_id: str,
        metrics: Mapping[str, float],
        deviations: Mapping[str, float],
        measured: Mapping[str, float],
    ) -> bool:
        """Whether one architecture satisfies the constraints by its measurement.

        Args:
            arch_id: The architecture.
            metrics: Its predicted metrics.
            deviations: The deviations of its predictions.
            measured: Its measured metrics; the others count as in `within`.
        """
        known = {
            name: {arch_id: measured[name]} if name in measured else self.known.get(name, {})
            for name in self.metrics
        }
        one, spread = ({k: np.array([v]) for k, v in d.items()} for d in (metrics, deviations))
        return bool(self._clear([arch_id], one, spread, known)[0])

    def infeasible(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics | None = None
    ) -> InfeasibleError:
        """The error if `proposable` is false everywhere; names the constraint at fault."""
        values = self._values(arch_ids, metrics, self.known)
        text = explain_infeasible(self.constraints, values, len(arch_ids))
        if self._satisfied(arch_ids, metrics, self.known).any():
            odds = self.odds(arch_ids, metrics, deviations).max()
            texts = " and ".join(repr(limit.text) for limit in self.constraints)
            text = (
                f"No architecture among {len(arch_ids)} satisfies {texts} with a confidence of "
                f"{self.confidence:.0%}; the most likely one does with {odds:.0%}. Loosen the "
                "constraints, measure more rows of the device and train again, or lower "
                "search.limits.confidence."
            )
        return InfeasibleError(text)

    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store (JSON types): another value is another search."""
        return {
            "constraints": [constraint.canonical for constraint in self.constraints],
            "sources": dict(sorted(self.sources.items())),
            "confidence": self.confidence,
            "errors": _digest({name: list(map(float, e)) for name, e in self.errors.items()}),
            "known": _digest({name: self.known.get(name, {}) for name in self.metrics}),
            "measurements": self.measurements,
            **({"measured_costs": self.measured_costs} if self.measured_costs else {}),
        }

    @property
    def looked_up(self) -> Values:
        """The values of the metrics with the source ``table``."""
        return {n: self.tables.get(n, {}) for n, by in self.sources.items() if by == "table"}

    @functools.cached_property
    def table_sha256(self) -> str:
        """Hash of `looked_up`."""
        return _digest(self.looked_up)

    @functools.cached_property
    def _draws(self) -> Mapping[str, FloatArray]:
        """Equally many errors of each uncertain metric."""
        return joint_errors({name: e for name, e in self.errors.items() if name in self.metrics})

    def _values(self, arch_ids: Sequence[str], metrics: Metrics, known: Values) -> Metrics:
        """The predicted metrics, replaced by known values."""
        found = dict(metrics)
        for name in self.metrics:
            if name in found and known.get(name):
                measured = _lookup(known[name], arch_ids)
                predicted = np.asarray(found[name], np.float64)
                found[name] = np.where(np.isnan(measured), predicted, measured)
        return found

    def _satisfied(self, arch_ids: Sequence[str], metrics: Metrics, known: Values) -> BoolArray:
        values = self._values(arch_ids, metrics, known)
        mask = np.ones(len(arch_ids), np.bool_)
        for constraint in self.constraints:
            mask &= constraint.satisfied(values)
        return mask

    def _clear(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics, known: Values
    ) -> BoolArray:
        if not self._draws:
            return self._satisfied(arch_ids, metrics, known)
        count, uncertain = self._count(arch_ids, metrics, deviations, known)
        draws = len(next(iter(self._draws.values())))
        needed = min(math.ceil((draws + 1) * self.confidence), draws)
        return np.where(uncertain, count >= needed, count > 0)

    def _count(
        self, arch_ids: Sequence[str], metrics: Metrics, deviations: Metrics, known: Values
    ) -> tuple[npt.NDArray[np.int64], BoolArray]:
        """Errors with which each satisfies the constraints, and whether a value is uncertain."""
        count = np.zeros(len(arch_ids), np.int64)
        uncertain = np.zeros(len(arch_ids), np.bool_)
        values, spread = dict(self._values(arch_ids, metrics, known)), {}
        for name in self._draws:
            is_known = ~np.isnan(_lookup(known.get(name, {}), arch_ids))
            spread[name] = np.where(is_known, 0.0, np.asarray(deviations.get(name, 1.0)))
            uncertain |= ~is_known
        exact = dict(values)
        for draw in zip(*self._draws.values(), strict=True) if self._draws else [()]:
            for name, error in zip(self._draws, draw, strict=True):
                values[name] = np.asarray(exact[name]) * np.exp(spread[name] * error)
            mask = np.ones(len(arch_ids), np.bool_)
            for constraint in self.constraints:
                mask &= constraint.satisfied(values)
            count += mask
        return count, uncertain


def sources_of(
    source: Source | Mapping[str, Source], measurable: Sequence[str], device: str
) -> dict[str, Source]:
    """Source of each metric that is not predicted.

    Args:
        source: Source of all metrics, or by metric.
        measurable: The limited metrics and costs that are measured on a device.
        device: Device of the task.

    Raises:
        ConfigurationError: If a source is of another metric.
    """
    if isinstance(source, str):
        own: dict[str, Source] = {
            name: source
            for name in measurable
            if source != "device" or DeviceMetric.parse(name).device is None
        }
        return {} if source == "predicted" else own
    found: dict[str, Source] = {}
    for text, value in source.items():
        name = str(DeviceMetric.parse(text).relative_to(device))
        if name not in measurable:
            raise ConfigurationError(
                f"search.limits.source names {text!r}, and no constraint or objective has this "
                f"metric. Metrics of devices there: {', '.join(measurable) or 'none'}."
            )
        if value != "predicted":
            found[name] = value
    return found


def _rows(predictions: pd.DataFrame, name: str, device: str) -> pd.DataFrame:
    """The block of a metric."""
    return rows_of(predictions, DeviceMetric.parse(name).on(device))


def _measured(rows: pd.DataFrame) -> dict[str, float]:
    known = rows.dropna(subset=["measured"])
    return dict(zip(known["arch_id"], known["measured"].astype(float), strict=True))


def _lookup(known: Mapping[str, float], arch_ids: Sequence[str]) -> FloatArray:
    """Known value of each architecture, ``[N]``, NaN without one."""
    return np.array([known.get(arch_id, np.nan) for arch_id in arch_ids], np.float64)


def _digest(values: Mapping[str, Any]) -> str:
    rows = [
        (name, sorted(value.items()) if isinstance(value, Mapping) else value)
        for name, value in sorted(values.items())
    ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()
