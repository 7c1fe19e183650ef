"""Every kind of bad file is refused clearly, every notation accepted: what the benchmark counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bad_files import BAD, GOOD, good_sample
from benchmarks.data import Benchmark
from benchmarks.intake import accepts, hashes, refuses, run
from tests.seeds import first_of

SPACE = Benchmark.space_name


def test_there_are_forty_kinds_at_least() -> None:
    assert len(BAD) >= 40


@pytest.mark.parametrize("seed", first_of(range(3)))
@pytest.mark.parametrize("kind", BAD)
def test_each_kind_is_refused_clearly_and_changes_no_file(kind: str, seed: int) -> None:
    said, is_clear, touched = refuses(kind, seed, SPACE)
    assert is_clear, said
    assert touched == 0


@pytest.mark.parametrize("seed", first_of(range(5)))
@pytest.mark.parametrize("notation", GOOD)
def test_each_notation_is_accepted(notation: str, seed: int) -> None:
    assert accepts(notation, seed, SPACE)


def test_a_file_that_is_accepted_is_no_clear_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.intake.read_device_table", lambda path, space: None)
    assert refuses("negative latency", 0, SPACE)[1:] == (False, 0)


def test_a_file_that_is_changed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(path: Path, space: object) -> None:
        path.write_text("spoilt")
        (path.parent / "other.csv").write_text("")

    monkeypatch.setattr("benchmarks.intake.read_device_table", spoil)
    assert refuses("negative latency", 0, SPACE)[2] == 2


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


def test_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    few = {kind: BAD[kind] for kind in ("seconds", "zero latency")}
    monkeypatch.setattr("benchmarks.intake.BAD", few)
    figures = run(Benchmark(), quick=True, seeds=2, workers=1)
    notation = figures.pop("notation")
    assert (notation["devices"], notation["draws"]) == (3, 5)
    assert figures == {
        "seeds": 2,
        "kinds": 2,
        "refused": 2,
        "files_changed": 0,
        "good": len(GOOD),
        "good_accepted": len(GOOD),
        "not_refused": [],
    }
    assert "2 kinds of bad file: 2 clear refusals, 0 files changed" in capsys.readouterr().out
