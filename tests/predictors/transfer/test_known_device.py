"""Known devices by the prior alone: ms, intervals and an honest error."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from brpnas.errors import ArchitectureError, SchemaError, UnknownNameError
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import spearman, within
from brpnas.predictors.transfer import DevicePrior, fit_prior, known_device, predict_known
from brpnas.predictors.transfer.features import both_views
from brpnas.predictors.transfer.known_device import LEAST_ROWS, measure_answers
from brpnas.spaces import NetworkConfig
from tests.predictors.toys import cells, rows_of
from tests.predictors.transfer.toys import KNOWN, SMALL, both, device_ms, few_steps, table, tables

__all__ = ["few_steps"]

TEST = rows_of(len(cells()), seed=50)
LEARN, HELD = TEST[:3000], TEST[3000:4000]
LEFT = TEST[4000:]
"""Neither learnt from nor held out."""


def some(rows: np.ndarray) -> SpaceGraphs:
    return SpaceGraphs(
        "nasbench201", tuple(cells().arch_ids[row] for row in rows), both(np.asarray(rows))
    )


@cache
def known_prior(*, keep_tables: bool = False, spoilt: float = 1.0) -> DevicePrior:
    """A prior with errors of two devices; the others have no held-out rows, or too few."""
    learn = {name: table(name, LEARN) for name in KNOWN}
    held = {name: table(name, HELD) for name in ("eager-a", "compiled-a")}
    held["eager-a"]["latency_ms"] *= spoilt
    held["compiled-b"] = table("compiled-b", HELD[: LEAST_ROWS - 1])
    return fit_prior(cells(), learn, SMALL, held_out=held, keep_tables=keep_tables)


class TestPredictions:
    @pytest.mark.parametrize("device", ["eager-a", "compiled-a"])
    def test_are_in_ms_and_as_good_as_is_said(self, device: str) -> None:
        answers, size = known_device(known_prior(), device)
        assert size == NetworkConfig().size
        said = predict_known(known_prior(), device, some(LEFT))
        true = device_ms(device)[LEFT]
        assert answers.rows == len(HELD)
        assert answers.median == pytest.approx(np.median(np.abs(said[:, 0] / true - 1)), rel=0.1)
        assert answers.within_10 == pytest.approx(within(said[:, 0], true, 0.1), abs=0.05)
        assert answers.spearman == pytest.approx(spearman(said[:, 0], true), abs=0.02)
        assert answers.spearman is not None
        assert answers.spearman > 0.8
        inside = ((said[:, 1] <= true) & (true <= said[:, 2])).mean()
        assert inside == pytest.approx(0.9, abs=0.03)

    def test_are_those_of_the_network(self) -> None:
        with torch.inference_mode():
            outputs = known_prior().features.network(*both_views(both(LEFT[:20]))).numpy()
        log = np.log(device_ms("eager-a")[LEARN])
        expected = np.exp(outputs[:, 0] * log.std() + log.mean())
        said = predict_known(known_prior(), "eager-a", some(LEFT[:20]))
        np.testing.assert_allclose(said[:, 0], expected, rtol=1e-5)

    def test_tables_in_the_prior_do_not_answer(self) -> None:
        """Else the stated error would be too large for the cells in them."""
        kept = known_prior(keep_tables=True)
        assert kept.features.known is not None
        np.testing.assert_array_equal(
            predict_known(kept, "eager-a", some(LEARN[:200])),
            predict_known(known_prior(), "eager-a", some(LEARN[:200])),
        )
        assert kept.answers == known_prior().answers

    def test_adapting_changes_nothing(self) -> None:
        without = known_prior().without(["eager-b"])
        np.testing.assert_array_equal(
            predict_known(without, "compiled-a", some(LEFT[:5])),
            predict_known(known_prior(), "compiled-a", some(LEFT[:5])),
        )


class TestErrors:
    def test_are_those_of_held_out_rows(self) -> None:
        """Their latencies change the error, and nothing else."""
        double = known_prior(spoilt=2.0)
        answers, before = (known_device(one, "eager-a")[0] for one in (double, known_prior()))
        assert answers.median == pytest.approx(0.5, abs=0.05)
        assert answers.within_10 < 0.05
        assert (answers.location, answers.scale) == (before.location, before.scale)
        assert answers.spearman == before.spearman
        assert known_device(double, "compiled-a") == known_device(known_prior(), "compiled-a")

    def test_of_a_perfect_network(self) -> None:
        log = np.linspace(0, 1, LEAST_ROWS)
        found = measure_answers(log * 2, log, 0.0, 0.5, unconnected=True)
        assert (found.median, found.within_10, found.width) == pytest.approx((0, 1, 0), abs=1e-12)
        assert found.spearman == pytest.approx(1)

    def test_the_interval_is_a_conformal_one(self) -> None:
        errors = np.arange(1.0, 100.0)  # 99: the 90th of 100 parts
        found = measure_answers(errors / 1000, np.zeros(99), 0.0, 1.0, unconnected=True)
        assert found.width == pytest.approx(0.09, abs=1e-3)
        assert found.spearman is None

    def test_too_few_rows_are_no_error(self) -> None:
        named = dict(zip(known_prior().devices, known_prior().answers, strict=True))
        assert [name for name, one in named.items() if one is not None] == ["eager-a", "compiled-a"]


class TestRefusals:
    def test_an_unknown_device_hears_those_with_an_error(self) -> None:
        with pytest.raises(UnknownNameError, match="'eager-a'") as caught:
            known_device(known_prior(), "eager-aa")
        assert caught.value.options == ["compiled-a", "eager-a"]
        with pytest.raises(UnknownNameError):
            known_device(known_prior(), "compiled-b")

    def test_an_older_prior_must_be_learnt_again(self) -> None:
        old = replace(known_prior(), answers=())
        with pytest.raises(SchemaError, match="kedro run --pipelines=ingest,featurise,pretrain"):
            predict_known(old, "eager-a", some(LEFT[:1]))

    def test_networks_of_another_size(self) -> None:
        small = NetworkConfig(4, 1, 2, (1, 8, 8), 10).size
        sized = replace(known_prior(), network_sizes=(small, *[NetworkConfig().size] * 3))
        assert known_device(sized, "eager-a")[1] == small
        assert known_device(sized, "eager-a", small)[1] == small
        with pytest.raises(SchemaError, match=small):
            known_device(sized, "eager-a", NetworkConfig().size)

    def test_a_cell_without_a_path_where_none_was_measured(self) -> None:
        dead = np.flatnonzero(~cells().view("pruned").connected)[:1]
        assert predict_known(known_prior(), "eager-a", some(dead)).shape == (1, 3)
        connected = np.setdiff1d(LEARN, np.flatnonzero(~cells().view("pruned").connected))
        learn = {name: table(name, connected) for name in ("eager-a", "compiled-a")}
        held = {name: table(name, HELD) for name in learn}
        found = fit_prior(cells(), learn, replace(SMALL, epochs=1), held_out=held)
        with pytest.raises(ArchitectureError, match="eager-a"):
            predict_known(found, "eager-a", some(dead))
        assert predict_known(found, "eager-a", some(connected[:2])).shape == (2, 3)

    def test_an_empty_held_out_table(self) -> None:
        empty = {name: pd.DataFrame({"arch_id": [], "latency_ms": []}) for name in KNOWN}
        found = fit_prior(cells(), tables(), replace(SMALL, epochs=1), held_out=empty)
        assert found.answers == (None,) * 4


def test_files_keep_scales_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "prior.safetensors"
    known_prior().save(path)
    loaded = DevicePrior.load(path)
    assert loaded.answers == known_prior().answers
    np.testing.assert_array_equal(
        predict_known(loaded, "eager-a", some(LEFT[:9])),
        predict_known(known_prior(), "eager-a", some(LEFT[:9])),
    )


@pytest.mark.parametrize(
    "change",
    [{"location": 900.0}, {"scale": -1.0}, {"rows": 2}, {"within_10": 2.0}, {"spearman": "x"}],
)
def test_false_figures_in_a_file_are_refused(tmp_path: Path, change: dict[str, float]) -> None:
    path = tmp_path / "prior.safetensors"
    answers = (
        replace(known_device(known_prior(), "eager-a")[0], **change),
        *known_prior().answers[1:],
    )
    replace(known_prior(), answers=answers).save(path)
    with pytest.raises(SchemaError, match=next(iter(change))):
        DevicePrior.load(path)


def test_one_scale_for_each_device(tmp_path: Path) -> None:
    path = tmp_path / "prior.safetensors"
    replace(known_prior(), answers=known_prior().answers[:2]).save(path)
    with pytest.raises(SchemaError, match="2 scales for 4 devices"):
        DevicePrior.load(path)
