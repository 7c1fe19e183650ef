"""A quantised network of the digits loses at most half a point."""

from __future__ import annotations

import pytest

from benchmarks.deployed import IMAGES, quantised_winner
from brpnas.measure import get_runtime
from tests.measure.runtimes.networks import installed


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino", "litert", "executorch"])
def test_int8_loses_at_most_half_a_point(runtime: str) -> None:
    installed(get_runtime(runtime, precision="int8"))
    found = quantised_winner(runtime)
    assert found["float_accuracy"] > 0.95
    assert found["accuracy_drop"] == found["float_accuracy"] - found["accuracy"] <= 0.005
    assert found["file_kib"] < found["float_kib"] / 2
    assert found["latency_ms"] > 0
    assert found["calibration_images"] == IMAGES
