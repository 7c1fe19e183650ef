"""Check of an ONNX file on its bytes, before a runtime parses it.

A predictor is a graph of standard operators with its weights inside. `check_onnx` walks the fields
of the file (protocol buffers) and refuses everything else: tensors in other files, control flow
(possibly endless), functions, and operators outside `_OPERATORS`. A server does not need the
package `onnx`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from brpnas.errors import SchemaError

__all__ = ["MAX_ONNX_BYTES", "check_onnx"]

MAX_ONNX_BYTES = 256 * 2**20
"""Largest accepted file."""
_MAX_FIELDS = 1_000_000
_MAX_STRUCTURE = 4 * 2**20  # bytes beside the weights; each may become a hundred in a runtime

_MAX_NODES = 20_000

_OPERATORS = frozenset(
    {
        *("Abs", "Add", "And", "Cast", "Clip", "Div", "Elu", "Equal", "Erf", "Exp", "Greater"),
        *("GreaterOrEqual", "Identity", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Min"),
        *("Mul", "Neg", "Not", "Or", "Pow", "Relu", "Sigmoid", "Sqrt", "Sub", "Tanh", "Where"),
        *("BatchNormalization", "LayerNormalization", "Softmax"),
        *("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"),
        *("Concat", "Flatten", "Gather", "GatherND", "Reshape", "ScatterND", "Shape", "Slice"),
        *("Split", "Squeeze", "Transpose", "Unsqueeze"),
        *("Constant", "ConstantOfShape", "Expand", "OneHot", "Range"),
        *("Gemm", "MatMul"),
    }
)
"""Operators in files of this project, and similar elementwise ones.

`brpnas.serving` bounds memory and thus time of each operator, except products of integer matrices:
these take minutes instead of seconds and are refused.
"""
_FLOATS = frozenset({1, 11})
_BOOL, _INT64, _FLOAT = 9, 7, 1
_MADE: dict[str, int] = {
    **dict.fromkeys(("And", "Or", "Not", "Equal"), _BOOL),
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual"), _BOOL),
    "ConstantOfShape": _FLOAT,
    "Shape": _INT64,
}
"""Type of an operator's result without a type attribute; others keep the type of an input."""
_TYPED = ("Cast", "Constant", "ConstantOfShape")
"""Operators with a type attribute."""
_KEPT = {"OneHot": 2, "Where": 1}
"""Position of the input that gives the type; 0 for other operators."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED = {_FIXED_64: 8, _FIXED_32: 4}

# Numbers of fields, from onnx.proto.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_INPUT, _GRAPH_SPARSE = 1, 5, 11, 15
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_ATTRIBUTE_NAME, _ATTRIBUTE_INT = 1, 3
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = _TYPE_ELEMENT = 1
_TENSOR_TYPE, _TENSOR_NAME = 2, 8
_TENSOR_DATA = frozenset({4, 5, 7, 9, 10, 11})
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


def check_onnx(content: bytes, origin: str) -> None:
    """Check that a file is a graph of standard operators with all its weights.

    Args:
        content: The file.
        origin: Name of the file in messages.

    Raises:
        SchemaError: If it is not, with the reason.
    """
    if len(content) > MAX_ONNX_BYTES:
        raise SchemaError(
            f"{origin} is not loaded: it has more than {MAX_ONNX_BYTES:,} bytes, unlike any "
            "predictor of this project. Export the predictor again."
        )
    walk = _Walk(origin)
    try:
        weights = walk.model(memoryview(content))
    except SchemaError:
        raise
    except (ValueError, IndexError) as error:
        raise SchemaError(
            f"{origin} is not a complete ONNX file ({error}). Get it again, or export it again."
        ) from error
    if len(content) - weights > _MAX_STRUCTURE:
        walk.refuse(f"it holds {len(content) - weights:,} bytes beside its weights")


class _Walk:
    """A walk over the messages of a file; each method checks one kind and counts weights."""

    def __init__(self, origin: str) -> None:
        self.origin, self.left = origin, _MAX_FIELDS
        self.types: dict[str, int] = {}

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
        nodes: list[memoryview] = []
        for number, value in self.fields(graph):
            if number == _GRAPH_TENSOR:
                size, kind, name = self.tensor(_message(value))
                weights += size
                self.name(name, kind)
            elif number == _GRAPH_INPUT:
                self.input(_message(value))
            elif number == _GRAPH_SPARSE:
                self.refuse("it holds sparse tensors")
            elif number == _GRAPH_NODE:
                nodes.append(_message(value))
        if len(nodes) > _MAX_NODES:
            self.refuse(f"it has more than {_MAX_NODES:,} operations")
        return weights + sum(map(self.node, nodes))

    def input(self, value_info: memoryview) -> None:
        name, kind = "", 0
        for number, value in self.fields(value_info):
            if number == _VALUE_NAME:
                name = _text(value)
            elif number == _VALUE_TYPE:
                for kind_of, tensor in self.fields(_message(value)):
                    if kind_of == _TYPE_TENSOR:
                        found = dict(self.fields(_message(tensor))).get(_TYPE_ELEMENT)
                        kind = found if isinstance(found, int) else kind
        self.name(name, kind)

    def node(self, node: memoryview) -> int:
        weights, operator, kind = 0, "", 0
        inputs: list[str] = []
        outputs: list[str] = []
        for number, value in self.fields(node):
            if number == _NODE_OPERATOR:
                operator = _text(value)
            elif number in (_NODE_INPUT, _NODE_OUTPUT):
                (inputs if number == _NODE_INPUT else outputs).append(_text(value))
            elif number == _NODE_DOMAIN and _text(value) not in ("", "ai.onnx"):
                self.refuse(f"it uses operators of the domain {_text(value)!r}")
            elif number == _NODE_ATTRIBUTE:
                size, found = self.attribute(_message(value))
                weights, kind = weights + size, found or kind
        if operator not in _OPERATORS:
            self.refuse(f"it uses the operator {operator!r}")
        kept = _KEPT.get(operator, 0)
        known = self.types.get(inputs[kept], 0) if len(inputs) > kept else 0
        if operator in ("MatMul", "Gemm") and known not in _FLOATS:
            name = inputs[kept] if len(inputs) > kept else ""
            self.refuse(f"{operator} multiplies {name!r:.80} of ONNX type {known}, not of floats")
        kind = kind if operator in _TYPED else 0
        for name in outputs:
            self.name(name, kind or _MADE.get(operator, known))
        return weights

    def name(self, name: str, kind: int) -> None:
        """Record the type of a named value."""
        if self.types.setdefault(name, kind) != kind and name:
            self.refuse(f"{name!r:.80} has two types")

    def attribute(self, attribute: memoryview) -> tuple[int, int]:
        """Bytes of weights, and the result type from the attribute, 0 for none."""
        weights, name, made, number_given = 0, "", 0, 0
        for number, value in self.fields(attribute):
            if number in _ATTRIBUTE_GRAPHS:
                self.refuse(f"its attribute {name!r:.80} holds a graph, as loops and branches do")
            if number in _ATTRIBUTE_SPARSE:
                self.refuse("it holds sparse tensors")
            if number == _ATTRIBUTE_NAME:
                name = _text(value)
            elif number == _ATTRIBUTE_INT and isinstance(value, int):
                number_given = value
            elif number in _ATTRIBUTE_TENSORS:
                size, kind, _ = self.tensor(_message(value))
                weights, made = weights + size, kind or made
        constants = {"to": number_given, "value": made, "value_float": 1, "value_floats": 1}
        return weights, constants.get(name, 0)

    def tensor(self, tensor: memoryview) -> tuple[int, int, str]:
        """Bytes of weights, their type and their name."""
        weights, name, kind = 0, "", 0
        for number, value in self.fields(tensor):
            if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
                self.refuse("its weights lie in another file")
            if number == _TENSOR_NAME:
                name = _text(value)
            elif number == _TENSOR_TYPE and isinstance(value, int):
                kind = value
            elif number in _TENSOR_DATA and isinstance(value, memoryview):
                weights += len(value)
        return weights, kind, name

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
            f"{self.origin} is not loaded: {why:.200}, unlike any predictor of this project. "
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
    return bytes(_message(value)).decode("utf-8", "replace")
