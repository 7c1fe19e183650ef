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


class ArchitectureModel(PythonModel):
    """Answers architecture strings by an ONNX file."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the ONNX file."""
        package = context.model_config["package"]
        self._refusal: type[Exception] = import_module(f"{package}.errors").ArchitectureError
        predictor = import_module(f"{package}.serving").OnnxPredictor
        self._predictor = predictor(Path(context.artifacts["predictor"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Answer strings.

        Args:
            context: Unused.
            model_input: One column of strings; MLflow makes it of a list, as of a table with the
                column ``arch_id``.
            params: Unused.

        Returns:
            One row for each string: ``arch_id`` and the outputs of the file.

        Raises:
            MlflowException: If there is no string, or one is no architecture: a bad request, HTTP
                400. If the file gives no number: an internal error.
        """
        try:
            answer: pd.DataFrame = self._predictor.predict(list(model_input.iloc[:, 0]))
        except self._refusal as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from None
        numbers = np.isfinite(answer.drop(columns="arch_id").to_numpy()).all(axis=1)
        if not numbers.all():
            bad = np.flatnonzero(~numbers)
            raise MlflowException(
                f"The model gives no finite number for {len(bad)} entries, first for [{bad[0]}]: "
                "roll it back.",
                INTERNAL_ERROR,
            )
        return answer


mlflow.models.set_model(ArchitectureModel())
