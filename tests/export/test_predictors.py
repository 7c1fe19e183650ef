from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from brpnas.errors import ParityError, SchemaError
from brpnas.export import describe_model, export_predictor, graph_feeds
from brpnas.export.onnx import Exporter
from brpnas.export.parity import open_session
from brpnas.export.predictors import export_device_predictor
from brpnas.graphs import DEVICE_VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.predictors import (
    MeasuredRows,
    MetricPredictor,
    PairwiseRanker,
    TrainingConfig,
    fit_metric,
)
from brpnas.predictors.transfer import DevicePredictor, fit_device
from brpnas.predictors.transfer.folds import FoldNetworks, fit_folds
from brpnas.serving import OnnxPredictor
from tests.export.models import SmallGCN, sample_graphs
from tests.predictors.toys import cells, eager_ms, rows_of
from tests.predictors.transfer.toys import QUICK, both, measured, prior
from tests.seeds import first_of

CASES = [("gcn", "pruned"), ("gcn", "raw"), ("gin", "raw"), ("gat", "pruned")]
every_exporter = pytest.mark.parametrize(
    ("backbone", "view", "exporter"),
    [
        (*CASES[0], "dynamo"),
        *((*case, "torchscript") for case in CASES[1:]),
        *(pytest.param(*case, "dynamo", marks=pytest.mark.slow) for case in CASES[1:]),
    ],
)


class SeesTheBatch(nn.Module):
    """Wrong for a predictor: one graph's answer depends on how many others come with it."""

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        return adj.sum((1, 2)) + (1.0 if len(ops) > 100 else 0.0)


def trained_latency(backbone: str, view: View) -> MetricPredictor:
    rows = rows_of(60)
    train, valid = (MeasuredRows(part, eager_ms(part)) for part in (rows[:40], rows[40:]))
    config = TrainingConfig(backbone=backbone, hidden=8, layers=2, epochs=2)
    return fit_metric(cells(), train, valid, config, view=view, members=2)


def trained_ranker(backbone: str, view: View) -> PairwiseRanker:
    rows = rows_of(40)
    config = TrainingConfig(backbone=backbone, hidden=8, layers=2, epochs=2)
    predictor = PairwiseRanker(config, members=2, view=view)
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


@every_exporter
def test_latency_predictor_answers_in_ms_on_any_batch(
    tmp_path: Path, backbone: str, view: View, exporter: Exporter
) -> None:
    predictor, path = trained_latency(backbone, view), tmp_path / "latency.onnx"
    graphs = cells().view(view)[:300]
    error = export_predictor(predictor.module(), path, graphs, "latency_ms", exporter=exporter)
    assert error <= 1e-5
    predicted = predictor.predict(cells())
    assert predicted.std() > 0
    for size in (1, 7, 256):
        rows = rows_of(size, seed=size)
        found = answers(path, cells().view(view)[rows])
        assert found.shape == (size,)
        np.testing.assert_allclose(found, predicted[rows], rtol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "view", "exporter"),
    first_of([(*CASES[0], "torchscript"), *((*case, "dynamo") for case in CASES)]),
)
def test_a_ranker_scores_on_any_batch(
    tmp_path: Path, backbone: str, view: View, exporter: Exporter
) -> None:
    predictor, path = trained_ranker(backbone, view), tmp_path / "ranker.onnx"
    graphs = cells().view(view)[:300]
    error = export_predictor(predictor.module(), path, graphs, "score", exporter=exporter)
    assert error <= 1e-5
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


class Intervals(nn.Module):
    """Latency and bounds by counts of operations in both views."""

    def __init__(self, by_size: bool = False) -> None:
        super().__init__()
        self.by_size = by_size

    def forward(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, raw_adj: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        latency = pruned_adj.sum((1, 2)) + 100.0 * raw_adj.sum((1, 2))
        latency = latency + (pruned_ops == 7).sum(1) + 0.01 * (raw_ops == 7).sum(1)
        width = 1.0 if self.by_size and len(raw_ops) > 100 else 0.5
        return latency, latency - width, latency + 2 * width


def few(count: int = 40) -> SpaceGraphs:
    """Some cells in both views."""
    rows = rows_of(count)
    return SpaceGraphs("nasbench201", tuple(cells().arch_ids[row] for row in rows), both(rows))


def adapted(ways: str) -> DevicePredictor:
    """Adapted to a made-up device: by the process alone, or with networks."""
    if ways == "process":
        return fit_device(cells(), measured("eager-new", 20), prior(), QUICK)
    found = fit_device(cells(), measured("eager-new", 30), prior(), QUICK)
    networks = device_networks(found)
    return replace(found, networks=networks, weight=0.5 if ways == "both" else 1.0)


def device_networks(found: DevicePredictor) -> FoldNetworks:
    rows = measured("eager-new", 30)
    batch = cells().view(found.view)[rows.rows]
    return fit_folds(batch, np.log(rows.values), QUICK.network, 2)


class TestDevicePredictor:
    """Predictors with intervals and both views."""

    def test_inputs_and_outputs_are_named(self, tmp_path: Path) -> None:
        path, graphs = tmp_path / "device.onnx", few()
        metadata = {"device": "a board", "coverage": "0.9"}
        error = export_device_predictor(Intervals(), path, graphs, metadata, exporter="torchscript")
        assert error <= 1e-5
        inputs, outputs, read = describe_model(path)
        assert [x.name for x in inputs] == [
            f"{view}_{x}" for view in DEVICE_VIEWS for x in ("ops", "adj")
        ]
        assert [x.name for x in outputs] == ["latency_ms", "lower_ms", "upper_ms"]
        described = {"space": "nasbench201", "view": "both", "num_nodes": "9", "num_ops": "9"}
        assert read == {**metadata, **described}

    def test_views_are_not_mixed_up(self, tmp_path: Path) -> None:
        path, graphs = tmp_path / "device.onnx", few()
        export_device_predictor(Intervals(), path, graphs, exporter="torchscript")
        found = OnnxPredictor(path).predict(graphs.arch_ids)
        pruned, raw = graphs.view("pruned"), graphs.view("raw")
        expected = pruned.adj.sum((1, 2)) + 100.0 * raw.adj.sum((1, 2))
        expected = expected + (pruned.ops == 7).sum(1) + 0.01 * (raw.ops == 7).sum(1)
        np.testing.assert_allclose(found["latency_ms"], expected, rtol=1e-6)
        np.testing.assert_allclose(found["lower_ms"], expected - 0.5, rtol=1e-6)
        np.testing.assert_allclose(found["upper_ms"], expected + 1, rtol=1e-6)

    @pytest.mark.parametrize(
        ("ways", "exporter"),
        [
            ("process", "torchscript"),
            ("both", "torchscript"),
            ("network", "torchscript"),
            pytest.param("process", "dynamo", marks=pytest.mark.slow),
            pytest.param("both", "dynamo", marks=pytest.mark.slow),
        ],
    )
    def test_is_served_as_it_predicts(self, tmp_path: Path, ways: str, exporter: Exporter) -> None:
        predictor, path = adapted(ways), tmp_path / "device.onnx"
        error = export_device_predictor(predictor.module(), path, few(300), exporter=exporter)
        assert error <= 1e-5
        served, expected = OnnxPredictor(path), predictor.intervals(few(300))
        assert served.has_intervals
        assert (served.value, served.space.name) == ("latency_ms", "nasbench201")
        columns = ["latency_ms", "lower_ms", "upper_ms"]
        together = served.predict(few(300).arch_ids)
        assert tuple(together["arch_id"]) == few(300).arch_ids
        np.testing.assert_allclose(together[columns], expected, rtol=1e-5)
        for row in range(5):
            alone = served.predict([few(300).arch_ids[row]])
            np.testing.assert_allclose(
                alone[columns].to_numpy(), expected[row : row + 1], rtol=1e-5
            )
        assert expected.std(axis=0).min() > 0

    def test_one_that_sees_the_batch_is_not_written(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.onnx"
        with pytest.raises(ParityError, match=r"bad\.onnx"):
            export_device_predictor(Intervals(True), path, few(), exporter="torchscript")
        assert not list(tmp_path.iterdir())

    def test_no_graphs_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match="no graphs"):
            export_device_predictor(Intervals(), tmp_path / "x.onnx", few(0))
        assert not list(tmp_path.iterdir())
