from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from brpnas.export import (
    OPSET,
    Exporter,
    describe_model,
    export_module,
    graph_feeds,
)
from brpnas.export.onnx import frozen_copy
from brpnas.export.parity import check_parity, open_session
from tests.export.models import SmallGCN, sample_graphs

EXPORTERS: tuple[Exporter, ...] = ("dynamo", "torchscript")
METADATA = {"view": "pruned", "device": "desktop-cpu", "note": "µs, |x|"}


@pytest.fixture(scope="module")
def module() -> SmallGCN:
    return SmallGCN(sample_graphs().num_ops)


@pytest.fixture(scope="module")
def files(module: SmallGCN, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Exporter], Path]:
    """The file of the module by an exporter, in a folder of its own; written once."""

    @cache
    def file(exporter: Exporter) -> Path:
        path = tmp_path_factory.mktemp(exporter) / "gcn.onnx"
        export_module(
            module,
            path,
            graph_feeds(sample_graphs(1)),
            "latency_ms",
            metadata=METADATA,
            exporter=exporter,
        )
        return path

    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallGCN, Path]:
    """A module in training mode but for its norm, and its file."""
    module, path = SmallGCN(9).train(), tmp_path_factory.mktemp("trained") / "gcn.onnx"
    module.norm.eval()
    export_module(module, path, graph_feeds(sample_graphs()), "y")
    return module, path


class Unexportable(nn.Module):
    """Fails when torch runs it to record it."""

    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("exporter-7")


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_interface_of_the_file(files: Callable[[Exporter], Path], exporter: Exporter) -> None:
    path = files(exporter)
    inputs, outputs, read = describe_model(path)
    assert [(i.name, i.dtype, i.shape) for i in inputs] == [
        ("ops", "int64", ("batch", 9)),
        ("adj", "float32", ("batch", 9, 9)),
    ]
    assert [(o.name, o.dtype, o.shape) for o in outputs] == [("latency_ms", "float32", ("batch",))]
    assert read == METADATA
    model = onnx.load(path)
    assert [entry.version for entry in model.opset_import if not entry.domain] == [OPSET]
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import) == 8


class Products(nn.Module):
    """Reads one weight transposed, and another both ways."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.once = nn.Parameter(torch.randn(4, 3, dtype=torch.float64, generator=generator))
        self.twice = nn.Parameter(torch.randn(4, 4, dtype=torch.float64, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        y = x.double() @ self.once.T
        return y @ self.twice.T + y @ self.twice


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_weights_in_float64_are_stored_as_they_are_read(tmp_path: Path, exporter: Exporter) -> None:
    """Older runtimes have no product in float64 that transposes one of its sides."""
    path = tmp_path / "products.onnx"
    module = Products()
    export_module(module, path, {"x": torch.ones(2, 3)}, "y", exporter=exporter)
    graph = onnx.load(path).graph
    assert (3, 4) in {tuple(weight.dims) for weight in graph.initializer}
    assert (4, 3) not in {tuple(weight.dims) for weight in graph.initializer}
    assert check_parity(module, path, [{"x": torch.randn(5, 3)}]) < 1e-9


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_batch_is_open(files: Callable[[Exporter], Path], exporter: Exporter) -> None:
    session = open_session(files(exporter))
    for size in (1, 2, 40):
        feeds = {name: value.numpy() for name, value in graph_feeds(sample_graphs(size)).items()}
        assert session.run(["latency_ms"], feeds)[0].shape == (size,)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_batch_can_be_fixed(module: SmallGCN, tmp_path: Path, exporter: Exporter) -> None:
    path = tmp_path / "gcn.onnx"
    feeds = graph_feeds(sample_graphs(3))
    export_module(module, path, feeds, "y", dynamic_batch=False, exporter=exporter)
    inputs, outputs, _ = describe_model(path)
    assert [spec.shape for spec in (*inputs, *outputs)] == [(3, 9), (3, 9, 9), (3,)]


def test_the_file_is_self_contained(files: Callable[[Exporter], Path]) -> None:
    """One file, and nothing in it about the machine that wrote it."""
    path = files("dynamo")
    assert [p.name for p in path.parent.iterdir()] == ["gcn.onnx"]
    assert str(Path(__file__).parents[2]).encode() not in path.read_bytes()
    assert not any(t.external_data for t in onnx.load(path).graph.initializer)


def test_the_same_weights_give_the_same_bytes(
    module: SmallGCN, files: Callable[[Exporter], Path], tmp_path: Path
) -> None:
    again = tmp_path / "again.onnx"
    export_module(module, again, graph_feeds(sample_graphs()), "latency_ms", metadata=METADATA)
    assert again.read_bytes() == files("dynamo").read_bytes()


def test_the_module_is_left_as_it_was(trained: tuple[SmallGCN, Path]) -> None:
    module, _ = trained
    assert module.training
    assert not module.norm.training
    assert all(p.requires_grad and p.grad is None for p in module.parameters())


def test_training_behaviour_is_not_exported(trained: tuple[SmallGCN, Path]) -> None:
    operators = {node.op_type for node in onnx.load(trained[1]).graph.node}
    assert "Dropout" not in operators


@pytest.mark.parametrize("before", [None, b"the former model"])
def test_a_failing_export_leaves_no_trace(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "model.onnx"
    if before:
        path.write_bytes(before)
    with pytest.raises(Exception, match="exporter-7"):
        export_module(Unexportable(), path, {"x": torch.zeros(2, 3)}, "y")
    assert [p.name for p in tmp_path.iterdir()] == (["model.onnx"] if before else [])
    assert not before or path.read_bytes() == before


def test_an_invalid_model_is_not_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_module: object, _args: object, file: str, **_options: object) -> None:
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("NoSuchOp", ["x"], ["y"])], "g", [], []
        )
        onnx.save(onnx.helper.make_model(graph), file)

    monkeypatch.setattr(torch.onnx, "export", broken)
    with pytest.raises(onnx.checker.ValidationError):
        export_module(nn.Identity(), tmp_path / "m.onnx", {"x": torch.zeros(2, 3)}, "y")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_exporting_is_quiet(
    module: SmallGCN, tmp_path: Path, capfd: pytest.CaptureFixture[str], exporter: Exporter
) -> None:
    level = logging.getLogger("torch.onnx").level
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_module(
            module, tmp_path / "m.onnx", graph_feeds(sample_graphs()), "y", exporter=exporter
        )
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert logging.getLogger("torch.onnx").level == level


def test_frozen_copy_shares_no_weights() -> None:
    module = nn.Linear(2, 2).train()
    frozen = frozen_copy(module)
    assert not frozen.training
    with torch.no_grad():
        module.weight.zero_()
    assert frozen.weight.abs().sum() > 0  # type: ignore[union-attr,operator]
