from __future__ import annotations

import numpy as np
import pytest

from brpnas.spaces.darts import Darts


@pytest.fixture(scope="session")
def rng_sample() -> list[str]:
    """200 architectures drawn at random."""
    return Darts().sample(np.random.default_rng(7), 200)
