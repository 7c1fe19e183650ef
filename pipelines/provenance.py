"""Origin of a run: the revision of code and data, and its command."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from brpnas.errors import ConfigurationError

__all__ = ["dvc_pid", "dvc_tags", "end_with_dvc", "git_tags", "group_id", "local_artifacts"]

# PyYAML's loader in C, if present: ten times faster, and every run reads a thousand lines.
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LOOK_S = 1.0
_log = logging.getLogger(__name__)


def local_artifacts(folder: str) -> str | None:
    """Return ``folder`` for a local store, nothing for a server.

    A resolver for ``mlflow.yml``: a server chooses its own place for artifacts.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    return folder if not uri or uri.startswith("sqlite:") else None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def git_tags(root: Path) -> dict[str, str]:
    """Commit of the code and whether tracked files differ from it.

    Outside a git repository, as in a container, only the commit in the environment variable
    ``BRPNAS_REVISION``, if any.
    """
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        built = os.environ.get("BRPNAS_REVISION")
        return {"git.commit": built} if built else {}
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"git.commit": commit, "git.dirty": str(bool(changes)).lower()}


def dvc_tags(root: Path, stage: str | None = None) -> dict[str, str]:
    """Revision of the data: a hash of ``dvc.lock``, of the entry of a stage in it, the experiment.

    During a stage under DVC, the entries of earlier stages are from the same ``dvc repro``; its
    own entry is from the previous one.
    """
    tags = {}
    if name := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.experiment"] = name
    lock = root / "dvc.lock"
    if not lock.is_file():
        return tags
    content = lock.read_bytes()
    tags["dvc.lock"] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    entry = _stages(lock, content).get(stage)
    if entry is not None:
        text = json.dumps(entry, sort_keys=True)
        tags["dvc.stage"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return tags


def _stages(lock: Path, content: bytes) -> dict[str, Any]:
    """Entries of a lock file by stage.

    Raises:
        ConfigurationError: If the file is unreadable.
    """
    for number, line in enumerate(content.splitlines(), start=1):
        if line.startswith((b"<<<<<<< ", b">>>>>>> ")):
            raise ConfigurationError(
                f"{lock} holds conflict markers of git, the first in line {number}. Take one side, "
                "`git checkout --ours dvc.lock` or `--theirs`, then `dvc repro`, which runs the "
                "stages that do not match it, and commit the file."
            )
    try:
        loaded = yaml.load(content, Loader=_SAFE_LOADER) or {}
        stages: dict[str, Any] = loaded.get("stages", {})
    except (yaml.YAMLError, AttributeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{lock} is damaged ({' '.join(str(error).split())}). Take it back from git, "
            "`git checkout dvc.lock`, then run `dvc repro`."
        ) from error
    return stages


def _is_dvc(process: psutil.Process) -> bool:
    """Whether a process is the command ``dvc``, as a script or by ``python -m dvc``."""
    words = process.cmdline()[:3]
    return any(Path(word).name in ("dvc", "dvc.exe") for word in words)


def _dvc() -> psutil.Process | None:
    """The `dvc` process above this one, if any."""
    try:
        return next(filter(_is_dvc, psutil.Process().parents()), None)
    except psutil.Error:
        return None


def dvc_pid() -> int | None:
    """Id of the `dvc` process above this one, if any."""
    dvc = _dvc()
    return dvc.pid if dvc else None


def end_with_dvc() -> None:
    """Send SIGTERM to this process when its parent `dvc` is gone.

    ``kill -9`` of `dvc repro` reaches no stage. The stage would continue, and write during the next
    `dvc repro`.
    """
    dvc = _dvc()
    if dvc is not None:
        threading.Thread(target=_wait_and_end, args=(dvc,), daemon=True).start()


def _wait_and_end(dvc: psutil.Process) -> None:
    while _goes_on(dvc):
        time.sleep(_LOOK_S)
    _log.warning("The dvc that started this stage is gone, so the stage ends")
    os.kill(os.getpid(), signal.SIGTERM)


def _goes_on(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it ended between the two calls
        return False


def group_id(fallback: str) -> str:
    """Return an id shared by all stages of one command.

    It is the environment variable ``BRPNAS_GROUP`` if set, else derived from the parent `dvc`
    process, else ``fallback``.
    """
    if given := os.environ.get("BRPNAS_GROUP"):
        return given
    dvc = _dvc()
    return f"dvc-{int(dvc.create_time() * 1000):x}-{dvc.pid}" if dvc else fallback
