"""The leading sampler on DARTS, and the first query of its lead."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.darts import _against, variants
from benchmarks.figures import p_value


def test_lead_counts_from_the_end_of_the_random_round() -> None:
    rng = np.random.default_rng(0)
    other = 93 + np.cumsum(0.001 * rng.random((10, 60)), axis=1)
    own = other.copy()
    own[:, 20:] += 0.05 + 0.001 * rng.random((10, 40))
    found = _against(own, other, [20, 40, 60])
    assert found["p"]["20"] == 1.0
    assert found["p"]["40"] == pytest.approx(1 / 2**10, rel=0.05)
    assert found["largest_p"] < 0.05
    assert found["significant_from"] == 21
    assert 0.05 <= found["smallest_lead"] < 0.06


def test_a_late_tie_is_no_lead() -> None:
    other = np.full((10, 60), 93.0)
    own = other.copy()
    own[:, 20:50] += 1.0
    found = _against(own, other, [60])
    assert (found["smallest_lead"], found["largest_p"], found["significant_from"]) == (0, 1.0, None)


def test_p_is_one_sided() -> None:
    assert p_value(np.linspace(0.1, 1, 8)) < 0.01 < 0.99 < p_value(-np.linspace(0.1, 1, 8))


def test_the_procedure_of_the_paper_is_beside_what_ships() -> None:
    found = variants(quick=False)
    config = found["brp, as published"]["config"]
    assert (config["rounds"], config["candidates"], config["neighbours"]) == (3, 10_000, 0)
    assert config["flops_prior"] == 0 == found["brp, no prior"]["config"]["flops_prior"]
    assert found["brp"]["config"]["neighbours"] > 0
    assert found["brp"]["config"]["flops_prior"] > 0
