"""Stable test rows, chosen by a hash of the architecture.

A growing table keeps its test rows, later predictors of a device share the test rows of earlier
ones, and two users of one device test on the same cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError

__all__ = ["TEST_SHARE", "fitting_rows", "held_out"]

TEST_SHARE = 0.2
"""Default share of test rows."""


def held_out(arch_ids: Sequence[str], share: float = TEST_SHARE) -> npt.NDArray[np.bool_]:
    """Mask of the test rows, shape ``[N]``.

    Args:
        arch_ids: Canonical strings.
        share: Share of test rows in a space. A larger share includes the rows of a smaller one.

    Raises:
        ConfigurationError: If the share is not from 0 to 1.

    Examples:
        >>> held_out(["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"], share=1.0).tolist()
        [True]
    """
    if not 0 <= share <= 1:
        raise ConfigurationError(f"A share must be from 0 to 1, not {share}.")
    numbers = [
        int.from_bytes(hashlib.sha256(arch_id.encode()).digest()[:8], "big") for arch_id in arch_ids
    ]
    return np.array([number < share * 2**64 for number in numbers], bool)


def fitting_rows(arch_ids: Sequence[str], share: float = TEST_SHARE) -> tuple[int, int] | None:
    """Numbers of training and validation rows of a table: at most 900 and 100.

    Args:
        arch_ids: Architectures of the table.
        share: Share of test rows.

    Returns:
        The two numbers; None if the table is too small. At least one row is left for the test;
        validation takes a tenth of the other rows.
    """
    left = min(int((~held_out(arch_ids, share)).sum()), len(arch_ids) - 1)
    valid = min(100, max(1, left // 10))
    return (min(900, left - valid), valid) if left > valid else None
