"""Whether the cells of a file are in the notation of another tool.

If the text fits two notations, the latencies decide: operation costs explain them worse in the
wrong notation. docs/devices.md gives the detection rates, `python -m benchmarks intake` measures
them.
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
"""Log-likelihood ratios from which another notation is reported, and a file is refused. No draw
exceeds 1, of 3,800 draws of 20 to 900 rows from 19 known tables."""


def check_notation(
    texts: Sequence[str],
    lines: Sequence[int],
    latencies_ms: npt.NDArray[np.float64],
    space: SearchSpace,
) -> list[Finding]:
    """Compare the possible notations of the cells of a file.

    Args:
        texts: Cells as written, each valid in the space.
        lines: Line of each.
        latencies_ms: Latency of each, shape ``[N]``.
        space: Space of the cells.
    """
    found = []
    for notation in space.notations:
        about, ratio = notation.evidence(texts, latencies_ms)
        if ratio < LIKELY:
            continue
        where = [line for line, is_about in zip(lines, about, strict=True) if is_about]
        message = (
            f"the cells are probably {notation.words}. In that notation they explain the latencies "
            f"better: the log-likelihood ratio is {ratio:.0f}, and below {LIKELY:g} for files in "
            f"the notation of {space.name}. Read as {space.name}, they are not the measured cells."
        )
        remedy = (
            f"Rewrite the file by `brpnas devices check FILE --notation {notation.name} --output "
            f"NEW.csv`, and use NEW.csv. If the cells are in the notation of {space.name}, rewrite "
            f"it with --notation {space.name}."
        )
        make = error if ratio >= CERTAIN else warning
        found.append(make(OTHER_NOTATION, message, remedy, where))
    return found
