"""Architectures listed by `ingest`: a whole space, or a sample plus those of the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import list_architectures
from brpnas.devices import get_device
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.spaces import get_space
from pipelines.ingest.architectures import make_architectures
from pipelines.ingest.own import open_own_tables
from pipelines.ingest.settings import IngestSettings
from tests.pipelines.ingest.toys import never, never_read, own_tables, settings_of
from tests.pipelines.toys import make_latency

DARTS = get_space("darts").sample(np.random.default_rng(1), 40)
DEVICE = get_device("embedded-tpu-edge-tpu-int8")


def table_of(arch_ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"arch_id": arch_ids})


def listed(
    settings: IngestSettings,
    published: Callable[[], Any] = never,
    published_fbnet: Callable[[], Any] = never,
    **tables: Any,
) -> pd.DataFrame:
    described = dict.fromkeys(tables.get("measured", {}), DEVICE)
    own = own_tables(settings, described=described, **tables)
    return make_architectures(settings, own, published, published_fbnet)


def test_a_space_that_can_be_listed_is_listed_whole_and_reads_no_table() -> None:
    settings = settings_of("measured", "trained", "latbench")
    fails = {"mine": never_read}
    own = open_own_tables(settings, {}, fails, fails, fails, {"mine": DEVICE})
    table = make_architectures(settings, own, never, never)
    pd.testing.assert_frame_equal(table, list_architectures(network=settings.network))
    assert set(table["params_m"]) != set(list_architectures()["params_m"])


def test_a_sample_holds_what_tables_name_and_is_decided_by_its_seed() -> None:
    tables = {
        "trained": {"digits": table_of(DARTS[:7])},
        "measured": {"mine": table_of(DARTS[5:20])},
    }

    def table(*benchmarks: str, **more: int) -> pd.DataFrame:
        return listed(settings_of(*benchmarks, space="darts", sample=30, **more), **tables)

    both = table("trained", "measured")
    assert set(DARTS[:20]) <= set(both["arch_id"])
    assert len(both) == 20 + 30
    assert set(both["space"]) == {"darts"}
    pd.testing.assert_frame_equal(both, table("measured", "trained"))
    alone = set(table("trained")["arch_id"])
    assert len(alone) == 7 + 30
    assert alone < set(both["arch_id"])
    assert not alone & set(table("nasbench301", seed=2)["arch_id"])


def test_no_random_ones_and_no_more_than_there_are() -> None:
    measured = {"mine": table_of(DARTS[:3])}
    few = listed(settings_of("measured", space="darts", sample=0), measured=measured)
    assert sorted(few["arch_id"]) == sorted(DARTS[:3])
    settings = settings_of("trained", sample=10**6)
    pd.testing.assert_frame_equal(listed(settings), list_architectures(network=settings.network))


def test_what_is_no_architecture_is_left_to_the_check_of_its_table() -> None:
    measured = {"mine": table_of([DARTS[0], "nonsense", " " + DARTS[1]])}
    table = listed(settings_of("measured", space="darts", sample=0), measured=measured)
    assert table["arch_id"].tolist() == [DARTS[0]]


def test_files_that_were_brought_are_read_in_the_space(tmp_path: Path) -> None:
    folder = tmp_path / "devices"
    folder.mkdir()
    make_latency(DARTS, "theirs")[["arch_id"]].assign(
        latency_ms=[1 + i / 7 for i in range(40)]
    ).to_csv(folder / "theirs.csv", index=False)
    table = listed(settings_of("devices", space="darts", sample=0), brought=folder)
    assert sorted(table["arch_id"]) == sorted(DARTS)


def test_a_space_too_large_needs_a_number() -> None:
    with pytest.raises(ConfigurationError, match=r"'darts' .*ingest\.sample"):
        listed(settings_of("measured", space="darts"))
    with pytest.raises(UnknownNameError, match=r"'dart'.* 'darts'\?"):
        listed(settings_of("measured", space="dart"))


@pytest.mark.data
@pytest.mark.slow
def test_the_public_sample_of_nasbench101_without_the_rest(mirror: Path) -> None:
    from functools import partial  # noqa: PLC0415

    from brpnas.datasets import fetch_group  # noqa: PLC0415

    files = partial(fetch_group, "nasbench101", mirror=mirror, cache=mirror)
    settings = settings_of("measured", "nasbench101", space="nasbench101", sample=0)
    table = listed(settings, files)
    assert len(table) == 20_001
    assert table["params_m"].notna().all()
