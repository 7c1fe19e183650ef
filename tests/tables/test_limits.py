from __future__ import annotations

import re

import pytest

from brpnas.tables.limits import too_large


@pytest.mark.parametrize("at_least", [False, True])
def test_the_size_and_the_limit_are_told(at_least: bool) -> None:
    finding = too_large("rows", 12_345, 1_000, at_least=at_least)
    assert (finding.severity, finding.kind) == ("error", "too many rows")
    assert re.search(r"\b12,345 rows, .* 1,000\b", finding.message)
    assert ("at least" in finding.message) == at_least
