"""Whether the cells of a file are written in the notation of another tool.

Where no text tells two notations apart, latencies do: read in the wrong notation, costs of
operations explain them worse. docs/devices.md says how often that is found, `python -m benchmarks
intake` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.spaces import SearchSpace
from brpnas.tables import Finding, error, warning

__all__ = ["CERTAIN", "LIKELY", "OTHER_NOTATION", "check_notation"]

OTHER_NOTATION = "other notation"
"""Kind of the finding."""

LIKELY, CERTAIN = 4.0, 20.0
"""Logarithms of the ratio of likelihoods from which another notation is reported, and from which a
file is refused. Of 3,800 draws of 20 to 900 rows from 19 known tables none exceeds 1."""


def check_notation(
    texts: Sequence[str],
    lines: Sequence[int],
    latencies_ms: npt.NDArray[np.float64],
    space: SearchSpace,
) -> list[Finding]:
    """Compare the notations that the cells of a file may be in.

    Args:
        texts: Cells as they are written, each one of the space.
        lines: Where each stands.
        latencies_ms: Latency of each, shape ``[N]``.
        space: What they are of.
    """
    found = []
    for notation in space.notations:
        about, ratio = notation.evidence(texts, latencies_ms)
        if ratio < LIKELY:
            continue
        where = [line for line, is_about in zip(lines, about, strict=True) if is_about]
        message = (
            f"the cells are probably {notation.words}. Read as such, they explain the latencies "
            f"better: the log-likelihood ratio is {ratio:.0f}, and below {LIKELY:g} for files in "
            f"the notation of {space.name}. Read as that, they are other cells than were measured."
        )
        remedy = (
            f"Rewrite the file by `brpnas devices check FILE --notation {notation.name} --output "
            f"NEW.csv`, and use NEW.csv. If the cells are in the notation of {space.name}, rewrite "
            f"it with --notation {space.name}."
        )
        make = error if ratio >= CERTAIN else warning
        found.append(make(OTHER_NOTATION, message, remedy, where))
    return found
