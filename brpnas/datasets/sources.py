"""Published files: which there are, and how to get one that is certainly the one meant.

`load_catalogue` lists the files, `fetch` returns the path of one of them, from a mirror if there is
one, else from its URL, and `fetch_group` does so for all files of a benchmark. A file whose sha256
is not the catalogued one is refused, wherever it came from.
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
        name: Name by which configuration and readers refer to it.
        group: Benchmark that it belongs to, ``latbench``, ``nasbench201``, ``nasbench101``,
            ``nasbench301`` or ``help``.
        file: Its path below a mirror and below the download cache.
        url: Where it was published, pinned to a commit.
        sha256: Hash of its content, in hexadecimal.
        bytes: Its size.
        licence: Licence as stated by the publisher.
        citation: What to cite when using it.
        contents: What is in it.
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


def load_catalogue(path: Path | None = None) -> dict[str, Source]:
    """Published files by name, from the catalogue of the package or from a YAML file like it.

    Raises:
        ConfigurationError: If the catalogue is malformed.
    """
    return read_entries(path or _CATALOGUE, Source)


def get_source(name: str) -> Source:
    """Return the published file of that name from the package's catalogue.

    Raises:
        UnknownNameError: If there is none.
    """
    catalogue = load_catalogue()
    if name not in catalogue:
        raise UnknownNameError("published file", name, catalogue)
    return catalogue[name]


def fetch(source: Source, *, mirror: Path | None, cache: Path, progress: bool = True) -> Path:
    """Return the path of a published file with the catalogued content.

    Args:
        source: Which file.
        mirror: Folder that holds the published files. If given, the file is read in place there and
            the network is never asked.
        cache: Folder for downloads; a good file that is already there is not downloaded again.
        progress: Whether a download shows a progress bar.

    Raises:
        SourceError: If the file is missing, cannot be downloaded, or has another hash. Nothing is
            left behind half-written.
    """
    return _from_mirror(source, mirror) if mirror else _from_url(source, cache, progress)


def fetch_group(
    group: str, *, mirror: Path | None, cache: Path, progress: bool = True
) -> dict[str, Path]:
    """Paths of all published files of a benchmark, by name; see `fetch`.

    Raises:
        UnknownNameError: If there is no such benchmark.
        SourceError: As `fetch`.
    """
    catalogue = load_catalogue()
    sources = [source for source in catalogue.values() if source.group == group]
    if not sources:
        raise UnknownNameError("benchmark", group, {s.group for s in catalogue.values()})
    return {s.name: fetch(s, mirror=mirror, cache=cache, progress=progress) for s in sources}


def _from_mirror(source: Source, mirror: Path) -> Path:
    path = mirror / source.file
    if not mirror.is_dir():
        raise SourceError(
            f"The mirror {mirror} is not a folder, so {source.name!r} cannot be read from it. Set "
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
    import pooch  # noqa: PLC0415 - it brings a client for HTTP, and most files are there already

    target = cache / source.file

    def download(url: str, output: str, _: Any) -> None:
        with tqdm(
            total=source.bytes, desc=target.name, unit="B", unit_scale=True, disable=not progress
        ) as bar:
            pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16)(url, output, None)
        mend = "Try again; if it stays so, the publisher has changed the file: set BRPNAS_MIRROR"
        _verify(source, Path(output), f"What {url} sent", f"{mend} to a folder with the right one")

    pooch.get_logger().setLevel(logging.WARNING)  # what it would print at INFO is logged here
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
    except OSError as error:  # of the network, by way of requests, and of the disk
        raise SourceError(
            f"{source.name!r} could not be downloaded from {source.url} to {target}: "
            f"{' '.join(str(error).split())}. Check the network and the folder, or set "
            "BRPNAS_MIRROR to a folder that holds the published files."
        ) from error
    return Path(path)


def _verify(source: Source, path: Path, subject: str, mend: str) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != source.sha256:
        raise SourceError(
            f"{subject} is not the published {source.name!r}: its sha256 is {found}, expected "
            f"{source.sha256} ({path.stat().st_size:,} bytes, expected {source.bytes:,}). {mend}."
        )
