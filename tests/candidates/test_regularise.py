"""Drop path and auxiliary head, in training by itself and in `train_architecture`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from brpnas.candidates import ImageData, JobConfig, train_architecture
from brpnas.candidates import regularise as module
from brpnas.candidates.regularise import (
    begin_epoch,
    begin_training,
    end_training,
    training_loss,
)
from brpnas.errors import ConfigurationError
from brpnas.spaces import Darts, NetworkConfig
from brpnas.spaces.darts.build import DartsNetwork, build_network
from tests.candidates.small import CONV, random_images
from tests.spaces.darts.examples import DARTS_V2_ID

TINY = NetworkConfig(channels=2, cells_per_stage=1, stages=2, input_shape=(1, 8, 8), classes=3)


@pytest.fixture
def network() -> DartsNetwork:
    torch.manual_seed(0)
    return build_network(DARTS_V2_ID, TINY)


def tiny(**more: Any) -> JobConfig:
    sizes = {"channels": 2, "cells_per_stage": 1, "stages": 2, "epochs": 3, "batch_size": 8}
    return JobConfig(**{**sizes, **more})


def train(data: ImageData, **more: Any) -> Any:
    return train_architecture(DARTS_V2_ID, 0, data, tiny(**more), space="darts")


def test_drop_path_grows_linearly_and_reaches_the_network(network):
    found = []
    for epoch in range(4):
        begin_epoch(network, 0.2, epoch / 4)
        found.append(network.drop_path)
    assert found == pytest.approx([0.0, 0.05, 0.1, 0.15])


def test_loss_is_that_of_both_heads(network):
    begin_training(network, 0.0, 0.4, "darts")
    network.eval()
    images, labels = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 0])
    first, second = network.forward_auxiliary(images)
    expected = F.cross_entropy(first, labels, label_smoothing=0.1)
    expected = expected + 0.4 * F.cross_entropy(second, labels, label_smoothing=0.1)
    assert torch.allclose(training_loss(network, images, labels, 0.4, 0.1), expected)
    plain = F.cross_entropy(first, labels)
    assert torch.allclose(training_loss(network, images, labels, 0.0, 0.0), plain)
    end_training(network, 0.4)
    assert network.auxiliary is None


@pytest.mark.parametrize(
    ("drop_path", "weight", "why"), [(0.1, 0.0, "drop_path"), (0.0, 0.4, "auxiliary_weight")]
)
def test_networks_without_them_are_refused(drop_path, weight, why):
    with pytest.raises(ConfigurationError, match=f"'mine' .* set {why} to 0"):
        begin_training(nn.Linear(2, 2), drop_path, weight, "mine")
    begin_training(nn.Linear(2, 2), 0.0, 0.0, "mine")


@pytest.mark.parametrize("more", [{"drop_path": 0.2}, {"auxiliary_weight": 0.4}])
def test_other_spaces_are_refused(more):
    with pytest.raises(ConfigurationError, match="'nasbench201' have no"):
        train_architecture(CONV, 0, random_images(), tiny(**more))


@pytest.mark.parametrize(
    "wrong", [{"drop_path": 1.0}, {"drop_path": -0.1}, {"auxiliary_weight": -1.0}]
)
def test_impossible_values_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="drop_path must lie"):
        tiny(**wrong)


def test_both_change_training_and_leave_a_plain_network():
    data = random_images(32)
    plain = train(data)
    for more in ({"drop_path": 0.5}, {"auxiliary_weight": 0.4}):
        trained = train(data, **more)
        assert trained.train_loss != plain.train_loss
        assert trained.weights.keys() == plain.weights.keys()
        again = train(data, **more)
        assert (again.train_loss, again.test_accuracy) == (
            trained.train_loss,
            trained.test_accuracy,
        )


def test_the_first_epoch_drops_nothing():
    data = random_images(32)
    plain, dropped = train(data), train(data, drop_path=0.5)
    assert plain.train_loss[0] == dropped.train_loss[0]
    assert plain.train_loss[1:] != dropped.train_loss[1:]


def test_settings_that_are_not_used_are_not_in_the_fingerprint():
    """What was stored before these settings existed is still found."""
    plain = tiny().settings()
    assert {"drop_path", "auxiliary_weight"}.isdisjoint(plain)
    assert plain["label_smoothing"] == 0.0
    assert tiny(drop_path=0.2).settings() == {**plain, "drop_path": 0.2}


def test_protocols_are_met_by_the_networks_of_darts(network):
    assert isinstance(network, module.DropsPaths)
    assert isinstance(network, module.HasAuxiliary)
    assert not isinstance(nn.Linear(1, 1), module.DropsPaths)
    assert Darts().build(DARTS_V2_ID, TINY).drop_path == 0.0
