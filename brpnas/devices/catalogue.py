"""The catalogue of devices: hardware, runtime and precision of each latency table.

`load_devices` reads the packaged catalogue (LatBench, HELP and the embedded devices) or a YAML file
of the same form; `get_device` returns one device by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from brpnas.datasets.entries import read_entries
from brpnas.errors import ConfigurationError, UnknownNameError, shown
from brpnas.spaces.network import NetworkConfig

__all__ = ["NAME_PATTERN", "Device", "check_device_name", "get_device", "load_devices"]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Pattern of a device's name, also used in file names."""

_LONGEST_NAME = 200
_CATALOGUE = Path(__file__).with_name("catalogue.yml")


class Device(BaseModel):
    """A device and the conditions of its latency table.

    Attributes:
        name: Name in configuration and in the column ``device``.
        hardware: Processor that ran the networks.
        runtime: Software of the networks; None if unpublished.
        precision: Number format of weights and activations: ``fp32``, ``fp16``, ``int8``.
        batch_size: Images per run; the latency is per run.
        source: Published file of the measurements, a name in the catalogue of `brpnas.datasets`;
            None for a user's device.
        licence: Licence of the measurements.
        executes_dead_ops: Whether the runtime executes operations without a path to the output, so
            that the raw view describes its work. Informative: predictors choose their view on
            validation rows.
        network_size: Size of the measured networks (`NetworkConfig.size`); None for the published
            size of their space.
        near_twins: Devices with nearly the same table; an average should count one of them.
        notes: Further notes.
        conditions: Clock, temperature and load of the machine before its first measurement.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME_PATTERN)
    hardware: str
    runtime: str | None
    precision: str
    batch_size: int = Field(gt=0)
    source: str | None
    licence: str
    executes_dead_ops: bool
    network_size: str | None = None
    near_twins: list[str] = Field(default_factory=list)
    notes: str = ""
    conditions: str = ""

    @field_validator("network_size")
    @classmethod
    def _canonical(cls, size: str | None) -> str | None:
        try:
            return None if size is None else NetworkConfig.of_size(size).size
        except ConfigurationError as error:
            raise ValueError(str(error)) from None


def check_device_name(name: str) -> None:
    """Check that a text can be the name of a device, also in file names.

    Raises:
        ConfigurationError: If it cannot.
    """
    if len(name) > _LONGEST_NAME or not re.fullmatch(NAME_PATTERN, name):
        raise ConfigurationError(
            f"{shown(name)} cannot be the name of a device: use letters, digits, dots, dashes and "
            f"underscores, the first a letter or digit, {_LONGEST_NAME} at most."
        )


def load_devices(path: Path | None = None) -> dict[str, Device]:
    """Devices by name, from the packaged catalogue or from a YAML file.

    Raises:
        ConfigurationError: If the catalogue is malformed.
    """
    return read_entries(path or _CATALOGUE, Device)


def get_device(name: str, devices: Mapping[str, Device] | None = None) -> Device:
    """Return a device by name.

    Args:
        name: Name of the device.
        devices: Devices to search; by default the packaged catalogue.

    Raises:
        UnknownNameError: If it is missing; suggests the closest name.
    """
    known = load_devices() if devices is None else devices
    if name not in known:
        raise UnknownNameError("device", name, known)
    return known[name]
