"""Outputs of `pretrain` and `retrain`: a prior of devices, and a folder for each device."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from brpnas.spaces import DEFAULT_SPACE, get_space
from pipelines.datasets.atomic import FileDataset, atomically

__all__ = ["DeviceFoldersDataset", "DevicePriorDataset"]

_log = logging.getLogger(__name__)


class DevicePriorDataset(FileDataset[Any]):
    """The prior of devices as one safetensors file; without a file, the shipped prior.

    Args:
        filepath: The file.
        space: Search space of the shipped prior; NAS-Bench-201 stands in where none ships.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(
        self,
        filepath: str | Path,
        space: str = "nasbench201",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath, metadata)
        self._space = get_space(space).name

    def read(self, path: Path) -> Any:
        """Read the prior."""
        from brpnas.predictors.transfer import DevicePrior, has_shipped_prior, shipped_prior  # noqa: PLC0415

        if not path.exists():
            _log.info("The prior of devices is the one that ships: there is no %s", path)
            return shipped_prior(self._space if has_shipped_prior(self._space) else DEFAULT_SPACE)
        return DevicePrior.load(path)

    def write(self, data: Any, path: Path) -> None:
        """Write the prior."""
        data.save(path)

    @property
    def is_own(self) -> bool:
        """Whether the project has a prior of its own."""
        return self._filepath.exists()

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"space": self._space}


class DeviceFoldersDataset(AbstractDataset[Mapping[str, Mapping[str, bytes]], dict[str, Path]]):
    """A folder with a folder for each device; saving one device keeps the others.

    Args:
        filepath: The folder; it need not exist.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath, self.metadata = Path(filepath), metadata

    def load(self) -> dict[str, Path]:
        """Return the folder of each device."""
        folders = sorted(path for path in self._filepath.glob("[!.]*") if path.is_dir())
        return {path.name: path for path in folders}

    def save(self, data: Mapping[str, Mapping[str, bytes]]) -> None:
        """Write the files of each given device; the folder of a device changes atomically."""
        for device, files in data.items():
            with atomically(self._filepath / device) as fresh:
                fresh.mkdir()
                for name, content in files.items():
                    (fresh / name).write_bytes(content)

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
