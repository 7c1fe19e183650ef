"""The shipped benchmark: its readers on a small one, and the real one as it lies in the package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from brpnas.datasets import (
    EMBEDDED_DATASETS,
    embedded_devices,
    embedded_facts,
    embedded_notes,
    list_architectures,
    read_embedded_accuracy,
    read_embedded_curves,
    read_embedded_latency,
    read_embedded_operations,
    shipped,
)
from brpnas.datasets.curves import curve_figures, curve_matrix
from brpnas.datasets.noise import repeat_noise, seed_noise
from brpnas.devices import get_device
from brpnas.errors import SchemaError, SourceError, UnknownNameError
from brpnas.metrics import spearman
from brpnas.predictors.layerwise import LayerwisePredictor
from tests.datasets.benchmark import CELLS, write_benchmark


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_benchmark(tmp_path / "embedded")


class TestReaders:
    def test_tables_by_name(self, folder: Path) -> None:
        assert embedded_devices(folder) == ["board"]
        assert len(read_embedded_latency("board", folder)) == CELLS
        accuracy = read_embedded_accuracy(folder)
        assert len(accuracy) == 2 * CELLS
        assert set(accuracy["dataset"]) == set(EMBEDDED_DATASETS)
        assert set(read_embedded_operations(folder)["device"]) == {"board"}

    def test_notes_name_file_hash_and_licence(self, folder: Path) -> None:
        notes = embedded_notes(folder)
        assert list(notes) == ["nb201-digits", "board"]
        content = (folder / "latency" / "board.parquet").read_bytes()
        assert notes["board"] == {
            "group": "embedded",
            "url": "brpnas/datasets/embedded/latency/board.parquet",
            "sha256": hashlib.sha256(content).hexdigest(),
            "licence": "Apache-2.0",
            "citation": "of the test",
        }

    def test_unknown_device_is_refused(self, folder: Path) -> None:
        with pytest.raises(UnknownNameError, match=r"'boards'.* 'board'\?"):
            read_embedded_latency("boards", folder)

    def test_without_files_the_error_says_what_to_do(self, tmp_path: Path) -> None:
        assert embedded_devices(tmp_path) == []
        readers = (
            read_embedded_accuracy,
            read_embedded_curves,
            read_embedded_operations,
            embedded_facts,
            embedded_notes,
        )
        for read in readers:
            with pytest.raises(SourceError, match="'embedded'"):
                read(tmp_path)

    def test_damaged_table_is_refused(self, folder: Path) -> None:
        path = folder / "latency" / "board.parquet"
        pd.read_parquet(path).assign(latency_ms=0.0).to_parquet(path)
        with pytest.raises(SchemaError, match="board"):
            read_embedded_latency("board", folder)


class TestShipped:
    def test_every_function_was_trained_and_many_with_three_seeds(self) -> None:
        valid = read_embedded_accuracy().query("split == 'valid'")
        functions = list_architectures().set_index("arch_id")["isomorphism_id"]
        trained = functions.loc[valid["arch_id"].unique()]
        assert len(trained) == trained.nunique() == 6_466
        seeds = valid.groupby("arch_id")["seed"].nunique()
        assert (seeds >= 3).sum() >= 1_500
        assert set(valid["seed"]) == {0, 1, 2}
        assert len(read_embedded_accuracy()) == 2 * len(valid)

    def test_latencies_of_three_runtimes_of_this_project(self) -> None:
        cells = {name: len(read_embedded_latency(name)) for name in embedded_devices()}
        entries = {name: get_device(name) for name in cells}
        least = {"ONNX Runtime fp32": 3_000, "torch fp32": 3_000, "ONNX Runtime int8": 1_000}
        for kind, count in least.items():
            runtime, _, precision = kind.rpartition(" ")
            of_kind = [
                cells[name]
                for name, entry in entries.items()
                if str(entry.runtime).startswith(runtime) and entry.precision == precision
            ]
            assert of_kind, f"no table of {kind}"
            assert max(of_kind) >= count
        assert all(entry.source is None and entry.licence for entry in entries.values())

    def test_operations_add_up_on_every_device(self) -> None:
        operations = read_embedded_operations()
        facts = embedded_facts()["latency"]
        assert operations["device"].value_counts().to_dict() == {
            name: stated["operations"] for name, stated in facts.items() if stated["operations"]
        }
        for device, alone in operations.groupby("device"):
            measured = read_embedded_latency(str(device))
            predictor = LayerwisePredictor(alone)
            assert predictor.executes_dead_ops == get_device(str(device)).executes_dead_ops
            predicted = predictor.predict(measured["arch_id"].tolist())
            # int8 pays for conversions between operations; single operations do not show them.
            least = 0.5 if "int8" in str(device) else 0.95
            assert spearman(predicted, measured["latency_ms"]) > least

    def test_cells_are_of_the_space(self) -> None:
        known = set(list_architectures()["arch_id"])
        tables = [read_embedded_latency(name) for name in embedded_devices()]
        assert all(set(table["arch_id"]) <= known for table in tables)

    def test_curves_are_of_every_cell_and_end_at_the_accuracies(self) -> None:
        facts, curves = embedded_facts(), read_embedded_curves()
        stated, found = facts["curves"], curve_figures(curves)
        for key in ("median", "spearman_with_last"):
            assert found.pop(key) == pytest.approx(stated[key])
        assert found == {key: stated[key] for key in found}
        assert stated["cells"] == facts["accuracy"]["cells"] == 6466
        assert stated["epochs"] == facts["accuracy"]["epochs"]
        wide, accuracy = curve_matrix(curves), read_embedded_accuracy()
        valid = accuracy[accuracy["split"] == "valid"].set_index(["arch_id", "seed"])["accuracy"]
        assert wide.iloc[:, -1].to_dict() == valid.loc[wide.index].to_dict()
        images = curves["accuracy"] * facts["accuracy"]["images"]["rows"]["valid"]
        assert (images - images.round()).abs().max() < 1e-9

    def test_noise_is_what_the_tables_say(self) -> None:
        facts, accuracy = embedded_facts(), read_embedded_accuracy()
        for split, stated in facts["accuracy"]["noise"].items():
            found = seed_noise(accuracy, "digits", split)
            for key in ("cells", "sd", "median_sd"):
                assert found[key] == pytest.approx(stated[key])
            assert len(found["pairs"]) == len(stated["pairs"]) == 3
            for pair, expected in zip(found["pairs"], stated["pairs"], strict=True):
                assert pair["seeds"] == expected["seeds"]
                assert pair["spearman"] == pytest.approx(expected["spearman"])
        for name, stated in facts["latency"].items():
            assert repeat_noise(read_embedded_latency(name)) == pytest.approx(stated["repeats"])

    def test_figures_count_the_rows(self) -> None:
        facts, accuracy = embedded_facts(), read_embedded_accuracy()
        assert facts["accuracy"]["rows"] == len(accuracy)
        assert facts["accuracy"]["cells"] == accuracy["arch_id"].nunique()
        cells = {name: stated["cells"] for name, stated in facts["latency"].items()}
        assert cells == {name: len(read_embedded_latency(name)) for name in embedded_devices()}

    def test_files_are_a_few_megabytes(self) -> None:
        files = [path for path in shipped.EMBEDDED.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < 4 * 2**20
