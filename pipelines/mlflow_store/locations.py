"""Locations of artifacts in a local store.

MLflow stores absolute paths. In a moved project they would lead to the old folder; in a copied one
to the artifacts of the original. So the store records the folder of artifacts of its last opening,
as a tag of MLflow's default experiment; if it is opened with another folder, paths below the old
one are rewritten. All other paths stay unchanged, such as those of a second project in the same
store.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["FOLDER_TAG", "relocate"]

FOLDER_TAG = "brpnas.artifacts"
"""Tag of the default experiment: folder of artifacts of the last opening, absolute."""

_DEFAULT = "0"
_TAGS = "experiment_tags"
_BUSY_S = 60.0
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_log = logging.getLogger(__name__)


def relocate(
    store: Path,
    relative: str,
    artifacts: Path | None,
    in_use: Callable[[], bool] = lambda: False,
) -> None:
    """Rewrite the locations below the project's folder of artifacts to its current path.

    Args:
        store: SQLite file; nothing happens if there is none.
        relative: Folder of artifacts, relative to the project, such as ``data/mlartifacts``.
        artifacts: The same folder, absolute; None to store locations relative to the project, for
            containers with another path of the project.
        in_use: Whether other processes have active runs. Absolute paths then stay, because such a
            run still writes to them: in a container, the folder has another path.
    """
    if not store.is_file():
        return
    with closing(sqlite3.connect(store, timeout=_BUSY_S)) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if _TAGS not in tables:
            return  # a store of an unsupported version; `check_or_make` raises the error
        former = _former(database, relative)
        if artifacts is not None and former == artifacts:
            return
        if former is not None:
            place = partial(_placed, former=former, new=artifacts or Path(relative))
            database.create_function("placed", 1, place, deterministic=True)
            there = [pair for pair in _COLUMNS if pair[0] in tables]
            stale = [pair for pair in there if _differs(database, *pair)]
            if stale and artifacts is not None and in_use():
                _log.warning(
                    "The MLflow store %s was last used with artifacts in %s, and a run that goes "
                    "on may still write there. Its paths stay as they are; the next command after "
                    "that run corrects them",
                    store,
                    former,
                )
                return
            for table, column in stale:
                database.execute(f"UPDATE {table} SET {column} = placed({column})")
        if artifacts is not None:
            _remember(database, artifacts)


def _former(database: sqlite3.Connection, relative: str) -> Path | None:
    """Folder of artifacts of the last opening; None if unknown."""
    query = f"SELECT value FROM {_TAGS} WHERE key = ? AND experiment_id = ?"
    if row := database.execute(query, (FOLDER_TAG, _DEFAULT)).fetchone():
        return Path(row[0])
    # A store of an earlier version: MLflow's own experiment has the folder of its creation.
    query = "SELECT artifact_location FROM experiments WHERE experiment_id = ?"
    if row := database.execute(query, (_DEFAULT,)).fetchone():
        folder = Path(_path(row[0])).parent
        if folder.is_absolute() and folder.as_posix().endswith(f"/{relative}"):
            return folder
    return None


def _remember(database: sqlite3.Connection, artifacts: Path) -> None:
    database.execute(
        f"INSERT OR REPLACE INTO {_TAGS} (key, value, experiment_id) VALUES (?, ?, ?)",
        (FOLDER_TAG, str(artifacts), _DEFAULT),
    )


def _differs(database: sqlite3.Connection, table: str, column: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE {column} IS NOT placed({column}) LIMIT 1"
    return database.execute(query).fetchone() is not None


def _path(location: str) -> str:
    address = urlsplit(location)
    return unquote(address.path) if address.scheme == "file" else location


def _placed(location: str | None, former: Path, new: Path) -> str | None:
    """The new location: moved from ``former`` to ``new``, or unchanged."""
    if location is None or not (path := Path(_path(location))).is_relative_to(former):
        return location
    moved = new / path.relative_to(former)
    return moved.as_uri() if location.startswith("file:") and new.is_absolute() else str(moved)
