"""The settings chosen on NB201-Digits end with the shipped ones."""

from __future__ import annotations

from typing import Any

from benchmarks.protocol import SETTINGS
from brpnas.candidates import JobConfig
from brpnas.datasets import embedded_facts


def settings(changed: dict[str, Any]) -> dict[str, Any]:
    return JobConfig(**changed).settings() | {"executes_dead_ops": False}


def test_the_last_setting_is_what_ships() -> None:
    shipped = embedded_facts()["accuracy"]["settings"]
    assert [settings(one) == shipped for one in SETTINGS] == [False] * 7 + [True]
