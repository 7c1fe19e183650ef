"""Commands ``brpnas front --export``, ``models``, ``promote`` and ``rollback`` of a project.

`[tool.brpnas]` in ``pyproject.toml`` names this module, a `brpnas.cli.project.Registry`. Each
function returns the text to print, `project_settings` the settings that other commands need. The
store and the gates come from the project's configuration, in the requested environment.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from kedro.config import OmegaConfigLoader

from brpnas.cli.project import ProjectSettings
from brpnas.cli.text import fields, table
from brpnas.errors import BrpNasError
from brpnas.promotion import Decision
from brpnas.spaces import get_space
from pipelines.config import Parameters, PromoteConfig, parse
from pipelines.environments import chosen_environment
from pipelines.explain import locate
from pipelines.mlflow_store import explained, open_store
from pipelines.mlflow_store.addresses import without_password
from pipelines.network import network_config
from pipelines.registry.listing import list_models
from pipelines.registry.promotion import promote
from pipelines.registry.rollback import rollback
from pipelines.resolve import resolve
from pipelines.settings import CONFIG_LOADER_ARGS

__all__ = ["export_member_text", "models_text", "project_settings", "promote_text", "rollback_text"]


@dataclass(frozen=True)
class _Configuration:
    """Configuration of a project, in one environment."""

    env: str | None
    loader: OmegaConfigLoader
    parameters: Parameters


@contextlib.contextmanager
def _configured(root: Path, env: str | None) -> Iterator[_Configuration]:
    """Configuration of a project; the block works in its folder.

    It is read as Kedro would, but without a session: that loads every plugin, which takes longer
    than all the rest.

    Raises:
        UnknownNameError: If there is no such environment.
        ConfigurationError: If the parameters are wrong.
    """
    source = root / "conf"
    env = chosen_environment(source, env)
    with contextlib.chdir(root):  # containers store locations of artifacts relative to it
        loader = OmegaConfigLoader(str(source), env=env, **CONFIG_LOADER_ARGS)
        named = [name for name in (env or loader.default_run_env, loader.base_env) if name]
        parameters = parse(
            Parameters, loader["parameters"], lambda key: locate(key, source, named, {})
        )
        get_space(parameters.space)  # models of a space of the user's own need it opened
        yield _Configuration(env, loader, parameters)


@contextlib.contextmanager
def _project(root: Path, env: str | None, *, write: bool = True) -> Iterator[PromoteConfig]:
    """Promotion settings of a project; within the block, MLflow uses its store.

    Raises:
        UnknownNameError: If there is no such environment.
        ConfigurationError: If the parameters are wrong.
        TrackingError: If the store cannot be used or reached, or refuses.
    """
    with _configured(root, env) as found:
        server = open_store(root, found.loader["mlflow"], write=write)["server"]
        mlflow.set_tracking_uri(server["mlflow_tracking_uri"])
        mlflow.set_registry_uri(server["mlflow_registry_uri"])
        try:
            yield found.parameters.promote
        except BrpNasError:
            raise
        except Exception as error:
            refusal = explained(error)
            if refusal is None:
                raise
            raise refusal from error


def project_settings(root: Path, env: str | None = None) -> ProjectSettings:
    """What commands need of the configuration.

    Args:
        root: Folder of the project.
        env: Environment; None for that of ``KEDRO_ENV``, or the default.
    """
    with _configured(root, env) as found:
        network = network_config(resolve(found.loader["parameters"])["network"])
        return ProjectSettings(
            env=found.env,
            workspace=root / found.loader["globals"]["workspace"],
            space=found.parameters.space,
            network_size=network.size,
            test_share=found.parameters.test_share,
        )


def export_member_text(
    root: Path, member: str, output: Path | None = None, env: str | None = None
) -> str:
    """Export a member of the front of the last search, and report figures of its files.

    Args:
        root: Folder of the project.
        member: Its number on the front, or its architecture.
        output: Folder of the files; None for one of the workspace.
        env: Environment; None for that of ``KEDRO_ENV``, or the default.
    """
    from pipelines.member_export import export_member  # noqa: PLC0415 - imports take seconds

    logging.getLogger("kedro").setLevel(logging.WARNING)  # without the progress of its nodes
    with _configured(root, env) as found:
        folder, evaluation = export_member(found.loader, member, output)
        test, file = evaluation.get("test"), evaluation["file"]
        figures = {
            "architecture": str(evaluation["found"]["chosen"]["arch_id"]),
            "accuracy": f"{100 * test['accuracy']:.2f} % of {test['images']} test images"
            if test
            else "not known: the weights are initial ones",
            **_latency(evaluation["latency"]),
            "file": f"{file['name']}, {file['runtime']}, {file['precision']}",
            "folder": str(root / folder),
        }
    return fields(figures)


def _latency(latency: Mapping[str, Any]) -> dict[str, str]:
    """Latencies of an exported file; empty if unknown."""
    kinds = {
        "predicted latency": latency["predicted_latency_ms"],
        "measured latency": latency["latency_ms"],
        f"measured on {latency['measured_on']}": latency["latency_elsewhere_ms"],
    }
    return {name: "" if ms is None else f"{ms:.4g} ms" for name, ms in kinds.items()}


def models_text(root: Path, env: str | None = None) -> str:
    """Table of the registered models.

    Args:
        root: Folder of the project.
        env: Environment; None for that of ``KEDRO_ENV``, or the default.
    """
    with _project(root, env, write=False):
        models = list_models()
        store = without_password(mlflow.get_tracking_uri())
    if models.empty:
        return f"No model is registered in {store}."
    rows = [[str(cell) or "-" for cell in row] for row in models.itertuples(index=False)]
    return table(list(models.columns), rows, right=["versions"])


def promote_text(root: Path, name: str, env: str | None = None, *, as_json: bool = False) -> str:
    """Compare the challenger of a model with its champion, and report the decision.

    Args:
        root: Folder of the project.
        name: Registered model.
        env: Environment; None for that of ``KEDRO_ENV``, or the default.
        as_json: Return the record of the decision as JSON.
    """
    with _project(root, env) as config:
        decision = promote(name, config)
    return decision.to_json().rstrip() if as_json else _summary(name, decision)


def rollback_text(root: Path, name: str, to: str | None = None, env: str | None = None) -> str:
    """Take a promotion back, and report the new champion.

    Args:
        root: Folder of the project.
        name: Registered model.
        to: Version to go back to; None for the one before.
        env: Environment; None for that of ``KEDRO_ENV``, or the default.
    """
    with _project(root, env):
        done = rollback(name, to)
    return f"{name}: champion is version {done.champion} again; version {done.left} was."


def _summary(name: str, decision: Decision) -> str:
    tags, challenger = decision.tags(), decision.figures.get("challenger", {})
    head = fields(
        {
            "model": name,
            "challenger": decision.challenger,
            "champion": decision.champion or "none",
            "decision": decision.verdict,
            "test rows": tags["brpnas.decision.rows"] if challenger else "",
            "difference": f"{tags['brpnas.decision.difference']}, interval "
            f"{tags['brpnas.decision.interval']} of {decision.figures['statistic']}"
            if decision.figures.get("interval")
            else "",
        }
    )
    return "\n".join([head, "", *decision.reasons, *decision.notes])
