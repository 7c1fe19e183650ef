from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.candidates.images.shards import find_shards
from brpnas.errors import SchemaError
from tests.candidates.images.pictures import classes
from tests.candidates.images.pictures import write as write_pictures
from tests.candidates.images.test_parquet import LABELS, PIXELS, cells, load, write

HASH = "0a1b2c3d4e5f6789"


@pytest.mark.parametrize(
    "names",
    [
        (f"train-00000-of-00001-{HASH}", f"test-00000-of-00001-{HASH}"),
        (f"data/train-00000-of-00001-{HASH}", f"data/test-00000-of-00001-{HASH}"),
        ("train/0000", "test/0000"),
        ("default/train/0000", "default/test/0000"),
        ("plain_text/train-00000-of-00001", "plain_text/test-00000-of-00001"),
        ("Train/anything", "Testing/test-0"),
        ("train_0", "test_0"),
        ("train", "test/0000"),
    ],
)
def test_layouts_of_hugging_face(tmp_path: Path, names: tuple[str, str]) -> None:
    root = tmp_path / "mine"
    for name, rows in zip(names, (slice(0, 20), slice(20, 30)), strict=True):
        path = root / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, image=cells(PIXELS[rows]), label=LABELS[rows])
    (root / ".cache" / "huggingface").mkdir(parents=True)
    (root / "README.md").write_text("of the data set")
    data = load(root)
    assert data.name == "mine"
    test = data.pixels[data.parts["test"]]
    assert (test == PIXELS[20:].transpose(0, 3, 1, 2)).all()
    assert len(data.parts["train"]) + len(data.parts["valid"]) == 20


def empty(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("train/0.parquet", "extra/0.parquet"), r"extra/0\.parquet .* 2 .*train-00000-of-00002"),
        (("a/train/0.parquet", "a/b/0.parquet"), r"a/b/0\.parquet .* 2 .*train-00000-of-00002"),
        (("a/train-0.parquet", "a/more.parquet"), r"a/more\.parquet .* 2 .*train-00000-of-00002"),
        (("train.parquet", "more.parquet"), r"more\.parquet .* 2 .*train-00000-of-00002"),
        (("train/test-0.parquet",), r"test-0\.parquet .*\btest,.*\btrain\b"),
        (
            ("en/train/0.parquet", "de/train/0.parquet"),
            r"folders de, en\. .* images\.path: .*de",
        ),
    ],
)
def test_unclear_parts_are_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        find_shards(empty(tmp_path, *names), None)


def test_one_file_may_have_any_name(tmp_path: Path) -> None:
    for name in ("x/mine.parquet", "y/data/mine.parquet"):
        found = find_shards(empty(tmp_path / name[0], *[name[2:]]), None)
        assert found is not None
        assert [str(file.relative_to(tmp_path)) for file in found.files] == [name]


def test_parquet_beside_pictures_is_not_the_data_set(tmp_path: Path) -> None:
    for name in ("a/metadata.parquet", "train/metadata.parquet"):
        root = tmp_path / f"beside-{name[0]}"
        top = "train/" if name.startswith("train") else ""
        write_pictures(root, {f"{top}{key}": value for key, value in classes("ab", 6).items()})
        assert find_shards(empty(root, name), None) is None
        assert len(load(root).labels) == 12
