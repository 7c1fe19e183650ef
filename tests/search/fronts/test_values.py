from __future__ import annotations

from brpnas.search.fronts.values import known_values
from brpnas.search.history import History, Measurement


def test_measurements_of_the_search_are_known_too() -> None:
    history = History()
    history.note(
        [
            Measurement(0, "a", within=True, values={"latency_ms": 1.0}),
            Measurement(0, "b", within=False, values={"latency_ms": 2.0}),
            Measurement(0, "c", within=False, message="it broke"),
        ]
    )
    known = {"latency_ms": {"a": 5.0, "d": 4.0}, "energy_mj": {"a": 3.0}}
    found = known_values(known, history)
    assert found["latency_ms"] == {"a": 1.0, "b": 2.0, "d": 4.0}
    assert found["energy_mj"] == {"a": 3.0}
    assert known["latency_ms"] == {"a": 5.0, "d": 4.0}
