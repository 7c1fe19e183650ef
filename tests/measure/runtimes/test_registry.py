from __future__ import annotations

import pytest

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.measure import runner
from brpnas.measure.runtimes import RUNTIMES, get_runtime


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


def test_every_runtime_has_a_loader() -> None:
    assert RUNTIMES.keys() == runner.SOFTWARE.keys()
    for name, kind in RUNTIMES.items():
        assert kind.name == name
        assert kind().provider == kind.cpu
        assert not runner.on_gpu(kind.cpu)
    assert runner.on_gpu("CUDAExecutionProvider")
    assert runner.on_gpu("cuda:1")
