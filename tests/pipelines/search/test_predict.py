"""Metrics of architectures that no table lists."""

from __future__ import annotations

import pickle

import numpy as np

from brpnas.datasets import list_architectures
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import LatencyPredictor
from brpnas.spaces import get_space
from pipelines.search.predict import PredictedMetrics


def test_they_are_those_that_ingest_and_train_have_worked_out(
    predictor: LatencyPredictor, small_graphs: SpaceGraphs
) -> None:
    found = PredictedMetrics("nasbench201", predictor)(small_graphs.arch_ids)
    listed = list_architectures(small_graphs.arch_ids).set_index("arch_id")
    listed = listed.loc[list(small_graphs.arch_ids)]
    np.testing.assert_allclose(found["latency_ms"], predictor.predict(small_graphs), rtol=1e-6)
    for name in ("params_m", "flops_m"):
        np.testing.assert_array_equal(found[name], listed[name])


def test_it_goes_to_other_processes(predictor: LatencyPredictor) -> None:
    cells = get_space("nasbench201").sample(np.random.default_rng(0), 9)
    metrics = PredictedMetrics("nasbench201", predictor)
    there = pickle.loads(pickle.dumps(metrics))(cells)
    np.testing.assert_allclose(there["latency_ms"], metrics(cells)["latency_ms"], rtol=1e-6)
