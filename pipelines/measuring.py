"""How latency is measured, by the parameters of `measure`: shared by the stages that measure."""

from __future__ import annotations

from brpnas.measure import MeasureSettings, Protocol, get_runtime
from brpnas.spaces.network import NetworkConfig
from pipelines.config import MeasureConfig

__all__ = ["measure_settings"]


def measure_settings(config: MeasureConfig, space: str, network: NetworkConfig) -> MeasureSettings:
    """Runtime, protocol and network of a configuration.

    Args:
        config: Parameters of the stage `measure`.
        space: Name of the space that the networks are of.
        network: Their size.

    Raises:
        UnknownNameError: If the runtime has no such precision.
    """
    return MeasureSettings(
        runtime=get_runtime(
            config.runtime,
            target=config.target,
            threads=config.threads,
            precision=config.precision,
        ),
        protocol=Protocol(config.warmup, config.runs, config.repeats),
        network=network,
        batch_size=config.batch_size,
        space=space,
    )
