from __future__ import annotations

import warnings

import pytest

from pipelines.quiet import quieten


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages of the warnings shown by Python."""
    found: list[str] = []
    monkeypatch.setattr(
        warnings, "showwarning", lambda message, *_, **__: found.append(str(message))
    )
    quieten()
    return found


def test_what_no_user_can_act_upon_is_not_shown(shown: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("\x1b[33mAdd type hints to the `predict` method to enable", stacklevel=1)
        warnings.warn("Add swap space", stacklevel=1)
    assert shown == ["Add swap space"]
