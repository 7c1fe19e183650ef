"""Adaptation, shared by `retrain` and `train`: predictors, refusals, notes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from brpnas.datasets.metrics import LATENCY_MS, DeviceMetric
from brpnas.errors import ConfigurationError
from brpnas.predictors.transfer.device import LEAST_ROWS
from brpnas.spaces import NetworkConfig
from pipelines.adapting import adapt, learnt_from, transfer_note
from pipelines.config import AdaptationConfig, parse
from tests.pipelines.retrain.toys import QUICK
from tests.predictors.toys import cells, rows_of
from tests.predictors.transfer.toys import device_ms, prior, table

CONFIG = parse(AdaptationConfig, QUICK)
NEW = "compiled-new"
OF_NEW = DeviceMetric(LATENCY_MS, NEW)
SMALL = NetworkConfig(4, 1, 2, (1, 8, 8), 10).size


def learnt(name: str, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Rows of a made-up device to learn from."""
    return table(name, rows).rename(columns={LATENCY_MS: "measured"})


def test_a_known_device_does_not_teach_about_itself() -> None:
    known, learn = DeviceMetric(LATENCY_MS, "eager-a"), learnt("eager-a", rows_of(20, 0))
    alone = adapt(cells(), learn, prior().without(["eager-a"]), known, CONFIG, held_out=0)
    found = adapt(cells(), learn, prior(), known, CONFIG, held_out=0)
    np.testing.assert_array_equal(found.predict(cells()), alone.predict(cells()))
    truth = np.log(device_ms("eager-a"))
    assert np.abs(np.log(found.predict(cells())) - truth).mean() < 0.2


def test_too_few_rows_are_refused_with_their_numbers() -> None:
    few = LEAST_ROWS - 1
    said = rf" {few + 7} measured cells .* 7 .* {few} .* {LEAST_ROWS} "
    with pytest.raises(ConfigurationError, match=said):
        adapt(cells(), learnt(NEW, rows_of(few, 0)), prior(), OF_NEW, CONFIG, held_out=7)


def test_rows_of_another_size_than_the_known_devices_are_called_a_transfer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    learn = learnt(NEW, rows_of(20, 0))
    found = adapt(cells(), learn, prior(), OF_NEW, CONFIG, held_out=0)
    assert (found.network_size, "Transfer" in caplog.text) == (None, False)
    sized = adapt(cells(), learn.assign(network_size=SMALL), prior(), OF_NEW, CONFIG, held_out=0)
    assert sized.network_size == SMALL
    published = NetworkConfig().size
    assert re.search(rf"\bTransfer: .* {published}", caplog.text)
    error = sized.errors[sized.method]
    assert f" {error:.3f}" in caplog.text
    caplog.clear()
    same = replace(prior(), network_sizes=(SMALL,) * len(prior().devices))
    adapt(cells(), learn.assign(network_size=SMALL), same, OF_NEW, CONFIG, held_out=0)
    assert "Transfer" not in caplog.text


def test_a_transfer_names_the_known_devices_of_another_size() -> None:
    known = prior().devices
    mixed = replace(prior(), network_sizes=(SMALL, SMALL, *[NetworkConfig().size] * 2))
    learn = learnt(NEW, rows_of(8, 3)).assign(network_size=SMALL)
    found = adapt(cells(), learn, mixed, OF_NEW, CONFIG, held_out=0)
    note = transfer_note(found, mixed, NEW)
    assert f"{NetworkConfig().size} ({known[2]}, {known[3]}); {NEW} with" in note
    assert known[0] not in note
    alone = replace(prior(), network_sizes=(SMALL, SMALL, SMALL, NetworkConfig().size))
    assert not transfer_note(found, alone, known[3]), "of itself nothing is transferred"


def test_a_transfer_tells_the_error_of_the_way_that_predicts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    learn = learnt(NEW, rows_of(8, 3)).assign(network_size=SMALL)
    found = adapt(cells(), learn, prior(), OF_NEW, CONFIG, held_out=0)
    error = found.errors[found.method]
    assert error > min(found.errors.values()) + 0.001, "a case in which another way errs less"
    assert f" {error:.3f}" in caplog.text


def test_a_prior_of_latencies_has_learnt_no_other_metric() -> None:
    known = prior()
    for metric, device, learnt_it in (
        (LATENCY_MS, "eager-a", True),
        ("energy_mj", "eager-a", False),
        (LATENCY_MS, NEW, False),
    ):
        assert learnt_from(known, DeviceMetric(metric, device)) == learnt_it
