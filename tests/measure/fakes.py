"""Folders of networks for the runtime of `tests.measure.fake_runtime`, and its runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brpnas.measure.artifacts import Answer, Artifact, Manifest, store_files
from brpnas.measure.protocol import Protocol
from brpnas.measure.runner import seeded_image

SHAPE = (1, 1, 2, 2)
SCRIPT = Path(__file__).with_name("fake_runtime.py")
REFERENCE = "the reference"


def fake_network(name: str, folder: Path, kind: str = "good", seconds: float = 0.0) -> Artifact:
    """The artifact of a network that behaves as its kind says."""
    path = folder / "network.json"
    path.write_text(json.dumps({"name": name, "kind": kind, "seconds": seconds}))
    mean = float(seeded_image(SHAPE, 0).mean())
    return store_files(name, (path,), SHAPE, folder, Answer((1, 2), abs(mean), (mean, mean)))


def fake_folder(
    folder: Path, kinds: Sequence[str], *, seconds: float = 0.0, **changes: Any
) -> Manifest:
    """Write a manifest with a network of each kind, named ``n0, n1, ...``, and a reference."""
    networks = [fake_network(f"n{i}", folder, kind, seconds) for i, kind in enumerate(kinds)]
    settings: dict[str, Any] = {
        "networks": tuple(networks),
        "reference": fake_network(REFERENCE, folder),
        "reference_every": 4,
        "timeout_s": 20.0,
        **changes,
    }
    manifest = Manifest("fake", "fp32", "cpu", 1, Protocol(1, 2, 2), 0, 1e-3, **settings)
    manifest.write(folder)
    return manifest


def command(folder: Path, *options: str, what: str = "run") -> list[str]:
    """Command line of the runner."""
    return [sys.executable, "-P", str(SCRIPT), what, str(folder / "manifest.json"), *options]


def run(
    folder: Path, *options: str, what: str = "run", **environment: str
) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code of the runner, its events, and what it says to people."""
    done = subprocess.run(
        command(folder, *options, what=what),
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )
    return (
        done.returncode,
        [json.loads(line) for line in done.stdout.splitlines()],
        (done.stderr.decode()),
    )


def rows(folder: Path) -> list[dict[str, Any]]:
    """The rows on the disk, without the first line."""
    lines = (folder / "rows.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines][1:]
