"""Both kinds of latency predictor can do the same, and are read by one function."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from brpnas.errors import SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricModel, PairwiseRanker, fit_metric, load_predictor
from brpnas.predictors.tensors import to_tensors
from brpnas.predictors.transfer import fit_device
from tests.predictors.toys import TINY, cells, some, split
from tests.predictors.transfer.toys import QUICK, measured, prior

SOME = SpaceGraphs(
    "nasbench201",
    cells().arch_ids[:40],
    {name: batch[np.arange(40)] for name, batch in cells().views.items()},
)


@cache
def trained() -> MetricModel:
    train, valid, _ = split(60, 20)
    return fit_metric(cells(), train, valid, TINY, members=1)


@cache
def adapted() -> MetricModel:
    return fit_device(cells(), measured("eager-new", 10), prior(), QUICK)


@pytest.mark.parametrize("make", [trained, adapted])
class TestBoth:
    def test_predict_every_architecture(self, make) -> None:
        model = make()
        predicted = model.predict(SOME)
        assert (predicted.shape, predicted.dtype) == ((40,), np.float64)
        deviations = model.deviations(SOME)
        assert deviations is None or (deviations > 0).all()

    def test_the_module_takes_their_views(self, make) -> None:
        model = make()
        inputs = [x for view in model.views for x in to_tensors(SOME.view(view))]
        with torch.inference_mode():
            said = model.module()(*inputs)
        first = said if isinstance(said, torch.Tensor) else said[0]
        np.testing.assert_allclose(first.numpy(), model.predict(SOME), rtol=1e-4)

    def test_one_function_reads_them(self, make, tmp_path: Path) -> None:
        make().save(tmp_path / "p.safetensors")
        loaded = load_predictor(tmp_path / "p.safetensors")
        assert type(loaded) is type(make())
        assert (loaded.digest(), loaded.view) == (make().digest(), make().view)
        np.testing.assert_array_equal(loaded.predict(SOME), make().predict(SOME))


def test_a_predictor_of_accuracy_is_none(tmp_path: Path) -> None:
    ranker = PairwiseRanker(TINY, 1, "pruned")
    ranker.fit(some("pruned", 8), np.linspace(0, 1, 8), 0)
    ranker.save(tmp_path / "ranker.safetensors")
    with pytest.raises(SchemaError, match=r"ranker\.safetensors .*'pairwise_ranker'"):
        load_predictor(tmp_path / "ranker.safetensors")
