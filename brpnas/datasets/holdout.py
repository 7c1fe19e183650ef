"""Test rows that stay test rows: decided by a hash of the architecture, not by a draw.

A table that grows keeps its test rows, a predictor is never tested on what an older one of the same
device was trained on, and two people who measure one device test on the same cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError

__all__ = ["TEST_SHARE", "fitting_rows", "held_out"]

TEST_SHARE = 0.2
"""Share of the architectures of a space that are test rows, unless configured otherwise."""


def held_out(arch_ids: Sequence[str], share: float = TEST_SHARE) -> npt.NDArray[np.bool_]:
    """Tell which architectures are held out for testing, shape ``[N]``.

    Args:
        arch_ids: Canonical strings.
        share: Share of a space that is held out. Those of a smaller share are among those of a
            larger one.

    Raises:
        ConfigurationError: If the share is not from 0 to 1.

    Examples:
        >>> held_out(["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"], share=1.0).tolist()
        [True]
    """
    if not 0 <= share <= 1:
        raise ConfigurationError(f"A share lies between 0 and 1, not at {share}.")
    numbers = [
        int.from_bytes(hashlib.sha256(arch_id.encode()).digest()[:8], "big") for arch_id in arch_ids
    ]
    return np.array([number < share * 2**64 for number in numbers], bool)


def fitting_rows(arch_ids: Sequence[str], share: float = TEST_SHARE) -> tuple[int, int] | None:
    """How many rows of a table to train on and to stop training by: at most 900 and 100.

    Args:
        arch_ids: Architectures of the table.
        share: Share of a space that is held out.

    Returns:
        The two numbers; None if the table is too small for any. One row at least is left to test
        on, and a tenth of those that are not held out stops training.
    """
    left = min(int((~held_out(arch_ids, share)).sum()), len(arch_ids) - 1)
    valid = min(100, max(1, left // 10))
    return (min(900, left - valid), valid) if left > valid else None
