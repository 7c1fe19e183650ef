from __future__ import annotations

import pickle

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from brpnas.errors import ConfigurationError, ParityError, UnknownNameError
from brpnas.export import initialise_weights
from brpnas.measure.runtimes import OnnxRuntime, Runtime, TorchEager, get_runtime
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.build import build_network
from tests.measure.small import NETWORK

ALL = [OnnxRuntime(), OnnxRuntime(quantised=True), TorchEager(), OnnxRuntime(2), TorchEager(2)]
IMAGES = torch.randn(2, *NETWORK.input_shape, generator=torch.Generator().manual_seed(0))


def network(arch_id: str) -> nn.Module:
    built = build_network(arch_id, NETWORK)
    initialise_weights(built, NETWORK.input_shape, seed=0)
    return built


@pytest.mark.parametrize("runtime", ALL, ids=str)
@pytest.mark.parametrize("codes", [(3, 2, 4, 1, 0, 3), (0,) * 6, (1,) * 6])
def test_networks_run_in_every_runtime(runtime: Runtime, codes: tuple[int, ...]) -> None:
    module = network(to_string(codes))
    threads = torch.get_num_threads()
    with runtime.loaded(module, IMAGES) as run:
        run()
        run()
    assert torch.get_num_threads() == threads


def test_onnx_runs_what_torch_computes() -> None:
    module = network(to_string((3, 2, 4, 1, 0, 3)))
    with OnnxRuntime().loaded(module, IMAGES) as run, torch.inference_mode():
        (answer,) = run()  # type: ignore[misc]
        np.testing.assert_allclose(answer, module(IMAGES).numpy(), atol=1e-5)


def test_eager_executes_what_the_module_holds() -> None:
    calls = []

    class Counted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            calls.append((torch.is_inference_mode_enabled(), torch.get_num_threads()))
            return x

    with TorchEager().loaded(Counted(), IMAGES) as run:
        before = len(calls)
        run()
    assert calls[before:] == [(True, 1)]


@pytest.mark.parametrize("runtime", [OnnxRuntime(), TorchEager()], ids=str)
def test_a_network_without_numbers_is_refused(runtime: Runtime) -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x - x.mean()) / (x * 0.0)

    with pytest.raises(ParityError, match="NaN or infinity"), runtime.loaded(Broken(), IMAGES):
        pass


def test_missing_providers_and_devices_are_named() -> None:
    with pytest.raises(UnknownNameError, match=r"'FooExecutionProvider'.*CPUExecutionProvider"):
        get_runtime("onnxruntime", target="Foo").check()
    with pytest.raises(UnknownNameError, match="Known: cpu"):
        get_runtime("torch", target="cuda:77").check()


def test_a_provider_that_only_claims_to_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime itself would go on with the CPU."""
    available = ort.get_available_providers()
    if "CUDAExecutionProvider" in available:
        pytest.skip("this machine has a GPU for ONNX Runtime")
    monkeypatch.setattr(
        ort, "get_available_providers", lambda: [*available, "CUDAExecutionProvider"]
    )
    runtime = get_runtime("onnxruntime", target="CUDA")
    with (
        pytest.raises((UnknownNameError, ValueError), match="CUDAExecutionProvider"),
        runtime.loaded(network(to_string((1,) * 6)), IMAGES),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "options"),
    [("onnx", {}), ("onnxruntime", {"precision": "fp8"}), ("torch", {"precision": "int8"})],
)
def test_unknown_names(name: str, options: dict[str, str]) -> None:
    with pytest.raises(UnknownNameError):
        get_runtime(name, **options)  # type: ignore[arg-type]


def test_threads_are_positive() -> None:
    with pytest.raises(ConfigurationError, match="threads"):
        get_runtime("torch", threads=0)


@pytest.mark.parametrize("runtime", ALL, ids=str)
def test_runtimes_can_go_to_another_machine(runtime: Runtime) -> None:
    assert pickle.loads(pickle.dumps(runtime)) == runtime
    assert not runtime.on_gpu
    assert runtime.executes_dead_ops == (runtime.name == "torch")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_eager_on_a_gpu() -> None:
    with TorchEager(device="cuda").loaded(network(to_string((3,) * 6)), IMAGES) as run:
        run()
