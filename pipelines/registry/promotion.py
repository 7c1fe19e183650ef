"""Promotion: challenger and champion are compared on the same test rows, and the winner is used.

Every decision is recorded: tags and a description of the version, a page and its figures among the
artifacts of its run. The alias moves last, so every champion has a record, and only if the champion
is still the compared one.
"""

from __future__ import annotations

import logging
from typing import cast

from brpnas.datasets import MEASURED
from brpnas.errors import RegistryError, SchemaError
from brpnas.promotion import Decision, Gates, Kind, decide
from pipelines.config import PromoteConfig
from pipelines.registry.loaded import LoadedVersion, evaluate, read
from pipelines.registry.moves import Marks, move_champion
from pipelines.registry.versions import CHALLENGER, CHAMPION, RegisteredModel, now

__all__ = ["promote"]

_DESCRIPTION = 5000
_TRIES = 20
_log = logging.getLogger(__name__)


def promote(name: str, config: PromoteConfig) -> Decision:
    """Make the challenger of a model its champion, if it wins.

    Running it again changes nothing: if the challenger is already the champion, nothing is written.
    If the champion changes during the comparison, by another promotion or a rollback, the
    challenger is compared with the new one.

    Args:
        name: Registered model.
        config: Gates and the settings of the comparison.

    Raises:
        UnknownNameError: If the model is unknown.
        RegistryError: If it has no challenger, the files of a version are lost, or the champion
            changes repeatedly.
        SchemaError: If challenger and champion have different targets.
    """
    registered = RegisteredModel(name)
    if CHALLENGER not in registered.aliases:
        raise RegistryError(
            f"{name} has no version with the alias {CHALLENGER!r}: register a predictor first, by "
            f"the stage promote, or give the alias to a version in MLflow."
        )
    challenger = read(registered, registered.aliases[CHALLENGER])
    for _ in range(_TRIES):
        decision = _judge(registered, challenger, config)
        if decision is None:
            return _already(challenger)
        if _settled(registered, challenger, decision):
            return decision
        _log.info("The champion of %s changed during the comparison: comparing again", name)
        registered = RegisteredModel(name)
    raise RegistryError(
        f"The champion of {name} changed {_TRIES} times while version "
        f"{challenger.version.version} was compared with it. Run this again when the other "
        "promotions have ended."
    )


def _judge(
    registered: RegisteredModel, challenger: LoadedVersion, config: PromoteConfig
) -> Decision | None:
    """Decide and record the decision; None if the challenger is already the champion."""
    number, current = str(challenger.version.version), registered.aliases.get(CHAMPION)
    if number == current:
        return None
    champion = None if current is None else read(registered, current)
    decision = _decide(registered, challenger, champion, config)
    _record(registered, number, decision)
    return decision


def _settled(registered: RegisteredModel, challenger: LoadedVersion, decision: Decision) -> bool:
    """Move the alias if the challenger won; False if the champion has changed."""
    number, current = str(challenger.version.version), registered.aliases.get(CHAMPION)
    if not decision.promote:
        return RegisteredModel(registered.name).aliases.get(CHAMPION) == current

    def prepare(fresh: RegisteredModel) -> Marks | None:
        if _rolled_back(fresh, challenger):
            return None
        return {number: {"brpnas.champion.since": now(), "brpnas.champion.previous": current or ""}}

    return move_champion(registered.name, number, current, prepare)


def _decide(
    registered: RegisteredModel,
    challenger: LoadedVersion,
    champion: LoadedVersion | None,
    config: PromoteConfig,
) -> Decision:
    kind = _kind(challenger)
    if champion is not None and _target(champion) != _target(challenger):
        raise SchemaError(
            f"{challenger.label()} of {registered.name} predicts {_target(challenger)}, the "
            f"champion ({champion.label()}) {_target(champion)}: register it under another name."
        )
    gates = Gates(**getattr(config, kind).model_dump())
    sides = [
        None if side is None else evaluate(side, challenger.test, config.coverage)
        for side in (challenger, champion)
    ]
    assert sides[0] is not None
    return decide(
        sides[0],
        sides[1],
        kind,
        gates,
        objections=_rolled_back(registered, challenger),
        resamples=config.resamples,
        confidence=config.confidence,
        seed=config.seed,
    )


def _kind(loaded: LoadedVersion) -> Kind:
    value = loaded.predictor.value
    return cast("Kind", MEASURED[value].kind if value in MEASURED else "accuracy")


def _target(loaded: LoadedVersion) -> str:
    return f"{loaded.predictor.value} on {loaded.predictor.space.name}"


def _rolled_back(registered: RegisteredModel, challenger: LoadedVersion) -> list[str]:
    """An objection if the same file was champion and was rolled back."""
    own = challenger.version.tags.get("brpnas.onnx.sha256")
    for version in registered.versions():
        tags = version.tags
        same = (
            version.version == challenger.version.version or tags.get("brpnas.onnx.sha256") == own
        )
        if same and "brpnas.champion.rolled_back" in tags:
            return [
                f"The same predictor, version {version.version}, was champion and was rolled back "
                f"on {tags['brpnas.champion.rolled_back']}: it does not come back by winning again."
            ]
    return []


def _already(challenger: LoadedVersion) -> Decision:
    label = challenger.label()
    reason = f"{label.capitalize()} is the champion already; nothing was compared or written."
    return Decision("kept", (reason,), label, label, _kind(challenger))


def _record(registered: RegisteredModel, number: str, decision: Decision) -> None:
    at = now()
    page = decision.record(registered.name)
    path = f"promotion/{registered.name}-v{number}-{at.replace(':', '')}"
    registered.write(number, {f"{path}.md": page, f"{path}.json": decision.to_json()})
    found = decision.figures.get("challenger", {})
    metrics = {f"brpnas.metric.{metric}": f"{value:.6g}" for metric, value in found.items()}
    made = {"brpnas.decision.at": at, "brpnas.decision.record": path}
    registered.tag(number, metrics | decision.tags() | made)
    registered.client.update_model_version(registered.name, number, description=page[:_DESCRIPTION])
