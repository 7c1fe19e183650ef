"""The predictor in use, with the rows of its registration."""

from __future__ import annotations

from brpnas.errors import UnknownNameError
from pipelines.registry.loaded import LoadedVersion, read
from pipelines.registry.versions import CHAMPION, RegisteredModel

__all__ = ["champion_of"]


def champion_of(name: str) -> LoadedVersion | None:
    """The champion of a registered model; None without such a model or a champion.

    Raises:
        RegistryError: If its files are lost.
    """
    try:
        registered = RegisteredModel(name)
    except UnknownNameError:
        return None
    number = registered.aliases.get(CHAMPION)
    return None if number is None else read(registered, number)
