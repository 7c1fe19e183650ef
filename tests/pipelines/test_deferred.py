from __future__ import annotations

import inspect
import pickle

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from pipelines.deferred import functions_of
from pipelines.pipeline_registry import ON_REQUEST, STAGES, register_pipelines

nodes = functions_of("operator")


def test_it_is_called_with_what_the_node_reads() -> None:
    pipeline = Pipeline([node(nodes.add, inputs=["a", "b"], outputs="sum", name="add")])
    catalog = DataCatalog({"a": MemoryDataset(1), "b": MemoryDataset(2)})
    assert SequentialRunner().run(pipeline, catalog)["sum"].load() == 3


def test_it_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(nodes.mul))(2, 3) == 6


def test_nothing_is_imported_before_the_call() -> None:
    missing = functions_of("no_such_module").anything
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        missing()


@pytest.mark.parametrize("stage", [*STAGES, *ON_REQUEST])
def test_every_node_has_a_public_function_that_takes_its_inputs(stage: str) -> None:
    """Kedro checks this for functions that it can see."""
    for one in register_pipelines()[stage].nodes:
        function = one.func.resolve()
        module = inspect.getmodule(function)
        assert module is not None
        names = (*STAGES, *ON_REQUEST)
        owners = [name for name in names if module.__name__.startswith(f"pipelines.{name}.")]
        assert owners in ([stage], []), "a function of another stage"
        assert module.__name__.startswith("pipelines.")
        assert one.func.__name__ in module.__all__
        assert isinstance(one._inputs, list | str), "positional, as `bind` below assumes"
        inspect.signature(function).bind(*one.inputs)
