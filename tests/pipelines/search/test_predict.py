"""Metrics of architectures that no table lists."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np

from brpnas.datasets import list_architectures
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor
from brpnas.predictors.transfer import fit_device
from brpnas.spaces import get_space
from pipelines.search.predict import PredictedMetrics
from tests.pipelines.toys import SMALL
from tests.predictors.toys import cells
from tests.predictors.transfer.toys import QUICK, measured, prior


def test_they_are_those_that_ingest_and_train_have_worked_out(
    predictor: MetricPredictor, small_graphs: SpaceGraphs
) -> None:
    found = PredictedMetrics("nasbench201", {"latency_ms": predictor}, SMALL)(small_graphs.arch_ids)
    listed = list_architectures(small_graphs.arch_ids, network=SMALL).set_index("arch_id")
    listed = listed.loc[list(small_graphs.arch_ids)]
    np.testing.assert_allclose(found["latency_ms"], predictor.predict(small_graphs), rtol=1e-6)
    for name in ("params_m", "flops_m"):
        np.testing.assert_array_equal(found[name], listed[name])


def test_it_goes_to_other_processes(predictor: MetricPredictor) -> None:
    cells = get_space("nasbench201").sample(np.random.default_rng(0), 9)
    metrics = PredictedMetrics("nasbench201", {"latency_ms": predictor}, SMALL)
    there = pickle.loads(pickle.dumps(metrics))(cells)
    np.testing.assert_allclose(there["latency_ms"], metrics(cells)["latency_ms"], rtol=1e-6)


def test_each_predictor_gets_the_views_that_it_reads(
    small_graphs: SpaceGraphs, predictor: MetricPredictor
) -> None:
    one = replace(predictor, metric="energy_mj")
    adapted = fit_device(cells(), measured("eager-new", 10), prior(), QUICK)
    found = PredictedMetrics("nasbench201", {"latency_ms": adapted, "energy_mj": one}, SMALL)(
        small_graphs.arch_ids
    )
    np.testing.assert_allclose(found["latency_ms"], adapted.predict(small_graphs), rtol=1e-9)
    np.testing.assert_allclose(found["energy_mj"], predictor.predict(small_graphs), rtol=1e-6)
