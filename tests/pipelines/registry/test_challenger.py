from __future__ import annotations

import pandas as pd
import pytest

from brpnas.datasets import DeviceMetric
from brpnas.errors import ArchitectureError, SchemaError
from pipelines.registry import accuracy_model_name, metric_model_name
from tests.export.costs import cost_model
from tests.pipelines.registry.toys import challenger


def test_names() -> None:
    names = {"latency_ms": "latency", "energy_mj": "energy", "peak_memory_mib": "peak-memory"}
    for metric, name in names.items():
        assert metric_model_name(DeviceMetric(metric, "my-board.2")) == f"{name}-my-board.2"
    assert accuracy_model_name("digits") == "accuracy-digits"
    assert accuracy_model_name("a/b:c.d") == "accuracy-a-b-c.d"


def test_tags_say_what_it_was_judged_on() -> None:
    tags = challenger(metrics={"spearman": 0.91234567}, tags={"git.commit": "abc"}).all_tags()
    assert tags["git.commit"] == "abc"
    assert tags["brpnas.test.rows"] == "120"
    assert tags["brpnas.metric.spearman"] == "0.912346"
    assert (tags["brpnas.parity"], tags["brpnas.tolerance"]) == ("1e-07", "1e-05")
    assert challenger(parity=None).all_tags()["brpnas.parity"] == "unknown"


def test_hash_of_the_rows_is_of_their_truth_alone() -> None:
    one, worse, fewer = challenger(0.05), challenger(0.2), challenger(0.05, count=119)
    shuffled = challenger(test=one.test.sample(frac=1, random_state=0))
    hashes = [c.all_tags()["brpnas.test.sha256"] for c in (one, worse, shuffled, fewer)]
    assert [h == hashes[0] for h in hashes] == [True, True, True, False]


@pytest.mark.parametrize("kind", ["latency", "accuracy", "energy"])
def test_file_must_predict_what_it_is_for(kind: str) -> None:
    other = {"latency": "score", "accuracy": "latency_ms", "energy": "latency_ms"}[kind]
    with pytest.raises(SchemaError, match=f"predict {kind}.*{other}"):
        challenger(onnx=cost_model(value=other), kind=kind)


def test_it_may_come_without_test_rows() -> None:
    assert challenger(test=challenger().test.head(0)).all_tags()["brpnas.test.rows"] == "0"


def test_test_rows_are_checked() -> None:
    good = challenger().test
    with pytest.raises(SchemaError, match="lack true"):
        challenger(test=good.drop(columns="true"))
    with pytest.raises(ArchitectureError, match=r"\[0\]"):
        challenger(test=pd.DataFrame({"arch_id": ["x"], "true": [1.0], "predicted": [1.0]}))
