from __future__ import annotations

import numpy as np
import pytest

from brpnas.spaces import FbNet


@pytest.fixture
def rng_sample() -> list[str]:
    """200 random architectures."""
    return FbNet().sample(np.random.default_rng(21), 200)
