"""`read_pickle` bounds the objects of a pickle."""

from __future__ import annotations

import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from brpnas.datasets import pickle_machine
from brpnas.datasets.pickle_machine import read_pickle
from brpnas.errors import UnsafePickleError

_DTYPE = b"\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02f8\x89\x88\x87R"
_ARRAY = (
    b"\x8c\x16numpy._core.multiarray\x8c\x0c_reconstruct\x93"
    b"\x8c\x05numpy\x8c\x07ndarray\x93K\x00\x85C\x01b\x87R"
)


def _number(value: int) -> bytes:
    content = value.to_bytes(9, "little")
    return b"\x8a" + bytes([len(content)]) + content


def _state(shape: bytes, content: bytes) -> bytes:
    return b"(K\x01" + shape + _DTYPE + b"\x89" + content + b"tb"


def test_an_array_is_rebuilt_from_its_buffer() -> None:
    found = read_pickle(b"\x80\x04" + _ARRAY + _state(b"K\x01\x85", b"C\x08" + bytes(8)) + b".")
    np.testing.assert_array_equal(found, np.zeros(1))
    found[0] = 2.0  # an array of its own, and no view of the file


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_order_of_bytes_is_kept(order: str) -> None:
    array = np.arange(6.0).reshape(2, 3).astype(f"{order}f4")
    found = read_pickle(pickle.dumps([array, array.T[1], array.T], 4))
    assert found[0].dtype == array.dtype
    np.testing.assert_array_equal(found[0], array)
    np.testing.assert_array_equal(found[2], array.T)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"\x8c\x05numpy\x8c\x07ndarray\x93(K\x01\x85\x8c\x01OC\x08AAAAAAAAtR.",
            "ndarray",
        ),
        (_ARRAY + _state(b"K\x02\x85", b"C\x08" + bytes(8)) + b".", "8 bytes"),
        (_ARRAY + _state(b"J\xff\xff\xff\xff\x85", b"C\x08" + bytes(8)) + b".", "8 bytes"),
        (_ARRAY + _state(b"\x88\x85", b"C\x08" + bytes(8)) + b".", "8 bytes"),
        (_ARRAY + _state(b"(" + b"K\x01" * 9 + b"t", b"C\x08" + bytes(8)) + b".", "8 bytes"),
        (_ARRAY + b".", "a bare ArrayCall"),
        (b"\x8c\x05numpy\x8c\x07ndarray\x93.", "a bare Call"),
        (b"K\x01K\x02b.", r"state .*\bint$"),
        (
            _DTYPE + b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb.",
            "another state",
        ),
        (b"]\x94h\x00a.", "list twice"),
        (b"C\x50" + bytes(80) + b"\x94h\x00\x86.", "bytes twice"),
        (b"(K\x01\x85\x85N" + b"d.", "key .* tuple$"),
        (b")" + b"\x85" * 100_000 + b".", " 16 deep"),
        (b"}" + b")" + b"\x85" * 100_000 + b"Ns.", "key .* tuple$"),
        (b"X" + struct.pack("<I", 2**17) + b"a" * 2**17 + b".", "131,072 characters"),
        (b"]" + b"0.", "operation POP"),
        (b"]2.", "operation DUP"),
        (b"\x96" + struct.pack("<Q", 1) + b"a.", "operation BYTEARRAY8"),
        (b"\x82\x01.", "operation EXT1"),
        (
            b"(" + b"".join(b"J" + struct.pack("<i", i) + b"N" for i in range(16_001)) + b"d.",
            "dict .* 16,000 keys",
        ),
        (
            b"}" + b"".join(b"J" + struct.pack("<i", i) + b"Ns" for i in range(16_001)) + b".",
            "dict .* 16,000 keys",
        ),
        (
            b"](" + 3 * (b"(" + b"".join(_number(i) + b"N" for i in range(11_000)) + b"d") + b"e.",
            "more than 32,000 keys",
        ),
        (b"(" + b"".join(_number(k * (2**61 - 1)) + b"N" for k in range(1, 9)) + b"d.", " 61 bits"),
        (b"}" + _number(2**32 + 1) + b"Ns.", " 33 bits"),
        (b"}" + _number(2**61 - 1) + b"\x85Ns.", " 61 bits"),
        (b"}J\xff\xff\xff\xffNs.", "negative"),
        (b"}G" + struct.pack(">d", 2.0**61) + b"Ns.", "key .* float$"),
        (b"}\x88Ns.", "key .* bool$"),
        (b"}(" + b"K\x00" * 17 + b"tNs.", "key .* 17 parts"),
        (b"N" * 4_000_001 + b".", "4,000,000 operations"),
    ],
)
def test_what_no_published_table_holds(content: bytes, says: str) -> None:
    with pytest.raises(UnsafePickleError, match=says):
        read_pickle(content)


@pytest.mark.parametrize("memo", [b"r\x00\x00\x00\x20", b"p536870912\n"])
def test_a_far_place_of_the_memo_takes_no_memory(memo: bytes) -> None:
    tracemalloc.start()
    assert read_pickle(b"\x80\x04N" + memo + b".") is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_large_file_is_refused_unread() -> None:
    with pytest.raises(UnsafePickleError, match="67,108,865 bytes"):
        read_pickle(bytes(64 * 2**20 + 1))


def test_keys_of_published_tables_are_read() -> None:
    table: dict[object, float] = {(0, 1, 2, 3, 4, 2**32): 0.1, "|a~0|": 0.2, 7: 0.3}
    table |= {(i,): 0.0 for i in range(15_997)}
    assert read_pickle(pickle.dumps(table, 4)) == table


def test_too_many_keys_are_refused_before_any_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    monkeypatch.setattr(pickle_machine, "_check_key", checked.append)
    items = b"".join(_number(k) + b"N" for k in range(16_001))
    with pytest.raises(UnsafePickleError, match="16,000"):
        read_pickle(b"(" + items + b"d.")
    assert not checked
