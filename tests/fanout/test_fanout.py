"""The engine chosen by a configuration."""

from __future__ import annotations

import pytest

from brpnas.errors import ConfigurationError
from brpnas.fanout import LocalEngine, SerialEngine, get_engine


def test_one_worker_is_this_process() -> None:
    assert isinstance(get_engine(), SerialEngine)
    assert isinstance(get_engine(1, scheduler=""), SerialEngine)


def test_more_workers_are_processes() -> None:
    with get_engine(3, retries=5) as engine:
        assert isinstance(engine, LocalEngine)
        assert (engine.workers, engine.retries) == (3, 5)


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        ({"workers": 0}, "workers .* 0"),
        ({"retries": -1}, "retries .* -1"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, int], answer: str) -> None:
    with pytest.raises(ConfigurationError, match=answer):
        get_engine(**numbers)
