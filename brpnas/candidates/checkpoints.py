"""Checkpoints of trainings: a killed training goes on after its last checkpoint.

A checkpoint is written after an epoch, at most every `Checkpoints.every_s` seconds: a training of
half a second writes none. It holds the state of the training and the validation accuracies so far.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from brpnas.atomic import atomic_path
from brpnas.candidates.fitting import Fitting
from brpnas.errors import SchemaError
from brpnas.typed import Finite, Fraction, parse_typed

__all__ = ["Checkpoint", "Checkpoints"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoints.

    Args:
        folder: The folder; created with the first checkpoint. Workers on other machines need it
            at the same path to go on with a training that another one began.
        every_s: Least seconds between two checkpoints of a training. A kill loses at most these,
            and the epoch under way.
    """

    folder: Path
    every_s: float = 20.0

    def of(self, task: Mapping[str, object]) -> Checkpoint:
        """The checkpoint of a training.

        Args:
            task: Everything that decides the training (JSON types).
        """
        name = hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()
        return Checkpoint(self.folder / f"{name[:24]}.checkpoint", name, self.every_s)


@dataclass(frozen=True)
class _Progress:
    """Metadata of a checkpoint."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    task: str
    losses: tuple[float, ...]
    curve: tuple[Fraction, ...]
    seconds: Finite


@dataclass
class Checkpoint:
    """The checkpoint of one training.

    Args:
        path: Its file.
        task: Hash of everything that decides the training.
        every_s: Least seconds between two writings.
    """

    path: Path
    task: str
    every_s: float
    _written: float = field(default_factory=time.monotonic)

    def resume(self, fitting: Fitting) -> list[float]:
        """Restore the training if there is a checkpoint; the accuracies so far.

        A damaged file is a warning, and the training starts over.
        """
        self._written = time.monotonic()
        try:
            with safe_open(self.path, "pt") as file:
                progress = parse_typed(_Progress, json.loads(file.metadata()["progress"]))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if progress.task != self.task:
                raise SchemaError("it belongs to another training")
            fitting.restore(tensors, list(progress.losses), progress.seconds)
        except FileNotFoundError:
            return []
        except (SafetensorError, SchemaError, ValueError, KeyError, TypeError) as error:
            _log.warning("%s is damaged (%.300s): the training starts over.", self.path, error)
            return []
        _log.info("%s: the training goes on after epoch %d", self.path, fitting.epochs)
        return list(progress.curve)

    def save(self, fitting: Fitting, curve: list[float]) -> None:
        """Write the state of a training, unless the last writing is recent.

        If it cannot be written, a warning says so, and the training goes on.
        """
        if time.monotonic() - self._written < self.every_s:
            return
        progress = {
            "task": self.task,
            "losses": fitting.losses,
            "curve": curve,
            "seconds": fitting.seconds,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(self.path) as partial:
                tensors = {name: value.contiguous() for name, value in fitting.state().items()}
                save_file(tensors, partial, {"progress": json.dumps(progress)})
        except (OSError, SafetensorError) as error:
            _log.warning("No checkpoint at %s (%s): a kill loses more.", self.path, error)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete the file, after the result is stored."""
        self.path.unlink(missing_ok=True)
