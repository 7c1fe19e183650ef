from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.errors import UnknownNameError
from pipelines.environments import chosen_environment, env_or


@pytest.fixture
def conf(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("KEDRO_ENV", raising=False)
    return repository / "conf"


def test_the_option_goes_before_the_variable(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_environment(conf, None) is None
    monkeypatch.setenv("KEDRO_ENV", "live")
    assert chosen_environment(conf, None) == "live"
    assert chosen_environment(conf, "darts") == "darts"
    monkeypatch.setenv("KEDRO_ENV", "")
    assert chosen_environment(conf, None) is None


@pytest.mark.parametrize("how", ["option", "variable"])
def test_one_that_is_not_there_is_refused(
    conf: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv("KEDRO_ENV", "lotbench")
    with pytest.raises(UnknownNameError, match=r"'lotbench'.* 'latbench'\?"):
        chosen_environment(conf, "lotbench" if how == "option" else None)


@pytest.mark.parametrize(("value", "expected"), [(None, "x"), ("", "x"), ("mine", "mine")])
def test_an_empty_variable_is_none(
    monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str
) -> None:
    monkeypatch.setenv("BRPNAS_TEST", value or "")
    if value is None:
        monkeypatch.delenv("BRPNAS_TEST")
    assert env_or("BRPNAS_TEST", "x") == expected
