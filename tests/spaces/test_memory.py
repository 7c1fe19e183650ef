"""The tape against sums by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from brpnas.spaces import get_space
from brpnas.spaces.memory import Tape, file_bytes


def chain(sizes: list[int]) -> Tape:
    tape = Tape()
    place = tape.given(sizes[0])
    for number, size in enumerate(sizes[1:]):
        place = tape.apply(f"step {number}", size, place)
    return tape


class TestTape:
    def test_a_chain_holds_two_neighbours(self):
        assert chain([1, 5, 2, 4, 1]).peak() == 7

    def test_an_output_is_live_until_its_last_reader(self):
        tape = chain([3, 1, 1, 1])
        tape.apply("add", 3, 0, 3)
        assert tape.peak() == 3 + 1 + 3

    def test_what_is_kept_is_live_to_the_end(self):
        assert chain([4, 1, 1, 6]).peak(0) == 4 + 1 + 6

    def test_an_unread_output_is_live_once(self):
        tape = chain([1, 1])
        tape.apply("unread", 9, 0)
        tape.apply("end", 1, 1)
        assert tape.peak() == 11

    def test_equal_operations_are_one_and_layers_are_not(self):
        tape = Tape()
        x = tape.given(1)
        assert tape.apply("relu", 1, x) == tape.apply("relu", 1, x)
        assert tape.layer(1, x, 10) != tape.layer(1, x, 10)
        assert (tape.operations, tape.layers, tape.floats) == (1, 2, 20)


def test_a_file_grows_by_four_bytes_a_weight():
    assert file_bytes(1001, 3, 2) - file_bytes(1, 3, 2) == 4000


@pytest.mark.parametrize("name", ["nasbench201", "nasbench101", "darts", "fbnet"])
def test_costs_have_their_units(name):
    space = get_space(name)
    arch_ids = space.sample(np.random.default_rng(3), 4)
    costs = space.costs(arch_ids)
    params, flops = space.cost(arch_ids)
    file, activations = space.memory(arch_ids)
    np.testing.assert_allclose(costs["params_m"] * 1e6, params)
    np.testing.assert_allclose(costs["flops_m"] * 1e6, flops)
    np.testing.assert_allclose(costs["file_kib"] * 1024, file)
    np.testing.assert_allclose(costs["activation_kib"] * 1024, activations)
    image = 4 * math.prod(space.published.input_shape)
    assert (activations > image).all()
    assert all(values.shape == (0,) for values in space.costs([]).values())
