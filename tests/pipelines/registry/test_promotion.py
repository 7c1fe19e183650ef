"""Promotion in a real store: decisions that move the alias, and others that must not."""

from __future__ import annotations

import json
import re
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from brpnas.errors import RegistryError, SchemaError, UnknownNameError
from pipelines.registry import promote, register, rollback
from tests.export.costs import cost_model
from tests.pipelines.registry.toys import NAME, challenger, config, onnx

pytestmark = pytest.mark.usefixtures("store")
NAN = cost_model([np.nan] * 9)


def champion() -> str | None:
    found = MlflowClient().get_registered_model(NAME).aliases.get("champion")
    return None if found is None else str(found)


def tags(version: str) -> dict[str, str]:
    return dict(MlflowClient().get_model_version(NAME, version).tags)


class TestPromotes:
    def test_the_first(self) -> None:
        register(challenger(0.1))
        assert promote(NAME, config()).verdict == "promoted"
        assert champion() == "1"
        assert tags("1")["brpnas.champion.previous"] == ""

    @pytest.mark.usefixtures("one")
    def test_a_better_one(self) -> None:
        register(challenger(0.02))
        assert promote(NAME, config()).promote
        assert champion() == "2"
        assert tags("2")["brpnas.champion.previous"] == "1"

    def test_a_better_ranking_by_scores(self) -> None:
        scores = {error: onnx(error, value="score") for error in (0.9, 0.02)}
        register(challenger(onnx=scores[0.9]))
        promote(NAME, config())
        register(challenger(onnx=scores[0.02]))
        decision = promote(NAME, config())
        assert decision.kind == "accuracy"
        assert decision.promote

    def test_one_that_was_judged_on_more_rows(self) -> None:
        register(challenger(0.1, count=60))
        promote(NAME, config())
        assert champion() == "1"
        register(challenger(0.02, count=100))
        assert promote(NAME, config()).promote


class TestKeeps:
    @pytest.mark.usefixtures("one")
    @pytest.mark.parametrize("error", [0.1, 0.12])
    def test_the_champion_on_a_tie_or_a_loss(self, error: float) -> None:
        register(challenger(error))
        assert promote(NAME, config()).verdict == "kept"
        assert champion() == "1"

    @pytest.mark.usefixtures("one")
    def test_a_champion_that_is_the_challenger_and_writes_nothing(self) -> None:
        before = tags("1")
        decision = promote(NAME, config())
        assert not decision.promote
        assert "already" in decision.reasons[0]
        assert tags("1") == before
        assert before["brpnas.decision"] == "promoted"


class TestRefuses:
    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"onnx": NAN}, "NaN"),
            ({"parity": None}, "unknown"),
            ({"parity": 1e-3}, "torch"),
            ({"count": 119}, r"\b119\b"),
            ({"error": 0.95}, "gate"),
        ],
    )
    @pytest.mark.parametrize("with_champion", [True, False])
    def test_what_is_unfit(
        self,
        wrong: dict[str, Any],
        why: str,
        with_champion: bool,
        request: pytest.FixtureRequest,
    ) -> None:
        if with_champion:
            request.getfixturevalue("one")
        elif "count" in wrong:
            wrong, why = {"count": 20}, r"\b20 test rows\b.*\b30\b"
        register(challenger(**{"error": 0.01} | wrong))
        decision = promote(NAME, config())
        assert decision.verdict == "refused"
        assert any(re.search(why, reason) for reason in decision.reasons), decision.reasons
        assert champion() == ("1" if with_champion else None)

    def test_what_answers_otherwise_than_it_was_registered(self) -> None:
        test = challenger(0.01).test
        test["predicted"] *= 1.01  # as if torch had said so
        register(challenger(0.01, test=test))
        decision = promote(NAME, config())
        assert decision.verdict == "refused"
        assert "torch" in decision.reasons[0]

    def test_intervals_that_are_too_narrow(self) -> None:
        register(challenger(onnx=onnx(0.1, margin=0.001)))
        assert "calibration error" in promote(NAME, config()).reasons[0]
        register(challenger(onnx=onnx(0.1, margin=0.001)))
        assert promote(NAME, config(max_calibration_error=None)).promote

    @pytest.mark.usefixtures("one")
    def test_what_was_rolled_back_even_as_a_new_version(self) -> None:
        register(challenger(0.02))
        promote(NAME, config())
        rollback(NAME)
        assert promote(NAME, config()).verdict == "refused"
        register(challenger(0.02))
        decision = promote(NAME, config())
        assert "rolled back" in decision.reasons[0]
        assert champion() == "1"
        register(challenger(0.01))
        assert promote(NAME, config()).promote


class TestRecords:
    @pytest.mark.usefixtures("one")
    @pytest.mark.parametrize(("error", "verdict"), [(0.02, "promoted"), (0.12, "kept")])
    def test_every_decision_is_written(self, error: float, verdict: str) -> None:
        register(challenger(error))
        decision = promote(NAME, config())
        written = tags("2")
        assert written["brpnas.decision"] == verdict
        assert written["brpnas.decision.against"] == "version 1"
        assert json.loads(written["brpnas.decision.interval"])[0] == pytest.approx(
            decision.figures["interval"][0], rel=1e-4
        )
        assert 0.5 < float(written["brpnas.metric.within_10"]) <= 1
        version = MlflowClient().get_model_version(NAME, "2")
        path = f"runs:/{version.run_id}/{written['brpnas.decision.record']}"
        assert mlflow.artifacts.load_text(f"{path}.md") == decision.record(NAME)
        assert json.loads(mlflow.artifacts.load_text(f"{path}.json"))["verdict"] == verdict
        assert version.description == decision.record(NAME)

    def test_refusals_too(self) -> None:
        register(challenger(parity=None))
        promote(NAME, config())
        assert tags("1")["brpnas.decision"] == "refused"
        assert "unknown" in tags("1")["brpnas.decision.reasons"]


class TestErrors:
    def test_unknown_model_suggests_one(self) -> None:
        register(challenger())
        with pytest.raises(UnknownNameError, match=r"'latency-bord'.* 'latency-board'\?"):
            promote("latency-bord", config())

    def test_no_challenger(self) -> None:
        register(challenger())
        MlflowClient().delete_registered_model_alias(NAME, "challenger")
        with pytest.raises(RegistryError, match="'challenger'"):
            promote(NAME, config())

    @pytest.mark.usefixtures("one")
    def test_models_of_different_things_do_not_meet(self) -> None:
        register(challenger(onnx=onnx(0.1, value="score")))
        with pytest.raises(
            SchemaError, match=r"\bscore on nasbench201\b.*\blatency_ms on nasbench201\b"
        ):
            promote(NAME, config())
        assert champion() == "1"
