"""A training epoch by epoch, stopped after any of them and continued."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from brpnas.candidates import ImageData, ImageSource, JobConfig, network_config
from brpnas.candidates.fitting import LAYOUT, Fitting
from brpnas.candidates.normalised import NormalisedImages
from brpnas.candidates.regularise import begin_training
from brpnas.errors import SchemaError, TrainingError
from brpnas.predictors.training import single_thread
from brpnas.spaces import get_space
from tests.candidates.small import CONV, POOL, small

SETTINGS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.0},
    {"shift": 1, "flip": True, "label_smoothing": 0.1},
    {"optimiser": "adamw", "learning_rate": 0.01},
]


@pytest.fixture(scope="module")
def data() -> ImageData:
    return ImageSource().load()


def begun(data: ImageData, config: JobConfig, arch_id: str = CONV, seed: int = 0) -> Fitting:
    torch.manual_seed(seed)
    space = "darts" if arch_id.startswith("normal") else "nasbench201"
    network = get_space(space).build(arch_id, network_config(data, config))
    begin_training(network, config.drop_path, config.auxiliary_weight, space)
    network = network.to(memory_format=LAYOUT)  # type: ignore[call-overload]
    images = NormalisedImages(data, torch.device("cpu"))
    labels, rows = torch.from_numpy(data.labels), torch.from_numpy(data.parts["train"])
    return Fitting(network, images, labels, rows, config)


def run(fitting: Fitting, epochs: int) -> Fitting:
    while fitting.epochs < epochs:
        fitting.run_epoch()
    return fitting


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("more", SETTINGS)
@pytest.mark.parametrize("stopped", [1, 3])
def test_a_continued_training_gives_the_bits_of_an_uninterrupted_one(
    data: ImageData, more: dict[str, Any], stopped: int
) -> None:
    config = small(**more)
    with single_thread(), torch.random.fork_rng(devices=[]):
        whole = run(begun(data, config), 4)
        expected = {name: value.clone() for name, value in whole.state().items()}
        first = run(begun(data, config), stopped)
        state = {name: value.clone() for name, value in first.state().items()}
        second = begun(data, config, seed=1)
        second.restore(state, first.losses, first.seconds)
        torch.rand(0)
        run(second, 4)
        assert equal(second.state(), expected)
    assert second.losses == whole.losses
    assert second.seconds > first.seconds


def test_weights_without_a_gradient_have_no_moments(data: ImageData) -> None:
    """They would, if a state were restored by a step of the optimiser."""
    config = small(epochs=2)
    with single_thread(), torch.random.fork_rng(devices=[]):
        first = begun(data, config)
        frozen = next(iter(first._network.parameters()))  # type: ignore[attr-defined]
        frozen.requires_grad_(False)
        first.run_epoch()
        state = {name: value.clone() for name, value in first.state().items()}
        assert "optimiser.0.momentum_buffer" not in state
        assert "optimiser.1.momentum_buffer" in state
        second = begun(data, config)
        second.restore(state, first.losses, first.seconds)
        assert equal(second.state(), state)


@pytest.mark.parametrize("change", ["another network", "a tensor too few", "a GPU"])
def test_a_state_of_another_training_is_refused(data: ImageData, change: str) -> None:
    with torch.random.fork_rng(devices=[]):
        state = run(begun(data, small(epochs=1)), 1).state()
        if change == "a tensor too few":
            del state["network.classifier.bias"]
        elif change == "a GPU":
            state["random.cuda"] = state["random.cpu"]
        fresh = begun(data, small(epochs=1), POOL if change == "another network" else CONV)
        before = {name: value.clone() for name, value in fresh.state().items()}
        with pytest.raises(SchemaError):
            fresh.restore(state, [1.0], 1.0)
        assert equal(fresh.state(), before)
        assert fresh.epochs == 0


def test_divergence_names_the_epoch(data: ImageData) -> None:
    with torch.random.fork_rng(devices=[]):
        fitting = begun(data, small(learning_rate=1e30))
        with pytest.raises(TrainingError, match="epoch 1 of 4"):
            run(fitting, 4)
