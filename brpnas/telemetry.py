"""Telemetry of the packages underneath is off, here and in every process that is started.

`import brpnas` calls `turn_off_telemetry`, before any of these packages is imported: most read
their variable once. A choice to the contrary in the environment is overruled; whoever wants to
send usage data does so outside this project.
"""

from __future__ import annotations

import os

__all__ = ["SWITCHES", "turn_off_telemetry"]

SWITCHES = {
    "DO_NOT_TRACK": "1",  # for every package that follows consoledonottrack.com
    "DVC_NO_ANALYTICS": "1",
    "ITERATIVE_DO_NOT_TRACK": "1",  # what DVC brings along
    "KEDRO_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Environment variables that turn telemetry off, with their values."""


def turn_off_telemetry() -> None:
    """Set the variables of `SWITCHES` for this process and its children."""
    os.environ.update(SWITCHES)
