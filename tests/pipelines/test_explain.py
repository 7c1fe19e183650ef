from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from brpnas.errors import BudgetError, ConfigurationError, ConstraintError, UnknownNameError
from pipelines.config import Parameters
from pipelines.explain import add_places, check_sources, explain, leaves, locate
from pipelines.renamed import RENAMED


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    epochs: int
    rate: float


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    train: Inner
    names: tuple[str, ...]


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for env, text in {
        "base": "train:\n  epochs: 1\n  rate: 2\n",
        "paper": "train:\n  epochs: 3\n",
    }.items():
        (tmp_path / env).mkdir()
        (tmp_path / env / "parameters_train.yml").write_text(text)
    (tmp_path / "base" / "parameters_empty.yml").write_text("# nothing\n")
    return tmp_path


def test_files_of_parameters_that_blow_up_are_named(conf: Path) -> None:
    check_sources(conf, ["paper", "base"], {})
    (conf / "paper" / "parameters_train.yml").write_text("a: " + "[" * 5000)
    with pytest.raises(ConfigurationError, match=r"paper/parameters_train\.yml .*nested"):
        check_sources(conf, ["paper", "base"], {})
    check_sources(conf, ["base"], {})


def test_leaves_are_dotted_paths() -> None:
    values = {"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None, "f": {}}
    assert list(leaves(values)) == ["a.b", "a.c.d", "e", "f"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("train.epochs", "paper/parameters_train.yml"),
        ("train.rate", "base/parameters_train.yml"),
        ("train.missing", "paper/parameters_train.yml"),
        ("unknown", "base/parameters_*.yml"),
        ("train.members", "--params"),
    ],
)
def test_locate_finds_the_winning_place(conf: Path, path: str, expected: str) -> None:
    where = locate(path, conf, ["paper", "base"], {"train": {"members": 2}})
    assert where.startswith("in ")
    assert where.endswith(expected)


@pytest.mark.parametrize("name", ["parameters/own.yml", "mine/parameters.yml", "parameters.yaml"])
def test_locate_finds_every_file_that_kedro_reads(conf: Path, name: str) -> None:
    (conf / "paper" / name).parent.mkdir(exist_ok=True)
    (conf / "paper" / name).write_text("device: x\n")
    assert locate("device", conf, ["paper", "base"], {}).endswith(f"paper/{name}")


VALUES = {"device": "x", "space": "y", "constraints": [], "train": {"epochs": 1, "rows": {"n": 2}}}


@pytest.mark.parametrize(
    ("error", "keys"),
    [
        (BudgetError("train.epochs is 1, train.rows.n is 2"), ["train.epochs", "train.rows.n"]),
        (BudgetError("run with --params=train.epochs=3"), []),
        (BudgetError("budget, device and unknown.key"), []),
        (ConfigurationError("`space` is 'y', not train.epochs"), ["space", "train.epochs"]),
        (UnknownNameError("device", "x", ["z"]), ["device"]),
        (UnknownNameError("sampler", "x", ["z"]), []),
        (ConstraintError("'latency <='"), ["constraints"]),
    ],
)  # fmt: skip
def test_an_error_says_where_its_keys_are_set(error: Exception, keys: list[str]) -> None:
    add_places(error, VALUES, lambda key: f"in {key}.yml")
    notes = "".join(getattr(error, "__notes__", []))
    assert re.findall(r"([\w.]+) is .* \1\.yml", notes) == keys


def test_places_are_those_of_the_error_below_that_of_kedro() -> None:
    inner = BudgetError("train.epochs and train.rows.n")
    outer = RuntimeError("train.epochs")
    outer.__cause__ = inner
    add_places(outer, VALUES, lambda _: "in a.yml")
    assert inner.__notes__ == ["train.epochs, train.rows.n are set in a.yml."]
    add_places(ValueError("train.epochs"), VALUES, lambda _: "in a.yml")


def test_everything_wrong_is_one_paragraph() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"train": {"epoch": 1, "rate": "x"}, "names": [1], "tain": 0})
    text = explain(caught.value, Outer, lambda key: f"in {key.split('.')[0]}.yml")
    assert "\n" not in text
    assert "Missing key 'train.epochs' in train.yml" in text
    assert re.search(r"Unknown key 'train\.epoch' in train\.yml\. .*'epochs'\?", text)
    assert "Known here: epochs, rate." in text
    assert "Bad value 'x' of 'train.rate'" in text
    assert "Bad value 1 of 'names'" in text
    assert "quotes, as '1'" in text
    assert re.search(r"Unknown key 'tain' in tain\.yml\. .*'train'\?", text)


@pytest.mark.parametrize("source", ["paper", "base", "--params"])
@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_renamed_key_names_the_new_one_and_its_source(
    conf: Path, source: str, old: str, new: str
) -> None:
    values: Any = 1
    for key in reversed(old.split(".")):
        values = {key: values}
    in_file = source != "--params"
    if in_file:
        (conf / source / "parameters_old.yml").write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigurationError) as caught:
        check_sources(conf, ["paper", "base"], {} if in_file else values)
    place = str(conf / source / "parameters_old.yml") if in_file else "--params"
    assert str(caught.value) == f"Renamed key {old!r} in {place}: write {new!r}."
    parent, _, name = new.rpartition(".")
    model: Any = Parameters
    for part in parent.split(".") if parent else []:
        model = model.model_fields[part].annotation
    assert name in model.model_fields


def test_unknown_key_below_something_that_is_no_mapping() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"train": 3, "names": []})
    assert "Bad value 3 of 'train'" in explain(caught.value, Outer, lambda key: "here")


def test_a_value_in_place_of_a_group_names_its_keys() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"train": None, "names": []})
    text = explain(caught.value, Outer, lambda key: "in x.yml")
    assert text == "Bad value None of 'train' in x.yml: it is a group of the keys epochs, rate."


def test_a_group_is_no_old_key_of_the_same_name(conf: Path) -> None:
    """A value in one file is an error even where the groups of others would replace it."""
    file = conf / "paper" / "parameters_search.yml"
    (conf / "base" / "parameters_search.yml").write_text("search: {sampler: {name: brp}}")
    given = {"search": {"sampler": {"flops_prior": 0}}}
    check_sources(conf, ["paper", "base"], given)
    file.write_text("search: {sampler: random}")
    with pytest.raises(ConfigurationError) as caught:
        check_sources(conf, ["paper", "base"], given)
    old = f"Renamed key 'search.sampler' in {file}: write 'search.sampler.name'."
    assert str(caught.value) == old
