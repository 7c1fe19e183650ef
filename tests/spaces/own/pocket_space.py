"""A space of six architectures without networks and without known costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brpnas.errors import ArchitectureError, BudgetError, UnknownNameError
from brpnas.graphs import INPUT, OUTPUT, VIEWS, GraphBatch, View, with_global_node
from brpnas.spaces import SearchSpace

FIRST, SECOND = ("small", "medium", "large"), ("plain", "gated")
ALL = [f"{first}/{second}" for first in FIRST for second in SECOND]


class PocketSpace(SearchSpace):
    """Two decisions: of three sizes, and of two kinds."""

    vocabulary = ("blank", "global", "input", "output", *FIRST, *SECOND)

    def __len__(self) -> int:
        return len(ALL)

    def enumerate(self) -> list[str]:
        return list(ALL)

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        if not 0 <= count <= len(ALL):
            raise BudgetError(f"Cannot draw {count} different architectures of {len(ALL)}.")
        return [ALL[place] for place in rng.permutation(len(ALL))[:count]]

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        first, second = self.canonical(arch_id).split("/")
        others = [f"{size}/{second}" for size in FIRST if size != first]
        others += [f"{first}/{kind}" for kind in SECOND if kind != second]
        return others[int(rng.integers(len(others)))]

    def canonical(self, text: str) -> str:
        if text.strip() not in ALL:
            raise ArchitectureError(f"{text!r} is not a pocket: write one of {', '.join(ALL)}.")
        return text.strip()

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        if view not in VIEWS:
            raise UnknownNameError("view", view, VIEWS)
        ops = np.empty((len(arch_ids), 4), np.int8)
        for row, arch_id in enumerate(arch_ids):
            nodes = self.canonical(arch_id).split("/")
            ops[row] = [INPUT, *(self.vocabulary.index(node) for node in nodes), OUTPUT]
        adj = np.broadcast_to(np.eye(4, k=1, dtype=np.int8), (len(arch_ids), 4, 4)).copy()
        return with_global_node(ops, adj, len(self.vocabulary))

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        return [self.canonical(arch_id) for arch_id in arch_ids]
