"""The rankers and samplers compared in benchmarks."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rankers import UnaryRanker, make_sampler_of, search_settings
from brpnas.metrics import kendall
from brpnas.predictors import HybridRanker, PairwiseRanker, TrainingConfig
from brpnas.search.samplers import BRPSampler, EvolutionSampler, ReevaluateLeaders
from brpnas.spaces import get_space

SPACE = get_space("nasbench201")
CELLS = SPACE.sample(np.random.default_rng(0), 90)
GRAPHS = SPACE.encode(CELLS, "raw")
CONVOLUTIONS = np.array([cell.count("nor_conv_3x3") for cell in CELLS], float)


def test_unary_ranker_orders_unseen_cells() -> None:
    ranker = UnaryRanker(TrainingConfig(hidden=16, layers=2, epochs=40))
    ranker.fit(GRAPHS[:60], 0.5 + 0.01 * CONVOLUTIONS[:60], 0)
    assert kendall(ranker.score(GRAPHS[60:]), CONVOLUTIONS[60:]) > 0.6


def test_unary_ranker_stands_equal_accuracies() -> None:
    ranker = UnaryRanker(TrainingConfig(hidden=8, layers=1, epochs=1))
    ranker.fit(GRAPHS[:5], np.full(5, 0.9), 0)
    assert np.isfinite(ranker.score(GRAPHS[5:8])).all()


def test_settings_are_those_that_ship_with_changes() -> None:
    shipped = search_settings()
    assert not {"budget", "seed", "workers"} & set(shipped)
    assert search_settings(rounds=3) == shipped | {"rounds": 3}
    assert search_settings("darts")["exploit_fraction"] == 0.8 != shipped["exploit_fraction"]


def test_sampler_of_a_task_has_its_settings() -> None:
    sampler = make_sampler_of(
        {"sampler": "brp", "config": search_settings(rounds=7, reevaluations=0)}
    )
    assert isinstance(sampler, BRPSampler)
    assert sampler.rounds == 7
    assert sampler.flops_prior == search_settings()["flops_prior"] > 0
    assert isinstance(sampler.make_ranker(), HybridRanker)
    alone = search_settings(ranker={**search_settings()["ranker"], "paths": False})
    plain = make_sampler_of({"sampler": "brp", "config": alone})
    assert isinstance(plain, BRPSampler)
    assert isinstance(plain.make_ranker(), PairwiseRanker)
    config = search_settings(reevaluations=3, rounds=2, exploit_fraction=1.0)
    repeated = make_sampler_of({"sampler": "brp", "config": config, "ranker": "unary"})
    assert isinstance(repeated, ReevaluateLeaders)
    inner = repeated.inner
    assert isinstance(inner, BRPSampler)
    assert (repeated.count, inner.exploit_fraction) == (3, 1.0)
    unary = inner.make_ranker()
    assert isinstance(unary, UnaryRanker)
    assert unary.config.hidden == config["ranker"]["hidden"]


@pytest.mark.parametrize("name", ["evolution", "random"])
def test_baselines_need_no_settings(name: str) -> None:
    sampler = make_sampler_of({"sampler": name})
    assert sampler.describe()["name"] == name
    assert isinstance(sampler, EvolutionSampler) == (name == "evolution")
