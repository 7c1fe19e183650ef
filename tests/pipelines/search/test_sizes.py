from __future__ import annotations

import pandas as pd

from brpnas.spaces import get_space
from pipelines.config import OracleConfig, parse
from pipelines.search.sizes import answering_sizes
from tests.pipelines.search.stage import PARAMS
from tests.pipelines.toys import SMALL, make_accuracy

SPACE = "nasbench201"
PUBLISHED = get_space(SPACE).published


def test_sizes_of_the_answers_are_those_of_the_data_set() -> None:
    table = make_accuracy(["a"], "cifar10").assign(network_size=PUBLISHED.size)
    other = make_accuracy(["a"], "digits").assign(network_size=SMALL.size)
    both = pd.concat([table, other])
    table_oracle = parse(OracleConfig, PARAMS["oracle"])
    assert answering_sizes(table_oracle, both, "digits", SPACE) == [SMALL.size]
    silent = both.drop(columns="network_size")
    assert answering_sizes(table_oracle, silent, "digits", SPACE) == []
    for oracle, sizes in {"train": [], "file": [], "surrogate": [PUBLISHED.size]}.items():
        config = table_oracle.model_copy(update={"name": oracle})
        assert answering_sizes(config, both, "digits", SPACE) == sizes
