"""Fixtures of the search tests."""

from __future__ import annotations

import pytest

from brpnas.graphs import SpaceGraphs
from brpnas.spaces import NasBench201


@pytest.fixture(scope="session")
def nb201() -> tuple[NasBench201, SpaceGraphs]:
    """NAS-Bench-201 and its graphs."""
    space = NasBench201()
    return space, space.graphs()
