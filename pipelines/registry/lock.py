"""A lock on one registered model, kept in its tags.

MLflow cannot compare and swap an alias. Processes share a store on one machine (SQLite) or on many
(a server), and the store is all they share. Lamport's bakery algorithm (CACM 1974) is enough: every
process writes a tag with a number above all others, and enters when its number is the lowest.

The tag of a dead process is removed by others: at once on the same machine, otherwise after it was
first in line for `LEASE_S`. A process that was only asleep finds its tag gone: `Lock.held` is false
from then on.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import psutil
from mlflow.tracking import MlflowClient

__all__ = ["LEASE_S", "PREFIX", "Lock", "locked"]

LEASE_S = 60.0
"""Longest time of a process of another machine as first in line, in seconds."""

PREFIX = "brpnas.lock."
"""Prefix of the tags used as tickets."""

_POLL_S = 0.05
_CLOCK_S = 5.0  # start times of processes shift if the clock is set
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Ticket:
    """One process in line; ``number`` is None while it chooses one."""

    key: str
    number: int | None
    machine: str
    pid: int
    started: float

    @classmethod
    def of_this_process(cls, number: int | None = None) -> _Ticket:
        pid = os.getpid()
        started = psutil.Process(pid).create_time()
        return cls(PREFIX + uuid4().hex, number, _machine(), pid, started)

    @classmethod
    def read(cls, key: str, value: str) -> _Ticket:
        try:
            return cls(key, **json.loads(value))
        except (ValueError, TypeError):  # not of this protocol: removed after the lease
            return cls(key, None, "an unknown machine", -1, 0.0)

    def value(self) -> str:
        return json.dumps({k: v for k, v in asdict(self).items() if k != "key"})

    def rank(self) -> tuple[int, str]:
        return (-1 if self.number is None else self.number, self.key)

    def is_dead(self) -> bool:
        """Whether its process ran on this machine and has ended."""
        if self.machine != _machine():
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) > _CLOCK_S
        except psutil.NoSuchProcess:
            return True


class Lock:
    """The lock held by a block."""

    def __init__(self, client: MlflowClient, name: str, key: str) -> None:
        self._client, self._name, self._key = client, name, key

    def held(self) -> bool:
        """Whether the lock is still held, and not taken over by another process."""
        return _in_line(self._key, _tickets(self._client, self._name))


@contextmanager
def locked(client: MlflowClient, name: str, lease_s: float = LEASE_S) -> Iterator[Lock]:
    """Hold the lock of a registered model for the block.

    Args:
        client: Client of the store.
        name: Registered model; it must exist.
        lease_s: Seconds after which a process first in line counts as dead.
    """
    while True:
        with _numbered(client, name) as ticket:
            if ticket is not None and _wait(client, name, ticket.key, lease_s):
                yield Lock(client, name, ticket.key)
                return
        _log.info("The place in the line for %s was lost; waiting again", name)


@contextmanager
def _numbered(client: MlflowClient, name: str) -> Iterator[_Ticket | None]:
    """Queue for the block, with a number above all others.

    The ticket of choosing has its own key. If another process has removed it, this process may have
    entered without seeing the number; the number is void and the result is None.
    """
    with ExitStack() as stack:
        choosing = _Ticket.of_this_process()
        with _shown(client, name, choosing):
            highest = max((ticket.number or 0 for ticket in _tickets(client, name)), default=0)
            ticket = _Ticket.of_this_process(highest + 1)
            stack.enter_context(_shown(client, name, ticket))
            valid = _in_line(choosing.key, _tickets(client, name))
        yield ticket if valid else None


@contextmanager
def _shown(client: MlflowClient, name: str, ticket: _Ticket) -> Iterator[None]:
    client.set_registered_model_tag(name, ticket.key, ticket.value())
    try:
        yield
    finally:
        client.delete_registered_model_tag(name, ticket.key)


def _wait(client: MlflowClient, name: str, key: str, lease_s: float) -> bool:
    """Wait until a ticket is first in line; False if another process removes it."""
    first, since = None, 0.0
    while _in_line(key, line := _tickets(client, name)):
        if line[0].key == key:
            return True
        if line[0] != first:
            first, since = line[0], time.monotonic()
        if first.is_dead() or time.monotonic() - since > lease_s:
            left = "The lock of %s, left behind by process %s on %s, is removed"
            _log.warning(left, name, first.pid, first.machine.partition("/")[0])
            client.delete_registered_model_tag(name, first.key)
        else:
            time.sleep(_POLL_S)
    return False


def _tickets(client: MlflowClient, name: str) -> list[_Ticket]:
    """All tickets in line: first those without a number yet, then by number."""
    tags = dict(client.get_registered_model(name).tags)
    found = [_Ticket.read(key, value) for key, value in tags.items() if key.startswith(PREFIX)]
    return sorted(found, key=_Ticket.rank)


def _in_line(key: str, line: list[_Ticket]) -> bool:
    return any(ticket.key == key for ticket in line)


def _machine() -> str:
    """Name of this machine: host name and, on Linux, boot and process namespace."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [socket.gethostname()]
    if boot.exists() and namespace.exists():
        parts += [boot.read_text("ascii").strip(), str(namespace.stat().st_ino)]
    return "/".join(parts)
