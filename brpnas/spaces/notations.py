"""Notations of other tools.

`Notation` describes how another tool writes the architectures of a space where that cannot be told
from the space's own notations. Such text is read only if the notation is named, see
`SearchSpace.reader`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

__all__ = ["Notation"]


class Notation(ABC):
    """How another tool writes the architectures of a space, where both readings are possible."""

    name: ClassVar[str]
    """Name on the command line, such as ``naslib``."""
    words: ClassVar[str]
    """What texts in it are called, such as ``tuples of NASLib``."""

    @abstractmethod
    def read(self, text: str) -> str:
        """Return the ``arch_id`` that a text in this notation means.

        Raises:
            ArchitectureError: If it means none.
        """

    @abstractmethod
    def evidence(
        self, texts: Sequence[str], latencies_ms: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.bool_], float]:
        """How much better latencies fit this reading than that of the space.

        Args:
            texts: Cells as they are written, ``N`` of them, each one of the space.
            latencies_ms: Latency of each, shape ``[N]``.

        Returns:
            Which texts the two readings differ about, shape ``[N]``, and the logarithm of the ratio
            of likelihoods: above zero for this reading, zero if there are too few texts.
        """
