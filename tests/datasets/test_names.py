from __future__ import annotations

from brpnas.datasets import load_catalogue, names, read_embedded_accuracy


def test_embedded_data_sets_are_those_of_the_table_that_ships() -> None:
    assert set(names.EMBEDDED_DATASETS) == set(read_embedded_accuracy()["dataset"])


def test_each_data_set_of_nasbench201_has_a_published_file() -> None:
    files = {source.name for source in load_catalogue().values() if source.group == "nasbench201"}
    assert {f"nasbench201-valid-{name}" for name in names.DATASETS} <= files
