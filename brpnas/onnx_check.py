"""What an ONNX file may hold: checked on its bytes, before a runtime parses it.

A predictor is a graph of standard operators with its weights inside. `check_onnx` walks the fields
of the file (protocol buffers) and refuses what a predictor never has: tensors in other files,
control flow, which may never end, functions, and operators of other domains. The package `onnx` is
not needed, so a server can do without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from brpnas.errors import SchemaError

__all__ = ["MAX_ONNX_BYTES", "check_onnx"]

MAX_ONNX_BYTES = 256 * 2**20
"""Largest file that is read."""
_MAX_FIELDS = 1_000_000
_MAX_STRUCTURE = 4 * 2**20  # bytes beside the weights; each may become a hundred in a runtime

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED = {_FIXED_64: 8, _FIXED_32: 4}

# Numbers of fields, from onnx.proto.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN = 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_DATA = frozenset({4, 5, 7, 9, 10, 11})
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


def check_onnx(content: bytes, origin: str) -> None:
    """Check that a file is a graph of standard operators that holds all its weights.

    Args:
        content: The file.
        origin: Name of the file in messages.

    Raises:
        SchemaError: If it is not; says why.
    """
    if len(content) > MAX_ONNX_BYTES:
        raise SchemaError(
            f"{origin} is not loaded, because it has more than {MAX_ONNX_BYTES:,} bytes; no "
            "predictor of this project does. Export the predictor again."
        )
    walk = _Walk(origin)
    try:
        weights = walk.model(memoryview(content))
    except SchemaError:
        raise
    except (ValueError, IndexError) as error:
        raise SchemaError(
            f"{origin} is no complete ONNX file ({error}). Get it again, or export it again."
        ) from error
    if len(content) - weights > _MAX_STRUCTURE:
        walk.refuse(f"it holds {len(content) - weights:,} bytes beside its weights")


class _Walk:
    """A walk over the messages of a file; each method checks one kind and counts its weights."""

    def __init__(self, origin: str) -> None:
        self.origin, self.left = origin, _MAX_FIELDS

    def model(self, model: memoryview) -> int:
        weights = 0
        for number, value in self.fields(model):
            if number in (_MODEL_TRAINING, _MODEL_FUNCTIONS):
                self.refuse("it holds functions or training steps")
            if number == _MODEL_GRAPH:
                weights += self.graph(_message(value))
        return weights

    def graph(self, graph: memoryview) -> int:
        weights = 0
        for number, value in self.fields(graph):
            if number == _GRAPH_TENSOR:
                weights += self.tensor(_message(value))
            elif number == _GRAPH_SPARSE:
                self.refuse("it holds sparse tensors")
            elif number == _GRAPH_NODE:
                weights += self.node(_message(value))
        return weights

    def node(self, node: memoryview) -> int:
        weights = 0
        for number, value in self.fields(node):
            if number == _NODE_DOMAIN and _text(value) not in ("", "ai.onnx"):
                self.refuse(f"it uses operators of the domain {_text(value)!r}")
            elif number == _NODE_ATTRIBUTE:
                weights += self.attribute(_message(value))
        return weights

    def attribute(self, attribute: memoryview) -> int:
        weights = 0
        for number, value in self.fields(attribute):
            if number in _ATTRIBUTE_GRAPHS:
                self.refuse("it holds loops or branches")
            if number in _ATTRIBUTE_SPARSE:
                self.refuse("it holds sparse tensors")
            if number in _ATTRIBUTE_TENSORS:
                weights += self.tensor(_message(value))
        return weights

    def tensor(self, tensor: memoryview) -> int:
        weights = 0
        for number, value in self.fields(tensor):
            if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
                self.refuse("its weights lie in another file")
            if number in _TENSOR_DATA and isinstance(value, memoryview):
                weights += len(value)
        return weights

    def fields(self, content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Numbers and values of the fields of a message."""
        place = 0
        while place < len(content):
            self.left -= 1
            if self.left < 0:
                self.refuse(f"it has more than {_MAX_FIELDS:,} parts")
            tag, place = _varint(content, place)
            number, kind = tag >> 3, tag & 7
            if kind == _VARINT:
                value, place = _varint(content, place)
                yield number, value
                continue
            if kind == _BYTES:
                size, place = _varint(content, place)
            elif kind in _FIXED:
                size = _FIXED[kind]
            else:
                raise ValueError(f"field {number} is of kind {kind}")
            if size > len(content) - place:
                raise ValueError("it is cut off")
            yield number, content[place : place + size]
            place += size

    def refuse(self, why: str) -> NoReturn:
        raise SchemaError(
            f"{self.origin} is not loaded, because {why:.200}; no predictor of this project does. "
            "Export the predictor again, and do not load this file by other means."
        )


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError("a number is too long")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a message was expected")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)[:200]).decode("utf-8", "replace")
