from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from brpnas.datasets import OPERATIONS as SCHEMA
from brpnas.datasets import validate
from brpnas.errors import MeasurementError
from brpnas.fanout import LocalEngine
from brpnas.measure import (
    ClusterTarget,
    OnnxRuntime,
    TorchEager,
    measure_cells,
    measure_operations,
    operations,
    select_cells,
)
from brpnas.measure.operations import operation_modules
from brpnas.predictors.layerwise import LayerwisePredictor, network_parts
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.build import MacroNetwork
from brpnas.spaces.network import NetworkConfig
from tests.measure.small import NETWORK, small
from tests.seeds import first_of

SIZES = {"channels": 4, "cells_per_stage": 2, "stages": 3, "input_shape": (3, 9, 9)}
CODES = [(3, 0, 2, 1, 4, 3), (0,) * 6, (1,) * 6, (3, 3, 2, 0, 0, 0), (4, 2, 3, 3, 2, 4)]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


def test_modules_put_together_are_the_network() -> None:
    """Parameters of the parts, counted as often as they occur, are those of the whole."""
    network = NetworkConfig(**SIZES)  # type: ignore[arg-type]
    sizes = {
        (part, stage): sum(p.numel() for p in module.parameters())
        for part, stage, module, _ in operation_modules(network)
    }
    assert set(sizes) == set(network_parts(3, executes_dead_ops=network.executes_dead_ops))
    table = pd.DataFrame(
        [(*key, float(size)) for key, size in sizes.items()],
        columns=["part", "stage", "latency_ms"],
    ).assign(cells_per_stage=2, executes_dead_ops=network.executes_dead_ops)
    predicted = LayerwisePredictor(table).predict([to_string(c) for c in CODES])
    actual = [sum(p.numel() for p in MacroNetwork(c, network).parameters()) for c in CODES]
    assert predicted.tolist() == actual


def test_parts_fit_together() -> None:
    network = NetworkConfig(**SIZES)  # type: ignore[arg-type]
    shapes = {}
    for part, stage, module, shape in operation_modules(network):
        image = torch.zeros(1, *shape)
        answer = module.eval()(image)
        shapes[part, stage] = (shape, tuple(answer.shape[1:]))
        if part not in ("stem", "head", "reduction"):
            assert answer.shape == image.shape
    chain = ["stem 0", "add 0", "reduction 1", "add 1", "reduction 2", "add 2", "head 2"]
    keys = [(name.split()[0], int(name.split()[1])) for name in chain]
    for one, other in itertools.pairwise(keys):
        assert shapes[one][1] == shapes[other][0]
    assert shapes["head", 2][1] == (network.classes,)


@pytest.mark.parametrize("runtime", first_of([OnnxRuntime(), TorchEager()]), ids=str)
def test_measured_operations_predict_real_networks(
    runtime: OnnxRuntime | TorchEager, tmp_path: Path
) -> None:
    settings = small(runtime)
    table = measure_operations(settings, tmp_path / "m.jsonl", device="mine", progress=False)
    pd.testing.assert_frame_equal(validate(table, SCHEMA, origin="x"), table)
    assert (table["latency_ms"] > 0).all()
    assert set(table["device"]) == {"mine"}
    dead = settings.network.executes_dead_ops
    assert ("skip_connect" in set(table["part"])) == dead == table["executes_dead_ops"].all()
    heavy, light = LayerwisePredictor(table).predict([to_string((3,) * 6), to_string((0,) * 6)])
    assert heavy > light > 0


def test_what_the_store_holds_is_not_measured_again(tmp_path: Path) -> None:
    """Cells and operations share the file of their task, whichever comes first."""
    store, settings = tmp_path / "m.jsonl", small()
    measure_cells(select_cells(2), settings, store, progress=False, drift_limit=1e9)
    first = measure_operations(settings, store, device="mine", progress=False)
    before = store.read_text()
    torn = before.splitlines(keepends=True)
    store.write_text("".join(torn[:-3]))
    again = measure_operations(settings, store, device="mine", progress=False)
    kept = [(e["part"], e["stage"]) for e in lines(store) if e["event"] == "operation"]
    assert len(kept) == len(set(kept)) == len(first) == len(again)
    assert store.read_text().startswith("".join(torn[:-3]))
    agree = first["latency_ms"] == again["latency_ms"]
    assert agree.sum() >= len(first) - 3
    cells = measure_cells(select_cells(2), settings, store, progress=False, drift_limit=1e9)
    assert len(cells.rows) == 2
    assert measure_operations(settings, store, device="x", progress=False)["latency_ms"].equals(
        again["latency_ms"]
    )


def test_on_an_engine(tmp_path: Path, workers: LocalEngine) -> None:
    target = ClusterTarget(workers)
    table = measure_operations(
        small(), tmp_path / "m.jsonl", device="mine", target=target, progress=False
    )
    assert len(table) == len(network_parts(NETWORK.stages, executes_dead_ops=False))


def test_an_operation_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def modules(network: NetworkConfig) -> Iterator[tuple[str, int, nn.Module, tuple[int, ...]]]:
        for part, stage, module, shape in operation_modules(network):
            yield part, stage, NoNumbers() if part == "stem" else module, shape

    class NoNumbers(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / (x * 0)

    monkeypatch.setattr(operations, "operation_modules", modules)
    with pytest.raises(MeasurementError, match=r"\bstem .* 0 .*NaN"):
        measure_operations(small(), tmp_path / "m.jsonl", device="mine", progress=False)
    assert not lines(tmp_path / "m.jsonl")
    assert {path.name for path in tmp_path.iterdir()} == {"m.jsonl"}
