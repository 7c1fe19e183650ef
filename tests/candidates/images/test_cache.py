from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from brpnas.candidates import ImageSource
from brpnas.candidates.images import pictures, source
from brpnas.candidates.images.decode import decode_picture
from brpnas.candidates.normalised import NormalisedImages
from brpnas.errors import SourceError
from tests.candidates.images.pictures import classes, noise, write


@pytest.fixture(autouse=True)
def forget() -> None:
    source._load.cache_clear()


@pytest.fixture
def mine(tmp_path: Path) -> ImageSource:
    root = write(tmp_path / "x", classes("ab", 5))
    return ImageSource(str(root), cache=str(tmp_path / "cache"))


def never(*args: object) -> None:
    pytest.fail("a picture was decoded again")


def entries(mine: ImageSource) -> list[str]:
    return sorted(p.name for p in Path(str(mine.cache)).iterdir() if p.is_dir())


def test_pictures_are_decoded_once(mine: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    first = mine.load()
    assert mine.load() is first
    source._load.cache_clear()
    monkeypatch.setattr(pictures, "decode_picture", never)
    second = mine.load()
    assert second.digest == first.digest
    assert second.picture_steps == first.picture_steps
    assert second.label_names == first.label_names


def test_pixels_are_mapped_and_what_is_written_stays_here(mine: ImageSource) -> None:
    pixels = mine.load().pixels
    base: Any = pixels
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    before = pixels[0].copy()
    pixels[0] = 0
    source._load.cache_clear()
    np.testing.assert_array_equal(mine.load().pixels[0], before)


def test_a_change_of_a_picture_is_noticed(
    mine: ImageSource, caplog: pytest.LogCaptureFixture
) -> None:
    before = mine.load().digest
    (place,) = entries(mine)
    write(Path(mine.path), {"a/0.png": noise(8, 8)})
    with caplog.at_level(logging.INFO):
        assert mine.load().digest != before
    assert len(entries(mine)) == 1
    assert place not in entries(mine)
    (deleted,) = (r for r in caplog.records if place in r.getMessage() and r.levelname == "INFO")
    assert deleted.name == "brpnas.candidates.images.cache"
    write(Path(mine.path), {"b/7.png": noise(8, 8)})
    assert len(mine.load().labels) == 11


def test_each_size_has_its_own_place(mine: ImageSource) -> None:
    mine.load()
    assert ImageSource(mine.path, cache=mine.cache, size=4).load().input_shape == (1, 4, 4)
    assert len(entries(mine)) == 2


def resident_mb(place: Path) -> float:
    """Memory of this process with the mapping of a file."""
    parts = Path("/proc/self/smaps").read_text().split("VmFlags")
    return sum(
        int(line.split()[1]) / 1024
        for part in parts
        if str(place) in part
        for line in part.splitlines()
        if line.startswith("Rss:")
    )


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="reads /proc")
def test_mapped_pixels_do_not_stay_in_memory(tmp_path: Path) -> None:
    """So that two workers need no more than one, however large the images are."""
    pixels = np.random.default_rng(0).integers(0, 255, (300, 3, 200, 200), np.uint8)
    np.savez(tmp_path / "large.npz", images=pixels, labels=np.arange(300) % 2)
    data = ImageSource(str(tmp_path / "large.npz"), cache=str(tmp_path / "cache")).load()
    place = next((tmp_path / "cache").rglob("pixels.npy"))
    data.pixels.sum()
    assert resident_mb(place) > 30
    whole = data.digest, [part.tolist() for part in data.normalisation]
    assert resident_mb(place) < 5
    np.testing.assert_array_equal(data.pixels, pixels)
    images = NormalisedImages(data, torch.device("cpu"))
    batch = images[torch.arange(0, 300, 30)]
    assert resident_mb(place) < 5
    mean, std = (np.array(part, np.float32)[:, None, None] for part in whole[1])
    expected = (pixels[::30].astype(np.float32) / np.float32(255) - mean) / std
    np.testing.assert_array_equal(batch.numpy(), expected)


@pytest.mark.parametrize("name", ["pixels.npy", "labels.npz", "facts.json"])
@pytest.mark.parametrize("kept", [0, 1, 0.5])
def test_damage_is_repaired(mine: ImageSource, name: str, kept: float) -> None:
    """Files cut to nothing, to a byte and to half."""
    before = mine.load().digest
    file = next(Path(str(mine.cache)).rglob(name))
    size = file.stat().st_size
    os.truncate(file, kept if isinstance(kept, int) else int(kept * size))
    source._load.cache_clear()
    assert mine.load().digest == before
    assert next(Path(str(mine.cache)).rglob(name)).stat().st_size == size


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pixels.npy", b"PK\x05\x06" + bytes(18)),
        ("pixels.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1'!"),
        ("facts.json", b"[]"),
        ("facts.json", b'{"path": "x", "form": 3, "label_names": []}'),
        ("facts.json", b'{"path": "x", "form": {"shape": 3}, "label_names": []}'),
    ],
)
def test_other_content_is_repaired(mine: ImageSource, name: str, content: bytes) -> None:
    before = mine.load().digest
    next(Path(str(mine.cache)).rglob(name)).write_bytes(content)
    source._load.cache_clear()
    assert mine.load().digest == before


def test_remains_of_a_kill_are_removed(mine: ImageSource) -> None:
    mine.load()
    (name,) = entries(mine)
    place = Path(str(mine.cache), name)
    place.rename(place.with_name(f"{name}.partial"))
    source._load.cache_clear()
    mine.load()
    assert entries(mine) == [name]


def test_images_that_are_gone_leave_the_cache(mine: ImageSource, tmp_path: Path) -> None:
    mine.load()
    root = write(tmp_path / "y", classes("cd", 5))
    shutil.rmtree(mine.path)
    ImageSource(str(root), cache=mine.cache).load()
    assert {path.name[0] for path in Path(str(mine.cache)).iterdir()} == {"y"}


def test_a_folder_that_cannot_be_used_is_passed_over(
    mine: ImageSource, cache_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ImageSource(mine.path, cache=str(tmp_path / "file" / "cache")).load()
    assert list(cache_home.rglob("pixels.npy"))


def test_no_room_is_said_with_the_size(mine: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(9, 9, 5e6))
    with pytest.raises(SourceError, match=r"0\.00 GB .*cache: 0\.01 GB .*images\.size"):
        mine.load()


def test_the_room_is_taken_before_pictures_are_decoded(
    mine: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = []

    def decode(*args: Any) -> Any:
        state = next(Path(str(mine.cache)).rglob("pixels.npy")).stat()
        blocks.append(state.st_blocks * 512)
        return decode_picture(*args)

    monkeypatch.setattr(pictures, "decode_picture", decode)
    large = ImageSource(mine.path, cache=mine.cache, size=400)
    large.load()
    assert blocks[0] >= 10 * 400 * 400


FULL = """
import sys
from brpnas.candidates import ImageSource
from brpnas.candidates.images import cache
from brpnas.errors import SourceError

cache._MARGIN = -(2**40)  # as if another process took the room after it was looked at
try:
    ImageSource(sys.argv[1], cache=sys.argv[2], size=300).load()
except SourceError as error:
    print(error)
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="mounts a file system by unshare")
def test_a_disk_that_fills_up_is_said(mine: ImageSource, tmp_path: Path) -> None:
    """A disk of 512 KB that is really full, for 900 KB of pixels."""
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=512k none {small}"
    tried = subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip("no file system can be mounted here")
    code = [sys.executable, "-c", FULL, mine.path, str(small)]
    script = f"{mount} && {shlex.join(code)} && ls -A {small}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(small)},
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    first, *rest = done.stdout.splitlines()
    assert re.search(rf" 0\.0009 GB .*small: {os.strerror(errno.ENOSPC)}\.", first)
    assert not [name for name in rest if "partial" in name]


def digest_of(mine: ImageSource) -> str:
    return mine.load().digest


@pytest.mark.slow
def test_processes_at_once_agree(mine: ImageSource) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        digests = pool.map(digest_of, [mine] * 4)
    assert set(digests) == {mine.load().digest}
    assert len(entries(mine)) == 1
