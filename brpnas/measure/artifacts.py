"""What a device is given: artifacts, and a manifest that lists them.

An artifact is a network converted for a runtime: files named after their hashes, and the logits to
expect. `make_artifact` converts one. A `Manifest` lists artifacts with everything that decides how
they are timed; `Manifest.write` puts it beside them, and `brpnas.measure.runner` reads it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from brpnas.atomic import atomic_path
from brpnas.errors import MeasurementError
from brpnas.measure import runner
from brpnas.measure.protocol import Protocol
from brpnas.measure.runtimes import Runtime
from brpnas.predictors.training import single_thread
from brpnas.typed import Count, Finite, parse_typed

__all__ = ["MANIFEST", "Answer", "Artifact", "ArtifactFile", "Convert", "Manifest", "make_artifact"]

Convert = Callable[[nn.Module, Tensor, Path], tuple[Path, ...]]
"""Writes the files of a network, see `brpnas.measure.Runtime.convert`."""
MANIFEST = "manifest.json"
"""File name of a manifest."""
_MOST_VALUES = 1000


@dataclass(frozen=True)
class ArtifactFile:
    """A file of an artifact.

    Args:
        file: Name in the folder of the manifest, derived from the hash of the artifact.
        sha256: Hash of the content.
        bytes: Its size.
    """

    file: str
    sha256: str
    bytes: Count


@dataclass(frozen=True)
class Answer:
    """The logits of torch for the image of `brpnas.measure.runner.seeded_image`.

    Args:
        shape: Shape of the logits.
        scale: Their largest absolute value.
        values: The first of them, at most a thousand.
    """

    shape: tuple[Count, ...]
    scale: Finite
    values: tuple[float, ...]

    @classmethod
    def of(cls, logits: np.ndarray) -> Self:
        """The answer of a network.

        Raises:
            MeasurementError: If a number is not finite.
        """
        if not np.isfinite(logits).all():
            raise MeasurementError("The network answers with NaN or infinity in torch.")
        first = logits.ravel()[:_MOST_VALUES].astype(np.float32)
        values = tuple(float(f"{value:.9g}") for value in first)
        return cls(tuple(logits.shape), float(np.max(np.abs(logits), initial=0.0)), values)


@dataclass(frozen=True)
class Artifact:
    """A network converted for a runtime.

    Args:
        name: The architecture, or part and stage of an operation; any text.
        sha256: Hash of the hashes of the files.
        shape: Shape of the input, ``[B, C, H, W]``.
        files: Its files, in the order of the loader.
        answer: The logits to expect; None if unknown.
    """

    name: str
    sha256: str
    shape: tuple[Count, ...]
    files: tuple[ArtifactFile, ...]
    answer: Answer | None

    @property
    def file_kib(self) -> float:
        """Size of its files together, in KiB."""
        return sum(file.bytes for file in self.files) / 1024


@dataclass(frozen=True)
class Manifest:
    """Artifacts, and everything that decides how they are timed.

    Args:
        runtime: Name of the runtime.
        precision: Number format.
        provider: Execution provider.
        threads: Threads within an operation.
        protocol: Numbers of runs.
        seed: Seed of the image.
        tolerance: Largest difference from the answer, relative to its scale; None for any.
        networks: The artifacts to time.
        reference: Artifact that is timed repeatedly; None for none.
        reference_first: Whether it is timed before the first artifact.
        reference_every: Artifacts between two timings of it; it is also timed after the last.
        timeout_s: Seconds allowed for each artifact.
        network_size: Size of the networks (`NetworkConfig.size`).
        space: Space of the architectures.
        versions: Version of each package that converted, and of this project.
        format: Version of this format.
    """

    runtime: str
    precision: str
    provider: str
    threads: int
    protocol: Protocol
    seed: int
    tolerance: float | None
    networks: tuple[Artifact, ...]
    reference: Artifact | None = None
    reference_first: bool = True
    reference_every: int = 25
    timeout_s: float = 600.0
    network_size: str = ""
    space: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    format: int = runner.FORMAT

    @property
    def id(self) -> str:
        """Hash of all fields."""
        return runner.manifest_id(self._plain())

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The artifacts, with the reference."""
        return (*self.networks, *([] if self.reference is None else [self.reference]))

    def schedule(self) -> Iterator[tuple[Literal["network", "reference"], Artifact]]:
        """The artifacts in order, the reference first, in between and last."""
        reference, last = self.reference, len(self.networks)
        if reference and self.reference_first:
            yield "reference", reference
        for number, artifact in enumerate(self.networks, start=1):
            yield "network", artifact
            if reference and (number % self.reference_every == 0 or number == last):
                yield "reference", reference

    def write(self, folder: Path) -> Path:
        """Write the manifest beside its files; it appears when complete."""
        path = folder / MANIFEST
        text = json.dumps({"id": self.id, **self._plain()}, indent=1)
        with atomic_path(path) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a manifest and check its hash.

        Raises:
            MeasurementError: If it is missing, malformed or was edited.
        """
        path = folder / MANIFEST
        try:
            return parse_typed(cls, runner.read_manifest(path))
        except (runner.RunnerError, ValueError) as error:
            raise MeasurementError(f"{path} is not a manifest of this version: {error}") from error

    def only(self, networks: Sequence[Artifact]) -> Self:
        """The same manifest for other artifacts."""
        return replace(self, networks=tuple(networks))

    def _plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def make_artifact(
    name: str,
    network: nn.Module,
    shape: tuple[int, ...],
    runtime: Runtime,
    folder: Path,
    *,
    seed: int = 0,
    convert: Convert | None = None,
) -> Artifact:
    """Convert a network, and put its files into a folder.

    Args:
        name: The architecture.
        network: On the CPU, in evaluation mode.
        shape: Shape of the input, ``[B, C, H, W]``.
        runtime: The runtime.
        folder: Existing folder of the manifest.
        seed: Seed of the image.
        convert: Used instead of the runtime's own function.

    Raises:
        MeasurementError: If the network's own answer is not finite.
    """
    images = torch.from_numpy(runner.seeded_image(shape, seed))
    with single_thread(), tempfile.TemporaryDirectory(prefix=".made-", dir=folder) as made:
        with torch.inference_mode():
            logits: Tensor = network(images)
        files = (convert or runtime.convert)(network, images, Path(made))
        return store_files(name, files, shape, folder, Answer.of(logits.numpy()))


def store_files(
    name: str,
    files: Sequence[Path],
    shape: tuple[int, ...],
    folder: Path,
    answer: Answer | None = None,
) -> Artifact:
    """Move the files of a network into the folder of its manifest.

    Args:
        name: The architecture.
        files: The files, in the order of the loader.
        shape: Shape of the input, ``[B, C, H, W]``.
        folder: Folder of the manifest.
        answer: The logits to expect; None if unknown.
    """
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    together = runner.artifact_hash(hashes)
    kept = []
    for file, digest in zip(files, hashes, strict=True):
        # The files of a network share a stem: some tools take one and look for the other.
        target = folder / f"{together[:32]}{file.suffix}"
        kept.append(ArtifactFile(target.name, digest, file.stat().st_size))
        shutil.move(file, target)
    return Artifact(name, together, tuple(shape), tuple(kept), answer)
