"""`safe_load` and `safe_loads` read numbers and run nothing else."""

from __future__ import annotations

import builtins
import codecs
import io
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.datasets import load_catalogue, safe_load, safe_loads
from brpnas.errors import SourceError, UnsafePickleError


class _Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def _dump(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def _global(module: str, name: str, *args: bytes) -> bytes:
    """A pickle, by hand, that calls any global with text arguments."""
    return f"c{module}\n{name}\n(".encode() + b"".join(args) + b"tR."


def _text(value: str) -> bytes:
    return b"V" + value.encode() + b"\n"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        {(0, 1, 2, 3, 4, 0): 0.001, (1, 1, 1, 1, 1, 1): 0.002},
        {"421211": [82.0, 81.5, 82.25]},
        [None, True, False, 2**70, "text", b"bytes" if False else "b", {"a": {"b": ()}}],
    ],
)
def test_plain_values(tmp_path: Path, value: Any, protocol: int) -> None:
    assert safe_load(_dump(tmp_path / "p", value, protocol)) == value


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8", "uint16", "bool"])
@pytest.mark.parametrize("protocol", [3, 4])
def test_numeric_arrays_and_scalars(tmp_path: Path, dtype: str, protocol: int) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    loaded = safe_load(_dump(tmp_path / "p", {"a": array, "s": array[1, 2]}, protocol))
    np.testing.assert_array_equal(loaded["a"], array)
    assert loaded["a"].dtype == array.dtype
    assert loaded["s"] == array[1, 2]


def test_names_of_numpy_1(tmp_path: Path) -> None:
    path = _dump(tmp_path / "p", np.float64(0.25), 3)
    old = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    path.write_bytes(old)
    assert safe_load(path) == 0.25


HOSTILE: dict[str, Callable[[str], Any]] = {
    "os.system": lambda marker: _Call(os.system, f"touch {marker}"),
    "eval": lambda marker: _Call(builtins.eval, f"open({marker!r}, 'w')"),
    "exec": lambda marker: _Call(builtins.exec, f"open({marker!r}, 'w')"),
    "open": lambda marker: _Call(builtins.open, marker, "w"),
    "getattr": lambda marker: _Call(getattr, _Call(__import__, "os"), "system"),
    "import": lambda marker: _Call(__import__, "this"),
    "numpy.save": lambda marker: _Call(np.save, marker, 1),
    "numpy.load": lambda marker: _Call(np.load, marker),
    "numpy.fromfile": lambda marker: _Call(np.fromfile, marker),
    "pickle.loads": lambda marker: _Call(
        pickle.loads, pickle.dumps(_Call(os.system, f"touch {marker}"))
    ),
    "nested": lambda marker: {"a": [1, (2, {"b": _Call(_Call, _Call(os.system, marker))})]},
    "beside numbers": lambda marker: [np.ones(2), _Call(os.system, f"touch {marker}")],
    "codecs": lambda marker: _Call(codecs.open, marker, "w"),
    "codecs.encode": lambda marker: _Call(codecs.encode, "x", "rot13"),
    "path": Path,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_hostile_pickles_do_nothing(tmp_path: Path, name: str, protocol: int) -> None:
    marker = tmp_path / "marker.npy"
    path = _dump(tmp_path / "hostile", HOSTILE[name](str(marker)), protocol)
    with pytest.raises(UnsafePickleError, match="asks for"):
        safe_load(path)
    assert not marker.exists()


def test_the_hostile_pickle_would_do_something(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    pickle.loads(pickle.dumps(HOSTILE["os.system"](str(marker))))
    assert marker.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("posix", "system"),
        ("subprocess", "Popen"),
        ("numpy", "load"),
        ("numpy", "f2py"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy._core.multiarray", "scalar.__call__"),
        ("numpy", "ndarray.tofile"),
        ("numpy.lib", "npyio.load"),
        ("builtins", "dict"),
        ("__builtin__", "eval"),
        ("_codecs", "encode"),
        ("copyreg", "_reconstructor"),
        ("brpnas.datasets.unpickle", "pickle"),
    ],
)
def test_names_that_no_table_needs(tmp_path: Path, module: str, name: str) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "hostile"
    path.write_bytes(_global(module, name, _text(f"touch {marker}")))
    with pytest.raises(UnsafePickleError) as caught:
        safe_load(path)
    assert str(path) in str(caught.value)
    assert name in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize("code", ["O", "O8", "V16", "f8,O", "U5", "M8[s]", "object"])
def test_arrays_of_other_types(tmp_path: Path, code: str) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(_global("numpy", "dtype", _text(code)))
    with pytest.raises(UnsafePickleError, match=re.escape(f"of type {code!r},")):
        safe_load(path)


def test_a_type_alone_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(b"cnumpy\ndtype\n(Vf8\nI01\nI01\ntR.")
    with pytest.raises(UnsafePickleError, match="a bare NumericType"):
        safe_load(path)


def test_references_outside_the_pickle(tmp_path: Path) -> None:
    class _Pickler(pickle.Pickler):
        def persistent_id(self, value: object) -> str | None:
            return "secret" if value == 3 else None

    stream = io.BytesIO()
    _Pickler(stream).dump([1, 2, 3])
    path = tmp_path / "p"
    path.write_bytes(stream.getvalue())
    with pytest.raises(UnsafePickleError, match="the operation BINPERSID"):
        safe_load(path)


def test_truncated_and_corrupt(tmp_path: Path) -> None:
    good = pickle.dumps({"a": np.arange(50.0), (1, 2): [1.5, "x"]}, 4)
    path = tmp_path / "p"
    for length in range(0, len(good) - 1, 7):
        path.write_bytes(good[:length])
        with pytest.raises(SourceError, match=rf"{path} .*pickle"):
            safe_load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x80\xff.",
        b"(",
        b"a",
        b"}(K\x01s.",
        b"\x8c",
        b"\x8d" + struct.pack("<Q", 9),
    ],
)
def test_no_pickle_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        safe_load(path)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="missing"):
        safe_load(tmp_path / "nothing.pkl")


class TestFromMemory:
    def test_plain_values(self) -> None:
        value = [1.5, {"a": (2, "x")}]
        assert safe_loads(pickle.dumps(value), "a.zip") == value

    def test_hostile_pickle_does_nothing_and_its_origin_is_told(self, tmp_path: Path) -> None:
        marker = tmp_path / "marker"
        hostile = pickle.dumps(HOSTILE["os.system"](str(marker)))
        with pytest.raises(UnsafePickleError, match=r"a\.zip .*posix\.system"):
            safe_loads(hostile, "a.zip")
        assert not marker.exists()

    def test_truncated(self) -> None:
        with pytest.raises(SourceError, match=r"a\.zip .*pickle"):
            safe_loads(pickle.dumps([1.5, 2.5])[:-4], "a.zip")


def _same(ours: Any, theirs: Any) -> bool:
    """Whether two tables are equal in types, order and bits."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and _same(list(ours.values()), list(theirs.values()))
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, np.ndarray | np.generic):
        is_alike = (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        return is_alike and ours.tobytes() == theirs.tobytes()
    return bool(ours == theirs)


@pytest.mark.data
def test_every_published_pickle_reads_as_the_standard_unpickler_reads_it(mirror: Path) -> None:
    suffixes = (".pickle", ".pkl", ".pt")
    files = [s.file for s in load_catalogue().values() if s.file.endswith(suffixes)]
    assert len(files) == 28
    for file in files:
        content = (mirror / file).read_bytes()
        if file.endswith(".pt"):
            with zipfile.ZipFile(mirror / file) as archive:
                (member,) = (n for n in archive.namelist() if n.endswith("/data.pkl"))
                content = archive.read(member)
        assert _same(safe_loads(content, file), pickle.loads(content)), file
