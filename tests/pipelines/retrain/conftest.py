"""Shared by the tests of the stage: a store, and the quick exporter of torch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from brpnas.export import export_device_predictor
from tests.cells_once import cells_once
from tests.pipelines.registry.conftest import empty_database, store

__all__ = ["cells_once", "empty_database", "store"]


@pytest.fixture(scope="module", autouse=True)
def _quick_export() -> Iterator[None]:
    """Let the stage export ten times faster; tests that start `kedro` use its own exporter."""
    quick = partial(export_device_predictor, exporter="torchscript")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.retrain.nodes.export_device_predictor", quick)
        yield
