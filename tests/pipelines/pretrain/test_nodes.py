from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from brpnas.datasets import held_out
from brpnas.errors import ConfigurationError
from brpnas.graphs import SpaceGraphs
from brpnas.spaces import NetworkConfig
from pipelines.pretrain.nodes import learn_prior
from tests.pipelines.parameters import base
from tests.pipelines.toys import make_latency
from tests.predictors.transfer.toys import few_steps

__all__ = ["few_steps"]

PARAMS: dict[str, Any] = base("pretrain")
QUICK = PARAMS | {"hidden": 8, "layers": 2, "epochs": 2}


def tables(graphs: SpaceGraphs, count: int) -> dict[str, Any]:
    def table(index: int) -> pd.DataFrame:
        rng = np.random.default_rng(index)
        found = make_latency(graphs.arch_ids, f"toy-{index}")
        return found.assign(latency_ms=found["latency_ms"] * rng.uniform(0.9, 1.1, len(found)))

    return {f"toy-{index}": lambda index=index: table(index) for index in range(count)}


def test_learns_from_every_device(small_graphs: SpaceGraphs) -> None:
    prior = learn_prior(small_graphs, tables(small_graphs, 3), 0.2, QUICK)
    assert prior.devices == ("toy-0", "toy-1", "toy-2")
    assert prior.features.known is not None
    assert prior.config.hidden == 8


def test_the_size_of_each_device_is_kept(small_graphs: SpaceGraphs) -> None:
    given = tables(small_graphs, 3)
    small = NetworkConfig(4, 1, 2, (1, 8, 8), 10).size
    given["toy-1"] = lambda read=given["toy-1"]: read().assign(network_size=small)
    published = NetworkConfig().size
    found = learn_prior(small_graphs, given, 0.2, QUICK)
    assert found.network_sizes == (published, small, published)


def test_errors_are_of_the_test_rows(small_graphs: SpaceGraphs) -> None:
    given = tables(small_graphs, 2)
    few = given["toy-0"]().head(60)
    held = int(held_out(given["toy-1"]()["arch_id"].tolist(), 0.2).sum())
    prior = learn_prior(small_graphs, given | {"few": lambda: few}, 0.2, QUICK)
    assert prior.devices == ("few", "toy-0", "toy-1")
    assert prior.answers[0] is None
    assert [one.rows for one in prior.answers[1:] if one is not None] == [held, held]
    assert learn_prior(small_graphs, given, 0.0, QUICK).answers == (None, None)


def test_published_tables_need_not_be_kept(small_graphs: SpaceGraphs) -> None:
    prior = learn_prior(small_graphs, tables(small_graphs, 2), 0.2, QUICK | {"keep_tables": False})
    assert prior.features.known is None


def test_one_device_teaches_nothing(small_graphs: SpaceGraphs) -> None:
    with pytest.raises(ConfigurationError, match=r"devices, not 1\b"):
        learn_prior(small_graphs, tables(small_graphs, 1), 0.2, QUICK)


def test_cells_that_are_always_test_rows_teach_nothing(small_graphs: SpaceGraphs) -> None:
    def spoilt(read: Any) -> Any:
        table = read()
        held = held_out(table["arch_id"].tolist(), 0.2)
        assert held.sum() > 10
        return lambda: table.assign(latency_ms=table["latency_ms"].where(~held, 1000.0))

    devices = tables(small_graphs, 2)
    found = [
        learn_prior(small_graphs, given, 0.2, QUICK).features.of(small_graphs.views)
        for given in (devices, {name: spoilt(read) for name, read in devices.items()})
    ]
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
