"""A registered model answers strings: in Python, and over HTTP by ``mlflow models serve``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server

from brpnas.predictors import MetricPredictor
from pipelines.registry import register
from tests.export.costs import cost_model, cost_of
from tests.pipelines.registry.conftest import using
from tests.pipelines.registry.processes import free_port, running
from tests.pipelines.registry.toys import ARCHS, NAME, challenger, onnx

pytestmark = pytest.mark.usefixtures("store")
URI = f"models:/{NAME}@challenger"
WRONG = "|nor_conv_9x9~0|"
LATENCIES = cost_of(ARCHS[:2])


def loaded(**changed: Any) -> PyFuncModel:
    register(challenger(**changed))
    return mlflow.pyfunc.load_model(URI)


@pytest.fixture(scope="module")
def model(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyFuncModel]:
    with using(empty_database, tmp_path_factory.mktemp("served")):
        yield loaded(error=0.0)


def post(model: PyFuncModel, body: Any) -> tuple[int, Any]:
    """Status and answer, as MLflow's own server makes them of a body."""
    schema = model.metadata.get_input_schema()
    try:
        done = scoring_server.invocations(json.dumps(body), "application/json", model, schema)
    except MlflowException as error:
        return error.get_http_status_code(), error.message
    return done.status, json.loads(done.response)


class TestInPython:
    @pytest.mark.parametrize(
        "question",
        [
            ARCHS[:2],
            np.array(ARCHS[:2]),
            pd.DataFrame({"arch_id": ARCHS[:2]}),
            pd.Series(ARCHS[:2], name="arch_id"),
        ],
        ids=["list", "array", "table", "series"],
    )
    def test_answers(self, model: PyFuncModel, question: Any) -> None:
        answer = model.predict(question)
        assert list(answer.columns) == ["arch_id", "latency_ms"]
        assert answer["arch_id"].tolist() == ARCHS[:2]
        np.testing.assert_allclose(answer["latency_ms"], LATENCIES, rtol=1e-5)

    def test_every_wrong_entry_is_named(self, model: PyFuncModel) -> None:
        with pytest.raises(MlflowException) as caught:
            model.predict([ARCHS[0], WRONG, "", ARCHS[1]])
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
        assert "2 of 4 entries" in caught.value.message
        assert "[1]" in caught.value.message
        assert "[2]" in caught.value.message

    def test_scores_and_both_views(self) -> None:
        answer = loaded(onnx=onnx(0.0, value="score", view="both")).predict(ARCHS[:2])
        both = LATENCIES + cost_of(ARCHS[:2], "pruned")
        np.testing.assert_allclose(answer["score"], both, rtol=1e-5)

    def test_a_model_without_numbers_says_so(self) -> None:
        broken = loaded(onnx=cost_model([np.nan] * 9))
        with pytest.raises(MlflowException, match=r"\b2 entries") as caught:
            broken.predict(ARCHS[:2])
        assert caught.value.error_code == "INTERNAL_ERROR"

    def test_two_models_live_side_by_side(self, model: PyFuncModel) -> None:
        other = loaded(error=0.0, onnx=onnx(0.0, margin=0.1))
        assert "lower_ms" in other.predict(ARCHS[:2])
        assert "lower_ms" not in model.predict(ARCHS[:2])

    def test_needs_neither_torch_nor_an_installed_brpnas(self, store: str, tmp_path: Path) -> None:
        register(challenger())
        code = (
            "import sys; sys.modules['brpnas'] = None\n"
            f"import mlflow; mlflow.set_tracking_uri({store!r})\n"
            f"answer = mlflow.pyfunc.load_model({URI!r}).predict([{ARCHS[0]!r}])\n"
            "print(len(answer), sorted({'torch', 'kedro', 'onnx'} & set(sys.modules)))"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[-1:] == ["1 []"], done.stderr

    def test_leaves_the_installed_brpnas_alone(self, model: PyFuncModel) -> None:
        model.predict(ARCHS[:1])
        assert Path(sys.modules["brpnas"].__file__ or "").parts[-2:] == ("brpnas", "__init__.py")
        assert MetricPredictor.__module__ == "brpnas.predictors.metric"


class TestRequests:
    """Answer of MLflow's server to a body, without its process."""

    @pytest.mark.parametrize(
        "body",
        [
            {"inputs": ARCHS[:2]},
            {"instances": ARCHS[:2]},
            {"dataframe_split": {"columns": ["arch_id"], "data": [[a] for a in ARCHS[:2]]}},
            {"dataframe_records": [{"arch_id": a} for a in ARCHS[:2]]},
        ],
        ids=lambda body: next(iter(body)),
    )
    def test_answer_is_a_record_per_string(self, model: PyFuncModel, body: Any) -> None:
        status, answer = post(model, body)
        assert status == 200
        first, second = answer["predictions"]
        assert (first["arch_id"], second["arch_id"]) == tuple(ARCHS[:2])
        assert first["latency_ms"] == pytest.approx(LATENCIES[0], rel=1e-5)

    @pytest.mark.parametrize(
        ("entries", "why"),
        [
            ([ARCHS[0], WRONG], "[1]"),
            ([WRONG], "1 of 1 "),
            ([3], "[0]"),
            ([None, ARCHS[0]], "[0]"),
            ([{"a": 1}], "dict"),
            ([], "architecture"),
            ([ARCHS[0]] * 20_001, "split"),
        ],
        ids=["one", "all", "number", "null", "object", "empty", "too many"],
    )
    def test_nonsense_is_a_bad_request(self, model: PyFuncModel, entries: Any, why: str) -> None:
        status, message = post(model, {"inputs": entries})
        assert status == 400
        assert why in message
        assert post(model, {"inputs": ARCHS[:1]})[0] == 200

    @pytest.mark.parametrize(
        "entry",
        ["x" * 3_000_000, "|" * 9_000, {"a" * 3_000_000: 1}],
        ids=["longer", "long", "name"],
    )
    def test_what_was_sent_is_not_sent_back_at_length(self, model: PyFuncModel, entry: Any) -> None:
        status, message = post(model, {"inputs": [entry]})
        assert status == 400
        assert len(message) < 2_000

    @pytest.mark.parametrize(
        "beside", [{"twin": ARCHS[1]}, {"arch": ARCHS[1], "accuracy": 0.9}], ids=["one", "two"]
    )
    def test_the_column_of_that_name_is_answered(self, model: PyFuncModel, beside: Any) -> None:
        for row in ({**beside, "arch_id": ARCHS[0]}, {"arch_id": ARCHS[0], **beside}):
            status, answer = post(model, {"dataframe_records": [row]})
            assert status == 200
            assert [found["arch_id"] for found in answer["predictions"]] == [ARCHS[0]]

    @pytest.mark.parametrize(
        "row", [{"twin": ARCHS[1]}, {"a": ARCHS[0], "b": ARCHS[1]}], ids=["one", "two"]
    )
    def test_columns_of_other_names_are_refused(self, model: PyFuncModel, row: Any) -> None:
        status, message = post(model, {"dataframe_records": [row]})
        assert status == 400
        assert all(repr(name) in message for name in row)
        assert "arch_id" in message

    def test_no_numbers_is_an_error_of_the_server(self) -> None:
        assert post(loaded(onnx=cost_model([np.nan] * 9)), {"inputs": ARCHS[:1]})[0] == 500


def ask(port: int, body: bytes) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextmanager
def served(uri: str, store: str, folder: Path) -> Iterator[int]:
    """Port of ``mlflow models serve`` for the block."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri]
    command += ["--env-manager", "local", "--port", str(port), "--host", "127.0.0.1"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store}
    with running(command, f"http://127.0.0.1:{port}/ping", folder, environment):
        yield port


@pytest.mark.slow
def test_over_http(store: str, tmp_path: Path) -> None:
    register(challenger(error=0.0))
    with served(URI, store, tmp_path) as port:
        good = json.dumps({"inputs": ARCHS[:2]}).encode()
        status, answer = ask(port, good)
        assert (status, len(answer["predictions"])) == (200, 2)
        assert answer["predictions"][0]["latency_ms"] == pytest.approx(LATENCIES[0], rel=1e-5)
        for body in ({"inputs": [WRONG]}, {"inputs": []}, {"inputs": [1]}, {"nonsense": 1}):
            status, message = ask(port, json.dumps(body).encode())
            assert status == 400, message
        assert "nor_conv_9x9" in ask(port, json.dumps({"inputs": [WRONG]}).encode())[1]
        assert ask(port, b"{not json")[0] == 400
        assert ask(port, good) == (200, answer), "the server lives on"
