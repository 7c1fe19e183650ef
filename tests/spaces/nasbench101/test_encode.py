"""Graphs of cells: the published matrix with a global node in front."""

from __future__ import annotations

import time

import numpy as np

from brpnas.spaces.nasbench101.encode import (
    FIRST_OP,
    VOCABULARY,
    cell_graphs,
)
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.notation import read_cell
from tests.spaces.nasbench101.slow import cell_of


def test_a_cell_drawn_by_hand() -> None:
    graph = cell_graphs([read_cell("conv3x3~0|maxpool3x3~0|output~012")])[0]
    named = [VOCABULARY[op] for op in graph.ops.tolist()]
    assert named == [
        "global",
        "input",
        "conv3x3",
        "maxpool3x3",
        "output",
        "blank",
        "blank",
        "blank",
    ]
    edges = {(int(i), int(j)) for i, j in np.argwhere(graph.adj) if i and i != j}
    assert edges == {(1, 2), (1, 3), (1, 4), (2, 4), (3, 4)}
    assert graph.adj[0].tolist() == [1, 1, 1, 1, 1, 0, 0, 0]


def test_against_the_matrix() -> None:
    keys = np.random.default_rng(0).choice(all_keys(), 300)
    keys[:3] = all_keys()[:3]
    for key, graph in zip(keys.tolist(), cell_graphs(keys), strict=True):
        matrix, labels = cell_of(key)
        size = len(matrix)
        assert graph.ops.tolist() == [1, 2, *(FIRST_OP + i for i in labels), 3] + [0] * (7 - size)
        inner = graph.adj[1 : size + 1, 1 : size + 1] - np.eye(size, dtype=np.int8)
        assert np.array_equal(inner, matrix)


def test_the_whole_space_takes_seconds() -> None:
    start = time.process_time()
    batch = cell_graphs(all_keys())
    assert time.process_time() - start < 5
    assert batch.adj.shape == (423_624, 8, 8)
