from __future__ import annotations

import pickle
import sys
from collections import Counter

import numpy as np
import pytest
import scipy.stats

from brpnas.spaces import FbNet, size_of
from brpnas.testing import SearchSpaceContract
from tests.spaces.fbnet.examples import FBNET_C, chain_of


class TestContract(SearchSpaceContract):
    name = "fbnet"
    size = 9**22
    neighbours = 22 * 8


@pytest.fixture
def space():
    return FbNet()


def test_there_are_more_than_len_can_tell(space):
    assert size_of(space) == 984_770_902_183_611_232_881 > sys.maxsize
    with pytest.raises(OverflowError):
        len(space)


def test_sample_is_uniform_over_the_blocks_of_every_layer(space):
    codes = space.codes(space.sample(np.random.default_rng(4), 6000))
    for layer in range(22):
        counts = np.bincount(codes[:, layer], minlength=9)
        assert len(counts) == 9
        assert scipy.stats.chisquare(counts).pvalue > 0.0005


def test_sample_draws_nothing_twice_where_draws_collide(space, monkeypatch):
    monkeypatch.setattr("brpnas.spaces.fbnet.space.BLOCKS", ("k3_e1",) * 2)
    monkeypatch.setattr("brpnas.spaces.fbnet.space.LAYERS", 4)
    drawn = space.sample(np.random.default_rng(0), 16)
    assert len(set(drawn)) == 16


def test_mutate_changes_one_layer(space, rng_sample):
    rng = np.random.default_rng(5)
    for parent in rng_sample:
        before, after = space.codes([parent, space.mutate(parent, rng)])
        assert (before != after).sum() == 1


def test_recombine_takes_each_layer_from_either(space):
    first, second = chain_of("k3_e1"), chain_of("skip")
    rng = np.random.default_rng(0)
    children = [space.recombine(first, second, rng).split("-") for _ in range(2000)]
    assert {block for child in children for block in child} == {"k3_e1", "skip"}
    for place in range(22):
        share = Counter(child[place] for child in children)["skip"] / len(children)
        assert share == pytest.approx(0.5, abs=0.05)


def test_isomorphism_ids_are_of_architectures(space, rng_sample):
    ids = space.isomorphism_ids([FBNET_C, *rng_sample])
    assert ids[0] == FBNET_C.replace("k3_e6-skip-k3_e1-k3_e1", "k3_e6-k3_e1-k3_e1-skip")
    assert [space.canonical(name) for name in ids] == ids
    assert space.isomorphism_ids(ids) == ids


def test_costs_are_of_the_published_network(space):
    (params,), (flops,) = space.cost([FBNET_C])
    assert params.dtype == flops.dtype == np.float64
    assert space.published.size == (
        "channels=16 cells_per_stage=4 stages=7 input_shape=3x32x32 classes=100"
    )
    assert 3 < params / 1e6 < 6


def test_it_is_pickled_by_name(space):
    assert type(pickle.loads(pickle.dumps(space))) is FbNet
