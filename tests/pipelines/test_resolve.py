"""Null parameters: the images decide, or else the published network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.config import OmegaConfigLoader

from brpnas.errors import ConfigurationError, SourceError
from brpnas.spaces import get_space
from pipelines import settings
from pipelines.network import network_config
from pipelines.resolve import resolve

CONF = Path(__file__).resolve().parents[2] / "conf"


def read(env: str = "base", **runtime: Any) -> dict[str, Any]:
    loader = OmegaConfigLoader(
        str(CONF), env=env, runtime_params=runtime, **settings.CONFIG_LOADER_ARGS
    )
    return dict(loader["parameters"])


@pytest.fixture
def flowers(tmp_path: Path) -> str:
    pixels = np.arange(40 * 6 * 7 * 3).reshape(40, 6, 7, 3) % 251
    path = tmp_path / "Flowers.npz"
    np.savez(path, images=pixels.astype(np.uint8), labels=np.arange(40) % 4)
    return str(path)


@pytest.mark.parametrize("space", ["nasbench201", "nasbench101", "darts"])
def test_without_images_the_published_network(space: str) -> None:
    resolved = resolve(read(space=space))
    size = network_config(resolved["network"])
    published = get_space(space).published
    assert (size.channels, size.cells_per_stage, size.stages, size.input_shape, size.classes) == (
        published.channels,
        published.cells_per_stage,
        published.stages,
        published.input_shape,
        published.classes,
    )
    assert not size.executes_dead_ops, "as networks are exported"
    assert resolved["dataset"] == "digits"


def test_input_classes_and_data_set_are_those_of_the_images(flowers: str) -> None:
    resolved = resolve(read("live", images={"path": flowers}))
    assert resolved["network"] == {
        "channels": 16,
        "cells_per_stage": 2,
        "stages": 3,
        "input_shape": [3, 6, 7],
        "classes": 4,
    }
    assert resolved["dataset"] == "flowers"
    assert resolve(read("live"))["dataset"] == "digits"


WITHOUT_TORCH = """
import json, sys
sys.modules |= {"torch": None, "sklearn": None}  # every import of them fails
from pipelines.resolve import resolve
resolved = resolve(json.load(sys.stdin))
print(resolved["network"]["input_shape"], resolved["network"]["classes"], resolved["dataset"])
"""


def test_images_are_read_where_torch_and_scikit_learn_are_missing(repository: Path) -> None:
    """As in the container of `ingest`, which counts the costs of networks of their size."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        cwd=repository,
        input=json.dumps(read("live")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[1, 8, 8] 10 digits\n", done.stderr


def test_a_size_that_the_images_do_not_have_is_refused(flowers: str) -> None:
    given = {"images": {"path": flowers}, "network": {"input_shape": [3, 32, 32], "classes": 4}}
    with pytest.raises(ConfigurationError, match=r"input_shape is 3 x 32 x 32.*have input_shape 3"):
        resolve(read("live", **given))
    given["network"] = {"classes": 10}
    with pytest.raises(ConfigurationError, match=r"network\.classes is 10, .* classes 4:"):
        resolve(read("live", **given))
    given["network"] = {"input_shape": [3, 6, 7]}
    assert resolve(read("live", **given))["network"]["classes"] == 4


def test_a_data_set_left_open_needs_images() -> None:
    with pytest.raises(ConfigurationError, match=r"`dataset` .*images\.path .*null"):
        resolve(read(dataset=None))


def test_images_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"{tmp_path / 'none.npz'}\. images\.path"):
        resolve(read("live", images={"path": str(tmp_path / "none.npz")}))


def test_stages_need_numbers() -> None:
    with pytest.raises(ConfigurationError, match=r"network\.channels .*null"):
        network_config(read()["network"])
