"""Spaces by name and by the path of their file, and errors about invalid files."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.spaces import (
    DEFAULT_SPACE,
    Darts,
    NasBench201,
    get_space,
    opened_space,
    space_fingerprint,
)

BASE = """
import dataclasses
import numpy as np
from brpnas.graphs import GraphBatch
from brpnas.spaces import SearchSpace


@dataclasses.dataclass
class Note:
    text: str = "dataclasses look for their module while it is being imported"


class Two(SearchSpace):
    vocabulary = ("blank", "global", "input", "output")

    def __len__(self): return 2
    def enumerate(self): return ["a", "b"]
    def sample(self, rng, count): return ["a", "b"][:count]
    def mutate(self, arch_id, rng): return "b" if arch_id == "a" else "a"
    def canonical(self, text): return text.strip()
    def encode(self, arch_ids, view):
        return GraphBatch(np.zeros((0, 3), np.int8), np.zeros((0, 3, 3), np.int8), 4)
    def isomorphism_ids(self, arch_ids): return list(arch_ids)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "two.py"
    path.write_text(BASE)
    return path


def test_by_name() -> None:
    assert isinstance(get_space("nasbench201"), NasBench201)
    assert DEFAULT_SPACE == "nasbench201"


def test_a_space_is_returned_as_it_is() -> None:
    space = NasBench201()
    assert get_space(space) is space


@pytest.mark.parametrize("name", ["nasbench-201", "NASBench201", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"search space .* Known: .*nasbench201"):
        get_space(name)


def test_by_the_path_of_its_file(file: Path) -> None:
    space = get_space(str(file))
    assert space.name == str(file)
    assert space.enumerate() == ["a", "b"]
    assert type(get_space(str(file))) is type(space)


def test_a_path_is_seen_from_the_working_directory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert get_space("two.py").name == "two.py"
    assert pickle.loads(pickle.dumps(get_space("two.py"))).name == "two.py"


def test_its_name_wins_over_what_its_class_says(file: Path) -> None:
    file.write_text(
        BASE.replace("class Two(SearchSpace):", 'class Two(SearchSpace):\n    name="x"')
    )
    assert get_space(str(file)).name == str(file)


def test_after_an_edit_it_is_another(file: Path) -> None:
    before = get_space(str(file))
    file.write_text(BASE.replace('return ["a", "b"]\n', 'return ["b", "a"]\n'))
    assert get_space(str(file)).enumerate() == ["b", "a"]
    assert before.enumerate() == ["a", "b"]


def test_spaces_of_equal_content_at_two_places_are_two(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "copy.py"
    other.write_text(BASE)
    assert type(get_space(str(other))) is not type(get_space(str(file)))


def test_bases_that_are_imported_do_not_count(file: Path) -> None:
    file.write_text(BASE + "from brpnas.spaces import NasBench201\n")
    assert len(get_space(str(file))) == 2


TWICE = BASE + "class Three(Two):\n    def __len__(self): return 3\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import no_such_module", r"two\.py' .*ModuleNotFoundError.*no_such_module"),
        ("def (", r"two\.py' .*SyntaxError.* line 1\b"),
        ("1 / 0", r"two\.py' .*ZeroDivisionError"),
        ("x = 1", r"brpnas\.spaces\.SearchSpace.* none\b"),
        ("from brpnas.spaces import NasBench201", r"brpnas\.spaces\.SearchSpace.* none\b"),
        (TWICE, "holds Two, Three"),
        (
            BASE.replace("def mutate", "def mutated").replace("def sample", "def samples"),
            r"Two .*\bmutate, sample\b",
        ),
        (
            BASE + "    def __init__(self, size): pass\n",
            r"Two\(\) .*TypeError.*'size'",
        ),
    ],
)
def test_a_file_that_is_no_space_is_refused(file: Path, content: str, said: str) -> None:
    file.write_text(content)
    for _ in range(2):  # a failed import leaves nothing that the next would find
        with pytest.raises(ConfigurationError, match=said) as raised:
            get_space(str(file))
        assert str(file) in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for use in (get_space, space_fingerprint):
        with pytest.raises(ConfigurationError, match=r"'.*none\.py'"):
            use(str(tmp_path / "none.py"))
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ConfigurationError, match="directory"):
        get_space(str(tmp_path / "folder.py"))


def test_a_space_without_networks_says_so(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="`build`"):
        get_space(str(file)).build("a")


def test_fingerprints(file: Path) -> None:
    assert space_fingerprint("nasbench201") == {}, "what was stored before there were others"
    mine = space_fingerprint(str(file))
    digest = hashlib.sha256(BASE.encode()).hexdigest()
    assert mine == {"space": str(file), "space_file": digest[:16]}
    file.write_text(BASE + "# another\n")
    assert space_fingerprint(str(file)) != mine
    with pytest.raises(UnknownNameError):
        space_fingerprint("nasbench2O1")


class TestSpacesThatFilesName:
    def test_those_of_the_library(self) -> None:
        assert isinstance(opened_space("darts", "x.npz"), Darts)

    @pytest.mark.parametrize("name", ["", "nasbench202", "spaces", "/etc/passwd"])
    def test_those_that_do_not_exist(self, name: str) -> None:
        with pytest.raises(SchemaError, match=rf"^x\.npz .*{name!r}.*nasbench201"):
            opened_space(name, "x.npz")

    def test_a_python_file_runs_only_once_it_is_opened(self, file: Path, tmp_path: Path) -> None:
        file.write_text(BASE + f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
        with pytest.raises(SchemaError, match="--space"):
            opened_space(str(file), "x.npz")
        assert not (tmp_path / "ran").exists()
        space = get_space(str(file))
        assert (tmp_path / "ran").exists()
        assert opened_space(str(file), "x.npz") is space

    def test_one_that_the_caller_names(self, file: Path) -> None:
        moved = "elsewhere/" + file.name
        assert opened_space(moved, "x.npz", str(file)).name == str(file)
        with pytest.raises(SchemaError, match=r"x\.npz .*'other\.py'"):
            opened_space("other.py", "x.npz", str(file))
