"""Contents of the images."""

from __future__ import annotations

import re

import pytest

from tests.docker.engine import REVISION, TAG, VERSION, inspect, output

pytestmark = [pytest.mark.docker, pytest.mark.slow]

NAMES = [
    "ingest",
    "featurise",
    "train",
    "search",
    "evaluate",
    "export",
    "measure",
    "train_candidates",
    "pretrain",
    "retrain",
    "promote",
    "mlflow",
]
LARGEST_GB = {"ingest": 0.8, "featurise": 0.8, "train": 2.0, "search": 2.0, "mlflow": 1.5}
ABSENT = {
    "ingest": {"torch", "distributed", "onnx", "matplotlib"},
    "featurise": {"torch", "distributed", "onnx", "matplotlib"},
    "evaluate": {"torch", "distributed"},
    "train": {"distributed"},
    "mlflow": {"torch", "kedro", "brpnas"},
}
SECRET = re.compile(r"(?i)passw|secret|token|credential|api_?key|://[^/\s]*:[^/\s]*@")
FOUND = """
import importlib.util, sys
print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name)])
"""
REFUSED = """
import os
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/dev")):
        continue
    for path in [folder, *(os.path.join(folder, name) for name in names)]:
        if os.access(path, os.W_OK) and not os.path.islink(path):
            print(path)
"""


def python(name: str, program: str, *arguments: str) -> list[str]:
    image = f"brpnas/{name}:{TAG}"
    words = ["docker", "run", "--rm", "--network=none", "--entrypoint=python"]
    return output(*words, image, "-c", program, *arguments, timeout=120).split()


def test_all_are_built(images: list[str]) -> None:
    assert sorted(images) == sorted(f"brpnas/{name}:{TAG}" for name in NAMES)


@pytest.mark.usefixtures("images")
class TestImage:
    @pytest.mark.parametrize("name", NAMES)
    def test_says_what_it_was_made_from(self, name: str) -> None:
        labels = inspect(f"brpnas/{name}:{TAG}")["Config"]["Labels"]
        assert labels["org.opencontainers.image.version"] == VERSION
        assert labels["org.opencontainers.image.revision"] == REVISION

    @pytest.mark.parametrize("name", NAMES)
    def test_runs_as_nobody_in_particular(self, name: str) -> None:
        assert inspect(f"brpnas/{name}:{TAG}")["Config"]["User"] == "1000:1000"

    @pytest.mark.parametrize("name", ["ingest", "search"])
    def test_its_user_can_write_to_data_and_temporary_files_alone(self, name: str) -> None:
        kept = {"/app/data", "/mlartifacts", "/tmp", "/var/tmp", "/run/lock"}
        assert set(python(name, REFUSED)) <= kept

    @pytest.mark.parametrize("name", ABSENT)
    def test_holds_what_its_stage_needs_alone(self, name: str) -> None:
        assert python(name, FOUND, "mlflow", *sorted(ABSENT[name])) == ["mlflow"]

    @pytest.mark.parametrize("name", LARGEST_GB)
    def test_size(self, name: str) -> None:
        assert inspect(f"brpnas/{name}:{TAG}")["Size"] <= LARGEST_GB[name] * 1e9

    @pytest.mark.parametrize("name", NAMES)
    def test_tells_no_secret(self, name: str) -> None:
        image = f"brpnas/{name}:{TAG}"
        history = output("docker", "history", "--no-trunc", "--format={{.CreatedBy}}", image)
        assert SECRET.search(history) is None
        assert SECRET.search("\n".join(inspect(image)["Config"]["Env"])) is None

    def test_settings_of_this_machine_stay_here(self) -> None:
        program = "import os; print(*os.listdir('/app'), *os.listdir('/app/conf/local'))"
        assert set(python("ingest", program)) - {"__pycache__"} == {
            *("conf", "data", "entrypoint.py", "kedro.yml", "pipelines", "pyproject.toml"),
            ".gitkeep",
        }
