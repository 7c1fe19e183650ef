"""The user's own tables: a refused file of an owner does not affect the others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brpnas.datasets import list_architectures
from brpnas.errors import ConfigurationError
from pipelines.datasets import DeviceFilesDataset
from pipelines.ingest.own import open_own_tables
from tests.pipelines.ingest.toys import never_read, settings_of
from tests.pipelines.toys import make_latency

CELLS = list_architectures()["arch_id"][:40].tolist()


def bring(folder: Path, name: str, **changes: object) -> Path:
    """Write the file of a device as its owner would."""
    table = make_latency(CELLS, name)[["arch_id", "latency_ms"]].assign(**changes)
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def accepted(folder: Path, *benchmarks: str, **limits: Any) -> list[str]:
    settings = replace(settings_of(*(benchmarks or ("embedded", "devices"))), **limits)
    files = DeviceFilesDataset(str(folder)).load()
    found = open_own_tables(settings, files, {}, {}, {}, {})
    return [name for name, file in found.brought.items() if len(file.table) == len(CELLS)]


def test_a_refused_file_is_left_out_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bring(bring(tmp_path, "good"), "theirs", latency_ms=-1.0)
    assert accepted(tmp_path) == ["good"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert re.match(r".*\btheirs\b.*\. .*theirs\.csv [\s\S]*negative latency", said)


def test_limits_are_those_that_are_given(tmp_path: Path) -> None:
    slow = [900.0 + i for i in range(40)]
    bring(bring(tmp_path, "good"), "slow", latency_ms=slow)
    assert accepted(tmp_path) == ["good"]
    assert accepted(tmp_path, unit_check=False) == ["good", "slow"]
    assert accepted(tmp_path, least_rows=41) == []


def test_nothing_is_read_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert accepted(bring(tmp_path, "theirs", latency_ms=-1.0), "embedded") == []
    fails = {"mine": never_read}
    none = open_own_tables(settings_of("embedded"), fails, fails, fails, fails, {})
    assert not any((none.brought, none.trained, none.measured, none.operations))
    assert list(none.architectures()) == []


def test_a_measured_device_needs_an_entry_in_the_catalogue() -> None:
    with pytest.raises(ConfigurationError, match=r"'mine', but devices\.yml"):
        open_own_tables(settings_of("measured"), {}, {}, {"mine": never_read}, {}, {})
