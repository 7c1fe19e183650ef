"""Telemetry of dependencies is off, here and in every child process.

`import brpnas` calls `turn_off_telemetry` before importing them, because most read their variable
once. A contrary choice in the environment is overruled.
"""

from __future__ import annotations

import os

__all__ = ["SWITCHES", "turn_off_telemetry"]

SWITCHES = {
    "DO_NOT_TRACK": "1",  # for all packages that follow consoledonottrack.com
    "DVC_NO_ANALYTICS": "1",
    "ITERATIVE_DO_NOT_TRACK": "1",  # of dependencies of DVC
    "KEDRO_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Environment variables that turn telemetry off, with their values."""


def turn_off_telemetry() -> None:
    """Set the variables of `SWITCHES` for this process and its children."""
    os.environ.update(SWITCHES)
