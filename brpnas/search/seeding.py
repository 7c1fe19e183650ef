"""Random generators that depend on nothing but where in a search they are used.

Every random decision of a search takes its own generator from here, keyed by the seed of the
search, the purpose, and the number of the query. So a search that resumes from its store decides
exactly as one that was never interrupted, whatever was drawn before the interruption.
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
        purpose: What is drawn; different purposes draw independently.
        number: Number of the query or round, not negative.

    Examples:
        >>> bool(generator(0, "pool").random() == generator(0, "pool").random())
        True
    """
    return np.random.default_rng(_sequence(seed, purpose, number))


def integer_seed(seed: int, purpose: str, number: int = 0) -> int:
    """Seed for code that wants an integer: as `generator`, in ``0..2**31 - 1``."""
    return int(_sequence(seed, purpose, number).generate_state(1)[0] >> 1)
