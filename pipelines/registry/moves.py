"""Moving the alias ``champion``: only if the champion is still the one that was decided about."""

from __future__ import annotations

from collections.abc import Callable

from mlflow.tracking import MlflowClient

from pipelines.registry.lock import LEASE_S, locked
from pipelines.registry.versions import CHAMPION, Shelf

__all__ = ["move_champion"]


def move_champion(
    name: str,
    to: str,
    expected: str | None,
    prepare: Callable[[Shelf], bool],
    *,
    lease_s: float = LEASE_S,
) -> bool:
    """Make a version champion in the place of the one that it was compared with.

    Compare and swap: while the lock of the model is held, the champion is looked up again, and
    nothing is written if it is another. Should this process sleep so long that another one takes
    the lock and moves the alias, a version made champion by that one gets the alias back.

    Args:
        name: Registered model.
        to: Version that becomes champion.
        expected: Version that must be champion now; None if there must be none.
        prepare: Writes what is to be known of the move before the alias moves. It gets the model as
            it is now, and may refuse the move by returning False.
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
        if not prepare(shelf) or not lock.held():
            return False
        client.set_registered_model_alias(name, CHAMPION, to)
        if lock.held():
            return True
    return _yield_to_rivals(name, to, before, lease_s)


def _yield_to_rivals(name: str, to: str, before: dict[str, str], lease_s: float) -> bool:
    """Give the alias back to a version that became champion since ``before``; False if so."""
    client = MlflowClient()
    with locked(client, name, lease_s):
        shelf = Shelf(name)
        champions = {
            number: since
            for number, since in _since(shelf).items()
            if number != to and before.get(number) != since
        }
        if champions and shelf.aliases.get(CHAMPION) == to:
            rival = max(champions, key=lambda number: (champions[number], int(number)))
            client.set_registered_model_alias(name, CHAMPION, rival)
        return not champions and shelf.aliases.get(CHAMPION) == to


def _since(shelf: Shelf) -> dict[str, str]:
    """When each version that was ever champion became so."""
    tags = {str(version.version): version.tags for version in shelf.versions()}
    return {
        number: found["brpnas.champion.since"]
        for number, found in tags.items()
        if "brpnas.champion.since" in found
    }
