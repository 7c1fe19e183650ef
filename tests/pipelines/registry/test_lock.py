"""The lock in the tags of a model: one holder at a time, no waiting for dead processes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest
from mlflow.tracking import MlflowClient

from pipelines.registry.lock import PREFIX, locked
from tests.fanout.waiting import until

NAME = "latency-board"


@pytest.fixture
def client(store: str) -> Iterator[MlflowClient]:
    """Client of a store with one model."""
    found = MlflowClient(store)
    found.create_registered_model(NAME)
    yield found
    assert tickets(found) == {}, "every ticket is taken back"


def tickets(client: MlflowClient) -> dict[str, str]:
    tags = client.get_registered_model(NAME).tags
    return {key: value for key, value in tags.items() if key.startswith(PREFIX)}


def leave(client: MlflowClient, pid: int, *, started: float = 1.0, machine: str = "") -> str:
    """Write the ticket of a process still in line."""
    with locked(client, NAME):
        (mine,) = tickets(client).values()
    value = json.loads(mine) | {"number": 1, "pid": pid, "started": started}
    value["machine"] = machine or value["machine"]
    client.set_registered_model_tag(NAME, f"{PREFIX}left", json.dumps(value))
    return f"{PREFIX}left"


def test_one_at_a_time(client: MlflowClient) -> None:
    """A counter that is read, waited with, and written keeps every increment."""
    client.set_registered_model_tag(NAME, "count", "0")

    def increment() -> None:
        for _ in range(3):
            with locked(client, NAME):
                count = int(client.get_registered_model(NAME).tags["count"])
                time.sleep(0.02)
                client.set_registered_model_tag(NAME, "count", str(count + 1))

    threads = [threading.Thread(target=increment) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get_registered_model(NAME).tags["count"] == "9"


def test_the_ticket_leaves_after_an_error_too(client: MlflowClient) -> None:
    with pytest.raises(ZeroDivisionError), locked(client, NAME):  # the fixture looks for tickets
        raise ZeroDivisionError


def test_a_process_that_has_ended_is_not_waited_for(
    client: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    leave(client, ended.pid)
    with caplog.at_level(logging.WARNING), locked(client, NAME) as lock:
        assert lock.held()
    assert f"process {ended.pid}" in caplog.text


def test_nor_another_process_that_got_its_number(client: MlflowClient) -> None:
    this = psutil.Process()
    leave(client, this.pid, started=this.create_time() - 1000)
    with locked(client, NAME) as lock:
        assert lock.held()


@pytest.mark.parametrize("value", [None, "[1]", "not of this protocol"])
def test_another_machine_has_until_the_lease_ends(client: MlflowClient, value: str | None) -> None:
    key = leave(client, 1, machine="elsewhere")
    if value is not None:
        client.set_registered_model_tag(NAME, key, value)
    start = time.monotonic()
    with locked(client, NAME, lease_s=0.5) as lock:
        assert lock.held()
    assert time.monotonic() - start > 0.5


def test_a_holder_whose_ticket_was_removed_is_told(client: MlflowClient) -> None:
    with locked(client, NAME) as lock:
        for key in tickets(client):
            client.delete_registered_model_tag(NAME, key)
        assert not lock.held()


def test_who_lost_the_place_waits_again(client: MlflowClient) -> None:
    """A process that slept while its ticket was removed must not enter by its old number."""
    entered = threading.Event()

    def wait() -> None:
        with locked(client, NAME):
            entered.set()

    def has_chosen_a_number() -> bool:
        numbers = [json.loads(text)["number"] for text in tickets(client).values()]
        return len(numbers) == 2 and None not in numbers

    with locked(client, NAME):
        (mine,) = tickets(client)
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        until(has_chosen_a_number)
        (other,) = set(tickets(client)) - {mine}
        client.delete_registered_model_tag(NAME, other)
        until(lambda: bool(set(tickets(client)) - {mine, other}))  # in line by another ticket
        assert not entered.is_set()
    thread.join(timeout=60)
    assert entered.is_set()
