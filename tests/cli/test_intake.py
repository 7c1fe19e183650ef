from __future__ import annotations

from pathlib import Path

import pandas as pd

from brpnas.cli.intake import check_files
from brpnas.datasets import read_embedded_latency
from brpnas.spaces.select import select_cells

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
