"""Graphs of architectures as dense arrays: one graph, a padded batch, a whole space.

`ArchGraph` is one architecture, `GraphBatch` many of them padded to equal size, `SpaceGraphs` a
whole space in all views (see `View`) with its architecture ids. Operations are nodes. Node 0 is the
*global* node of the GCN: it points to every node, and every node has a self-loop. A blank or
padding node has operation `BLANK` and no edges.

Numpy only, so graphs can be made without torch. `brpnas.predictors` turns batches into tensors and
into PyTorch Geometric data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, overload

import numpy as np
import numpy.typing as npt

from brpnas.arrays import read_arrays, write_arrays
from brpnas.errors import SchemaError, UnknownNameError

__all__ = [
    "BLANK",
    "DEVICE_VIEWS",
    "GLOBAL",
    "INPUT",
    "OUTPUT",
    "VIEWS",
    "ArchGraph",
    "GraphBatch",
    "Int8Array",
    "SpaceGraphs",
    "View",
    "with_global_node",
]

Int8Array: TypeAlias = npt.NDArray[np.int8]
"""Array of 8-bit integers."""
IndexArray: TypeAlias = npt.NDArray[np.integer] | npt.NDArray[np.bool_]

View = Literal["pruned", "raw", "function"]
"""Representation of a cell as a graph.

``pruned``: dead code removed (`none` cut, `skip_connect` bypassed, nodes off every path from input
to output blanked), as executed after a compiler. ``raw``: all operations, as executed by an eager
runtime. ``function``: the computed function, for predicting accuracy. As pruned, but an edge holds
the number of paths of bypassed operations between its two nodes: x + x counts 2."""
VIEWS: tuple[View, ...] = get_args(View)
"""Names of all views."""
DEVICE_VIEWS: tuple[View, View] = ("pruned", "raw")
"""Views for predicting latency: what devices execute."""

BLANK = 0
"""Operation of a node without one: padding, or blanked in a view."""
GLOBAL = 1
"""Operation of the global node."""
INPUT = 2
"""Operation of the input node."""
OUTPUT = 3
"""Operation of the output node; operations of a space start at 4."""

_LARGE = 32 * 2**20
"""Least bytes of graphs to map a file instead of reading it."""
_LIMIT = 256 * 2**20
"""Most bytes of all compressed arrays of a file; larger files are not compressed."""


@dataclass(frozen=True, eq=False)
class ArchGraph:
    """One architecture as a directed acyclic graph with operations on the nodes.

    Args:
        ops: Operation code of each node, shape ``[V]``.
        adj: ``adj[i, j]`` is 1 for an edge from node i to node j, shape ``[V, V]``; in the view
            ``function`` it may be more than 1.
    """

    ops: Int8Array
    adj: Int8Array

    def __post_init__(self) -> None:
        if self.adj.shape != (len(self.ops), len(self.ops)):
            raise SchemaError(
                f"A graph of {len(self.ops)} nodes needs an adjacency of shape "
                f"{(len(self.ops),) * 2}, not {self.adj.shape}."
            )


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """Graphs padded to the same number of nodes.

    Args:
        ops: Operation codes, shape ``[N, V]``, 0 (`BLANK`) for padding.
        adj: Adjacencies, shape ``[N, V, V]``, zero for padding.
        num_ops: Size of the vocabulary: ``0 <= ops < num_ops``.
    """

    ops: Int8Array
    adj: Int8Array
    num_ops: int

    def __post_init__(self) -> None:
        n, v = self.ops.shape
        if self.adj.shape != (n, v, v):
            raise SchemaError(
                f"Operations of shape {(n, v)} need adjacencies {(n, v, v)}, not {self.adj.shape}."
            )
        if n and not 0 <= int(self.ops.min()) <= int(self.ops.max()) < self.num_ops:
            raise SchemaError(f"Operation codes must lie in 0..{self.num_ops - 1}.")

    def __len__(self) -> int:
        return len(self.ops)

    @overload
    def __getitem__(self, index: int) -> ArchGraph: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | IndexArray) -> GraphBatch: ...
    def __getitem__(
        self, index: int | slice | Sequence[int] | IndexArray
    ) -> ArchGraph | GraphBatch:
        """One graph for an int; a batch for a slice, a mask, or an array of indices."""
        if isinstance(index, int | np.integer):
            return ArchGraph(self.ops[index], self.adj[index])
        chosen = index if isinstance(index, slice) else _as_index(index)
        return GraphBatch(self.ops[chosen], self.adj[chosen], self.num_ops)

    @property
    def num_nodes(self) -> int:
        """Nodes of each graph, padding included."""
        return int(self.ops.shape[1])

    @property
    def connected(self) -> npt.NDArray[np.bool_]:
        """Whether a path leads from input to output in the pruned view, shape ``[N]``."""
        is_output = self.ops == OUTPUT
        into = self.adj[:, 1:, :].sum(axis=1)  # without edges of the global node
        return np.asarray(np.where(is_output, into, 0).max(axis=1) > 1)


def _as_index(index: Sequence[int] | IndexArray) -> IndexArray:
    array: IndexArray = np.asarray(index)
    return array if array.size else array.astype(np.int64)


def with_global_node(ops: Int8Array, adj: Int8Array, num_ops: int) -> GraphBatch:
    """Put the global node in front and a self-loop on every node except blank ones.

    Args:
        ops: Operation codes without global node, shape ``[N, V - 1]``.
        adj: Adjacencies without self-loops, shape ``[N, V - 1, V - 1]``.
        num_ops: Size of the vocabulary.
    """
    n, v = ops.shape
    all_ops = np.concatenate([np.full((n, 1), GLOBAL, np.int8), ops], axis=1)
    active = (all_ops != BLANK).astype(np.int8)
    all_adj = np.zeros((n, v + 1, v + 1), np.int8)
    all_adj[:, 1:, 1:] = adj
    all_adj[:, 0, :] = active
    diagonal = np.arange(v + 1)
    all_adj[:, diagonal, diagonal] = active
    return GraphBatch(all_ops, all_adj, num_ops)


@dataclass(frozen=True, eq=False)
class SpaceGraphs:
    """Every architecture of a space in all views, in the order of ``arch_ids``.

    Args:
        space: Name of the search space.
        arch_ids: Canonical strings, one per row of the batches.
        views: Batch of each view; all of the same length.
    """

    space: str
    arch_ids: tuple[str, ...]
    views: Mapping[View, GraphBatch]

    def __post_init__(self) -> None:
        for name, batch in self.views.items():
            if len(batch) != len(self.arch_ids):
                raise SchemaError(
                    f"View {name!r} has {len(batch)} graphs for {len(self.arch_ids)} architectures."
                )

    def __len__(self) -> int:
        return len(self.arch_ids)

    def view(self, name: str) -> GraphBatch:
        """Batch of one view.

        Raises:
            UnknownNameError: If the view is unknown.
            SchemaError: If these graphs lack the view.
        """
        for known, batch in self.views.items():
            if known == name:
                return batch
        if name in VIEWS:
            raise SchemaError(
                f"These graphs lack the view {name!r} and have {', '.join(self.views)}: run "
                "featurise again, or use the method `graphs` of the space."
            )
        raise UnknownNameError("view", name, VIEWS)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {arch_id: row for row, arch_id in enumerate(self.arch_ids)}

    def rows(self, arch_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Row of each architecture.

        Raises:
            UnknownNameError: If an architecture is missing.
        """
        try:
            return np.array([self._index[arch_id] for arch_id in arch_ids], np.int64)
        except KeyError as missing:
            raise UnknownNameError("architecture", str(missing.args[0]), ()) from None

    def save(self, path: Path) -> None:
        """Write an NPZ file without pickled objects.

        Arrays below 32 MiB are compressed; larger ones are not, so `load` can map them. Views
        sharing one batch are written once.
        """
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "space": np.array(self.space),
            "arch_ids": np.array(self.arch_ids, dtype=np.str_),
        }
        written: dict[View, GraphBatch] = {}
        for name, batch in self.views.items():
            same = next((other for other, known in written.items() if known is batch), None)
            if same is not None:
                arrays[f"{name}_same_as"] = np.array(same)
                continue
            written[name] = batch
            arrays |= {
                f"{name}_ops": batch.ops,
                f"{name}_adj": batch.adj,
                f"{name}_num_ops": np.array(batch.num_ops),
            }
        is_large = sum(b.ops.nbytes + b.adj.nbytes for b in written.values()) >= _LARGE
        if is_large and all(map(str.isascii, self.arch_ids)):  # a quarter of the size
            arrays["arch_ids"] = np.array(self.arch_ids, dtype=np.bytes_)
        write_arrays(path, arrays, compress=not is_large)

    @classmethod
    def load(cls, path: Path) -> SpaceGraphs:
        """Read the file of `save`; large files are mapped, not read.

        Raises:
            SchemaError: If the file is not such an NPZ file.
        """
        try:
            return cls._of(read_arrays(path, limit=_LIMIT))
        except FileNotFoundError:
            raise
        except (KeyError, ValueError, TypeError) as error:
            raise SchemaError(
                f"{path} is not a graph file of this project ({error}): run featurise again."
            ) from error

    @classmethod
    def _of(cls, data: Mapping[str, npt.NDArray[Any]]) -> SpaceGraphs:
        views = {
            name: GraphBatch(
                _codes(data, f"{name}_ops", 2),
                _codes(data, f"{name}_adj", 3),
                int(_scalar(data, f"{name}_num_ops", "iu")),
            )
            for name in VIEWS
            if f"{name}_ops" in data
        }
        written = {str(name): batch for name, batch in views.items()}
        for name in VIEWS:
            if f"{name}_same_as" in data:
                views[name] = written[_scalar(data, f"{name}_same_as", "U")]
        if not views:
            raise KeyError("views are missing")
        names = data["arch_ids"]
        if names.ndim != 1 or names.dtype.kind not in "SU":
            raise ValueError("arch_ids must be a list of text")
        arch_ids = names.tolist()
        if names.dtype.kind == "S":
            arch_ids = [name.decode("ascii") for name in arch_ids]
        return cls(_scalar(data, "space", "U"), tuple(arch_ids), views)


def _codes(data: Mapping[str, npt.NDArray[Any]], key: str, dimensions: int) -> Int8Array:
    array = data[key]
    if array.ndim != dimensions or array.dtype != np.int8:
        raise ValueError(f"{key} is of type {array.dtype} and shape {array.shape}")
    return array


def _scalar(data: Mapping[str, npt.NDArray[Any]], key: str, kinds: str) -> Any:
    array = data[key]
    if array.ndim or array.dtype.kind not in kinds:
        raise ValueError(f"{key} must be a single value, not {array.dtype} {array.shape}")
    return array.item()
