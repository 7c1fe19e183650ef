from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from brpnas.errors import SchemaError
from brpnas.measure import LayerwisePredictor, OnnxRuntime, TorchEager, measure_operations
from brpnas.measure.layerwise import operation_modules
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, to_string
from brpnas.spaces.nasbench201.build import MacroNetwork, NetworkConfig
from brpnas.spaces.nasbench201.layers import live_edges
from tests.measure.small import small

SIZES = {
    "channels": 4,
    "cells_per_stage": 2,
    "stages": 3,
    "input_shape": (3, 9, 9),
}
CODES = [(3, 0, 2, 1, 4, 3), (0,) * 6, (1,) * 6, (3, 3, 2, 0, 0, 0), (4, 2, 3, 3, 2, 4)]


def table(network: NetworkConfig) -> pd.DataFrame:
    """A made-up latency for every part, so that sums can be told apart."""
    names = [*OPERATIONS, "add"]
    keys = [(n, s) for s in range(network.stages) for n in names]
    keys += [("stem", 0), ("head", network.stages - 1)]
    keys += [("reduction", s) for s in range(1, network.stages)]
    return pd.DataFrame(
        [(part, stage, 1.0 + 0.37**i, 0.0) for i, (part, stage) in enumerate(keys)],
        columns=["part", "stage", "latency_ms", "std_ms"],
    )


def by_hand(codes: tuple[int, ...], network: NetworkConfig, operations: pd.DataFrame) -> float:
    """Walk through the network operation by operation."""
    latency = operations.set_index(["part", "stage"])["latency_ms"]
    kept = [True] * 6 if network.executes_dead_ops else live_edges(codes)
    total = latency["stem", 0]
    for stage in range(network.stages):
        total += latency["reduction", stage] if stage else 0.0
        for _ in range(network.cells_per_stage):
            filled: set[int] = set()
            for code, keep, (_, target) in zip(codes, kept, EDGES, strict=True):
                if not keep:
                    continue
                if OPERATIONS[code] != "skip_connect" or network.executes_dead_ops:
                    total += latency[OPERATIONS[code], stage]
                total += latency["add", stage] if target in filled else 0.0
                filled.add(target)
            total += 0.0 if 3 in filled else latency["none", stage]
    return float(total + latency["head", network.stages - 1])


@pytest.mark.parametrize("dead", [True, False])
def test_predictions_are_sums_by_hand(dead: bool) -> None:
    network = NetworkConfig(**SIZES, executes_dead_ops=dead)  # type: ignore[arg-type]
    predictor = LayerwisePredictor(table(network), network)
    cells = [*CODES, *np.random.default_rng(0).integers(0, 5, (200, 6)).tolist()]
    predicted = predictor.predict([to_string(codes) for codes in cells])
    expected = [by_hand(tuple(codes), network, predictor.operations) for codes in cells]
    np.testing.assert_allclose(predicted, expected)
    assert predictor.predict([]).shape == (0,)


def test_modules_put_together_are_the_network() -> None:
    """Parameters of the parts, counted as often as they occur, are those of the whole."""
    network = NetworkConfig(**SIZES)  # type: ignore[arg-type]
    sizes = {
        (part, stage): sum(p.numel() for p in module.parameters())
        for part, stage, module, _ in operation_modules(network)
    }
    operations = pd.DataFrame(
        [(*key, float(size), 0.0) for key, size in sizes.items()],
        columns=["part", "stage", "latency_ms", "std_ms"],
    )
    predicted = LayerwisePredictor(operations, network).predict([to_string(c) for c in CODES])
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


@pytest.mark.parametrize("runtime", [OnnxRuntime(), TorchEager()], ids=str)
def test_measured_operations_predict_real_networks(runtime: OnnxRuntime | TorchEager) -> None:
    settings = small(runtime)
    predictor = measure_operations(settings, progress=False)
    assert (predictor.operations["latency_ms"] > 0).all()
    parts = set(predictor.operations["part"])
    assert ("skip_connect" in parts) == settings.network.executes_dead_ops
    heavy, light = predictor.predict([to_string((3,) * 6), to_string((0,) * 6)])
    assert heavy > light > 0


def test_an_incomplete_table_is_refused() -> None:
    network = NetworkConfig(**SIZES)  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="lacks"):
        LayerwisePredictor(table(network).iloc[1:], network)
