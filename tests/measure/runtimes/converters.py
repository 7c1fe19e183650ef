"""A converter for `brpnas.measure.runtimes.worker` that misbehaves on request."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

CALLS: list[str] = []


def convert(kind: str, target: str) -> None:
    """Write the number of calls of this process, or misbehave."""
    CALLS.append(kind)
    sys.stdout.write("half a line")
    os.write(1, b'"an answer?"\n')
    if kind == "raise":
        raise ValueError("refused")
    if kind == "abort":
        sys.stderr.write("aborting\n")
        sys.stderr.flush()
        os.abort()
    if kind == "hang":
        time.sleep(3600)
    Path(target).write_text(str(len(CALLS)))
