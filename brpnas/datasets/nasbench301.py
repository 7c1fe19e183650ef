"""The surrogate of NAS-Bench-301: accuracy of DARTS architectures on CIFAR-10 (2008.09777).

`Surrogate` is a neural network fitted to about 60,000 trainings and answers for every architecture
of the space `darts`. It is the ONNX model of YAHPO Gym (arXiv 2109.03670), without noise: equal
queries have equal answers. It predicts validation accuracy; test accuracy is not available.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.onnx_check import check_onnx
from brpnas.spaces.darts.cell import (
    CELLS,
    NODES,
    OPERATIONS,
    Int64Array,
    node_decisions,
    node_numbers,
)
from brpnas.spaces.darts.isomorphism import renumberings

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["EPOCHS", "PREDICTIONS", "Surrogate"]

FloatArray = npt.NDArray[np.float64]

EPOCHS = 98
"""Longest training of the surrogate."""
PREDICTIONS: tuple[str, ...] = (
    "valid_accuracy",
    "valid_cross_entropy",
    "train_time_s",
    "epoch_time_s",
)
"""Outputs in their order: accuracy is a fraction, times are in seconds."""

_PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
_EDGES = tuple((source, node + 2) for node in range(NODES) for source in range(node + 2))
"""Source and target of the fourteen possible edges of a cell, in the published order."""
_ABSENT = "#na#"
_BATCH = 256
"""Rows per call; constant, because sums of another number of rows may round differently."""


class Surrogate:
    """The surrogate of NAS-Bench-301, version 2 of YAHPO Gym.

    Its input is the operation (or absence) of each of the fourteen possible edges of each cell, the
    pair of inputs of each node from the second on, and the epoch. It is not symmetric: predictions
    for architectures that differ only in the numbering of their nodes differ by 0.0027 on average,
    compared with a standard deviation of 0.0042 over random architectures; between two numberings
    the correlation is 0.63 and Kendall's tau 0.43. A predictor on graphs cannot explain this part.
    ``symmetric`` removes it.

    Args:
        model: Published file ``nasbench301-model``.
        encoding: Published file ``nasbench301-encoding``.
        config_space: Published file ``nasbench301-space``.
        symmetric: Predict the mean over all numberings of an architecture's nodes instead of the
            published value. Takes about twenty times as long.

    Raises:
        SchemaError: If encoding or configuration space do not fit the space `darts`.

    Examples:
        >>> files = fetch_group("nasbench301", mirror=None, cache=Path("cache"))  # doctest: +SKIP
        >>> arch_ids = Darts().sample(np.random.default_rng(0), 1000)  # doctest: +SKIP
        >>> Surrogate.from_files(files).predict(arch_ids).mean()  # doctest: +SKIP
        np.float64(0.924)
    """

    def __init__(
        self, model: Path, encoding: Path, config_space: Path, symmetric: bool = False
    ) -> None:
        self.model, self.symmetric = model, symmetric
        categories = _read_json(encoding)
        names = _names()
        _check_encoding(categories, names, encoding)
        _check_config_space(_read_json(config_space), names, config_space)
        self._operations, self._pairs = _tables(categories)

    @classmethod
    def from_files(cls, files: Mapping[str, Path], symmetric: bool = False) -> Surrogate:
        """Open the files of `fetch_group` for ``nasbench301``."""
        return cls(
            files["nasbench301-model"],
            files["nasbench301-encoding"],
            files["nasbench301-space"],
            symmetric,
        )

    def predict(self, arch_ids: Sequence[str], epochs: int = EPOCHS) -> FloatArray:
        """Validation accuracy on CIFAR-10 after ``epochs``, fraction, shape ``[N]``.

        Raises:
            ArchitectureError: If a string is not an architecture of the space `darts`.
            ConfigurationError: If epochs are out of range, or onnxruntime is not installed.
        """
        return self.predict_all(arch_ids, epochs)[:, 0].copy()

    def predict_all(self, arch_ids: Sequence[str], epochs: int = EPOCHS) -> FloatArray:
        """All outputs, shape ``[N, 4]`` in the order of `PREDICTIONS`.

        Raises:
            ArchitectureError: If a string is not an architecture of the space `darts`.
            ConfigurationError: If epochs are out of range, or onnxruntime is not installed.
        """
        if not 1 <= epochs <= EPOCHS:
            raise ConfigurationError(
                f"NAS-Bench-301 covers trainings of 1 to {EPOCHS} epochs, not {epochs}."
            )
        numbers = node_numbers(arch_ids)
        if not self.symmetric:
            return self._run(_encode(numbers, self._operations, self._pairs), epochs)
        members, owner = renumberings(numbers)
        predicted = self._run(_encode(members, self._operations, self._pairs), epochs)
        first = np.searchsorted(owner, np.arange(len(numbers)))
        counts = np.bincount(owner, minlength=len(numbers))[:, None]
        return np.add.reduceat(predicted, first, axis=0) / counts if len(numbers) else predicted

    def encode(self, arch_ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Input categories of architectures, shape ``[N, 34]``."""
        return _encode(node_numbers(arch_ids), self._operations, self._pairs)

    def _run(self, categories: npt.NDArray[np.int32], epochs: int) -> FloatArray:
        found = np.empty((len(categories), len(PREDICTIONS)))
        epoch = np.full((_BATCH, 1), epochs, np.float32)
        for start in range(0, len(categories), _BATCH):
            chunk = categories[start : start + _BATCH]
            padded = np.zeros((_BATCH, categories.shape[1]), np.int32)
            padded[: len(chunk)] = chunk
            inputs = {"x_cat": padded, "x_cont": epoch}
            found[start : start + _BATCH] = self._session.run(None, inputs)[0][: len(chunk)]
        return found

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        try:
            import onnxruntime as ort  # noqa: PLC0415 - only this reader needs it
        except ImportError as error:
            raise ConfigurationError(
                "The surrogate of NAS-Bench-301 needs onnxruntime: pip install 'brpnas[export]'."
            ) from error
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            content = self.model.read_bytes()
            check_onnx(content, str(self.model))
            session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except SchemaError:
            raise
        except Exception as error:  # exceptions of ONNX Runtime have no common root
            raise SchemaError(
                f"{self.model} cannot be read as the surrogate of NAS-Bench-301: {error!s:.300}. "
                "Get it again from its catalogued URL."
            ) from error
        shapes = {node.name: node.shape[1:] for node in session.get_inputs()}
        outputs = [node.shape[1:] for node in session.get_outputs()]
        width = len(_names())
        if shapes != {"x_cat": [width], "x_cont": [1]} or outputs != [[len(PREDICTIONS)]]:
            raise SchemaError(
                f"{self.model} is not the surrogate of NAS-Bench-301: it has the inputs {shapes} "
                f"and outputs {outputs}."
            )
        return session


def _encode(
    numbers: Int64Array,
    operations: npt.NDArray[np.int32],
    pairs_of_node: Mapping[int, npt.NDArray[np.int32]],
) -> npt.NDArray[np.int32]:
    decisions = node_decisions(numbers).astype(np.int64)
    count = len(decisions)
    rows = np.arange(count)
    edges = np.zeros((count, len(CELLS), len(_EDGES)), np.int32)
    pairs = np.zeros((count, len(CELLS), NODES - 1), np.int32)
    for cell, node in itertools.product(range(len(CELLS)), range(NODES)):
        first_edge = _EDGES.index((0, node + 2))
        ops, sources = decisions[:, cell, node, :, 0], decisions[:, cell, node, :, 1]
        for edge in range(2):
            edges[rows, cell, first_edge + sources[:, edge]] = operations[ops[:, edge]]
        if node:
            pairs[:, cell, node - 1] = pairs_of_node[node][sources[:, 0], sources[:, 1]]
    flat = (
        edges.reshape(count, len(CELLS) * len(_EDGES)),
        pairs.reshape(count, len(CELLS) * (NODES - 1)),
    )
    return np.concatenate(flat, axis=1)


def _names() -> list[str]:
    """Categorical inputs in the order of the model."""
    edges = [f"edge_{cell}_{i}" for cell in CELLS for i in range(len(_EDGES))]
    pairs = [f"inputs_node_{cell}_{node}" for cell in CELLS for node in range(3, NODES + 2)]
    return [_PREFIX + name for name in (*edges, *pairs)]


def _pairs_of(node: int) -> list[tuple[int, int]]:
    """Possible pairs of inputs of a node, counted from the first intermediate one."""
    return list(itertools.combinations(range(node + 2), 2))


def _choices(name: str) -> set[str]:
    """Values of a categorical input: operations of an edge, or pairs of inputs of a node."""
    if name.startswith(_PREFIX + "edge_"):
        return set(OPERATIONS)
    return {f"{low}_{high}" for low, high in _pairs_of(int(name.rpartition("_")[2]) - 2)}


def _tables(
    categories: Mapping[str, Mapping[str, int]],
) -> tuple[npt.NDArray[np.int32], dict[int, npt.NDArray[np.int32]]]:
    """Category of each operation code, and of each pair of inputs by node."""
    any_edge = categories[_names()[0]]
    operations = np.array([any_edge[name] for name in OPERATIONS], np.int32)
    pairs = {}
    for node in range(1, NODES):
        of_node = categories[f"{_PREFIX}inputs_node_{CELLS[0]}_{node + 2}"]
        pairs[node] = np.zeros((NODES + 1, NODES + 1), np.int32)
        for low, high in _pairs_of(node):
            pairs[node][low, high] = of_node[f"{low}_{high}"]
    return operations, pairs


def _check_encoding(categories: Any, names: Sequence[str], path: Path) -> None:
    """Check names and choices: absence is 0, and all cells have the same encoding."""
    if not isinstance(categories, dict):
        raise SchemaError(f"{path} does not encode the decisions of DARTS architectures.")
    if differing := sorted(set(categories) ^ set(names)):
        raise SchemaError(
            f"{path} does not encode the decisions of DARTS architectures: {differing[0]!r:.80}."
        )
    for name in names:
        found = categories[name]
        complete = set(found) == {_ABSENT, *_choices(name)}
        if not complete or found[_ABSENT] or sorted(found.values()) != list(range(len(found))):
            raise SchemaError(f"{path} encodes {name} differently: {found}.")
    normal, reduce = ({n: categories[n] for n in names if c in n} for c in CELLS)
    edges = [categories[name] for name in names[: len(CELLS) * len(_EDGES)]]
    if list(normal.values()) != list(reduce.values()) or any(edge != edges[0] for edge in edges):
        raise SchemaError(f"{path} encodes edges or cells inconsistently.")


def _check_config_space(space: Any, names: Sequence[str], path: Path) -> None:
    """Check choices, and that an edge is active exactly if its node reads it."""
    try:
        choices = {h["name"]: set(h.get("choices", ())) for h in space["hyperparameters"]}
        active = {c["child"]: (c["parent"], set(c["values"])) for c in space["conditions"]}
    except (KeyError, TypeError) as error:
        raise SchemaError(f"{path} is not a configuration space of ConfigSpace.") from error
    wanted = {name: _choices(name) for name in names} | {"epoch": set()}
    if choices != wanted:
        given = choices.keys() | wanted.keys()
        differing = next(n for n in sorted(given, key=str) if choices.get(n) != wanted.get(n))
        raise SchemaError(
            f"{path} does not hold the decisions of DARTS architectures: {differing!r:.80}."
        )
    expected = {
        f"{_PREFIX}edge_{cell}_{i}": (
            f"{_PREFIX}inputs_node_{cell}_{target}",
            {f"{a}_{b}" for a, b in _pairs_of(target - 2) if source in (a, b)},
        )
        for cell in CELLS
        for i, (source, target) in enumerate(_EDGES)
        if target > 2  # the first node always reads both inputs
    }
    if active != expected:
        wrong = sorted(n for n in active | expected if active.get(n) != expected.get(n))
        raise SchemaError(f"{path} has other conditions of active edges, first {wrong[0]}.")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SchemaError(f"{path} cannot be read as JSON: {error}.") from error
