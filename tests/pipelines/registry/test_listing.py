from __future__ import annotations

import pytest
from mlflow.tracking import MlflowClient

from pipelines.registry import list_models, promote, register
from tests.pipelines.registry.toys import NAME, challenger, config

pytestmark = pytest.mark.usefixtures("store")


def test_nothing() -> None:
    assert list_models().empty


def test_one_row_per_model_of_this_project() -> None:
    MlflowClient().create_registered_model("somebody-elses")
    register(challenger(0.05))
    promote(NAME, config())
    register(challenger(0.2, metrics={"spearman": 0.5}))
    register(challenger(name="latency-another", metrics={"spearman": 0.75}))
    another, board = list_models().to_dict("records")
    assert another == {
        "model": "latency-another",
        "versions": 1,
        "champion": "",
        "challenger": "1",
        "decision": "",
        "spearman": "0.75",
        "within_10": "",
    }
    assert (board["model"], board["versions"], board["champion"]) == (NAME, 2, "1")
    assert (board["challenger"], board["decision"]) == ("2", "")
    assert float(board["spearman"]) > 0.9, "the champion's, not the challenger's"
