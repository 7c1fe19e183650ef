from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from torch import nn

from brpnas.errors import MeasurementError
from brpnas.measure.artifacts import MANIFEST, Manifest, make_artifact
from brpnas.measure.protocol import Protocol
from brpnas.measure.runner import artifact_hash
from brpnas.measure.runtimes import OnnxRuntime

NETWORK = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
HOSTILE = "../../etc/x; rm -rf ~\n\x1b[2J"


def made(folder: Path) -> Manifest:
    artifact = make_artifact(HOSTILE, NETWORK, (1, 3, 8, 8), OnnxRuntime(), folder)
    runtime = ("onnxruntime", "fp32", "CPUExecutionProvider", 1)
    return Manifest(*runtime, Protocol(), 0, 1e-3, (artifact,), versions={"torch": "2"})


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    manifest = made(tmp_path)
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert Manifest.read(tmp_path).id == manifest.id


def test_files_are_named_after_their_content_alone(tmp_path: Path) -> None:
    (artifact,) = made(tmp_path).networks
    (file,) = artifact.files
    content = (tmp_path / file.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file.sha256
    assert file.file == f"{artifact.sha256[:32]}.onnx"
    assert artifact.sha256 == artifact_hash([file.sha256])
    assert (artifact.name, artifact.file_kib) == (HOSTILE, len(content) / 1024)
    assert [path.name for path in tmp_path.iterdir()] == [file.file]


@pytest.mark.parametrize("key", ["threads", "tolerance", "networks", "id", "format"])
def test_an_edited_manifest_is_refused(tmp_path: Path, key: str) -> None:
    path = made(tmp_path).write(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: 3}))
    with pytest.raises(MeasurementError, match=r"manifest\.json\b"):
        Manifest.read(tmp_path)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match=MANIFEST):
        Manifest.read(tmp_path)
