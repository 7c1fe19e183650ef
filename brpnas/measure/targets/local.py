"""The target ``local``: the runner in a process of this machine, with this Python."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from brpnas.errors import MeasurementError
from brpnas.measure import runner
from brpnas.measure.artifacts import MANIFEST
from brpnas.measure.hardware import Machine, describe_machine
from brpnas.measure.runtimes import Runtime
from brpnas.measure.targets.base import Rows, Target, rows_of

__all__ = ["LocalTarget", "answer_images", "check_artifacts"]

_HERE = "this machine"
_DEATHS = 3
_SHOWN = 2000


@dataclass(frozen=True)
class LocalTarget(Target):
    """This machine. A killed runner is started again and continues."""

    checks_first: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """``local``."""
        return "local"

    def describe(self, runtime: Runtime) -> Machine:
        """Describe this machine; see `Target.describe`."""
        return describe_machine(runtime)

    def measure(self, folder: Path) -> Rows:
        """Time the artifacts; see `Target.measure`.

        Raises:
            MeasurementError: If the runner reports an error, or dies three times without a row.
        """
        done, deaths = 0, 0
        while True:
            try:
                with closing(_rows("run", folder, "--with-parent")) as rows:
                    for number, row in enumerate(rows):
                        if number >= done:  # a new runner begins with the finished rows
                            done, deaths = number + 1, 0
                            yield row
                return
            except _DiedError as death:
                deaths += 1
                if death.code > 0 or deaths == _DEATHS:
                    raise MeasurementError(str(death)) from death


def check_artifacts(folder: Path) -> Rows:
    """Compare the answers of artifacts with torch on this machine, without timing.

    Args:
        folder: Folder of a manifest and its files.

    Returns:
        A row for each artifact: ``event`` is ``checked`` or ``failed``.

    Raises:
        MeasurementError: If this machine lacks the runtime.
    """
    try:
        yield from _rows("check", folder)
    except _DiedError as death:
        raise MeasurementError(str(death)) from death


def answer_images(
    folder: Path, batches: Iterable[npt.NDArray[np.float32]], count: int
) -> npt.NDArray[np.float32]:
    """Answers of an artifact to images, by the runner of this machine.

    Args:
        folder: Folder of a manifest with one artifact, and its files.
        batches: Images, ``[n, C, H, W]`` each; of any sizes.
        count: Number of all images.

    Returns:
        The logits, ``[count, classes]``.

    Raises:
        MeasurementError: If this machine cannot run the artifact.
    """
    with tempfile.TemporaryDirectory(prefix=".answers-", dir=folder) as made:
        given, answered = Path(made) / "images.npy", Path(made) / "logits.npy"
        _save(given, batches, count)
        options = ("--images", str(given), "--logits", str(answered))
        try:
            (row,) = _rows("answer", folder, *options)
        except _DiedError as death:
            raise MeasurementError(str(death)) from death
        if row["event"] == "failed":
            raise MeasurementError(f"The network cannot be run: {row['error']}")
        logits: npt.NDArray[np.float32] = np.load(answered, allow_pickle=False)
    return logits


def _save(path: Path, batches: Iterable[npt.NDArray[np.float32]], count: int) -> None:
    """Write batches as one NPY file, one at a time: they may not fit into memory."""
    done, mapped = 0, None
    for batch in batches:
        if mapped is None:
            shape = (count, *batch.shape[1:])
            mapped = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        mapped[done : done + len(batch)] = batch
        done += len(batch)
    assert mapped is not None
    mapped.flush()


class _DiedError(Exception):
    """The runner ended without an error of its own.

    Attributes:
        code: Its exit code, or its signal, negative.
    """

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"The runner on {_HERE} ended with code {code}. It printed: {said}")
        self.code = code


def _rows(command: str, folder: Path, *options: str) -> Rows:
    """Run the runner and yield its rows; closing ends it."""
    # -P: modules in the runner's folder must not replace others of their names.
    arguments = [sys.executable, "-P", runner.__file__, command, *options, str(folder / MANIFEST)]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as process:
            assert process.stdout is not None
            try:
                yield from rows_of(process.stdout, _HERE)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            errors.seek(max(0, errors.seek(0, 2) - _SHOWN))
            said = errors.read().decode(errors="replace").strip()
            raise _DiedError(process.returncode, said.rpartition("\n")[2] or "nothing")
