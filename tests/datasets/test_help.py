"""HELP becomes latency tables in ms; impossible rows of cells without a path are left out."""

from __future__ import annotations

import logging
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import fetch_group, help_devices, read_help_latency
from brpnas.errors import SchemaError, SourceError, UnsafePickleError
from brpnas.spaces.nasbench201 import NasBench201, published_cells

CELLS = published_cells()
VALUES = [1.0 + i / 1000 for i in range(len(CELLS))]
FUNCTIONS = NasBench201().isomorphism_ids(list(CELLS))
WITHOUT_PATH = [i for i, function in enumerate(FUNCTIONS) if "0" not in function]
DEVICES = ["1080ti_1", "gold_6240", "pixel3"]


def write(folder: Path, value: Any, member: str = "archive/data.pkl") -> Path:
    """Write a list in the format of torch.save."""
    path = folder / "board.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, pickle.dumps(value, 4))
        archive.writestr("archive/version", b"3\n")
    return path


def changed(*pairs: tuple[int, float]) -> list[float]:
    values = VALUES.copy()
    for position, value in pairs:
        values[position] = value
    return values


def test_positions_are_the_published_index(tmp_path: Path) -> None:
    table = read_help_latency(write(tmp_path, VALUES), "board")
    assert list(table.columns) == ["arch_id", "device", "latency_ms", "std_ms", "repeats"]
    assert dict(zip(table["arch_id"], table["latency_ms"], strict=True)) == dict(
        zip(CELLS, VALUES, strict=True)
    )
    assert list(table["arch_id"]) == sorted(CELLS)
    assert set(table["device"]) == {"board"}
    assert table[["std_ms", "repeats"]].isna().all(axis=None)


def test_whole_milliseconds_are_read(tmp_path: Path) -> None:
    """Phones that are timed in whole milliseconds have integers, of which cells share many."""
    whole = [1 + i % 40 for i in range(len(CELLS))]
    table = read_help_latency(write(tmp_path, whole), "phone")
    assert table["latency_ms"].dtype == "float64"
    assert dict(zip(table["arch_id"], table["latency_ms"], strict=True)) == dict(
        zip(CELLS, map(float, whole), strict=True)
    )


def test_what_torch_saves_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(VALUES, tmp_path / "saved.pt")
    saved = read_help_latency(tmp_path / "saved.pt", "board")
    pd.testing.assert_frame_equal(saved, read_help_latency(write(tmp_path, VALUES), "board"))


def test_impossible_rows_of_cells_without_a_path_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = WITHOUT_PATH[:3]
    path = write(tmp_path, changed((first, 0.003), (second, 0.0), (third, 0.01)))
    table = read_help_latency(path, "board")
    assert set(CELLS) - set(table["arch_id"]) == {CELLS[first], CELLS[second]}
    assert table.set_index("arch_id")["latency_ms"][CELLS[third]] == 0.01
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert re.match("board: 2 of 15625 ", record.getMessage())


def test_good_tables_are_read_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert len(read_help_latency(write(tmp_path, VALUES), "board")) == 15_625
    assert caplog.text == ""


@pytest.mark.parametrize("value", [0.003, -1.0, float("nan"), float("inf")])
def test_other_impossible_rows_refuse_the_file(tmp_path: Path, value: float) -> None:
    with_path = next(i for i in range(len(CELLS)) if i not in WITHOUT_PATH)
    path = write(tmp_path, changed((with_path, value)))
    with pytest.raises(SchemaError, match="latency_ms must be") as caught:
        read_help_latency(path, "board")
    assert str(path) in str(caught.value)
    if value < 0:
        with pytest.raises(SchemaError, match="not -1"):
            read_help_latency(write(tmp_path, changed((WITHOUT_PATH[0], value))), "board")


@pytest.mark.parametrize(
    "content",
    [
        VALUES[:-1],
        [*VALUES, 1.0],
        dict(enumerate(VALUES)),
        [*VALUES[:-1], "fast"],
        [*VALUES[:-1], [1.0]],
        [*VALUES[:-1], True],
        np.array(VALUES),
        None,
    ],
)
def test_other_content(tmp_path: Path, content: object) -> None:
    path = write(tmp_path, content)
    with pytest.raises(SourceError, match="15,625") as caught:
        read_help_latency(path, "board")
    assert str(path) in str(caught.value)


def test_an_archive_beyond_all_published_ones(tmp_path: Path) -> None:
    path = write(tmp_path, VALUES)
    content = path.read_bytes()
    path.write_bytes(bytes(4 * 2**20) + content)
    with pytest.raises(SourceError, match=r"more than 4,194,304 bytes"):
        read_help_latency(path, "x")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**23))
    with pytest.raises(SourceError, match=r"unpacks to 8,388,608 bytes"):
        read_help_latency(path, "x")


def test_archive_without_the_one_pickle(tmp_path: Path) -> None:
    path = write(tmp_path, VALUES, member="archive/other.pkl")
    with pytest.raises(SourceError, match=r"data\.pkl"):
        read_help_latency(path, "board")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/data.pkl", b"")
        archive.writestr("b/data.pkl", b"")
    with pytest.raises(SourceError, match=r"data\.pkl"):
        read_help_latency(path, "board")


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    path = write(tmp_path, VALUES)
    good = path.read_bytes()
    for damaged in (b"", b"hello", good[:1000], good[:-30], b"\x80\x02]."):
        path.write_bytes(damaged)
        with pytest.raises(SourceError, match=r"board\.pt .*(pickle|torch)"):
            read_help_latency(path, "board")
    with pytest.raises(SourceError, match="missing"):
        read_help_latency(tmp_path / "nothing.pt", "board")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(VALUES)[:-5])
    with pytest.raises(SourceError, match=r"board\.pt .*pickle"):
        read_help_latency(path, "board")


def test_hostile_archive_does_nothing(tmp_path: Path) -> None:
    class Call:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path / 'marker'}",)

    with pytest.raises(UnsafePickleError, match="asks for"):
        read_help_latency(write(tmp_path, [Call()]), "board")
    assert not (tmp_path / "marker").exists()


def test_a_saved_tensor_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.tensor(VALUES), tmp_path / "tensor.pt")
    with pytest.raises(UnsafePickleError, match="asks for"):
        read_help_latency(tmp_path / "tensor.pt", "board")


def test_three_devices() -> None:
    assert help_devices() == DEVICES


@pytest.fixture(scope="module")
def published(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    files = fetch_group("help", mirror=mirror, cache=tmp_path_factory.mktemp("cache"))
    return {name: read_help_latency(path, name) for name, path in files.items()}


@pytest.mark.data
class TestPublished:
    def test_sizes(self, published: dict[str, pd.DataFrame]) -> None:
        sizes = {name: len(table) for name, table in published.items()}
        assert sizes == {"1080ti_1": 15_625, "gold_6240": 15_625, "pixel3": 15_625 - 128}

    def test_units(self, published: dict[str, pd.DataFrame]) -> None:
        medians = {name: table["latency_ms"].median() for name, table in published.items()}
        assert medians == pytest.approx(
            {"1080ti_1": 9.525, "gold_6240": 10.040, "pixel3": 10.704}, abs=1e-3
        )

    def test_absurd_rows_that_are_kept_are_of_cells_without_a_path(
        self, published: dict[str, pd.DataFrame]
    ) -> None:
        table = published["pixel3"]
        fast = table[table["latency_ms"] < table["latency_ms"].median() / 30]
        assert len(fast) == 95
        assert set(fast["arch_id"]) < {CELLS[i] for i in WITHOUT_PATH}
        assert fast["latency_ms"].between(0.026, 0.36).all()

    def test_order_is_right_and_dead_operations_cost(
        self, published: dict[str, pd.DataFrame]
    ) -> None:
        """In another order of cells their operations would explain nothing."""
        space = NasBench201()
        ops = space.encode(sorted(CELLS), "raw").ops
        counts = np.stack([(ops == code).sum(axis=1) for code in np.unique(ops)], axis=1)
        explained = {}
        for name in ("1080ti_1", "gold_6240"):
            values = published[name]["latency_ms"].to_numpy()
            weights, *_ = np.linalg.lstsq(counts.astype(float), values, rcond=None)
            explained[name] = 1 - np.var(values - counts @ weights) / np.var(values)
        assert explained["1080ti_1"] > 0.98
        assert explained["gold_6240"] > 0.9
