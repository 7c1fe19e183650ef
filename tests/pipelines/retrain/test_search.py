"""From ten measured rows of a board to a search under its limit, as its owner types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.conformal import error_quantile, log_errors
from brpnas.predictors import load_predictor
from brpnas.predictors.transfer import DevicePredictor
from brpnas.serving import OnnxPredictor
from tests.pipelines.conftest import Run
from tests.pipelines.retrain.toys import table

QUICK = ",".join(
    [
        *(
            "adaptation.steps=15",
            "adaptation.workers=1",
            "search.budget.queries=6",
            "search.budget.rounds=2",
        ),
        *("search.report.comparison_seeds=0", "search.sampler.ranker.epochs=3", "search.workers=1"),
    ]
)
LIMIT = 6.0


@pytest.mark.slow
def test_from_ten_rows_to_a_network_within_the_limit(kedro: Run, project: Path) -> None:
    devices = project / "data" / "01_raw" / "devices"
    devices.mkdir(parents=True)
    table(10).to_csv(devices / "855.csv", index=False)
    limit = f"constraints=[latency_ms <= {LIMIT}]"
    done = kedro("run", f"--params=device=855,{limit},{QUICK}")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert re.search(r"\b855 \(adapted", said)
    assert re.search(r" 10 rows, .*: Spearman", said)

    data = project / "data"
    predictions = pd.read_parquet(data / "07_model_output/predictions.parquet")
    result = json.loads((data / "07_model_output/search_result.json").read_text())
    assert result["confidence"] == 0.95
    rows = predictions.set_index("arch_id")
    error = error_quantile(log_errors(predictions), 0.95)
    upper = rows["predicted"] * np.exp(error * rows["log_deviation"])
    measured = predictions[predictions["split"] == "train"]["arch_id"].tolist()
    winner = result["chosen"]["arch_id"]
    assert winner in measured or upper[winner] <= LIMIT

    saved = load_predictor(data / "06_models/predictors/latency_ms@855.safetensors")
    assert isinstance(saved, DevicePredictor)
    exported = OnnxPredictor(data / "06_models/onnx/predictors/latency_ms@855.onnx")
    cells = predictions["arch_id"].tolist()[::500]
    answers = exported.predict(cells)["latency_ms"]
    np.testing.assert_allclose(answers, rows["predicted"][cells], rtol=1e-4)
    assert "Adapted to " in (data / "06_models/onnx/README.md").read_text()
    report = (data / "08_reporting/report.html").read_text()
    assert re.search(r"\b10 rows left", report)
