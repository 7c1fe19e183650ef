"""Energy and peak memory beside latency: each has limits of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import read_embedded_latency
from brpnas.devices import intake_report, read_device_table
from brpnas.errors import IntakeError
from brpnas.spaces import NasBench201

SPACE = NasBench201()


def table(**columns: Any) -> pd.DataFrame:
    """Twenty measured cells at 4 W, with the peak memory of their processes."""
    rows = read_embedded_latency("amd-epyc-ncnn-fp32-1t").head(20)
    rows = rows[["arch_id", "latency_ms", "peak_memory_mib"]].reset_index(drop=True)
    return rows.assign(energy_mj=4 * rows["latency_ms"]).assign(**columns)


def read(folder: Path, rows: pd.DataFrame, **options: Any) -> pd.DataFrame:
    path = folder / "board.csv"
    rows.to_csv(path, index=False)
    return read_device_table(path, SPACE, **options).table


def refused(folder: Path, rows: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Kinds of the errors, and their lines."""
    with pytest.raises(IntakeError) as caught:
        read(folder, rows)
    found = caught.value.findings
    return {finding.kind: tuple(finding.rows) for finding in found if finding.severity == "error"}


def test_metrics_are_read_to_the_last_digit_and_reported(tmp_path: Path) -> None:
    rows = table()
    found = read(tmp_path, rows).set_index("arch_id").loc[rows["arch_id"]]
    for name in ("latency_ms", "energy_mj", "peak_memory_mib"):
        np.testing.assert_array_equal(found[name], rows[name])
    report = intake_report(read_device_table(tmp_path / "board.csv", SPACE))
    assert f"Energy: {rows['energy_mj'].min():.4g} to " in report
    assert f"median {rows['peak_memory_mib'].median():.4g} MiB" in report


def test_a_column_without_values_is_no_metric(tmp_path: Path) -> None:
    found = read(tmp_path, table(energy_mj=np.nan))
    assert "energy_mj" not in found
    assert found["peak_memory_mib"].notna().all()


@pytest.mark.parametrize("name", ["energy_mj", "peak_memory_mib"])
def test_a_gap_in_a_metric_is_refused_with_its_rows(tmp_path: Path, name: str) -> None:
    rows = table()
    rows.loc[[3, 7], name] = np.nan
    assert refused(tmp_path, rows) == {f"missing {name}": (5, 9)}


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("energy_mj", 0.0, "impossible energy_mj"),
        ("energy_mj", 1e7, "impossible energy_mj"),
        ("peak_memory_mib", 0.0, "impossible peak_memory_mib"),
        ("peak_memory_mib", 1e9, "impossible peak_memory_mib"),
    ],
)
def test_impossible_values_are_refused_with_their_row(
    tmp_path: Path, name: str, value: float, kind: str
) -> None:
    rows = table()
    rows.loc[4, name] = value
    assert refused(tmp_path, rows) == {kind: (6,)}


def test_text_is_no_number(tmp_path: Path) -> None:
    rows = table().astype({"energy_mj": object})
    rows.loc[2, "energy_mj"] = "much"
    assert list(refused(tmp_path, rows).values()) == [(4,)]


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_another_unit_of_energy_shows_in_the_power(tmp_path: Path, factor: float) -> None:
    rows = table()
    rows["latency_ms"] *= 10
    rows["energy_mj"] *= 10 * factor
    assert set(refused(tmp_path, rows)) == {"unit of energy_mj"}
    assert len(read(tmp_path, rows, unit_check=False)) == 20


def test_a_microcontroller_may_take_milliwatts(tmp_path: Path) -> None:
    slow = table()
    slow["latency_ms"] *= 400 / slow["latency_ms"].median()
    slow["energy_mj"] = 0.005 * slow["latency_ms"]
    assert len(read(tmp_path, slow)) == 20


def test_memory_in_kib_is_refused(tmp_path: Path) -> None:
    rows = table(peak_memory_mib=lambda t: t["peak_memory_mib"] * 1024)
    assert set(refused(tmp_path, rows)) == {"unit of peak_memory_mib"}


def test_a_constant_metric_teaches_nothing(tmp_path: Path) -> None:
    assert set(refused(tmp_path, table(peak_memory_mib=44.0))) == {"constant peak_memory_mib"}


def test_an_outlier_is_flagged(tmp_path: Path) -> None:
    rows = table()
    rows.loc[6, "energy_mj"] = 80 * rows["energy_mj"].median()
    path = tmp_path / "board.csv"
    rows.to_csv(path, index=False)
    (finding,) = read_device_table(path, SPACE).findings
    assert (finding.kind, finding.severity, tuple(finding.rows)) == (
        "outlying energy_mj",
        "warning",
        (8,),
    )


@pytest.mark.parametrize(
    ("column", "meant", "remedy"),
    [
        ("energy_j", "energy_mj", "1,000"),
        ("energy", "energy_mj", ""),
        ("peak_memory_kb", "peak_memory_mib", "1,024"),
    ],
)
def test_another_name_of_a_column_is_refused(
    tmp_path: Path, column: str, meant: str, remedy: str
) -> None:
    rows = table().drop(columns=meant).assign(**{column: 1.0})
    with pytest.raises(IntakeError, match=rf"'{meant}'.*'{column}'[\s\S]*{remedy}"):
        read(tmp_path, rows)
