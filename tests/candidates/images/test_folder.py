from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.candidates import ImageData, ImageSource
from brpnas.errors import SchemaError
from tests.candidates.images.pictures import EPS, classes, encoded, noise, write


def load(root: Path, **more: Any) -> ImageData:
    return ImageSource(str(root), **more).load()


def test_folders_are_classes(tmp_path: Path) -> None:
    files = {**classes("ab", 5, 8, 6, 3), "b/deep/er/x.JPG": encoded(noise(8, 6, 3), "JPEG")}
    data = load(write(tmp_path / "My Birds", files))
    assert (data.name, data.input_shape) == ("my-birds", (3, 8, 6))
    assert data.label_names == ("a", "b")
    assert np.bincount(data.labels).tolist() == [5, 6]
    assert data.pixels.dtype == np.uint8
    assert (data.pixel_scale, data.colours, data.size) == (255, "RGB", None)
    np.testing.assert_array_equal(data.pixels[2], files["a/2.png"].transpose(2, 0, 1))
    np.testing.assert_allclose(data.images, data.pixels / np.float32(255))


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("train", "val", "test"), {"train": 6, "valid": 4, "test": 2}),
        (("Training", "validation"), {"train": 4, "valid": 4, "test": 2}),
        (("train", "testing"), {"train": 4, "valid": 2, "test": 4}),
    ],
)
def test_folders_of_parts(tmp_path: Path, names: tuple[str, ...], parts: dict[str, int]) -> None:
    for count, name in zip((3, 2, 1) if len(names) == 3 else (3, 2), names, strict=True):
        write(tmp_path / "x" / name, classes("ab", count))
    data = load(tmp_path / "x")
    assert {part: len(rows) for part, rows in data.parts.items()} == parts
    assert all(set(data.labels[rows].tolist()) == {0, 1} for rows in data.parts.values())


def test_a_class_may_be_named_as_a_part(tmp_path: Path) -> None:
    files = {f"{name}/{n}.png": noise(4, 4) for name in ("bus", "train") for n in range(4)}
    assert load(write(tmp_path / "x", files)).label_names == ("bus", "train")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ("val/a val/b test/a test/b", r"test/ and val/ .*train/\. Name"),
        ("trian/a trian/b val/a test/b", r"no train/.* 'trian'\?"),
        ("a b test/a", r"x .*test/ .*train/.*\bif test "),
        ("trian val test", r"test/ and val/ .*train/.* 'trian'\?"),
        ("train test", r"test holds 4 pictures .*0\.png.* test/CLASS/"),
        ("train_images/a test_images/a", "holds test_images/ and train_images/"),
        ("Trainset Testset", "holds Testset/ and Trainset/"),
    ],
)
def test_parts_do_not_become_classes(tmp_path: Path, folders: str, message: str) -> None:
    files = {f"{f}/{n}.png": noise(4, 4) for f in folders.split() for n in range(4)}
    with pytest.raises(SchemaError, match=message):
        load(write(tmp_path / "x", files))


@pytest.mark.parametrize(
    "names", [("train_station", "bus_station"), ("train", "valley"), ("test", "b")]
)
def test_classes_that_sound_like_parts(tmp_path: Path, names: tuple[str, str]) -> None:
    files = {f"{name}/{n}.png": noise(4, 4) for name in names for n in range(4)}
    assert set(load(write(tmp_path / "x", files)).label_names) == set(names)


def test_stray_files_are_left_out_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stray = {
        "README": b"read",
        "a/Thumbs.db": b"db",
        "a/.DS_Store": b"",
        "a/.ipynb_checkpoints/0-checkpoint.png": b"",
        "b/._0.png": b"",
        "__MACOSX/a/0.png": b"",
    }
    root = write(tmp_path / "x", {**classes(), **stray})
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            data = load(root)
    assert len(data.labels) == 8
    (line,) = [r.message for r in caplog.records if "left out" in r.message]
    end = "left out, not pictures: README, __MACOSX, a/.DS_Store, "
    assert line == f"{root}: {end}a/.ipynb_checkpoints and 2 more"


def test_what_systems_and_people_put_beside_pictures(tmp_path: Path) -> None:
    """Thumbnails of a NAS, a document, an icon, a video; and a pipe, which nobody writes to."""
    beside = {
        "README.pdf": b"%PDF",
        "a/folder.ico": b"",
        "b/film.mp4": b"",
        "@eaDir/0.png/thumb.jpg": b"",
        "a/@eaDir/0.png/thumb.jpg": b"",
    }
    root = write(tmp_path / "x", {**classes(), **beside})
    os.mkfifo(root / "a" / "9.png")
    data = load(root)
    assert (data.label_names, len(data.labels)) == (("a", "b"), 8)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"x .*CLASS/picture\.png"),
        ({"notes.txt": b""}, r"x .*CLASS/picture\.png"),
        ({"0.png": noise(4, 4), "1.png": noise(4, 4)}, r"2 pictures .* 0\.png"),
        ({**classes(), "5.png": noise(4, 4)}, r"1 pictures .* 5\.png"),
        ({**classes(), "empty/notes.txt": b""}, "x/empty .*PNG, JPEG"),
        (classes("a"), "x .* all a:"),
        (classes("ab", 2), "class 'a' of .* 2 images, and 1 other .* at least 3 are needed"),
        ({**classes(), "a/9.png": b"\x89PNG broken"}, r"a/9\.png .*PNG, JPEG"),
        ({**classes(), "a/9.png": b""}, r"a/9\.png .*PNG, JPEG"),
        ({**classes(), "b/9.heic": b""}, r"b/9\.heic "),
        ({**classes(), "b/9.jpg": EPS}, r"b/9\.jpg .*PNG, JPEG"),
        ({"train/a/0.png": noise(4, 4), "extra/a/0.png": noise(4, 4)}, "extra/ beside train/"),
        ({"train/a/0.png": noise(4, 4), "test/0.png": noise(4, 4)}, "test holds 1 pictures "),
        (
            {
                **{f"train/{c}/{n}.png": noise(4, 4) for c in "ab" for n in range(5)},
                "valid/A/0.png": noise(4, 4),
            },
            "class 'A' of .* training",
        ),
        (
            {**classes(), "b/8.png": noise(8, 9), "b/9.png": noise(5, 4)},
            r"8 x 8 \(8 pictures\), 8 x 9 \(1 .*images\.size: 8",
        ),
        (
            {**classes(), "b/9.png": noise(8, 8, high=60_000, dtype=np.uint16)},
            r"8 of 8 bits, grey, as .*a/0\.png; 1 of 16 bits, as .*b/9\.png",
        ),
    ],
)
def test_what_is_refused_names_the_file(
    tmp_path: Path, files: dict[str, bytes | np.ndarray], message: str
) -> None:
    root = tmp_path / "x"
    root.mkdir()
    with pytest.raises(SchemaError, match=message) as caught:
        load(write(root, files))
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_picture_is_named_while_it_is_read(tmp_path: Path, cache_home: Path) -> None:
    files = {**classes("ab", 5, 60, 60), "b/4.png": encoded(noise(60, 60))[:700]}
    with pytest.raises(SchemaError, match=r"b/4\.png .*OSError"):
        load(write(tmp_path / "x", files))
    assert not list(cache_home.rglob("pixels.npy")), "nothing half done stays"


def test_constant_pictures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blank = {f"{c}/{n}.png": np.full((4, 4), 9, np.uint8) for c in "ab" for n in range(3)}
    with pytest.raises(SchemaError, match=r"All 6 images, .*a/0\.png "):
        load(write(tmp_path / "x", blank))
    load(write(tmp_path / "y", {**classes("ab", 4, 4, 4), "b/9.png": blank["a/0.png"]}))
    assert [r.levelname for r in caplog.records if "1 of 9 images" in r.getMessage()] == ["WARNING"]
    assert "b/9.png" in caplog.text


def test_grey_becomes_rgb_where_others_have_colours(tmp_path: Path) -> None:
    grey, colour = noise(4, 4), noise(4, 4, 3)
    files = {"a/0.png": grey, "b/0.png": colour}
    more = {f"{c}/{n}.png": noise(4, 4, 3) for c in "ab" for n in range(1, 4)}
    data = load(write(tmp_path / "x", {**files, **more}))
    np.testing.assert_array_equal(data.pixels[0], np.stack([grey] * 3))
    np.testing.assert_array_equal(data.pixels[4], colour.transpose(2, 0, 1))
    assert data.picture_steps["colours"] == "RGB"


def test_mixed_sizes_are_resized_when_asked(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {**classes("a", 4, 20, 30), **classes("b", 4, 50, 9)})
    assert load(root, size=12).input_shape == (1, 12, 12)
    data = load(root, size=(10, 6))
    assert data.input_shape == (1, 10, 6)
    assert data.picture_steps == {
        "orientation": "exif",
        "colours": "L",
        "resize": {"size": [10, 6], "fit": "cover", "crop": "centre", "interpolation": "bilinear"},
    }


def test_sixteen_bits_are_scaled_by_their_range(tmp_path: Path) -> None:
    files = {
        f"{c}/{n}.png": noise(4, 4, high=60_000, dtype=np.uint16) for c in "ab" for n in range(4)
    }
    data = load(write(tmp_path / "x", files))
    assert (data.pixels.dtype, data.pixel_scale, data.colours) == (np.uint16, 65_535, "I;16")
    np.testing.assert_array_equal(data.pixels[0, 0], files["a/0.png"])
    assert 0.8 < data.images.max() <= 1


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    root = write(tmp_path / "x", classes())
    (root / "a" / "again").symlink_to(root / "a")
    assert len(load(root).labels) == 8


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    root = write(tmp_path / "x", classes())
    (root / "a" / "9.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(OSError, match=rf"a/9\.png .*{os.strerror(errno.ENOENT)}"):
        load(root)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "x", classes())
    os.rename(os.fsencode(root / "a"), os.fsencode(root) + b"/\xff")  # noqa: PTH104
    with pytest.raises(SchemaError, match="rename it"):
        load(root)
