"""Graph files (NPZ) with absurd headers, other types, or a space that is a Python file."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from tests.hostile import Folder, Hostile
from tests.hostile.zeros import GIGABYTES_3, zip_of_zeros

__all__ = ["make_graphs", "npy", "npz"]


def npy(header: str, content: bytes = b"") -> bytes:
    """An array with any header."""
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def described(shape: object, descr: str = "|i1") -> str:
    """Header of an array."""
    return repr({"descr": descr, "fortran_order": False, "shape": shape})


def npz(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)
    return file.getvalue()


def _array(value: object) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(value), allow_pickle=False)
    return file.getvalue()


def make_graphs(root: Path) -> list[Hostile]:
    """Make the files."""
    folder = Folder(root, "graph file", ".npz")
    ops, adj = np.ones((2, 3), np.int8), np.zeros((2, 3, 3), np.int8)
    good = {"space": _array("nasbench201"), "arch_ids": _array(["a", "b"])}
    good |= {"raw_ops": _array(ops), "raw_adj": _array(adj), "raw_num_ops": _array(9)}
    changed = {
        "a header for 931 TiB": {"raw_ops": npy(described((2**50,)), b"x")},
        "a header that overflows": {"raw_ops": npy(described((2**40, 2**40)), b"x")},
        "a negative shape": {"raw_ops": npy(described((-1, -3)), b"xxx")},
        "Python objects": {"raw_ops": npy(described((1,), "|O"), b"\x80\x04N.")},
        "a header of brackets": {"raw_ops": npy("(" * 9000)},
        "numbers as text": {"raw_num_ops": _array("9")},
        "codes of another type": {"raw_ops": _array(ops.astype(np.float64))},
        "adjacency of another shape": {"raw_adj": _array(adj[:1])},
        "names that are no text": {"arch_ids": _array([1, 2])},
        "names in no alphabet": {"arch_ids": npy(described((2,), "<U1"), b"\xff" * 8)},
    }
    for name, members in changed.items():
        folder.add(name, npz(good | members), "graphs")
    zeros = {f"{key}.npy": (value, 0) for key, value in good.items()}
    zeros["raw_ops.npy"] = (npy(described((GIGABYTES_3,))), GIGABYTES_3)
    folder.add("3 GB of zeros", zip_of_zeros(zeros), "graphs")
    whole = npz(good)
    folder.add("cut off", whole[: len(whole) // 2], "graphs")
    folder.add("no array", npz({}), "graphs")
    folder.add("compressed by LZMA", npz(good, zipfile.ZIP_LZMA), "graphs")
    entry = whole.rindex(b"PK\x01\x02")
    folder.add("encrypted", whole[: entry + 8] + b"\x01" + whole[entry + 9 :], "graphs")
    return folder.made
