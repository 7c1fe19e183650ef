"""The contract of search spaces."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import ArchitectureError, BudgetError, UnknownNameError
from brpnas.graphs import BLANK, GLOBAL, INPUT, OUTPUT, VIEWS, SpaceGraphs, View
from brpnas.spaces import SearchSpace, get_space, size_of

__all__ = ["SearchSpaceContract"]


class SearchSpaceContract:
    """Tests of any space: set `name`, `size` and `neighbours`.

    Where the number of neighbours varies, override `neighbours_of` instead of `neighbours`.
    """

    name: ClassVar[str]
    """Name of the space, or the path of its file."""
    size: ClassVar[int]
    """Number of architectures."""
    neighbours: ClassVar[int]
    """Number of architectures within one mutation of any architecture."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        """The space."""
        return get_space(self.name)

    @pytest.fixture
    def everything(self, space: SearchSpace) -> list[str]:
        """All architectures; skips the test where the space does not list them."""
        if not space.enumerable:
            pytest.skip("too many architectures to list")
        return space.enumerate()

    @pytest.fixture
    def some(self, space: SearchSpace) -> list[str]:
        """Random architectures."""
        return space.sample(np.random.default_rng(11), min(200, size_of(space)))

    def neighbours_of(self, space: SearchSpace, arch_id: str) -> int:
        """Number of architectures within one mutation of this one."""
        return self.neighbours

    def assert_members(self, space: SearchSpace, arch_ids: list[str]) -> None:
        """Architectures of the space, in canonical notation."""
        assert [space.canonical(arch_id) for arch_id in arch_ids] == arch_ids
        if space.enumerable:
            assert set(arch_ids) <= set(space.enumerate())

    def test_is_found_by_its_name(self, space: SearchSpace) -> None:
        assert space.name == self.name
        assert type(get_space(space.name)) is type(space)

    def test_vocabulary_starts_with_the_common_operations(self, space: SearchSpace) -> None:
        assert space.vocabulary[:4] == ("blank", "global", "input", "output")
        assert len(set(space.vocabulary)) == len(space.vocabulary)

    def test_enumerates_every_architecture_once_in_a_fixed_order(
        self, space: SearchSpace, everything: list[str]
    ) -> None:
        assert size_of(space) == len(everything) == len(set(everything)) == self.size
        assert everything == type(space)().enumerate()

    def test_lists_all_or_refuses_to(self, space: SearchSpace) -> None:
        assert size_of(space) == self.size
        if not space.enumerable:
            for use in (space.enumerate, space.graphs):
                with pytest.raises(BudgetError, match="sample"):
                    use()

    def test_canonical_keeps_canonical_strings(self, space: SearchSpace, some: list[str]) -> None:
        members = space.enumerate() if space.enumerable else some
        members = members[:: 1 + len(members) // 20_000]
        assert [space.canonical(arch_id) for arch_id in members] == members

    @pytest.mark.parametrize("blanks", [" {}", "{}\n", "\t{}  "])
    def test_canonical_drops_outer_blanks(
        self, space: SearchSpace, some: list[str], blanks: str
    ) -> None:
        assert [space.canonical(blanks.format(arch_id)) for arch_id in some] == some

    def test_read_knows_the_canonical_notation(self, space: SearchSpace, some: list[str]) -> None:
        assert [space.read(f" {arch_id} ") for arch_id in some] == some

    @pytest.mark.parametrize("text", ["", "   ", "nonsense", "\x00", "|", "+", "é", "None"])
    def test_nonsense_is_refused_everywhere(self, space: SearchSpace, text: str) -> None:
        for use in (
            lambda: space.canonical(text),
            lambda: space.read(text),
            lambda: space.mutate(text, np.random.default_rng(0)),
            lambda: space.encode([text], "raw"),
            lambda: space.isomorphism_ids([text]),
        ):
            with pytest.raises(ArchitectureError) as raised:
                use()
            assert repr(text) in str(raised.value)

    def test_sample_draws_different_members(self, space: SearchSpace) -> None:
        count = min(500, size_of(space))
        drawn = space.sample(np.random.default_rng(0), count)
        assert len(drawn) == len(set(drawn)) == count
        self.assert_members(space, drawn)

    def test_sample_of_all_is_the_space(self, space: SearchSpace, everything: list[str]) -> None:
        # A few draws from a small space may be in its own order.
        seeds = range(2 + 20 // size_of(space))
        draws = [space.sample(np.random.default_rng(seed), size_of(space)) for seed in seeds]
        assert all(sorted(drawn) == sorted(everything) for drawn in draws)
        assert size_of(space) == 1 or any(drawn != everything for drawn in draws), "never shuffled"

    def test_sample_of_none_is_empty(self, space: SearchSpace) -> None:
        assert space.sample(np.random.default_rng(0), 0) == []

    def test_sample_is_decided_by_the_generator(self, space: SearchSpace) -> None:
        count = min(50, size_of(space))
        first, again = (space.sample(np.random.default_rng(5), count) for _ in range(2))
        others = [space.sample(np.random.default_rng(seed), count) for seed in range(6, 26)]
        assert first == again
        assert size_of(space) == 1 or any(other != first for other in others)

    def test_sample_is_uniform(self, space: SearchSpace, everything: list[str]) -> None:
        row = {arch_id: i for i, arch_id in enumerate(everything)}
        rng = np.random.default_rng(1)
        count, parts = min(10, max(1, size_of(space) // 2)), min(20, size_of(space))
        rows = [row[arch_id] for _ in range(4000 // count) for arch_id in space.sample(rng, count)]
        part = np.arange(len(everything)) * parts // len(everything)
        counts = np.bincount(part[rows], minlength=parts)
        expected = len(rows) * np.bincount(part, minlength=parts) / len(everything)
        # Draws without replacement spread less than independent ones, never more.
        assert scipy.stats.chisquare(counts, expected).pvalue > 0.001

    @pytest.mark.parametrize("extra", [1, 1000])
    def test_sample_of_more_than_there_are_is_refused(self, space: SearchSpace, extra: int) -> None:
        with pytest.raises(BudgetError, match=str(size_of(space) + extra)):
            space.sample(np.random.default_rng(0), size_of(space) + extra)

    def test_sample_of_a_negative_number_is_refused(self, space: SearchSpace) -> None:
        with pytest.raises(BudgetError, match="-1"):
            space.sample(np.random.default_rng(0), -1)

    def test_mutate_gives_another_member(self, space: SearchSpace, some: list[str]) -> None:
        rng = np.random.default_rng(2)
        children = [space.mutate(arch_id, rng) for arch_id in some]
        self.assert_members(space, children)
        assert all(child != parent for child, parent in zip(children, some, strict=True))

    def test_mutate_is_decided_by_the_generator(self, space: SearchSpace, some: list[str]) -> None:
        first, again = (
            [space.mutate(arch_id, np.random.default_rng(i)) for i, arch_id in enumerate(some)]
            for _ in range(2)
        )
        assert first == again

    def test_mutate_reaches_all_neighbours_equally(
        self, space: SearchSpace, some: list[str]
    ) -> None:
        rng = np.random.default_rng(3)
        neighbours = self.neighbours_of(space, some[0])
        counts = Counter(space.mutate(some[0], rng) for _ in range(100 * neighbours))
        assert len(counts) == neighbours
        assert neighbours == 1 or scipy.stats.chisquare(list(counts.values())).pvalue > 0.001

    @pytest.mark.parametrize("view", VIEWS)
    def test_graphs_are_padded_dags_with_a_global_node(
        self, space: SearchSpace, some: list[str], view: View
    ) -> None:
        batch = space.encode(some, view)
        assert batch.ops.dtype == batch.adj.dtype == np.int8
        assert batch.num_ops == len(space.vocabulary)
        for graph in (batch[i] for i in range(len(batch))):
            used = graph.ops != BLANK
            assert graph.ops[0] == GLOBAL
            assert not (graph.ops[1:] == GLOBAL).any()
            assert {INPUT, OUTPUT} <= set(graph.ops.tolist())
            assert graph.adj.min() >= 0
            assert graph.adj.max() <= 1 or view == "function"
            assert np.array_equal(graph.adj[0], used)
            assert np.array_equal(np.diag(graph.adj), used)
            assert not graph.adj[1:, 0].any()
            assert not graph.adj[~used].any()
            assert not graph.adj[:, ~used].any()
            inner = (graph.adj - np.diag(np.diag(graph.adj)))[1:, 1:].astype(np.int64)
            assert not np.linalg.matrix_power(inner, len(inner)).any(), "there is a cycle"

    def test_a_function_is_a_pruned_graph_whose_edges_count(
        self, space: SearchSpace, some: list[str]
    ) -> None:
        pruned, function = space.encode(some, "pruned"), space.encode(some, "function")
        assert np.array_equal(function.ops, pruned.ops)
        assert np.array_equal(function.adj > 0, pruned.adj > 0)

    @pytest.mark.parametrize("view", VIEWS)
    def test_encode_keeps_the_order_it_is_given(
        self, space: SearchSpace, some: list[str], view: View
    ) -> None:
        whole, reverse = space.encode(some, view), space.encode(some[::-1], view)
        assert np.array_equal(whole.ops[::-1], reverse.ops)
        assert np.array_equal(whole.adj[::-1], reverse.adj)
        last = len(some) // 2
        one = space.encode([some[last]], view)[0]
        assert np.array_equal(one.ops, whole.ops[last])
        assert np.array_equal(one.adj, whole.adj[last])

    @pytest.mark.parametrize("view", VIEWS)
    def test_encode_of_nothing_is_an_empty_batch(
        self, space: SearchSpace, some: list[str], view: View
    ) -> None:
        empty, nodes = space.encode([], view), space.encode(some[:1], view).num_nodes
        assert (empty.ops.shape, empty.adj.shape) == ((0, nodes), (0, nodes, nodes))

    def test_encode_refuses_an_unknown_view(self, space: SearchSpace, some: list[str]) -> None:
        with pytest.raises(UnknownNameError, match=r"view 'prunned'\. Did you mean 'pruned'"):
            space.encode(some, "prunned")  # type: ignore[arg-type]

    def test_raw_graphs_tell_architectures_apart(self, space: SearchSpace, some: list[str]) -> None:
        batch = space.encode(some, "raw")
        assert len(
            {(g.ops.tobytes(), g.adj.tobytes()) for g in map(batch.__getitem__, range(len(batch)))}
        ) == len(some)

    def test_isomorphism_ids_depend_on_the_architecture_alone(
        self, space: SearchSpace, some: list[str]
    ) -> None:
        ids = space.isomorphism_ids(some)
        assert all(isinstance(i, str) and i for i in ids)
        assert space.isomorphism_ids(some[::-1]) == ids[::-1]
        assert space.isomorphism_ids([]) == []

    def test_graphs_hold_the_space_in_all_views(
        self, space: SearchSpace, everything: list[str], tmp_path: Path
    ) -> None:
        graphs = space.graphs()
        assert (graphs.space, list(graphs.arch_ids)) == (space.name, everything)
        assert set(graphs.views) == set(VIEWS)
        graphs.save(tmp_path / "graphs.npz")
        again = SpaceGraphs.load(tmp_path / "graphs.npz")
        assert again.arch_ids == graphs.arch_ids
        chosen = [0, size_of(space) // 2, size_of(space) - 1]
        for view in VIEWS:
            expected = space.encode([everything[i] for i in chosen], view)
            for source in (graphs, again):
                assert np.array_equal(source.view(view)[chosen].ops, expected.ops)
                assert np.array_equal(source.view(view)[chosen].adj, expected.adj)
