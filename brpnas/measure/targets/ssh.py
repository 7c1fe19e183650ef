"""The target ``ssh://user@host:port``: a board with python3, numpy and the runtime.

The runner and the networks are copied to ``~/.cache/brpnas/ID`` and removed at the end. Rows arrive
while the board works. After a broken link the target connects again, takes the rows that the board
has, and continues.
"""

from __future__ import annotations

import json
import logging
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from brpnas.errors import MeasurementError
from brpnas.measure import runner
from brpnas.measure.artifacts import MANIFEST, Manifest
from brpnas.measure.hardware import Machine
from brpnas.measure.runtimes import Runtime
from brpnas.measure.targets import receiver
from brpnas.measure.targets.base import Row, Rows, Target, error_of, known_rows, rows_of
from brpnas.measure.targets.openssh import Address, LinkError, OpenSsh

__all__ = ["SshTarget"]

_log = logging.getLogger(__name__)
_RUNNER = Path(runner.__file__)
_RECEIVER = Path(receiver.__file__)
_PAUSES_S = (1, 2, 5, 10, 20, 30)


class SshTarget(Target):
    """A board that the user can log in to without a password.

    Args:
        address: Its address, see `Address.parse`.
        alive_s: Seconds between two signs of life of a link; the third missing one breaks it.
        patience_s: Seconds without a row and without a link before the target gives up.

    Raises:
        ConfigurationError: If the address is malformed, or this machine lacks the OpenSSH client.
    """

    place: ClassVar[str] = "board"

    def __init__(self, address: str, *, alive_s: int = 5, patience_s: float = 300.0) -> None:
        self._name = address
        self._ssh = OpenSsh(Address.parse(address), alive_s)
        self._patience_s = patience_s

    @property
    def name(self) -> str:
        """Its address."""
        return self._name

    def describe(self, runtime: Runtime) -> Machine:
        """Describe the board; see `Target.describe`."""
        names = (f"--runtime={runtime.name}", f"--provider={runtime.provider}")
        found = self._ssh.ask(_RUNNER.read_bytes(), "describe", *names)
        if found.get("event") == "error":
            raise error_of(found, self._host)
        return Machine.of(found)

    def measure(self, folder: Path) -> Rows:
        """Time the artifacts; see `Target.measure`.

        Raises:
            MeasurementError: If the board cannot be used, or the link stays broken.
        """
        manifest = Manifest.read(folder)
        left = {(one.name, one.sha256) for one in manifest.networks}
        references: set[str] = set()
        patience = _Patience(self._patience_s, self._host)
        while True:
            try:
                self._send(manifest, folder)
                with closing(self._rows(manifest)) as rows:
                    for row in rows:
                        if _take(row, left, references):
                            patience.renew()
                            yield row
                if left:
                    raise LinkError(f"The runner on {self._host} was stopped.", passing=True)
                self._ask("drop", manifest)
                return
            except LinkError as error:
                patience.wait(error)

    def close(self) -> None:
        """End the connection."""
        self._ssh.close()

    @property
    def _host(self) -> str:
        return self._ssh.address.host

    def _send(self, manifest: Manifest, folder: Path) -> None:
        """Send the files that the board lacks."""
        names = [file.file for one in manifest.artifacts for file in one.files]
        wanted = {name: folder / name for name in (*names, MANIFEST)} | {_RUNNER.name: _RUNNER}
        there = self._ask("have", manifest)["files"]
        lacking = {
            name: path for name, path in wanted.items() if there.get(name) != receiver.sha256(path)
        }
        if lacking:
            with tempfile.TemporaryFile() as packed:
                with tarfile.open(fileobj=packed, mode="w|gz") as archive:
                    for name, path in lacking.items():
                        archive.add(path, name)
                packed.seek(0)
                self._ask("take", manifest, data=packed)

    def _ask(self, command: str, manifest: Manifest, **options: Any) -> dict[str, Any]:
        answer = self._ssh.ask(_RECEIVER.read_bytes(), command, manifest.id, **options)
        if "error" in answer:
            raise MeasurementError(f"{self._host}: {answer['error']}")
        return answer

    def _rows(self, manifest: Manifest) -> Rows:
        with self._ssh.running(_RECEIVER.read_bytes(), "run", manifest.id) as output:
            yield from known_rows(rows_of(_whole(output), self._host), manifest, self._host)


def _take(row: Row, left: set[tuple[str, str]], references: set[str]) -> bool:
    """Whether a row is new. A new connection begins with all finished rows."""
    if row["event"] == "reference":
        text, before = json.dumps(row), len(references)
        references.add(text)
        return len(references) > before
    network = (row["name"], row["sha256"])
    if network not in left:
        return False
    left.remove(network)
    return True


class _Patience:
    """Pauses between attempts, up to a total time without a row."""

    def __init__(self, seconds: float, host: str) -> None:
        self._seconds, self._host = seconds, host
        self.renew()

    def renew(self) -> None:
        """A row has come."""
        self._since, self._attempts = time.monotonic(), 0

    def wait(self, error: LinkError) -> None:
        """Pause before the next attempt.

        Raises:
            LinkError: If the next attempt is useless, or the time is over.
        """
        if not error.passing or time.monotonic() - self._since > self._seconds:
            raise LinkError(
                f"{error} Finished rows are safe; the same command continues.", passing=False
            ) from error
        pause = _PAUSES_S[min(self._attempts, len(_PAUSES_S) - 1)]
        self._attempts += 1
        _log.warning("%s Next attempt in %d s.", error, pause)
        time.sleep(pause)


def _whole(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without the last one if a broken link has cut it."""
    return (line for line in lines if line.endswith(b"\n"))
