"""LatBench becomes latency tables in ms; twins are found."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from brpnas.datasets import fetch_group, latbench_devices, near_twins, read_latency
from brpnas.errors import SchemaError, SourceError
from brpnas.spaces.nasbench201 import NasBench201, to_string

DESKTOP = ("desktop-cpu-core-i7-7820x-fp32", "desktop-gpu-gtx-1080ti-fp32")


def _dump(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "device.pickle"
    path.write_bytes(pickle.dumps(value))
    return path


def _table(values: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame({"arch_id": list(values), "latency_ms": list(values.values())})


class TestReadLatency:
    def test_milliseconds_by_arch_id(self, tmp_path: Path) -> None:
        cells = {(3, 3, 4, 1, 3, 1): 0.005, (0, 0, 0, 2, 0, 0): np.float64(0.00125)}
        table = read_latency(_dump(tmp_path, cells), "board")
        assert list(table.columns) == ["arch_id", "device", "latency_ms", "std_ms", "repeats"]
        assert dict(zip(table["arch_id"], table["latency_ms"], strict=True)) == {
            to_string((3, 3, 4, 1, 3, 1)): 5.0,
            to_string((0, 0, 0, 2, 0, 0)): 1.25,
        }
        assert list(table["arch_id"]) == sorted(table["arch_id"])
        assert set(table["device"]) == {"board"}
        assert table[["std_ms", "repeats"]].isna().all(axis=None)

    def test_order_of_the_file_does_not_matter(self, tmp_path: Path) -> None:
        cells = {(a, b, 0, 1, 2, 3): 0.001 + a + b for a in range(5) for b in range(5)}
        one = read_latency(_dump(tmp_path, cells), "board")
        other = read_latency(_dump(tmp_path, dict(reversed(cells.items()))), "board")
        pd.testing.assert_frame_equal(one, other)

    def test_impossible_latency_names_the_file(self, tmp_path: Path) -> None:
        path = _dump(tmp_path, {(0, 0, 0, 2, 0, 0): 3e-6, (1, 1, 1, 1, 1, 1): 0.001})
        with pytest.raises(SchemaError, match=r"latency_ms .* 0\.01 to 100000") as caught:
            read_latency(path, "board")
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize(
        "content",
        [
            {},
            [1, 2],
            {(0, 0, 0, 2, 0, 7): 0.001},
            {(0, 0, 0): 0.001},
            {"|none~0|": 0.001},
            {(0, 0, 0, 2, 0, 0): "fast"},
            {(0, 0, 0, 2, 0, 0): [0.1, 0.2]},
            {(0, 0, 0, 2, 0, 0): {}},
        ],
    )
    def test_other_content(self, tmp_path: Path, content: object) -> None:
        path = _dump(tmp_path, content)
        with pytest.raises(SourceError) as caught:
            read_latency(path, "board")
        assert str(path) in str(caught.value)


class TestNearTwins:
    def test_finds_the_pair_once(self) -> None:
        rng = np.random.default_rng(0)
        names = [f"c{i}" for i in range(200)]
        base = rng.uniform(1, 9, 200)
        tables = {
            name: _table(dict(zip(names, values, strict=True)))
            for name, values in {
                "a": base,
                "b": rng.uniform(1, 9, 200),
                "c": base**2 + rng.normal(0, 1e-3, 200),
            }.items()
        }
        [(one, other, spearman)] = near_twins(tables)
        assert (one, other) == ("a", "c")
        expected = spearmanr(tables["a"]["latency_ms"], tables["c"]["latency_ms"]).statistic
        assert spearman == pytest.approx(expected)
        assert near_twins(tables, threshold=1.1) == []
        assert len(near_twins(tables, threshold=-1)) == 3

    def test_compares_common_cells_only(self) -> None:
        a = {f"c{i}": float(i) for i in range(10)} | {"x": -5.0}
        b = {f"c{i}": float(i * 10) for i in range(10)} | {"y": -9.0}
        tables = {"a": _table(a), "b": _table(b)}
        assert near_twins(tables, least=10) == [("a", "b", pytest.approx(1.0))]
        assert near_twins(tables, least=11) == near_twins(tables) == [], "too few to say"


def test_thirteen_devices() -> None:
    assert len(latbench_devices()) == 13
    assert set(DESKTOP) < set(latbench_devices())


@pytest.fixture(scope="module")
def published(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    files = fetch_group("latbench", mirror=mirror, cache=tmp_path_factory.mktemp("cache"))
    return {name: read_latency(path, name) for name, path in files.items()}


@pytest.mark.data
class TestPublished:
    def test_sizes(self, published: dict[str, pd.DataFrame]) -> None:
        sizes = {name: len(table) for name, table in published.items()}
        phones = {"-450-": 15_252, "-675-": 15_261}
        for name, size in sizes.items():
            assert size == next((n for chip, n in phones.items() if chip in name), 15_284), name

    def test_cells_have_a_path(self, published: dict[str, pd.DataFrame]) -> None:
        space = NasBench201()
        known = set(space.enumerate())
        measured = set.union(*(set(table["arch_id"]) for table in published.values()))
        assert measured < known
        assert len(known - measured) == 341
        unconnected = space.isomorphism_ids(sorted(known - measured))
        assert not any("0" in text for text in unconnected)  # 0 is the input

    def test_units(self, published: dict[str, pd.DataFrame]) -> None:
        low = min(table["latency_ms"].min() for table in published.values())
        high = max(table["latency_ms"].max() for table in published.values())
        assert low == pytest.approx(0.5206, abs=1e-4)
        assert high == pytest.approx(245.831)

    def test_the_desktop_files_are_twins(self, published: dict[str, pd.DataFrame]) -> None:
        [(one, other, spearman)] = near_twins(published)
        assert {one, other} == set(DESKTOP)
        assert spearman == pytest.approx(0.997, abs=5e-4)
        ratio = published[one]["latency_ms"] / published[other]["latency_ms"]
        assert ratio.median() == pytest.approx(1, abs=0.005)

    def test_next_most_alike_are_of_one_chip(self, published: dict[str, pd.DataFrame]) -> None:
        second, third = near_twins(published, threshold=0.97)[1:]
        assert all("snapdragon-450" in name for name in second[:2])
        assert all("snapdragon-675" in name for name in third[:2])
        assert second[2] < 0.99
