from __future__ import annotations

import numpy as np

from brpnas.report.plots import training_curves
from tests.report.samples import parse_svg, svg_texts, training_table


def test_lines_are_named_and_the_epochs_counted() -> None:
    root = parse_svg(training_curves(training_table(members=2, epochs=6)))
    assert {"training", "validation", "best epoch, kept", "epoch"} <= set(svg_texts(root))
    assert "2 models over 6 epochs" in (root.get("aria-label") or "")


def test_one_member() -> None:
    label = parse_svg(training_curves(training_table(members=1))).get("aria-label") or ""
    assert "1 model over" in label


def test_without_validation_there_is_no_best_epoch() -> None:
    table = training_table()
    table["valid_loss"] = np.nan
    assert "best epoch, kept" not in svg_texts(parse_svg(training_curves(table)))


def test_validation_may_be_measured_now_and_then() -> None:
    table = training_table(epochs=6)
    table.loc[table["epoch"] % 2 == 0, "valid_loss"] = np.nan
    parse_svg(training_curves(table))


def test_losses_of_zero_or_less_can_be_drawn() -> None:
    table = training_table()
    table["train_loss"] -= 0.5
    assert "epoch" in svg_texts(parse_svg(training_curves(table)))
