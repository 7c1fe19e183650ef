"""Addresses of stores."""

from __future__ import annotations

import re
from pathlib import Path

from brpnas.errors import TrackingError

__all__ = ["absolute", "sqlite_file", "without_password"]

_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")


def absolute(root: Path, uri: str | None) -> str | None:
    """A SQLite address with the absolute path of its file; other addresses unchanged.

    Args:
        root: Folder of the project.
        uri: Address in the configuration; may be empty.

    Raises:
        TrackingError: If the address is malformed.
    """
    if not uri:
        return None
    if not uri.startswith("sqlite"):
        return uri
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - it comes with MLflow
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(uri)
    except ArgumentError as error:
        raise TrackingError(
            f"The address {without_password(uri)!r} of the MLflow store cannot be read: write "
            "sqlite:///data/mlflow.db, or http://HOST:PORT for a server."
        ) from error
    if not url.database or url.database.startswith((":memory:", "file:")):
        return uri
    return url.set(database=str(root / url.database)).render_as_string(hide_password=False)


def sqlite_file(uri: str) -> Path | None:
    """File of a SQLite address; None for a server, or a store in memory."""
    if not uri.startswith("sqlite"):
        return None
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - it comes with MLflow

    database = make_url(uri).database
    named = database and not database.startswith((":memory:", "file:"))
    return Path(str(database)) if named else None


def without_password(text: str) -> str:
    """An address, or a text with addresses, without users and passwords."""
    return _CREDENTIALS.sub("", text)
