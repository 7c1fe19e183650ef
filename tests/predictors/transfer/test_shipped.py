"""Shipped priors: found by the name of the space, and a hint if there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from brpnas.datasets import embedded_devices, fetch_group, held_out, read_embedded_latency
from brpnas.datasets.latbench import read_latency
from brpnas.errors import SourceError
from brpnas.metrics import regression_metrics, spearman
from brpnas.predictors.transfer import (
    has_shipped_prior,
    known_device,
    predict_known,
    shipped_prior,
)
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


@pytest.mark.parametrize("device", embedded_devices())
def test_its_errors_are_those_of_the_cells_held_out(device: str) -> None:
    """Measured again from the table that ships."""
    measured = read_embedded_latency(device)
    held = measured[held_out(measured["arch_id"].tolist())]
    check_error(device, held)


@pytest.mark.data
@pytest.mark.parametrize(
    "device", ["embedded-tpu-edge-tpu-int8", "mobile-gpu-snapdragon-450-adreno-506-int8"]
)
def test_its_errors_on_public_devices(mirror: Path, tmp_path: Path, device: str) -> None:
    files = fetch_group("latbench", mirror=mirror, cache=tmp_path)
    measured = read_latency(files[device], device)
    check_error(device, measured[held_out(measured["arch_id"].tolist())])


def check_error(device: str, held: pd.DataFrame) -> None:
    prior = shipped_prior("nasbench201")
    answers, _ = known_device(prior, device)
    said = predict_known(prior, device, NasBench201().graphs(held["arch_id"].tolist()))
    found = regression_metrics(said[:, 0], held["latency_ms"])
    assert answers.rows == len(held)
    assert answers.within_10 == pytest.approx(found["within_10"], abs=1e-3)
    assert answers.spearman == pytest.approx(found["spearman"], abs=1e-3)
    errors = np.abs(said[:, 0] / held["latency_ms"].to_numpy() - 1)
    assert answers.median == pytest.approx(np.median(errors), rel=1e-3)
    inside = (said[:, 1] <= held["latency_ms"]) & (held["latency_ms"] <= said[:, 2])
    assert inside.mean() == pytest.approx(0.9, abs=max(0.01, 1 / len(inside)))


def test_whether_one_ships_is_told(tmp_path: Path) -> None:
    assert has_shipped_prior("nasbench201")
    assert not has_shipped_prior("nasbench201", tmp_path)
