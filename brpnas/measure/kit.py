"""Kits: networks, runner and instructions for a device that is reached by hand.

`make_kit` writes a folder or zip. On the device, ``python3 runner.py run`` times its networks.
`read_kit` takes the rows back and gives the same result as a measurement.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from brpnas.archives import open_archive, read_member
from brpnas.atomic import atomic_path
from brpnas.devices import Device
from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.measure import runner
from brpnas.measure.artifacts import MANIFEST, Artifact, Manifest
from brpnas.measure.batch import Make, convert_batch
from brpnas.measure.cells import MeasureResult, collect, record_row
from brpnas.measure.device import describe_device
from brpnas.measure.drift import reference_cell
from brpnas.measure.hardware import Machine
from brpnas.measure.protocol import Protocol
from brpnas.measure.runtimes import get_runtime
from brpnas.measure.setup import MeasureSettings, cell_artifact
from brpnas.measure.store import MeasureStore, store_name, task_of
from brpnas.measure.targets.base import Row, known_rows, parse_row
from brpnas.spaces import NetworkConfig

__all__ = ["make_kit", "read_kit"]

_log = logging.getLogger(__name__)
_RUNNER, _ROWS, _README = "runner.py", "rows.jsonl", "README.txt"
_MAX_MEMBERS = 200_000
_MAX_BYTES = 2**28


def make_kit(
    arch_ids: Sequence[str], settings: MeasureSettings, output: Path, *, progress: bool = True
) -> dict[str, str]:
    """Convert the networks of cells, check them, and write a kit.

    Args:
        arch_ids: Cells, each once.
        settings: How to measure.
        output: File to write, ``.zip``, or folder to create. It appears when complete.
        progress: Show a progress bar.

    Returns:
        Error of each cell that is left out.

    Raises:
        ConfigurationError: If the output exists, or the converter is missing.
        MeasurementError: If no network is left, or the reference network fails.
    """
    settings.runtime.check()
    if output.exists():
        raise ConfigurationError(
            f"{output} exists, and may hold measurements: give another name, or remove it."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as temporary,
        tqdm(total=len(arch_ids), desc="convert", unit="cell", disable=not progress) as bar,
    ):
        folder = Path(temporary) / "kit"
        folder.mkdir()
        name = reference_cell(settings.space)
        rows = convert_batch(
            {arch_id: _counted(arch_id, settings, bar) for arch_id in arch_ids},
            settings,
            folder,
            reference=(name, partial(cell_artifact, name, settings)),
        )
        failures = {row["name"]: str(row["error"]) for row in rows}
        if not (folder / MANIFEST).exists():
            first = next(iter(failures.values()), "no cell was requested")
            raise MeasurementError(f"No network could be converted. First error: {first}")
        manifest = Manifest.read(folder)
        _complete(folder, manifest)
        if output.suffix == ".zip":
            _pack(folder, output)
        else:
            folder.rename(output)
    return failures


def _counted(arch_id: str, settings: MeasureSettings, bar: tqdm[Any]) -> Make:
    def make(folder: Path) -> Artifact:
        bar.update()
        return cell_artifact(arch_id, settings, folder)

    return make


def _complete(folder: Path, manifest: Manifest) -> None:
    """Remove the files of failed networks; add runner and instructions."""
    listed = {file.file for one in manifest.artifacts for file in one.files} | {MANIFEST}
    for path in folder.iterdir():
        if path.name not in listed:
            path.unlink()
    shutil.copy(runner.__file__, folder / _RUNNER)
    software = runner.SOFTWARE[manifest.runtime]
    protocol = manifest.protocol
    (folder / _README).write_text(
        _INSTRUCTIONS.format(
            count=len(manifest.networks),
            title=software.title.replace(" {}", ""),
            precision=manifest.precision,
            install=software.install,
            runs=protocol.runs * protocol.repeats + protocol.warmup,
        ),
        encoding="utf-8",
    )


def _pack(folder: Path, output: Path) -> None:
    with (
        atomic_path(output) as partial_file,
        zipfile.ZipFile(partial_file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in sorted(folder.iterdir()):
            archive.write(path, f"kit/{path.name}")


_INSTRUCTIONS = """\
This kit times {count} networks ({precision}) with {title} on this device, each with {runs} runs.
The runner says how long the rest takes.

1. Copy the kit to the device. If it is a zip file, unpack it there, and enter its folder:

       python3 -m zipfile -e kit.zip .
       cd kit

2. Python 3.9 or later needs numpy and {title}, here in an environment of their own:

       python3 -m venv ~/venv
       ~/venv/bin/python3 -m pip install numpy {install}

3. End other programs. On Linux, fix the clock until the next start, and let the processor cool:

       echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor

4. Time the networks. Each row is on the disk before the next network begins; after an
   interruption the same command continues.

       ~/venv/bin/python3 runner.py run

5. Copy the file rows.jsonl back. On the machine with brpnas and the kit:

       brpnas kit read KIT --rows rows.jsonl --device my-board --output my-board.parquet

   A copy of the whole folder, or a zip of it, needs no --rows.

The runner opens the files of the kit and no network connection. `~/venv/bin/python3 runner.py
check` compares the answers of all networks with those expected, without timing.
"""


@dataclass(frozen=True)
class _Measured:
    """A kit with rows."""

    manifest: Manifest
    machine: Machine
    rows: list[Row]


def read_kit(
    kit: Path,
    store: Path,
    *,
    rows: Path | None = None,
    name: str | None = None,
    check: Callable[[Device], None] = lambda device: None,
    drift_limit: float = 0.1,
) -> tuple[MeasureSettings, Device, MeasureResult]:
    """Read the rows of a kit into a store; rows already there are skipped.

    Args:
        kit: The kit, a folder or zip.
        store: File of the store, or a folder for one file per task.
        rows: File of the rows; None if the kit holds them.
        name: Name of the device; by default `brpnas.measure.device_name`.
        check: Called with the device before the store is written; may raise.
        drift_limit: Largest drift without a warning, a fraction.

    Returns:
        Settings of the kit, the entry for a catalogue of devices, and the measurements.

    Raises:
        MeasurementError: If the manifest was edited, or rows are damaged, missing, or of another
            kit.
        StoreError: If the store belongs to other settings or another machine.
    """
    start = time.perf_counter()
    measured = _read(kit, rows)
    settings = _settings(measured.manifest)
    device = describe_device(measured.machine, settings, name, "board")
    check(device)
    task = task_of(settings, measured.machine)
    path = store / store_name(task) if store.is_dir() else store
    versions = {"device": measured.machine.versions, "converter": measured.manifest.versions}
    with MeasureStore(path, task) as opened:
        for row in measured.rows:
            if not _is_stored(opened, row):
                record_row(opened, row, versions)
        names = [one.name for one in measured.manifest.networks]
        left = set(names) - set(opened.cells) - set(opened.failures)
        if left:
            _log.warning(
                "%d of %d networks of %s have no row yet: `python3 runner.py run` on the device "
                "continues.",
                len(left),
                len(names),
                kit,
            )
        result = collect(names, opened, settings, measured.machine, drift_limit, start)
    return settings, device, result


def _is_stored(store: MeasureStore, row: Row) -> bool:
    if row["event"] == "failed":
        return row["name"] in store.cells or store.failures.get(row["name"]) == row["error"]
    known = store.references
    if row["event"] == "network":
        known = [store.cells[row["name"]]] if row["name"] in store.cells else []
    return any(all(one[key] == row[key] for key in ("time", "blocks_ms", "host")) for one in known)


def _settings(manifest: Manifest) -> MeasureSettings:
    """The settings that the manifest was made from."""
    runtime = get_runtime(
        manifest.runtime,
        provider=manifest.provider,
        threads=manifest.threads,
        precision=manifest.precision,
    )
    protocol = Protocol(**vars(manifest.protocol))
    network = NetworkConfig.of_size(manifest.network_size)
    (batch,) = {one.shape[0] for one in manifest.artifacts}
    return MeasureSettings(runtime, protocol, network, batch, manifest.seed, manifest.space)


def _read(kit: Path, rows: Path | None) -> _Measured:
    with _opened(kit, rows) as folder:
        try:
            manifest = Manifest.read(folder)
        except MeasurementError as error:
            raise MeasurementError(str(error).replace(str(folder), str(kit))) from error
        lines = (folder / _ROWS).read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()  # a power cut has torn it; its network has no row
    events = [_event(line, number, kit) for number, line in enumerate(lines, start=1)]
    if not events or events[0].get("id") != manifest.id:
        raise MeasurementError(
            f"The rows are not of the kit {kit}: it was made again, or another one was measured. "
            "Give the kit that was copied to the device."
        )
    parsed = list(known_rows(map(parse_row, events[1:]), manifest, f"The kit {kit}"))
    for number, row in enumerate(parsed, start=2):
        _check_figures(row, number, kit)
    return _Measured(manifest, Machine.of(events[0].get("machine") or {}), parsed)


def _event(line: bytes, number: int, kit: Path) -> Row:
    try:
        event = json.loads(line)
        if isinstance(event, dict):
            return event
    except (ValueError, RecursionError):
        pass
    raise _damaged(kit, number)


def _check_figures(row: Row, number: int, kit: Path) -> None:
    blocks = row.get("blocks_ms")
    if blocks is None:
        return
    if not blocks or not math.isclose(runner.interquartile_mean(blocks), row["latency_ms"]):
        raise _damaged(kit, number)


def _damaged(kit: Path, number: int) -> MeasurementError:
    return MeasurementError(
        f"Line {number} of the rows of {kit} is damaged or was edited. Copy rows.jsonl again from "
        "the device; if it is damaged there, move it away and run the runner again."
    )


@contextmanager
def _opened(kit: Path, rows: Path | None) -> Iterator[Path]:
    """A folder with manifest and rows.

    Raises:
        MeasurementError: If one of both is missing or unreadable.
    """
    with tempfile.TemporaryDirectory(prefix="brpnas-kit-") as name:
        folder = Path(name)
        try:
            if kit.is_dir():
                shutil.copy(kit / MANIFEST, folder)
                shutil.copy(rows or kit / _ROWS, folder / _ROWS)
            else:
                _unpack(kit, [MANIFEST, *([] if rows else [_ROWS])], folder)
                if rows:
                    shutil.copy(rows, folder / _ROWS)
        except (OSError, zipfile.BadZipFile) as error:
            raise MeasurementError(
                f"The kit {kit} cannot be read ({error}). Give the folder or zip file of `brpnas "
                "kit make`, and the rows.jsonl that the runner wrote on the device, in it or with "
                "--rows."
            ) from error
        yield folder


def _unpack(kit: Path, names: Sequence[str], folder: Path) -> None:
    with kit.open("rb") as file, open_archive(file, max_members=_MAX_MEMBERS) as archive:
        for name in names:
            found = [one for one in archive.infolist() if Path(one.filename).name == name]
            if len(found) != 1:
                raise zipfile.BadZipFile(f"it holds {len(found)} files {name}")
            if found[0].file_size > _MAX_BYTES:
                raise zipfile.BadZipFile(f"{name} is too large")
            (folder / name).write_bytes(read_member(archive, found[0]))
