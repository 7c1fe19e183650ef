"""Several processes register, promote and roll back on one store at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from brpnas.errors import RegistryError
from pipelines.registry import promote, register, rollback
from tests.pipelines.registry.conftest import using
from tests.pipelines.registry.test_server import serving
from tests.pipelines.registry.toys import NAME, challenger, config

module = import_module("pipelines.registry.promotion")
ERRORS = [["0.10", "0.05", "0.030"], ["0.12", "0.07", "0.015"], ["0.09", "0.04", "0.022"]]


def champion() -> str:
    return str(MlflowClient().get_registered_model(NAME).aliases["champion"])


def tags(version: str) -> dict[str, str]:
    return dict(MlflowClient().get_model_version(NAME, version).tags)


def race(store: str, repository: Path) -> None:
    """Let each list of errors be registered and promoted by a process of its own."""
    command = [sys.executable, "-m", "tests.pipelines.registry.racing", store]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    processes = [
        subprocess.Popen([*command, *errors], cwd=repository, env=environment) for errors in ERRORS
    ]
    assert [process.wait(timeout=900) for process in processes] == [0] * len(ERRORS)


def check_history() -> None:
    """Every champion has beaten its predecessor; the challenger is the newest version."""
    client = MlflowClient()
    model = client.get_registered_model(NAME)
    assert not [key for key in model.tags if key.startswith("brpnas.lock")]
    versions = {str(v.version): v for v in client.search_model_versions(f"name='{NAME}'")}
    assert sorted(map(int, versions)) == list(range(1, 1 + sum(map(len, ERRORS))))
    assert str(model.aliases["challenger"]) == str(len(versions))
    chain, number = [], str(model.aliases["champion"])
    while number:
        chain.append(number)
        found = versions[number].tags
        assert found["brpnas.decision"] == "promoted"
        number = found["brpnas.champion.previous"]
        assert found["brpnas.decision.against"] == (
            f"version {number}" if number else "no champion"
        )
    promoted = {n for n, v in versions.items() if v.tags.get("brpnas.decision") == "promoted"}
    assert promoted == set(chain), "no version was champion and then lost without a comparison"


@pytest.mark.slow
def test_processes_on_sqlite(store: str, repository: Path) -> None:
    race(store, repository)
    check_history()


@pytest.mark.slow
def test_processes_on_a_server(store: str, repository: Path, tmp_path: Path) -> None:
    with serving(store, tmp_path) as address:
        race(address, repository)
        check_history()


def meanwhile(monkeypatch: pytest.MonkeyPatch, action: object) -> None:
    """Let an action happen once, between the comparison and the move of the alias."""
    record, done = module._record, threading.Event()

    def recording(*arguments: object) -> None:
        record(*arguments)  # type: ignore[arg-type]
        if not done.is_set():
            done.set()
            action()  # type: ignore[operator]

    monkeypatch.setattr(module, "_record", recording)


def test_the_slower_promotion_meets_the_new_champion(
    two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faster() -> None:
        register(challenger(0.02))
        assert promote(NAME, config()).promote

    meanwhile(monkeypatch, faster)
    decision = promote(NAME, config())
    assert (decision.verdict, decision.challenger, decision.champion) == (
        "kept",
        "version 2",
        "version 3",
    )
    assert champion() == "3"
    assert tags("2")["brpnas.decision.against"] == "version 3"
    assert "brpnas.champion.since" not in tags("2")


def test_two_promotions_of_one_version(two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: promote(NAME, config()))
    assert "already" in promote(NAME, config()).reasons[0]
    assert champion() == "2"
    assert tags("2")["brpnas.champion.previous"] == "1"


def test_what_is_rolled_back_during_the_comparison_stays_so(
    two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The champion is version 1 again when the alias is to move, as if nothing had happened."""

    def promoted_and_rolled_back() -> None:
        assert promote(NAME, config()).promote
        assert rollback(NAME).champion == "1"

    meanwhile(monkeypatch, promoted_and_rolled_back)
    assert promote(NAME, config()).verdict == "refused"
    assert champion() == "1"


def test_a_rollback_does_not_take_back_what_it_did_not_see(
    two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolling = import_module("pipelines.registry.rollback")  # the function has the same name
    promote(NAME, config())
    move = rolling.move_champion

    def late(*arguments: object) -> bool:
        register(challenger(0.02))
        assert promote(NAME, config()).promote
        return bool(move(*arguments))

    monkeypatch.setattr(rolling, "move_champion", late)
    with pytest.raises(RegistryError, match=r"latency-board .*version 2 .*version 3 "):
        rollback(NAME)
    assert champion() == "3"
    assert "brpnas.champion.rolled_back" not in tags("2")


def test_a_champion_that_changes_for_ever_is_told(
    two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "move_champion", lambda *_: False)
    monkeypatch.setattr(module, "_TRIES", 2)
    with pytest.raises(RegistryError, match=r"latency-board .* 2 times .*version 2 "):
        promote(NAME, config())


def test_two_first_registrations(
    empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find no model of that name; one of them makes it."""
    with using(empty_database, tmp_path):
        versions: list[str] = []

        def one() -> None:
            versions.append(register(challenger(0.1)))

        threads = [threading.Thread(target=one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(versions) == ["1", "2"]
        assert str(MlflowClient().get_registered_model(NAME).aliases["challenger"]) == "2"
        assert mlflow.active_run() is None
