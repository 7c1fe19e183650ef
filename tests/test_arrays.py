from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from brpnas.arrays import read_arrays, write_arrays
from brpnas.errors import SchemaError

RNG = np.random.default_rng(0)
ARRAYS = {
    "codes": RNG.integers(0, 5, (30_000, 7)).astype(np.int8),
    "weights": RNG.normal(size=(20_000, 2)),
    "names": np.array([f"arch {i}" for i in range(9000)], np.bytes_),
    "text": np.array(["ä", "bc"]),
    "number": np.array(7),
    "nothing": np.zeros((0, 3), np.int8),
}


def is_mapped(array: np.ndarray) -> bool:
    base: object = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False


@pytest.fixture(params=[True, False], ids=["compressed", "stored"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "arrays.npz"
    write_arrays(path, ARRAYS, compress=request.param)
    return path


def test_round_trip_here_and_in_numpy(file: Path) -> None:
    got = read_arrays(file)
    assert list(got) == list(ARRAYS)
    with np.load(file, allow_pickle=False) as by_numpy:
        for name, array in ARRAYS.items():
            for again in (got[name], by_numpy[name]):
                np.testing.assert_array_equal(again, array)
                assert again.dtype == array.dtype
            assert type(got[name]) is np.ndarray


def test_large_members_are_mapped_where_they_are_stored(tmp_path: Path) -> None:
    for compress, expected in ((True, set()), (False, {"codes", "weights", "names"})):
        write_arrays(tmp_path / "a", ARRAYS, compress=compress)
        got = read_arrays(tmp_path / "a")
        assert {name for name, array in got.items() if is_mapped(array)} == expected
        assert all(got[name].ctypes.data % 64 == 0 for name in expected)


def test_data_lie_where_the_headers_say(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    write_arrays(path, ARRAYS, compress=False)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        for info in file.infolist():
            name, extra = struct.unpack("<HH", whole[info.header_offset + 26 :][:4])
            start = info.header_offset + 30 + name + extra
            assert start % 64 == 0
            assert whole[start : start + 6] == b"\x93NUMPY"
            assert info.date_time == (1980, 1, 1, 0, 0, 0)


def test_is_the_same_file_each_time(tmp_path: Path) -> None:
    for compress in (True, False):
        for name in ("one", "two"):
            write_arrays(tmp_path / name, ARRAYS, compress=compress)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_written_to_a_mapped_array_stays_in_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_arrays(path, ARRAYS, compress=False)
    before = path.read_bytes()
    read_arrays(path)["codes"][...] = 9
    assert path.read_bytes() == before


def test_a_mapped_file_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_arrays(path, ARRAYS, compress=False)
    mapped = read_arrays(path)
    write_arrays(path, {"codes": mapped["codes"][::-1]}, compress=False)
    np.testing.assert_array_equal(mapped["codes"], ARRAYS["codes"])
    np.testing.assert_array_equal(read_arrays(path)["codes"], ARRAYS["codes"][::-1])


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_arrays(path, ARRAYS, compress=True)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(path, {"a": np.zeros(3), "b": np.array([{}])}, compress=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == before


def test_fortran_order_and_slices_survive(tmp_path: Path) -> None:
    arrays = {"f": np.asfortranarray(ARRAYS["weights"]), "s": ARRAYS["codes"][::2, ::-1]}
    write_arrays(tmp_path / "a", arrays, compress=False)
    got = read_arrays(tmp_path / "a")
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)


def damaged(whole: bytes, how: str) -> bytes:
    at = whole.index(b"\x93NUMPY")
    if how == "header of the member":
        return b"XX" + whole[2:]
    if how == "magic":
        return whole[:at] + b"XXXXXX" + whole[at + 6 :]
    shape = whole.index(b"(30000, 7)")
    assert how == "shape"
    return whole[:shape] + b"(40000, 7)" + whole[shape + 10 :]


@pytest.mark.parametrize("how", ["header of the member", "magic", "shape"])
def test_a_damaged_header_is_noticed(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a"
    write_arrays(path, ARRAYS, compress=False)
    path.write_bytes(damaged(path.read_bytes(), how))
    with pytest.raises(SchemaError, match=f"{path}"):
        read_arrays(path)


def test_half_a_file_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_arrays(path, ARRAYS, compress=False)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SchemaError, match=f"{path} .*ZIP"):
        read_arrays(path)
