"""The content of the registry as a table."""

from __future__ import annotations

import pandas as pd
from mlflow.tracking import MlflowClient

from pipelines.registry.versions import CHALLENGER, CHAMPION, RegisteredModel, all_models

__all__ = ["list_models"]

_METRICS = ("spearman", "within_10")


def list_models() -> pd.DataFrame:
    """Every registered model of this project.

    Returns:
        Columns ``model, versions, champion, challenger, decision`` (the latest on the challenger)
        and metrics of the champion, or of the challenger if there is none; empty text if unknown.
        One row per model, sorted by name.
    """
    rows = []
    for model in all_models(MlflowClient()):
        if "brpnas.kind" not in model.tags:
            continue
        registered = RegisteredModel(model.name)
        versions = {str(version.version): version for version in registered.versions()}
        champion, challenger = (
            registered.aliases.get(alias, "") for alias in (CHAMPION, CHALLENGER)
        )
        shown = versions.get(champion or challenger)
        asked = versions.get(challenger)
        rows.append(
            {
                "model": model.name,
                "versions": len(versions),
                "champion": champion,
                "challenger": challenger,
                "decision": asked.tags.get("brpnas.decision", "") if asked else "",
                **{
                    name: shown.tags.get(f"brpnas.metric.{name}", "") if shown else ""
                    for name in _METRICS
                },
            }
        )
    columns = ["model", "versions", "champion", "challenger", "decision", *_METRICS]
    return pd.DataFrame(rows, columns=columns).sort_values("model", ignore_index=True)
