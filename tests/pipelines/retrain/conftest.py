"""Shared by the tests of the stage: a store, and the quick exporter of torch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cells_once import cells_once
from tests.pipelines.registry.conftest import store
from tests.quick_export import exporting_quickly

__all__ = ["cells_once", "store"]


@pytest.fixture(scope="module", autouse=True)
def _quick_export() -> Iterator[None]:
    with exporting_quickly():
        yield
