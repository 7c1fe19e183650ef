"""Cells in the notation of NASLib: other operation codes, another order of edges.

``NASLIB.read`` reads them. A tuple alone is ambiguous, but latencies are not: in the wrong
notation, 3x3 convolutions become 1x1 and connections are cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError
from brpnas.graphs import BLANK
from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, to_string
from brpnas.spaces.nasbench201.encode import pruned_graphs
from brpnas.spaces.nasbench201.notation import operation_codes, read_notation
from brpnas.spaces.notations import Notation

__all__ = ["LEAST_TEXTS", "NASLIB", "NaslibNotation"]

LEAST_TEXTS = 20
"""Fewest texts for evidence from latencies."""
_LEAST_ERROR = 1e-4
"""Floor of the relative error of a fit, against evidence from rounding."""
_MOST_LEFT = 0.6
_THEIRS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_CODES = np.array([OPERATIONS.index(name) for name in _THEIRS], np.int8)
"""Our code of each operation of NASLib; the mapping is its own inverse."""
_EDGES = np.array([EDGES.index(edge) for edge in sorted(EDGES)])
"""Our position of each edge of NASLib, sorted by source; also its own inverse."""
Floats = npt.NDArray[np.float64]


class NaslibNotation(Notation):
    """Six operation codes of NASLib (Ruchte et al., 2020), in its order of edges."""

    name: ClassVar[str] = "naslib"
    words: ClassVar[str] = "operation codes of NASLib"

    def read(self, text: str) -> str:
        """Return the ``arch_id`` of six codes, as a tuple or joined, or of the benchmark's string.

        Raises:
            ArchitectureError: If the text is neither.

        Examples:
            >>> NASLIB.read("(1, 1, 2, 1, 1, 1)")
            '|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|'
        """
        if "|" in text:
            return read_notation(text)
        return to_string(_translated(np.array([operation_codes(text)], np.int8))[0].tolist())

    def evidence(
        self, texts: Sequence[str], latencies_ms: Floats
    ) -> tuple[npt.NDArray[np.bool_], float]:
        """Compare how well costs of operations explain the latencies under both readings.

        Costs are fitted by least squares of relative errors, to all operations or to the live ones.
        No cost is negative, and a 3x3 convolution costs no less than a 1x1 convolution. Errors are
        taken as Gaussian. A reading with more than 60 % of the squares of a constant is never
        preferred: the rows may be shuffled.
        """
        codes = [_codes(text) for text in texts]
        about = np.array([bool(six) for six in codes], bool)
        if about.sum() < LEAST_TEXTS:
            return about, 0.0
        ours = np.array([six for six in codes if six], np.int8)
        values = latencies_ms[about]
        left, left_theirs = (_squares(read, values) for read in (ours, _translated(ours)))
        ratio = float(about.sum() / 2 * np.log(left / left_theirs))
        explains = left_theirs <= _MOST_LEFT * _spread(values)
        return about, ratio if explains else min(ratio, 0.0)


NASLIB = NaslibNotation()
"""The notation; it has no state."""


def _codes(text: str) -> list[int]:
    """Six operation codes as written; none if the text is something else."""
    try:
        return operation_codes(text)
    except ArchitectureError:
        return []


def _translated(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Cells of one notation in the other, shape ``[N, 6]``; its own inverse."""
    translated: npt.NDArray[np.int8] = _CODES[codes[:, _EDGES]]
    return translated


def _spread(latencies_ms: Floats) -> float:
    """Squared relative errors of the best constant."""
    inverse = 1 / latencies_ms
    constant = inverse.sum() / (inverse**2).sum()
    return float(((1 - constant * inverse) ** 2).sum())


def _squares(codes: npt.NDArray[np.int8], latencies_ms: Floats) -> float:
    """Squared relative errors of the better of two fits of costs."""
    from scipy.optimize import nnls  # noqa: PLC0415 - its import is slow, and few need it

    dead = pruned_graphs(codes).ops[:, 2:-1] == BLANK
    left = []
    for ops in (codes, np.where(dead, -1, codes)):
        none, skip, conv1, conv3, pool = ((ops == k).sum(axis=1) for k in range(len(OPERATIONS)))
        base = np.ones(len(codes))
        costs = np.column_stack([base, none, skip, conv1 + conv3, conv3, pool])
        left.append(float(nnls(costs / latencies_ms[:, None], base)[1]) ** 2)
    return max(min(left), len(codes) * _LEAST_ERROR**2)
