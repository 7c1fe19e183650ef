"""Constraints as strings: ``"latency_ms <= 5"``, ``"latency_ms@my-phone + 2*params_m <= 7"``.

`Constraint.parse` reads a string once into linear terms and evaluates no code. `check_consistent`
refuses contradictions. `brpnas.search.Limits` applies constraints to the metrics of a space.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.datasets.metrics import METRICS, DeviceMetric
from brpnas.errors import (
    ConfigurationError,
    ConstraintError,
    InfeasibleError,
    UnknownNameError,
    did_you_mean,
)
from brpnas.search._linear import parse_comparison

__all__ = ["Constraint", "check_consistent", "explain_infeasible"]

_COMPARE: dict[str, Callable[[Any, float], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Constraint:
    """A linear inequality over metrics, in a normal form: equivalent constraints are equal.

    All metrics are on the left side.

    Attributes:
        text: The original string.
        terms: Coefficient of each metric in alphabetical order; the first is 1, none is zero.
        relation: One of ``<=``, ``>=``, ``<``, ``>``.
        bound: The number on the right side.

    Examples:
        >>> limit = Constraint.parse("5 >= latency_ms", metrics=("latency_ms",))
        >>> limit.terms, limit.relation, limit.bound
        ((('latency_ms', 1.0),), '<=', 5.0)
        >>> limit == Constraint.parse("-2*latency_ms >= -10", metrics=("latency_ms",))
        True
        >>> limit.satisfied({"latency_ms": np.array([4.0, 6.0])})
        array([ True, False])
    """

    text: str = field(compare=False)
    terms: tuple[tuple[str, float], ...]
    relation: str
    bound: float

    @classmethod
    def parse(
        cls, text: str, metrics: Iterable[str] | None = None, *, device: str | None = None
    ) -> Constraint:
        """Read a constraint.

        Args:
            text: Sums of numbers, metrics and ``number*metric`` (or ``metric/number``) on both
                sides of one of ``<= >= < >``. Values of different units may be added.
            metrics: Allowed names; all of `brpnas.datasets.metrics.DeviceMetric` if left out.
            device: Device of the task: its metrics are written without a device.

        Raises:
            ConstraintError: If the string is malformed, has an unknown metric, or has no metric.

        Examples:
            >>> text = "latency_ms@my-phone + energy_mj@edge-box <= 20"
            >>> dict(Constraint.parse(text, device="my-phone").terms)
            {'energy_mj@edge-box': 1.0, 'latency_ms': 1.0}
        """
        known = None if metrics is None else sorted(metrics)

        def checked(name: str) -> str:
            if known is not None and name not in known:
                raise ConstraintError(
                    f"Constraint {text!r} names an unknown metric {name!r}."
                    f"{did_you_mean(name, known)} Known: {', '.join(known)}."
                )
            return name if known is not None else _metric(text, name, device)

        terms, relation, bound = parse_comparison(text, checked)
        return cls(text, tuple(terms.items()), relation, bound)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of its metrics."""
        return tuple(name for name, _ in self.terms)

    @property
    def is_upper(self) -> bool:
        """Whether the bound is an upper bound."""
        return self.relation.startswith("<")

    @property
    def plausible(self) -> tuple[float, float]:
        """Range of the left side for plausible values of the metrics."""
        low = high = 0.0
        for name, coefficient in self.terms:
            about = METRICS.get(name.partition("@")[0])
            ends = (about.least, about.most) if about else (-math.inf, math.inf)
            low += min(coefficient * end for end in ends)
            high += max(coefficient * end for end in ends)
        return low, high

    def allows(self, value: float) -> bool:
        """Whether a value of the left side satisfies the constraint."""
        return bool(_COMPARE[self.relation](value, self.bound))

    @property
    def left(self) -> str:
        """The left side as a string; numbers with ten digits."""
        parts = []
        for name, coefficient in self.terms:
            size = abs(coefficient)
            sign = "-" if coefficient < 0 else "+"
            parts.append(f"{sign} {name}" if size == 1 else f"{sign} {size:.10g}*{name}")
        return " ".join(parts).removeprefix("+ ")

    @property
    def canonical(self) -> str:
        """The normal form as a string; numbers with ten digits."""
        return f"{self.left} {self.relation} {self.bound:.10g}"

    def left_side(self, values: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.float64]:
        """Value of the left side.

        Args:
            values: Each metric's values, all of one shape.

        Raises:
            ConstraintError: If a metric of the constraint is missing.
        """
        missing = [name for name, _ in self.terms if name not in values]
        if missing:
            raise ConstraintError(
                f"Constraint {self.text!r} needs {missing[0]!r}, which was not predicted."
                f"{did_you_mean(missing[0], values)} There are: {', '.join(sorted(values)) or '-'}."
            )
        total = np.zeros((), np.float64)
        for name, coefficient in self.terms:
            total = total + coefficient * np.asarray(values[name], np.float64)
        return total

    def satisfied(self, values: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.bool_]:
        """Whether the values satisfy the constraint; a missing value (NaN) never does.

        Args:
            values: Each metric's values, all of one shape.
        """
        return np.asarray(_COMPARE[self.relation](self.left_side(values), self.bound), np.bool_)

    def closest(self, values: Mapping[str, npt.ArrayLike]) -> float:
        """Left side of the closest architecture: the smallest for an upper bound."""
        left = self.left_side(values)
        left = left[~np.isnan(left)]
        if not left.size:
            return float("nan")
        return float(left.min() if self.is_upper else left.max())


def _metric(text: str, name: str, device: str | None) -> str:
    """The metric of a name in a constraint, without the device of the task."""
    try:
        metric = DeviceMetric.parse(name)
    except (ConfigurationError, UnknownNameError) as error:
        raise ConstraintError(f"Constraint {text!r}: {error}") from None
    return str(metric if device is None else metric.relative_to(device))


def check_consistent(constraints: Sequence[Constraint]) -> None:
    """Refuse constraints that no values satisfy, whatever the architecture.

    Raises:
        InfeasibleError: If a constraint excludes all plausible values of its metrics, or two
            constraints on the same left side contradict each other.
    """
    for constraint in constraints:
        least, most = constraint.plausible
        if not constraint.allows(least if constraint.is_upper else most):
            end, extreme = ("least", least) if constraint.is_upper else ("most", most)
            raise InfeasibleError(
                f"No network satisfies {constraint.text!r}: the {end} plausible value of "
                f"{constraint.left} is {extreme:g}. Check the bound and its unit."
            )
    for upper in constraints:
        for lower in constraints:
            is_pair = upper.is_upper and not lower.is_upper and upper.terms == lower.terms
            if is_pair and not (upper.allows(lower.bound) and lower.allows(upper.bound)):
                raise InfeasibleError(
                    f"The constraints {lower.text!r} and {upper.text!r} contradict each other: no "
                    f"value of {upper.left} satisfies both. Remove or change one of them."
                )


def explain_infeasible(
    constraints: Sequence[Constraint], metrics: Mapping[str, npt.ArrayLike], size: int
) -> str:
    """Error text if no architecture satisfies all constraints.

    Args:
        constraints: The constraints.
        metrics: Metrics by name, each of shape ``[size]``.
        size: Number of architectures.

    Returns:
        The first constraint excluding every architecture, with the closest value; without one, the
        number of feasible architectures per constraint.
    """
    for constraint in constraints:
        if not constraint.satisfied(metrics).any():
            return _excludes_all(constraint, metrics, size)
    shares = ", ".join(
        f"{c.text!r} ({int(c.satisfied(metrics).sum())} satisfy it)" for c in constraints
    )
    return (
        f"No architecture among {size} satisfies all constraints together: {shares}. Each can "
        "be met alone: loosen the one that matters least."
    )


def _excludes_all(constraint: Constraint, metrics: Mapping[str, npt.ArrayLike], size: int) -> str:
    extreme = "smallest" if constraint.is_upper else "largest"
    return (
        f"No architecture among {size} satisfies {constraint.text!r}: the {extreme} predicted "
        f"value of {constraint.left} is {constraint.closest(metrics):.6g}, against a bound of "
        f"{constraint.bound:.6g}. Loosen the constraint, or check the units of "
        f"{', '.join(constraint.metrics)}."
    )
