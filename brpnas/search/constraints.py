"""Constraints as strings: ``"latency_ms <= 5"``, ``"latency_ms + 0.5*params_m <= 7"``.

`Constraint.parse` reads a string once into linear terms and evaluates no code.
`brpnas.search.Limits` applies constraints to the metrics of a space.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConstraintError, did_you_mean
from brpnas.search._linear import parse_comparison

__all__ = ["Constraint", "explain_infeasible"]

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
    def parse(cls, text: str, metrics: Iterable[str]) -> Constraint:
        """Read a constraint.

        Args:
            text: Sums of numbers, metrics and ``number*metric`` (or ``metric/number``) on both
                sides of one of ``<= >= < >``.
            metrics: Allowed names.

        Raises:
            ConstraintError: If the string is malformed, has an unknown metric, or has no metric.
        """
        terms, relation, bound = parse_comparison(text)
        known = sorted(metrics)
        for name in terms:
            if name not in known:
                raise ConstraintError(
                    f"Constraint {text!r} names an unknown metric {name!r}."
                    f"{did_you_mean(name, known)} Known: {', '.join(known)}."
                )
        return cls(text, tuple(terms.items()), relation, bound)

    @property
    def canonical(self) -> str:
        """The normal form as a string; numbers with ten digits."""
        parts = []
        for name, coefficient in self.terms:
            size = abs(coefficient)
            sign = "-" if coefficient < 0 else "+"
            parts.append(f"{sign} {name}" if size == 1 else f"{sign} {size:.10g}*{name}")
        return f"{' '.join(parts).removeprefix('+ ')} {self.relation} {self.bound:.10g}"

    def limits(self, metric: str) -> bool:
        """Whether a greater value of the metric can break the constraint."""
        coefficient = dict(self.terms).get(metric, 0.0)
        return coefficient > 0 if self.relation.startswith("<") else coefficient < 0

    def with_ratio(self, metric: str, ratio: float) -> Constraint:
        """The constraint with the values of a metric multiplied by a ratio.

        This changes constraints only if a greater value of the metric can break them: a ratio
        above 1 makes them stricter, a ratio below 1 looser.

        Examples:
            >>> limit = Constraint.parse("latency_ms <= 5", metrics=("latency_ms",))
            >>> limit.with_ratio("latency_ms", 1.25).terms
            (('latency_ms', 1.25),)
        """
        if ratio == 1 or not self.limits(metric):
            return self
        terms = dict(self.terms)
        terms[metric] *= ratio
        text = f"{self.text} (with {ratio:.4g} * {metric})"
        return Constraint(text, tuple(terms.items()), self.relation, self.bound)

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
        return float(left.min() if self.relation.startswith("<") else left.max())


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
    extreme = "smallest" if constraint.relation.startswith("<") else "largest"
    names = ", ".join(name for name, _ in constraint.terms)
    left = constraint.canonical.rsplit(f" {constraint.relation} ", 1)[0]
    return (
        f"No architecture among {size} satisfies {constraint.text!r}: the {extreme} predicted "
        f"value of {left} is {constraint.closest(metrics):.6g}, against a bound of "
        f"{constraint.bound:.6g}. Loosen the constraint, or check the units of {names}."
    )
