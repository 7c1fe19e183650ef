from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brpnas.candidates import ImageData, ImageSource
from brpnas.errors import SchemaError, SourceError
from tests.candidates.images.pictures import EPS, encoded, noise, png

PIXELS = noise(30, 8, 8, 3)
LABELS = np.arange(30) % 2


def cells(pixels: np.ndarray = PIXELS) -> list[dict[str, Any]]:
    """Pictures as Hugging Face stores them."""
    return [{"bytes": encoded(picture), "path": None} for picture in pixels]


def write(path: Path, features: dict[str, Any] | None = None, **columns: Any) -> Path:
    table = pa.table({name: pa.array(list(values)) for name, values in columns.items()})
    if features is not None:
        notes = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": notes})
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path)
    return path


def load(path: Path, **more: Any) -> ImageData:
    return ImageSource(str(path), **more).load()


class TestHuggingFace:
    def test_cifar10(self, tmp_path: Path) -> None:
        features = {
            "img": {"_type": "Image"},
            "label": {"names": ["plane", "car"], "_type": "ClassLabel"},
        }
        data = load(write(tmp_path / "cifar10.parquet", features, img=cells(), label=LABELS))
        assert data.label_names == ("plane", "car")
        assert data.labels.tolist() == LABELS.tolist()
        np.testing.assert_array_equal(data.pixels, PIXELS.transpose(0, 3, 1, 2))

    def test_cifar100_has_labels_to_choose_from(self, tmp_path: Path) -> None:
        fine, coarse = np.arange(30) % 5, np.arange(30) % 3
        path = tmp_path / "cifar100.parquet"
        write(path, img=cells(), fine_label=fine, coarse_label=coarse)
        with pytest.raises(SchemaError, match=r"several .* fine_label, coarse_label .*images\.lab"):
            load(path)
        assert load(path, label="fine_label").labels.tolist() == fine.tolist()
        assert load(path, label="coarse_label").labels.tolist() == coarse.tolist()
        with pytest.raises(SchemaError, match=r"'fine', .*images\.label.* 'fine_label'\?"):
            load(path, label="fine")

    def test_columns_are_found_by_their_notes(self, tmp_path: Path) -> None:
        features = {
            "photo": {"_type": "Image"},
            "breed": {"names": ["pug", "corgi"], "_type": "ClassLabel"},
            "weight": {"dtype": "float32", "_type": "Value"},
        }
        columns = {"weight": np.ones(30), "breed": LABELS, "photo": cells()}
        data = load(write(tmp_path / "dogs.parquet", features, **columns))
        assert data.label_names == ("pug", "corgi")

    def test_shards_are_parts(self, tmp_path: Path) -> None:
        folder = tmp_path / "mine" / "data"
        folder.parent.mkdir()
        for name, rows in {
            "train-00000-of-00002": slice(0, 10),
            "train-00001-of-00002": slice(10, 20),
            "validation-00000-of-00001": slice(20, 26),
            "test-00000-of-00001": slice(26, 30),
        }.items():
            write(folder / f"{name}.parquet", image=cells(PIXELS[rows]), label=LABELS[rows])
        for path in (folder, folder.parent):
            data = load(path)
            sizes = {part: len(rows) for part, rows in data.parts.items()}
            assert sizes == {"train": 20, "valid": 6, "test": 4}
            pixels = data.pixels[data.parts["train"]]
            np.testing.assert_array_equal(pixels, PIXELS[:20].transpose(0, 3, 1, 2))
        assert load(folder.parent).name == "mine"

    def test_a_row_of_a_shard_is_named(self, tmp_path: Path) -> None:
        write(tmp_path / "x" / "train.parquet", image=cells(PIXELS[:10]), label=LABELS[:10])
        damaged = [*cells(PIXELS[10:13]), {"bytes": b"broken", "path": None}]
        write(tmp_path / "x" / "test.parquet", image=damaged, label=[0, 1, 0, 1])
        # Files are read in the order of their names: test, then train.
        with pytest.raises(SchemaError, match=r"row 3 of .*test\.parquet .*PNG, JPEG"):
            load(tmp_path / "x")

    def test_shards_of_other_names_or_columns(self, tmp_path: Path) -> None:
        write(tmp_path / "x" / "train.parquet", image=cells(), label=LABELS)
        write(tmp_path / "x" / "more.parquet", image=cells(), label=LABELS)
        with pytest.raises(SchemaError, match=r"more\.parquet .* 2 .* train-00000-of-00002"):
            load(tmp_path / "x")
        (tmp_path / "x" / "more.parquet").unlink()
        write(tmp_path / "x" / "test.parquet", img=cells(), label=LABELS)
        with pytest.raises(SchemaError, match=r"test\.parquet .* columns"):
            load(tmp_path / "x")

    @pytest.mark.parametrize(
        "notes",
        [
            b"",
            b"[]",
            b"{}",
            b'{"info": 3}',
            b'{"info": {"features": [1]}}',
            b"[" * 100_000,
            b"\xff",
        ],
    )
    def test_damaged_notes(self, tmp_path: Path, notes: bytes) -> None:
        table = pa.table({"image": pa.array(cells()), "label": pa.array(LABELS)})
        pq.write_table(
            table.replace_schema_metadata({"huggingface": notes}), tmp_path / "x.parquet"
        )
        with pytest.raises(SchemaError, match=r"Hugging Face.*x\.parquet.*huggingface"):
            load(tmp_path / "x.parquet")

    @pytest.mark.parametrize("names", ["ab", [1, 2], {"0": "a"}])
    def test_damaged_names(self, tmp_path: Path, names: object) -> None:
        features = {"label": {"_type": "ClassLabel", "names": names}}
        with pytest.raises(SchemaError, match=r"label .*x\.parquet .*strings"):
            load(write(tmp_path / "x.parquet", features, image=cells(), label=LABELS))

    def test_images_without_a_label(self, tmp_path: Path) -> None:
        features = {"label": {"_type": "ClassLabel", "names": ["a", "b"]}}
        labels = np.where(np.arange(30) < 25, LABELS, -1)
        with pytest.raises(SchemaError, match=r"0 to 1; 5 .* -1 .* row 25 of .*x\.parquet"):
            load(write(tmp_path / "x.parquet", features, image=cells(), label=labels))


class TestWrong:
    def test_only_paths(self, tmp_path: Path) -> None:
        paths = [{"bytes": None, "path": f"/mnt/a/{n}.png"} for n in range(30)]
        message = r"row 0 of .*x\.parquet .*'/mnt/a/0\.png'.* column image"
        with pytest.raises(SchemaError, match=message):
            load(write(tmp_path / "x.parquet", image=paths, label=LABELS))
        with pytest.raises(SchemaError, match=r"row 0 of .*y\.parquet .*path .* column image"):
            load(write(tmp_path / "y.parquet", image=["a.png"] * 30, label=LABELS))

    @pytest.mark.parametrize(
        ("cell", "message"),
        [
            (b"no picture", "row 4 of .*PNG, JPEG"),
            (EPS, "row 4 of .*PNG, JPEG"),
            (b"", "row 4 of .*PNG, JPEG"),
            (None, "row 4 of .* is missing"),
            (encoded(noise(9, 9, 3)), r"8 x 8 \(29 pictures\), 9 x 9 \(1"),
            (png(30_000, 30_000, 8, 0, b""), "row 4 of .* 50,000,000 pixels"),
        ],
    )
    def test_picture(self, tmp_path: Path, cell: bytes | None, message: str) -> None:
        pictures = [cell if n == 4 else encoded(p) for n, p in enumerate(PIXELS)]
        with pytest.raises(SchemaError, match=message):
            load(write(tmp_path / "x.parquet", image=pictures, label=LABELS))

    def test_nested_lists(self, tmp_path: Path) -> None:
        square = np.arange(64.0).reshape(8, 8).tolist()
        for bad in ([[1.0]], [[1.0], [1.0, 2.0]], None, [[None] * 8] * 8):
            images = [square if n != 70 else bad for n in range(80)]
            with pytest.raises(SchemaError, match=r"row 70 of .*x\.parquet"):
                load(write(tmp_path / "x.parquet", image=images, label=np.arange(80) % 2))
        with pytest.raises(SchemaError, match=r"row 0 of .*y\.parquet .*lists"):
            load(write(tmp_path / "y.parquet", image=[3.5] * 30, label=LABELS))

    def test_more_rows_than_bytes(self, tmp_path: Path) -> None:
        picture = pa.array([encoded(PIXELS[0])]).take(pa.array(np.zeros(100_000, np.int64)))
        table = pa.table({"image": picture, "label": np.tile([0, 1], 50_000)})
        pq.write_table(table, tmp_path / "x.parquet", use_dictionary=True)
        with pytest.raises(SchemaError, match=r"claims 100,000 rows of [\d,]+ bytes"):
            load(tmp_path / "x.parquet")

    def test_no_rows(self, tmp_path: Path) -> None:
        pd.DataFrame({"image": pd.Series([], dtype=object), "label": []}).to_parquet(
            tmp_path / "x.parquet"
        )
        with pytest.raises(SchemaError, match=r"x\.parquet"):
            load(tmp_path / "x.parquet")


class TestBombs:
    """Files of repeated values: a megabyte that decodes to gigabytes."""

    def test_a_large_picture_in_each_row(self, tmp_path: Path) -> None:
        """32 MB in the 64 rows of a batch if each row got its own."""
        picture = encoded(noise(50, 50)) + bytes(500_000)
        rows = pa.array(np.zeros(100, np.int64))
        images = pa.array([{"bytes": picture, "path": None}]).take(rows)
        path = tmp_path / "x.parquet"
        pq.write_table(pa.table({"image": images, "label": np.arange(100) % 2}), path)
        default = pa.default_memory_pool()
        counting = pa.proxy_memory_pool(default)
        pa.set_memory_pool(counting)
        try:
            data = load(path, size=8)
            assert counting.max_memory() < 8 * len(picture)
        finally:
            pa.set_memory_pool(default)
        assert data.input_shape == (1, 8, 8)

    def test_long_labels(self, tmp_path: Path) -> None:
        """360 MB as an array of numpy."""
        words = [("a" if n % 2 else "b") * 3_000_000 for n in range(2)]
        labels = pa.array(words).take(pa.array(LABELS))
        pq.write_table(pa.table({"image": cells(), "label": labels}), tmp_path / "x.parquet")
        message = r"label .*x\.parquet .*3,000,000 characters.* 30 images"
        with pytest.raises(SchemaError, match=message):
            load(tmp_path / "x.parquet")

    @pytest.mark.parametrize("column", ["image", "label"])
    def test_types_without_a_bound(self, tmp_path: Path, column: str) -> None:
        table = pa.table({"image": pa.array(cells()), "label": pa.array(LABELS)})
        values = pa.array([bytes(1_000)] * 30, pa.binary(1_000))
        table = table.set_column(table.schema.get_field_index(column), column, values)
        pq.write_table(table, tmp_path / "x.parquet")
        message = rf"x\.parquet .*column {column} .*fixed_size_binary"
        with pytest.raises(SourceError, match=message):
            load(tmp_path / "x.parquet")

    def test_nested_labels_are_named_by_their_first_row(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match=r"row 0 of .*x\.parquet .*numpy\.argmax"):
            load(write(tmp_path / "x.parquet", image=cells(), label=[[0, 1]] * 30))


def test_categories_and_bytes_are_labels(tmp_path: Path) -> None:
    words = pd.Categorical(np.where(LABELS, "cat", "dog"))
    pd.DataFrame({"image": cells(), "label": words}).to_parquet(tmp_path / "x.parquet")
    data = load(tmp_path / "x.parquet")
    as_bytes = write(tmp_path / "y.parquet", image=cells(), label=[w.encode() for w in words])
    assert data.label_names == load(as_bytes).label_names == ("cat", "dog")
