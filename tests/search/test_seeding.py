from __future__ import annotations

import numpy as np
import pytest

from brpnas.search.seeding import generator, integer_seed


def test_the_same_place_draws_the_same() -> None:
    assert np.array_equal(generator(3, "pool", 7).random(5), generator(3, "pool", 7).random(5))
    assert integer_seed(3, "ranker", 7) == integer_seed(3, "ranker", 7)


@pytest.mark.parametrize("other", [(4, "pool", 7), (3, "oracle", 7), (3, "pool", 8)])
def test_another_place_draws_something_else(other: tuple[int, str, int]) -> None:
    assert not np.array_equal(generator(3, "pool", 7).random(5), generator(*other).random(5))
    assert integer_seed(3, "pool", 7) != integer_seed(*other)


def test_integer_seeds_fit_into_31_bits() -> None:
    seeds = [integer_seed(0, "ranker", number) for number in range(200)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == 200


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        generator(-1, "pool")
