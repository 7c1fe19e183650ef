"""House rules without a linter: about commits, pins, imports and promises."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from brpnas.datasets import load_catalogue
from tests.contracts.sentences import sentences

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 4 * 2**20
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".dill"}
# In two halves: this file must not name them.
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "debian" + ".org", "npmjs" + ".org")


def tracked() -> list[Path]:
    """Files tracked or staged by git, with the content of the working tree."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file()]


def published_hashes() -> set[str]:
    """SHA-256 of every published file in the catalogue."""
    catalogue = (ROOT / "brpnas/datasets/sources.yml").read_text()
    return set(re.findall(r"\b[0-9a-f]{64}\b", catalogue))


def complaints(path: Path, published: set[str]) -> list[str]:
    """Objections to committing a file."""
    content = path.read_bytes()
    found = []
    if len(content) > LARGEST:
        found.append("larger than 4 MiB")
    if hashlib.sha256(content).hexdigest() in published:
        found.append("a published benchmark file")
    if path.suffix in PICKLES or re.match(rb"\x80[\x02-\x05]", content):
        found.append("a pickle")
    found += [f"names {host}" for host in REGISTRIES if host.encode() in content]
    return found


class TestTrackedFiles:
    def test_hold_nothing_that_must_not_be_committed(self):
        published = published_hashes()
        assert len(published) >= 21  # 16 devices, 5 files of NAS-Bench-201
        found = {str(p.relative_to(ROOT)): complaints(p, published) for p in tracked()}
        assert {name: why for name, why in found.items() if why} == {}

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("a.bin", bytes(LARGEST + 1), "larger than 4 MiB"),
            ("a.csv", b"published", "a published benchmark file"),
            ("a.pickle", b"", "a pickle"),
            ("a.pt", b"PK", "a pickle"),
            ("a.dat", b"\x80\x04N.", "a pickle"),
            ("a.md", f"https://{REGISTRIES[0]}/x".encode(), f"names {REGISTRIES[0]}"),
        ],
    )
    def test_each_complaint_can_be_made(self, tmp_path, name, content, why):
        (tmp_path / name).write_bytes(content)
        assert complaints(tmp_path / name, {hashlib.sha256(b"published").hexdigest()}) == [why]

    @pytest.mark.data
    def test_catalogue_knows_the_files_of_the_mirror(self, mirror):
        for group in ("latbench", "nasbench201", "help", "nasbench101", "nasbench301"):
            hashes = {
                hashlib.sha256(f.read_bytes()).hexdigest() for f in (mirror / group).iterdir()
            }
            assert hashes <= published_hashes()
        known = {source.file for source in load_catalogue().values()}
        files = {str(p.relative_to(mirror)) for p in (mirror / "fbnet").rglob("*.pt")}
        # The same architectures again, by the names of their blocks.
        assert files - known == {"fbnet/metainfo.pt"}


class TestConstraints:
    @pytest.fixture
    def pins(self) -> dict[str, str]:
        lines = (ROOT / "constraints.txt").read_text().splitlines()
        pairs = [line.split("==") for line in lines if not line.startswith("#")]
        return {canonicalize_name(name): version for name, version in pairs}

    @pytest.fixture
    def requirements(self) -> list[Requirement]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        groups = [project["dependencies"], *project["optional-dependencies"].values()]
        return [r for group in groups for r in map(Requirement, group) if r.name != "brpnas"]

    def test_pin_a_version_within_each_range(self, pins, requirements):
        assert len(requirements) > 30
        for requirement in requirements:
            pinned = pins[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(pinned), f"{requirement} but {pinned} is pinned"

    def test_carry_no_build_of_one_machine(self, pins):
        assert len(pins) > 200
        assert [name for name, version in pins.items() if "+" in version or "@" in version] == []


class TestPromises:
    """Commands and names on the pages exist."""

    @pytest.fixture
    def targets(self) -> set[str]:
        return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
    def test_every_make_target_on_a_page_exists(self, targets, page):
        text = (ROOT / page).read_text()
        named = set(re.findall(r"^make ([a-z][a-z-]*)", text, re.MULTILINE))
        named |= set(re.findall(r"`make ([a-z][a-z-]*)", text))
        assert named
        assert named <= targets

    def test_every_target_is_explained_in_the_help(self, targets):
        result = subprocess.run(
            ["make", "--no-print-directory", "help"],
            check=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert set(re.findall(r"^  make ([a-z-]+)", result.stdout, re.MULTILINE)) == targets

    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
    def test_every_relative_link_leads_somewhere(self, page):
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text())
        assert [link for link in links if not (ROOT / link).exists()] == []

    def test_ci_runs_the_script_that_runs_the_readme(self):
        workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
        steps = workflow["jobs"]["test"]["steps"]
        assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
        assert workflow["permissions"] == {"contents": "read"}
        assert os.access(ROOT / ".ci/run", os.X_OK)
        lines = (ROOT / ".ci/run").read_text().splitlines()
        assert lines[-1] == "make test"
        assert "\nmake test\n" in (ROOT / "README.md").read_text()


class TestDataTests:
    """Tests with published files are skipped without them, except where CI has them."""

    @pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
    def test_skip_is_a_failure_only_where_data_is_required(self, tmp_path, required, outcome):
        (tmp_path / "test_it.py").write_text("def test_it(mirror):\n    pass\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "test_it.py"]
        settings = {
            "BRPNAS_MIRROR": str(tmp_path),
            "BRPNAS_REQUIRE_DATA": required,
            "PYTHONPATH": str(ROOT),
            "PYTEST_ADDOPTS": "-W ignore",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        environment = os.environ | settings
        result = subprocess.run(
            command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert outcome in result.stdout.splitlines()[-1]
        assert (result.returncode != 0) == (required == "1")


def encoding_is_missing(call: ast.Call) -> bool:
    """Whether a call reads or writes text in the encoding of the locale."""
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    match call.func:
        case ast.Attribute(attr="read_text" | "write_text" as name):
            return len(call.args) <= (name == "write_text")
        case ast.Name(id="open"):
            modes = call.args[1:2]
        case ast.Attribute(value=ast.Name(id="tarfile")):
            return False  # an archive of bytes
        case ast.Attribute(attr="open"):
            if call.args and not isinstance(call.args[0], ast.Constant):
                return False  # a member of an archive, or a descriptor
            modes = call.args[:1]
        case _:
            return False
    modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    return not any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)


class TestEncoding:
    """Text is UTF-8, on a machine with another locale too."""

    @pytest.mark.parametrize("folder", ["brpnas", "pipelines", "docker", "benchmarks", ".github"])
    def test_is_named_wherever_text_is_read_or_written(self, folder):
        found = [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for path in (ROOT / folder).rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and encoding_is_missing(node)
        ]
        assert found == []

    @pytest.mark.parametrize(
        "code",
        [
            "p.read_text()",
            "p.write_text(x)",
            "open(p)",
            "open(p, 'w')",
            "p.open()",
            "p.open('a')",
            "p.open(mode='r')",
        ],
    )
    def test_is_missed_where_it_is_missing(self, code):
        (expression,) = ast.parse(code).body
        assert encoding_is_missing(expression.value)
        named = ("p.read_text('utf-8')", "p.write_text(x, 'utf-8')")
        for fine in ("open(p, 'rb')", "p.open('a+b')", "tarfile.open(fileobj=f)", *named):
            assert not encoding_is_missing(ast.parse(fine).body[0].value)


class TestMessages:
    """Tests match messages by identifiers and values, so that a reworded sentence fails none."""

    # The functions under test write the sentences of the report.
    WRITERS = frozenset({"tests/report/test_words.py"})

    def test_no_assertion_compares_a_sentence(self):
        found = {
            str(path.relative_to(ROOT)): sentences(ast.parse(path.read_text("utf-8")))
            for path in (ROOT / "tests").rglob("*.py")
        }
        compared = {name: lines for name, lines in found.items() if lines}
        assert {name: compared[name] for name in compared if name not in self.WRITERS} == {}
        assert compared.keys() >= self.WRITERS, "every exception is still needed"

    @pytest.mark.parametrize(
        "code",
        [
            "with pytest.raises(OSError, match='the file is gone'): pass",
            "with pytest.raises(OSError, match=rf'{path} .* cannot be read'): pass",
            "assert 'the file is gone' in text",
            "assert f'{path} cannot be read' not in text",
            "assert text.startswith('The file is gone')",
            "assert re.search(r'x\\.csv is not read', text)",
            "said = 'the file is gone'\n    assert said in text",
            "for said in ('a', 'the file is gone'):\n        assert said in text",
            "assert all(said in text for said in ('the file is gone', 'a'))",
            "for name, said in (('a', 'the file is gone'),):\n        assert said in text",
        ],
    )
    def test_a_compared_sentence_is_found(self, code):
        assert len(sentences(ast.parse(f"def test():\n    {code}\n"))) == 1

    @pytest.mark.parametrize(
        "rows",
        [
            "'said', ['the file is gone', 'x']",
            "('name', 'said'), [('x', 'the file is gone'), ('y', 'z')]",
            "'name, said', [pytest.param('x', 'the file is gone', id='a'), ('y', 'z')]",
            "['said'], TEXTS",
            "'said', TEXTS.items()",
        ],
    )
    def test_a_sentence_among_parameters_is_found(self, rows):
        test = f"@pytest.mark.parametrize({rows})\ndef test(said):\n    assert said in text\n"
        assert len(sentences(ast.parse(f"TEXTS = ['the file is gone']\n{test}"))) == 1

    @pytest.mark.parametrize(
        "code",
        [
            "with pytest.raises(OSError, match=r'a\\.csv .*line 3: .*1\\.5'): pass",
            "assert 'the file' in text",
            "assert '| Measured latency | 5.1 |' in text",
            "assert kind == 'too many rows'",
            "given = 'the file is gone'\n    assert 'x' in read(given)",
        ],
    )
    def test_identifiers_and_values_are_no_sentences(self, code):
        assert sentences(ast.parse(f"def test():\n    {code}\n")) == []


class TestLibrary:
    @pytest.mark.parametrize(
        "path", sorted((ROOT / "brpnas").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
    )
    def test_module_says_what_it_is_and_what_it_exports(self, path):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree)
        names = [
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        ]
        has_code = any(not isinstance(node, ast.Expr) for node in tree.body)
        assert "__all__" in names or not has_code or path.name == "__main__.py"

    def test_reading_and_encoding_need_no_torch_and_no_pipeline_tool(self):
        packages = "errors", "graphs", "metrics", "spaces", "datasets", "devices"
        code = (
            "import sys\n"
            + "".join(f"import brpnas.{name}\n" for name in packages)
            + "print(sorted({'torch', 'kedro', 'mlflow', 'dvc', 'matplotlib'} & set(sys.modules)))"
        )
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.stdout == "[]\n", result.stderr

    def test_source_files_have_a_test_of_their_name(self):
        tests = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
        sources = [p for p in (ROOT / "brpnas").rglob("*.py") if not p.name.startswith("__")]
        untested = [
            str(p.relative_to(ROOT))
            for p in sources
            if not any(t == f"test_{p.stem}" or t.endswith(f"_{p.stem.strip('_')}") for t in tests)
        ]
        assert untested == []
