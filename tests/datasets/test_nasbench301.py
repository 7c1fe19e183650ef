"""The surrogate of NAS-Bench-301: its encoding by definition, and evidence that it is right."""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import scipy.stats
from onnx import TensorProto, helper, numpy_helper

from brpnas.datasets import fetch_group
from brpnas.datasets.nasbench301 import EPOCHS, PREDICTIONS, Surrogate
from brpnas.errors import ArchitectureError, ConfigurationError, SchemaError
from brpnas.spaces.darts import Darts
from tests.spaces.darts.examples import DARTS_V2_ID, PC_DARTS, chain_of
from tests.spaces.darts.slow import LONG, read

PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
OPERATIONS = sorted(LONG.values())
EDGES = [(source, target) for target in range(2, 6) for source in range(target)]


@pytest.fixture(scope="module")
def published(mirror, tmp_path_factory) -> dict[str, Path]:
    return fetch_group("nasbench301", mirror=mirror, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def surrogate(published) -> Surrogate:
    return Surrogate.from_files(published)


@pytest.fixture(scope="module")
def arch_ids() -> list[str]:
    return Darts().sample(np.random.default_rng(0), 1000)


@pytest.fixture(scope="module")
def rng_sample() -> list[str]:
    return Darts().sample(np.random.default_rng(7), 200)


def pairs(node: int) -> list[str]:
    return [f"{a}_{b}" for a, b in itertools.combinations(range(node), 2)]


def encoding() -> dict[str, dict[str, int]]:
    """The published encoding, from its definition: sorted categories, absence first."""
    tables = {}
    for cell in ("normal", "reduce"):
        choices = {f"edge_{cell}_{i}": OPERATIONS for i in range(14)}
        choices |= {f"inputs_node_{cell}_{node}": pairs(node) for node in (3, 4, 5)}
        for name, values in choices.items():
            tables[PREFIX + name] = {v: i for i, v in enumerate(["#na#", *values])}
    return tables


def config_space() -> dict[str, list[dict[str, object]]]:
    """The parts of the published configuration space in use."""
    names = encoding()
    hyperparameters = [
        {"name": name, "choices": [v for v in values if v != "#na#"]}
        for name, values in names.items()
    ]
    conditions = [
        {
            "child": f"{PREFIX}edge_{cell}_{i}",
            "parent": f"{PREFIX}inputs_node_{cell}_{target}",
            "type": "IN",
            "values": [p for p in pairs(target) if str(source) in p.split("_")],
        }
        for cell in ("normal", "reduce")
        for i, (source, target) in enumerate(EDGES)
        if target > 2
    ]
    return {"hyperparameters": [*hyperparameters, {"name": "epoch"}], "conditions": conditions}


def by_definition(arch_id: str) -> list[int]:
    """Categories of an architecture, one hyperparameter after the other."""
    tables = encoding()
    row = []
    for cell, nodes in zip(("normal", "reduce"), read(arch_id), strict=True):
        for i, (source, target) in enumerate(EDGES):
            there = [LONG[op] for op, s in nodes[target - 2] if s == source] or ["#na#"]
            row.append(tables[f"{PREFIX}edge_{cell}_{i}"][there[0]])
    for cell, nodes in zip(("normal", "reduce"), read(arch_id), strict=True):
        for node in (3, 4, 5):
            a, b = sorted(s for _, s in nodes[node - 2])
            row.append(tables[f"{PREFIX}inputs_node_{cell}_{node}"][f"{a}_{b}"])
    return row


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path, Path]:
    """A network of the right kind, and encoding and space as published."""
    paths = tmp_path / "model.onnx", tmp_path / "encoding.json", tmp_path / "space.json"
    save_model(paths[0], outputs=4)
    paths[1].write_text(json.dumps(encoding()))
    paths[2].write_text(json.dumps(config_space()))
    return paths


def save_model(path: Path, outputs: int) -> None:
    """Network that gives the first categories times the epoch."""
    inputs = [
        helper.make_tensor_value_info("x_cat", TensorProto.INT32, ["n", 34]),
        helper.make_tensor_value_info("x_cont", TensorProto.FLOAT, ["n", 1]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", outputs])
    nodes = [
        helper.make_node("Cast", ["x_cat"], ["cat"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["cat", "start", "end", "axes"], ["four"]),
        helper.make_node("Mul", ["four", "x_cont"], ["output"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([value], np.int64), name)
        for name, value in (("start", 0), ("end", outputs), ("axes", 1))
    ]
    graph = helper.make_graph(nodes, "toy", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))


class TestEncoding:
    def test_equals_the_definition(self, files, rng_sample):
        arch_ids = [DARTS_V2_ID, *rng_sample]
        found = Surrogate(*files).encode(arch_ids)
        assert found.dtype == np.int32
        assert found.tolist() == [by_definition(arch_id) for arch_id in arch_ids]

    def test_rows_go_through_the_model_in_order(self, files, rng_sample):
        surrogate = Surrogate(*files)
        many = rng_sample * 3
        expected = 7.0 * surrogate.encode(many)[:, :4]
        assert np.array_equal(surrogate.predict_all(many, epochs=7), expected)
        assert np.array_equal(surrogate.predict(many, epochs=7), expected[:, 0])

    @pytest.mark.parametrize("symmetric", [False, True])
    def test_no_architectures_have_no_predictions(self, files, symmetric):
        assert Surrogate(*files, symmetric).predict_all([]).shape == (0, len(PREDICTIONS))

    def test_nonsense_is_refused(self, files):
        with pytest.raises(ArchitectureError, match="nonsense"):
            Surrogate(*files).predict([DARTS_V2_ID, "nonsense"])

    @pytest.mark.parametrize("epochs", [0, -1, EPOCHS + 1])
    def test_other_trainings_are_unknown(self, files, epochs):
        with pytest.raises(ConfigurationError, match=f"1 to 98 epochs, not {epochs}"):
            Surrogate(*files).predict([DARTS_V2_ID], epochs)

    def test_without_onnxruntime_it_says_what_to_install(self, files, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        surrogate = Surrogate(*files)
        assert len(surrogate.encode([DARTS_V2_ID])) == 1
        with pytest.raises(ConfigurationError, match=r"brpnas\[export\]"):
            surrogate.predict([DARTS_V2_ID])


class TestForeignFiles:
    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda e: e.pop(PREFIX + "edge_normal_7"), "edge_normal_7'"),
            (lambda e: e.update(dataset={"#na#": 0}), "'dataset'"),
            (lambda e: e[PREFIX + "edge_normal_7"].update(none=8), "encodes .*edge_normal_7"),
            (lambda e: e[PREFIX + "edge_normal_7"].update({"#na#": 7, "skip_connect": 0}), "_7"),
            (lambda e: e[PREFIX + "inputs_node_reduce_4"].update({"2_3": 9}), "node_reduce_4"),
            (
                lambda e: e[PREFIX + "edge_reduce_1"].update(avg_pool_3x3=2, dil_conv_3x3=1),
                "encodes",
            ),
            (lambda e: e[PREFIX + "inputs_node_reduce_3"].update({"0_1": 2, "0_2": 1}), "encodes"),
        ],
    )
    def test_another_encoding_is_refused(self, files, spoil, why):
        tables = encoding()
        spoil(tables)
        files[1].write_text(json.dumps(tables))
        with pytest.raises(SchemaError, match=why):
            Surrogate(*files)

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda s: s.pop("conditions"), "ConfigSpace"),
            (lambda s: s["hyperparameters"].pop(), "'epoch'"),
            (lambda s: s["hyperparameters"][3]["choices"].pop(), "edge_normal_3'"),
            (lambda s: s["conditions"].pop(), "edge_reduce_13"),
            (lambda s: s["conditions"][0]["values"].append("1_2"), "edge_normal_2"),
            (lambda s: s["conditions"][0].update(parent="epoch"), "edge_normal_2"),
        ],
    )
    def test_another_space_is_refused(self, files, spoil, why):
        space = config_space()
        spoil(space)
        files[2].write_text(json.dumps(space))
        with pytest.raises(SchemaError, match=why):
            Surrogate(*files)

    def test_no_json_is_refused(self, files):
        files[1].write_text("{")
        with pytest.raises(SchemaError, match=f"{re.escape(str(files[1]))} .*JSON"):
            Surrogate(*files)

    def test_another_model_is_refused(self, files):
        save_model(files[0], outputs=3)
        with pytest.raises(SchemaError, match=r"'x_cat': \[34\].*\[\[3\]\]"):
            Surrogate(*files).predict([DARTS_V2_ID])


@pytest.mark.data
class TestPublished:
    def test_files_are_what_the_definition_says(self, published):
        assert json.loads(published["nasbench301-encoding"].read_text()) == encoding()
        space = json.loads(published["nasbench301-space"].read_text())
        names = {h["name"]: set(h.get("choices", [])) for h in space["hyperparameters"]}
        expected = config_space()["hyperparameters"]
        assert names == {h["name"]: set(h.get("choices", [])) for h in expected}

    def test_random_architectures(self, surrogate, arch_ids):
        found = surrogate.predict(arch_ids)
        assert found.dtype == np.float64
        assert found.mean() == pytest.approx(0.924, abs=0.001)
        assert found.std() == pytest.approx(0.0042, abs=0.0005)
        assert 0.88 < found.min() < found.max() < 0.951  # the largest it can say at all

    def test_known_architectures(self, surrogate):
        good = [DARTS_V2_ID, Darts().read(PC_DARTS), *map(chain_of, ("sep3", "sep5", "dil5"))]
        poor = [chain_of(name) for name in ("max3", "avg3", "skip")]
        assert surrogate.predict(good).min() > 0.925
        assert surrogate.predict(poor).max() < 0.895

    def test_longer_training_is_better_and_takes_longer(self, surrogate, arch_ids):
        curve = [surrogate.predict_all(arch_ids[:500], e).mean(axis=0) for e in (1, 10, 50, 98)]
        accuracy, loss, seconds, _ = np.transpose(curve)
        assert (np.diff(accuracy) > 0).all()
        assert (np.diff(loss) < 0).all()
        assert (np.diff(seconds) > 0).all()
        assert accuracy[0] < 0.6

    def test_predictions_depend_on_the_question_alone(self, surrogate, arch_ids):
        together = surrogate.predict_all(arch_ids[:300])
        alone = np.concatenate([surrogate.predict_all([a]) for a in arch_ids[:20]])
        assert np.array_equal(together[:20], alone)
        assert np.array_equal(surrogate.predict_all(arch_ids[:300][::-1]), together[::-1])

    def test_the_time_it_predicts_follows_the_work(self, surrogate, arch_ids):
        """Evidence of categories and columns: another encoding breaks the correlation.

        Pools and skips alone cannot be told apart so, as none of them costs anything.
        """
        work = Darts().cost(arch_ids)[1]
        given = surrogate.encode(arch_ids)

        def correlation(categories: np.ndarray) -> float:
            seconds = surrogate._run(np.ascontiguousarray(categories), EPOCHS)[:, 2]
            return float(scipy.stats.spearmanr(seconds, work).statistic)

        right = correlation(given)
        assert right > 0.65
        alphabetic = sorted(range(14), key=str)
        columns = {
            "edges by alphabet": [*alphabetic, *(14 + i for i in alphabetic), *range(28, 34)],
            "cells": [*range(14, 28), *range(14), 31, 32, 33, 28, 29, 30],
            "cells of inputs": [*range(28), 31, 32, 33, 28, 29, 30],
        }
        for name, order in columns.items():
            assert correlation(given[:, order]) < right - 0.05, name
        dear = [encoding()[PREFIX + "edge_normal_0"][n] for n in ("sep_conv_5x5", "sep_conv_3x3")]
        for category, free in itertools.product(dear, (1, 4, 7)):
            swap = np.arange(8)
            swap[[category, free]] = swap[[free, category]]
            mixed = np.concatenate([swap[given[:, :28]].astype(np.int32), given[:, 28:]], axis=1)
            assert correlation(mixed) < right - 0.2

    def test_the_order_of_columns_is_that_of_its_training(self, surrogate, arch_ids, published):
        """The model remembers mean and variance of its first layer over what it was trained on."""
        model = onnx.load(str(published["nasbench301-model"]))
        weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        variance = weights["layers.0.norm.running_var"]
        epochs = np.random.default_rng(1).integers(1, 99, len(arch_ids))
        scaled = ((epochs - 1) * 0.98 / 97 + 0.01) * 2 - 1
        given = surrogate.encode(arch_ids)
        widths = [weights[f"embds_fct.{i}.weight"].shape[1] for i in range(34)]
        blocks = np.split(weights["first_layer.weight"], np.cumsum(widths), axis=1)
        tables = [weights[f"embds_fct.{i}.weight"] @ blocks[i].T for i in range(34)]
        base = sum(tables[i][given[:, i]] for i in range(34)) + scaled[:, None] * blocks[34].T

        def distance(order: list[int]) -> float:
            """How far the variance is from the trained one if column i is taken from order[i]."""
            moved = [i for i in range(34) if order[i] != i]
            change = sum(tables[i][given[:, order[i]]] - tables[i][given[:, i]] for i in moved)
            return float(np.abs(np.log((base + change).var(axis=0) / variance)).mean())

        right = distance(list(range(34)))
        swaps = []
        for cell in (0, 14):
            for i, j in itertools.combinations(range(cell, cell + 14), 2):
                order = list(range(34))
                order[i], order[j] = j, i
                swaps.append(distance(order))
        assert np.mean(np.array(swaps) > right) > 0.9
        alphabetic = sorted(range(14), key=str)
        by_alphabet = [*alphabetic, *(14 + i for i in alphabetic), *range(28, 34)]
        other_cells = [*range(28), 31, 32, 33, 28, 29, 30]
        assert min(distance(by_alphabet), distance(other_cells)) > 1.5 * right

    def test_numberings_of_the_same_cells_get_other_predictions(self, surrogate, arch_ids):
        """How far the published surrogate is from symmetric: a ceiling of what can be predicted."""
        space = Darts()
        ids = space.isomorphism_ids(arch_ids)
        other = np.array([a != b for a, b in zip(arch_ids, ids, strict=True)])
        one, two = surrogate.predict(arch_ids)[other], surrogate.predict(ids)[other]
        assert other.mean() > 0.8
        assert np.abs(one - two).mean() == pytest.approx(0.0027, abs=0.0005)
        assert np.corrcoef(one, two)[0, 1] == pytest.approx(0.63, abs=0.08)

    def test_the_symmetric_surrogate_is_the_mean_over_numberings(
        self, surrogate, published, arch_ids
    ):
        symmetric = Surrogate.from_files(published, symmetric=True)
        some = arch_ids[:60]
        found = symmetric.predict_all(some)
        assert np.array_equal(symmetric.predict_all(Darts().isomorphism_ids(some)), found)
        names = ("sep3", "sep5", "dil3", "dil5")
        reduce = "|".join(f"max3~{i}+dil5~{i + 1}" for i in range(4))
        members = [
            f"normal={'|'.join(f'{n}~0+max3~1' for n in order)};reduce={reduce}"
            for order in itertools.permutations(names)
        ]
        mean = surrogate.predict(members).mean()
        assert symmetric.predict(members[5:6])[0] == pytest.approx(mean, abs=1e-9)
