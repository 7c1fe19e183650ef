"""Description of the machine that measures.

`describe_machine` reads hardware and software; `device_entry` turns them into an entry for a
catalogue of devices; `add_device` writes the entry.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import yaml
from pydantic import ValidationError

from brpnas.atomic import atomic_path
from brpnas.devices import Device, load_devices
from brpnas.errors import ConfigurationError, MeasurementError, UnknownNameError
from brpnas.locks import locked
from brpnas.measure.runner import SOFTWARE, on_gpu
from brpnas.measure.runtimes import Runtime

__all__ = [
    "Machine",
    "add_device",
    "check_name",
    "describe_machine",
    "device_entry",
    "device_name",
]

_CPUINFO = Path("/proc/cpuinfo")
_BOARD = Path("/proc/device-tree/model")
_MEMORY = re.compile(r", \d+ GB,")
_LICENCE = "that of whoever measured it"


@dataclass(frozen=True)
class Machine:
    """Machine and software of a measurement.

    Args:
        processor: Model of the CPU.
        cores: Cores that this process may use.
        memory_gb: Main memory in GB (10^9 bytes).
        system: Operating system and architecture.
        gpu: Model of the GPU if networks run on it.
        software: Name and version of the runtime.
        host: Name of the machine in its network.
    """

    processor: str
    cores: int
    memory_gb: float
    system: str
    gpu: str | None
    software: str
    host: str

    def identity(self) -> dict[str, str | int | None]:
        """Fields that make latencies comparable; neither host nor memory."""
        return {k: v for k, v in asdict(self).items() if k not in ("host", "memory_gb")}


def describe_machine(runtime: Runtime) -> Machine:
    """Describe the hardware and software on which this process runs networks.

    Raises:
        UnknownNameError: If the runtime's provider or device does not exist here.
    """
    runtime.check()
    software = SOFTWARE[runtime.name]
    available = software.providers()
    if runtime.provider not in available:
        raise UnknownNameError(f"provider of {runtime.title}", runtime.provider, available)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=_processor(),
        cores=_cores(),
        memory_gb=round(memory / 1e9, 1),
        system=f"{_system()} {platform.machine()}",
        gpu=_gpu(runtime) if on_gpu(runtime.provider) else None,
        software=software.title.format(software.version()),
        host=socket.gethostname(),
    )


def device_name(machine: Machine, runtime: Runtime) -> str:
    """Name of a device, such as ``local-amd-epyc-7763-onnxruntime-fp32-1t``."""
    where = machine.gpu if machine.gpu else machine.processor
    target = "" if machine.gpu else f"-{runtime.threads}t"
    return f"local-{_slug(where)}-{runtime.name}-{runtime.precision}{target}"


def device_entry(
    machine: Machine,
    runtime: Runtime,
    *,
    batch_size: int,
    network_size: str | None = None,
    name: str | None = None,
    notes: str = "",
) -> Device:
    """Describe a machine and its runtime as an entry of a catalogue.

    Args:
        machine: The machine.
        runtime: Runtime of the networks.
        batch_size: Images per run.
        network_size: Size of the networks (`NetworkConfig.size`); None for the published one.
        name: Name of the device; by default `device_name`.
        notes: Further notes, such as the protocol.

    Raises:
        ConfigurationError: If the name is invalid.
    """
    on = f"{machine.gpu}; host " if machine.gpu else ""
    plural = "s" * (machine.cores != 1)
    threads = f"{runtime.threads} thread" + "s" * (runtime.threads != 1)
    try:
        return Device(
            name=name or device_name(machine, runtime),
            hardware=f"{on}{machine.processor}, {machine.cores} core{plural}, "
            f"{machine.memory_gb:.0f} GB, {machine.system}",
            runtime=f"{machine.software} ({runtime.provider}, {threads})",
            precision=runtime.precision,
            batch_size=batch_size,
            source=None,
            licence=_LICENCE,
            executes_dead_ops=runtime.executes_dead_ops,
            network_size=network_size,
            notes=notes,
        )
    except ValidationError as error:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a device: use letters, digits, dots and dashes."
        ) from error


def check_name(device: Device, known: Mapping[str, Device]) -> None:
    """Check that the name of a device describes no other device.

    Raises:
        MeasurementError: If it does; names the differences.
    """
    before = known.get(device.name, device)
    changes = "; ".join(
        f"{key}: {getattr(before, key)!r} there, {getattr(device, key)!r} now"
        for key in Device.model_fields
        if _without_memory(getattr(before, key)) != _without_memory(getattr(device, key))
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


def _processor() -> str:
    """Model of the processor; if it has none, of the board or the cores."""
    info = _CPUINFO.read_text("utf-8", errors="replace") if _CPUINFO.exists() else ""
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", info, re.MULTILINE)
    if found:
        return found[1].strip()
    if _BOARD.exists():
        return _BOARD.read_text("utf-8", errors="replace").strip("\0\n ")
    if brand := _printed("sysctl", "-n", "machdep.cpu.brand_string"):
        return brand[0]
    cores = re.findall(r"^CPU (implementer|part)\s*:\s*(\S+)", info, re.MULTILINE)
    model = " ".join(f"{key} {value}" for key, value in dict.fromkeys(cores))
    return f"{platform.machine()} {model}".strip()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):  # no Linux, or no such file
        return f"{platform.system()} {platform.release()}"


def _gpu(runtime: Runtime) -> str:
    if torch.cuda.is_available():
        device = runtime.provider if runtime.name == "torch" else 0
        return str(torch.cuda.get_device_name(device))
    listed = _printed("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return listed[0] if listed else f"GPU of {runtime.provider}"


def _printed(program: str, *arguments: str) -> list[str]:
    """Lines of a program's output; none if it is missing or fails."""
    command = shutil.which(program)
    if command is None:
        return []
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    return [] if done.returncode else [line.strip() for line in done.stdout.splitlines()]


def _slug(text: str) -> str:
    """Model of a processor without trademarks, clock rates and generic words."""
    plain = re.sub(r"\((?:R|TM)\)|@.*$|\b(?:CPU|Processor|\d+-Core)\b", " ", text, flags=re.I)
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "unknown"
