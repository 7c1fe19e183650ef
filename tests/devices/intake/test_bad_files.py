"""Every kind of bad file is refused clearly and left alone, and every notation is accepted."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from brpnas.devices import read_device_table
from brpnas.errors import IntakeError
from brpnas.spaces import NasBench201
from tests.devices.intake.bad_files import BAD, GOOD, csv, good_sample
from tests.seeds import first_of

SPACE = NasBench201()


def refuses(kind: str, seed: int) -> tuple[str, bool, int]:
    """Make a bad file and read it.

    Returns:
        The first problem as it was told, whether the refusal is clear, and how many files changed.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = BAD[kind](folder, good_sample(seed))
        before = hashes(folder)
        try:
            read_device_table(made.path, SPACE)
            report = "accepted"
        except IntakeError as error:
            report = str(error)
        after = hashes(folder)
    touched = sum(before.get(name) != after.get(name) for name in {*before, *after})
    lines = [*report.splitlines(), ""]
    names = any(name in lines[0] for name in (str(made.path), repr(str(made.path))))
    is_clear = names and all(word in report for word in made.words)
    return lines[1].strip(), is_clear, touched


def accepts(notation: str, seed: int) -> bool:
    """Whether a good file in a notation is read as the table it was made of, without a flag."""
    sample = good_sample(seed)
    write = GOOD[notation]
    with tempfile.TemporaryDirectory() as place:
        rows = [[write(cell), repr(v)] for cell, v in zip(sample.cells, sample.values, strict=True)]
        made = csv(Path(place), rows)
        try:
            found = read_device_table(made.path, SPACE)
        except IntakeError:
            return False
    expected = pd.Series(sample.values, sample.cells).sort_index()
    read = found.table.set_index("arch_id")["latency_ms"]
    return not found.findings and read.to_dict() == expected.to_dict()


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, by its path."""
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_there_are_forty_kinds_at_least() -> None:
    assert len(BAD) >= 40


@pytest.mark.parametrize("seed", first_of(range(3)))
@pytest.mark.parametrize("kind", BAD)
def test_each_kind_is_refused_clearly_and_changes_no_file(kind: str, seed: int) -> None:
    said, is_clear, touched = refuses(kind, seed)
    assert is_clear, said
    assert touched == 0


@pytest.mark.parametrize("seed", first_of(range(5)))
@pytest.mark.parametrize("notation", GOOD)
def test_each_notation_is_accepted(notation: str, seed: int) -> None:
    assert accepts(notation, seed)


def test_a_file_that_is_accepted_is_no_clear_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.read_device_table", lambda path, space: None)
    assert refuses("negative latency", 0)[1:] == (False, 0)


def test_a_file_that_is_changed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(path: Path, space: object) -> None:
        path.write_text("spoilt")
        (path.parent / "other.csv").write_text("")

    monkeypatch.setattr(f"{__name__}.read_device_table", spoil)
    assert refuses("negative latency", 0)[2] == 2


def test_samples_differ_by_seed_alone() -> None:
    first, again, other = (good_sample(seed) for seed in (1, 1, 2))
    assert first.cells == again.cells
    assert first.rows(5) == again.rows(5)
    assert first.cells != other.cells


def test_hashes_see_names_and_content(tmp_path: Path) -> None:
    assert hashes(tmp_path) == {}
    (tmp_path / "a").write_text("1")
    first = hashes(tmp_path)
    (tmp_path / "a").write_text("2")
    assert list(first) == list(hashes(tmp_path))
    assert first != hashes(tmp_path)
