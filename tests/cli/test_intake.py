from __future__ import annotations

import errno
import os
from pathlib import Path

import pandas as pd
import pytest

from brpnas.cli.intake import check_files, rewrite
from brpnas.datasets import read_embedded_latency
from brpnas.devices import read_device_table
from brpnas.errors import ConfigurationError, IntakeError, SourceError
from brpnas.spaces import NasBench201
from brpnas.spaces.select import select_cells
from tests.spaces.nasbench201.test_naslib import written

REAL = read_embedded_latency("amd-epyc-torch-fp32-1t")[["arch_id", "latency_ms"]]


def test_each_file_is_told_by_itself(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.csv" for name in ("good", "few", "seconds")]
    REAL.head(20).to_csv(paths[0], index=False)
    REAL.head(5).to_csv(paths[1], index=False)
    REAL.head(20).assign(latency_ms=REAL["latency_ms"] / 1e3).to_csv(paths[2], index=False)
    accepted, refused = check_files(paths, unit_check=True, least=10)
    assert [report.split()[0] for report in accepted] == [str(paths[0])]
    assert [report.split()[0] for report in refused] == [str(paths[1]), str(paths[2])]


def test_options_reach_the_check(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    REAL.head(5).assign(latency_ms=REAL["latency_ms"] * 400).to_csv(path, index=False)
    assert check_files([path], unit_check=True, least=10)[0] == []
    assert check_files([path], unit_check=False, least=10)[0] == []
    assert check_files([path], unit_check=True, least=5)[0] == []
    assert check_files([path], unit_check=False, least=5)[1] == []


def test_cells_of_another_space(tmp_path: Path, repository: Path) -> None:
    space = str(repository / "docs/examples/chain_space.py")
    path = tmp_path / "phone.csv"
    cells = select_cells(12, space=space)
    latency = [2.0 + 0.01 * number for number in range(12)]
    pd.DataFrame({"arch_id": cells, "latency_ms": latency}).to_csv(path, index=False)
    accepted, refused = check_files([path], unit_check=True, least=10, space=space)
    assert refused == []
    assert "12 cells" in accepted[0]
    assert check_files([path], unit_check=True, least=10)[0] == []


def rewritten(folder: Path, output: str, notation: str = "naslib") -> str:
    table = REAL.sample(40, random_state=0)
    cells = written(table["arch_id"].tolist())
    table.assign(arch_id=cells, std_ms=0.25).to_csv(folder / "tuples.csv", index=False)
    return rewrite(
        folder / "tuples.csv", folder / output, unit_check=True, least=10, notation=notation
    )


def test_a_file_is_rewritten_in_strings_that_need_no_notation(tmp_path: Path) -> None:
    said = rewritten(tmp_path, "board.csv")
    assert "40 cells, 3." in said
    assert "40 cells in " in said
    found = read_device_table(tmp_path / "board.csv", NasBench201())
    assert found.findings == ()
    expected = REAL.sample(40, random_state=0).set_index("arch_id")["latency_ms"]
    assert found.table.set_index("arch_id")["latency_ms"].to_dict() == expected.to_dict()
    assert set(found.table["std_ms"]) == {0.25}
    assert found.table["repeats"].isna().all()


def test_what_cannot_be_rewritten_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(SourceError, match=r"there\.csv"):
        rewritten(tmp_path, "there.csv")
    assert (tmp_path / "there.csv").read_text() == "mine"
    with pytest.raises(SourceError, match=rf"none/board\.csv .*: {os.strerror(errno.ENOENT)}"):
        rewritten(tmp_path, "none/board.csv")
    with pytest.raises(ConfigurationError, match=r"\.csv"):
        rewritten(tmp_path, "board.parquet")
    with pytest.raises(IntakeError, match="file name"):
        rewritten(tmp_path, "my board.csv")
    assert {file.name for file in tmp_path.iterdir()} == {"there.csv", "tuples.csv"}
