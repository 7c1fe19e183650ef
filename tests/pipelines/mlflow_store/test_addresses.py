from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.errors import TrackingError
from pipelines.mlflow_store.addresses import absolute, sqlite_file, without_password


def test_only_sqlite_addresses_have_a_file() -> None:
    assert sqlite_file("sqlite:////a b/mlflow.db") == Path("/a b/mlflow.db")
    for uri in ("http://server:5000", "sqlite://", "sqlite:///:memory:", "postgresql://h/d"):
        assert sqlite_file(uri) is None


def test_relative_addresses_are_from_the_root(tmp_path: Path) -> None:
    assert absolute(tmp_path, "sqlite:///data/m.db") == f"sqlite:///{tmp_path}/data/m.db"
    for uri in ("http://server:5000", "sqlite:////a/m.db", "sqlite://"):
        assert absolute(tmp_path, uri) == uri


@pytest.mark.parametrize("uri", ["", None])
def test_an_empty_address_is_none(tmp_path: Path, uri: str | None) -> None:
    assert absolute(tmp_path, uri) is None


def test_an_address_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"'sqlite:/data/mlflow\.db'"):
        absolute(tmp_path, "sqlite:/data/mlflow.db")


def test_an_address_is_shown_without_its_password() -> None:
    assert without_password("https://me:secret@host:5000/a?b=c") == "https://host:5000/a?b=c"
    assert without_password("tried http://me:p@ss@host, then ftp://x@y/z") == (
        "tried http://host, then ftp://y/z"
    )
    for uri in ("http://127.0.0.1:5000", "sqlite:////a b/mlflow.db", "databricks"):
        assert without_password(uri) == uri
