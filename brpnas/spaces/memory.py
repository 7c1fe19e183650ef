"""Memory of a network: the size of its ONNX file, and its largest sum of live activations.

A space writes the operations of a network on a `Tape`, in the order of execution in the exported
file: without dead operations, batch normalisation folded into convolutions, equal operations
executed once. A network of hundreds of operations takes a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["BYTES", "Tape", "file_bytes"]

BYTES = 4
"""Bytes of a float32."""
_PER_FILE, _PER_LAYER, _PER_OPERATION = 126, 415, 153
"""Bytes beside the weights: of a file, of a node with weights, of another node. Names have no fixed
length; these are a least-squares fit to 15 files of NAS-Bench-201."""


@dataclass
class Tape:
    """Operations of a network in the order of execution, each with one output.

    Attributes:
        sizes: Values of each output.
        inputs: Outputs read by each operation.
        layers: Number of operations with weights.
        floats: Their weights.
    """

    sizes: list[int] = field(default_factory=list)
    inputs: list[tuple[int, ...]] = field(default_factory=list)
    layers: int = 0
    floats: int = 0
    _known: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)

    @property
    def operations(self) -> int:
        """Number of operations without weights."""
        return sum(map(bool, self.inputs)) - self.layers

    def given(self, size: int) -> int:
        """Number of an output that exists before the first operation."""
        return self._add((), size)

    def apply(self, name: str, size: int, *inputs: int) -> int:
        """Number of the output of an operation without weights; an equal one is not repeated."""
        key = name, inputs
        if key not in self._known:
            self._known[key] = self._add(inputs, size)
        return self._known[key]

    def layer(self, size: int, source: int, floats: int) -> int:
        """Number of the output of an operation with weights."""
        self.floats += floats
        self.layers += 1
        return self._add((source,), size)

    def peak(self, *kept: int) -> int:
        """Largest sum of live values.

        An output is live from its operation to the last operation reading it; all inputs and the
        output of an operation are live together. The outputs in ``kept`` are live to the end.
        """
        last = list(range(len(self.sizes)))
        for place, sources in enumerate(self.inputs):
            for source in sources:
                last[source] = place
        for source in kept:
            last[source] = len(self.sizes)
        ends: dict[int, int] = {}
        for source, place in enumerate(last):
            ends[place] = ends.get(place, 0) + self.sizes[source]
        live = most = 0
        for place, size in enumerate(self.sizes):
            live += size
            most = max(most, live)
            live -= ends.get(place, 0)
        return most

    def _add(self, inputs: tuple[int, ...], size: int) -> int:
        self.sizes.append(size)
        self.inputs.append(inputs)
        return len(self.sizes) - 1


def file_bytes(floats: int, layers: int, operations: int) -> int:
    """Bytes of the float32 ONNX file of a network.

    The error is below two percent for files of 200 KiB and more.

    Args:
        floats: Values of all weights.
        layers: Nodes with weights.
        operations: Nodes without weights.
    """
    return BYTES * floats + _PER_FILE + _PER_LAYER * layers + _PER_OPERATION * operations
