"""The stage as a whole: from tables of devices to a prior replacing the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from brpnas.datasets import embedded_devices
from brpnas.graphs import SpaceGraphs
from brpnas.predictors.transfer import DevicePrior, shipped_prior
from pipelines.datasets import DevicePriorDataset, ParquetDataset, PartitionedDataset
from pipelines.pretrain import create_pipeline
from tests.pipelines.conftest import Run
from tests.pipelines.pretrain.test_nodes import QUICK, tables


def test_what_it_leaves_takes_the_place_of_the_prior_that_ships(
    tmp_path: Path, small_graphs: SpaceGraphs
) -> None:
    latency = PartitionedDataset(
        path=str(tmp_path / "latency"), dataset=ParquetDataset, filename_suffix=".parquet"
    )
    latency.save({name: load() for name, load in tables(small_graphs, 3).items()})
    prior = DevicePriorDataset(tmp_path / "models" / "prior.safetensors")
    assert prior.load().devices == shipped_prior("nasbench201").devices
    catalog = DataCatalog(
        {
            "space_graphs": MemoryDataset(small_graphs),
            "latency": latency,
            "device_prior": prior,
            "params:test_share": MemoryDataset(0.2),
            "params:pretrain": MemoryDataset(QUICK),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    found: DevicePrior = prior.load()
    assert found.devices == ("toy-0", "toy-1", "toy-2")
    assert found.features.known is not None
    assert [file.name for file in (tmp_path / "models").iterdir()] == ["prior.safetensors"]


@pytest.mark.slow
def test_as_a_user_types_it(kedro: Run, project: Path) -> None:
    quick = "--params=pretrain.epochs=1,pretrain.hidden=8,pretrain.layers=2"
    early = kedro("run", "--pipelines=pretrain")
    assert early.returncode == 1
    assert "kedro run --pipelines=ingest,featurise" in early.stderr
    done = kedro("run", "--pipelines=ingest,featurise,pretrain", quick)
    assert done.returncode == 0, done.stderr
    assert "Learning from 3 devices: amd-epyc-" in " ".join((done.stdout + done.stderr).split())
    prior = DevicePrior.load(project / "data" / "06_models" / "device_prior.safetensors")
    assert prior.devices == tuple(embedded_devices())
