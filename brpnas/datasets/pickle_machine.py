"""A reader of pickles that builds plain data and runs nothing.

A pickle is a program for a stack machine. `read_pickle` interprets only the operations of published
tables: it never imports, calls or sets attributes, and the number of operations in the file bounds
its memory.
"""

from __future__ import annotations

import pickletools
from typing import Any

from brpnas.datasets.pickled_numpy import ArrayCall, Call, NumericType, build, call, find_call
from brpnas.errors import UnsafePickleError

__all__ = ["MAX_BYTES", "read_pickle"]

MAX_BYTES = 64 * 2**20
"""Largest accepted pickle; the largest published one has 2.8 MB."""
_MAX_OPERATIONS = 4_000_000
_MAX_KEYS = 16_000
"""Most keys of one dict; the largest published one has 15,625. Time is at worst quadratic."""
_MAX_ALL_KEYS = 32_000
_MAX_PARTS = 16  # of a key that is a tuple
_MAX_NUMBER = 2**32
_MAX_DEPTH = 16
_MAX_TEXT = 2**16
_MAX_SHARED = 64  # of a buffer: a large one could become many arrays

_ATOMS = (type(None), bool, int, float, str)
_SHARED = (*_ATOMS, bytes, Call, NumericType)
"""Types that may be used twice. With shared containers a short file could describe endless data."""


def read_pickle(content: bytes) -> Any:
    """Read a pickle of builtin containers, numbers, text, and numeric arrays and scalars of numpy.

    Raises:
        UnsafePickleError: If it contains anything else, or is larger than a published table.
        ValueError, TypeError, LookupError, OverflowError: If it is truncated or corrupt.
    """
    if len(content) > MAX_BYTES:
        raise UnsafePickleError(f"it asks for {len(content):,} bytes of operations")
    machine = _Machine()
    handlers = {name: getattr(machine, method) for name, method in _OPERATIONS.items()}
    for number, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if operation.name == "STOP":
            break
        handler = handlers.get(operation.name)
        if handler is None:
            raise UnsafePickleError(f"it asks for the operation {operation.name}")
        if number >= _MAX_OPERATIONS:
            raise UnsafePickleError(f"it asks for more than {_MAX_OPERATIONS:,} operations")
        handler(argument)
    value = machine.pop()
    _check_plain(value)
    return value


class _Machine:
    """Stack, marks and memo; one method per kind of operation."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.keys = 0

    def pop(self) -> Any:
        return self.stack.pop()

    def nothing(self, _: Any) -> None:
        """PROTO and FRAME."""

    def push(self, argument: Any) -> None:
        if type(argument) is str and len(argument) > _MAX_TEXT:
            raise UnsafePickleError(f"it asks for a text of {len(argument):,} characters")
        self.stack.append(argument)

    def none(self, _: Any) -> None:
        self.stack.append(None)

    def true(self, _: Any) -> None:
        self.stack.append(True)

    def false(self, _: Any) -> None:
        self.stack.append(False)

    def mark(self, _: Any) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def empty_list(self, _: Any) -> None:
        self.stack.append([])

    def marked_list(self, _: Any) -> None:
        items = self.since_mark()
        self.stack.append(items)

    def append(self, _: Any) -> None:
        value = self.pop()
        self._top(list).append(value)

    def appends(self, _: Any) -> None:
        items = self.since_mark()
        self._top(list).extend(items)

    def empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def marked_tuple(self, _: Any) -> None:
        items = self.since_mark()
        self.stack.append(tuple(items))

    def tuple_1(self, _: Any) -> None:
        self.stack[-1] = (self.stack[-1],)

    def tuple_2(self, _: Any) -> None:
        last = self.pop()
        self.stack[-1] = (self.stack[-1], last)

    def tuple_3(self, _: Any) -> None:
        last = self.pop()
        middle = self.pop()
        self.stack[-1] = (self.stack[-1], middle, last)

    def empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def marked_dict(self, _: Any) -> None:
        items = self.since_mark()
        self.stack.append({})
        self._set(items)

    def set_item(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        self._set([key, value])

    def set_items(self, _: Any) -> None:
        self._set(self.since_mark())

    def _set(self, items: list[Any]) -> None:
        target = self._top(dict)
        count = len(items) // 2
        if len(target) + count > _MAX_KEYS:
            raise UnsafePickleError(f"it asks for a dict of more than {_MAX_KEYS:,} keys")
        self.keys += count
        if self.keys > _MAX_ALL_KEYS:
            raise UnsafePickleError(f"it asks for more than {_MAX_ALL_KEYS:,} keys")
        for key in items[::2]:
            _check_key(key)
        target.update(zip(items[::2], items[1::2], strict=True))

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"a {kind.__name__} was expected")
        return self.stack[-1]

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def memoise(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, place: int) -> None:
        value = self.memo[place]
        is_small = not isinstance(value, bytes) or len(value) <= _MAX_SHARED
        if not isinstance(value, _SHARED) or not is_small:
            raise UnsafePickleError(f"it asks for the same {type(value).__name__} twice")
        self.stack.append(value)

    def name(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(find_call(module, name))

    def stacked_name(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        self.stack.append(find_call(module, name))

    def reduce(self, _: Any) -> None:
        arguments = self.pop()
        self.stack[-1] = call(self.stack[-1], arguments)

    def build(self, _: Any) -> None:
        state = self.pop()
        target = self.stack[-1]
        self.stack[-1] = build(target, state)


_OPERATIONS: dict[str, str] = {
    **dict.fromkeys(("PROTO", "FRAME"), "nothing"),
    **dict.fromkeys(
        ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"), "push"
    ),
    **dict.fromkeys(("UNICODE", "SHORT_BINUNICODE", "BINUNICODE"), "push"),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES"), "push"),
    **{"NONE": "none", "NEWTRUE": "true", "NEWFALSE": "false", "MARK": "mark"},
    **{"EMPTY_LIST": "empty_list", "LIST": "marked_list"},
    **{"APPEND": "append", "APPENDS": "appends"},
    **{"EMPTY_TUPLE": "empty_tuple", "TUPLE": "marked_tuple"},
    **{"TUPLE1": "tuple_1", "TUPLE2": "tuple_2", "TUPLE3": "tuple_3"},
    **{"EMPTY_DICT": "empty_dict", "DICT": "marked_dict"},
    **{"SETITEM": "set_item", "SETITEMS": "set_items"},
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), "put"),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), "get"),
    **{"MEMOIZE": "memoise", "GLOBAL": "name", "STACK_GLOBAL": "stacked_name"},
    **{"REDUCE": "reduce", "BUILD": "build"},
}


def _check_key(key: object) -> None:
    """Check that a key is text, a small natural number, or a short tuple of these.

    Hashing a deep tuple would overflow the stack. Floats and large numbers could be chosen with
    equal hashes.
    """
    parts = key if type(key) is tuple else (key,)
    if len(parts) > _MAX_PARTS:
        raise UnsafePickleError(f"it asks for a key of {len(parts):,} parts")
    for part in parts:
        if type(part) is int:
            if part < 0:
                raise UnsafePickleError("it asks for a negative key")
            if part > _MAX_NUMBER:
                raise UnsafePickleError(f"it asks for a key of {part.bit_length():,} bits")
        elif type(part) is not str:
            raise UnsafePickleError(f"it asks for a key of type {type(key).__name__}")


def _check_plain(value: object) -> None:
    """Check that the value is plain data of limited depth."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner: list[object] = []
        for item in level:
            if type(item) is dict:
                inner.extend(item.values())
            elif type(item) is list or type(item) is tuple:
                inner.extend(item)
            elif isinstance(item, Call | NumericType | ArrayCall):
                raise UnsafePickleError(f"it asks for a bare {type(item).__name__}")
        if not inner:
            return
        level = inner
    raise UnsafePickleError(f"it asks for containers nested more than {_MAX_DEPTH} deep")
