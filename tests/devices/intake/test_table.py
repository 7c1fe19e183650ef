"""From a file to a table, or to one report; the kinds of damage are in `tests.benchmarks`."""

from __future__ import annotations

import contextlib
import pickle
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import LATENCY, read_embedded_latency, read_latency, validate
from brpnas.devices import Finding, intake_report, read_device_table
from brpnas.errors import IntakeError, SchemaError
from brpnas.spaces import NasBench201, NetworkConfig
from brpnas.spaces.nasbench201 import published_cells
from tests.seeds import first_of

SPACE = NasBench201()
REAL = read_embedded_latency("amd-epyc-torch-fp32-1t").head(30)


def write(folder: Path, table: pd.DataFrame = REAL, name: str = "board.csv") -> Path:
    path = folder / name
    table = table.drop(columns="device", errors="ignore")
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return path


def refused(path: Path, **options: Any) -> IntakeError:
    before = path.read_bytes()
    with pytest.raises(IntakeError) as caught:
        read_device_table(path, SPACE, **options)
    assert path.read_bytes() == before
    return caught.value


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_accepted_table_is_valid_and_in_order(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, REAL.sample(frac=1, random_state=0), f"board{suffix}")
    found = read_device_table(path, SPACE)
    expected = REAL.assign(device="board").sort_values("arch_id", ignore_index=True)
    pd.testing.assert_frame_equal(
        found.table, expected[[name for name in LATENCY.columns if name in expected]]
    )
    validate(found.table, LATENCY, origin="it")
    assert (found.device, found.findings, found.path) == ("board", (), path)


def test_two_columns_are_enough(tmp_path: Path) -> None:
    found = read_device_table(write(tmp_path, REAL[["latency_ms", "arch_id"]]), SPACE)
    assert found.table["std_ms"].isna().all()
    assert found.table["repeats"].isna().all()
    assert found.table.dtypes["repeats"] == "Int64"


def test_the_device_may_be_named_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    REAL.assign(device="board").to_csv(path, index=False)
    assert len(read_device_table(path, SPACE).table) == 30
    REAL.to_csv(path, index=False)
    report = str(refused(path))
    assert f"{path.stem!r}" in report
    assert "'board'" in report


def test_the_size_of_the_networks_is_one(tmp_path: Path) -> None:
    small, large = NetworkConfig(4).size, NetworkConfig(8).size
    table = REAL[["arch_id", "latency_ms"]].assign(network_size=small)
    found = read_device_table(write(tmp_path, table), SPACE)
    assert set(found.table["network_size"]) == {small}
    assert intake_report(found).endswith(f"Networks: {small}.")
    table.loc[3, "network_size"] = large
    assert "networks of 2 sizes" in str(refused(write(tmp_path, table)))
    table.loc[3, "network_size"] = "16 channels"
    assert "line 5: the column 'network_size' says '16 channels'" in str(
        refused(write(tmp_path, table))
    )


def test_the_precision_of_the_networks_is_one(tmp_path: Path) -> None:
    table = REAL[["arch_id", "latency_ms"]].assign(precision="INT8")
    found = read_device_table(write(tmp_path, table), SPACE)
    assert set(found.table["precision"]) == {"int8"}
    assert intake_report(found).endswith("Precision: int8.")
    same = read_device_table(write(tmp_path, table.assign(precision="float32")), SPACE)
    assert set(same.table["precision"]) == {"fp32"}
    table.loc[3, "precision"] = "fp16"
    assert "networks of 2 precisions" in str(refused(write(tmp_path, table)))
    table.loc[3, "precision"] = "8 bits"
    assert "line 5: the column 'precision' says '8 bits'" in str(refused(write(tmp_path, table)))
    table.loc[3, "precision"] = None
    assert re.search(r"line 5: .*'precision' .*''", str(refused(write(tmp_path, table))))


def test_notations_may_be_mixed(tmp_path: Path) -> None:
    table = REAL[["arch_id", "latency_ms"]].copy()
    table.loc[0, "arch_id"] = str(published_cells().index(table.loc[0, "arch_id"]))
    found = read_device_table(write(tmp_path, table), SPACE)
    assert set(found.table["arch_id"]) == set(REAL["arch_id"])


def test_every_problem_is_in_one_report(tmp_path: Path) -> None:
    table = REAL[["arch_id", "latency_ms"]].astype(object).assign(note="x")
    table.loc[0, "latency_ms"] = -1
    table.loc[1, "latency_ms"] = "5 ms"
    table.loc[2, "arch_id"] = "nonsense"
    table.loc[3, "arch_id"] = table.loc[4, "arch_id"]
    table.loc[5, "latency_ms"] = 5e3
    path = write(tmp_path, table, "my board.csv")
    error = refused(path)
    assert isinstance(error, SchemaError)
    assert [(f.severity, f.kind, f.rows) for f in error.findings] == [
        ("error", "file name", ()),
        ("warning", "unknown column", ()),
        ("error", "unknown cell", (4,)),
        ("error", "duplicate cell", (5, 6)),
        ("error", "negative latency", (2,)),
        ("error", "unit within latency", (3,)),
        ("error", "mixed units", (7,)),
    ]
    report = str(error).splitlines()
    assert re.fullmatch(rf"{path} is refused\b.*: 6 problems\.", report[0])
    assert sum(line.strip().startswith("Remedy: ") for line in report) == 7
    assert "Also noticed:" in report


def test_the_error_survives_the_way_back_from_a_worker(tmp_path: Path) -> None:
    error = refused(write(tmp_path, REAL.head(3)))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.findings) == (str(error), error.findings)
    assert all(isinstance(finding, Finding) for finding in again.findings)


@pytest.mark.parametrize(("rows", "least", "is_accepted"), [(10, 10, True), (9, 10, False)])
def test_least_is_the_least(tmp_path: Path, rows: int, least: int, is_accepted: bool) -> None:
    path = write(tmp_path, REAL.head(rows))
    if is_accepted:
        assert len(read_device_table(path, SPACE, least=least).table) == rows
    else:
        assert re.search(
            rf"\b{rows} of {rows} rows\b.*\b{least}\b", str(refused(path, least=least))
        )
        assert len(read_device_table(path, SPACE, least=rows).table) == rows


def test_rows_that_are_wrong_do_not_count(tmp_path: Path) -> None:
    table = REAL.head(7).copy()
    table.loc[:2, "latency_ms"] = -1
    assert re.search(r"\b4 of 7 rows\b.*\b5\b", str(refused(write(tmp_path, table))))


@pytest.mark.parametrize("row", ["x,1\n", "334131,-1\n", "334131\n"])
def test_too_few_is_no_error_beside_its_cause(tmp_path: Path, row: str) -> None:
    path = write(tmp_path, REAL[["arch_id", "latency_ms"]].head(4))
    path.write_text(path.read_text("utf-8") + row, "utf-8")
    (problem,) = [f for f in refused(path).findings if f.severity == "error"]
    assert problem.rows == (6,)
    assert "1 problem.\n" in str(refused(path))
    assert " 4 of 5 rows " in str(refused(path))
    assert [f.kind for f in refused(path, least=6).findings if f.severity == "error"] == [
        problem.kind,
        "too few rows",
    ]


def test_the_check_of_the_unit_can_be_switched_off(tmp_path: Path) -> None:
    path = write(tmp_path, REAL[["arch_id"]].assign(latency_ms=REAL["latency_ms"] * 500))
    assert [finding.kind for finding in refused(path).findings] == ["unit"]
    assert len(read_device_table(path, SPACE, unit_check=False).table) == 30


class TestDrop:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        table = REAL[["arch_id", "latency_ms"]].copy()
        table.loc[[3, 7], "latency_ms"] = [1e-4, 300.0]
        return write(tmp_path, table)

    def test_nothing_is_dropped_unasked(self, path: Path) -> None:
        kinds = {finding.kind: finding.rows for finding in refused(path).findings}
        assert kinds == {"impossible latency": (5,), "outlier": (9,)}

    def test_dropped_rows_are_flagged(self, path: Path) -> None:
        found = read_device_table(path, SPACE, drop=True)
        assert set(found.table["arch_id"]) == set(REAL["arch_id"].drop([3, 7]))
        assert {(f.severity, f.kind, f.rows) for f in found.findings} == {
            ("warning", "impossible latency", (5,)),
            ("warning", "outlier", (9,)),
        }
        assert "left out" in intake_report(found)

    def test_enough_must_be_left(self, path: Path) -> None:
        assert "28 of 30 rows" in str(refused(path, drop=True, least=29))

    def test_other_errors_stay_errors(self, path: Path) -> None:
        path.write_text(path.read_text() + "nonsense,5\n")
        kinds = [f.kind for f in refused(path, drop=True).findings if f.severity == "error"]
        assert kinds == ["unknown cell"]


def test_report_on_what_is_accepted(tmp_path: Path) -> None:
    table = REAL[["arch_id"]].assign(latency_ms=[4.0 + i / 10 for i in range(30)])
    path = write(tmp_path, table)
    report = intake_report(read_device_table(path, SPACE))
    assert report.startswith(f"{path} is accepted")
    for value in ("board: 30 cells", "4 to 6.9 ms", "median 5.45 ms", "network_size"):
        assert value in report
    table.loc[4, "latency_ms"] = 50.0
    lines = intake_report(read_device_table(write(tmp_path, table), SPACE)).splitlines()
    assert lines[1] == "Flagged:"
    assert lines[2].startswith("  - unusual latency, line 6: 50 ms, more than 8 times slower")


@pytest.mark.parametrize("seed", first_of(range(5)))
def test_whatever_the_bytes_it_is_a_table_or_a_report(tmp_path: Path, seed: int) -> None:
    path = write(tmp_path, REAL[["arch_id", "latency_ms"]].head(12))
    content, rng = path.read_bytes(), np.random.default_rng(seed)
    odd = list(b',;"\n\r |+~-09.e\x00\xe4')
    for _ in range(40):
        data = bytearray(content)
        for _ in range(int(rng.integers(1, 4))):
            start, stop = sorted(rng.integers(len(data), size=2).tolist())
            data[start : min(stop, start + 30)] = bytes(rng.choice(odd, 2).tolist())
        path.write_bytes(data)
        with contextlib.suppress(IntakeError):
            validate(read_device_table(path, SPACE).table, LATENCY, origin="it")


def test_the_whole_space_takes_seconds(tmp_path: Path) -> None:
    values = 5 + np.arange(15_625) / 1e3
    path = write(tmp_path, pd.DataFrame({"arch_id": range(15_625), "latency_ms": values}))
    start = time.process_time()
    assert len(read_device_table(path, SPACE).table) == 15_625
    assert time.process_time() - start < 5


@pytest.mark.data
class TestPublished:
    def write(self, mirror: Path, folder: Path, name: str) -> Path:
        """Write a table of HELP, in the order of the published index."""
        torch = pytest.importorskip("torch")
        values = torch.load(mirror / "help" / f"{name}.pt", weights_only=False)
        table = pd.DataFrame({"arch_id": range(15_625), "latency_ms": np.ravel(values)})
        return write(folder, table, f"{name}.csv")

    @pytest.mark.parametrize("name", ["1080ti_1", "gold_6240"])
    def test_good_tables_of_help(self, mirror: Path, tmp_path: Path, name: str) -> None:
        found = read_device_table(self.write(mirror, tmp_path, name), SPACE)
        assert (len(found.table), found.findings) == (15_625, ())

    def test_impossible_values_of_help(self, mirror: Path, tmp_path: Path) -> None:
        path = self.write(mirror, tmp_path, "pixel3")
        errors = [f for f in refused(path).findings if f.severity == "error"]
        rows = {finding.kind: finding.rows for finding in errors}
        assert set(rows) == {"impossible latency", "outlier"}
        low = np.flatnonzero(pd.read_csv(path)["latency_ms"] < 0.01) + 2
        assert rows["impossible latency"] == tuple(low)
        assert len(low) == 128
        assert all("no path" in finding.message for finding in errors)
        found = read_device_table(path, SPACE, drop=True)
        assert len(found.table) == 15_625 - 128 - len(rows["outlier"])

    @pytest.mark.slow
    def test_latbench_is_accepted(self, mirror: Path, tmp_path: Path) -> None:
        flags = {}
        for file in sorted((mirror / "latbench").glob("*.pickle")):
            path = write(tmp_path, read_latency(file, file.stem), f"{file.stem}.csv")
            flags[file.stem] = read_device_table(path, SPACE).findings
        assert len(flags) == 13
        flagged = {(name, f.kind): len(f.rows) for name, found in flags.items() for f in found}
        assert flagged == {
            ("mobile-cpu-snapdragon-450-cortex-a53-int8", "unusual latency"): 1,
            ("mobile-cpu-snapdragon-450-cortex-a53-int8", "differing isomorphic cells"): 2,
            ("mobile-cpu-snapdragon-855-kryo-485-int8", "differing isomorphic cells"): 1,
        }
