"""A fixture for modules with repeated commands or stages that make the graphs of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from brpnas.graphs import SpaceGraphs
from brpnas.spaces import NasBench201

_graphs = NasBench201.graphs


@cache
def _whole() -> SpaceGraphs:
    return _graphs(NasBench201())


@pytest.fixture(scope="module", autouse=True)
def cells_once() -> Iterator[None]:
    """Make the graphs of all 15,625 cells once."""

    def graphs(space: NasBench201, arch_ids: Sequence[str] | None = None) -> SpaceGraphs:
        if arch_ids is None and type(space) is NasBench201:
            return _whole()
        return _graphs(space, arch_ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NasBench201, "graphs", graphs)
        yield
