from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from typing import Any

import numpy as np
import pytest

from brpnas.report.explorer import ExplorerPage, explored, explorer_page
from brpnas.report.explorer.document import _script
from tests.report.samples import WINNER, report_data


def page(winner: str = WINNER, **changes: Any) -> ExplorerPage:
    found = explored(report_data(**changes))
    assert found is not None
    return explorer_page(found, winner)


def floats(text: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<f8")


def test_data_equals_the_input() -> None:
    data, space = json.loads(page().data), report_data().space
    assert space is not None
    names = json.loads(zlib.decompress(base64.b64decode(data["names"])))
    assert names == space["arch_id"].tolist()
    axes = {axis["name"]: axis for axis in data["axes"]}
    latency = space["predicted_latency_ms"].to_numpy()
    assert np.array_equal(floats(axes["predicted_latency_ms"]["values"]), latency)
    percent = (100 * space["test_accuracy"]).to_numpy()
    assert np.array_equal(floats(axes["test_accuracy"]["values"]), percent)
    assert axes["predicted_latency_ms"]["limit"] == 5.0
    assert axes["test_accuracy"]["limit"] is None
    assert names[data["winner"]] == WINNER
    assert data["knee"] is None


def test_equal_points_give_equal_text() -> None:
    assert page() == page()


def test_no_name_can_leave_its_script_element() -> None:
    hostile = "</script><script>alert(1)"
    space = report_data().space
    assert space is not None
    made = page(space=space.replace(WINNER, hostile), title=hostile)
    for part in (made.data, made.plot):
        assert "<" not in part
    assert "</script" not in made.library + made.script


@pytest.mark.parametrize("text", ["a = '</script>'", "a = '<!-- '"])
def test_a_script_that_would_end_its_element_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="script"):
        _script(text)


def test_the_plot_has_no_point_and_each_source_a_name() -> None:
    text = str(page().plot)
    plot = json.loads(text)
    assert plot["target_id"] == "explorer-plot"
    for name in ("space", "front", "queried", "members", "leaders", "knee", "winner", "selected"):
        assert f'"{name} source"' in text
    assert '"p1"' in text


def test_a_winner_of_no_list_is_not_marked() -> None:
    assert json.loads(page(winner="elsewhere").data)["winner"] is None
    assert dataclasses.asdict(page())["left_out"] == 0
