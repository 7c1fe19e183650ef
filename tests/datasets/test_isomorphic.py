from __future__ import annotations

import pandas as pd
import pytest

from brpnas.datasets import ACCURACY, list_architectures, share_with_isomorphic, validate
from brpnas.errors import SchemaError
from brpnas.search import HeldOutScores, TableOracle
from brpnas.search.oracles import Question


def table(**cells: tuple[str, int, float]) -> pd.DataFrame:
    """Rows of cells; an entry is data set, seed, accuracy."""
    rows = [
        (arch_id, dataset, split, seed, 6, accuracy, 1.0, None)
        for arch_id, (dataset, seed, accuracy) in cells.items()
        for split in ("valid", "test")
    ]
    frame = pd.DataFrame(rows, columns=list(ACCURACY.columns))
    return validate(frame, ACCURACY, origin="the test")


@pytest.fixture
def small() -> pd.DataFrame:
    """Two functions, of three cells and of one."""
    frame = pd.DataFrame({"arch_id": list("abcd"), "isomorphism_id": ["f", "f", "f", "g"]})
    return frame.astype("str")


def accuracies(frame: pd.DataFrame, split: str = "valid") -> dict[tuple[str, str], float]:
    rows = frame[frame["split"] == split]
    keys = zip(rows["dataset"], rows["arch_id"], strict=True)
    return dict(zip(keys, rows["accuracy"].tolist(), strict=True))


def test_untrained_cells_get_the_rows_of_an_isomorphic_one(small: pd.DataFrame) -> None:
    shared = share_with_isomorphic(table(b=("x", 0, 0.5)), small)
    assert accuracies(shared) == {("x", name): 0.5 for name in "abc"}
    assert accuracies(shared, "test") == accuracies(shared)
    validate(shared, ACCURACY, origin="the result")


def test_trained_cells_keep_their_own_and_the_first_stands_for_the_rest(
    small: pd.DataFrame,
) -> None:
    own = table(c=("x", 0, 0.7), b=("x", 1, 0.5), d=("x", 0, 0.1))
    expected = {("x", "a"): 0.5, ("x", "b"): 0.5, ("x", "c"): 0.7, ("x", "d"): 0.1}
    assert accuracies(share_with_isomorphic(own, small)) == expected


def test_data_sets_do_not_mix(small: pd.DataFrame) -> None:
    both = pd.concat([table(a=("x", 0, 0.5)), table(d=("y", 0, 0.2))])
    assert set(accuracies(share_with_isomorphic(both, small))) == {
        *(("x", name) for name in "abc"),
        ("y", "d"),
    }


def test_unknown_cell_is_refused(small: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match="'z'"):
        share_with_isomorphic(table(z=("x", 0, 0.5)), small)


def test_every_cell_can_be_asked_and_scored_when_one_of_each_function_was_trained() -> None:
    architectures = list_architectures()
    first = architectures.drop_duplicates("isomorphism_id").reset_index(drop=True)
    value = first.index / 1e4
    rows = pd.DataFrame({"arch_id": first["arch_id"], "dataset": "digits", "accuracy": value})
    rows = rows.assign(seed=0, epochs=6, train_time_s=1.0)
    both = pd.concat([rows.assign(split="valid"), rows.assign(split="test")])
    shared = share_with_isomorphic(validate(both, ACCURACY, origin="test"), architectures)
    assert len(shared) == 2 * 15_625
    of_function = dict(zip(first["isomorphism_id"], value, strict=True))
    expected = architectures["isomorphism_id"].map(of_function)
    oracle = TableOracle(shared, "digits", 0)
    cells = architectures["arch_id"].tolist()
    assert [oracle.answer(Question(0, cell)).accuracy for cell in cells] == expected.tolist()
    scores = HeldOutScores.from_table(shared, "digits", cells[:100])
    assert scores.optimum == expected[:100].max()
