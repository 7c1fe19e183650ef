"""Description of the machine that measures.

`describe_machine` reads hardware and software; `device_entry` turns them into an entry for a
catalogue of devices; `add_device` writes the entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import yaml

from brpnas.atomic import atomic_path
from brpnas.devices import Device, load_devices
from brpnas.devices.catalogue import check_device_name
from brpnas.errors import MeasurementError, UnknownNameError
from brpnas.locks import locked
from brpnas.measure.runner import IDENTITY, RunnerError, describe
from brpnas.measure.runtimes import Runtime
from brpnas.typed import parse_typed

__all__ = [
    "Machine",
    "add_device",
    "check_name",
    "describe_machine",
    "device_entry",
    "device_name",
]

_MEMORY = re.compile(r", \d+ GB,")
_LICENCE = "that of whoever measured it"


@dataclass(frozen=True)
class Machine:
    """Machine and software of a measurement, as `brpnas.measure.runner.describe` finds them.

    Args:
        processor: Model of the CPU.
        cores: Cores that this process may use; None if unknown.
        memory_gb: Main memory in GB (10^9 bytes); None if unknown.
        system: Operating system and architecture.
        gpu: Model of the GPU if networks run on it.
        software: Name and version of the runtime.
        host: Name of the machine in its network.
        versions: Versions of Python and packages.
        governor: Governor of the clocks; None if it cannot be read.
        clock_mhz: Clock.
        clock_range_mhz: Lowest and highest clock that the governor chooses.
        temperature_c: Temperature of the processor.
        load: Load average.
        energy: Name of the energy counter; None without one.
        energy_missing: Reason that there is none.
        warnings: Conditions that make latencies vary.
    """

    processor: str
    cores: int | None
    memory_gb: float | None
    system: str
    gpu: str | None
    software: str
    host: str
    versions: dict[str, str] = field(default_factory=dict)
    governor: str | None = None
    clock_mhz: float | None = None
    clock_range_mhz: tuple[int, int] | None = None
    temperature_c: float | None = None
    load: float | None = None
    energy: str | None = None
    energy_missing: str | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """The machine that the runner describes.

        Raises:
            MeasurementError: If a field is missing or of another type.
        """
        known = {field.name for field in fields(cls)}
        try:
            return parse_typed(cls, {k: v for k, v in description.items() if k in known})
        except ValueError as error:
            raise MeasurementError(f"The runner's description is damaged: {error}.") from error

    def identity(self) -> dict[str, str | int | None]:
        """Fields that make latencies comparable; neither host nor memory."""
        return {name: getattr(self, name) for name in IDENTITY}

    def conditions(self) -> str:
        """Clock, temperature, load and warnings, in a few sentences."""
        clock = "clock unknown" if self.clock_mhz is None else f"clock {self.clock_mhz:.0f} MHz"
        governor = "unknown governor" if self.governor is None else f"governor {self.governor}"
        warm = self.temperature_c
        temperature = "temperature unknown" if warm is None else f"{warm:.0f} °C"
        load = "" if self.load is None else f", load {self.load:.1f}"
        energy = f"Energy: {self.energy or self.energy_missing or 'no counter'}."
        before = f"Before the first network: {clock}, {governor}, {temperature}{load}."
        return " ".join([before, energy, *self.warnings])


def describe_machine(runtime: Runtime) -> Machine:
    """Describe the hardware and software on which this process runs networks.

    Raises:
        UnknownNameError: If the runtime's provider does not exist here.
        MeasurementError: If the runtime is missing here.
    """
    runtime.check()
    try:
        return Machine.of(json.loads(json.dumps(describe(runtime.name, runtime.provider))))
    except RunnerError as error:
        if error.unknown:
            raise UnknownNameError(*error.unknown) from error
        raise MeasurementError(str(error)) from error


def device_name(machine: Machine, runtime: Runtime, place: str = "local") -> str:
    """Name of a device, such as ``local-amd-epyc-7763-onnxruntime-fp32-1t``.

    Args:
        machine: The machine.
        runtime: Runtime of the networks.
        place: First word, see `brpnas.measure.targets.Target.place`.
    """
    where = machine.gpu if machine.gpu else machine.processor
    target = "" if machine.gpu else f"-{runtime.threads}t"
    return f"{place}-{_slug(where)}-{runtime.name}-{runtime.precision}{target}"


def device_entry(
    machine: Machine,
    runtime: Runtime,
    *,
    batch_size: int,
    network_size: str | None = None,
    name: str | None = None,
    place: str = "local",
    notes: str = "",
) -> Device:
    """Describe a machine and its runtime as an entry of a catalogue.

    Args:
        machine: The machine.
        runtime: Runtime of the networks.
        batch_size: Images per run.
        network_size: Size of the networks (`NetworkConfig.size`); None for the published one.
        name: Name of the device; by default `device_name`.
        place: First word of this default.
        notes: Further notes, such as the protocol.

    Raises:
        ConfigurationError: If the name is invalid.
    """
    if name is None:
        name = device_name(machine, runtime, place)
    check_device_name(name)
    on = f"{machine.gpu}; host " if machine.gpu else ""
    cores = [] if machine.cores is None else [f"{machine.cores} core{'s' * (machine.cores != 1)}"]
    memory = [] if machine.memory_gb is None else [f"{machine.memory_gb:.0f} GB"]
    parts = [f"{on}{machine.processor}", *cores, *memory, machine.system]
    threads = f"{runtime.threads} thread" + "s" * (runtime.threads != 1)
    return Device(
        name=name,
        hardware=", ".join(parts),
        runtime=f"{machine.software} ({runtime.provider}, {threads})",
        precision=runtime.precision,
        batch_size=batch_size,
        source=None,
        licence=_LICENCE,
        executes_dead_ops=runtime.executes_dead_ops,
        network_size=network_size,
        notes=notes,
        conditions=machine.conditions(),
    )


def check_name(device: Device, known: Mapping[str, Device]) -> None:
    """Check that the name of a device describes no other device.

    Raises:
        MeasurementError: If it does; names the differences.
    """
    before = known.get(device.name, device)
    changes = "; ".join(
        f"{key}: {getattr(before, key)!r} there, {getattr(device, key)!r} now"
        for key in Device.model_fields
        if key != "conditions"
        and _without_memory(getattr(before, key)) != _without_memory(getattr(device, key))
    )
    if changes:
        raise MeasurementError(
            f"Another device is already named {device.name!r} ({changes}), and their latencies "
            "must not be mixed: a name belongs to one machine, protocol and network size. "
            "Give this device another name (--device; in the pipeline measure.device, and `device` "
            "to learn from it), or remove the other from its catalogue with its tables, the table "
            "of its operations too."
        )


def _without_memory(value: object) -> object:
    """Text without the memory: machines of one kind differ in it, or an update rounds it."""
    return _MEMORY.sub(",", value) if isinstance(value, str) else value


def add_device(device: Device, path: Path) -> None:
    """Add a device to a YAML catalogue. Concurrent processes wait for one another.

    Args:
        device: The entry.
        path: File of the catalogue; created if missing.

    Raises:
        MeasurementError: If the catalogue describes another device by that name.
        ConfigurationError: If the catalogue is malformed.
        LockedError: If another process keeps the catalogue locked.
    """
    with locked(path, "catalogue of devices"):
        known = load_devices(path) if path.exists() else {}
        check_name(device, known)
        entries = [entry.model_dump() for entry in (known | {device.name: device}).values()]
        text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100)
        with atomic_path(path) as partial:
            partial.write_text(text, encoding="utf-8")


def _slug(text: str) -> str:
    """Model of a processor without trademarks, clock rates and generic words."""
    plain = re.sub(r"\((?:R|TM)\)|@.*$|\b(?:CPU|Processor|\d+-Core)\b", " ", text, flags=re.I)
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "unknown"
