"""Settings of the stage, and the user's tables as readers of tables in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.devices import Device
from pipelines.datasets import DeviceFilesDataset
from pipelines.ingest.own import OwnTables, open_own_tables
from pipelines.ingest.settings import IngestSettings, read_settings

NETWORK = {
    "channels": 8,
    "cells_per_stage": 1,
    "stages": 3,
    "input_shape": [1, 8, 8],
    "classes": 10,
}


def settings_of(
    *benchmarks: str, space: str = "nasbench201", sample: int | None = None, seed: int = 0
) -> IngestSettings:
    ingest = {"benchmarks": list(benchmarks), "sample": sample, "seed": seed}
    return read_settings(space, NETWORK, ingest, least_rows=10, unit_check=True)


def never() -> dict[str, Path]:
    raise AssertionError("published files were fetched although nobody asked for them")


def never_read(**_: object) -> Any:
    raise AssertionError("a table was read although nobody asked for it")


def gives(table: pd.DataFrame) -> Callable[..., pd.DataFrame]:
    return lambda **_: table


def own_tables(
    settings: IngestSettings,
    *,
    trained: Mapping[str, pd.DataFrame] | None = None,
    measured: Mapping[str, pd.DataFrame] | None = None,
    operations: Mapping[str, pd.DataFrame] | None = None,
    described: Mapping[str, Device] | None = None,
    brought: Path | None = None,
) -> OwnTables:
    """The user's tables, by data set or device; the files of owners lie in the folder."""
    files = DeviceFilesDataset(str(brought)).load() if brought else {}
    readers = (
        {name: gives(table) for name, table in (tables or {}).items()}
        for tables in (trained, measured, operations)
    )
    return open_own_tables(settings, files, *readers, described or {})
