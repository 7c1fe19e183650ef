"""Moving the alias ``champion``: only if the champion is still the one that was decided about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlflow.tracking import MlflowClient

from pipelines.registry.lock import LEASE_S, locked
from pipelines.registry.versions import CHAMPION, Shelf

__all__ = ["Marks", "move_champion"]

Marks = Mapping[str, Mapping[str, str | None]]
"""Tags by version and name; None removes one."""


def move_champion(
    name: str,
    to: str,
    expected: str | None,
    prepare: Callable[[Shelf], Marks | None],
    *,
    lease_s: float = LEASE_S,
) -> bool:
    """Make a version champion in the place of the one that it was compared with.

    Compare and swap: while the lock of the model is held, the champion is looked up again, and
    nothing is written if it is another. Should this process sleep so long that another one takes
    the lock and moves the alias, a version made champion by that one gets the alias back, and the
    tags that were written here are taken back.

    Args:
        name: Registered model.
        to: Version that becomes champion.
        expected: Version that must be champion now; None if there must be none.
        prepare: Says which tags record the move; they are written before the alias moves. It gets
            the model as it is now, and may refuse the move by returning None.
        lease_s: Seconds after which a process that holds the lock counts as gone.

    Returns:
        Whether the alias was moved. If not, the champion is another than expected, or `prepare`
        refused.
    """
    client = MlflowClient()
    with locked(client, name, lease_s) as lock:
        shelf = Shelf(name)
        if shelf.aliases.get(CHAMPION) != expected:
            return False
        before = _since(shelf)
        marks = prepare(shelf)
        if marks is None or not lock.held():
            return False
        former = _tags(shelf, marks)
        _write(shelf, marks)
        moved = lock.held()
        if moved:
            client.set_registered_model_alias(name, CHAMPION, to)
            if lock.held():
                return True
    with locked(client, name, lease_s):
        shelf = Shelf(name)
        if moved and _keeps_champion(shelf, to, before):
            return True
        _take_back(Shelf(name), to, marks, former)
    return False


def _keeps_champion(shelf: Shelf, to: str, before: Mapping[str, str]) -> bool:
    """Give the alias back to a version that became champion since ``before``; False if so."""
    champions = {
        number: since
        for number, since in _since(shelf).items()
        if number != to and before.get(number) != since
    }
    if champions and shelf.aliases.get(CHAMPION) == to:
        rival = max(champions, key=lambda number: (champions[number], int(number)))
        shelf.client.set_registered_model_alias(shelf.name, CHAMPION, rival)
    return not champions and shelf.aliases.get(CHAMPION) == to


def _take_back(shelf: Shelf, to: str, marks: Marks, former: Marks) -> None:
    """Restore the tags of a move that was refused, except what another process has written."""
    found = _tags(shelf, marks)
    for version, tags in marks.items():
        if version == to and shelf.aliases.get(CHAMPION) == to:
            continue  # another process made it champion
        ours = [key for key, value in tags.items() if found[version][key] == value]
        _write(shelf, {version: {key: former[version][key] for key in ours}})


def _tags(shelf: Shelf, marks: Marks) -> dict[str, dict[str, str | None]]:
    """What the tags that are to be written are now."""
    found = {version: shelf.version(version).tags for version in marks}
    return {version: {key: found[version].get(key) for key in marks[version]} for version in marks}


def _write(shelf: Shelf, marks: Marks) -> None:
    for version, tags in marks.items():
        shelf.tag(version, {key: value for key, value in tags.items() if value is not None})
        for key in (key for key, value in tags.items() if value is None):
            shelf.untag(version, key)


def _since(shelf: Shelf) -> dict[str, str]:
    """When each version that was ever champion became so."""
    tags = {str(version.version): version.tags for version in shelf.versions()}
    return {
        number: found["brpnas.champion.since"]
        for number, found in tags.items()
        if "brpnas.champion.since" in found
    }
