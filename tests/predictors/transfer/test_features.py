"""Every group of features against loops over one cell; scales; batches."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch

from brpnas.graphs import BLANK, OUTPUT, with_global_node
from brpnas.predictors.tensors import to_tensors
from brpnas.predictors.transfer.features import GraphFeatures, GroupScaler, both_views
from brpnas.spaces import get_space
from tests.predictors.toys import cells, codes, rows_of
from tests.predictors.transfer.toys import both
from tests.spaces.nasbench201.slow import EDGE_ORDER, live_paths

NODES, OPS = 9, 9
KINDS = range(OUTPUT + 1, OPS)
ROWS = rows_of(12, seed=4)
GROUPS = [
    "raw_nodes",
    "raw_counts",
    "pruned_nodes",
    "pruned_counts",
    "pruned_edges",
    "paths",
    "raw_sums",
    "pruned_sums",
]


class Unscaled(GraphFeatures):
    """Features as they are before any scale."""

    def __init__(self) -> None:
        super().__init__(NODES, OPS)


@cache
def found() -> dict[str, np.ndarray]:
    """Unscaled features of `ROWS`: an unfitted module does not scale."""
    features = Unscaled()
    values = features(*both_views(both(ROWS)))
    return {name: x.numpy() for name, x in zip(features.groups, values, strict=True)}


def graph(view: str, row: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Operations of the nodes after the global one, and edges between different ones of them."""
    batch = cells().view(view)[int(row)]
    nodes = range(1, NODES)
    edges = [(a - 1, b - 1) for a, b in product(nodes, nodes) if a != b and batch.adj[a, b]]
    return [int(batch.ops[v]) for v in nodes], edges


def one_hot(ops: list[int]) -> list[int]:
    return [int(op == code) for op in ops for code in range(OPS)]


def counts(ops: list[int]) -> list[int]:
    return [ops.count(kind) for kind in KINDS]


def sums(edges: list[tuple[int, int]]) -> int:
    """Additions: a node that gets ``n`` tensors adds ``n - 1`` times."""
    arriving = [sum(1 for _, b in edges if b == v) for v in range(NODES - 1)]
    return sum(max(0, count - 1) for count in arriving)


def longest(ops: list[int], edges: list[tuple[int, int]], counted: set[int]) -> int:
    """Most counted operations on one path, by recursion over successors."""

    def best(node: int) -> int:
        after = [best(b) for a, b in edges if a == node]
        return int(ops[node] in counted) + max(after, default=0)

    return max(best(node) for node in range(len(ops)))


def test_the_groups_and_their_widths() -> None:
    assert list(found()) == list(GraphFeatures(NODES, OPS).groups) == GROUPS
    widths = {name: values.shape for name, values in found().items()}
    assert widths == {
        "raw_nodes": (12, 72),
        "raw_counts": (12, 5),
        "pruned_nodes": (12, 72),
        "pruned_counts": (12, 7),
        "pruned_edges": (12, 81),
        "paths": (12, 6),
        "raw_sums": (12, 32),
        "pruned_sums": (12, 32),
    }


@pytest.mark.parametrize("view", ["raw", "pruned"])
def test_nodes_are_their_operations(view: str) -> None:
    expected = [one_hot(graph(view, row)[0]) for row in ROWS]
    np.testing.assert_array_equal(found()[f"{view}_nodes"], expected)


def test_raw_counts_are_those_of_the_string() -> None:
    expected = [[cell.count(code) for code in range(5)] for cell in codes()[ROWS].tolist()]
    np.testing.assert_array_equal(found()["raw_counts"], expected)


def test_pruned_counts_also_count_sums_and_edges() -> None:
    expected = []
    for row in ROWS:
        ops, edges = graph("pruned", row)
        expected.append([*counts(ops), sums(edges), len(edges)])
    np.testing.assert_array_equal(found()["pruned_counts"], expected)
    assert np.std(expected, axis=0)[-2:].min() > 0


def test_pruned_counts_are_live_operations() -> None:
    expected = []
    for cell in codes()[ROWS].tolist():
        live = {edge for path in live_paths(tuple(cell)) for edge in path}
        used = [cell[EDGE_ORDER.index(edge)] for edge in live]
        expected.append([used.count(code) for code in (2, 3, 4)])
    np.testing.assert_array_equal(found()["pruned_counts"][:, 2:5], expected)
    assert not found()["pruned_counts"][:, :2].any()  # of none and of skip


def test_edges_are_counted_by_what_they_join() -> None:
    for row, values in zip(ROWS, found()["pruned_edges"], strict=True):
        ops, edges = graph("pruned", row)
        expected = np.zeros((OPS, OPS))
        for a, b in edges:
            expected[ops[a], ops[b]] += 1
        np.testing.assert_array_equal(values.reshape(OPS, OPS), expected)
        assert not expected[BLANK].any()


def test_paths_are_the_longest_by_recursion() -> None:
    expected = []
    for row in ROWS:
        ops, edges = graph("pruned", row)
        kinds = [{kind} for kind in KINDS] + [set(KINDS)]
        expected.append([longest(ops, edges, counted) for counted in kinds])
    np.testing.assert_array_equal(found()["paths"], expected)
    assert len({row[-1] for row in expected}) > 2


def test_no_path_of_the_space_is_shorter_than_another_of_its_cell() -> None:
    """On all cells: the longest path holds at most three operations, as the cell has four nodes."""
    features = Unscaled()
    paths = features(*both_views(cells().views))[GROUPS.index("paths")]
    longest_live = [
        max(
            (sum(cell[EDGE_ORDER.index(e)] > 1 for e in path) for path in live_paths(cell)),
            default=0,
        )
        for cell in map(tuple, codes()[::25].tolist())
    ]
    np.testing.assert_array_equal(paths[::25, -1].numpy(), longest_live)


@pytest.mark.parametrize("view", ["raw", "pruned"])
def test_sums_are_made_up_devices(view: str) -> None:
    """The logarithm of a positive combination of counts: found again by least squares."""
    features = Unscaled()
    sample = both(rows_of(400, seed=8))
    values = dict(zip(GROUPS, features(*both_views(sample)), strict=True))
    terms = values[f"{view}_counts"].numpy().astype(np.float64)
    if view == "pruned":  # live operations, sums of tensors, and the constant cost
        terms = np.column_stack([np.ones(len(terms)), terms[:, 2:6]])
    spent = np.exp(values[f"{view}_sums"].numpy().astype(np.float64))
    costs, *_ = np.linalg.lstsq(terms, spent, rcond=None)
    np.testing.assert_allclose(terms @ costs, spent, rtol=1e-4)
    assert costs.shape == (terms.shape[1], 32)
    assert (costs > 0).all()
    assert len(np.unique(costs.argmax(axis=0))) > 2  # devices differ in their slow operations


def test_made_up_devices_are_the_same_everywhere() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, second = Unscaled(), Unscaled()
    assert torch.equal(torch.get_rng_state(), state)
    inputs = both_views(both(ROWS))
    for a, b in zip(first(*inputs), second(*inputs), strict=True):
        assert torch.equal(a, b)


class TestScales:
    def test_a_group_weighs_one_whatever_its_width(self) -> None:
        features = GraphFeatures(NODES, OPS)
        features.fit(cells().views)
        for name, x in zip(features.groups, features(*both_views(cells().views)), strict=True):
            assert x.mean(dim=0).abs().max() < 1e-4, name
            assert float(x.var(dim=0).sum()) == pytest.approx(1, abs=1e-3), name

    def test_a_column_is_centred_and_divided(self) -> None:
        values = torch.tensor([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]])
        scaler = GroupScaler(2)
        scaler.fit(values)
        expected = (values - torch.tensor([3.0, 20.0])) / torch.tensor([2.0, 10.0]) / 2**0.5
        torch.testing.assert_close(scaler(values), expected)

    def test_a_constant_column_becomes_zero_and_takes_no_weight(self) -> None:
        varied = torch.linspace(-3, 9, 50)
        scaler, alone = GroupScaler(3), GroupScaler(1)
        values = torch.stack([torch.full((50,), 7.0), varied, torch.zeros(50)], dim=1)
        scaler.fit(values)
        alone.fit(varied[:, None])
        scaled = scaler(values)
        assert not scaled[:, [0, 2]].any()
        torch.testing.assert_close(scaled[:, 1:2], alone(varied[:, None]))

    def test_a_group_of_constants_is_zero(self) -> None:
        scaler = GroupScaler(2)
        scaler.fit(torch.ones(5, 2))
        assert not scaler(torch.ones(5, 2)).any()
        assert scaler(torch.ones(5, 2)).isfinite().all()

    def test_scales_are_kept_with_the_weights(self) -> None:
        features, other = GraphFeatures(NODES, OPS), GraphFeatures(NODES, OPS)
        features.fit(cells().views)
        other.load_state_dict(features.state_dict())
        inputs = both_views(both(ROWS))
        for a, b in zip(features(*inputs), other(*inputs), strict=True):
            assert torch.equal(a, b)


def test_both_views_come_pruned_first() -> None:
    sample = both(ROWS)
    tensors = both_views(sample)
    expected = (*to_tensors(sample["pruned"]), *to_tensors(sample["raw"]))
    for found_tensor, tensor in zip(tensors, expected, strict=True):
        assert torch.equal(found_tensor, tensor)
    assert not torch.equal(tensors[0], tensors[2])


def test_a_cell_alone_is_as_in_a_batch() -> None:
    features = GraphFeatures(NODES, OPS)
    features.fit(cells().views)
    inputs = both_views(both(ROWS))
    together = features(*inputs)
    for row in range(len(ROWS)):
        alone = features(*(x[row : row + 1] for x in inputs))
        for a, b in zip(alone, together, strict=True):
            torch.testing.assert_close(a[0], b[row], rtol=1e-6, atol=1e-6)


def test_pruned_groups_do_not_see_dead_operations() -> None:
    """A cell without any way through: what its operations are changes raw groups alone."""
    ids = cells().arch_ids
    dead = [
        ids.index(f"|{op}~0|+|none~0|none~1|+|none~0|none~1|none~2|")
        for op in ("nor_conv_3x3", "avg_pool_3x3")
    ]
    features = Unscaled()
    for name, x in zip(GROUPS, features(*both_views(both(np.array(dead)))), strict=True):
        assert torch.equal(x[0], x[1]) == (not name.startswith("raw")), name


def test_of_graphs_of_any_shape() -> None:
    """Random graphs, with chains longer than any of a cell and nodes that lead nowhere."""
    rng = np.random.default_rng(0)
    ops = rng.integers(OUTPUT + 1, OPS, (30, 8)).astype(np.int8)
    adj = np.triu(rng.random((30, 8, 8)) < 0.35, 1).astype(np.int8)
    adj[0] = np.eye(8, k=1)  # a chain of all
    batch = with_global_node(ops, adj, OPS)
    values = dict(
        zip(GROUPS, Unscaled()(*both_views({"pruned": batch, "raw": batch})), strict=True)
    )
    counted, paths = [], []
    for i in range(30):
        edges = list(zip(*(x.tolist() for x in adj[i].nonzero()), strict=True))
        kinds = [{kind} for kind in KINDS] + [set(KINDS)]
        paths.append([longest(ops[i].tolist(), edges, kind) for kind in kinds])
        counted.append([*counts(ops[i].tolist()), sums(edges), len(edges)])
    np.testing.assert_array_equal(values["pruned_counts"].numpy(), counted)
    np.testing.assert_array_equal(values["paths"].numpy(), paths)
    assert paths[0][-1] == 8


def test_a_vocabulary_that_names_places_has_no_pairs_and_paths() -> None:
    space = get_space("fbnet")
    graphs = space.graphs(space.sample(np.random.default_rng(0), 50))
    raw = graphs.view("raw")
    features = GraphFeatures(raw.num_nodes, raw.num_ops)
    features.fit(graphs.views)
    assert list(features.groups) == [
        name for name in GROUPS if name not in ("pruned_edges", "paths")
    ]
    found = features(*both_views(graphs.views))
    assert len(found) == len(features.groups)
    squares = [float((group**2).sum(dim=1).mean()) for group in found]
    np.testing.assert_allclose(squares, 1.0, rtol=0.1)
