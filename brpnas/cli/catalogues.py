"""Texts of ``brpnas devices`` and ``brpnas sources``: the packaged catalogues."""

from __future__ import annotations

from pathlib import Path

from brpnas.cli.text import fields, megabytes, table
from brpnas.datasets import Source, fetch, load_catalogue
from brpnas.devices import get_device, load_devices
from brpnas.errors import UnknownNameError

__all__ = ["describe_device", "fetch_sources", "list_devices", "list_sources", "select_sources"]


def list_devices() -> str:
    """All devices, one per line; near twins are marked."""
    devices = load_devices().values()
    rows = [[d.name, d.precision, d.hardware + (" *" if d.near_twins else "")] for d in devices]
    note = "* nearly the same table as another device: see `brpnas devices NAME`."
    marked = any(device.near_twins for device in devices)
    return table(["device", "precision", "hardware"], rows) + (f"\n\n{note}" if marked else "")


def describe_device(name: str) -> str:
    """All fields of one device.

    Raises:
        UnknownNameError: If the device is unknown.
    """
    device = get_device(name)
    return fields(
        {
            "device": device.name,
            "hardware": device.hardware,
            "runtime": device.runtime or "not stated by the publisher",
            "precision": device.precision,
            "batch size": str(device.batch_size),
            "dead operations": "executed" if device.executes_dead_ops else "not executed",
            "near twins": ", ".join(device.near_twins) or "none",
            "source": device.source or "measured by its owner",
            "licence": device.licence,
            "notes": device.notes,
        }
    )


def select_sources(group: str | None) -> list[Source]:
    """Published files of one benchmark, or of all.

    Raises:
        UnknownNameError: If the benchmark is unknown.
    """
    sources = list(load_catalogue().values())
    groups = {source.group for source in sources}
    if group is not None and group not in groups:
        raise UnknownNameError("benchmark", group, groups)
    return [source for source in sources if group in (None, source.group)]


def list_sources(sources: list[Source]) -> str:
    """Name, benchmark, size and licence of published files, and their total size."""
    rows = [[s.name, s.group, megabytes(s.bytes), s.licence] for s in sources]
    total = megabytes(sum(source.bytes for source in sources))
    header = ["file", "group", "size", "licence"]
    return table(header, rows, right=["size"]) + f"\n\n{len(sources)} files, {total}"


def fetch_sources(sources: list[Source], mirror: Path | None, cache: Path) -> str:
    """Get published files, verify their hashes, and list their paths.

    Args:
        sources: The files.
        mirror: Folder of the files; replaces the network.
        cache: Folder for downloads.

    Raises:
        SourceError: If a file is missing, unreachable, or has another hash.
    """
    rows = [[s.name, str(fetch(s, mirror=mirror, cache=cache))] for s in sources]
    return table(["file", "path"], rows) + f"\n\n{len(sources)} files, every hash as catalogued"
