"""What a page logs and asks for is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.chromium import opened

PAGE = """<!DOCTYPE html><title>x</title><script>
console.log("a log"); console.warn("a warning"); setTimeout(() => { throw Error("thrown"); });
new Image().src = "missing.png"; const started = Date.now();
</script>"""


def test_complaints_and_requests_are_recorded(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGE, "utf-8")
    with opened(chromium, path) as found:
        assert found.wait("Date.now() - started > 300") is True
        assert {"a warning", "thrown"} <= set(found.complaints)
        assert "a log" not in found.complaints
        assert found.requests == [path.as_uri(), (tmp_path / "missing.png").as_uri()]
        with pytest.raises(TimeoutError):
            found.wait("false", seconds=0.1)
