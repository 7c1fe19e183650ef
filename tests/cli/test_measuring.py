from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from brpnas.cli.measuring import check_output
from brpnas.devices import load_devices
from brpnas.errors import ConfigurationError
from brpnas.measure import select_cells
from tests.cli.conftest import Brpnas

SMALL = ("--channels", 4, "--cells-per-stage", 1, "--image", 24, "--runs", 4, "--repeats", 2)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_table_with_its_catalogue(brpnas: Brpnas, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"mine.{suffix}"
    options = ("measure", "--output", output, "--device", "mine", *SMALL)
    result = brpnas(*options, "--cells", 2)
    assert result.exit_code == 0, result.output
    assert "2 measured, 0 failed" in result.stdout
    more = brpnas(*options, "--cells", 3)
    assert more.exit_code == 0, more.output
    assert "3 measured, 0 failed" in more.stdout
    table = pd.read_csv(output) if suffix == "csv" else pd.read_parquet(output)
    assert set(table["arch_id"]) == set(select_cells(3))
    assert set(table["device"]) == {"mine"}
    assert list(load_devices(tmp_path / "devices.yml")) == ["mine"]
    assert {file.name for file in tmp_path.iterdir()} == {
        output.name,
        "mine.jsonl",
        "devices.yml",
        "devices.yml.lock",
    }


@pytest.mark.slow
def test_cells_of_a_file_by_torch(brpnas: Brpnas, tmp_path: Path) -> None:
    (tmp_path / "cells.txt").write_text("\n".join(select_cells(2, seed=9)))
    output = tmp_path / "t.csv"
    result = brpnas(
        "measure",
        "--file",
        tmp_path / "cells.txt",
        "--runtime",
        "torch",
        "--output",
        output,
        *SMALL,
    )
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(output)["arch_id"]) == set(select_cells(2, seed=9))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--provider", "Foo"), "'FooExecutionProvider'"),
        (("--runtime", "torch", "--precision", "int8"), "'int8'"),
        (("--device", "my device"), "'my device'"),
        (("--output", "x.json"), ".parquet or .csv"),
    ],
)
def test_errors_are_explained_and_leave_nothing(
    brpnas: Brpnas,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = brpnas("measure", "--cells", 1, *SMALL, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr
    assert not list(tmp_path.iterdir())


def test_other_settings_need_another_table(brpnas: Brpnas, tmp_path: Path) -> None:
    options = ("measure", "--cells", 1, "--output", tmp_path / "m.csv", *SMALL)
    assert brpnas(*options).exit_code == 0
    result = brpnas(*options, "--batch", 2)
    assert result.exit_code == 1
    assert "batch" in result.stderr


def test_formats() -> None:
    check_output(Path("a.csv"))
    with pytest.raises(ConfigurationError):
        check_output(Path("a"))


def test_cells_of_another_space_in_its_own_sizes(
    brpnas: Brpnas, repository: Path, tmp_path: Path
) -> None:
    space = repository / "docs/examples/chain_space.py"
    output = tmp_path / "chains.csv"
    few = ("--cells", 2, "--channels", 4, "--image", 16, "--runs", 4, "--repeats", 2)
    result = brpnas("measure", "--space", space, "--output", output, "--device", "mine", *few)
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(output)["arch_id"]) == set(select_cells(2, space=str(space)))
    (device,) = load_devices(tmp_path / "devices.yml").values()
    # One cell in each stage, as that space says, not five as NAS-Bench-201.
    assert (
        f"Networks of {space}, 3 stages of 1 cells, 4 channels, input 3 x 16 x 16" in device.notes
    )
    other = brpnas("measure", "--output", tmp_path / "b.csv", "--device", "mine", *few)
    assert other.exit_code == 1
    assert "'mine'" in other.stderr
