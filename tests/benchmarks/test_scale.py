"""Tables of cost against size, and its picture."""

from __future__ import annotations

import pandas as pd

from benchmarks.pictures import alt_text
from benchmarks.pictures.size import scale
from benchmarks.scale import _figures

ROWS = [
    {"part": "idle", "size": 0, "seconds": 0.0, "peak_mb": 400.0},
    *(
        {"part": "ranking", "size": n, "threads": 1, "seconds": s, "peak_mb": 500.0 + s}
        for n, values in {1000: (1.0, 3.0, 2.0), 100_000: (9.0,)}.items()
        for s in values
    ),
    *(
        {"part": "training", "size": 20, "ranker": r, "seconds": 1.0, "peak_mb": 450.0, "tau": t}
        for r, t in (("pairwise", 0.6), ("pairwise", 0.8), ("unary", 0.5))
    ),
    {"part": "devices", "size": 2, "seconds": 30.0, "peak_mb": 900.0},
    *(
        {"part": part, "size": n, "seconds": s, "peak_mb": 1.0}
        for part in ("rankers trained", "searches")
        for n, s in ((1, 10.0), (2, 6.25), (4, 5.0))
    ),
]


def test_figures_are_median_slowest_and_greatest() -> None:
    found = _figures(pd.DataFrame(ROWS))
    assert found["ranking"][0] == {
        "size": 1000, "threads": 1, "seconds": 2.0, "slowest": 3.0, "peak_mb": 503, "runs": 3
    }  # fmt: skip
    assert found["training"][0]["tau"] == 0.7
    assert "tau" not in found["ranking"][0]
    assert found["idle"] == [{"peak_mb": 400.0}]


def test_efficiency_is_against_one_process() -> None:
    rows = [r for r in _figures(pd.DataFrame(ROWS))["workers"] if r["part"] == "searches"]
    assert [(r["speed_up"], r["efficiency"]) for r in rows] == [(1.0, 1.0), (1.6, 0.8), (2.0, 0.5)]


def test_picture_is_the_same_each_time() -> None:
    results = {"scale": _figures(pd.DataFrame(ROWS))}
    svg = scale(results)
    assert svg == scale(results)
    for label in ("cells ranked", "training cells", "known devices", "processes", "peak, MiB"):
        assert label in svg
    assert "100,000 cells" in alt_text(svg)
