"""The architectures of an unlisted space that a search has met: what was worked out about them.

A cache that grows: what it holds of an architecture follows from its ``arch_id`` alone, so that it
may be lost at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.search.constraints import Constraint
from brpnas.search.task import BoolArray
from brpnas.spaces import SearchSpace

__all__ = ["Met", "Predict"]

Predict: TypeAlias = Callable[[Sequence[str]], Mapping[str, npt.NDArray[np.floating[Any]]]]
"""Predicts metrics of architectures: each name's values, ``[N]``, in the order given."""


class Met:
    """Which architectures were met, their functions, and whether they satisfy the constraints.

    Args:
        space: The space.
        predict: Predicts what the constraints name; None if there is nothing to predict.
        constraints: What a feasible architecture satisfies.
    """

    def __init__(
        self, space: SearchSpace, predict: Predict | None, constraints: Sequence[Constraint]
    ) -> None:
        self.space, self.predict, self.constraints = space, predict, tuple(constraints)
        self._feasible: dict[str, bool] = {}
        self._functions: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._feasible)

    def feasible(self, arch_ids: Sequence[str]) -> BoolArray:
        """Which architectures satisfy the constraints, predicted anew for all of them.

        Never from the table: with a network's predictions the last bits of one architecture depend
        on those beside it, and what a search draws must not depend on what was drawn before.

        Args:
            arch_ids: Architectures of the space, ``N`` of them.
        """
        mask = np.ones(len(arch_ids), np.bool_)
        if self.constraints:
            metrics = self.metrics(arch_ids)
            for constraint in self.constraints:
                mask &= constraint.satisfied(metrics)
        self._feasible.update(zip(arch_ids, mask.tolist(), strict=True))
        return mask

    def is_feasible(self, text: str) -> bool:
        """Whether a string is an architecture that satisfies the constraints; from the table."""
        if text not in self._feasible:
            try:
                if self.space.canonical(text) != text:
                    return False
            except ArchitectureError:
                return False
            self.feasible([text])
        return self._feasible[text]

    def functions(self, arch_ids: Sequence[str]) -> list[str]:
        """Isomorphism id of each architecture; from the table where they are known."""
        unknown = [name for name in dict.fromkeys(arch_ids) if name not in self._functions]
        if unknown:
            ids = self.space.isomorphism_ids(unknown)
            self._functions.update(zip(unknown, ids, strict=True))
        return [self._functions[name] for name in arch_ids]

    def metrics(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Predicted metrics by name, each of shape ``[N]``; none without a function that predicts.

        Raises:
            ConfigurationError: If that function gives another number of values.
        """
        if self.predict is None:
            return {}
        metrics = {
            name: np.asarray(values, np.float64) for name, values in self.predict(arch_ids).items()
        }
        for name, values in metrics.items():
            if values.shape != (len(arch_ids),):
                raise ConfigurationError(
                    f"`predict` gave {name!r} in the shape {values.shape} for {len(arch_ids)} "
                    "architectures: give one value per architecture, in their order."
                )
        return metrics
