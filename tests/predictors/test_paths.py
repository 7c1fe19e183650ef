from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from brpnas.graphs import BLANK, GLOBAL, ArchGraph, GraphBatch
from brpnas.predictors.paths import PathFeatures, find_paths
from brpnas.spaces import get_space
from tests.predictors.toys import padded, permuted

SPACES = ("nasbench201", "nasbench101", "darts")


def graphs_of(space: str, count: int, seed: int = 0) -> GraphBatch:
    found = get_space(space)
    return found.encode(found.sample(np.random.default_rng(seed), count), "function")


def literal_paths(graph: ArchGraph) -> Iterator[tuple[int, ...]]:
    """Every path by recursion, as a tuple of operations, as often as its edges count."""
    nodes = [v for v in range(len(graph.ops)) if graph.ops[v] not in (BLANK, GLOBAL)]
    following = {v: [w for w in nodes if w != v for _ in range(graph.adj[v, w])] for v in nodes}
    entered = {w for v in nodes for w in following[v]}

    def walk(node: int) -> Iterator[tuple[int, ...]]:
        own = (int(graph.ops[node]),)
        if not following[node]:
            yield own
        for successor in following[node]:
            for rest in walk(successor):
                yield own + rest

    for node in nodes:
        if node not in entered:
            yield from walk(node)


@pytest.mark.parametrize("space", SPACES)
def test_paths_are_those_of_a_recursion(space: str) -> None:
    graphs = graphs_of(space, 400 if space == "nasbench201" else 40)
    assert (graphs.adj.max() > 1) == (space == "nasbench201")
    paths = find_paths(graphs)
    sequences: dict[tuple[int, ...], int] = {}
    for i in range(len(graphs)):
        expected = Counter(literal_paths(graphs[i]))
        of_graph = paths.graph == i
        assert of_graph.sum() == expected.total()
        codes = Counter(paths.code[of_graph].tolist())
        assert sorted(codes.values()) == sorted(expected.values())
        lengths = sorted(len(p) for p in expected.elements())
        assert sorted(paths.ops[of_graph].sum(axis=1).tolist()) == lengths
        for op in range(graphs.num_ops):
            total = sum(p.count(op) for p in expected.elements())
            assert paths.ops[of_graph][:, op].sum() == total
        if len(expected) == 1:
            (path,), (code,) = expected, codes
            assert sequences.setdefault(path, code) == code


def test_different_sequences_have_different_codes() -> None:
    graphs = graphs_of("nasbench101", 3000)
    known = {p for i in range(len(graphs)) for p in literal_paths(graphs[i])}
    assert len(np.unique(find_paths(graphs).code)) == len(known)


def test_paths_come_in_the_order_of_the_graphs() -> None:
    paths = find_paths(graphs_of("nasbench101", 30))
    assert (np.diff(paths.graph) >= 0).all()


@pytest.mark.parametrize("space", SPACES)
def test_features_of_a_graph_do_not_depend_on_its_company(space: str) -> None:
    features = PathFeatures(graphs_of(space, 50))
    others = graphs_of(space, 20, seed=1)
    together = features(others)
    assert [group.shape[0] for group in together] == [20] * len(PathFeatures.groups)
    for i in (0, 7, 19):
        for alone, group in zip(features(others[i : i + 1]), together, strict=True):
            np.testing.assert_array_equal(alone[0], group[i])


def test_features_do_not_depend_on_the_order_of_nodes_or_on_padding() -> None:
    graphs = graphs_of("nasbench201", 60)
    features = PathFeatures(graphs)
    for other in (permuted(graphs), padded(graphs)):
        for expected, found in zip(features(graphs), features(other), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_counts_are_those_of_the_recursion() -> None:
    graphs = graphs_of("nasbench101", 30)
    features = PathFeatures(graphs)
    sequences = features(graphs)[0]
    raw = sequences * features._scales[0]
    expected = [sum(1 for _ in literal_paths(graphs[i])) for i in range(30)]
    np.testing.assert_allclose(raw.sum(axis=1), expected)
    assert not raw[:, -1].any(), "a sequence of the graphs themselves is unknown"


def test_a_tensor_added_to_itself_counts_twice() -> None:
    space = get_space("nasbench201")
    once = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    twice = "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|"
    graphs = space.encode([once, twice], "function")
    assert np.bincount(find_paths(graphs).graph).tolist() == [1, 2]
    groups = PathFeatures(graphs_of("nasbench201", 60))(graphs)
    assert any(not np.array_equal(group[0], group[1]) for group in groups)


def test_unknown_sequences_share_the_last_column() -> None:
    space = get_space("nasbench201")
    conv = "|nor_conv_3x3~0|+|none~0|none~1|+|{}~0|nor_conv_3x3~1|none~2|"
    known = space.encode([conv.format("none")], "function")
    other = space.encode([conv.format("avg_pool_3x3")], "function")
    features = PathFeatures(known)
    assert features(known)[0][0, -1] == 0
    assert features(other)[0][0, -1] > 0


def test_groups_are_of_one_size() -> None:
    graphs = graphs_of("nasbench101", 400)
    for name, group in zip(PathFeatures.groups, PathFeatures(graphs)(graphs), strict=True):
        size = (group - group.mean(axis=0)).std() * np.sqrt(group.shape[1])
        assert 0.05 < size < 1.2, name


def test_a_column_that_does_not_vary_is_zero() -> None:
    graphs = graphs_of("nasbench201", 1)
    for group in PathFeatures(graphs)(graphs_of("nasbench201", 20, seed=3))[2:]:
        assert not group.any()


def test_no_graphs_no_rows() -> None:
    features = PathFeatures(graphs_of("nasbench201", 10))
    assert all(len(group) == 0 for group in features(graphs_of("nasbench201", 10)[:0]))


def test_a_cell_without_a_path_is_described() -> None:
    space = get_space("nasbench201")
    nothing = space.encode(["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"], "function")
    groups = PathFeatures(graphs_of("nasbench201", 30))(nothing)
    assert all(np.isfinite(group).all() for group in groups)
