"""A cache of the function and the feasibility of each architecture.

It grows with the drawn architectures; its loss costs time and changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.search.limits import Limits
from brpnas.search.pools.base import BoolArray
from brpnas.spaces import SearchSpace

__all__ = ["ArchitectureCache", "Predict"]

Predict: TypeAlias = Callable[[Sequence[str]], Mapping[str, npt.NDArray[np.floating[Any]]]]
"""Predicts metrics of architectures: the values of each metric, ``[N]``, in the order given."""


class ArchitectureCache:
    """Functions of architectures, and whether they may be proposed.

    Args:
        space: The space.
        predict: Predicts the metrics of the limits; None if there is nothing to predict.
        limits: Limits of the search.
        deviate: Gives the deviations of these predictions; None if there are none.
    """

    def __init__(
        self,
        space: SearchSpace,
        predict: Predict | None,
        limits: Limits,
        deviate: Predict | None = None,
    ) -> None:
        self.space, self.predict, self.limits, self.deviate = space, predict, limits, deviate
        self._feasible: dict[str, bool] = {}
        self._within: dict[str, bool] = {}
        self._functions: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._feasible)

    def feasible(self, arch_ids: Sequence[str]) -> BoolArray:
        """Whether each architecture may be proposed, always predicted again.

        Never from the cache: the last bits of a network's prediction depend on the rest of its
        batch. The draws of a search must not depend on earlier draws.

        Args:
            arch_ids: Architectures of the space, ``N`` of them.
        """
        metrics = self.metrics(arch_ids) if self.limits.constraints else {}
        spread = self.deviations(arch_ids) if self.limits.constraints else {}
        mask = self.limits.proposable(arch_ids, metrics, spread)
        within = self.limits.within(arch_ids, metrics, spread)
        self._feasible.update(zip(arch_ids, mask.tolist(), strict=True))
        self._within.update(zip(arch_ids, within.tolist(), strict=True))
        return mask

    def is_within(self, text: str) -> bool:
        """Whether a string is an architecture clearly within the limits; from the cache."""
        return self.is_feasible(text) and self._within[text]

    def is_feasible(self, text: str) -> bool:
        """Whether a string is a proposable architecture; from the cache."""
        if text not in self._feasible:
            try:
                if self.space.canonical(text) != text:
                    return False
            except ArchitectureError:
                return False
            self.feasible([text])
        return self._feasible[text]

    def functions(self, arch_ids: Sequence[str]) -> list[str]:
        """Isomorphism id of each architecture; from the cache if known."""
        unknown = [name for name in dict.fromkeys(arch_ids) if name not in self._functions]
        if unknown:
            ids = self.space.isomorphism_ids(unknown)
            self._functions.update(zip(unknown, ids, strict=True))
        return [self._functions[name] for name in arch_ids]

    def metrics(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Predicted metrics by name, each of shape ``[N]``; empty without ``predict``.

        Raises:
            ConfigurationError: If ``predict`` returns another number of values.
        """
        return _asked(self.predict, arch_ids, "predict")

    def deviations(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Deviations of the predictions by name, each of shape ``[N]``; empty without ``deviate``.

        Raises:
            ConfigurationError: If ``deviate`` returns another number of values.
        """
        return _asked(self.deviate, arch_ids, "deviate")


def _asked(
    function: Predict | None, arch_ids: Sequence[str], title: str
) -> dict[str, npt.NDArray[np.float64]]:
    if function is None:
        return {}
    found = {name: np.asarray(values, np.float64) for name, values in function(arch_ids).items()}
    for name, values in found.items():
        if values.shape != (len(arch_ids),):
            raise ConfigurationError(
                f"`{title}` gave {name!r} in the shape {values.shape} for {len(arch_ids)} "
                "architectures: give one value per architecture, in their order."
            )
    return found
