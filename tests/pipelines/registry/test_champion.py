from __future__ import annotations

import pandas as pd
import pytest

from pipelines.registry import champion_of, promote, register
from tests.pipelines.registry.toys import ARCHS, NAME, challenger, config


@pytest.mark.usefixtures("store")
def test_there_is_none_until_one_is_promoted() -> None:
    assert champion_of(NAME) is None
    rows = pd.DataFrame({"arch_id": ARCHS, "latency_ms": 1.0, "split": "test"})
    register(challenger(rows=rows))
    assert champion_of(NAME) is None
    promote(NAME, config())
    found = champion_of(NAME)
    assert found is not None
    assert int(found.version.version) == 1
    pd.testing.assert_frame_equal(found.rows, rows)
    assert found.predictor.value == "latency_ms"


@pytest.mark.usefixtures("store")
def test_a_newer_version_is_not_it_until_promoted() -> None:
    register(challenger(0.02))
    promote(NAME, config())
    register(challenger(0.05))
    found = champion_of(NAME)
    assert found is not None
    assert int(found.version.version) == 1
