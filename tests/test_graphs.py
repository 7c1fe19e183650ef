"""Dense graphs: shapes, padding, the global node, and the file of a whole space."""

import io
import zipfile

import numpy as np
import pytest

from brpnas.arrays import read_arrays, write_arrays
from brpnas.errors import SchemaError, UnknownNameError
from brpnas.graphs import (
    BLANK,
    DEVICE_VIEWS,
    GLOBAL,
    INPUT,
    OUTPUT,
    VIEWS,
    ArchGraph,
    GraphBatch,
    SpaceGraphs,
    with_global_node,
)


def chain(length: int, op: int = 4) -> ArchGraph:
    """Input, ``length`` operations in a row, output."""
    ops = np.array([INPUT, *[op] * length, OUTPUT], np.int8)
    return ArchGraph(ops, np.eye(length + 2, k=1, dtype=np.int8))


def batch_of(lengths: list[int], num_nodes: int = 6) -> GraphBatch:
    return stacked([chain(length) for length in lengths], num_nodes, num_ops=6)


def stacked(graphs: list[ArchGraph], num_nodes: int, num_ops: int) -> GraphBatch:
    """Graphs padded with isolated blanks."""
    ops = np.zeros((len(graphs), num_nodes), np.int8)
    adj = np.zeros((len(graphs), num_nodes, num_nodes), np.int8)
    for i, graph in enumerate(graphs):
        size = len(graph.ops)
        ops[i, :size], adj[i, :size, :size] = graph.ops, graph.adj
    return GraphBatch(ops, adj, num_ops)


def npy_file() -> bytes:
    """A numpy file, not an archive."""
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


@pytest.fixture
def space_graphs() -> SpaceGraphs:
    pruned = batch_of([0, 1, 2])
    views = {"pruned": pruned, "raw": batch_of([3, 3, 4]), "function": pruned}
    return SpaceGraphs("toy", ("a", "b~0|ü", "c"), views)


class TestArchGraph:
    def test_keeps_what_it_is_given(self):
        graph = chain(1)
        assert graph.ops.tolist() == [INPUT, 4, OUTPUT]
        assert graph.adj.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]

    @pytest.mark.parametrize("shape", [(2, 2), (3, 4), (3,), (1, 3, 3)])
    def test_adjacency_must_fit(self, shape):
        with pytest.raises(SchemaError, match=r"3 nodes .*\(3, 3\)"):
            ArchGraph(np.zeros(3, np.int8), np.zeros(shape, np.int8))


class TestGraphBatch:
    def test_len_and_nodes(self):
        batch = batch_of([0, 1, 2, 4])
        assert (len(batch), batch.num_nodes, batch.num_ops) == (4, 6, 6)

    @pytest.mark.parametrize("index", [2, -1, np.int64(1)])
    def test_an_int_gives_one_graph(self, index):
        batch = batch_of([0, 1, 2])
        graph = batch[index]
        assert isinstance(graph, ArchGraph)
        assert np.array_equal(graph.ops, batch.ops[index])
        assert np.array_equal(graph.adj, batch.adj[index])

    @pytest.mark.parametrize(
        ("index", "rows"),
        [
            (slice(1, None), [1, 2]),
            ([2, 0], [2, 0]),
            (np.array([1, 1]), [1, 1]),
            (np.array([True, False, True]), [0, 2]),
            ([], []),
            (slice(0, 0), []),
            (np.array([], np.int64), []),
        ],
        ids=["slice", "list", "repeated", "mask", "empty list", "empty slice", "empty array"],
    )
    def test_anything_else_gives_a_batch(self, index, rows):
        batch = batch_of([0, 1, 2])
        chosen = batch[index]
        assert isinstance(chosen, GraphBatch)
        assert chosen.num_ops == batch.num_ops
        assert np.array_equal(chosen.ops, np.array([batch.ops[r] for r in rows]).reshape(-1, 6))
        assert np.array_equal(chosen.adj, np.array([batch.adj[r] for r in rows]).reshape(-1, 6, 6))

    def test_index_out_of_range(self):
        with pytest.raises(IndexError):
            batch_of([0])[1]

    def test_iterates_over_graphs(self):
        assert [int((graph.ops != BLANK).sum()) for graph in batch_of([0, 2, 4])] == [2, 4, 6]

    @pytest.mark.parametrize("shape", [(1, 3, 3), (2, 3, 4), (2, 3)])
    def test_adjacencies_must_fit(self, shape):
        with pytest.raises(SchemaError, match=r"need adjacencies \(2, 3, 3\)"):
            GraphBatch(np.zeros((2, 3), np.int8), np.zeros(shape, np.int8), 5)

    @pytest.mark.parametrize("op", [-1, 5])
    def test_operations_must_be_in_the_vocabulary(self, op):
        ops = np.zeros((2, 3), np.int8)
        ops[1, 2] = op
        with pytest.raises(SchemaError, match=r"0\.\.4"):
            GraphBatch(ops, np.zeros((2, 3, 3), np.int8), 5)


class TestWithGlobalNode:
    def test_against_a_slow_loop(self):
        rng = np.random.default_rng(3)
        ops = rng.integers(0, 6, (50, 5)).astype(np.int8)
        ops[ops == GLOBAL] = BLANK
        active = ops != BLANK
        adj = np.triu(rng.integers(0, 2, (50, 5, 5)), 1).astype(np.int8)
        adj *= active[:, :, None] & active[:, None, :]
        batch = with_global_node(ops, adj, num_ops=6)
        assert (batch.ops.dtype, batch.adj.dtype) == (np.int8, np.int8)
        for n in range(50):
            assert batch.ops[n].tolist() == [GLOBAL, *ops[n].tolist()]
            for i in range(6):
                for j in range(6):
                    if i == j:
                        expected = batch.ops[n, i] != BLANK
                    elif i == 0:
                        expected = batch.ops[n, j] != BLANK
                    elif j == 0:
                        expected = False
                    else:
                        expected = adj[n, i - 1, j - 1]
                    assert batch.adj[n, i, j] == expected

    def test_leaves_its_input_alone(self):
        graph = chain(2)
        ops, adj = graph.ops[None].copy(), graph.adj[None].copy()
        with_global_node(ops, adj, num_ops=5)
        assert np.array_equal(ops[0], graph.ops)
        assert np.array_equal(adj[0], graph.adj)

    def test_of_no_graphs(self):
        batch = with_global_node(np.zeros((0, 3), np.int8), np.zeros((0, 3, 3), np.int8), 5)
        assert (batch.ops.shape, batch.adj.shape) == ((0, 4), (0, 4, 4))


class TestSpaceGraphs:
    def test_view_by_name(self, space_graphs):
        for name in VIEWS:
            assert space_graphs.view(name) is space_graphs.views[name]

    def test_unknown_view(self, space_graphs):
        with pytest.raises(UnknownNameError, match=r"view 'prunned'.* 'pruned'\?"):
            space_graphs.view("prunned")

    def test_graphs_of_before_say_what_to_do(self, space_graphs):
        views = {name: space_graphs.view(name) for name in DEVICE_VIEWS}
        old = SpaceGraphs("toy", space_graphs.arch_ids, views)
        with pytest.raises(SchemaError, match=r"'function' .* pruned, raw: .*featurise"):
            old.view("function")

    def test_rows_in_the_order_asked(self, space_graphs):
        rows = space_graphs.rows(["c", "a", "c"])
        assert (rows.tolist(), rows.dtype) == ([2, 0, 2], np.int64)
        assert space_graphs.rows([]).shape == (0,)

    def test_unknown_architecture(self, space_graphs):
        with pytest.raises(UnknownNameError, match="Unknown architecture 'd'"):
            space_graphs.rows(["a", "d"])

    def test_views_must_have_a_row_for_each_architecture(self):
        with pytest.raises(SchemaError, match="'raw' has 2 graphs for 3 architectures"):
            SpaceGraphs("toy", ("a", "b", "c"), {"raw": batch_of([1, 2])})


class TestFile:
    def test_round_trip(self, space_graphs, tmp_path):
        path = tmp_path / "graphs.npz"
        space_graphs.save(path)
        again = SpaceGraphs.load(path)
        assert (again.space, again.arch_ids) == (space_graphs.space, space_graphs.arch_ids)
        assert len(again) == 3
        assert set(again.views) == set(VIEWS)
        for name in VIEWS:
            before, after = space_graphs.view(name), again.view(name)
            assert np.array_equal(before.ops, after.ops)
            assert np.array_equal(before.adj, after.adj)
            assert (after.ops.dtype, after.adj.dtype) == (np.int8, np.int8)
            assert before.num_ops == after.num_ops

    def test_views_of_one_batch_are_one_again(self, space_graphs, tmp_path):
        space_graphs.save(tmp_path / "graphs.npz")
        again = SpaceGraphs.load(tmp_path / "graphs.npz")
        assert again.view("function") is again.view("pruned")
        assert again.view("raw") is not again.view("pruned")

    def test_edges_that_count_for_several_are_kept(self, space_graphs, tmp_path):
        pruned = space_graphs.view("pruned")
        counted = GraphBatch(pruned.ops, 3 * pruned.adj, pruned.num_ops)
        views = {**space_graphs.views, "function": counted}
        SpaceGraphs("toy", space_graphs.arch_ids, views).save(tmp_path / "graphs.npz")
        again = SpaceGraphs.load(tmp_path / "graphs.npz")
        assert np.array_equal(again.view("function").adj, 3 * again.view("pruned").adj)

    def test_is_the_same_file_each_time(self, space_graphs, tmp_path):
        for name in ("one.npz", "two.npz"):
            space_graphs.save(tmp_path / name)
        assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()

    def test_its_frame_is_that_of_any_release_of_python(self, space_graphs, tmp_path):
        """Neither a date nor the 64-bit header that numpy asks for, which Python 3.11.4 changed."""
        space_graphs.save(tmp_path / "graphs.npz")
        with zipfile.ZipFile(tmp_path / "graphs.npz") as file:
            for member in file.infolist():
                assert member.date_time == (1980, 1, 1, 0, 0, 0)
                assert (member.extract_version, member.extra) == (20, b"")
                assert member.compress_type == zipfile.ZIP_DEFLATED

    def test_holds_plain_arrays_and_nothing_to_unpickle(self, space_graphs, tmp_path):
        path = tmp_path / "graphs.npz"
        space_graphs.save(path)
        with np.load(path, allow_pickle=False) as data:
            arrays = {f"{view}_{x}" for view in DEVICE_VIEWS for x in ("ops", "adj", "num_ops")}
            assert set(data) == arrays | {"space", "arch_ids", "function_same_as"}
            assert not any(data[name].dtype.hasobject for name in data)

    def test_writes_to_the_very_path_it_is_given(self, space_graphs, tmp_path):
        path = tmp_path / "graphs"  # numpy would append .npz
        space_graphs.save(path)
        assert path.is_file()
        assert SpaceGraphs.load(path).arch_ids == space_graphs.arch_ids

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: b"not a graph file",
            lambda data: data[: len(data) // 2],
            lambda data: data[:-30],
            lambda data: b"\x80\x04N.",
            lambda data: data[:60] + bytes(200) + data[260:],
            lambda data: npy_file(),
        ],
        ids=["empty", "text", "half", "no end", "pickle", "zeroed", "one array"],
    )
    def test_a_damaged_file_says_what_to_do(self, space_graphs, tmp_path, damage):
        path = tmp_path / "graphs.npz"
        space_graphs.save(path)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(SchemaError, match=r"graphs\.npz .*featurise"):
            SpaceGraphs.load(path)

    @pytest.mark.parametrize("missing", ["space", "arch_ids", "raw_adj", "pruned_num_ops"])
    def test_a_missing_array_says_what_to_do(self, space_graphs, tmp_path, missing):
        whole, part = tmp_path / "whole.npz", tmp_path / "part.npz"
        space_graphs.save(whole)
        with zipfile.ZipFile(whole) as source, zipfile.ZipFile(part, "w") as target:
            for name in source.namelist():
                if name != f"{missing}.npy":
                    target.writestr(name, source.read(name))
        with pytest.raises(SchemaError, match=f"{missing}.*featurise again"):
            SpaceGraphs.load(part)

    @pytest.mark.parametrize(
        ("name", "array", "says"),
        [
            ("raw_ops", np.zeros(3, np.int8), r"raw_ops .*int8 .*\(3,\)"),
            ("raw_ops", np.zeros((3, 6)), r"raw_ops .*float64 .*\(3, 6\)"),
            ("raw_adj", np.zeros((3, 6, 6), np.int64), r"raw_adj .*int64 .*\(3, 6, 6\)"),
            ("raw_adj", np.zeros((2, 6, 6), np.int8), r"\(3, 6, 6\).*\(2, 6, 6\)"),
            ("raw_num_ops", np.array([7, 7]), r"raw_num_ops .*int64 \(2,\)"),
            ("raw_num_ops", np.array("7"), r"raw_num_ops .*<U1 \(\)"),
            ("arch_ids", np.array([1, 2, 3]), "arch_ids"),
            ("arch_ids", np.array("a"), "arch_ids"),
            ("arch_ids", np.array([b"\xff", b"b", b"c"]), "0xff"),
            ("space", np.array(3), r"space .*int64 \(\)"),
            ("space", np.array(["a", "b"]), r"space .*<U1 \(2,\)"),
        ],
    )
    def test_an_array_of_another_type_is_named(self, space_graphs, tmp_path, name, array, says):
        path = tmp_path / "graphs.npz"
        space_graphs.save(path)
        write_arrays(path, read_arrays(path) | {name: array}, compress=True)
        with pytest.raises(SchemaError, match=rf"graphs\.npz .*{says}.*featurise"):
            SpaceGraphs.load(path)

    def test_a_view_that_is_said_to_be_another_one_needs_that_one(self, space_graphs, tmp_path):
        whole, part = tmp_path / "whole.npz", tmp_path / "part.npz"
        space_graphs.save(whole)
        with zipfile.ZipFile(whole) as source, zipfile.ZipFile(part, "w") as target:
            for name in source.namelist():
                if not name.startswith("pruned"):
                    target.writestr(name, source.read(name))
        with pytest.raises(SchemaError, match=r"'pruned'.*featurise again"):
            SpaceGraphs.load(part)

    def test_a_large_file_is_mapped_and_holds_the_same(self, space_graphs, tmp_path, monkeypatch):
        space_graphs = SpaceGraphs("toy", ("a", "b", "c"), space_graphs.views)
        small, large = tmp_path / "small.npz", tmp_path / "large.npz"
        space_graphs.save(small)
        monkeypatch.setattr("brpnas.graphs._LARGE", 1)
        space_graphs.save(large)
        with zipfile.ZipFile(large) as file:
            assert {m.compress_type for m in file.infolist()} == {zipfile.ZIP_STORED}
        with np.load(large, allow_pickle=False) as data:
            assert data["arch_ids"].dtype.kind == "S"
        first, second = SpaceGraphs.load(small), SpaceGraphs.load(large)
        assert (first.space, first.arch_ids) == (second.space, second.arch_ids)
        assert all(type(arch_id) is str for arch_id in second.arch_ids)
        for name in VIEWS:
            assert np.array_equal(first.view(name).ops, second.view(name).ops)
            assert np.array_equal(first.view(name).adj, second.view(name).adj)

    def test_names_in_any_alphabet(self, space_graphs, tmp_path, monkeypatch):
        monkeypatch.setattr("brpnas.graphs._LARGE", 1)
        graphs = SpaceGraphs("toy", ("a", "ü", "c"), space_graphs.views)
        graphs.save(tmp_path / "graphs.npz")
        assert SpaceGraphs.load(tmp_path / "graphs.npz").arch_ids == ("a", "ü", "c")

    def test_from_32_mib_on_a_file_is_large(self, tmp_path):
        least = -(-32 * 2**20 // 1056)  # bytes of a graph of 32 nodes
        for count, method in ((least - 1, zipfile.ZIP_DEFLATED), (least, zipfile.ZIP_STORED)):
            batch = GraphBatch(
                np.zeros((count, 32), np.int8), np.zeros((count, 32, 32), np.int8), 5
            )
            graphs = SpaceGraphs("toy", tuple(map(str, range(count))), {"raw": batch})
            graphs.save(tmp_path / "graphs.npz")
            with zipfile.ZipFile(tmp_path / "graphs.npz") as file:
                assert file.getinfo("raw_adj.npy").compress_type == method
            loaded = SpaceGraphs.load(tmp_path / "graphs.npz")
            assert loaded.arch_ids == graphs.arch_ids
            assert not loaded.view("raw").adj.any()

    def test_a_missing_file_is_the_usual_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            SpaceGraphs.load(tmp_path / "none.npz")
