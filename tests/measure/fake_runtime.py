"""The runner with a runtime ``fake`` whose networks misbehave on request; run as a script.

A network is a file of JSON: ``kind`` names its behaviour, ``seconds`` the duration of a run. The
environment variable ``FAKE`` changes the machine: ``jump`` moves the wall clock, ``elsewhere``
gives it another processor, ``lacking`` takes the runtime away, ``full`` allows files of 3,000
bytes.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

RUNNER = Path(__file__).parents[2] / "brpnas" / "measure" / "runner.py"


def load(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Callable[[], np.ndarray]:
    """A network that answers with the mean of its image, or misbehaves."""
    network = json.loads(Path(files[0]).read_text())
    kind = network["kind"]
    if kind == "crash":
        sys.stderr.write("heap corrupted\n")
        ctypes.string_at(0)
    if kind == "raise":
        raise ValueError("no kernel")
    if kind == "tf32":
        raise ValueError(os.environ["NVIDIA_TF32_OVERRIDE"])
    if kind == "exit":
        sys.exit(7)
    if kind == "hang":
        time.sleep(3600)
    answer = np.full((1, 2), {"nan": np.nan, "wrong": 100.0}.get(kind, image.mean()))

    def run() -> np.ndarray:
        time.sleep(network.get("seconds", 0))
        return answer if kind != "shape" else answer.T

    return run


def _runner() -> Any:
    spec = importlib.util.spec_from_file_location("runner", RUNNER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["runner"] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Run the runner."""
    runner, change = _runner(), os.environ.get("FAKE")
    module = "no_such_module" if change == "lacking" else "json"
    runner.SOFTWARE["fake"] = runner.Software(
        "Fake {}", module, "fake-runtime", lambda: "1.0", lambda: ["cpu"], load
    )
    if change == "elsewhere":
        runner._processor = lambda: "another processor"
    if change == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    if change == "jump":
        real, calls = time.time, iter(range(10**6))
        time.time = lambda: real() + 3600 * (next(calls) % 2)  # type: ignore[assignment]
    return int(runner.main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
