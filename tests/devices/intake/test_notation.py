"""A file in another notation: flagged at the top, or refused; read when it is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import read_embedded_latency
from brpnas.devices import intake_report, read_device_table
from brpnas.devices.intake.notation import check_notation
from brpnas.errors import IntakeError, UnknownNameError
from brpnas.spaces import NasBench201, get_space
from brpnas.spaces.nasbench201.naslib import NASLIB
from tests.spaces.nasbench201.test_naslib import written

SPACE = NasBench201()


def brought(folder: Path, rows: int, seed: int = 0) -> tuple[Path, pd.DataFrame]:
    """A file in the notation of NASLib, and its content."""
    table = read_embedded_latency("amd-epyc-torch-fp32-1t").sample(rows, random_state=seed)
    path = folder / "board.csv"
    cells = written(table["arch_id"].tolist())
    pd.DataFrame({"arch_id": cells, "latency_ms": table["latency_ms"]}).to_csv(path, index=False)
    return path, table


def test_a_certain_case_is_refused_and_names_the_way_on(tmp_path: Path) -> None:
    path, _ = brought(tmp_path, 60)
    with pytest.raises(IntakeError) as caught:
        read_device_table(path, SPACE)
    finding = caught.value.findings[0]
    assert (finding.severity, finding.kind, len(finding.rows)) == ("error", "other notation", 60)
    assert "NASLib" in finding.message
    assert "--notation naslib --output" in finding.remedy


def test_a_likely_case_is_the_first_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, table = brought(tmp_path, 20)
    monkeypatch.setattr("brpnas.devices.intake.notation.CERTAIN", 1e9)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line},{'note' if i == 0 else 1}" for i, line in enumerate(lines)))
    found = read_device_table(path, SPACE)
    assert [f.kind for f in found.findings] == ["other notation", "unknown column"]
    assert intake_report(found).splitlines()[2].startswith("  - other notation, lines 2, 3")
    assert len(found.table) == len(table)


def test_named_it_is_read_without_a_flag(tmp_path: Path) -> None:
    path, table = brought(tmp_path, 60)
    found = read_device_table(path, SPACE, notation="naslib")
    assert found.findings == ()
    expected = table.set_index("arch_id")["latency_ms"].sort_index()
    assert found.table.set_index("arch_id")["latency_ms"].to_dict() == expected.to_dict()


def test_the_notation_of_the_space_may_be_named_too(tmp_path: Path) -> None:
    path, _ = brought(tmp_path, 60)
    assert len(read_device_table(path, SPACE, notation="nasbench201").table) == 60
    with pytest.raises(UnknownNameError, match=r"'nas-lib'.* 'naslib'\?"):
        read_device_table(path, SPACE, notation="nas-lib")


def test_strings_are_never_doubted(tmp_path: Path) -> None:
    path, _ = brought(tmp_path, 60)
    table = pd.read_csv(path)
    table["arch_id"] = [SPACE.read(text) for text in table["arch_id"]]
    table.to_csv(path, index=False)
    kinds = {finding.kind for finding in read_device_table(path, SPACE).findings}
    assert "other notation" not in kinds


def test_a_space_without_other_notations_is_never_doubted() -> None:
    assert check_notation(["x"], [2], np.ones(1), get_space("darts")) == []
    assert SPACE.notations == (NASLIB,)
