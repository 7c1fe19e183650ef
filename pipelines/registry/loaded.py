"""A version loaded from the registry, and its evaluation on test rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from brpnas.errors import RegistryError
from brpnas.promotion import EvaluatedModel
from brpnas.serving import OnnxPredictor
from pipelines.registry.bundle import ARTIFACTS
from pipelines.registry.versions import RegisteredModel, without_progress_bars

__all__ = ["SERVED_TOLERANCE", "LoadedVersion", "evaluate", "read"]

SERVED_TOLERANCE = 1e-3
"""Largest relative error between the predictions of a version now and at its registration."""


@dataclass(frozen=True, eq=False)
class LoadedVersion:
    """A loaded version: its predictor, and the rows of its registration.

    Args:
        version: The version.
        predictor: Its ONNX file, opened.
        test: Its test rows.
        rows: All rows of its device; None if registered without.
    """

    version: ModelVersion
    predictor: OnnxPredictor
    test: pd.DataFrame
    rows: pd.DataFrame | None = None

    def label(self) -> str:
        """Its name in records."""
        return f"version {self.version.version}"


def read(registered: RegisteredModel, number: str) -> LoadedVersion:
    """Fetch a version from the store of artifacts.

    Raises:
        RegistryError: If its files are missing.
    """
    version = registered.version(number)
    uri = f"models:/{registered.name}/{number}"
    with TemporaryDirectory() as folder:
        without_progress_bars()
        try:
            root = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
            onnx = (root / "artifacts" / ARTIFACTS["predictor"]).read_bytes()
            test = pd.read_parquet(root / "artifacts" / ARTIFACTS["test"])
            kept = root / "artifacts" / ARTIFACTS["rows"]
            rows = pd.read_parquet(kept) if kept.exists() else None
        except (OSError, MlflowException) as error:
            raise RegistryError(
                f"The files of {registered.name}, version {number}, cannot be read ({error}). "
                "Register the predictor again, or restore the store of artifacts."
            ) from error
    # A champion without finite predictions must load, to be replaced by a challenger.
    return LoadedVersion(version, OnnxPredictor(onnx, check_answers=False), test, rows)


def evaluate(loaded: LoadedVersion, rows: pd.DataFrame, coverage: float) -> EvaluatedModel:
    """Evaluate a version on test rows, with its served answers.

    Args:
        loaded: The version.
        rows: ``arch_id, true``.
        coverage: Nominal coverage of its intervals, unless its file states one.
    """
    predictor, tags = loaded.predictor, loaded.version.tags
    answered = rows[["arch_id", "true"]].reset_index(drop=True)
    answers = _answers(predictor, answered)
    answered["predicted"] = answers[predictor.value]
    if predictor.has_intervals:
        lower, upper = (answers[name] for name in predictor.bounds)
        answered = answered.assign(lower=lower, upper=upper)
    recorded = _number(tags.get("brpnas.parity"))
    served = _served_error(loaded)
    return EvaluatedModel(
        loaded.label(),
        answered,
        parity=served if served > SERVED_TOLERANCE else recorded,
        tolerance=_number(tags.get("brpnas.tolerance")) or 0.0,
        judged=frozenset(loaded.test["arch_id"]),
        coverage=float(predictor.metadata.get("coverage", coverage))
        if predictor.has_intervals
        else None,
    )


def _answers(predictor: OnnxPredictor, rows: pd.DataFrame) -> pd.DataFrame:
    if not len(rows):
        return pd.DataFrame(columns=list(predictor.outputs), dtype=np.float64)
    return predictor.predict(rows["arch_id"].tolist())


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _served_error(loaded: LoadedVersion) -> float:
    """Largest relative error between the predictions now and those of torch at registration."""
    predictor, test = loaded.predictor, loaded.test
    answers = _answers(predictor, test)[predictor.value].to_numpy()
    recorded = test["predicted"].to_numpy(np.float64)
    if not np.array_equal(np.isfinite(answers), np.isfinite(recorded)):
        return math.inf
    with np.errstate(invalid="ignore"):
        errors = np.abs(answers - recorded) / np.maximum(1.0, np.abs(recorded))
    return float(np.nanmax(errors, initial=0.0))
