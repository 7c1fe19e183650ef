from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, ParityError
from brpnas.graphs import SpaceGraphs
from pipelines.export.nodes import (
    collect_parity,
    export_found_network,
    export_latency,
    export_relation,
    write_model_card,
)

PARAMS = {"tolerance": 1e-5, "classes": 7, "image_size": 16, "seed": 0}
TRAIN: dict[str, Any] = {
    "device": "desktop-cpu-core-i7-7820x-fp32",
    "space": "nasbench201",
    "view": "raw",
    "members": 1,
    "rows": {"train": 9, "valid": 3, "test": 5},
}


class Linear(nn.Module):
    """A module with the interface of a predictor: (ops, adj) to one number a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.25))

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        return self.scale * (ops.float().sum(1) + adj.sum((1, 2)))


class Noisy(Linear):
    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        return super().forward(ops, adj) + torch.rand(1)


def predictor(module: nn.Module, view: str = "raw") -> Any:
    return SimpleNamespace(view=view, module=lambda: module)


@pytest.fixture
def result(small_graphs: SpaceGraphs) -> dict[str, Any]:
    return {
        "space": "nasbench201",
        "dataset": "cifar100",
        "constraints": ["latency_ms <= 5"],
        "sampler": "brp",
        "seed": 0,
        "queries": 10,
        "failed": 1,
        "chosen": {"arch_id": small_graphs.arch_ids[5], "test_accuracy": 0.7, "latency_ms": None},
    }


def answer(content: bytes, feeds: dict[str, Any]) -> Any:
    return ort.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, feeds)[0]


def test_predictors_answer_as_torch_on_any_batch(
    small_graphs: SpaceGraphs, result: dict[str, Any]
) -> None:
    module = Linear()
    latency, error = export_latency(predictor(module), small_graphs, TRAIN, PARAMS)
    assert 0 <= error <= 1e-5
    batch = small_graphs.view("raw")[:3]
    feeds = {"ops": batch.ops.astype(np.int64), "adj": batch.adj.astype(np.float32)}
    expected = module(*(torch.from_numpy(value) for value in feeds.values())).detach().numpy()
    np.testing.assert_allclose(answer(latency, feeds), expected, rtol=1e-5)
    relation, _ = export_relation(predictor(module, "pruned"), small_graphs, result, PARAMS)
    assert answer(relation, feeds).shape == (3,)


def test_a_file_that_answers_otherwise_is_refused(small_graphs: SpaceGraphs) -> None:
    with pytest.raises(ParityError):
        export_latency(predictor(Noisy()), small_graphs, TRAIN, PARAMS)


@pytest.mark.slow
def test_network_has_the_configured_sizes_and_the_card_tells_all(
    small_graphs: SpaceGraphs, result: dict[str, Any]
) -> None:
    network, error = export_found_network(result, small_graphs, PARAMS)
    assert error <= 1e-5
    assert answer(network, {"image": np.zeros((1, 3, 16, 16), np.float32)}).shape == (1, 7)
    module = Linear()
    latency, _ = export_latency(predictor(module), small_graphs, TRAIN, PARAMS)
    relation, _ = export_relation(predictor(module, "pruned"), small_graphs, result, PARAMS)
    ingest = {"sources": {TRAIN["device"]: {}, "nasbench201-valid-cifar100": {}, "gone": {}}}
    metrics = {"latency": {"within_10": 0.97}}
    card = write_model_card(latency, relation, network, TRAIN, result, metrics, ingest)
    assert card.count("\n---\n\n# ") == 2
    for text in (TRAIN["device"], "within_10 (test)", "0.97", "9 answers", "not trained"):
        assert text in card
    assert "NeurIPS 2020" in card, "cites the benchmark of the device"


def test_parity_holds_all_files_and_the_tolerance() -> None:
    assert collect_parity(1e-7, 2e-7, 3e-7, PARAMS) == {
        "latency": 1e-7,
        "relation": 2e-7,
        "network": 3e-7,
        "tolerance": 1e-5,
    }


def test_parameters_are_checked(small_graphs: SpaceGraphs) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'tolerance'"):
        export_latency(predictor(Linear()), small_graphs, TRAIN, PARAMS | {"tolerence": 1})
