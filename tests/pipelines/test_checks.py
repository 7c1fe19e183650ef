from __future__ import annotations

from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node

from brpnas.errors import BrpNasError, ConstraintError, UnknownNameError
from pipelines.checks import MissingInputError, check_inputs, check_parameters

GOOD: dict[str, Any] = {
    "device": "desktop-cpu-core-i7-7820x-fp32",
    "dataset": "cifar100",
    "constraints": ["latency_ms <= 5"],
}


def reads(*names: str) -> Pipeline:
    return Pipeline([node(lambda *_: 0, inputs=list(names), outputs="out", name="n")])


ALL = reads("params:device", "params:dataset", "params:constraints")


def test_good_names_pass() -> None:
    check_parameters(ALL, GOOD)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"device": "desktop-cpu-core-i7-7820x"}, UnknownNameError, "Did you mean 'desktop-cpu"),
        ({"dataset": "cifar1000"}, UnknownNameError, "Did you mean 'cifar100'"),
        ({"constraints": ["latency <= 5"]}, ConstraintError, "latency_ms"),
        ({"constraints": ["latency_ms = 5"]}, ConstraintError, "latency_ms"),
    ],
)
def test_bad_names_are_refused(change: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        check_parameters(ALL, GOOD | change)


def test_only_what_the_pipeline_uses_is_checked() -> None:
    check_parameters(reads("params:ingest"), GOOD | {"device": "nonsense"})


def test_missing_input_names_the_stage_that_makes_it() -> None:
    catalog = DataCatalog({"architectures": MemoryDataset(1), "space_graphs": MemoryDataset()})
    check_inputs(reads("architectures", "params:x"), catalog)
    with pytest.raises(MissingInputError, match=r"space_graphs.*--pipelines=featurise`") as caught:
        check_inputs(reads("architectures", "space_graphs"), catalog)
    assert isinstance(caught.value, BrpNasError)
