from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from brpnas.datasets import (
    ACCURACY,
    OPERATIONS,
    fbnet_devices,
    fetch_group,
    latbench_devices,
    list_architectures,
    shipped,
)
from brpnas.devices import Device, get_device
from brpnas.errors import ConfigurationError, SchemaError, SourceError
from brpnas.search import TableOracle
from brpnas.search.oracles import Question
from brpnas.spaces import get_space
from pipelines.datasets import AccuracyTablesDataset, DeviceFilesDataset, DeviceTablesDataset
from pipelines.ingest import create_pipeline, nodes, notes
from pipelines.ingest.nodes import (
    make_accuracy,
    make_architectures,
    make_latency,
    make_operations,
    report_ingest,
)
from tests.datasets.benchmark import CELLS
from tests.pipelines.ingest.toys import NETWORK, gives, never, own_tables, settings_of
from tests.pipelines.toys import make_accuracy as toy_accuracy
from tests.pipelines.toys import make_latency as toy_latency
from tests.pipelines.toys import make_operations as toy_operations

SPACE = list_architectures()
SOME = SPACE["arch_id"][:50].tolist()
PUBLISHED = get_space("nasbench201").published.size
Files = Callable[[], Mapping[str, Path]]
MINE = {"mine": get_device("embedded-tpu-edge-tpu-int8").model_copy(update={"name": "mine"})}


@pytest.fixture
def embedded(small_benchmark: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped benchmark is the small one."""
    readers = ("accuracy", "latency", "operations")
    for name in (*(f"read_embedded_{what}" for what in readers), "embedded_devices"):
        reader = partial(getattr(shipped, name), folder=small_benchmark)
        monkeypatch.setattr(nodes, name, reader)
    for name in ("embedded_devices", "embedded_notes"):
        monkeypatch.setattr(notes, name, partial(getattr(shipped, name), folder=small_benchmark))
    return small_benchmark


def accuracy(
    *benchmarks: str,
    trained: Mapping[str, pd.DataFrame] | None = None,
    nasbench201: Files = never,
    nasbench101: Files = never,
) -> pd.DataFrame:
    settings = settings_of(*benchmarks)
    own = own_tables(settings, trained=trained)
    return make_accuracy(settings, own, SPACE, nasbench201, nasbench101)


def latency(
    *benchmarks: str,
    measured: Mapping[str, pd.DataFrame] | None = None,
    described: Mapping[str, Device] = MINE,
    brought: Path | None = None,
) -> dict[str, pd.DataFrame]:
    settings = settings_of(*benchmarks)
    own = own_tables(settings, measured=measured, described=described, brought=brought)
    return make_latency(settings, own, SPACE, never, never, never)


def operations(*benchmarks: str, **tables: pd.DataFrame) -> pd.DataFrame:
    settings = settings_of(*benchmarks)
    return make_operations(settings, own_tables(settings, operations=tables))


def bring(folder: Path, name: str = "theirs", **changes: object) -> Path:
    """Write the file of a device as its owner would."""
    folder.mkdir(exist_ok=True)
    table = toy_latency(SOME, name)[["arch_id", "latency_ms"]].assign(**changes)
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder


class TestAccuracy:
    def test_every_cell_of_a_trained_function_has_an_answer(self, embedded: Path) -> None:
        table = accuracy("embedded")
        trained = pd.read_parquet(embedded / "nb201-digits.parquet")["arch_id"].unique()
        functions = SPACE.set_index("arch_id")["isomorphism_id"]
        isomorphic = functions[functions.isin(functions[trained])].index
        assert len(isomorphic) > len(trained) == CELLS
        oracle = TableOracle(table, "digits", 0)
        answers = {cell: oracle.answer(Question(0, cell)).accuracy for cell in isomorphic}
        assert all(
            len({answers[cell] for cell in group.index}) == 1
            for _, group in functions[isomorphic].groupby(functions[isomorphic])
        )

    def test_own_data_sets_come_below_and_empty_folders_are_no_error(self, embedded: Path) -> None:
        alone = accuracy("embedded", "measured", "trained")
        both = accuracy("embedded", "trained", trained={"mine": toy_accuracy(SOME, "mine")})
        assert set(both["dataset"]) == {"digits", "mine"}
        pd.testing.assert_frame_equal(both[both["dataset"] == "digits"], alone)

    def test_without_any_the_table_is_empty_and_valid(self) -> None:
        table = accuracy("measured", "trained")
        assert list(table.columns) == list(ACCURACY.columns)
        assert table.empty
        assert table.dtypes["seed"] == "Int64"

    def test_of_a_shipped_and_an_own_table_the_fuller_one_is_used(
        self, embedded: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        functions = SPACE.drop_duplicates("isomorphism_id")["arch_id"].tolist()
        few = {"digits": toy_accuracy(SOME, "digits")}
        all_of_it = {"digits": toy_accuracy(functions, "digits")}
        shipped, own = accuracy("embedded"), accuracy("trained", trained=all_of_it)
        assert "is used" not in caplog.text
        pd.testing.assert_frame_equal(accuracy("embedded", "trained", trained=few), shipped)
        assert re.search(r"[Ss]hipped .*\bdigits\b", caplog.text)
        assert "leave 'embedded' out" in caplog.text
        pd.testing.assert_frame_equal(accuracy("embedded", "trained", trained=all_of_it), own)
        assert re.search(r"[Oo]wn .*\bdigits\b", caplog.text)
        pd.testing.assert_frame_equal(accuracy("embedded", trained=all_of_it), shipped)

    def test_one_data_set_of_own_and_published_is_refused(self, mirror: Path) -> None:
        published = partial(fetch_group, "nasbench201", mirror=mirror, cache=mirror)
        mine = {"cifar10": toy_accuracy(SOME, "cifar10")}
        with pytest.raises(SchemaError, match="accuracies on 'cifar10', trained and nasbench201"):
            accuracy("trained", "nasbench201", trained=mine, nasbench201=published)

    @pytest.mark.slow
    def test_the_public_part_of_nasbench101_is_validation_of_whole_trainings(
        self, mirror: Path
    ) -> None:
        files = partial(fetch_group, "nasbench101", mirror=mirror, cache=mirror)
        table = accuracy("measured", "nasbench101", nasbench101=files)
        assert len(table) == table["arch_id"].nunique() == 20_001
        assert set(table["split"]) == {"valid"}
        assert set(table["epochs"]) == {108}

    def test_file_is_about_the_data_set_of_its_name(self) -> None:
        with pytest.raises(SchemaError, match=r"'mine' alone.*'dataset' says 'other'"):
            accuracy("trained", trained={"mine": toy_accuracy(SOME, "other")})

    def test_wrong_table_names_itself(self) -> None:
        bad = toy_accuracy(SOME, "mine").assign(accuracy=71.5)
        with pytest.raises(
            SchemaError, match=r"mine .*01_raw/trained .*accuracy .* 0 to 1, not 71\.5"
        ):
            accuracy("trained", trained={"mine": bad})

    def test_missing_package_data_is_an_error_only_if_asked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            nodes, "read_embedded_accuracy", partial(shipped.read_embedded_accuracy, tmp_path)
        )
        with pytest.raises(SourceError, match="'embedded'"):
            accuracy("embedded")
        accuracy("trained")


class TestLatency:
    def test_shipped_and_own_devices(self, embedded: Path) -> None:
        tables = latency("embedded", "measured", measured={"mine": toy_latency(SOME, "mine")})
        assert {name: len(table) for name, table in tables.items()} == {"board": CELLS, "mine": 50}

    def test_own_folder_may_be_empty(self, embedded: Path) -> None:
        assert list(latency("embedded", "measured", described={})) == ["board"]

    def test_nothing_at_all_says_what_would_help(self) -> None:
        with pytest.raises(
            ConfigurationError, match=r"--pipelines=measure.*embedded\b.*devices\b.*latbench"
        ):
            latency("measured", "trained")
        with pytest.raises(ConfigurationError) as caught:
            latency("nasbench201")
        assert re.search(
            r"embedded\b.*measured\b.*devices\b.*latbench\b.*help\b",
            str(caught.value),
        )
        assert "--pipelines=measure" not in str(caught.value)
        with pytest.raises(ConfigurationError, match=r"into 01_raw/devices \(docs/devices\.md\)"):
            latency("devices")

    def test_one_device_of_two_benchmarks_is_refused(self, embedded: Path) -> None:
        mine, described = {"board": toy_latency(SOME, "board")}, {"board": MINE["mine"]}
        with pytest.raises(SchemaError, match=r"'board', embedded .*measured"):
            latency("embedded", "measured", measured=mine, described=described)

    def test_device_must_be_described(self) -> None:
        with pytest.raises(ConfigurationError, match=r"'other', but devices\.yml"):
            latency("measured", measured={"other": toy_latency(SOME, "other")})

    def test_cells_must_be_of_the_space(self) -> None:
        with pytest.raises(SchemaError, match=r"1 cells that .*'\|conv_1x1~0\|'"):
            latency("measured", measured={"mine": toy_latency([*SOME, "|conv_1x1~0|"], "mine")})

    def test_table_written_by_hand(self, tmp_path: Path) -> None:
        table = toy_latency(SOME, "mine")
        table.to_csv(tmp_path / "mine.csv", index=False)
        measured = {k: read() for k, read in DeviceTablesDataset(str(tmp_path)).load().items()}
        found = latency("measured", measured=measured)["mine"]
        assert set(found["network_size"]) == {PUBLISHED}
        table["network_size"] = PUBLISHED
        texts = dict.fromkeys(("arch_id", "device", "network_size"), "str")
        pd.testing.assert_frame_equal(found, table.astype(texts))

    def test_a_precision_is_kept_or_said_to_be_assumed(
        self, embedded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            silent = latency("embedded", "devices", brought=bring(tmp_path / "silent"))
            assert "precision" not in silent["theirs"]
            assumed = [r.getMessage() for r in caplog.records if r.name == "pipelines.sizes"]
            assert any(re.search(r"\bprecision .*\btheirs\b", said) for said in assumed)
            caplog.clear()
            stated = latency("devices", brought=bring(tmp_path / "int8", precision="int8"))
            assert set(stated["theirs"]["precision"]) == {"int8"}
            assumed = [r.getMessage() for r in caplog.records if r.name == "pipelines.sizes"]
            assert not any("precision" in said for said in assumed)

    def test_a_size_in_some_rows_only_is_refused(self) -> None:
        """Else rows of unknown networks would pass as rows of the size that the others state."""
        sizes = pd.Series([PUBLISHED, None] * 25, dtype="str")
        table = toy_latency(SOME, "mine").assign(network_size=sizes)
        with pytest.raises(SchemaError, match=r"\bnetwork_size .*rows 1, 3, 5, 7, 9 and 20 more"):
            latency("measured", measured={"mine": table})


class TestBroughtDevices:
    def test_file_needs_no_entry_anywhere(self, embedded: Path, tmp_path: Path) -> None:
        folder = bring(tmp_path / "devices")
        tables = latency("embedded", "devices", brought=folder, described={})
        assert list(tables) == ["board", "theirs"]
        expected = toy_latency(SOME, "theirs").set_index("arch_id")["latency_ms"]
        found = tables["theirs"].set_index("arch_id")["latency_ms"]
        pd.testing.assert_series_equal(found, expected.sort_index(), check_index_type=False)

    def test_files_are_not_read_unless_asked_for(self, embedded: Path, tmp_path: Path) -> None:
        folder = bring(tmp_path / "devices", latency_ms=-1.0)
        assert list(latency("embedded", brought=folder)) == ["board"]

    def test_flags_are_warnings(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        even = toy_latency(SOME, "quiet")["latency_ms"] + [i / 1000 for i in range(50)]
        latency("devices", brought=bring(tmp_path / "quiet", "quiet", latency_ms=even))
        assert [r for r in caplog.records if r.levelname == "WARNING"] == []
        latency("devices", brought=bring(tmp_path / "devices", note="x"))
        assert re.search(r"theirs\.csv .*\btheirs: 50 cells", caplog.text)
        assert "unknown column" in caplog.text

    def test_device_that_was_measured_too_is_refused(self, tmp_path: Path) -> None:
        folder = bring(tmp_path / "devices", "mine")
        measured = {"mine": toy_latency(SOME, "mine")}
        with pytest.raises(SchemaError, match=r"'mine', measured .*devices"):
            latency("measured", "devices", measured=measured, brought=folder)
        assert list(latency("devices", measured=measured, brought=folder)) == ["mine"]


class TestOperations:
    def test_of_shipped_and_own_devices(self, embedded: Path) -> None:
        mine = toy_operations("mine")
        both = operations("embedded", "measured", mine=mine)
        assert set(both["device"]) == {"board", "mine"}
        alone = operations("embedded", "trained", mine=mine)
        assert set(alone["device"]) == {"board"}

    def test_without_any_the_table_is_empty_and_valid(self) -> None:
        table = operations("measured", "latbench")
        assert list(table.columns) == list(OPERATIONS.columns)
        assert table.empty

    def test_wrong_table_names_itself(self) -> None:
        bad = toy_operations("mine").assign(latency_ms=-1.0)
        with pytest.raises(SchemaError, match=r"mine in 01_raw/measured/operations.*latency_ms"):
            operations("measured", mine=bad)

    def test_a_copied_file_is_refused(self, embedded: Path) -> None:
        mine = toy_operations("mine")
        with pytest.raises(SchemaError, match=r"'copy' alone.*says 'mine'"):
            operations("measured", mine=mine, copy=mine)
        with pytest.raises(
            SchemaError, match=r"\(device, part, stage\) .*rows 0, 1, 2, 3, 4 and 11 more"
        ):
            operations("embedded", "measured", board=toy_operations("board"))


def test_report_counts_rows_and_functions_and_names_twins_and_sources() -> None:
    slow = toy_latency(SOME, "slow").assign(latency_ms=[5.0 + (i * 7) % 50 for i in range(50)])
    tables = {"a": toy_latency(SOME, "a"), "b": toy_latency(SOME, "b"), "slow": slow}
    functions = SPACE["isomorphism_id"][:50].nunique()
    settings = settings_of("latbench")
    report = report_ingest(
        settings,
        own_tables(settings),
        SPACE,
        pd.concat([toy_accuracy(SOME, "cifar10"), toy_accuracy(SOME[:1], "cifar100")]),
        {name: gives(table) for name, table in tables.items()},
    )
    assert report["rows"] == {
        "architectures": 15_625,
        "accuracy": {"cifar10": 250, "cifar100": 5},
        "latency": {"a": 50, "b": 50, "slow": 50},
    }
    assert report["functions_with_accuracy"] == {"cifar10": functions, "cifar100": 1}
    assert report["near_twins"] == [{"devices": ["a", "b"], "spearman": 1.0}]
    assert sorted(report["sources"]) == sorted(latbench_devices())


def run(benchmarks: Sequence[str], tmp_path: Path, **published: object) -> dict[str, Any]:
    """Run the pipeline on these published files and the user's tables in the folder."""
    outputs = ("architectures", "accuracy", "operations", "ingest_report")
    catalog = DataCatalog(
        {
            "published_latbench": MemoryDataset(published.get("latbench", never)),
            "published_help": MemoryDataset(published.get("help", never)),
            "published_fbnet": MemoryDataset(published.get("fbnet", never)),
            "device_files": DeviceFilesDataset(str(tmp_path / "devices")),
            "published_nasbench101": MemoryDataset(published.get("nasbench101", never)),
            "published_nasbench201": MemoryDataset(published.get("nasbench201", never)),
            "measured_latency": DeviceTablesDataset(str(tmp_path / "measured")),
            "measured_operations": DeviceTablesDataset(str(tmp_path / "measured" / "operations")),
            "measured_devices": MemoryDataset(MINE),
            "trained_accuracy": AccuracyTablesDataset(str(tmp_path / "trained")),
            "params:space": MemoryDataset("nasbench201"),
            "params:ingest": MemoryDataset(
                {"benchmarks": list(benchmarks), "sample": None, "seed": 0}
            ),
            "params:retrain.least_rows": MemoryDataset(10),
            "params:retrain.unit_check": MemoryDataset(True),
            "params:network": MemoryDataset(NETWORK),
        }
        | {name: Kept() for name in outputs}
    )
    catalog["latency"] = LazyMemory()
    SequentialRunner().run(create_pipeline(), catalog)
    return {name: catalog[name].load() for name in (*outputs, "latency")}


def test_pipeline_without_mirror_or_network(embedded: Path, tmp_path: Path) -> None:
    (tmp_path / "measured").mkdir()
    toy_latency(SOME, "mine").to_csv(tmp_path / "measured" / "mine.csv", index=False)
    AccuracyTablesDataset(str(tmp_path / "trained")).save({"own": toy_accuracy(SOME, "own")})
    bring(tmp_path / "devices")
    made = run(("embedded", "measured", "devices", "trained"), tmp_path)
    assert len(made["architectures"]) == 15_625
    assert set(made["accuracy"]["dataset"]) == {"digits", "own"}
    assert set(made["latency"]) == {"board", "mine", "theirs"}
    assert set(made["operations"]["device"]) == {"board"}
    groups = {name: note["group"] for name, note in made["ingest_report"]["sources"].items()}
    assert groups == {
        "nb201-digits": "embedded",
        "board": "embedded",
        "theirs": "devices",
        "mine": "measured",
        "trained-own": "trained",
    }


@pytest.mark.slow
def test_pipeline_on_the_published_files(mirror: Path, tmp_path: Path) -> None:
    groups = ("latbench", "nasbench201", "help")
    published = {g: partial(fetch_group, g, mirror=mirror, cache=tmp_path) for g in groups}
    report = run(groups, tmp_path, **published)["ingest_report"]
    assert report["rows"]["architectures"] == 15_625
    assert len(report["rows"]["latency"]) == 13 + 3
    assert report["rows"]["latency"]["pixel3"] == 15_497
    assert report["functions_with_accuracy"]["cifar100"] == 6_466
    assert [pair["devices"] for pair in report["near_twins"]] == [
        ["desktop-cpu-core-i7-7820x-fp32", "desktop-gpu-gtx-1080ti-fp32"]
    ]
    assert len(report["sources"]) == 13 + 3 + 5
    assert report["sources"]["pixel3"]["devices"] == ["pixel3"]


@pytest.mark.data
def test_tables_of_a_space_too_large_to_list(mirror: Path, tmp_path: Path) -> None:
    """Every measured architecture is listed beside the random ones."""
    network = get_space("fbnet").published
    settings = replace(settings_of("fbnet", space="fbnet", sample=20), network=network)
    published = partial(fetch_group, "fbnet", mirror=mirror, cache=tmp_path)
    space = make_architectures(settings, own_tables(settings), never, published)
    assert len(space) == 5000 + 20
    assert space[["params_m", "flops_m"]].notna().all(axis=None)
    tables = make_latency(settings, own_tables(settings), space, never, never, published)
    assert list(tables) == fbnet_devices()
    for table in tables.values():
        assert set(table["arch_id"]) < set(space["arch_id"])
        assert set(table["network_size"]) == {network.size}
    report = report_ingest(
        settings,
        own_tables(settings),
        space,
        toy_accuracy([], "digits"),
        {name: gives(table) for name, table in tables.items()},
    )
    held = {name: note["devices"] for name, note in report["sources"].items()}
    assert held == {"fbnet-architectures": [], **{name: [name] for name in tables}}


class Kept(MemoryDataset):
    """Keeps its data after the run too."""

    def _release(self) -> None: ...


class LazyMemory(Kept):
    """Gives back each partition as a function, as a partitioned data set does."""

    def load(self) -> object:
        return {name: gives(table) for name, table in super().load().items()}
