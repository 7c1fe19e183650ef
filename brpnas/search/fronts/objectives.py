"""Objectives of a search as strings: ``"accuracy"``, ``"-latency_ms"``, ``"-latency_ms@my-phone"``.

`Objectives.parse` reads them once. Their order is the order of the coordinates of a point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from brpnas.datasets.metrics import METRICS, DeviceMetric
from brpnas.errors import BrpNasError, ObjectiveError, did_you_mean, shown
from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool

__all__ = ["ACCURACY", "Known", "Objective", "Objectives"]

ACCURACY = "accuracy"
"""The objective of every search: validation accuracy, a fraction."""
_MOST = 3
_EXAMPLE = 'Write [accuracy, -latency_ms], and at most one more, such as "-params_m".'

FloatArray: TypeAlias = npt.NDArray[np.float64]
Known: TypeAlias = Mapping[str, Mapping[str, float]]
"""Measured values by metric and architecture; they replace predictions."""


@dataclass(frozen=True)
class Objective:
    """One objective: the accuracy, which is maximised, or a cost, which is minimised.

    Attributes:
        cost: The minimised metric; None for the accuracy.

    Examples:
        >>> str(Objective.parse("-latency_ms@my-phone"))
        '-latency_ms@my-phone'
    """

    cost: DeviceMetric | None = None

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Read an objective.

        Raises:
            ObjectiveError: If the string is no objective: an unknown metric, a malformed device, a
                minimised accuracy or a maximised cost.
        """
        sign, name = (
            ("-", text.strip()[1:].strip()) if text.strip()[:1] == "-" else ("", text.strip())
        )
        if name == ACCURACY:
            if sign:
                raise ObjectiveError(f"Objective {shown(text)} asks for a low accuracy. {_EXAMPLE}")
            return cls()
        try:
            cost = DeviceMetric.parse(name)
        except BrpNasError as error:
            hint = did_you_mean(name, [ACCURACY])
            raise ObjectiveError(f"Objective {shown(text)}:{hint} {error} {_EXAMPLE}") from None
        if not sign:
            raise ObjectiveError(
                f"Objective {shown(text)} asks for a high {cost.about.title.lower()}, which is a "
                f"cost: write '-{cost}'."
            )
        return cls(cost)

    @property
    def name(self) -> str:
        """Name of the value: ``accuracy``, or the metric as predictions are keyed by it."""
        return ACCURACY if self.cost is None else str(self.cost)

    def __str__(self) -> str:
        return self.name if self.cost is None else f"-{self.name}"


@dataclass(frozen=True)
class Objectives:
    """One to three objectives, the accuracy among them.

    Attributes:
        members: The objectives in their order.

    Examples:
        >>> objectives = Objectives.parse(["accuracy", "-latency_ms"])
        >>> objectives.costs, objectives.several
        (('latency_ms',), True)
        >>> objectives.points(np.array([0.9]), np.array([[5.0]]))
        array([[ 0.9, -5. ]])
    """

    members: tuple[Objective, ...] = (Objective(),)

    @classmethod
    def parse(cls, texts: Sequence[str], device: str | None = None) -> Objectives:
        """Read objectives.

        Args:
            texts: The strings, see `Objective.parse`.
            device: Device of the task: metrics on it lose their device, as in predictions.

        Raises:
            ObjectiveError: If a string is no objective, one is named twice, the accuracy is not
                among them, or there are more than three.
        """
        read = [Objective.parse(text) for text in texts]
        if device is not None:
            read = [Objective(o.cost and o.cost.relative_to(device)) for o in read]
        twice = [text for place, text in enumerate(texts) if read[place] in read[:place]]
        if twice:
            raise ObjectiveError(f"Objective {twice[0]!r} is named twice: remove one.")
        if Objective() not in read:
            given = ", ".join(map(str, read)) or "none"
            raise ObjectiveError(
                f"A search needs the objective {ACCURACY!r}, and has {given}: add it. Without "
                "accuracy, the predictions alone give the front."
            )
        if len(read) > _MOST:
            raise ObjectiveError(
                f"A search has at most {_MOST} objectives, not {len(read)}: keep the most "
                'important ones, and turn the others into constraints, such as "params_m <= 2".'
            )
        return cls(tuple(read))

    def __iter__(self) -> Iterator[Objective]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def several(self) -> bool:
        """Whether the search has a front; with the accuracy alone it has a best architecture."""
        return len(self.members) > 1

    @property
    def costs(self) -> tuple[str, ...]:
        """Names of the costs, in their order."""
        return tuple(objective.name for objective in self.members if objective.cost)

    def points(self, accuracy: npt.ArrayLike, costs: npt.ArrayLike) -> FloatArray:
        """Points of ``N`` architectures, greater is better, shape ``[N, M]``.

        Args:
            accuracy: Accuracy, or a score of the same order, ``[N]``.
            costs: Costs in the order of `costs`, ``[N, M - 1]``.
        """
        columns = iter(-np.asarray(costs, np.float64).T)
        first = np.asarray(accuracy, np.float64)
        return np.column_stack([next(columns) if o.cost else first for o in self.members])

    def values(
        self,
        arch_ids: Sequence[str],
        predicted: Mapping[str, npt.ArrayLike],
        known: Known | None = None,
    ) -> FloatArray:
        """Costs of ``N`` architectures, in the order of `costs`, shape ``[N, M - 1]``.

        Args:
            arch_ids: The architectures.
            predicted: Predicted metrics by name, each ``[N]``.
            known: Measured values, which replace the predicted ones.

        Raises:
            ObjectiveError: If a cost is not predicted.
        """
        found = np.empty((len(arch_ids), len(self.costs)))
        for column, name in enumerate(self.costs):
            if name not in predicted:
                there = ", ".join(sorted(predicted)) or "no metric"
                raise ObjectiveError(
                    f"Objective '-{name}' has no predictions; there are those of {there}. Choose "
                    "one of these, or train a predictor for it."
                )
            measured = (known or {}).get(name, {})
            values = np.asarray(predicted[name], np.float64)
            found[:, column] = [
                measured.get(arch_id, value)
                for arch_id, value in zip(arch_ids, values.tolist(), strict=True)
            ]
        return found

    def describe(self, known: Known) -> dict[str, object]:
        """Fingerprint of the objectives and of the measured costs (JSON types)."""
        rows = [[name, sorted(known.get(name, {}).items())] for name in self.costs]
        digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        return {"objectives": list(map(str, self)), "known_sha256": digest}

    def check(self, pool: CandidatePool, known: Known | None = None) -> None:
        """Refuse costs that cannot be an objective of a search in a pool.

        Args:
            pool: The pool; a sample of it counts if it is not listed.
            known: Measured values.

        Raises:
            ObjectiveError: If a cost is not predicted, unknown for an architecture, or constant
                over the feasible ones.
        """
        candidates = pool.shortlist(History())
        names = candidates.names(np.arange(len(candidates)))
        values = self.values(names, pool.predictions(names), known)
        for name, column in zip(self.costs, values.T, strict=True):
            is_missing = ~np.isfinite(column)
            if is_missing.any():
                raise ObjectiveError(
                    f"Objective '-{name}' is unknown for {int(is_missing.sum())} of {len(names)} "
                    f"architectures, such as {names[int(is_missing.argmax())]!r}: remove it."
                )
            if (column == column[0]).all():
                unit = METRICS[name.partition("@")[0]].unit
                raise ObjectiveError(
                    f"Objective '-{name}' is {column[0]:.6g} {unit} for each of {len(names)} "
                    "feasible architectures, so it cannot decide anything: remove it, or loosen "
                    "the constraints."
                )
