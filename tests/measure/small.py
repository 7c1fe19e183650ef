"""Settings for networks of a few microseconds."""

from __future__ import annotations

from brpnas.measure import MeasureSettings, Protocol, Runtime
from brpnas.measure.runtimes import OnnxRuntime
from brpnas.spaces.network import NetworkConfig

NETWORK = NetworkConfig(channels=4, cells_per_stage=1, stages=2, input_shape=(3, 24, 24))
PROTOCOL = Protocol(warmup=1, runs=4, repeats=3)


def small(runtime: Runtime | None = None) -> MeasureSettings:
    return MeasureSettings(runtime or OnnxRuntime(), PROTOCOL, NETWORK)
