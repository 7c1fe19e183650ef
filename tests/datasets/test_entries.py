"""Catalogues in YAML refuse unknown keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from brpnas.datasets.entries import read_entries
from brpnas.errors import ConfigurationError


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    precision: str = "fp32"
    count: int = 1


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "things.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_in_order(tmp_path: Path) -> None:
    path = _write(tmp_path, "- name: b\n  count: 3\n- name: a\n")
    assert read_entries(path, Thing) == {"b": Thing(name="b", count=3), "a": Thing(name="a")}
    assert list(read_entries(path, Thing)) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- name: b\n  precison: int8\n", ["'precison'", "'precision'?", "'b'"]),
        ("- name: b\n  zzz: 1\n", ["'zzz'", "Known keys: name, precision, count"]),
        ("- count: 2\n", ["'number 1'", "'name' is missing"]),
        ("- name: a\n- name: b\n  count: many\n", ["'b'", "count", "'many'"]),
        ("- name: a\n- name: a\n", ["'a'"]),
        ("name: a\n", ["YAML list"]),
        ("- a\n- b\n", ["YAML list"]),
        ("", ["YAML list"]),
        ("- name: [a\n", ["line 2, column 1"]),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, text: str, words: list[str]) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read_entries(path, Thing)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yml.*Errno 2\b"):
        read_entries(tmp_path / "none.yml", Thing)


def test_all_problems_of_an_entry_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, "- name: a\n  nmae: b\n  count: x\n")
    with pytest.raises(ConfigurationError, match=r"count: .*unknown key 'nmae'"):
        read_entries(path, Thing)
