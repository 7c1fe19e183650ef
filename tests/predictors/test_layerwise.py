from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import SchemaError, UnknownNameError
from brpnas.predictors.layerwise import LayerwisePredictor, has_layerwise, network_parts
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, to_string
from brpnas.spaces.nasbench201.cell import live_edges

CODES = [(3, 0, 2, 1, 4, 3), (0,) * 6, (1,) * 6, (3, 3, 2, 0, 0, 0), (4, 2, 3, 3, 2, 4)]
CELLS_PER_STAGE, STAGES = 2, 3


def table(dead: bool, **changes: object) -> pd.DataFrame:
    """A made-up latency for every part; all sums differ."""
    names = [*OPERATIONS, "add"]
    keys = [(n, s) for s in range(STAGES) for n in names]
    keys += [("stem", 0), ("head", STAGES - 1)]
    keys += [("reduction", s) for s in range(1, STAGES)]
    rows = [(part, stage, 1.0 + 0.37**i) for i, (part, stage) in enumerate(keys)]
    made = pd.DataFrame(rows, columns=["part", "stage", "latency_ms"])
    return made.assign(cells_per_stage=CELLS_PER_STAGE, executes_dead_ops=dead, **changes)


def by_hand(codes: tuple[int, ...], dead: bool, operations: pd.DataFrame) -> float:
    """Walk through the network operation by operation."""
    latency = operations.set_index(["part", "stage"])["latency_ms"]
    kept = [True] * 6 if dead else live_edges(codes)
    total = latency["stem", 0]
    for stage in range(STAGES):
        total += latency["reduction", stage] if stage else 0.0
        for _ in range(CELLS_PER_STAGE):
            filled: set[int] = set()
            for code, keep, (_, target) in zip(codes, kept, EDGES, strict=True):
                if not keep:
                    continue
                if OPERATIONS[code] != "skip_connect" or dead:
                    total += latency[OPERATIONS[code], stage]
                total += latency["add", stage] if target in filled else 0.0
                filled.add(target)
            total += 0.0 if 3 in filled else latency["none", stage]
    return float(total + latency["head", STAGES - 1])


@pytest.mark.parametrize("dead", [True, False])
def test_predictions_are_sums_by_hand(dead: bool) -> None:
    predictor = LayerwisePredictor(table(dead))
    assert (predictor.stages, predictor.cells_per_stage) == (STAGES, CELLS_PER_STAGE)
    cells = [*CODES, *np.random.default_rng(0).integers(0, 5, (200, 6)).tolist()]
    predicted = predictor.predict([to_string(codes) for codes in cells])
    expected = [by_hand(tuple(codes), dead, predictor.operations) for codes in cells]
    np.testing.assert_allclose(predicted, expected)
    assert predictor.predict([]).shape == (0,)


def test_only_what_removes_dead_code_has_skips_for_nothing() -> None:
    everything = network_parts(STAGES, executes_dead_ops=True)
    removed = network_parts(STAGES, executes_dead_ops=False)
    assert {part for part, _ in set(everything) - set(removed)} == {"skip_connect"}
    assert len(everything) == len(set(everything)) == 6 * STAGES + 2 + STAGES - 1


def test_an_incomplete_table_is_refused() -> None:
    with pytest.raises(SchemaError, match="lacks"):
        LayerwisePredictor(table(True).iloc[1:])


def test_operations_of_two_networks_are_refused() -> None:
    mixed = pd.concat([table(True), table(False)])
    with pytest.raises(SchemaError, match=" 2 "):
        LayerwisePredictor(mixed)


def test_it_knows_one_space() -> None:
    assert has_layerwise("nasbench201")
    assert not has_layerwise("darts")
    with pytest.raises(UnknownNameError):
        has_layerwise("nasbench2O1")
