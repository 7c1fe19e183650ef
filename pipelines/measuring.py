"""Settings of latency measurements: shared by the stages `measure` and `search`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.measure import (
    Command,
    MeasureSettings,
    Protocol,
    Target,
    check_target,
    get_runtime,
    open_target,
)
from brpnas.spaces.network import NetworkConfig
from pipelines.config import TimingConfig, parse
from pipelines.network import network_config

__all__ = ["TimingSetup", "measure_settings", "set_up_timing"]


@dataclass(frozen=True)
class TimingSetup:
    """Settings of latency measurements.

    Attributes:
        settings: Runtime, protocol and network.
        target: Name of the target.
        command: Command of the target ``command``.
        scheduler: Address of a Dask scheduler; None without one.
    """

    settings: MeasureSettings
    target: str
    command: Command | None
    scheduler: str | None

    def open_target(self) -> Target:
        """The target; close it after use.

        Raises:
            UnknownNameError: If there is no such target.
        """
        return open_target(self.target, command=self.command, scheduler=self.scheduler)

    @classmethod
    def of(cls, config: TimingConfig, settings: MeasureSettings) -> Self:
        """The settings, at the place of a configuration.

        Raises:
            ConfigurationError: If there is no such place.
        """
        command = None if config.command is None else Command(**config.command.model_dump())
        try:
            check_target(config.target, command)
        except UnknownNameError as error:
            raise ConfigurationError(
                f"timing.target: {error} The execution provider or torch device is now "
                "timing.provider."
            ) from error
        return cls(settings, config.target, command, config.scheduler)


def set_up_timing(space: str, network: Mapping[str, Any], timing: Mapping[str, Any]) -> TimingSetup:
    """Check the parameters of `timing`.

    Args:
        space: Name of the space of the networks.
        network: Size of the networks.
        timing: Parameters of `timing`.

    Raises:
        ConfigurationError: If a parameter is unknown, missing or out of range.
        UnknownNameError: If the runtime lacks the precision.
    """
    config = parse(TimingConfig, timing)
    settings = measure_settings(config, space, network_config(network))
    return TimingSetup.of(config, settings)


def measure_settings(config: TimingConfig, space: str, network: NetworkConfig) -> MeasureSettings:
    """Runtime, protocol and network of a configuration.

    Args:
        config: Parameters of the group `timing`.
        space: Name of the space of the networks.
        network: Size of the networks.

    Raises:
        UnknownNameError: If the runtime has no such precision.
    """
    return MeasureSettings(
        runtime=get_runtime(
            config.runtime,
            provider=config.provider,
            threads=config.threads,
            precision=config.precision,
        ),
        protocol=Protocol(config.warmup, config.runs, config.repeats),
        network=network,
        batch_size=config.batch_size,
        space=space,
    )
