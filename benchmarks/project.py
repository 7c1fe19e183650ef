"""A fresh copy of the project for a new user: tracked files in a separate git repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import ROOT
from brpnas.errors import EngineError

__all__ = ["Ended", "Project"]

_TELEMETRY = ("ORT_DISABLE", "MLFLOW_DISABLE", "KEDRO_DISABLE", "DO_NOT_TRACK", "DVC_NO")


@dataclass(frozen=True)
class Ended:
    """A finished command: exit code, output and seconds."""

    code: int
    output: str
    seconds: float

    def checked(self) -> Ended:
        """The same; a command that failed raises its output.

        Raises:
            EngineError: If the exit code is not 0.
        """
        if self.code:
            raise EngineError(f"A command failed: {self.output[-3000:]}")
        return self

    @property
    def last(self) -> str:
        """Last line of the output."""
        lines = self.output.strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def traceback(self) -> bool:
        """Whether it ended in a traceback instead of a paragraph."""
        return "Traceback (most recent call last)" in self.output


class Project:
    """A fresh copy of this repository in a folder, and commands in it.

    Args:
        folder: Folder of the copy; must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True,
        )  # fmt: skip
        for name in listed.stdout.decode().split("\0"):
            source = ROOT / name
            if name and source.is_file() and not source.is_symlink():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        for command in (["git", "init", "-q"], ["git", "add", "-A"]):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        author = ["-c", "user.name=road", "-c", "user.email=road@localhost"]
        subprocess.run(
            ["git", *author, "commit", "-qm", "copy"], cwd=folder, check=True, capture_output=True
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Variables of a new user with the packages of this process."""
        ours = ("BRPNAS_", "MLFLOW_", *_TELEMETRY)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        return kept | {"PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"} | more

    def errors(self, *commands: Sequence[str]) -> tuple[int, list[float]]:
        """Run commands and print the output of those that fail: how many, and seconds of all."""
        ended = [self.run(command) for command in commands]
        failed = [each.output[-3000:] for each in ended if each.code]
        print(*failed, sep="\n")
        return len(failed), [round(each.seconds, 1) for each in ended]

    def start(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a command in a separate process group; its output goes to a file."""
        with log.open("wb") as file:
            return subprocess.Popen(
                command, cwd=self.root, env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def run(
        self, command: Sequence[str], more: Mapping[str, str] | None = None, timeout_s: float = 3600
    ) -> Ended:
        """Run a command to its end."""
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=self.root, env=self.environment(**(more or {})), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout_s, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, time.perf_counter() - began)
