from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from brpnas.candidates import (
    ImageData,
    ImageSource,
    JobConfig,
    network_config,
    train_architecture,
    training,
)
from brpnas.candidates.fitting import _augment
from brpnas.candidates.training import find_device
from brpnas.datasets import embedded_facts, read_embedded_accuracy
from brpnas.errors import ArchitectureError, ConfigurationError, TrainingError
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201.build import build_network
from tests.candidates.small import CONV, DISCONNECTED, POOL, TWINS, random_images, small


@pytest.fixture(scope="module")
def data() -> ImageData:
    return ImageSource().load()


def same(a: Any, b: Any) -> bool:
    return (
        (a.valid_accuracy, a.test_accuracy, a.train_loss)
        == (b.valid_accuracy, b.test_accuracy, b.train_loss)
        and a.weights.keys() == b.weights.keys()
        and all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)
    )


@pytest.mark.parametrize(
    "more", [{}, {"optimiser": "adamw", "learning_rate": 0.01}, {"shift": 1, "flip": True}]
)
def test_a_seed_decides_everything(data: ImageData, more: dict[str, Any]) -> None:
    config = small(epochs=1, **more)
    first = train_architecture(CONV, 0, data, config)
    torch.rand(3)
    assert same(first, train_architecture(CONV, 0, data, config))
    assert not same(first, train_architecture(CONV, 1, data, config))


def test_threads_of_the_caller_do_not_matter(data: ImageData) -> None:
    before = torch.get_num_threads()
    first = train_architecture(CONV, 0, data, small(epochs=1))
    try:
        torch.set_num_threads(2)
        second = train_architecture(CONV, 0, data, small(epochs=1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert same(first, second)


def test_the_state_of_the_caller_stays_as_it_was(data: ImageData) -> None:
    flags = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    train_architecture(CONV, 7, data, small(epochs=1, shift=1, flip=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    assert flags == (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)


@pytest.mark.parametrize(
    "more",
    [{}, {"optimiser": "adamw", "learning_rate": 0.02}, {"label_smoothing": 0.1, "shift": 1}],
)
def test_it_learns(data: ImageData, more: dict[str, Any]) -> None:
    trained = train_architecture(CONV, 0, data, small(**more))
    assert len(trained.train_loss) == 4
    assert trained.train_loss[-1] < trained.train_loss[0]
    assert trained.valid_accuracy > 0.5
    assert abs(trained.valid_accuracy - trained.test_accuracy) < 0.15
    assert trained.train_time_s > 0


@pytest.mark.parametrize("more", [{}, {"optimiser": "adamw", "learning_rate": 0.01, "shift": 1}])
def test_the_curve_changes_nothing(
    data: ImageData, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """Compared with a training without evaluations between its epochs."""
    recorded = train_architecture(CONV, 0, data, small(**more))
    assert len(recorded.curve) == 4
    assert recorded.curve[-1] == recorded.valid_accuracy
    assert len(set(recorded.curve)) > 1
    scores, asked = training._scores, []

    def only_the_last(network: nn.Module, images: Any, data: ImageData, part: str) -> Any:
        asked.append(part)
        return recorded.valid if len(asked) < 4 else scores(network, images, data, part)

    monkeypatch.setattr(training, "_scores", only_the_last)
    assert same(train_architecture(CONV, 0, data, small(**more)), recorded)
    assert asked == ["valid"] * 4 + ["test"]


def test_a_network_that_draws_random_numbers_in_its_evaluation(
    data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the network of a space of the user may."""
    expected = train_architecture(CONV, 0, data, small(shift=1))
    scores = training._scores

    def drawing(network: nn.Module, images: Any, data: ImageData, part: str) -> Any:
        torch.rand(7)
        return scores(network, images, data, part)

    monkeypatch.setattr(training, "_scores", drawing)
    assert same(train_architecture(CONV, 0, data, small(shift=1)), expected)


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX512",
    reason="the shipped accuracies were trained with AVX-512; others round differently",
)
def test_it_reproduces_the_shipped_accuracies() -> None:
    table = read_embedded_accuracy().set_index(["arch_id", "seed", "split"])["accuracy"]
    facts = embedded_facts()["accuracy"]
    known = {field.name for field in dataclasses.fields(JobConfig)}
    config = JobConfig(**{k: v for k, v in facts["settings"].items() if k in known})
    images = ImageSource().load()
    assert images.digest == facts["images"]["digest"]
    for arch_id, seed in [table.index[0][:2], table.index[5000][:2], table.index[-1][:2]]:
        trained = train_architecture(arch_id, seed, images, config)
        assert trained.valid_accuracy == table[arch_id, seed, "valid"]
        assert trained.test_accuracy == table[arch_id, seed, "test"]


def test_accuracies_are_those_of_the_weights(data: ImageData) -> None:
    trained = train_architecture(POOL, 0, data, small())
    network = build_network(POOL, network_config(data, small()))
    network.load_state_dict({k: torch.from_numpy(v) for k, v in trained.weights.items()})
    network.eval()
    mean, std = data.normalisation
    for part, accuracy in (("valid", trained.valid_accuracy), ("test", trained.test_accuracy)):
        right = 0
        for row in data.parts[part]:
            image = (data.images[row] - mean[:, None, None]) / std[:, None, None]
            with torch.inference_mode():
                logits = network(torch.from_numpy(image)[None])
            right += int(logits.argmax()) == data.labels[row]
        assert accuracy == right / len(data.parts[part])


def test_the_test_rows_do_not_matter_to_training(data: ImageData) -> None:
    """Neither they nor the validation rows."""
    images = data.images.copy()
    for part in ("valid", "test"):
        images[data.parts[part]] = 0.5
    blank = ImageData("x", images, data.labels, data.parts, data.label_names)
    a, b = (train_architecture(CONV, 0, d, small(epochs=1)) for d in (data, blank))
    assert a.train_loss == b.train_loss
    assert all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)
    assert b.valid_accuracy < a.valid_accuracy


def test_sizes_follow_the_data(data: ImageData) -> None:
    config = network_config(data, small(channels=6, stages=3))
    assert (config.input_shape, config.classes, config.channels, config.stages) == (
        (1, 8, 8),
        10,
        6,
        3,
    )
    assert not config.executes_dead_ops
    noise = random_images(labels=3)
    trained = train_architecture(CONV, 0, noise, small(batch_size=4))
    assert trained.weights["classifier.weight"].shape == (3, 8)


def test_isomorphic_cells_are_the_same_network(data: ImageData) -> None:
    """Operations that cannot reach the output differ, what is trained does not."""
    assert len(set(NasBench201().isomorphism_ids(TWINS))) == 1
    config = small(epochs=1)
    first, second = (train_architecture(twin, 0, data, config) for twin in TWINS)
    assert same(first, second)


def test_a_cell_without_a_path_learns_nothing_and_is_no_failure(data: ImageData) -> None:
    trained = train_architecture(DISCONNECTED, 0, data, small())
    assert trained.valid_accuracy < 0.2
    assert math.isfinite(trained.train_loss[-1])


@pytest.mark.parametrize("rows", [2, 5, 9, 12])
def test_a_last_batch_of_one_is_left_out(rows: int) -> None:
    """Batch normalisation of one image of 1 x 1 pixels would raise."""
    noise = random_images(rows)
    trained = train_architecture(CONV, 0, noise, small(batch_size=4, stages=4))
    assert all(math.isfinite(loss) for loss in trained.train_loss)


def test_divergence_is_an_error(data: ImageData) -> None:
    with pytest.raises(TrainingError, match=r"epoch \d of 4: training diverged.*learning_rate"):
        train_architecture(CONV, 0, data, small(learning_rate=1e30))


def test_no_architecture(data: ImageData) -> None:
    with pytest.raises(ArchitectureError):
        train_architecture("|foo|", 0, data, small())


def test_devices() -> None:
    assert find_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigurationError, match=r"'gpu' .*\bcuda\b"):
        find_device("gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(data: ImageData) -> None:
    with pytest.raises(ConfigurationError, match=r"device .*'cuda'.* cpu"):
        train_architecture(CONV, 0, data, small(device="cuda"))


def test_mixed_precision_is_without_effect_on_a_cpu(data: ImageData) -> None:
    plain, mixed = small(epochs=1), small(epochs=1, mixed_precision=True)
    assert mixed.settings() == plain.settings()
    assert same(*(train_architecture(CONV, 0, data, config) for config in (plain, mixed)))
    on_gpu = small(epochs=1, mixed_precision=True, device="cuda")
    assert on_gpu.settings() != small(epochs=1, device="cuda").settings(), "another store"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_mixed_precision_is_deterministic_and_as_accurate(data: ImageData) -> None:
    full, mixed = (small(epochs=6, device="cuda", mixed_precision=on) for on in (False, True))
    first = train_architecture(CONV, 0, data, mixed)
    assert same(first, train_architecture(CONV, 0, data, mixed))
    assert not same(first, train_architecture(CONV, 0, data, full))
    accuracy = [
        np.mean([train_architecture(CONV, seed, data, how).valid_accuracy for seed in range(5)])
        for how in (full, mixed)
    ]
    assert accuracy[1] == pytest.approx(accuracy[0], abs=0.02)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_trains_deterministically_too(data: ImageData) -> None:
    config = small(device="cuda", shift=1, flip=True)
    first = train_architecture(CONV, 0, data, config)
    assert same(first, train_architecture(CONV, 0, data, config))
    assert first.valid_accuracy > 0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs .* 0"),
        ({"batch_size": -1}, "batch_size .* -1"),
        ({"learning_rate": 0.0}, r"learning_rate .* 0\.0"),
        ({"optimiser": "adam"}, "optimiser .*sgd .*adamw, not 'adam'"),
        ({"momentum": 0.95}, r"momentum .* 0\.05 .* 0\.95, not 0\.95"),
        ({"momentum": -0.1}, r"momentum .* 0\.05 .* 0\.95, not -0\.1"),
        ({"label_smoothing": 1.0}, r"label_smoothing .* 1\.0"),
        ({"shift": -1}, "shift .* -1"),
    ],
)
def test_settings_out_of_range(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        JobConfig(**wrong)


def test_plain_sgd_trains(data: ImageData) -> None:
    assert train_architecture(CONV, 0, data, small(momentum=0.0)).valid_accuracy > 0.2


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_momentum_is_used(data: ImageData, optimiser: str) -> None:
    rate = 0.1 if optimiser == "sgd" else 0.01
    losses = {
        train_architecture(
            CONV, 0, data, small(optimiser=optimiser, momentum=m, learning_rate=rate)
        ).train_loss
        for m in (0.0, 0.5, 0.9)
    }
    assert len(losses) == 3


def test_momentum_cycles_around_its_value(data: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.9 is what torch's one-cycle schedule does by itself: 0.85 to 0.95."""
    seen: list[float] = []
    real = torch.optim.SGD.step

    def step(self: torch.optim.SGD, *given: Any) -> Any:
        seen.append(self.param_groups[0]["momentum"])
        return real(self, *given)

    monkeypatch.setattr(torch.optim.SGD, "step", step)
    train_architecture(CONV, 0, data, small(momentum=0.9))
    assert seen[0] == 0.95
    assert min(seen) == pytest.approx(0.85, abs=0.02)


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """The slow way: every pixel by itself; pixels outside are 0."""
    moved = np.zeros_like(image)
    channels, height, width = image.shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                if 0 <= y + down < height and 0 <= x + right < width:
                    moved[c, y, x] = image[c, y + down, x + right]
    return moved


class TestAugmentation:
    def test_each_image_is_moved_by_what_was_drawn(self) -> None:
        images = torch.rand(40, 3, 5, 7)
        torch.manual_seed(3)
        moved = _augment(images, small(shift=2))
        torch.manual_seed(3)
        drawn = torch.randint(0, 5, (2, 40, 1))[..., 0] - 2
        assert len({tuple(pair) for pair in drawn.T.tolist()}) > 12, "of 25"
        for image, result, (down, right) in zip(images, moved, drawn.T.tolist(), strict=True):
            np.testing.assert_array_equal(result, shifted(image.numpy(), down, right))

    def test_half_of_the_images_are_mirrored(self) -> None:
        images = torch.rand(400, 2, 3, 4)
        torch.manual_seed(0)
        result = _augment(images, small(flip=True))
        mirrored = 0
        for before, after in zip(images.numpy(), result.numpy(), strict=True):
            flipped = bool((after == before[:, :, ::-1]).all())
            assert flipped or (after == before).all()
            mirrored += flipped
        assert 160 < mirrored < 240

    def test_without_it_images_stay_and_no_number_is_drawn(self) -> None:
        images, before = torch.rand(4, 1, 3, 3), torch.get_rng_state()
        assert _augment(images, small()) is images
        assert torch.equal(torch.get_rng_state(), before)
