"""Rollback: the previous champion returns."""

from __future__ import annotations

from dataclasses import dataclass

from brpnas.errors import RegistryError
from pipelines.registry.moves import Marks, move_champion
from pipelines.registry.versions import CHAMPION, RegisteredModel, now

__all__ = ["Rollback", "rollback"]


@dataclass(frozen=True)
class Rollback:
    """The result of a rollback.

    Args:
        model: Registered model.
        left: Version that was champion.
        champion: Version that is champion now.
        at: Time, UTC.
    """

    model: str
    left: str
    champion: str
    at: str

    def record(self) -> str:
        """The rollback as a Markdown page."""
        return (
            f"# {self.model}: rolled back to version {self.champion}\n\n"
            f"At {self.at} the alias `champion` went back from version {self.left} to version "
            f"{self.champion}. `brpnas promote` will not promote version {self.left} again, nor "
            f"another version of the same file; `brpnas rollback {self.model} --to {self.left}` "
            "takes this back.\n"
        )


def rollback(name: str, to: str | None = None) -> Rollback:
    """Make the previous champion, or another former one, champion again.

    Args:
        name: Registered model.
        to: Version to return to; None for the one before the champion.

    Raises:
        UnknownNameError: If the model is unknown.
        RegistryError: Without a champion, or one before it; if the version is missing, is
            already champion, or never was; if another promotion or rollback moves the champion at
            the same time.
    """
    registered = RegisteredModel(name)
    left = registered.aliases.get(CHAMPION)
    if left is None:
        raise RegistryError(f"{name} has no champion, so there is nothing to roll back.")
    target = str(registered.version(_target(registered, left) if to is None else to).version)
    if target == left:
        raise RegistryError(f"Version {target} of {name} is the champion already.")
    if target not in (once := _champions(registered)):
        known = ", ".join(sorted(once - {left}, key=int)) or "none"
        raise RegistryError(
            f"Version {target} of {name} was never champion; former champions: {known}. "
            "`brpnas promote` decides about new versions."
        )
    done = Rollback(name, left, target, now())
    if not move_champion(name, target, left, lambda _: _marks(done)):
        champion = RegisteredModel(name).aliases.get(CHAMPION, "none")
        raise RegistryError(
            f"The champion of {name} was version {left} and is version {champion} now, by another "
            "promotion or rollback. Nothing was rolled back: check `brpnas models`, and run this "
            "again if needed."
        )
    path = f"promotion/{name}-v{left}-{done.at.replace(':', '')}-rollback.md"
    registered.write(left, {path: done.record()})
    return done


def _marks(done: Rollback) -> Marks:
    return {
        done.left: {"brpnas.champion.rolled_back": done.at, "brpnas.rollback.to": done.champion},
        done.champion: {"brpnas.champion.since": done.at, "brpnas.champion.rolled_back": None},
    }


def _target(registered: RegisteredModel, champion: str) -> str:
    """The last champion before this one that was not itself rolled back."""
    seen, version = {champion}, champion
    while version := registered.version(version).tags.get("brpnas.champion.previous", ""):
        if version in seen:  # an alias moved by hand may close a circle
            break
        if "brpnas.champion.rolled_back" not in registered.version(version).tags:
            return version
        seen.add(version)
    raise RegistryError(
        f"{registered.name} has no champion before version {champion}, or all of them were rolled "
        "back. Name a version with --to, or remove the alias in MLflow."
    )


def _champions(registered: RegisteredModel) -> set[str]:
    """Versions that are or were champion, also by hand."""
    once: set[str] = {registered.aliases[CHAMPION]}
    for version in registered.versions():
        if "brpnas.champion.since" in version.tags:
            once.add(str(version.version))
        if previous := version.tags.get("brpnas.champion.previous"):
            once.add(previous)
    return once
