from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from brpnas.errors import MeasurementError
from brpnas.export import initialise_weights
from brpnas.measure import runner
from brpnas.measure.artifacts import make_artifact
from brpnas.measure.runtimes import OnnxRuntime, Runtime, TorchEager
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.build import build_network
from tests.measure.small import NETWORK

ALL = [
    OnnxRuntime(),
    OnnxRuntime(precision="int8"),
    TorchEager(),
    OnnxRuntime(2),
    TorchEager(2),
]
SHAPE = (2, *NETWORK.input_shape)


def network(arch_id: str) -> nn.Module:
    built = build_network(arch_id, NETWORK)
    initialise_weights(built, NETWORK.input_shape, seed=0)
    return built


def answer(runtime: Runtime, module: nn.Module, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the runtime's files, and of torch."""
    made = make_artifact("x", module, SHAPE, runtime, folder)
    image = runner.seeded_image(SHAPE, 0)
    files = [str(folder / file.file) for file in made.files]
    settings = (runtime.threads, runtime.provider, runtime.precision)
    run = runner.SOFTWARE[runtime.name].load(files, image, *settings)
    assert made.answer is not None
    return run(), np.array(made.answer.values).reshape(made.answer.shape)


@pytest.mark.parametrize("runtime", ALL, ids=str)
@pytest.mark.parametrize("codes", [(3, 2, 4, 1, 0, 3), (0,) * 6, (1,) * 6])
def test_files_compute_what_torch_computes(
    runtime: Runtime, codes: tuple[int, ...], tmp_path: Path
) -> None:
    logits, expected = answer(runtime, network(to_string(codes)), tmp_path)
    assert logits.shape == expected.shape == (2, NETWORK.classes)
    if runtime.tolerance is not None:
        assert np.abs(logits - expected).max() <= runtime.tolerance * np.abs(expected).max()


@pytest.mark.parametrize("runtime", [OnnxRuntime(), TorchEager()], ids=str)
def test_a_network_without_numbers_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x - x.mean()) / (x * 0.0)

    with pytest.raises(MeasurementError, match="NaN or infinity"):
        make_artifact("x", Broken(), SHAPE, runtime, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("runtime", ALL, ids=str)
def test_runtimes_can_go_to_another_machine(runtime: Runtime) -> None:
    assert pickle.loads(pickle.dumps(runtime)) == runtime
    assert runtime.executes_dead_ops == (runtime.name == "torch")
