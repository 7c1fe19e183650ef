"""The predictor in use: what it was made from, and what it answers."""

from __future__ import annotations

from brpnas.errors import UnknownNameError
from pipelines.registry.contents import Contents, read
from pipelines.registry.versions import CHAMPION, RegisteredModel

__all__ = ["champion_of"]


def champion_of(name: str) -> Contents | None:
    """What the champion of a model holds; None if there is no such model, or it has no champion.

    Args:
        name: Registered model.

    Raises:
        RegistryError: If its files are lost.
    """
    try:
        registered = RegisteredModel(name)
    except UnknownNameError:
        return None
    number = registered.aliases.get(CHAMPION)
    return None if number is None else read(registered, number)
