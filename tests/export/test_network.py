from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from brpnas.errors import ArchitectureError, ConfigurationError, ParityError, UnknownNameError
from brpnas.export import (
    describe_model,
    export_image_network,
    export_network,
    initialise_weights,
)
from brpnas.export import network as network_module
from brpnas.export.parity import open_session
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.build import build_network
from brpnas.spaces.network import NetworkConfig

SMALL = NetworkConfig(
    channels=4, cells_per_stage=1, stages=2, input_shape=(3, 8, 8), executes_dead_ops=False
)
CONV, NONE, SKIP = (to_string((code,) * 6) for code in (3, 0, 1))
CUT = to_string((3, 3, 2, 0, 0, 0))
MIXED = to_string((4, 2, 1, 3, 0, 1))


@pytest.mark.parametrize("batch", ["open", "fixed"])
@pytest.mark.parametrize("dead", [True, False])
@pytest.mark.parametrize("arch_id", [CONV, NONE, SKIP, CUT, MIXED])
@pytest.mark.parametrize(
    "exporter", ["torchscript", pytest.param("dynamo", marks=pytest.mark.slow)]
)
def test_networks_answer_as_torch_does(
    tmp_path: Path, arch_id: str, dead: bool, exporter: str, batch: str
) -> None:
    path = tmp_path / "network.onnx"
    config = replace(SMALL, executes_dead_ops=dead)
    error = export_network(
        arch_id,
        path,
        config,
        dynamic_batch=batch == "open",
        exporter=exporter,  # type: ignore[arg-type]
    )
    assert error <= 1e-5
    session = open_session(path)
    for size in (1, 6) if batch == "open" else (1,):
        images = np.random.default_rng(0).normal(size=(size, 3, 8, 8)).astype(np.float32)
        assert session.run(["logits"], {"image": images})[0].shape == (size, 10)


def test_interface_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    export_network(f" {MIXED} ", path, SMALL, seed=3)
    inputs, outputs, metadata = describe_model(path)
    assert [(i.name, i.dtype, i.shape) for i in inputs] == [("image", "float32", (1, 3, 8, 8))]
    assert [(o.name, o.dtype, o.shape) for o in outputs] == [("logits", "float32", (1, 10))]
    assert metadata["arch_id"] == MIXED
    assert metadata["space"] == "nasbench201"
    assert metadata["weights"] == "initialised, not trained (seed 3)"
    assert json.loads(metadata["input_shape"]) == [1, 3, 8, 8]
    assert json.loads(metadata["executes_dead_ops"]) is False


@pytest.mark.parametrize("shape", [(1, 7, 9), (2, 28, 28)])
def test_other_images(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    config = replace(SMALL, input_shape=shape, stages=3, classes=4)
    path = tmp_path / "network.onnx"
    assert export_network(MIXED, path, config, exporter="torchscript") <= 1e-5
    assert describe_model(path)[0][0].shape == (1, *shape)
    assert describe_model(path)[1][0].shape == (1, 4)


@pytest.mark.slow
@pytest.mark.parametrize("arch_id", [CONV, SKIP, MIXED])
def test_the_published_size(tmp_path: Path, arch_id: str) -> None:
    path = tmp_path / "network.onnx"
    assert export_network(arch_id, path) <= 1e-5
    for seed in range(3):
        assert export_network(arch_id, path, seed=seed, exporter="torchscript") <= 1e-5
    assert describe_model(path)[0][0].shape == (1, 3, 32, 32)


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    images = {"image": np.ones((1, 3, 8, 8), np.float32)}
    answers = []
    for run, seed in enumerate((0, 0, 1)):
        path = tmp_path / f"{run}.onnx"
        torch.manual_seed(run)  # the global state has no say
        export_network(MIXED, path, SMALL, seed=seed, exporter="torchscript")
        answers.append(open_session(path).run(None, images)[0])
    np.testing.assert_array_equal(answers[0], answers[1])
    assert np.abs(answers[0] - answers[2]).max() > 1e-4
    assert (tmp_path / "0.onnx").read_bytes() == (tmp_path / "1.onnx").read_bytes()


def test_the_global_random_state_is_untouched(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    export_network(NONE, tmp_path / "n.onnx", SMALL, exporter="torchscript")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("arch_id", [CONV, SKIP])
def test_initialised_logits_stay_in_range(arch_id: str) -> None:
    """Cells of skips alone multiply by four; without statistics the logits would be about 1e7."""
    config = NetworkConfig(channels=4)
    network = build_network(arch_id, config)
    initialise_weights(network, config.input_shape, seed=0)
    assert not network.training
    with torch.inference_mode():
        logits = network(torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    assert 1e-3 < logits.std() < 10
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}


def test_initialised_networks_compress_and_no_two_layers_are_equal(tmp_path: Path) -> None:
    """A runtime would merge equal layers with the same input."""
    path = tmp_path / "n.onnx"
    export_network("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|"
                   "nor_conv_3x3~1|nor_conv_3x3~2|", path, exporter="torchscript")  # fmt: skip
    content = path.read_bytes()
    assert len(zlib.compress(content)) < len(content) / 15
    weights = [
        numpy_helper.to_array(one).tobytes() for one in onnx.load(str(path)).graph.initializer
    ]
    large = [weight for weight in weights if len(weight) > 1000]
    assert len(large) == len(set(large)) == 1 + 15 * 6 + 2 * 3 + 1


def test_initialised_layers_have_the_deviation_of_their_kind() -> None:
    network = nn.Sequential(
        nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.Flatten(), nn.Linear(32, 9)
    )
    initialise_weights(network, (16, 3, 3), seed=0, batch=64)
    conv, norm, _, linear = network
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    assert isinstance(linear, nn.Linear)
    assert conv.weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.02)
    assert linear.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert linear.bias.abs().max() == 0
    rows = conv.weight.flatten(1)
    assert len({tuple(row.tolist()) for row in rows}) == 32, "no two channels are equal"
    assert norm.running_var is not None
    assert len(norm.running_var.unique()) == 1
    image = torch.randn(256, 16, 3, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        normalised = norm(conv(image))
    assert normalised.mean().abs() < 0.1
    assert 0.8 < normalised.std() < 1.2


@pytest.mark.parametrize("bad", ["", "|nor_conv_3x3~0|", CONV.replace("nor_conv", "conv")])
def test_unknown_architectures_leave_no_file(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ArchitectureError, match="not a NAS-Bench-201 architecture"):
        export_network(bad, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_unknown_spaces_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="nasbench201"):
        export_network(CONV, tmp_path / "x.onnx", space="nasbench2O1")


def test_a_network_that_fails_parity_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Changed(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image.flatten(1) + 1.0

    export = network_module.export_module

    def another(_module: nn.Module, *args: object, **options: object) -> None:
        export(nn.Flatten(), *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(network_module, "export_module", another)
    with pytest.raises(ParityError):
        export_image_network(Changed(), tmp_path / "x.onnx", (1, 2, 2), {}, exporter="torchscript")
    assert not list(tmp_path.iterdir())


def test_trained_networks_keep_their_metadata(tmp_path: Path) -> None:
    network = build_network(MIXED, SMALL)
    path = tmp_path / "trained.onnx"
    metadata = {"weights": "trained", "labels": json.dumps(["cat", "dog"])}
    export_image_network(network, path, SMALL.input_shape, metadata, exporter="torchscript")
    assert describe_model(path)[2] == {**metadata, "input_shape": "[1, 3, 8, 8]"}


def test_a_space_without_networks_leaves_no_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from brpnas.spaces import NasBench201, SearchSpace\n\n\n"
        "class Mine(NasBench201):\n    build = SearchSpace.build\n"
    )
    with pytest.raises(ConfigurationError, match=r"mine\.py' .*`build`"):
        export_network(CONV, tmp_path / "x.onnx", SMALL, space=str(mine))
    assert [file.name for file in tmp_path.iterdir()] == ["mine.py"]
