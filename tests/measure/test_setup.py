from __future__ import annotations

import json

import pytest
import torch

from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.measure import MeasureSettings, OnnxRuntime, TorchEager, time_cell
from brpnas.spaces.nasbench201 import to_string
from tests.measure.small import small


def test_dead_operations_are_those_of_the_runtime() -> None:
    assert MeasureSettings(TorchEager()).network.executes_dead_ops
    assert not MeasureSettings(OnnxRuntime()).network.executes_dead_ops


def test_fingerprints_differ_with_every_setting() -> None:
    settings = [
        MeasureSettings(),
        MeasureSettings(TorchEager()),
        MeasureSettings(OnnxRuntime(2)),
        MeasureSettings(OnnxRuntime(quantised=True)),
        MeasureSettings(batch_size=2),
        MeasureSettings(seed=1),
        small(),
    ]
    texts = [json.dumps(one.fingerprint(), sort_keys=True) for one in settings]
    assert len(set(texts)) == len(texts)
    assert MeasureSettings().fingerprint() == settings[0].fingerprint()


@pytest.mark.parametrize(
    "runtime", [OnnxRuntime(), OnnxRuntime(quantised=True), TorchEager()], ids=str
)
def test_a_cell_has_a_latency(runtime: OnnxRuntime | TorchEager) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    timing = time_cell(to_string((3, 2, 4, 1, 3, 2)), small(runtime))
    assert timing.latency_ms > 0
    assert len(timing.blocks_ms) == 3
    assert torch.equal(state, torch.get_rng_state())


def test_wrong_cells_and_batches() -> None:
    with pytest.raises(ArchitectureError):
        time_cell("nonsense", small())
    with pytest.raises(ConfigurationError, match="batch_size"):
        MeasureSettings(batch_size=0)
