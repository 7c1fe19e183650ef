"""Where a local store says that artifacts are.

MLflow notes absolute paths. When the folder of a project is moved, they lead to where it was; when
it is copied, the copy would read and write the artifacts of the original. So the store is told
again whenever it is opened where its paths do not fit.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["relocate"]

_BUSY_S = 60.0
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def relocate(store: Path, relative: str, artifacts: Path | None) -> None:
    """Let the locations below the project's folder of artifacts begin with where that is now.

    Other locations, those of a server and those that are relative already stay as they are.

    Args:
        store: SQLite file; nothing happens if there is none.
        relative: Folder of artifacts, relative to the project, such as ``data/mlartifacts``.
        artifacts: The same folder, absolute; None to store locations relative to the project, for
            containers, where its path is another one.
    """
    if not store.is_file():
        return
    with closing(sqlite3.connect(store, timeout=_BUSY_S)) as database, database:
        place = partial(_placed, relative=relative, artifacts=artifacts)
        database.create_function("placed", 1, place, deterministic=True)
        there = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        for table, column in _COLUMNS:
            # First of all a query: an update takes the lock of writers even if it changes nothing.
            differs = f"FROM {table} WHERE {column} IS NOT placed({column})"
            if table in there and database.execute(f"SELECT 1 {differs} LIMIT 1").fetchone():
                database.execute(
                    f"UPDATE {table} SET {column} = placed({column})"
                    f" WHERE {column} IS NOT placed({column})"
                )


def _placed(location: str | None, relative: str, artifacts: Path | None) -> str | None:
    """A location as it is to be stored."""
    if location is None:
        return None
    address = urlsplit(location)
    is_uri = address.scheme == "file"
    path = unquote(address.path) if is_uri else location
    if not path.startswith("/"):
        return location
    before, found, after = path.rpartition(f"/{relative}")
    if not found or after[:1] not in ("", "/"):
        return location
    if artifacts is None:
        return f"{relative}{after}"
    if Path(before) == artifacts.parents[relative.count("/")]:
        return location
    moved = Path(f"{artifacts}{after}")
    return moved.as_uri() if is_uri else str(moved)
