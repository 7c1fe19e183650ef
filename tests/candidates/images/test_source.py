from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from brpnas.candidates import DIGITS, ImageData, ImageSource
from brpnas.errors import BrpNasError, ConfigurationError, SchemaError, SourceError
from tests.candidates.small import digits

SPLIT = ["train", "valid", "test"]


def npz(folder: Path, name: str = "mine.npz", **arrays: Any) -> ImageData:
    np.savez(folder / name, **arrays)
    return ImageSource(str(folder / name)).load()


def parquet(folder: Path, **columns: Any) -> ImageData:
    pd.DataFrame(columns).to_parquet(folder / "mine.parquet")
    return ImageSource(str(folder / "mine.parquet")).load()


def encoded(picture: np.ndarray, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind)
    return stream.getvalue()


class TestDigits:
    def test_are_those_of_scikit_learn_in_three_parts(self) -> None:
        data = ImageSource().load()
        assert (data.name, data.input_shape) == (DIGITS, (1, 8, 8))
        assert data.label_names == tuple("0123456789")
        assert (data.images.dtype, data.images.min(), data.images.max()) == (np.float32, 0, 1)
        pixels, labels = digits(1797)
        np.testing.assert_allclose(data.images[:, 0] * 240, pixels, atol=1e-4)
        assert data.labels.tolist() == labels.tolist()
        rows = np.concatenate([data.parts[part] for part in SPLIT])
        assert sorted(rows) == list(range(1797))

    def test_shape_and_labels_are_known_before_they_are_read(self, tmp_path: Path) -> None:
        data = ImageSource().load()
        assert ImageSource().shape_and_labels() == (data.input_shape, data.label_names)
        pixels, labels = digits()
        other = npz(tmp_path, images=pixels, labels=labels)
        source = ImageSource(str(tmp_path / "mine.npz"))
        assert source.shape_and_labels() == (other.input_shape, other.label_names)

    def test_split_is_the_published_one(self) -> None:
        """The benchmark that ships with the project was trained on exactly these."""
        assert ImageSource().load().digest == "e39a4fa92bcdb428"

    def test_classes_keep_their_shares(self) -> None:
        data = ImageSource(valid_share=0.2, test_share=0.1).load()
        for part, share in (("train", 0.7), ("valid", 0.2), ("test", 0.1)):
            counts = np.bincount(data.labels[data.parts[part]])
            np.testing.assert_allclose(counts, share * np.bincount(data.labels), atol=1.5)

    def test_seed_decides_the_split_alone(self) -> None:
        first, second = ImageSource().load(), ImageSource(split_seed=1).load()
        assert (first.images == second.images).all()
        assert set(first.parts["test"]) != set(second.parts["test"])
        assert first.digest != second.digest

    def test_are_read_once(self) -> None:
        assert ImageSource().load() is ImageSource().load()


def test_normalisation_is_that_of_the_training_rows() -> None:
    images = np.zeros((4, 2, 1, 2), np.float32)
    images[:2, 0] = [[[0, 2]], [[4, 6]]]
    images[2:, 0] = 99
    parts = {"train": np.array([0, 1]), "valid": np.array([2]), "test": np.array([3])}
    data = ImageData("x", images, np.array([0, 1, 0, 1]), parts, ("a", "b"))
    mean, std = data.normalisation
    assert mean.tolist() == [3, 0]
    np.testing.assert_allclose(std, [5**0.5, 1])
    assert mean.dtype == std.dtype == np.float32


class TestFiles:
    def test_shapes_and_types_of_pixels(self, tmp_path: Path) -> None:
        pixels, labels = digits()
        grey = npz(tmp_path, images=pixels, labels=labels)
        assert grey.input_shape == (1, 8, 8)
        np.testing.assert_allclose(grey.images[:, 0], pixels / 255, rtol=1e-6)
        colours = np.stack([pixels, pixels // 2, pixels // 3], axis=1)
        first = npz(tmp_path, "first.npz", images=colours, labels=labels)
        last = npz(tmp_path, "last.npz", images=colours.transpose(0, 2, 3, 1), labels=labels)
        assert first.input_shape == (3, 8, 8)
        assert first.digest == last.digest != grey.digest
        floats = npz(tmp_path, "f.npz", images=pixels.astype(np.float64) * 7, labels=labels)
        np.testing.assert_allclose(floats.images[:, 0], pixels * 7.0)
        yes = npz(tmp_path, "yes.npz", images=pixels > 99, labels=labels)
        assert set(yes.images.ravel()) == {0, 1}

    def test_parquet_holds_pictures_in_four_ways(self, tmp_path: Path) -> None:
        pixels, labels = digits()
        expected = npz(tmp_path, images=pixels, labels=labels).digest
        columns: dict[str, list[Any]] = {
            "nested": [picture.tolist() for picture in pixels],
            "bytes": [encoded(picture) for picture in pixels],
            "struct": [{"bytes": encoded(picture), "path": "x.png"} for picture in pixels],
        }
        for images in columns.values():
            assert parquet(tmp_path, image=images, label=labels).digest == expected
            ImageSource("digits").load()  # the next file must be read
        colour = np.repeat(pixels[..., None], 3, axis=3)
        jpeg = parquet(tmp_path, image=[encoded(c, "JPEG") for c in colour], label=labels)
        assert jpeg.input_shape == (3, 8, 8)
        assert abs(jpeg.images[:, 0] * 255 - pixels).mean() < 8

    def test_labels_may_be_words(self, tmp_path: Path) -> None:
        pixels, labels = digits()
        words = np.array([f"digit {label}" for label in labels])
        for data in (
            npz(tmp_path, "str.npz", images=pixels, labels=words),
            npz(tmp_path, "bytes.npz", images=pixels, labels=words.astype("S")),
            parquet(tmp_path, image=[p.tolist() for p in pixels], label=words),
        ):
            assert data.label_names == tuple(f"digit {n}" for n in range(10))
            assert data.labels.tolist() == labels.tolist()

    def test_labels_may_have_gaps_or_names(self, tmp_path: Path) -> None:
        pixels, labels = digits()
        gaps = npz(tmp_path, images=pixels, labels=labels * 10)
        assert gaps.label_names[:3] == ("0", "10", "20")
        assert gaps.labels.tolist() == labels.tolist()
        names = [f"n{n}" for n in range(12)]  # two of them never seen
        named = npz(tmp_path, "named.npz", images=pixels, labels=labels, label_names=names)
        assert named.label_names == tuple(names)
        assert named.labels.tolist() == labels.tolist()

    @pytest.mark.parametrize("given", [SPLIT, ["train", "test"], ["train", "valid"]])
    def test_given_split_is_kept_and_completed(self, tmp_path: Path, given: list[str]) -> None:
        pixels, labels = digits(90)
        split = np.array([given[n // 10 % len(given)] for n in range(90)])
        data = npz(tmp_path, images=pixels, labels=labels, split=split)
        for part in set(given) - {"train"}:
            assert data.parts[part].tolist() == np.flatnonzero(split == part).tolist()
        assert set(data.parts["train"]) <= set(np.flatnonzero(split == "train"))
        assert sorted(np.concatenate(list(data.parts.values()))) == list(range(90))
        table = parquet(tmp_path, image=[p.tolist() for p in pixels], label=labels, split=split)
        assert table.digest == data.digest

    @pytest.mark.parametrize(
        ("file", "name"),
        [("My Photos (2).npz", "my-photos-2"), ("ok_1.npz", "ok_1"), ("###.npz", "images")],
    )
    def test_name_comes_from_the_file(self, file: str, name: str) -> None:
        assert ImageSource(f"/somewhere/{file}").name == name


class TestWrong:
    @pytest.mark.parametrize(("valid", "test"), [(0, 0.5), (0.5, 0.5), (0.2, -0.1), (0.2, 1.0)])
    def test_shares(self, valid: float, test: float) -> None:
        with pytest.raises(
            ConfigurationError, match=rf"valid_share .*test_share .*{valid} and {test}\."
        ):
            ImageSource(valid_share=valid, test_share=test)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("nowhere.npz", r"nowhere\.npz .*from /"),
            ("mnist", r"mnist .*'digits', .*\.npz"),
            ("pictures.zip", r"pictures\.zip .*'digits', .*\.npz"),
        ],
    )
    def test_path(self, path: str, message: str) -> None:
        with pytest.raises(SourceError, match=message):
            ImageSource(path).load()

    @pytest.mark.parametrize("suffix", ["npz", "parquet"])
    @pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off", b"PAR1 cut off"])
    def test_file_of_another_kind(self, tmp_path: Path, suffix: str, content: bytes) -> None:
        file = tmp_path / f"mine.{suffix}"
        file.write_bytes(content)
        with pytest.raises(BrpNasError, match=rf"{file} .*(ZIP|Parquet|read)"):
            ImageSource(str(file)).load()

    def test_pickled_arrays_are_not_read(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match=r"images\.npy.* Python objects"):
            npz(tmp_path, images=np.array([[1], [2, 3]], object), labels=[0, 1])

    def test_one_array_without_names(self, tmp_path: Path) -> None:
        with (tmp_path / "one.npz").open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(SchemaError, match=r"one\.npz .*numpy\.savez"):
            ImageSource(str(tmp_path / "one.npz")).load()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"labels": None}, "no labels, only images:"),
            ({"images": np.zeros((60, 64))}, r"shape \(60, 64\), not \[N, H, W\]"),
            ({"images": np.zeros((60, 8, 8, 2))}, "with 1, 3 or 4 channels"),
            ({"images": np.zeros((0, 8, 8))}, "0 images but 60 labels"),
            ({"images": np.zeros((60, 0, 8))}, r"shape \(60, 0, 8\)"),
            ({"images": np.full((60, 8, 8), "x")}, "of type <U1, not numbers"),
            ({"images": np.full((60, 8, 8), np.nan)}, "row 0 of .* not finite"),
            ({"images": np.full((60, 8, 8), 7)}, "All 60 images.* constant"),
            ({"images": np.arange(60)[:, None, None] * np.ones((8, 8))}, "All 60 images"),
            ({"images": digits()[0].astype(int) - 1}, "from -1 to 239 of type int64"),
            ({"images": digits()[0].astype(int) * 99}, "in 0..65535 with type uint16"),
            ({"labels": np.zeros(60)}, r"labels of .*float64.* labels\.astype\(int\)"),
            ({"labels": np.zeros((60, 1), int)}, r"shape \(60, 1\).* labels\.ravel"),
            ({"labels": np.eye(10)[digits()[1]]}, r"shape \(60, 10\).* labels\.argmax\(1\)"),
            ({"labels": np.eye(10)[digits()[1]].T}, r"shape \(10, 60\).* labels\.argmax\(0\)"),
            ({"labels": np.full(60, 3)}, "are all 3"),
            ({"labels": np.zeros(0, int)}, "60 images but 0 labels"),
            ({"labels": np.arange(59) % 3}, "has 60 images but 59 labels"),
            ({"label_names": ["a", "b"]}, "names 2 labels, so .* integers from 0 to 1"),
            (
                {"labels": np.array(["a", "b"] * 30), "label_names": ["a", "b"]},
                "2 labels, .* 0 to 1, .* 'a'",
            ),
            ({"labels": np.array([b"\xff", b"a"] * 30, object)}, r"labels\.npy.* Python objects"),
            ({"labels": np.array([b"\xff", b"a"] * 30)}, "row 0 of .* not UTF-8 text"),
            ({"split": ["train"] * 59}, r"split of .* 60 images; .*\(59,\)"),
            ({"split": ["train"] * 59 + ["later"]}, "split of .* 60 images, .*'later' .* row 59"),
            ({"split": ["test"] * 60}, "60 images, .* train part"),
            ({"split": np.where(digits()[1] == 4, "test", "train")}, "class '4' .* training"),
        ],
    )
    def test_content(self, tmp_path: Path, change: dict[str, Any], message: str) -> None:
        pixels, labels = digits()
        arrays = {"images": pixels, "labels": labels, **change}
        with pytest.raises(SchemaError, match=message):
            npz(tmp_path, **{name: value for name, value in arrays.items() if value is not None})

    def test_too_few(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match=r"class '0' of .* 1 images, and 2 other classes"):
            npz(tmp_path, images=digits(3)[0], labels=[0, 1, 2])

    def test_ragged_lists_and_missing_labels(self, tmp_path: Path) -> None:
        square = np.zeros((8, 8)).tolist()
        with pytest.raises(SchemaError, match=r"row 1 of .*lists"):
            parquet(tmp_path, image=[square, [[1.0], [1.0, 2.0]]], label=[0, 1])
        with pytest.raises(SchemaError, match=r"row 2 of .* no label"):
            parquet(tmp_path, image=[square] * 3, label=["a", "b", None])
        with pytest.raises(SchemaError, match=r"row 0 of .*numpy\.argmax"):
            parquet(tmp_path, image=[square] * 3, label=[[0, 1], [1, 0], [0, 1]])

    def test_columns(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match=r"images .*labels, only split\. .*images\.label"):
            parquet(tmp_path, split=SPLIT)

    def test_names_of_npz_are_listed(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match=r"images .*labels, only x, y:"):
            npz(tmp_path, x=[1], y=[2])
