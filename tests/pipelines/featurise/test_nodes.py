from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from brpnas.errors import SchemaError, UnknownNameError
from brpnas.graphs import VIEWS, SpaceGraphs
from brpnas.spaces import get_space
from pipelines.featurise import create_pipeline
from pipelines.featurise.nodes import make_graphs

SPACE = "nasbench201"


def test_graphs_follow_the_order_of_the_table(architectures: pd.DataFrame) -> None:
    backwards = architectures.iloc[::-1]
    graphs = make_graphs(backwards, SPACE)
    assert list(graphs.arch_ids) == backwards["arch_id"].tolist()
    one = get_space("nasbench201").encode([graphs.arch_ids[7]], "raw")
    np.testing.assert_array_equal(graphs.view("raw").ops[7], one.ops[0])
    assert set(graphs.views) == set(VIEWS)


def test_other_spaces_are_left_out(architectures: pd.DataFrame) -> None:
    other = architectures.head(2).assign(space="darts")
    assert len(make_graphs(pd.concat([architectures, other]), SPACE)) == len(architectures)
    with pytest.raises(SchemaError, match=r"\bdarts\b.*\bingest\b"):
        make_graphs(other, SPACE)


def test_unknown_space_suggests_one(architectures: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match=r"'nasbench'.* 'nasbench201'\?"):
        make_graphs(architectures.assign(space="nasbench"), "nasbench")


def test_pipeline(architectures: pd.DataFrame) -> None:
    catalog = DataCatalog(
        {
            "architectures": MemoryDataset(architectures),
            "params:space": MemoryDataset(SPACE),
            "space_graphs": MemoryDataset(copy_mode="assign"),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    graphs = catalog["space_graphs"].load()
    assert isinstance(graphs, SpaceGraphs)
    assert len(graphs) == len(architectures)
