"""A predictor of a device as a file, its bounds, and its common interface with trained ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from brpnas.errors import SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MeasuredRows, MetricPredictor, load_predictor
from brpnas.predictors.files import read_file, write_file
from brpnas.predictors.transfer import DevicePredictor, fit_device
from brpnas.predictors.transfer.folds import fit_folds
from tests.predictors.toys import TINY, cells, rows_of
from tests.predictors.transfer.toys import QUICK, both, device_ms, measured, prior

TEST = rows_of(2000, seed=77)


@cache
def sample() -> SpaceGraphs:
    return SpaceGraphs("nasbench201", tuple(cells().arch_ids[row] for row in TEST), both(TEST))


@cache
def adapted(name: str = "eager-new", count: int = 10, seed: int = 0) -> DevicePredictor:
    return fit_device(cells(), measured(name, count, seed), prior(), QUICK)


def with_networks() -> DevicePredictor:
    rows = measured("eager-new", 40)
    networks = fit_folds(cells().view("raw")[rows.rows], np.log(rows.values), TINY, 2)
    return replace(adapted(), networks=networks, weight=0.5, view="raw")


def twin() -> DevicePredictor:
    rows = rows_of(20, seed=5)
    found = fit_device(cells(), MeasuredRows(rows, 3 * device_ms("eager-a")[rows]), prior(), QUICK)
    assert found.features.like is not None
    return found


class TestFile:
    @pytest.mark.parametrize("make", [adapted, twin, with_networks])
    def test_what_is_read_answers_to_the_last_bit(self, make, tmp_path: Path) -> None:
        predictor, path = make(), tmp_path / "predictor.safetensors"
        predictor.save(path)
        for read in (DevicePredictor.load, load_predictor):
            loaded = read(path)
            assert isinstance(loaded, DevicePredictor)
            np.testing.assert_array_equal(loaded.intervals(sample()), predictor.intervals(sample()))
            np.testing.assert_array_equal(
                loaded.deviations(sample()), predictor.deviations(sample())
            )
            np.testing.assert_array_equal(loaded.left_out, predictor.left_out)
            assert loaded.digest() == predictor.digest()
            plain = ("method", "errors", "rows", "space", "known", "view", "coverage", "factor")
            for name in plain:
                assert getattr(loaded, name) == getattr(predictor, name)

    def test_another_predictor_has_another_digest(self) -> None:
        assert adapted().digest() == adapted().digest()
        others = (adapted(seed=1), twin(), with_networks(), replace(adapted(), weight=0.1))
        assert len({found.digest() for found in (adapted(), *others)}) == 5

    def test_neither_kind_passes_for_the_other(self, tmp_path: Path) -> None:
        adapted().save(tmp_path / "p.safetensors")
        with pytest.raises(SchemaError, match="'device_latency', not a 'latency' predictor"):
            MetricPredictor.load(tmp_path / "p.safetensors")
        prior().save(tmp_path / "prior.safetensors")
        for read in (DevicePredictor.load, load_predictor):
            with pytest.raises(SchemaError, match=r"prior\.safetensors holds 'device_prior'"):
                read(tmp_path / "prior.safetensors")

    @pytest.mark.parametrize("share", [0, 0.5, 0.99])
    def test_a_truncated_file_is_refused(self, share: float, tmp_path: Path) -> None:
        path = tmp_path / "p.safetensors"
        adapted().save(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(SchemaError, match=r"p\.safetensors .*header"):
            load_predictor(path)

    @pytest.mark.parametrize("lost", ["left_out", "rows.0", "settings.noise", "process.whiten"])
    def test_a_file_of_another_version_is_refused(self, lost: str, tmp_path: Path) -> None:
        path = tmp_path / "p.safetensors"
        adapted().save(path)
        metadata, tensors = read_file(path, "device_latency")
        del tensors[lost]
        write_file(path, "device_latency", metadata, tensors)
        with pytest.raises(SchemaError, match="another version"):
            load_predictor(path)

    def test_tensors_alone_are_no_predictor(self, tmp_path: Path) -> None:
        path = tmp_path / "p.safetensors"
        adapted().save(path)
        save_file(load_file(path), path)
        with pytest.raises(SchemaError, match="holds None"):
            load_predictor(path)


def test_a_normal_distribution_of_its_deviation_has_as_much_in_the_interval() -> None:
    predictor = adapted()
    latency, lower, upper = predictor.intervals(sample()).T
    deviation = predictor.deviations(sample())
    np.testing.assert_allclose(upper, latency * np.exp(1.6448536 * deviation))
    np.testing.assert_allclose(lower, latency / np.exp(1.6448536 * deviation))
    np.testing.assert_array_equal(latency, predictor.predict(sample()))


def test_rows_left_out_are_those_given_in_their_order() -> None:
    rows = measured("eager-new", 30)
    found = fit_device(cells(), rows, prior(), replace(QUICK, process_rows=25))
    kept = np.isfinite(found.left_out)
    assert (len(kept), kept.sum()) == (30, 25)
    error = np.abs(np.log(found.left_out / rows.values))[kept].mean()
    assert error == pytest.approx(found.errors[found.method])


def test_there_is_no_history_but_its_columns() -> None:
    assert list(adapted().history.columns) == ["member", "epoch", "train_loss", "valid_loss"]
    assert adapted().history.empty
