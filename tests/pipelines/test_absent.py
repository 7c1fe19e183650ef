from __future__ import annotations

import importlib
import sys

import pytest

from pipelines.absent import absent


def test_what_is_not_imported_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with absent("this"), pytest.raises(ModuleNotFoundError):
        importlib.import_module("this")
    assert "this" not in sys.modules


def test_what_is_imported_stays() -> None:
    with absent("json"):
        assert importlib.import_module("json") is sys.modules["json"] is not None


def test_after_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with pytest.raises(ZeroDivisionError), absent("this"):
        raise ZeroDivisionError
    assert "this" not in sys.modules
