from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from brpnas.report import render
from brpnas.report.network import (
    alarms,
    class_table,
    confusion_matrix,
    confusion_table,
    data_facts,
    score_facts,
)
from tests.report.samples import Page, lean_data, network_evaluation

HOSTILE = "<script>alert(1)</script>"


def text(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in rows)


def lively() -> dict[str, Any]:
    """A network that recognises some images of each class."""
    return network_evaluation([[8, 1, 1], [1, 4, 0], [1, 1, 3]])


def test_a_class_that_is_never_recognised_is_said_with_what_hides_it() -> None:
    (said,) = alarms(network_evaluation())
    assert re.match(r"1 of 3 classes .*: 'cat'", said)
    for part in (" 75.00 %", "balanced accuracy 66.67 %", "'dog'", " 50.00 %"):
        assert part in said
    assert "search.oracle.metric" in said
    assert alarms(lively()) == []


def test_many_dead_classes_are_counted_and_some_named() -> None:
    size = 30
    matrix = [[int(j == 0) for j in range(size)] for _ in range(size)]
    first, second = alarms(network_evaluation(matrix))
    assert first.startswith("29 of 30 classes ")
    assert "'class 10' and 19 more" in first
    assert "'class 0'" in second


def test_a_class_without_test_images_is_said() -> None:
    (said,) = alarms(network_evaluation([[3, 0, 0], [0, 2, 0], [0, 0, 0]]))
    assert re.fullmatch(r"1 of 3 classes .*'cat'\.", said)


def test_scores_name_file_and_images_and_what_chose_it() -> None:
    said = text(score_facts(network_evaluation()))
    for part in (
        r"Test accuracy \(exported file, 20 .*\): 75\.00 %",
        r"90 % interval .*: 56\.78 % to 87\.26 %",
        r"Test balanced .*\(exported file, 20 .*\): 66\.67 %",
        r"Largest class .*, dog: 50\.00 %",
        "Classes .*: 1 of 3",
        r"Validation accuracy, .*: 80\.00 %",
    ):
        assert re.search(rf"^{part}$", said, re.MULTILINE)


def test_data_say_images_split_size_and_training() -> None:
    network = network_evaluation()
    said = text(data_facts(network))
    for part in (
        "Data set: pets",
        "Images: 90: 50 training, 20 validation, 20 test",
        "Classes: 3",
        "Split: by seed 0",
        "Resolution: 32 x 24 pixels, 3 channels (RGB)",
        " 32 x 24 pixels (bilinear)",
        "divided by 255, less 0.5, 0.5, 0.5, divided by 0.25",
        "15 epochs on 70 ",
        "images, seed 0",
    ):
        assert part in said
    network["training"] |= {"final": False, "images": 50}
    assert "15 epochs on 50 " in text(data_facts(network))


def test_tables_hold_each_class_and_each_confusion() -> None:
    network = network_evaluation()
    rows = [[cell.text for cell in row] for row in class_table(network).rows]
    assert rows[0] == ["dog", "25", "10", "10", "100.0 %", "76.9 %"]
    assert rows[2] == ["cat", "10", "5", "5", "0.0 %", "–"]
    confusions = [[cell.text for cell in row] for row in confusion_table(network).rows]
    assert confusions == [["cat", "dog", "3", "60.0 %"], ["cat", "bird", "2", "40.0 %"]]
    matrix = confusion_matrix(network)
    assert matrix is not None
    name, cells = matrix[2]
    assert (name, [cell.count for cell in cells]) == ("cat", [3, 2, 0])
    assert [cell.share for cell in cells] == [0.6, 0.4, 0]
    assert [cell.right for cell in cells] == [False, False, True]


@pytest.mark.parametrize(("classes", "whole"), [(20, True), (21, False)])
def test_a_large_matrix_becomes_a_list(classes: int, whole: bool) -> None:
    matrix = [[int(i == j) + int(j == 0 < i) for j in range(classes)] for i in range(classes)]
    network = network_evaluation(matrix)
    assert (confusion_matrix(network) is not None) == whole
    page = Page(render(lean_data(network=network)))
    assert ("Confusion matrix" in page.tables) == whole
    assert any("confusions" in caption for caption in page.tables) != whole
    assert len(page.tables["Classes"]) == classes + 1


def test_the_page_begins_with_the_warning_and_escapes_names() -> None:
    network = copy.deepcopy(network_evaluation())
    network["classes"][2]["name"] = HOSTILE
    network["test"]["never_recognised"] = [HOSTILE]
    written = render(lean_data(network=network))
    assert HOSTILE not in written
    assert "onerror" not in written
    page = Page(written)
    assert page.unclosed == []
    assert written.index('class="alarm"') < written.index('id="winner"')
    assert HOSTILE in page.said(""), "and is readable"
    assert page.tables["Confusion matrix"][1][:4] == ["dog", "10", "0", "0"]


def test_characters_that_cannot_be_seen_are_written_out() -> None:
    network = copy.deepcopy(network_evaluation())
    network["classes"][0]["name"] = network["test"]["largest_class"] = "cod\u202egod\u200b"
    written = render(lean_data(network=network))
    assert "\u202e" not in written
    assert written.count("cod\\u202egod\\u200b") >= 4, "in facts, matrix, its head and the table"


def test_without_faults_there_is_no_warning() -> None:
    written = render(lean_data(network=lively()))
    assert 'class="alarm"' not in written
    assert "Confusion matrix" in written
    assert 'id="network"' not in render(lean_data()), "of a file with initial weights"


def test_a_limit_that_measurement_breaks_is_said_first() -> None:
    data = lean_data(chosen={**lean_data().chosen, "latency_ms": 5.1})
    page = Page(render(data))
    assert re.search(r"latency_ms <= 5: .* 5\.1, .* 3\.296; exceeds ", page.said(""))
