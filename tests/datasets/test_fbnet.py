"""The tables of FBNet: architectures in their order, whole milliseconds, failed rows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from brpnas.datasets import (
    fbnet_devices,
    fetch_group,
    near_twins,
    read_fbnet_architectures,
    read_fbnet_latency,
)
from brpnas.devices import load_devices
from brpnas.errors import SchemaError, SourceError
from brpnas.spaces import FbNet
from brpnas.spaces.fbnet import to_strings
from tests.datasets.test_help import write

CODES = np.random.default_rng(0).integers(9, size=(5000, 22)).tolist()
VALUES = [10 + i % 50 for i in range(5000)]

Files = Callable[..., dict[str, Path]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Writes the two files of a device."""

    def made(codes: object = CODES, values: object = VALUES) -> dict[str, Path]:
        found = {}
        for name, content in (("fbnet-architectures", codes), ("fbnet-phone", values)):
            (tmp_path / name).mkdir()
            found[name] = write(tmp_path / name, content)
        return found

    return made


def test_rows_are_the_listed_architectures(files: Files) -> None:
    given = files()
    names = read_fbnet_architectures(given)
    assert names == to_strings(np.array(CODES))
    table = read_fbnet_latency(given, "fbnet-phone")
    assert dict(zip(table["arch_id"], table["latency_ms"], strict=True)) == dict(
        zip(names, map(float, VALUES), strict=True)
    )
    assert table["arch_id"].tolist() == sorted(names)
    assert set(table["device"]) == {"fbnet-phone"}


def test_failed_measurements_are_left_out_and_told(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    failed = {3: float("nan"), 70: 0, 4999: float("inf")}
    table = read_fbnet_latency(
        files(values=[failed.get(i, value) for i, value in enumerate(VALUES)]), "fbnet-phone"
    )
    left_out = set(to_strings(np.array(CODES))) - set(table["arch_id"])
    assert left_out == set(to_strings(np.array([CODES[i] for i in failed])))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("fbnet-phone: 3 of 5000 ")


def test_whole_tables_are_read_without_a_word(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert len(read_fbnet_latency(files(), "fbnet-phone")) == 5000
    assert caplog.text == ""


def test_a_negative_latency_refuses_the_file(files: Files) -> None:
    with pytest.raises(SchemaError, match=r"board\.pt .*not -1"):
        read_fbnet_latency(files(values=[-1, *VALUES[1:]]), "fbnet-phone")


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ([*CODES[:-1], CODES[0][:-1]], "entry 4999 is "),
        ([*CODES[:-1], [9] * 22], "entry 4999 is "),
        ([*CODES[:-1], [-1] * 22], "entry 4999 is "),
        ([*CODES[:-1], [True] * 22], "entry 4999 is "),
        (["skip", *CODES[1:]], "entry 0 is 'skip'"),
        ([list(CODES[1]), *CODES[1:]], "comes twice"),
        (CODES[:-1], "5,000"),
    ],
    ids=range(7),
)
def test_another_list_of_architectures(files: Files, codes: object, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        read_fbnet_latency(files(codes=codes), "fbnet-phone")


@pytest.fixture(scope="module")
def published(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return fetch_group("fbnet", mirror=mirror, cache=tmp_path_factory.mktemp("cache"))


@pytest.mark.data
class TestPublished:
    def test_seven_devices_of_five_thousand_architectures(self, published: dict[str, Path]) -> None:
        tables = {name: read_fbnet_latency(published, name) for name in fbnet_devices()}
        assert {name: len(table) for name, table in tables.items()} == dict.fromkeys(tables, 5000)
        medians = {name: round(t["latency_ms"].median(), 1) for name, t in tables.items()}
        assert medians == {
            "fbnet-1080ti_1": 11.9,
            "fbnet-2080ti_32": 8.6,
            "fbnet-essential_ph_1": 33.0,
            "fbnet-gold_6240": 29.8,
            "fbnet-samsung_s7": 54.0,
            "fbnet-silver_4114": 43.2,
            "fbnet-titan_rtx_1": 9.1,
        }
        whole = [name for name, t in tables.items() if (t["latency_ms"] % 1 == 0).all()]
        assert whole == ["fbnet-essential_ph_1", "fbnet-samsung_s7"]
        assert near_twins(tables) == []

    def test_latencies_are_sums_over_blocks_and_machines_drifted(
        self, published: dict[str, Path]
    ) -> None:
        """In another order the blocks would explain nothing; the catalogue tells the drift."""
        names = read_fbnet_architectures(published)
        ops = FbNet().encode(names, "pruned").ops
        counts = np.stack([(ops == code).sum(axis=1) for code in np.unique(ops)], axis=1)
        explained = {}
        for device in fbnet_devices():
            table = read_fbnet_latency(published, device).set_index("arch_id")
            logs = np.log(table["latency_ms"].loc[names].to_numpy())
            weights, *_ = np.linalg.lstsq(counts.astype(float), logs, rcond=None)
            rest = logs - counts @ weights
            explained[device] = 1 - rest.var() / logs.var()
            apart = 3 if device == "fbnet-1080ti_1" else 1
            drift = np.corrcoef(rest[:-apart], rest[apart:])[0, 1]
            assert f"correlate by {drift:.2f}" in load_devices()[device].notes
        assert explained["fbnet-titan_rtx_1"] > 0.99
        assert min(explained[n] for n in explained if "_ph_" not in n and "_s7" not in n) > 0.88
