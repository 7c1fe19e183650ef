"""Published files: their catalogue, and verified downloads.

`load_catalogue` lists the files. `fetch` returns the path of a file from a mirror or its URL,
`fetch_group` of all files of a benchmark. A file with another sha256 than catalogued is refused.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from brpnas.datasets.entries import read_entries
from brpnas.errors import SourceError, UnknownNameError

__all__ = ["Source", "fetch", "fetch_group", "get_source", "load_catalogue"]

logger = logging.getLogger(__name__)

_CATALOGUE = Path(__file__).with_name("sources.yml")


class Source(BaseModel):
    """One published file.

    Attributes:
        name: Name in configuration and readers.
        group: Benchmark: ``latbench``, ``nasbench201``, ``nasbench101``, ``nasbench301``, ``help``
            or ``fbnet``.
        file: Path below a mirror and below the download cache.
        url: URL, pinned to a commit.
        sha256: Hash of the content, in hexadecimal.
        bytes: Size.
        licence: Licence as stated by the publisher.
        citation: Citation.
        contents: Description of the content.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    file: str = Field(pattern=r"^[^/.][^/]*(/[^/.][^/]*)*$")
    url: str = Field(pattern=r"^https?://")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    licence: str
    citation: str
    contents: str


def load_catalogue() -> dict[str, Source]:
    """Published files by name."""
    return read_entries(_CATALOGUE, Source)


def get_source(name: str) -> Source:
    """Return a published file of the packaged catalogue by name.

    Raises:
        UnknownNameError: If the file is unknown.
    """
    catalogue = load_catalogue()
    if name not in catalogue:
        raise UnknownNameError("published file", name, catalogue)
    return catalogue[name]


def fetch(source: Source, *, mirror: Path | None, cache: Path, progress: bool = True) -> Path:
    """Return the path of a published file with verified content.

    Args:
        source: The file.
        mirror: Folder of the published files. If given, the file is read there and nothing is
            downloaded.
        cache: Folder for downloads; a verified file there is reused.
        progress: Whether a download shows a progress bar.

    Raises:
        SourceError: If the file is missing, cannot be downloaded, or has another hash. No partial
            file is left.
    """
    return _from_mirror(source, mirror) if mirror else _from_url(source, cache, progress)


def fetch_group(group: str, *, mirror: Path | None, cache: Path) -> dict[str, Path]:
    """Paths of all published files of a benchmark by name; see `fetch`.

    Raises:
        UnknownNameError: If the benchmark is unknown.
        SourceError: As `fetch`.
    """
    catalogue = load_catalogue()
    sources = [source for source in catalogue.values() if source.group == group]
    if not sources:
        raise UnknownNameError("benchmark", group, {s.group for s in catalogue.values()})
    return {s.name: fetch(s, mirror=mirror, cache=cache) for s in sources}


def _from_mirror(source: Source, mirror: Path) -> Path:
    path = mirror / source.file
    if not mirror.is_dir():
        raise SourceError(
            f"The mirror {mirror} is not a folder, so {source.name!r} cannot be read. Set "
            "BRPNAS_MIRROR to the folder of the published files, or unset it to download them."
        )
    if not path.is_file():
        raise SourceError(
            f"The mirror {mirror} has no file {source.file} ({source.name!r}). Put it there from "
            f"{source.url}, or unset BRPNAS_MIRROR to download it."
        )
    _verify(source, path, f"The file {path}", "Replace it by the one from " + source.url)
    return path


def _from_url(source: Source, cache: Path, progress: bool) -> Path:
    import pooch  # noqa: PLC0415 - it imports an HTTP client, unused for files at hand

    target = cache / source.file

    def download(url: str, output: str, _: Any) -> None:
        with tqdm(
            total=source.bytes, desc=target.name, unit="B", unit_scale=True, disable=not progress
        ) as bar:
            pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16)(url, output, None)
        remedy = "Try again; if it recurs, the publisher has changed the file: set BRPNAS_MIRROR"
        _verify(source, Path(output), f"The answer of {url}", f"{remedy} to a folder with the file")

    pooch.get_logger().setLevel(logging.WARNING)  # its INFO is logged here
    logger.info("Looking for %s in %s, else at %s", source.name, cache, source.url)
    try:
        path = pooch.retrieve(
            source.url,
            known_hash=f"sha256:{source.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=download,
        )
    except SourceError:
        raise
    except OSError as error:  # of the network (requests) and of the disk
        raise SourceError(
            f"{source.name!r} could not be downloaded from {source.url} to {target}: "
            f"{' '.join(str(error).split())}. Check the network and the folder, or set "
            "BRPNAS_MIRROR to a folder that holds the published files."
        ) from error
    return Path(path)


def _verify(source: Source, path: Path, subject: str, remedy: str) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != source.sha256:
        raise SourceError(
            f"{subject} is not the published {source.name!r}: its sha256 is {found}, expected "
            f"{source.sha256} ({path.stat().st_size:,} bytes, expected {source.bytes:,}). {remedy}."
        )
