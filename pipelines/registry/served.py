"""What MLflow runs to answer a question: the model, from code.

MLflow copies this file beside the predictor and runs it when the model is loaded. It must import
nothing of this project: the parts that it needs travel with the model, under a name of their own
(`pipelines.registry.bundle`), so that a model keeps its own encoder wherever it is loaded.
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
    """HTTP 400. Its message stays: MLflow's server would put the whole request in front of it."""

    def __init__(self, message: str) -> None:
        self._message = message
        super().__init__(message, INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """What is wrong with the request."""
        return self._message

    @message.setter
    def message(self, longer: str) -> None:
        """Keep what it was made with."""


class ArchitectureModel(PythonModel):
    """Answers architecture strings by an ONNX file."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the ONNX file."""
        package = context.model_config["package"]
        self._refusal: type[Exception] = import_module(f"{package}.errors").ArchitectureError
        predictor = import_module(f"{package}.serving").OnnxPredictor
        # The file of a space travels with the model, which is code anyway, so it may be run.
        self._predictor = predictor(
            Path(context.artifacts["predictor"]),
            context.artifacts.get("space"),
            check_answers=False,
        )

    def predict(
        self,
        context: PythonModelContext,
        model_input,  # without a type, of which MLflow would make a schema
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Answer strings.

        Args:
            context: Unused.
            model_input: Strings in a list, array or series; or a table with the column
                ``arch_id``, whatever is beside it.
            params: Unused.

        Returns:
            One row for each string: ``arch_id`` and the outputs of the file.

        Raises:
            MlflowException: If no column can be meant, there is no string, or one is no
                architecture: a bad request, HTTP 400. If the file gives no number: an internal
                error.
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
    """The architectures of a question, in whatever form MLflow hands it on."""
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
