"""Images that candidates are trained on: the embedded ones, or a file of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from brpnas.errors import SourceError

__all__ = ["ImagesDataset"]


class ImagesDataset(AbstractDataset[None, str]):
    """Where the images are; workers read them, each once.

    Args:
        source: ``digits``, or path of an NPZ or Parquet file; see `brpnas.candidates.ImageSource`.
            (Not ``filepath``: Kedro would make a path of ``digits``.)
        metadata: What hooks want to know about it; Kedro ignores it.
    """

    def __init__(self, source: str, metadata: dict[str, Any] | None = None) -> None:
        self._source, self.metadata = source, metadata

    def load(self) -> str:
        """Return ``digits``, or the absolute path of the file.

        Raises:
            SourceError: If there is no such file.
        """
        from brpnas.candidates import DIGITS  # noqa: PLC0415 - it needs torch

        if self._source == DIGITS:
            return DIGITS
        file = Path(self._source).resolve()
        if not file.is_file():
            raise SourceError(
                f"There are no images at {file}. `images` in conf/<environment>/globals.yml "
                f"names them: {DIGITS!r}, or an .npz or .parquet file."
            )
        return str(file)

    def save(self, data: None) -> None:
        """Refuse: the images are the user's."""
        raise DatasetError(f"The images at {self._source} are read, never written.")

    def _exists(self) -> bool:
        return True  # load says what is wrong better than a missing output of a stage would

    def _describe(self) -> dict[str, Any]:
        return {"source": self._source}
