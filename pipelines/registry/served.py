"""The model code run by MLflow to serve predictions.

MLflow copies this file beside the predictor and runs it when the model is loaded. It must not
import this project: the required parts travel with the model, under a separate name
(`pipelines.registry.bundle`), so a model keeps its encoder anywhere.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel, PythonModelContext

_SHOWN = 10


class _BadRequest(MlflowException):
    """HTTP 400 with a fixed message: MLflow's server would prepend the whole request."""

    def __init__(self, message: str) -> None:
        self._message = message
        super().__init__(message, INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """The error in the request."""
        return self._message

    @message.setter
    def message(self, longer: str) -> None:
        """Keep the original message."""


class ArchitectureModel(PythonModel):
    """Predicts architecture strings by an ONNX file."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the ONNX file."""
        package = context.model_config["package"]
        self._refusal: type[Exception] = import_module(f"{package}.errors").ArchitectureError
        predictor = import_module(f"{package}.serving").OnnxPredictor
        # The file of a space is part of the model's own code, so it may be run.
        self._predictor = predictor(
            Path(context.artifacts["predictor"]),
            context.artifacts.get("space"),
            check_answers=False,
        )

    def predict(
        self,
        context: PythonModelContext,
        model_input,  # without a type: MLflow would turn it into a schema
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Predict strings.

        Args:
            context: Unused.
            model_input: Strings in a list, array or series; or a table with the column ``arch_id``;
                other columns are ignored.
            params: Unused.

        Returns:
            One row for each string: ``arch_id`` and the outputs of the file.

        Raises:
            MlflowException: A bad request, HTTP 400, if the column or strings are missing or
                invalid. An internal error if predictions are not finite.
        """
        entries = _entries(model_input)
        try:
            answer: pd.DataFrame = self._predictor.predict(entries)
        except self._refusal as error:
            raise _BadRequest(str(error)) from None
        numbers = np.isfinite(answer.drop(columns="arch_id").to_numpy()).all(axis=1)
        if not numbers.all():
            bad = np.flatnonzero(~numbers)
            raise MlflowException(
                f"The model gives no finite number for {len(bad)} entries, first for [{bad[0]}]: "
                "roll it back.",
                INTERNAL_ERROR,
            )
        return answer


def _entries(question: Any) -> list[object]:
    """The architectures of a request, in any form passed on by MLflow."""
    if isinstance(question, dict):
        question = pd.DataFrame({name: np.atleast_1d(column) for name, column in question.items()})
    if not isinstance(question, pd.DataFrame):
        return list(np.atleast_1d(question))
    names = list(question.columns)
    if names.count("arch_id") == 1:
        return list(question["arch_id"])
    shown = ", ".join(repr(name)[:40] for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise _BadRequest(
        f"The table has the columns {shown or 'none'}{more}: one of them must be named arch_id and "
        "hold the architectures. Other columns are ignored."
    )


mlflow.models.set_model(ArchitectureModel())
