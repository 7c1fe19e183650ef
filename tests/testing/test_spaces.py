"""Each duty of the contract of spaces is tested: a space that neglects one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.spaces import SearchSpace, get_space
from brpnas.testing import SearchSpaceContract

POCKET = str(Path(__file__).parents[1] / "spaces/own/pocket_space.py")
Pocket: type[Any] = type(get_space(POCKET))


class Contract(SearchSpaceContract):
    name, size, neighbours = POCKET, 6, 3


def run(test: str, space: SearchSpace, *arguments: object) -> None:
    """Run one test of the contract on a space."""
    getattr(Contract(), test)(space, *arguments)


class Unshuffled(Pocket):
    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        return sorted(super().sample(rng, count), key=self.enumerate().index)


class Biased(Pocket):
    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        first, *rest = self.enumerate()
        return [first, *(rest[place] for place in rng.permutation(len(rest)))][:count]


class Lazy(Pocket):
    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        return self.canonical(arch_id)


class Local(Pocket):
    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        return min(super().mutate(arch_id, rng), super().mutate(arch_id, rng))


class Counting(Pocket):
    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        return [str(place) for place in range(len(arch_ids))]


class Reversed(Pocket):
    def encode(self, arch_ids: Sequence[str], view: Any) -> Any:
        return super().encode(arch_ids[::-1] if len(arch_ids) > 1 else arch_ids, view)


class Cyclic(Pocket):
    def encode(self, arch_ids: Sequence[str], view: Any) -> Any:
        batch = super().encode(arch_ids, view)
        adj = batch.adj.copy()
        adj[:, -1, 1] = 1
        return replace(batch, adj=adj)


class Careless(Pocket):
    def canonical(self, text: str) -> str:
        return text.strip()


ALL = Pocket().enumerate()


@pytest.mark.parametrize(
    ("space_class", "test", "arguments"),
    [
        (Unshuffled, "test_sample_of_all_is_the_space", [ALL]),
        (Biased, "test_sample_is_uniform", [ALL]),
        (Lazy, "test_mutate_gives_another_member", [ALL]),
        (Local, "test_mutate_reaches_all_neighbours_equally", [ALL]),
        (Counting, "test_isomorphism_ids_depend_on_the_architecture_alone", [ALL]),
        (Reversed, "test_encode_keeps_the_order_it_is_given", [ALL, "raw"]),
        (Cyclic, "test_graphs_are_padded_dags_with_a_global_node", [ALL, "raw"]),
        (Careless, "test_nonsense_is_refused_everywhere", ["nonsense"]),
    ],
)
def test_a_neglected_duty_fails(space_class: type[Any], test: str, arguments: list[Any]) -> None:
    run(test, Pocket(), *arguments)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(test, space_class(), *arguments)
