from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node

from brpnas.devices import get_device
from brpnas.errors import (
    BrpNasError,
    ConfigurationError,
    ConstraintError,
    IntakeError,
    UnknownNameError,
)
from brpnas.spaces import get_space
from brpnas.spaces.nasbench201 import published_cells
from pipelines.checks import MissingInputError, check_inputs, check_parameters
from pipelines.datasets import (
    AccuracyTablesDataset,
    DeviceCatalogueDataset,
    DeviceFilesDataset,
    DevicePriorDataset,
)
from pipelines.pipeline_registry import register_pipelines
from tests.pipelines.parameters import base, changed
from tests.pipelines.toys import make_latency

GOOD: dict[str, Any] = {
    "space": "nasbench201",
    "device": "desktop-cpu-core-i7-7820x-fp32",
    "dataset": "cifar100",
    "constraints": ["latency_ms <= 5"],
    "objectives": ["accuracy"],
    "ingest": base("ingest", benchmarks=["measured", "trained", "nasbench201", "latbench"]),
    "search": base("search"),
    "export": base("export"),
    "timing": base("timing"),
    "retrain": base("retrain"),
}


def reads(*names: str) -> Pipeline:
    return Pipeline([node(lambda *_: 0, inputs=list(names), outputs="out", name="n")])


ALL = reads("latency", "params:device", "params:dataset", "params:constraints")


def test_good_names_pass() -> None:
    check_parameters(ALL, GOOD)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"device": "desktop-cpu-core-i7-7820x"},
            UnknownNameError,
            r"'desktop-cpu-core-i7-7820x'.* 'desktop-cpu-core-i7-7820x-fp32'\?",
        ),
        ({"dataset": "cifar1000"}, UnknownNameError, r"'cifar1000'.* 'cifar100'\?"),
        ({"constraints": ["latency <= 5"]}, ConstraintError, "latency_ms"),
        ({"constraints": ["latency_ms = 5"]}, ConstraintError, "latency_ms"),
    ],
)
def test_bad_names_are_refused(change: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        check_parameters(ALL, GOOD | change)


POCKET = str(Path(__file__).parents[1] / "spaces" / "own" / "pocket_space.py")


@pytest.mark.parametrize("text", ["flops_m <= 40", "latency_ms + 0.1*params_m <= 3"])
def test_a_cost_that_the_space_does_not_know_is_named(text: str) -> None:
    of_constraints = reads("params:constraints")
    check_parameters(of_constraints, GOOD | {"constraints": [text]})
    own = changed(GOOD, {"space": POCKET, "ingest": {"benchmarks": ["measured"]}})
    check_parameters(of_constraints, own)
    needed = "flops_m" if "flops_m" in text else "params_m"
    with pytest.raises(ConfigurationError, match=rf"needs {needed}, .*its method `cost`"):
        check_parameters(of_constraints, own | {"constraints": [text]})


@pytest.mark.parametrize(("sampler", "prior"), [("brp", 10), ("brp", 0), ("random", 10)])
def test_so_is_one_that_the_prior_of_the_search_lacks(
    sampler: str, prior: int, caplog: pytest.LogCaptureFixture
) -> None:
    search = {"oracle": {"name": "train"}, "sampler": {"name": sampler, "flops_prior": prior}}
    for space, lacks in (("nasbench201", False), (POCKET, True)):
        caplog.clear()
        check_parameters(reads("params:search"), changed(GOOD, {"space": space, "search": search}))
        warned = "method `cost`" in caplog.text
        assert warned == (lacks and sampler == "brp" and prior > 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"oracle": {"final_training": True}},
            r"search\.oracle\.final_training .*True.*\bauto\b",
        ),
        (
            {"oracle": {"metric": "balanced_accuracy"}},
            r"search\.oracle\.metric is 'balanced_accuracy'.*to accuracy",
        ),
        ({"early_stopping": True}, r"search\.early_stopping is True.*to false"),
    ],
)
@pytest.mark.parametrize("oracle", ["table", "file", "surrogate"])
def test_settings_of_trainings_are_refused_where_nothing_is_trained(
    change: dict[str, Any], message: str, oracle: str
) -> None:
    of_search = reads("params:search")
    check_parameters(of_search, changed(GOOD, {"search": {"oracle": {"name": oracle}}}))
    wrong = changed(changed(GOOD, {"search": change}), {"search": {"oracle": {"name": oracle}}})
    with pytest.raises(ConfigurationError, match=message):
        check_parameters(of_search, wrong)
    check_parameters(of_search, changed(wrong, {"search": {"oracle": {"name": "train"}}}))


@pytest.fixture
def own(tmp_path: Path) -> DataCatalog:
    """The catalog of a user with one measured device and one data set."""
    devices = DeviceCatalogueDataset(str(tmp_path / "measured" / "devices.yml"))
    devices.save(get_device(GOOD["device"]).model_copy(update={"name": "mine"}))
    trained = AccuracyTablesDataset(str(tmp_path / "trained"))
    trained.save({"flowers": pd.DataFrame({"x": [1]})})
    bring(tmp_path / "devices", "theirs")
    return DataCatalog(
        {
            "measured_devices": devices,
            "trained_accuracy": trained,
            "device_files": DeviceFilesDataset(str(tmp_path / "devices")),
        }
    )


def bring(folder: Path, name: str, **changes: object) -> None:
    """Write the file of a device as its owner would."""
    folder.mkdir(exist_ok=True)
    table = make_latency(list(published_cells()[:20]), name)[["arch_id", "latency_ms"]]
    table.assign(**changes).to_csv(folder / f"{name}.csv", index=False)


def test_own_devices_and_data_sets_are_known(own: DataCatalog) -> None:
    check_parameters(ALL, GOOD | {"device": "mine", "dataset": "flowers"}, own)
    with pytest.raises(UnknownNameError, match=r"'mime'.* 'mine'\?"):
        check_parameters(ALL, GOOD | {"device": "mime"}, own)
    with pytest.raises(UnknownNameError, match=r"'flower'.* 'flowers'\?"):
        check_parameters(ALL, GOOD | {"dataset": "flower"}, own)
    with pytest.raises(UnknownNameError, match="'mine'"):
        check_parameters(ALL, GOOD | {"device": "mine"})


def test_devices_that_were_brought_are_known(own: DataCatalog) -> None:
    values = changed(
        GOOD, {"device": "theirs", "ingest": {"benchmarks": ["devices", "nasbench201"]}}
    )
    check_parameters(ALL, values, own)
    with pytest.raises(UnknownNameError, match=r"'their'.* 'theirs'\?"):
        check_parameters(ALL, values | {"device": "their"}, own)


@pytest.mark.parametrize("benchmark", ["measured", "devices"])
def test_a_device_may_be_held_by_a_benchmark_that_is_left_out(
    own: DataCatalog, tmp_path: Path, benchmark: str
) -> None:
    bring(tmp_path / "devices", "mine")
    values = changed(GOOD, {"device": "mine", "ingest": {"benchmarks": [benchmark, "nasbench201"]}})
    check_parameters(ALL, values, own)


class TestFilesThatWereBrought:
    INGEST = reads("params:ingest", "device_files")
    ASKED = changed(GOOD, {"ingest": {"benchmarks": ["embedded", "devices"]}})

    def test_good_ones_pass(self, own: DataCatalog) -> None:
        check_parameters(self.INGEST, self.ASKED, own)

    def test_a_refused_one_stops_the_run_of_its_own_device_alone(
        self, own: DataCatalog, tmp_path: Path
    ) -> None:
        bring(tmp_path / "devices", "one", latency_ms=-1.0)
        bring(tmp_path / "devices", "two", arch_id="nonsense")
        check_parameters(self.INGEST, self.ASKED, own)
        check_parameters(self.INGEST, self.ASKED | {"device": "theirs"}, own)
        for device, kind in {"one": "negative latency", "two": "unknown cell"}.items():
            with pytest.raises(IntakeError, match=rf"{device}\.csv ") as caught:
                check_parameters(self.INGEST, self.ASKED | {"device": device}, own)
            assert kind in {finding.kind for finding in caught.value.findings}
            assert "theirs.csv" not in str(caught.value)

    def test_limits_are_those_of_retrain(self, own: DataCatalog, tmp_path: Path) -> None:
        bring(tmp_path / "devices", "slow", latency_ms=[900.0 + i for i in range(20)])
        values = self.ASKED | {"device": "slow"}
        with pytest.raises(IntakeError, match="unit"):
            check_parameters(self.INGEST, values, own)
        lenient = changed(values, {"retrain": {"unit_check": False}})
        check_parameters(self.INGEST, lenient, own)
        more = changed(lenient, {"retrain": {"least_rows": 30}})
        with pytest.raises(IntakeError, match="30 are needed"):
            check_parameters(self.INGEST, more, own)

    def test_only_if_they_are_asked_for_and_read(self, own: DataCatalog, tmp_path: Path) -> None:
        bring(tmp_path / "devices", "one", latency_ms=-1.0)
        check_parameters(self.INGEST, GOOD, own)
        check_parameters(reads("latency", "params:device"), self.ASKED | {"device": "theirs"}, own)


@pytest.mark.parametrize(
    ("change", "benchmarks", "missing"),
    [
        ({}, ["nasbench201", "measured"], "latbench"),
        ({"device": "pixel3"}, ["nasbench201", "latbench"], "help"),
        ({"device": "theirs"}, ["nasbench201", "latbench"], "devices"),
        ({}, ["latbench", "embedded"], "nasbench201"),
        ({"device": "mine"}, ["latbench", "nasbench201"], "measured"),
        ({"dataset": "flowers"}, ["latbench", "nasbench201"], "trained"),
        ({"dataset": "digits"}, ["latbench", "trained"], "embedded"),
    ],
)
def test_benchmark_that_holds_it_must_be_read(
    change: dict[str, Any], benchmarks: list[str], missing: str, own: DataCatalog
) -> None:
    values = changed(GOOD, {**change, "ingest": {"benchmarks": benchmarks}})
    with pytest.raises(ConfigurationError, match=f"Add '{missing}'") as caught:
        check_parameters(ALL, values, own)
    hint = "--env=latbench" in str(caught.value)
    assert hint == (missing in ("latbench", "nasbench201"))


def test_digits_may_be_the_shipped_or_ones_own(own: DataCatalog) -> None:
    digits = GOOD | {"dataset": "digits"}
    for benchmarks in (["embedded", "latbench"], ["trained", "latbench"]):
        if "trained" in benchmarks:
            own["trained_accuracy"].save({"digits": pd.DataFrame({"x": [1]})})
        check_parameters(ALL, changed(digits, {"ingest": {"benchmarks": benchmarks}}), own)


def test_an_oracle_that_trains_needs_no_table() -> None:
    check_parameters(
        ALL, changed(GOOD, {"dataset": "flowers", "search": {"oracle": {"name": "train"}}})
    )


def test_what_the_pipeline_itself_makes_need_not_be_there_yet() -> None:
    makes = Pipeline(
        [node(lambda: (0, 0), None, ["measured_devices", "trained_accuracy"], name="make")]
    )
    check_parameters(makes + ALL, GOOD | {"device": "mine", "dataset": "flowers"})


def test_only_what_the_pipeline_uses_is_checked() -> None:
    check_parameters(reads("params:ingest"), GOOD | {"device": "nonsense"})


def test_a_device_that_no_table_is_read_of_needs_none() -> None:
    """`retrain` reads the device's own file, which no catalogue lists, and says so itself."""
    check_parameters(register_pipelines()["retrain"], GOOD | {"device": "nowhere-yet"})
    both = register_pipelines()["retrain"] + register_pipelines()["train"]
    with pytest.raises(UnknownNameError, match="nowhere-yet"):
        check_parameters(both, GOOD | {"device": "nowhere-yet"})


def test_promote_asks_for_what_is_exported_first() -> None:
    with pytest.raises(MissingInputError, match="--pipelines=ingest,featurise,train,search,export"):
        check_inputs(register_pipelines()["promote"], DataCatalog({}))


def test_missing_input_names_the_stage_that_makes_it() -> None:
    catalog = DataCatalog({"architectures": MemoryDataset(1), "space_graphs": MemoryDataset()})
    check_inputs(reads("architectures", "params:x"), catalog)
    with pytest.raises(MissingInputError, match=r"space_graphs.*--pipelines=featurise`") as caught:
        check_inputs(reads("architectures", "space_graphs"), catalog)
    assert isinstance(caught.value, BrpNasError)


class TestSpaces:
    INGEST = reads("params:space", "params:ingest")

    @pytest.mark.parametrize(
        ("space", "benchmarks"),
        [
            ("nasbench201", ["embedded", "measured", "devices", "trained", "latbench", "help"]),
            ("nasbench101", ["measured", "trained", "nasbench101"]),
            ("darts", ["measured", "nasbench301"]),
            ("docs/examples/chain_space.py", ["measured", "devices", "trained"]),
        ],
    )
    def test_benchmarks_of_the_space_or_of_any(self, space: str, benchmarks: list[str]) -> None:
        values = changed(GOOD, {"space": space, "ingest": {"benchmarks": benchmarks}})
        check_parameters(self.INGEST, values)

    def test_a_benchmark_of_another_space_is_refused(self) -> None:
        values = GOOD | {"space": "darts"}
        with pytest.raises(
            ConfigurationError,
            match=r"'nasbench201'.*'nasbench201'.*\bnasbench301\b",
        ):
            check_parameters(self.INGEST, values)

    @pytest.mark.parametrize(
        ("space", "error", "message"),
        [
            ("nasbench102", UnknownNameError, r"'nasbench102'.* 'nasbench101'\?"),
            ("nowhere.py", ConfigurationError, "'nowhere.py'"),
        ],
    )
    def test_an_unknown_space_is_told_at_once(self, space: str, error: type, message: str) -> None:
        with pytest.raises(error, match=message):
            check_parameters(reads("params:space"), GOOD | {"space": space})

    def test_a_name_is_looked_up_among_the_benchmarks_of_the_space(self) -> None:
        asked = {"ingest": {"benchmarks": ["measured", "nasbench101"]}, "space": "nasbench101"}
        check_parameters(reads("params:dataset"), changed(GOOD, asked) | {"dataset": "cifar10"})
        with pytest.raises(UnknownNameError, match="cifar100"):
            check_parameters(reads("params:dataset"), changed(GOOD, asked))
        with pytest.raises(UnknownNameError, match="core-i7"):
            check_parameters(reads("latency", "params:device"), changed(GOOD, asked))

    @pytest.mark.parametrize(
        "change", [{"space": "nasbench201"}, {"dataset": "digits"}, {"benchmarks": ["measured"]}]
    )
    def test_the_surrogate_answers_for_one_task(self, change: dict[str, Any]) -> None:
        task = {"space": "darts", "dataset": "cifar10", "search": {"oracle": {"name": "surrogate"}}}
        good = changed(GOOD, {**task, "ingest": {"benchmarks": ["measured", "nasbench301"]}})
        check_parameters(reads("params:dataset"), good)
        benchmarks = change.pop("benchmarks", good["ingest"]["benchmarks"])
        bad = changed(good, {**change, "ingest": {"benchmarks": benchmarks}})
        with pytest.raises(ConfigurationError, match="--env=darts"):
            check_parameters(reads("params:dataset"), bad)

    def test_retraining_needs_a_prior_of_the_space(self, tmp_path: Path) -> None:
        stages, darts = register_pipelines(), GOOD | {"space": "darts"}
        file = tmp_path / "prior.safetensors"
        catalog = DataCatalog({"device_prior": DevicePriorDataset(file)})
        with pytest.raises(ConfigurationError, match=r"'darts'.*--pipelines="):
            check_parameters(stages["retrain"], darts, catalog)
        check_parameters(stages["retrain"], GOOD, catalog)
        check_parameters(stages["pretrain"], darts, catalog)
        file.touch()
        check_parameters(stages["retrain"], darts, catalog)


@pytest.mark.parametrize("reader", ["params:search", "params:export"])
def test_a_network_that_cannot_be_deployed_is_refused_before_the_search(reader: str) -> None:
    check_parameters(reads(reader), GOOD)
    int8 = GOOD | {"export": base("export", precision="int8")}
    with pytest.raises(ConfigurationError, match=r"export\.precision is 'int8'"):
        check_parameters(reads(reader), int8)
    check_parameters(reads(reader), int8 | {"search": base("search", oracle={"name": "train"})})
    check_parameters(reads("params:ingest"), int8)


def test_the_runtime_of_the_device_must_have_the_precision() -> None:
    torch = get_device("amd-epyc-torch-fp32-1t")
    given = GOOD | {
        "device": torch.name,
        "search": base("search", oracle={"name": "train"}),
        "export": base("export", precision="int8"),
    }
    with pytest.raises(ConfigurationError, match=r"export\.precision.* torch eager"):
        check_parameters(reads("params:search"), given)
    fine = given | {"export": base("export", precision="int8", runtime="onnxruntime")}
    check_parameters(reads("params:search"), fine)


def test_a_source_may_be_of_an_objective() -> None:
    own = GOOD | {"search": {**GOOD["search"], "limits": {"source": {"energy_mj": "table"}}}}
    of_constraints = reads("params:constraints")
    check_parameters(of_constraints, own | {"objectives": ["accuracy", "-energy_mj"]})
    with pytest.raises(ConfigurationError, match="'energy_mj'"):
        check_parameters(of_constraints, own)


class TestSizes:
    WHOLE = sum((register_pipelines()[n] for n in ("ingest", "train", "search")), Pipeline([]))
    PUBLISHED = get_space("nasbench201").published
    TRAINS = GOOD | {
        "search": base("search", oracle={"name": "train"}),
        "network": asdict(PUBLISHED) | {"input_shape": (3, 32, 32)},
    }

    def values(self, **changes: object) -> dict[str, Any]:
        network = {k: v for k, v in self.TRAINS["network"].items() if k != "executes_dead_ops"}
        return self.TRAINS | {"network": network | changes}

    def test_other_networks_than_the_device_was_measured_with_are_refused(
        self, own: DataCatalog
    ) -> None:
        check_parameters(self.WHOLE, self.values(), own)
        check_parameters(self.WHOLE, self.values(classes=5) | {"search": base("search")}, own)
        with pytest.raises(ConfigurationError) as refused:
            check_parameters(self.WHOLE, self.values(classes=5), own)
        for size in (self.PUBLISHED, replace(self.PUBLISHED, classes=5)):
            assert size.size in str(refused.value)

    def test_a_file_states_its_own_size(self, own: DataCatalog, tmp_path: Path) -> None:
        small = replace(self.PUBLISHED, channels=8).size
        bring(tmp_path / "devices", "small", network_size=small)
        asked = {"device": "small", "ingest": base("ingest", benchmarks=["devices", "nasbench201"])}
        check_parameters(self.WHOLE, self.values(channels=8) | asked, own)
        with pytest.raises(ConfigurationError, match="'small'"):
            check_parameters(self.WHOLE, self.values() | asked, own)

    def test_a_device_that_the_run_measures_has_the_size_of_the_run(self, own: DataCatalog) -> None:
        whole = register_pipelines()["measure"] + self.WHOLE
        check_parameters(whole, self.values(classes=5), own)
