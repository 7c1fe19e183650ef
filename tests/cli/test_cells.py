from __future__ import annotations

import numpy as np

from brpnas.cli.cells import fates
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, from_string


def paths(codes: tuple[int, ...]) -> list[set[int]]:
    """Edges of every path from input to output over operations, by walking: an oracle."""
    found: list[set[int]] = []

    def walk(node: int, used: set[int]) -> None:
        if node == 3:
            found.append(used)
        for edge, (source, target) in enumerate(EDGES):
            if source == node and codes[edge]:
                walk(target, used | {edge})

    walk(0, set())
    return found


def test_fates_agree_with_walking_every_path() -> None:
    for arch_id in NasBench201().sample(np.random.default_rng(0), 200):
        codes = from_string(arch_id)
        used = set().union(*paths(codes))
        seen, connected = fates(arch_id)
        assert connected == bool(used)
        for edge, (code, fate) in enumerate(zip(codes, seen, strict=True)):
            named = {"none": "cut", "skip_connect": "bypassed"}.get(OPERATIONS[code])
            assert fate == (named or ("kept" if edge in used else "removed"))
