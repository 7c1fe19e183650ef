"""Where a run comes from: the revision of code and data, and the command it is a part of."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import psutil
import yaml

__all__ = ["dvc_tags", "git_tags", "group_id", "local_artifacts"]


def local_artifacts(folder: str) -> str | None:
    """Return ``folder`` if runs are tracked in a local store, nothing if a server tracks them.

    A resolver for ``mlflow.yml``: a server decides for itself where artifacts go.
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

    Outside a git repository, as in a container, only the commit that the environment variable
    ``BRPNAS_REVISION`` names, if any.
    """
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        built = os.environ.get("BRPNAS_REVISION")
        return {"git.commit": built} if built else {}
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"git.commit": commit, "git.dirty": str(bool(changes)).lower()}


def dvc_tags(root: Path, stage: str | None = None) -> dict[str, str]:
    """Revision of the data: a hash of ``dvc.lock``, of the entry of a stage in it, the experiment.

    While a stage runs under DVC, the entries of the stages before it are those of the same
    ``dvc repro``, and its own is that of the time before.
    """
    tags = {}
    if name := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.experiment"] = name
    lock = root / "dvc.lock"
    if not lock.is_file():
        return tags
    content = lock.read_bytes()
    tags["dvc.lock"] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    entry = (yaml.safe_load(content) or {}).get("stages", {}).get(stage)
    if entry is not None:
        text = json.dumps(entry, sort_keys=True)
        tags["dvc.stage"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return tags


def _is_dvc(process: psutil.Process) -> bool:
    """Whether a process is the command ``dvc``, as a script or by ``python -m dvc``."""
    words = process.cmdline()[:3]
    return any(Path(word).name in ("dvc", "dvc.exe") for word in words)


def group_id(fallback: str) -> str:
    """Return an id that all stages of one command have in common.

    It is the environment variable ``BRPNAS_GROUP`` if set, else derived from the `dvc` process that
    started this one, else ``fallback``.
    """
    if given := os.environ.get("BRPNAS_GROUP"):
        return given
    try:
        for parent in psutil.Process().parents():
            if _is_dvc(parent):
                return f"dvc-{int(parent.create_time() * 1000):x}-{parent.pid}"
    except psutil.Error:
        return fallback
    return fallback
