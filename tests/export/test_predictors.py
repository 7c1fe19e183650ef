from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from brpnas.errors import ParityError, SchemaError
from brpnas.export import describe_model, export_predictor, graph_feeds
from brpnas.export.parity import open_session
from brpnas.graphs import GraphBatch, View
from brpnas.predictors import (
    BinaryRelationPredictor,
    LatencyPredictor,
    MeasuredRows,
    TrainingConfig,
    fit_latency,
)
from tests.export.models import SmallGCN, sample_graphs
from tests.predictors.toys import cells, eager_ms, rows_of

CASES = [("gcn", "pruned"), ("gcn", "raw"), ("gin", "raw"), ("gat", "pruned")]


class SeesTheBatch(nn.Module):
    """Wrong for a predictor: one graph's answer depends on how many others come with it."""

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        return adj.sum((1, 2)) + (1.0 if len(ops) > 100 else 0.0)


def trained_latency(backbone: str, view: View) -> LatencyPredictor:
    rows = rows_of(60)
    train, valid = (MeasuredRows(part, eager_ms(part)) for part in (rows[:40], rows[40:]))
    config = TrainingConfig(backbone=backbone, hidden=8, layers=2, epochs=2)
    return fit_latency(cells(), train, valid, config, view=view, members=2)


def trained_relation(backbone: str, view: View) -> BinaryRelationPredictor:
    rows = rows_of(40)
    config = TrainingConfig(backbone=backbone, hidden=8, layers=2, epochs=2)
    predictor = BinaryRelationPredictor(config, members=2, view=view)
    predictor.fit(cells().view(view)[rows], eager_ms(rows) / 10, seed=0)
    return predictor


def answers(path: Path, graphs: GraphBatch) -> np.ndarray:
    feeds = {name: value.numpy() for name, value in graph_feeds(graphs).items()}
    return np.asarray(open_session(path).run(None, feeds)[0])


def test_graph_feeds() -> None:
    graphs = sample_graphs(5)
    feeds = graph_feeds(graphs)
    assert list(feeds) == ["ops", "adj"]
    assert (feeds["ops"].dtype, feeds["adj"].dtype) == (torch.int64, torch.float32)
    np.testing.assert_array_equal(feeds["ops"].numpy(), graphs.ops)
    np.testing.assert_array_equal(feeds["adj"].numpy(), graphs.adj)


def test_a_predictor_answers_as_torch_does(tmp_path: Path) -> None:
    graphs, path = sample_graphs(), tmp_path / "latency.onnx"
    module = SmallGCN(graphs.num_ops).eval()
    metadata = {"device": "edge-tpu", "view": "pruned", "unit": "ms"}
    assert export_predictor(module, path, graphs, "latency_ms", metadata) <= 1e-5
    inputs, outputs, read = describe_model(path)
    assert [spec.name for spec in (*inputs, *outputs)] == ["ops", "adj", "latency_ms"]
    assert read == {**metadata, "num_nodes": "9", "num_ops": "9"}
    feeds = graph_feeds(graphs)
    answer = open_session(path).run(None, {name: value.numpy() for name, value in feeds.items()})[0]
    with torch.inference_mode():
        expected = module(**feeds).numpy()
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    assert expected.std() > 0


@pytest.mark.parametrize(("backbone", "view"), CASES)
def test_latency_predictor_answers_in_ms_on_any_batch(
    tmp_path: Path, backbone: str, view: View
) -> None:
    predictor, path = trained_latency(backbone, view), tmp_path / "latency.onnx"
    graphs = cells().view(view)[:300]
    assert export_predictor(predictor.module(), path, graphs, "latency_ms") <= 1e-5
    predicted = predictor.predict(cells())
    assert predicted.std() > 0
    for size in (1, 7, 256):
        rows = rows_of(size, seed=size)
        found = answers(path, cells().view(view)[rows])
        assert found.shape == (size,)
        np.testing.assert_allclose(found, predicted[rows], rtol=1e-5)


@pytest.mark.parametrize(("backbone", "view"), CASES)
def test_relation_predictor_scores_on_any_batch(tmp_path: Path, backbone: str, view: View) -> None:
    predictor, path = trained_relation(backbone, view), tmp_path / "relation.onnx"
    graphs = cells().view(view)[:300]
    assert export_predictor(predictor.module(), path, graphs, "score") <= 1e-5
    scores = predictor.score(cells().view(view))
    assert scores.std() > 0
    for size in (1, 7, 256):
        rows = rows_of(size, seed=size)
        found = answers(path, cells().view(view)[rows])
        assert found.shape == (size,)
        np.testing.assert_allclose(found, scores[rows], rtol=1e-5, atol=1e-5)


def test_one_graph_is_enough(tmp_path: Path) -> None:
    graphs, path = sample_graphs(1), tmp_path / "score.onnx"
    export_predictor(SmallGCN(graphs.num_ops), path, graphs, "score", exporter="torchscript")
    assert path.exists()


def test_a_predictor_that_fails_parity_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"former")
    with pytest.raises(ParityError, match=r"bad\.onnx"):
        export_predictor(SeesTheBatch(), path, sample_graphs(), "y", exporter="torchscript")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.onnx"]
    assert path.read_bytes() == b"former"


def test_no_graphs_is_an_error(tmp_path: Path) -> None:
    graphs = sample_graphs()
    with pytest.raises(SchemaError, match="no graphs"):
        export_predictor(SmallGCN(graphs.num_ops), tmp_path / "x.onnx", graphs[:0], "y")
    assert not list(tmp_path.iterdir())
