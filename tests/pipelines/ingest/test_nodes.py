from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from brpnas.datasets import fetch_group, latbench_devices
from brpnas.errors import ConfigurationError
from pipelines.ingest import create_pipeline
from pipelines.ingest.nodes import make_accuracy, make_latency, report_ingest
from tests.pipelines.toys import make_latency as toy_latency

ALL = {"benchmarks": ["latbench", "nasbench201"]}
CELLS = ["|none~0|", "|conv_1x1~0|", "|conv_3x3~0|"]


def test_benchmark_left_out_is_an_error_that_says_what_to_add() -> None:
    with pytest.raises(ConfigurationError, match=r"ingest\.benchmarks.*add 'latbench'"):
        make_latency({}, {"benchmarks": ["nasbench201"]})
    with pytest.raises(ConfigurationError, match="add 'nasbench201'"):
        make_accuracy({}, {"benchmarks": ["latbench"]})


def test_report_counts_rows_and_names_twins_and_sources() -> None:
    slow = toy_latency(CELLS, "slow").assign(latency_ms=[5.0, 4.0, 6.0])
    tables = {"a": toy_latency(CELLS, "a"), "b": toy_latency(CELLS, "b"), "slow": slow}
    accuracy = pd.DataFrame({"dataset": ["cifar10", "cifar10", "cifar100"]})
    report = report_ingest(
        pd.DataFrame({"arch_id": CELLS}),
        accuracy,
        {name: lambda table=table: table for name, table in tables.items()},
        {"benchmarks": ["latbench"]},
    )
    assert report["rows"] == {
        "architectures": 3,
        "accuracy": {"cifar10": 2, "cifar100": 1},
        "latency": {"a": 3, "b": 3, "slow": 3},
    }
    assert report["near_twins"] == [{"devices": ["a", "b"], "spearman": 1.0}]
    assert sorted(report["sources"]) == sorted(latbench_devices())
    assert all(len(source["sha256"]) == 64 for source in report["sources"].values())


def test_pipeline_on_the_published_files(mirror: Path, tmp_path: Path) -> None:
    published = {
        f"published_{group}": fetch_group(group, mirror=mirror, cache=tmp_path)
        for group in ALL["benchmarks"]
    }
    outputs = ("architectures", "accuracy", "ingest_report")
    catalog = DataCatalog(
        {name: MemoryDataset(files) for name, files in published.items()}
        | {name: MemoryDataset() for name in outputs}
        | {"params:ingest": MemoryDataset(ALL)}
    )
    catalog["latency"] = LazyMemory()
    SequentialRunner().run(create_pipeline(), catalog)
    report = catalog["ingest_report"].load()
    assert report["rows"]["architectures"] == 15625
    assert len(report["rows"]["latency"]) == 13
    assert [pair["devices"] for pair in report["near_twins"]] == [
        ["desktop-cpu-core-i7-7820x-fp32", "desktop-gpu-gtx-1080ti-fp32"]
    ]
    assert len(report["sources"]) == 13 + len(published["published_nasbench201"])


class LazyMemory(MemoryDataset):
    """Gives back each partition as a function, as a partitioned data set does."""

    def load(self) -> object:
        return {name: lambda table=table: table for name, table in super().load().items()}
