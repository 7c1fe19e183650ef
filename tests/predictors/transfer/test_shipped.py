"""Shipped priors: found by the name of the space, and a hint if there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brpnas.datasets import embedded_devices, read_embedded_latency
from brpnas.errors import SourceError
from brpnas.metrics import spearman
from brpnas.predictors.transfer import known_device, shipped_prior
from brpnas.spaces import NasBench201
from tests.predictors.transfer.toys import prior


def test_a_prior_is_found_by_its_space(tmp_path: Path) -> None:
    prior().save(tmp_path / "nasbench201.safetensors")
    replace(prior(), space="elsewhere").save(tmp_path / "elsewhere.safetensors")
    found = shipped_prior("nasbench201", tmp_path)
    assert (found.space, found.devices) == ("nasbench201", prior().devices)
    assert torch.equal(found.hyperparameters.linear, prior().hyperparameters.linear)
    assert shipped_prior("elsewhere", tmp_path).space == "elsewhere"


def test_a_space_without_one_hears_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"'warp' \(there are: none\).*pretrain"):
        shipped_prior("warp", tmp_path)
    prior().save(tmp_path / "nasbench201.safetensors")
    with pytest.raises(SourceError, match="there are: nasbench201"):
        shipped_prior("warp", tmp_path)


def test_the_one_in_the_package_holds_no_measured_latency() -> None:
    found = shipped_prior("nasbench201")
    assert found.space == "nasbench201"
    assert len(found.devices) > 10
    assert found.features.known is None


@pytest.mark.parametrize("device", embedded_devices())
def test_the_one_in_the_package_knows_the_devices_that_ship(device: str) -> None:
    found, graphs = shipped_prior("nasbench201"), NasBench201().graphs()
    assert len(found.devices) == len(found.features.columns)
    answers, _ = known_device(found, device)
    assert answers.within_10 > 0.5
    measured = read_embedded_latency(device)
    rows = graphs.rows(measured["arch_id"].tolist())
    views = {name: batch[rows] for name, batch in graphs.views.items()}
    said = found.features.latencies(views)[:, found.devices.index(device)]
    assert spearman(said, measured["latency_ms"]) > 0.9
