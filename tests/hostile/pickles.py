"""Pickles with code, excessive memory, or unknown objects."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

from tests.hostile import Folder, Hostile
from tests.hostile.zeros import GIGABYTES_3, zip_of_zeros

__all__ = ["make_pickles"]

_DTYPE = b"\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02f8\x89\x88\x87R"
_ARRAY = (
    b"\x8c\x16numpy._core.multiarray\x8c\x0c_reconstruct\x93"
    b"\x8c\x05numpy\x8c\x07ndarray\x93K\x00\x85C\x01b\x87R"
)


class _Call:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def _global(module: str, name: str) -> bytes:
    return (
        b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + b"\x93"
    )


def _collisions(keys: list[bytes]) -> bytes:
    """A dict of keys with equal hashes, each several operations: quadratic time."""
    return b"\x80\x04}(" + b"".join(key + b"N" for key in keys) + b"u."


def _number(value: int) -> bytes:
    content = value.to_bytes((value.bit_length() + 8) // 8, "little")
    return b"\x8a" + bytes([len(content)]) + content


def make_pickles(root: Path) -> list[Hostile]:
    """Make the files."""
    folder = Folder(root, "pickle", ".pkl")
    marker = folder.marker("os.system")
    folder.add("os.system", pickle.dumps(_Call(f"touch {marker}"), 4), "pickle")
    marker = folder.marker("os.system in a table")
    table = {(0,) * 6: _Call(f"touch {marker}"), (1,) * 6: 0.1}
    folder.add("os.system in a table", pickle.dumps(table, 2), "latbench")
    marker = folder.marker("eval of protocol 0")
    code = f"open({str(marker)!r},'w')"
    folder.add("eval of protocol 0", b"c__builtin__\neval\n(V" + code.encode() + b"\ntR.", "pickle")
    forged = _global("numpy", "ndarray") + b"(K\x01\x85\x8c\x01OC\x08AAAAAAAAtR."
    state = b"(K\x01" + b"\x8a\x06" + (2**40).to_bytes(6, "little") + b"\x85" + _DTYPE
    same_hash = [k * (2**61 - 1) for k in range(1, 60_000)]
    plain = {
        "numbers of one hash": _collisions([_number(value) for value in same_hash]),
        "tuples of one hash": _collisions([_number(value) + b"\x85" for value in same_hash]),
        "an array of forged pointers": b"\x80\x04" + forged,
        "a far place of the memo": b"\x80\x04Nr\x00\x00\x00\x20.",
        "a shape of terabytes": b"\x80\x04" + _ARRAY + state + b"\x89C\x08" + bytes(8) + b"tb.",
        "text of 4 GB": b"\x80\x04X\xff\xff\xff\xff.",
        "bytes of 2^62": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
        "a deep tuple as key": b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"Ns.",
        "deep lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
        "doubled thirty times": b"\x80\x02N"
        + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(30))
        + b".",
        "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
        "two million dicts": b"\x80\x02]" + b"(" + b"}" * 2_000_000 + b"e.",
        "getattr": b"\x80\x04" + _global("builtins", "getattr") + b".",
        "an outside object": b"\x80\x02K\x01Q.",
        "an extension": b"\x80\x02\x82\x01.",
        "cut off": pickle.dumps({(0,) * 6: 0.1}, 4)[:-3],
        "another table": pickle.dumps({"a": [1, 2]}, 4),
        "empty": b"",
    }
    for name, content in plain.items():
        folder.add(name, content, "latbench" if name == "another table" else "pickle")
    return folder.made + _torch(root)


def _torch(root: Path) -> list[Hostile]:
    folder = Folder(root, "torch archive", ".pt")

    def archive(content: bytes, count: int = 1) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
            written.writestr("archive/data.pkl", content)
            for number in range(1, count):
                written.writestr(f"archive/{number}", b"")
        return file.getvalue()

    good = archive(pickle.dumps([0.1] * 15_625, 2))
    marker = folder.marker("os.system inside")
    folder.add("os.system inside", archive(pickle.dumps(_Call(f"touch {marker}"))), "help")
    zeros = zip_of_zeros({"archive/data.pkl": (b"\x80\x02", GIGABYTES_3)})
    folder.add("3 GB when unpacked", zeros, "help")
    folder.add("40,000 members", archive(b"N.", 40_000), "help")
    entry = good.rindex(b"PK\x01\x02")
    folder.add("encrypted", good[: entry + 8] + b"\x01" + good[entry + 9 :], "help")
    end = good.rindex(b"PK\x05\x06")
    sized = good[: end + 12] + struct.pack("<L", 2**32 - 2) + good[end + 16 :]
    folder.add("a directory of 4 GB", sized, "help")
    folder.add("cut off", good[:-10], "help")
    folder.add(
        "a method that does not exist", good[: entry + 10] + b"\x63" + good[entry + 11 :], "help"
    )
    return folder.made
