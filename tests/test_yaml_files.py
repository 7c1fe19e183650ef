"""YAML from outside: plain values are read, and expanding references are refused."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
import yaml

from brpnas.devices import load_devices
from brpnas.errors import ConfigurationError
from brpnas.yaml_files import check_yaml, parse_yaml

LAUGHS = "a: &a [x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 5)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = {
    "references": LAUGHS,
    "a reference to itself": "&a [*a]",
    "deep lists": "[" * 50_000,
    "deep mappings": "".join(" " * depth + "a:\n" for depth in range(200)),
    "large": "- a\n" * 2**20,
    "a Python object": "!!python/object/apply:os.system [id]",
    "a day that is none": "2026-13-45",
    "cut off": "a: [1, 2",
    "a number of many digits": "9" * 10_000,
    "control characters": "a: \x01",
    "a truth that is none": "a: !!bool x",
    "a time that is none": "a: !!timestamp x",
    "an empty whole number": "a: !!int ''",
    "an empty number": "!!float '': 1",
    "a number of blanks": "- [!!int '_']",
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- name: a\n  size: 3\n- {name: b}",
        "a: [1, 2.5, yes, ~, 2026-01-01, 'x']",
        "x: |\n  y\n",
    ],
)
def test_plain_files_are_read_as_by_the_safe_loader(text: str) -> None:
    assert parse_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_others_are_refused(name: str) -> None:
    tracemalloc.start()
    with pytest.raises(yaml.YAMLError):
        parse_yaml(HOSTILE[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_the_line_of_a_value_is_told() -> None:
    with pytest.raises(yaml.YAMLError, match=r"'x' .*\bbool\b.* 3\b"):
        parse_yaml("a: 1\nb:\n  c: !!bool x\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_catalogue_says_so_in_a_paragraph(tmp_path: Path, name: str) -> None:
    path = tmp_path / "devices.yml"
    path.write_text(HOSTILE[name])
    with pytest.raises(ConfigurationError, match=r"devices\.yml") as caught:
        load_devices(path)
    assert len(str(caught.value)) < 1000


class TestFilesWithReferences:
    """Parameters may hold references; Kedro follows them."""

    @pytest.mark.parametrize("text", ["", "a: 1", "a: &a [x, x]\nb: *a\n", "a: {b: [1, {c: 2}]}"])
    def test_plain_files_pass(self, text: str) -> None:
        check_yaml(text)

    @pytest.mark.parametrize(
        "text",
        [
            *(LAUGHS, "a: " + "[" * 5000, "a: &a [*a]", HOSTILE["deep mappings"] + "  x: [" * 900),
            *("a: !!bool x", "a: !!timestamp x", "a: !!int ''", "a: &a [!!float '']\nb: *a"),
        ],
    )
    def test_others_are_refused(self, text: str) -> None:
        with pytest.raises(yaml.YAMLError):
            check_yaml(text)
