"""Settings of latency measurements: shared by the stages `measure`, `search` and `export`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from brpnas.devices import Device
from brpnas.errors import ConfigurationError, MeasurementError, UnknownNameError
from brpnas.measure import (
    Command,
    MeasureSettings,
    Protocol,
    Target,
    check_name,
    check_target,
    describe_device,
    get_runtime,
    open_target,
    probe,
)
from brpnas.spaces.network import NetworkConfig
from pipelines.config import TimingConfig, parse
from pipelines.network import network_config

__all__ = ["TimingSetup", "measure_settings", "set_up_timing"]

_log = logging.getLogger(__name__)


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

    @property
    def is_here(self) -> bool:
        """Whether the networks are timed on this machine."""
        return self.target == "local" and self.scheduler is None

    def open_target(self) -> Target:
        """The target; close it after use.

        Raises:
            UnknownNameError: If there is no such target.
        """
        return open_target(self.target, command=self.command, scheduler=self.scheduler)

    def device_there(self, target: Target, device: str, catalogue: Mapping[str, Device]) -> str:
        """The device behind the target: the named one if it is that, else a description.

        Args:
            target: The opened target.
            device: Name of the device of the task.
            catalogue: Devices measured here.

        Raises:
            MeasurementError: If the target cannot be reached.
        """
        here = describe_device(probe(self.settings, target), self.settings, device)
        try:
            if device not in catalogue:
                raise MeasurementError(f"No networks were measured here on {device!r}.")
            check_name(here, catalogue)
        except MeasurementError as error:
            _log.warning(
                "Latencies are measured on another device than the predicted %r, so the two do not "
                "compare. %s",
                *(device, error),
            )
            return f"{here.hardware}, {here.runtime}"
        return device

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
