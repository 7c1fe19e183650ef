"""Moving the alias ``champion``, only if the champion is still the expected one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlflow.tracking import MlflowClient

from pipelines.registry.lock import LEASE_S, locked
from pipelines.registry.versions import CHAMPION, RegisteredModel

__all__ = ["Marks", "move_champion"]

Marks = Mapping[str, Mapping[str, str | None]]
"""Tags by version and name; None removes one."""


def move_champion(
    name: str,
    to: str,
    expected: str | None,
    prepare: Callable[[RegisteredModel], Marks | None],
    *,
    lease_s: float = LEASE_S,
) -> bool:
    """Make a version champion in place of an expected one: compare and swap.

    The champion is looked up again under the lock of the model, and nothing is written if it has
    changed. If this process sleeps so long that another one takes the lock and moves the alias, the
    tags of this move are taken back, and the other's champion gets the alias back.

    Args:
        name: Registered model.
        to: New champion.
        expected: Current champion; None if there must be none.
        prepare: Gives the tags of the move, from the current model; None refuses the move.
        lease_s: Seconds after which a process holding the lock counts as dead.

    Returns:
        Whether the alias was moved. If not, the champion has changed, or `prepare` refused.
    """
    client = MlflowClient()
    with locked(client, name, lease_s) as lock:
        registered = RegisteredModel(name)
        if registered.aliases.get(CHAMPION) != expected:
            return False
        before = _since(registered)
        marks = prepare(registered)
        if marks is None or not lock.held():
            return False
        former = _tags(registered, marks)
        _write(registered, marks)
        moved = lock.held()
        if moved:
            client.set_registered_model_alias(name, CHAMPION, to)
            if lock.held():
                return True
    with locked(client, name, lease_s):
        registered = RegisteredModel(name)
        if moved and _keeps_champion(registered, to, before):
            return True
        _take_back(RegisteredModel(name), to, marks, former)
    return False


def _keeps_champion(registered: RegisteredModel, to: str, before: Mapping[str, str]) -> bool:
    """Return the alias to a version that became champion since ``before``; False if so."""
    champions = {
        number: since
        for number, since in _since(registered).items()
        if number != to and before.get(number) != since
    }
    if champions and registered.aliases.get(CHAMPION) == to:
        rival = max(champions, key=lambda number: (champions[number], int(number)))
        registered.client.set_registered_model_alias(registered.name, CHAMPION, rival)
    return not champions and registered.aliases.get(CHAMPION) == to


def _take_back(registered: RegisteredModel, to: str, marks: Marks, former: Marks) -> None:
    """Restore the tags of a refused move, except those written by another process."""
    found = _tags(registered, marks)
    for version, tags in marks.items():
        if version == to and registered.aliases.get(CHAMPION) == to:
            continue  # another process made it champion
        ours = [key for key, value in tags.items() if found[version][key] == value]
        _write(registered, {version: {key: former[version][key] for key in ours}})


def _tags(registered: RegisteredModel, marks: Marks) -> dict[str, dict[str, str | None]]:
    """Current values of the tags to write."""
    found = {version: registered.version(version).tags for version in marks}
    return {version: {key: found[version].get(key) for key in marks[version]} for version in marks}


def _write(registered: RegisteredModel, marks: Marks) -> None:
    for version, tags in marks.items():
        registered.tag(version, {key: value for key, value in tags.items() if value is not None})
        for key in (key for key, value in tags.items() if value is None):
            registered.untag(version, key)


def _since(registered: RegisteredModel) -> dict[str, str]:
    """Time at which each former or current champion was promoted."""
    tags = {str(version.version): version.tags for version in registered.versions()}
    return {
        number: found["brpnas.champion.since"]
        for number, found in tags.items()
        if "brpnas.champion.since" in found
    }
