"""The target ``command``: a program of the user times each network and prints its latency.

For phones (``adb``) and the tools of vendors. No shell is used, and file names derive from hashes.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from brpnas.errors import ConfigurationError, MeasurementError, TaskError, one_line
from brpnas.measure.artifacts import Artifact, Manifest
from brpnas.measure.hardware import Machine
from brpnas.measure.runner import interquartile_mean
from brpnas.measure.runtimes import Runtime
from brpnas.measure.targets.base import Row, Rows, Target

__all__ = ["Command", "CommandTarget"]

_UNITS = {"ms": 1.0, "us": 1e-3, "ns": 1e-6, "s": 1e3}
_PLACES = ("file", "name", "threads", "warmup", "runs")
_PLACE = re.compile(r"\{(\w+)\}")
_MOST_READ = 2**16


@dataclass(frozen=True)
class Command:
    """Command lines of a tool, and the expression that finds the latency in its output.

    A command line is split into words as by a shell; then ``{file}`` becomes the path of the
    network's first file, ``{name}`` its name alone, and ``{threads}``, ``{warmup}`` and ``{runs}``
    the numbers of the protocol.

    Args:
        run: Times a network, such as ``adb shell /data/local/tmp/benchmark_model
            --graph=/data/local/tmp/{name} --num_threads={threads} --num_runs={runs}``. It runs once
            per block.
        latency: Regular expression. Its groups are named after units, ``ms``, ``us``, ``ns`` or
            ``s``, and one of them matches; or its only group holds milliseconds. The last match
            counts.
        push: Copies a file to the device before, such as ``adb push {file} /data/local/tmp``;
            called for each file.
        remove: Removes a file afterwards, such as ``adb shell rm /data/local/tmp/{name}``.

    Raises:
        ConfigurationError: If a command line or the expression is malformed.
    """

    run: str
    latency: str
    push: str | None = None
    remove: str | None = None

    def __post_init__(self) -> None:
        for line in (self.run, self.push, self.remove):
            if line is not None:
                _words(line)
        if "{file}" not in self.run and "{name}" not in self.run:
            raise ConfigurationError(f"{self.run!r} names no network: put {{file}} into it.")
        try:
            groups = re.compile(self.latency)
        except re.error as error:
            raise ConfigurationError(
                f"{self.latency!r} is not a regular expression: {error}."
            ) from error
        named = set(groups.groupindex)
        if not named <= set(_UNITS) or groups.groups != max(1, len(named)):
            raise ConfigurationError(
                f"{self.latency!r} needs a group for the number: one without a name for ms, or "
                r"named ms, us, ns or s, such as 'avg: (?P<us>[0-9.e+]+)'."
            )

    def milliseconds(self, output: str) -> float:
        """The latency in an output.

        Raises:
            TaskError: If there is none.
        """
        match = None
        for found in re.finditer(self.latency, output):
            match = found
        if match is None:
            last = one_line(output.strip().rpartition("\n")[2], 200)
            raise TaskError(f"The command printed no latency; its last line: {last!r}.")
        named = match.groupdict() or {"ms": match[1]}
        unit, text = next(((u, t) for u, t in named.items() if t is not None), ("ms", ""))
        try:
            value = float(text) * _UNITS[unit]
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise TaskError(f"The command printed the latency {text!r:.80}.")
        return value


class CommandTarget(Target):
    """A device behind a command of this machine.

    Rows hold the load of this machine; energy and memory of the device are unknown.

    Args:
        command: Command lines and expression.
    """

    needs_name: ClassVar[bool] = True

    def __init__(self, command: Command) -> None:
        self._command = command

    @property
    def name(self) -> str:
        """``command``."""
        return "command"

    def describe(self, runtime: Runtime) -> Machine:
        """Describe the device by its command; see `Target.describe`."""
        for line in (self._command.run, self._command.push, self._command.remove):
            if line is not None and shutil.which(_words(line)[0]) is None:
                raise MeasurementError(
                    f"There is no program {_words(line)[0]!r} here: install it, or give its path "
                    f"in the command {line!r}."
                )
        return _machine(self._command)

    def measure(self, folder: Path) -> Rows:
        """Time the artifacts; see `Target.measure`."""
        manifest = Manifest.read(folder)
        for event, artifact in manifest.schedule():
            row = self._row(event, artifact, manifest, folder)
            if event == "reference" and row["event"] == "failed":
                raise MeasurementError(f"The reference network cannot be timed: {row['error']}")
            yield row

    def _row(self, event: str, artifact: Artifact, manifest: Manifest, folder: Path) -> Row:
        machine, steady = _machine(self._command), time.monotonic()
        row: Row = {
            "event": event,
            "name": artifact.name,
            "sha256": artifact.sha256,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "load": os.getloadavg()[0],
            "clock_jump_s": None,
            "file_kib": artifact.file_kib,
            "clock_mhz": None,
            "temperature_c": None,
            "host": machine.host,
            "machine": machine.identity(),
        }
        try:
            blocks = list(self._blocks(artifact, manifest, folder))
            figures: Row = {
                "latency_ms": interquartile_mean(blocks),
                "std_ms": statistics.stdev(blocks) if len(blocks) > 1 else None,
                "blocks_ms": blocks,
                "difference": None,
                "energy_mj": None,
                "peak_memory_mib": None,
            }
        except TaskError as error:
            figures = {"event": "failed", "error": error.message}
        return {**row, **figures, "seconds": round(time.monotonic() - steady, 3)}

    def _blocks(self, artifact: Artifact, manifest: Manifest, folder: Path) -> Iterator[float]:
        """Latency of each block."""
        command, end = self._command, time.monotonic() + manifest.timeout_s
        files = [folder / one.file for one in artifact.files]
        values = [_values(file, manifest) for file in files]
        try:
            for file in values:
                if command.push is not None:
                    _output(_words(command.push, file), end)
            for _ in range(manifest.protocol.repeats):
                yield command.milliseconds(_output(_words(command.run, values[0]), end))
        finally:
            for file in values:
                if command.remove is not None:
                    _output(_words(command.remove, file), end)


def _machine(command: Command) -> Machine:
    return Machine(
        processor="device of a command",
        cores=None,
        memory_gb=None,
        system="unknown system",
        gpu=None,
        software=f"`{command.run}`",
        host=socket.gethostname(),
        energy_missing="the command prints none",
    )


def _values(file: Path, manifest: Manifest) -> Mapping[str, str]:
    protocol = manifest.protocol
    numbers = (manifest.threads, protocol.warmup, protocol.runs)
    return dict(zip(_PLACES, (str(file), file.name, *map(str, numbers)), strict=True))


def _words(line: str, values: Mapping[str, str] | None = None) -> list[str]:
    """Words of a command line with values in their places.

    Raises:
        ConfigurationError: If it is malformed.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ConfigurationError(f"{line!r} is not a command line: {error}.") from error
    unknown = {place for word in words for place in _PLACE.findall(word)} - set(_PLACES)
    if unknown or not words:
        known = ", ".join(f"{{{place}}}" for place in _PLACES)
        raise ConfigurationError(f"{line!r} must be a command with no other places than {known}.")
    if values is None:
        return words
    return [_PLACE.sub(lambda match: values[match[1]], word) for word in words]


def _output(words: list[str], end: float) -> str:
    """The last 64 KiB that a program prints, to either output.

    Raises:
        TaskError: If it fails, or has not ended in time.
    """
    with tempfile.TemporaryFile() as printed:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TaskError(f"{words[0]} cannot be started ({error.strerror}).") from error
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TaskError(f"{words[0]} has not ended in time.") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # a group of its own
                process.wait()
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - _MOST_READ))
        output = printed.read().decode(errors="replace")
    if process.returncode:
        last = one_line(output.strip().rpartition("\n")[2], 200)
        raise TaskError(
            f"{words[0]} ended with code {process.returncode} and printed last: {last!r}."
        )
    return output
