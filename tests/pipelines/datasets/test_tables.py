from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from kedro.io import AbstractDataset, DataCatalog

from pipelines.datasets import JSONDataset, ParquetDataset, TextDataset


def test_table_keeps_null_seeds_and_texts(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"arch_id": ["a", "b"], "seed": pd.array([777, None], dtype="Int64"), "accuracy": [0.5, 1]}
    )
    dataset = ParquetDataset(filepath=str(tmp_path / "accuracy.parquet"))
    dataset.save(table)
    loaded = dataset.load()
    assert loaded["seed"].dtype == "Int64"
    assert loaded["seed"].isna().tolist() == [False, True]
    assert loaded["accuracy"].tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("kind", "data"), [(JSONDataset, {"b": [1, None], "a": "ü"}), (TextDataset, "<p>µs</p>\n")]
)
def test_round_trip(tmp_path: Path, kind: type[AbstractDataset], data: object) -> None:
    dataset = kind(filepath=str(tmp_path / "folder" / "file"))
    assert not dataset.exists()
    dataset.save(data)
    assert dataset.exists()
    assert dataset.load() == data


def test_catalog_makes_them_from_configuration(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    catalog = DataCatalog.from_config(
        {
            "metrics": {
                "type": "pipelines.datasets.JSONDataset",
                "filepath": str(path),
                "save_args": {"indent": 2},
                "metadata": {"mlflow": "metrics"},
            }
        }
    )
    catalog["metrics"].save({"a": 1})
    assert path.read_text() == '{\n  "a": 1\n}'


def test_text_is_utf_8_where_the_locale_is_not(tmp_path: Path) -> None:
    code = (
        "from pipelines.datasets import JSONDataset, TextDataset\n"
        "for kind in (JSONDataset, TextDataset):\n"
        "    dataset = kind(filepath=kind.__name__)\n"
        "    dataset.save('\\u25c2')\n"
        "    assert dataset.load() == '\\u25c2'"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=tmp_path,
        env=os.environ
        | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert (tmp_path / "TextDataset").read_text("utf-8") == "\u25c2"
    assert (tmp_path / "JSONDataset").read_text("utf-8") == '"\\u25c2"'
