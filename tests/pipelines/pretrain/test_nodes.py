from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from brpnas.errors import ConfigurationError
from brpnas.graphs import SpaceGraphs
from pipelines.pretrain.nodes import learn_prior
from tests.pipelines.toys import make_latency

BASE = Path(__file__).parents[3] / "conf" / "base"
PARAMS: dict[str, Any] = yaml.safe_load((BASE / "parameters_pretrain.yml").read_text())["pretrain"]
QUICK = PARAMS | {"hidden": 8, "layers": 2, "epochs": 2}


def tables(graphs: SpaceGraphs, count: int) -> dict[str, Any]:
    def table(index: int) -> pd.DataFrame:
        rng = np.random.default_rng(index)
        found = make_latency(graphs.arch_ids, f"toy-{index}")
        return found.assign(latency_ms=found["latency_ms"] * rng.uniform(0.9, 1.1, len(found)))

    return {f"toy-{index}": lambda index=index: table(index) for index in range(count)}


def test_learns_from_every_device(small_graphs: SpaceGraphs) -> None:
    prior = learn_prior(small_graphs, tables(small_graphs, 3), QUICK)
    assert prior.devices == ("toy-0", "toy-1", "toy-2")
    assert prior.features.known is not None
    assert prior.config.hidden == 8


def test_published_tables_need_not_be_kept(small_graphs: SpaceGraphs) -> None:
    prior = learn_prior(small_graphs, tables(small_graphs, 2), QUICK | {"keep_tables": False})
    assert prior.features.known is None


def test_one_device_teaches_nothing(small_graphs: SpaceGraphs) -> None:
    with pytest.raises(ConfigurationError, match="at least two"):
        learn_prior(small_graphs, tables(small_graphs, 1), QUICK)
