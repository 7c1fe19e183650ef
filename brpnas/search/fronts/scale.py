"""The scale of a hypervolume: its normalisation and its reference point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.errors import SchemaError
from brpnas.search.fronts.hypervolume import hypervolume
from brpnas.search.fronts.pareto import as_points, pareto_front

__all__ = ["MARGIN", "Scale"]

MARGIN = 0.1
"""Distance of the reference point beyond the nadir, in ranges of the front."""


@dataclass(frozen=True)
class Scale:
    """Objectives relative to the range of a front: its nadir becomes 0, its ideal becomes 1.

    The ideal has the best value of each objective on the front, the nadir the worst. The reference
    point lies a tenth of the range beyond the nadir, so the extreme members count too (Ishibuchi et
    al., Evolutionary Computation 2018, discuss this distance). An objective without a range keeps
    its unit.

    Attributes:
        ideal: Best values, greater is better.
        nadir: Worst values.

    Examples:
        >>> scale = Scale.of([[0.9, -5.0], [0.8, -1.0]])
        >>> scale.reference
        (0.79, -5.4)
        >>> round(scale.hypervolume([[0.9, -5.0], [0.8, -1.0]]), 3)
        0.21
    """

    ideal: tuple[float, ...]
    nadir: tuple[float, ...]

    @classmethod
    def of(cls, points: npt.ArrayLike) -> Scale:
        """The scale of the front of some points, shape ``[N, M]``.

        Raises:
            SchemaError: If no point is known.
        """
        values = as_points(points)
        front = values[pareto_front(values)]
        if not len(front):
            raise SchemaError("A scale needs at least one point without a missing value.")
        return cls(tuple(front.max(axis=0).tolist()), tuple(front.min(axis=0).tolist()))

    @property
    def reference(self) -> tuple[float, ...]:
        """The reference point in the units of the objectives."""
        found = np.array(self.nadir) - MARGIN * self._range
        return tuple(float(f"{value:.12g}") for value in found)

    @property
    def _range(self) -> npt.NDArray[np.float64]:
        found = np.array(self.ideal) - np.array(self.nadir)
        return np.where(found > 0, found, 1.0)

    def normalised(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Points relative to the range, shape ``[N, M]``."""
        found = (as_points(points) - np.array(self.nadir)) / self._range
        return np.asarray(found, np.float64)

    def hypervolume(self, points: npt.ArrayLike) -> float:
        """Hypervolume of normalised points over the normalised reference point."""
        return hypervolume(self.normalised(points), np.full(len(self.ideal), -MARGIN))
