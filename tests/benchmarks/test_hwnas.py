"""Tables of HW-NAS-Bench: a missing file, and another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.hwnas import read_table
from brpnas.errors import SourceError


def test_a_table_that_is_not_there_or_another_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRPNAS_MIRROR", raising=False)
    with pytest.raises(SourceError, match=r"BRPNAS_MIRROR \(not set\)"):
        read_table("edgegpu")
    monkeypatch.setenv("BRPNAS_MIRROR", str(tmp_path))
    with pytest.raises(SourceError, match="hwnasbench/eyeriss"):
        read_table("eyeriss")
    folder = tmp_path / "hwnasbench"
    folder.mkdir()
    (folder / "edgegpu-imagenet16-120.csv").write_text("arch_id,latency_ms\n")
    with pytest.raises(SourceError, match=r"edgegpu-imagenet16-120\.csv .*hash"):
        read_table("edgegpu")
