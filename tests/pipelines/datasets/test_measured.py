from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from brpnas.datasets import ACCURACY, CURVES, LATENCY, read_embedded_operations, validate
from brpnas.devices import get_device
from brpnas.errors import IntakeError, SchemaError
from pipelines.datasets import (
    AccuracyTablesDataset,
    CurveTablesDataset,
    DeviceCatalogueDataset,
    DeviceTablesDataset,
    OperationTablesDataset,
)

DEVICE = get_device("embedded-tpu-edge-tpu-int8")
CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"


def latency(*values: float, device: str = "a") -> pd.DataFrame:
    """A table of different cells."""
    cells = [CELL.replace("conv_3x3", "conv_1x1"), CELL, CELL.replace("skip_connect", "none")]
    rows = {"arch_id": cells[: len(values)], "device": device, "latency_ms": values}
    table = pd.DataFrame(rows).assign(std_ms=0.1, repeats=5)
    return validate(table, LATENCY, origin="it")


def test_tables_of_other_devices_stay(tmp_path: Path) -> None:
    dataset = DeviceTablesDataset(str(tmp_path / "new" / "measured"))
    assert dataset.exists()
    assert dataset.load() == {}
    first, second = latency(1), latency(2, 3)
    dataset.save({"a": first})
    dataset.save({"b": first})
    dataset.save({"b": second})
    loaded = dataset.load()
    assert list(loaded) == ["a", "b"]
    assert loaded["a"]().equals(first)
    assert loaded["b"]().equals(second)
    assert {file.name for file in (tmp_path / "new" / "measured").iterdir()} == {
        "a.parquet",
        "b.parquet",
    }


def test_tables_measured_elsewhere_may_be_csv(tmp_path: Path) -> None:
    dataset = DeviceTablesDataset(str(tmp_path))
    table = latency(1, 2)
    table.to_csv(tmp_path / "mine.csv", index=False)
    dataset.save({"a": table})
    assert {name: read().equals(table) for name, read in dataset.load().items()} == {
        "a": True,
        "mine": True,
    }
    dataset.save({"mine": table})
    with pytest.raises(IntakeError, match=r"(?s)mine\.\w+.*mine\.\w+"):
        dataset.load()["mine"]()


def test_accuracy_tables_are_named_after_data_sets(tmp_path: Path) -> None:
    dataset = AccuracyTablesDataset(str(tmp_path))
    run = {"arch_id": CELL, "dataset": "digits", "split": "valid", "seed": pd.NA, "epochs": 3}
    table = validate(
        pd.DataFrame([run | {"accuracy": 0.1 + 0.2, "train_time_s": None}]), ACCURACY, origin="it"
    )
    dataset.save({"digits": table})
    pd.testing.assert_frame_equal(dataset.load()["digits"](), table)
    table.to_csv(tmp_path / "digits.csv", index=False)
    with pytest.raises(IntakeError, match=r"(?s)digits\.\w+.*digits\.\w+"):
        dataset.load()["digits"]()


def test_curves_are_read_as_they_are_written(tmp_path: Path) -> None:
    dataset = CurveTablesDataset(str(tmp_path))
    rows = [{"dataset": "digits", "seed": 0, "epoch": n, "accuracy": n / 3} for n in (1, 2)]
    table = validate(pd.DataFrame(rows).assign(arch_id=CELL), CURVES, origin="it")
    dataset.save({"digits": table})
    pd.testing.assert_frame_equal(dataset.load()["digits"](), table)


def test_operations_are_read_as_they_are_written(tmp_path: Path) -> None:
    dataset = OperationTablesDataset(str(tmp_path))
    table = read_embedded_operations()
    dataset.save({"mine": table})
    pd.testing.assert_frame_equal(dataset.load()["mine"](), table)
    (tmp_path / "mine.parquet").unlink()
    table.to_csv(tmp_path / "mine.csv", index=False)
    pd.testing.assert_frame_equal(dataset.load()["mine"](), table)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", r"\bempty\b"),
        ("a.csv", "arch_id,device,latency_ms\n".encode("utf-16"), "UTF-16"),
        ("a.parquet", b"PAR1broken", "Parquet"),
        ("a.csv", f"arch_id,device,latency_ms\n{CELL},a,4,31\n".encode(), "line 2.*decimal comma"),
        ("a.csv", f"arch_id,device,latency_ms\n{CELL},,4\n".encode(), "missing device, line 2"),
        ("a.csv", f"arch_id,device,latency_ms\n{CELL[:-9]},a,4\n".encode(), "unknown cell, line 2"),
        (
            "a.csv",
            f"arch_id,device,latency_ms,repeats\n\n{CELL},a,4,1.5\n".encode(),
            "repeats, line 3",
        ),
        ("a.csv", f"arch_id,device,latency_ms\n\n{CELL},a,1e9\n".encode(), "in line 3"),
    ],
)
def test_a_broken_table_is_refused_with_its_name_and_row(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SchemaError, match=words) as caught:
        DeviceTablesDataset(str(tmp_path)).load()["a"]()
    assert str(tmp_path / name) in str(caught.value)


def test_optional_columns_may_be_left_out_and_cells_be_in_any_notation(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("latency_ms,device,arch_id,note\n4.5,a,300001,x\n")
    table = DeviceTablesDataset(str(tmp_path)).load()["a"]()
    assert table.iloc[0][["arch_id", "device", "latency_ms"]].tolist() == [CELL, "a", 4.5]
    assert table[["std_ms", "repeats"]].isna().all(axis=None)


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """Tables may lie elsewhere, as in the cache of DVC with links."""
    elsewhere, folder = tmp_path / "cache", tmp_path / "tables"
    DeviceTablesDataset(str(elsewhere)).save({"a": latency(1)})
    folder.mkdir()
    (folder / "a.parquet").symlink_to(elsewhere / "a.parquet")
    assert DeviceTablesDataset(str(folder)).load()["a"]().equals(latency(1))
    (elsewhere / "a.parquet").unlink()
    with pytest.raises(IntakeError, match=r"(?s)a\.parquet.*\bmissing\b"):
        DeviceTablesDataset(str(folder)).load()["a"]()


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    dataset = DeviceTablesDataset(str(tmp_path))
    old = latency(1)
    dataset.save({"a": old})
    with pytest.raises(DatasetError):
        dataset.save({"a": pd.DataFrame({"x": [object()]})})
    assert dataset.load()["a"]().equals(old)
    assert len(list(tmp_path.iterdir())) == 1


def test_devices_are_added_to_a_catalogue(tmp_path: Path) -> None:
    dataset = DeviceCatalogueDataset(str(tmp_path / "devices.yml"))
    assert dataset.exists()
    assert dataset.load() == {}
    mine = DEVICE.model_copy(update={"name": "mine"})
    dataset.save(DEVICE)
    dataset.save(mine)
    assert dataset.load() == {DEVICE.name: DEVICE, "mine": mine}
    with pytest.raises(DatasetError, match="'mine'"):
        dataset.save(mine.model_copy(update={"precision": "fp16"}))
