"""Random generators that depend only on their place in a search.

Every random decision of a search has its own generator, keyed by the seed of the search, the
purpose, and the number of the query. So a resumed search makes the same decisions as an
uninterrupted one.
"""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["generator", "integer_seed"]


def _sequence(seed: int, purpose: str, number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), number])


def generator(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """Generator of one purpose at one point of a search.

    Args:
        seed: Seed of the search, not negative.
        purpose: Name of the draw; different purposes are independent.
        number: Number of the query or round, not negative.

    Examples:
        >>> bool(generator(0, "pool").random() == generator(0, "pool").random())
        True
    """
    return np.random.default_rng(_sequence(seed, purpose, number))


def integer_seed(seed: int, purpose: str, number: int = 0) -> int:
    """Integer seed in ``0..2**31 - 1``, with the arguments of `generator`."""
    return int(_sequence(seed, purpose, number).generate_state(1)[0] >> 1)
