from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from brpnas.array_headers import read_headers
from brpnas.arrays import read_arrays
from brpnas.errors import SchemaError

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def npy(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode("latin1")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def archive(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def described(shape: object, descr: object = "|u1", order: object = False) -> str:
    return repr({"descr": descr, "fortran_order": order, "shape": shape})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_headers_are_those_that_numpy_wrote(tmp_path: Path, save: object) -> None:
    arrays = {
        "c": PIXELS,
        "f": np.asfortranarray(PIXELS.astype(np.float64)),
        "text": np.array(["a", "bc"]),
        "number": np.array(7),
        "nothing": np.zeros((0, 5)),
    }
    save(tmp_path / "a.npz", **arrays)  # type: ignore[operator]
    headers = read_headers(tmp_path / "a.npz")
    assert list(headers) == list(arrays)
    for name, array in arrays.items():
        header = headers[name]
        assert (header.shape, header.dtype, header.nbytes) == (
            array.shape,
            array.dtype,
            array.nbytes,
        )
    assert headers["f"].is_fortran
    assert not headers["c"].is_fortran


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(described((2**40,), "<f8")), r"\(1099511627776,\) .* 8\.796 TB"),
        (npy(described((2**62, 2**62))), "claims shape"),
        (npy(described((3,)), b"ab"), r"\(3,\).* 3 bytes.* 2 bytes"),
        (npy(described((3,)), b"abcd"), r"\(3,\).* 3 bytes.* 4 bytes"),
        (npy(described((10**15,), "<U0")), r"\(10{15},\) of <U0"),
        (npy(described((-3, -1)), b"abc"), r"damaged header \(shape \(-3, -1\)\)"),
        (npy(described((True,)), b"a"), "damaged header"),
        (npy(described((1,) * 40), b"a"), "damaged header"),
        (npy(described((1,), "|O"), b"a"), r"Python objects.*dtype="),
        (npy(described((1,), [("a", "|O")]), b"a"), r"Python objects.*dtype="),
        (npy(described((1,), "nonsense"), b"a"), "damaged header"),
        (npy("(" * 9000), r"damaged header"),
        (npy("{'shape': " + "-" * 9000 + "1}"), "damaged header"),
        (npy("{}"), r"damaged header \(ValueError\)"),
        (npy("{" * 3, version=(2, 0)), "damaged header"),
        (npy(" " * 20_000, version=(2, 0)), "header of 20000 bytes"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(99), "header of 4294967295 bytes"),
        (b"\x93NUMPY\x01\x00\x09\x00abc", "header of 9 bytes"),
        (b"\x93NUMPY\x09\x00", r"numpy\.savez"),
        (b"\x93NUM", r"numpy\.savez"),
        (b"", r"numpy\.savez"),
    ],
)
def test_a_header_that_lies_is_named_and_costs_nothing(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = archive(tmp_path / "forged.npz", {"images.npy": content})
    tracemalloc.start()
    try:
        for read in (read_headers, read_arrays):
            with pytest.raises(SchemaError, match=message) as caught:
                read(path)
            assert str(caught.value).startswith(f"{path}: the array 'images.npy'")
            assert len(str(caught.value)) < 500
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_what_compresses_well_is_held_to_the_limit(tmp_path: Path) -> None:
    zeros = np.zeros(3_000_000, np.uint8)
    np.savez_compressed(tmp_path / "small.npz", a=zeros, b=zeros)
    assert set(read_headers(tmp_path / "small.npz", limit=6_000_000)) == {"a", "b"}
    with pytest.raises(SchemaError, match=r"6 MB .* 5 MB; .* \d.* kB"):
        read_headers(tmp_path / "small.npz", limit=5_000_000)
    np.savez(tmp_path / "stored.npz", a=zeros, b=zeros)
    assert set(read_headers(tmp_path / "stored.npz", limit=5_000_000)) == {"a", "b"}


def patched(path: Path, offset: int, value: bytes) -> None:
    """Change every central directory entry at an offset."""
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + offset : at + offset + len(value)] = value
        at = content.find(b"PK\x01\x02", at + 1)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, b"\x01", "'a.npy' is encrypted"),
        (10, b"\x63", "by method 99 of ZIP"),
        (20, b"\xff\xff\xff\x7f", "'a.npy'.* and 2,147,483,647 bytes"),
        (24, b"\xff\xff\xff\x7f", "'a.npy'.* 2,147,483,647 and "),
    ],
)
def test_odd_archives(tmp_path: Path, offset: int, value: bytes, message: str) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, PIXELS)
    path = archive(tmp_path / "a.npz", {"a.npy": stream.getvalue()}, zipfile.ZIP_STORED)
    patched(path, offset, value)
    for read in (read_headers, read_arrays):
        with pytest.raises(SchemaError, match=message):
            read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_not_what_numpy_writes(tmp_path: Path, method: int) -> None:
    with pytest.raises(SchemaError, match=rf"'a\.npy'.* method {method}\b.*numpy\.savez"):
        read_headers(archive(tmp_path / "a.npz", {"a.npy": b"x"}, method))


def test_members_are_counted(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="2,000 members"):
        read_headers(archive(tmp_path / "a.npz", {f"{n}.npy": b"" for n in range(2000)}))
    with pytest.raises(SchemaError, match=r"b\.npz.* no array"):
        read_headers(archive(tmp_path / "b.npz", {}))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(SchemaError, match=r"a\.npz .*ZIP"):
        read_headers(tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError):
        read_headers(tmp_path / "none.npz")


def test_text_of_characters_that_do_not_exist(tmp_path: Path) -> None:
    good = np.array(["a", "\U0010ffff"])
    for dtype in ("<U1", ">U1"):
        np.savez(tmp_path / "a.npz", a=good.astype(dtype), b=np.zeros((0, 2), dtype))
        assert read_arrays(tmp_path / "a.npz")["a"].tolist() == good.tolist()
    bad = npy(described((2,), "<U1"), b"\xff" * 8)
    with pytest.raises(SchemaError, match=r"'a' .*damaged"):
        read_arrays(archive(tmp_path / "b.npz", {"a.npy": bad}))
