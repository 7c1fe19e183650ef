from __future__ import annotations

from pathlib import Path

from pipelines.registry import licence_text


def test_it_is_the_licence_of_the_project(repository: Path) -> None:
    assert licence_text() == (repository / "LICENSE").read_text("utf-8")
