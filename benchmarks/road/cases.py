"""The situations of ``../shared/cases``, each in a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from benchmarks.data import ROOT

__all__ = ["FOLDER", "run_cases"]

FOLDER = ROOT.parent / "shared" / "cases"
_LIMIT_S = 1200


def run_cases() -> dict[str, Any] | None:
    """Run every case; None where the folder is not beside the project."""
    scripts = sorted(FOLDER.glob("*/run.sh"))
    if not scripts:
        return None
    failed: dict[str, str] = {}
    given = os.environ | {"PROJ": str(ROOT), "VENV": sys.prefix}
    for script in scripts:
        done = subprocess.run(
            ["bash", str(script)], env=given, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
        last = (done.stdout.strip().splitlines() or [""])[-1]
        print(f"{script.parent.name:32} {'ok' if not done.returncode else 'FAULT'}  {last[:100]}")
        if done.returncode:
            failed[script.parent.name] = last
    return {"cases": len(scripts), "passed": len(scripts) - len(failed), "failed": failed}
