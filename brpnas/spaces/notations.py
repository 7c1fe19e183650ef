"""Notations of other tools, read only if named, see `SearchSpace.reader`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

__all__ = ["Notation"]


class Notation(ABC):
    """A notation of another tool, indistinguishable from the notations of the space."""

    name: ClassVar[str]
    """Name on the command line, such as ``naslib``."""
    words: ClassVar[str]
    """Name of such texts in messages, such as ``tuples of NASLib``."""

    @abstractmethod
    def read(self, text: str) -> str:
        """Return the ``arch_id`` of a text in this notation.

        Raises:
            ArchitectureError: If the text is not an architecture.
        """

    @abstractmethod
    def evidence(
        self, texts: Sequence[str], latencies_ms: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.bool_], float]:
        """How much better latencies fit this reading than the reading of the space.

        Args:
            texts: Architectures as written, ``N`` of them, each valid in the space.
            latencies_ms: Latency of each, shape ``[N]``.

        Returns:
            Mask of the texts with two different readings, shape ``[N]``, and the log likelihood
            ratio: positive for this reading, zero with too few texts.
        """
