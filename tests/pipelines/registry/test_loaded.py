from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from brpnas.errors import RegistryError
from pipelines.registry import register
from pipelines.registry.loaded import evaluate, read
from pipelines.registry.versions import RegisteredModel
from tests.pipelines.registry.toys import NAME, challenger, onnx

pytestmark = pytest.mark.usefixtures("store")


def loaded(**changed):  # type: ignore[no-untyped-def]
    version = register(challenger(**changed))
    return read(RegisteredModel(NAME), version)


def test_a_version_answers_what_was_registered() -> None:
    made = challenger(0.05)
    found = evaluate(loaded(error=0.05), made.test, 0.9)
    np.testing.assert_allclose(found.rows["predicted"], made.test["predicted"])
    assert (found.parity, found.tolerance, found.coverage) == (1e-7, 1e-5, None)
    assert found.judged_on == set(made.test["arch_id"])


def test_a_version_answers_other_rows_too() -> None:
    few = loaded(count=40)
    found = evaluate(few, challenger().test, 0.9)
    assert (len(found.rows), len(found.judged_on)) == (120, 40)


@pytest.mark.parametrize(("named", "expected"), [({}, 0.9), ({"coverage": "0.8"}, 0.8)])
def test_nominal_coverage_is_that_of_the_file_if_it_says(named, expected) -> None:  # type: ignore[no-untyped-def]
    metadata = {"space": "nasbench201", "view": "raw"} | named
    found = evaluate(loaded(onnx=onnx(0.1, margin=0.1, metadata=metadata)), challenger().test, 0.9)
    assert found.coverage == expected
    assert (found.rows["lower"] < found.rows["upper"]).all()


def test_answers_that_changed_are_an_error_of_parity() -> None:
    test = challenger().test
    test.loc[5, "predicted"] *= 1.5
    assert evaluate(loaded(test=test), test, 0.9).parity == pytest.approx(1 / 3, rel=1e-3)
    test.loc[5, "predicted"] = np.nan
    assert evaluate(loaded(test=test), test, 0.9).parity == math.inf


def test_lost_files_are_an_error_that_says_so(tmp_path: Path) -> None:
    version = register(challenger())
    for file in (tmp_path / "artifacts").rglob("predictor.onnx"):
        file.unlink()
    with pytest.raises(RegistryError, match=r"latency-board, version 1, .*Errno 2\b"):
        read(RegisteredModel(NAME), version)
