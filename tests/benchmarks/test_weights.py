"""The comparison of latencies with repeated and with independent weights."""

from __future__ import annotations

import torch

from benchmarks.weights import compare_weights, redraw_weights
from brpnas.measure import select_cells
from brpnas.measure.setup import build_cell
from tests.measure.small import NETWORK, small


def test_every_cell_is_timed_three_times() -> None:
    found = compare_weights(2, small())
    assert found["cells"] == 2
    for spread in (*found["latency"].values(), *found["fastest_block"].values()):
        assert 0 < spread["p10"] <= spread["median"] <= spread["p90"]
    assert found["compressed_kib"]["repeated"] < found["compressed_kib"]["before"]


def test_redrawn_weights_are_independent() -> None:
    network = build_cell(select_cells(1)[0], small())
    weight = network.get_parameter("stem.0.weight")
    repeated = weight.detach().clone().flatten()
    assert torch.equal(repeated, network.get_parameter("stem.0.weight").flatten())
    redraw_weights(network, NETWORK.input_shape, seed=1)
    redrawn = weight.detach().flatten()
    assert not torch.equal(redrawn, repeated)
    assert len(redrawn.unique()) == len(redrawn)
