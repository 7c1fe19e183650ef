"""`brpnas rank`: limits and counts that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Brpnas


def test_latency_limit_needs_a_latency_predictor(brpnas: Brpnas, ranker: Path) -> None:
    result = brpnas("rank", ranker, "--constraint", "latency_ms <= 5")
    assert result.exit_code == 1
    assert "--predictor" in result.stderr


@pytest.mark.parametrize(
    ("constraint", "why"),
    [
        ("flops <= 5", "'flops_m'?"),
        ("flops_m", "flops_m"),
        ("params_m <= 0", "among 15625 "),
    ],
)
def test_bad_constraint_is_explained(
    brpnas: Brpnas, ranker: Path, constraint: str, why: str
) -> None:
    result = brpnas("rank", ranker, "--constraint", constraint)
    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr


@pytest.mark.parametrize("top", ["0", "-1", "many"])
def test_count_must_be_positive(brpnas: Brpnas, ranker: Path, top: str) -> None:
    assert brpnas("rank", ranker, "--top", top).exit_code == 2
