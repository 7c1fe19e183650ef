"""The catalogue of devices: on what, by which runtime, at which precision latency was measured.

`load_devices` reads the packaged catalogue (LatBench, HELP, and the devices whose tables ship
with the package) or a YAML file like it, `get_device` returns one by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from brpnas.datasets.entries import read_entries
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.spaces.network import NetworkConfig

__all__ = ["NAME_PATTERN", "Device", "get_device", "load_devices"]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What a name of a device looks like: it is the name of files too."""

_CATALOGUE = Path(__file__).with_name("catalogue.yml")


class Device(BaseModel):
    """A device as latency was measured on it.

    Attributes:
        name: Name in configuration and in the column ``device``.
        hardware: Processor that ran the networks.
        runtime: Software that ran them; None where the publisher does not say.
        precision: Number format of weights and activations, as ``fp32``, ``fp16``, ``int8``.
        batch_size: Images per run; latency is of a run.
        source: Published file with the measurements, a name in the catalogue of
            `brpnas.datasets`; None for a device measured by its owner.
        licence: Licence of the measurements.
        executes_dead_ops: Whether the runtime executes operations that do not reach the output, so
            that the raw view of a graph describes what it runs. A hint for the reader: which view a
            predictor takes is decided on validation rows.
        network_size: Size of the networks that were measured (`NetworkConfig.size`); None for that
            in which their space was published.
        near_twins: Devices whose table is nearly the same measurement; count one of them in an
            average.
        notes: What else its user should know.
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

    @field_validator("network_size")
    @classmethod
    def _canonical(cls, size: str | None) -> str | None:
        try:
            return None if size is None else NetworkConfig.of_size(size).size
        except ConfigurationError as error:
            raise ValueError(str(error)) from None


def load_devices(path: Path | None = None) -> dict[str, Device]:
    """Devices by name, from the catalogue of the package or from a YAML file like it.

    Raises:
        ConfigurationError: If the catalogue is malformed.
    """
    return read_entries(path or _CATALOGUE, Device)


def get_device(name: str, devices: Mapping[str, Device] | None = None) -> Device:
    """Return the device of that name.

    Args:
        name: Name of the device.
        devices: Where to look; the packaged catalogue by default.

    Raises:
        UnknownNameError: If there is none; suggests the closest name.
    """
    known = load_devices() if devices is None else devices
    if name not in known:
        raise UnknownNameError("device", name, known)
    return known[name]
