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

__all__ = ["TEST_SHARE", "held_out"]

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

    Example:
        >>> held_out(["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"], share=1.0).tolist()
        [True]
    """
    if not 0 <= share <= 1:
        raise ConfigurationError(f"A share lies between 0 and 1, not at {share}.")
    numbers = [
        int.from_bytes(hashlib.sha256(arch_id.encode()).digest()[:8], "big") for arch_id in arch_ids
    ]
    return np.array([number < share * 2**64 for number in numbers], bool)
