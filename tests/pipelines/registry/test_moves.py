"""Compare and swap of the champion, also by a process asleep in the meantime."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from pipelines.registry import moves
from pipelines.registry.lock import PREFIX
from pipelines.registry.moves import Marks, move_champion
from pipelines.registry.versions import RegisteredModel

NAME = "latency-board"


@pytest.fixture
def client(store: str) -> MlflowClient:
    """Client of a store with three versions; the first is champion."""
    found = MlflowClient(store)
    found.create_registered_model(NAME)
    for _ in range(3):
        found.create_model_version(NAME, "file:///nowhere")
    assert move_champion(NAME, "1", None, claim("1"))
    return found


def claim(number: str) -> Any:
    return lambda registered: {number: {"brpnas.champion.since": f"by {number}"}}


def champion() -> str:
    return RegisteredModel(NAME).aliases["champion"]


def test_moves_from_the_expected_one(client: MlflowClient) -> None:
    assert move_champion(NAME, "2", "1", claim("2"))
    assert champion() == "2"


@pytest.mark.parametrize("expected", [None, "3"])
def test_writes_nothing_if_the_champion_is_another(
    client: MlflowClient, expected: str | None
) -> None:
    assert not move_champion(NAME, "2", expected, claim("2"))
    assert champion() == "1"
    assert client.get_model_version(NAME, "2").tags == {}


def test_not_if_the_caller_refuses_what_it_finds(client: MlflowClient) -> None:
    assert not move_champion(
        NAME, "2", "1", lambda registered: None if registered.aliases["champion"] == "1" else {}
    )
    assert champion() == "1"


def remove_tickets(client: MlflowClient) -> None:
    """Simulate another process waiting longer than the lease."""
    for key in client.get_registered_model(NAME).tags:
        if key.startswith(PREFIX):
            client.delete_registered_model_tag(NAME, key)


def test_not_if_the_lock_was_lost_before(client: MlflowClient) -> None:
    def slow(registered: RegisteredModel) -> Marks:
        remove_tickets(client)
        return {"2": {"brpnas.champion.since": "by 2"}}

    assert not move_champion(NAME, "2", "1", slow)
    assert champion() == "1"
    assert client.get_model_version(NAME, "2").tags == {}


def test_tags_of_a_move_that_is_refused_are_as_before(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is lost while they are written; one of them belongs to another process by then."""
    marks = {
        "1": {"left": "yes", "kept": "of the move", "gone": None},
        "2": {"brpnas.champion.since": "by 2", "theirs": "of the move"},
    }
    for key, value in {"kept": "before", "gone": "before"}.items():
        client.set_model_version_tag(NAME, "1", key, value)
    before = dict(client.get_model_version(NAME, "1").tags)
    tag = RegisteredModel.tag

    def slow(registered: RegisteredModel, number: str, tags: dict[str, str]) -> None:
        tag(registered, number, tags)
        if number == "2" and "theirs" in tags:
            remove_tickets(client)
            client.set_model_version_tag(NAME, "2", "theirs", "of another process")

    monkeypatch.setattr(RegisteredModel, "tag", slow)
    assert not move_champion(NAME, "2", "1", lambda registered: marks)
    assert champion() == "1"
    assert client.get_model_version(NAME, "1").tags == before
    assert client.get_model_version(NAME, "2").tags == {"theirs": "of another process"}


@pytest.mark.parametrize(("rival", "result"), [("3", False), (None, True)])
def test_a_move_that_comes_too_late_is_taken_back(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, rival: str | None, result: bool
) -> None:
    """The process sleeps between its last look at the lock and its write of the alias."""

    class Sleepy(MlflowClient):
        asleep = True

        def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
            if version == "2" and Sleepy.asleep:
                Sleepy.asleep = False
                remove_tickets(client)
                assert rival is None or move_champion(NAME, rival, "1", claim(rival))
            super().set_registered_model_alias(name, alias, version)

    monkeypatch.setattr(moves, "MlflowClient", Sleepy)
    assert move_champion(NAME, "2", "1", claim("2")) is result
    assert champion() == (rival or "2")
