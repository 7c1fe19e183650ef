"""The benchmark of conformal ratios: its data, its draws, and its summary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import conformal
from brpnas.datasets import held_out
from brpnas.errors import SourceError
from brpnas.spaces import get_space
from tests.seeds import first_of

ARCH_IDS = list(get_space("nasbench201").graphs().arch_ids)


def test_without_the_files_it_ends_before_anything_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRPNAS_MIRROR", str(tmp_path))
    with pytest.raises(
        SourceError, match=rf"edgegpu-imagenet16-120\.csv.*{tmp_path}: .*BRPNAS_MIRROR"
    ):
        conformal.run(quick=True, seeds=1, workers=1)


@pytest.mark.parametrize("how", first_of(conformal.HOWS))
def test_rows_to_learn_from_are_distinct_and_no_test_rows(how: str) -> None:
    task = {"device": "edgegpu", "how": how, "rows": 10, "seed": 3}
    chosen = conformal._chosen(ARCH_IDS, task)
    assert len(set(chosen.tolist())) == 10
    names = [ARCH_IDS[place] for place in chosen]
    assert not held_out(names, conformal.TEST_SHARE).any()
    other = conformal._chosen(ARCH_IDS, task | {"seed": 4})
    assert set(chosen.tolist()) != set(other.tolist())


def test_one_draw_is_scored_on_all_other_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a made-up device: a sum over operations, which ten rows tell well."""
    ops = get_space("nasbench201").graphs().view("raw").ops
    latency = 1 + sum(cost * (ops == 4 + code).sum(axis=1) for code, cost in enumerate(range(5)))
    table = pd.DataFrame({"arch_id": ARCH_IDS, "latency_ms": latency.astype(float)})
    monkeypatch.setenv("BRPNAS_MIRROR", str(tmp_path))
    monkeypatch.setattr(conformal, "read_table", lambda device: table)
    task = {"device": "edgegpu", "how": "random", "rows": 20, "seed": 0, "quick": True}
    found = conformal.draw_once(task)
    assert found["ratio"] > 1
    assert 0.5 < found["coverage"] <= 1
    assert 0 < found["admitted"] < 0.6
    assert found["without_ratio"] <= found["feasible"] <= 1


def test_means_are_over_the_draws_that_admit_any() -> None:
    part = pd.DataFrame(
        {
            "ratio": [1.2, 1.4],
            "coverage": [0.8, 1.0],
            "feasible": [0.9, None],
            "without_ratio": [0.5, 0.7],
            "admitted": [0.2, 0.0],
            "method": ["adapted", "graph alone"],
        }
    )
    found = conformal.summary(part)
    assert found["feasible"] == [0.9, 0.0]
    assert found["coverage"] == [0.9, round(float(np.std([0.8, 1.0], ddof=1)), 4)]
    assert found["empty"] == 0.5
    assert conformal.summary(part.assign(feasible=None))["feasible"] == [None, 0.0]
