"""Arithmetic against built networks, counted by hooks, and against a layer-by-layer count."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from brpnas.spaces import FbNet, NetworkConfig
from brpnas.spaces.fbnet.build import build_network
from brpnas.spaces.fbnet.plan import PUBLISHED
from tests.spaces.counted import counted
from tests.spaces.fbnet.examples import FBNET_C, chain_of
from tests.spaces.fbnet.slow import by_hand

SIZES = [
    PUBLISHED,
    NetworkConfig(8, 4, 7, (1, 8, 8), 10),
    NetworkConfig(5, 4, 7, (2, 9, 7), 3),
    NetworkConfig(3, 4, 7, (3, 64, 71), 4),
    NetworkConfig(4, 4, 7, (3, 128, 129), 2),
    NetworkConfig(1, 4, 7, (3, 32, 32), 2),
]


@pytest.mark.parametrize("config", SIZES, ids=lambda config: config.size)
def test_equals_what_built_networks_hold_and_do(rng_sample, config):
    arch_ids = [FBNET_C, chain_of("skip"), chain_of("k5_e1_g2"), *rng_sample[:4]]
    params, flops = FbNet().cost(arch_ids, config)
    expected = [counted(build_network(a, config), config.input_shape) for a in arch_ids]
    assert list(zip(params.tolist(), flops.tolist(), strict=True)) == expected


@pytest.mark.parametrize(("pixels", "classes"), [(32, 100), (32, 10), (224, 1000)])
def test_follows_the_layers(rng_sample, pixels, classes):
    config = dataclasses.replace(PUBLISHED, input_shape=(3, pixels, pixels), classes=classes)
    params, flops = FbNet().cost(rng_sample, config)
    expected = [by_hand(arch_id, pixels, classes) for arch_id in rng_sample]
    assert list(zip(params.tolist(), flops.tolist(), strict=True)) == expected


def test_the_published_network():
    """375 million multiply-adds and 5.5 million parameters (Wu et al., table 3)."""
    imagenet = dataclasses.replace(PUBLISHED, input_shape=(3, 224, 224), classes=1000)
    (params,), (flops,) = FbNet().cost([FBNET_C], imagenet)
    assert params / 1e6 == pytest.approx(5.5, abs=0.1)
    assert flops / 1e6 == pytest.approx(375, rel=0.03)


def test_isomorphic_architectures_cost_the_same(rng_sample):
    ids = FbNet().isomorphism_ids(rng_sample)
    assert ids != rng_sample
    for here, there in zip(FbNet().cost(rng_sample), FbNet().cost(ids), strict=True):
        assert np.array_equal(here, there)


def test_no_architectures_cost_nothing():
    assert [part.shape for part in FbNet().cost([])] == [(0,), (0,)]
