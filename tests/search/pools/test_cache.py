from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.search.pools.cache import ArchitectureCache
from tests.search.toy import ToySpace, limits_of, predict_latency

LIMIT = limits_of(3)


class Watched(ToySpace):
    """Counts the architectures with a request for their function."""

    asked = 0

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        type(self).asked += len(arch_ids)
        return super().isomorphism_ids(arch_ids)


def test_feasible_by_the_constraints_and_everything_without() -> None:
    words = ["aaaa", "aaad", "aadb"]
    assert ArchitectureCache(ToySpace(), predict_latency, LIMIT).feasible(words).tolist() == [
        True,
        True,
        False,
    ]
    assert ArchitectureCache(ToySpace(), None, limits_of()).feasible(words).all()
    assert ArchitectureCache(ToySpace(), None, limits_of()).metrics(words) == {}


def test_batches_are_predicted_as_they_are_given_but_one_comes_from_the_table() -> None:
    batches: list[list[str]] = []

    def predict(arch_ids: Sequence[str]) -> dict[str, np.ndarray]:
        batches.append(list(arch_ids))
        return predict_latency(arch_ids)

    cache = ArchitectureCache(ToySpace(), predict, LIMIT)
    cache.feasible(["aaaa", "dddd"])
    assert (cache.is_feasible("aaaa"), cache.is_feasible("dddd"), len(cache)) == (True, False, 2)
    cache.feasible(["dddd", "aaab"])
    assert cache.is_feasible("bbba")
    assert batches == [["aaaa", "dddd"], ["dddd", "aaab"], ["bbba"]]
    assert len(cache) == 4


@pytest.mark.parametrize("text", ["", "aaa", " aaaa", "aaaa ", "aaaz"])
def test_what_is_no_canonical_string_is_not_feasible(text: str) -> None:
    cache = ArchitectureCache(ToySpace(), None, limits_of())
    assert not cache.is_feasible(text)
    assert len(cache) == 0


def test_a_function_is_worked_out_once() -> None:
    cache = ArchitectureCache(Watched(), None, limits_of())
    words = ["aaab", "baaa", "aaab", "cddc"]
    Watched.asked = 0
    for _ in range(3):
        assert cache.functions(words) == ToySpace().isomorphism_ids(words)
    assert cache.functions([]) == []
    assert Watched.asked == 3


def test_predictions_of_the_wrong_length_are_refused() -> None:
    cache = ArchitectureCache(ToySpace(), lambda _: {"latency_ms": np.ones(3)}, LIMIT)
    with pytest.raises(ConfigurationError, match=r"'latency_ms' .*\(3,\) .* 2 "):
        cache.feasible(["aaaa", "aaab"])
