"""Servers in separate processes, for tests of servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TIMEOUT = 120


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], url: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """Run a server for the block, from when it answers at ``url``."""
    log = folder / "server.log"
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"  # MLflow calls uvicorn
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "PATH": path},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + TIMEOUT
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # its workers too
        process.wait(timeout=TIMEOUT)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
