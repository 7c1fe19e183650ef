"""The first command in a fresh copy, interrupted at random moments; then another command."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.project import Project

__all__ = ["interrupt_first"]

FIRST = ["kedro", "run", "--pipelines=ingest"]
LATER = ["brpnas", "models"]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def interrupt_first(folder: Path, times: int) -> dict[str, Any]:
    """Interrupt `FIRST` at a random moment of its run, then run `LATER`; each time from nothing.

    Args:
        folder: Where the copy of the project is made.
        times: How often; signals take turns.

    Returns:
        ``interrupted``, of those ``ended_before`` the signal came, and ``later_failed``.
    """
    project = Project(folder / "project")
    log = folder / "log"
    whole = project.run(FIRST).checked()
    rng = random.Random(0)
    ended_before, failures = 0, []
    for number in range(times):
        _clean(project.root)
        process = project.start(FIRST, log)
        moment = rng.uniform(0, whole.seconds)
        try:
            process.wait(moment)
            ended_before += 1
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, SIGNALS[number % len(SIGNALS)])
            process.wait()
        later = project.run(LATER)
        if later.code:
            failures.append(f"{moment:.2f} s: {later.last}")
            print(f"FAULT after {SIGNALS[number % len(SIGNALS)].name} at {failures[-1]}")
    return {
        "interrupted": times,
        "ended_before": ended_before,
        "later_failed": len(failures),
        "failures": failures,
    }


def _clean(root: Path) -> None:
    """Leave nothing of an earlier run, its store of tracked runs least of all."""
    for command in (["git", "clean", "-fdxq", "data"], ["git", "checkout", "-q", "--", "data"]):
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    for store in (root / "data").glob("mlflow*"):
        shutil.rmtree(store) if store.is_dir() else store.unlink()
