"""A store in one SQLite file: created atomically, and checked before use.

MLflow creates its tables by a chain of migrations in the file itself, within seconds. An
interruption leaves tables unusable for MLflow and its migrations. Here the file is created under a
temporary name, under a lock, and then renamed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from brpnas.atomic import flush
from brpnas.errors import TrackingError
from brpnas.locks import locked
from pipelines.mlflow_store.locations import FOLDER_TAG

__all__ = ["check_or_make"]

_log = logging.getLogger(__name__)
_MAKING_S = 300.0
_BUSY_S = 60.0
_JOURNALS = ("-journal", "-wal", "-shm")


def check_or_make(file: Path, artifacts: Path, *, write: bool = True) -> None:
    """Make the store usable for the installed version of MLflow.

    An empty store of another schema, left by an interrupted command of an earlier version, is
    renamed, with a warning, and created again.

    Args:
        file: The store, an absolute path.
        artifacts: Folder for artifacts of runs without their own experiment.
        write: Whether the store must be writable.

    Raises:
        TrackingError: If the path holds something else, or the store is damaged or of another
            version.
        LockedError: If its folder is not writable, or another process is creating it for minutes.
    """
    if _is_ready(file, write):
        return
    with locked(file, "MLflow store", _MAKING_S):
        if _is_ready(file, write):
            return  # another process was faster
        if file.exists():
            _set_aside(file)
        _make(file, artifacts)


def _is_ready(file: Path, write: bool) -> bool:
    """Whether the store exists and is complete; False if it must be created.

    Raises:
        TrackingError: If it can be neither used nor replaced.
    """
    if file.is_symlink() and not file.exists():
        raise TrackingError(
            f"The MLflow store {file} is a link to {file.readlink()}, which is not there. Mount or "
            "restore what it leads to, remove the link for a new store in its place, or set "
            "MLFLOW_TRACKING_URI to another file."
        )
    if not file.exists():
        return False
    if not file.is_file():
        raise TrackingError(
            f"The MLflow store {file} is a folder, but a SQLite file is expected there. Move the "
            "folder away, or set MLFLOW_TRACKING_URI to another file."
        )
    if not os.access(file, os.R_OK | (os.W_OK if write else 0)):
        read_only = write and os.statvfs(file).f_flag & os.ST_RDONLY
        why = (
            "lies on a file system that is mounted read-only. Mount it for writing"
            if read_only
            else f"belongs to user {file.stat().st_uid}, and this user ({os.geteuid()}) may not "
            f"{'write' if write else 'read'} it. Change its permissions"
        )
        raise TrackingError(
            f"The MLflow store {file} {why}, or set MLFLOW_TRACKING_URI to another file."
        )
    try:
        with closing(sqlite3.connect(file, timeout=_BUSY_S)) as database:
            found = _revision(database)
            known = _revisions()
            if found == known[0]:
                return True
            if _holds_nothing(database):
                return False
    except sqlite3.DatabaseError as error:
        raise TrackingError(
            f"The MLflow store {file} cannot be read ({error}). If it is damaged, restore it from "
            "a backup, or move it away: the next command makes a new one, without the former runs "
            "and models."
        ) from error
    raise _refusal(file, found, known)


def _refusal(file: Path, found: str | None, known: list[str]) -> TrackingError:
    """The error for a store of another version of MLflow, with the remedy."""
    from mlflow.version import VERSION  # noqa: PLC0415

    if found is not None and found not in known:
        return TrackingError(
            f"The MLflow store {file} was written by a newer MLflow (schema {found}) than the "
            f"installed {VERSION}. Install that version (`make run` installs the one of the "
            "project), or set MLFLOW_TRACKING_URI to another file."
        )
    return TrackingError(
        f"The MLflow store {file} has the schema of an older MLflow (schema {found or 'unknown'}; "
        f"MLflow {VERSION} needs {known[0]}). Copy the file to be safe, then run: "
        f"mlflow db upgrade 'sqlite:///{file}'"
    )


def _revisions() -> list[str]:
    """Revisions of the schema known to the installed MLflow, its own first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - it comes with MLflow
    from mlflow.store import db_migrations  # noqa: PLC0415

    scripts = ScriptDirectory(str(Path(str(db_migrations.__file__)).parent))
    return [script.revision for script in scripts.walk_revisions()]


def _tables(database: sqlite3.Connection) -> set[str]:
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows if not name.startswith("sqlite_")}


def _revision(database: sqlite3.Connection) -> str | None:
    if "alembic_version" not in _tables(database):
        return None
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _holds_nothing(database: sqlite3.Connection) -> bool:
    """Whether the store only holds the rows of a new store."""
    own = {
        "experiments": " WHERE experiment_id != 0",
        "experiment_tags": f" WHERE key != '{FOLDER_TAG}'",
    }
    for table in _tables(database) - {"alembic_version", "workspaces"}:
        query = f'SELECT 1 FROM "{table}"{own.get(table, "")} LIMIT 1'
        if database.execute(query).fetchone():
            return False
    return True


def _set_aside(file: Path) -> None:
    aside = file.with_name(f"{file.name}.unfinished")
    _log.warning(
        "The MLflow store %s is not of the schema that the installed MLflow needs: it was left "
        "unfinished by a command that was interrupted, or is of another version. It holds no run, "
        "model or experiment, so it is made again; the former file is %s",
        file,
        aside.name,
    )
    file.replace(aside)


def _make(file: Path, artifacts: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415

    _log.info("Making the MLflow store %s, once", file)
    fresh = file.with_name(f".{file.name}.new")
    _remove(fresh)
    for journal in _JOURNALS:  # of a removed store; SQLite would apply it to the new one
        file.with_name(file.name + journal).unlink(missing_ok=True)
    try:
        with _quiet():
            store = SqlAlchemyStore(f"sqlite:///{fresh}", str(artifacts))
        store.engine.dispose()
        flush(fresh)
        fresh.rename(file)
        flush(file.parent)
    finally:
        _remove(fresh)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from logging each of its migrations."""
    loggers = [logging.getLogger(name) for name in ("alembic", "mlflow.store.db.utils")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _remove(fresh: Path) -> None:
    for suffix in ("", *_JOURNALS):
        with contextlib.suppress(FileNotFoundError):
            fresh.with_name(fresh.name + suffix).unlink()
