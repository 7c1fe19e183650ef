"""The folder of a model in MLflow: predictor, code, card, licence, test rows.

The code is the part of brpnas behind `brpnas.serving`, copied under a name from its content, such
as ``brpnas_1a2b3c4d``. So models of different age can be loaded side by side, each with the encoder
of its training, and without hiding the installed `brpnas`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

import brpnas
from brpnas.serving import OnnxPredictor
from pipelines.registry.challenger import Challenger

__all__ = ["ARTIFACTS", "bundle", "copy_code"]

ARTIFACTS = {
    "predictor": "predictor.onnx",
    "test": "test.parquet",
    "card": "README.md",
    "licence": "LICENSE",
    "rows": "rows.parquet",
}
"""Files in the folder ``artifacts`` of a registered model; the last one only with rows."""

_PACKAGES = ("mlflow", "numpy", "onnxruntime", "pandas")
_SOURCES = (
    "serving.py",
    "telemetry.py",
    "datasets/metrics.py",
    "spaces/**/*.py",
)  # and the modules they import
_TRAINS = {"build.py", "layers.py"}  # torch modules of a space, of no use to a server
_SERVED = Path(__file__).with_name("served.py")
_INIT = '''"""What the model beside it needs of brpnas."""

from brpnas.telemetry import turn_off_telemetry

turn_off_telemetry()
'''


def copy_code(folder: Path) -> Path:
    """Copy the code of `brpnas.serving` into a folder, as a package named after its content."""
    root = Path(brpnas.__file__).parent
    texts = {path.relative_to(root): text for path, text in _sources(root).items()}
    digest = hashlib.sha256(repr(sorted((str(p), t) for p, t in texts.items())).encode())
    package = folder / f"brpnas_{digest.hexdigest()[:8]}"
    texts[Path("__init__.py")] = _INIT
    for path, text in texts.items():
        target = package / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(text, package.name), "utf-8")
    return package


def _renamed(text: str, package: str) -> str:
    """Code importing the copy instead of `brpnas`."""
    return re.sub(r"^(\s*(?:>>> )?(?:from|import) )brpnas\b", rf"\1{package}", text, flags=re.M)


def _sources(root: Path) -> dict[Path, str]:
    """Text of each file of `brpnas.serving` and its imports, in the order of their names."""
    todo = [f for pattern in _SOURCES for f in root.glob(pattern) if f.name not in _TRAINS]
    texts: dict[Path, str] = {}
    while todo:
        file = todo.pop()
        texts[file] = file.read_text("utf-8")
        imported = re.findall(r"^(?:from|import) brpnas\.(\w+)", texts[file], flags=re.M)
        modules = {root / f"{name}.py" for name in imported}
        todo += [path for path in modules if path.is_file() and path not in texts]
    return dict(sorted(texts.items()))


@contextmanager
def bundle(challenger: Challenger) -> Iterator[dict[str, Any]]:
    """Write the files of a challenger for the block; yields arguments of ``log_model``."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = {key: folder / file for key, file in ARTIFACTS.items()}
        if challenger.rows is None:
            del paths["rows"]
        else:
            challenger.rows.to_parquet(paths["rows"], index=False)
        paths["predictor"].write_bytes(challenger.onnx)
        challenger.test.to_parquet(paths["test"], index=False)
        paths["card"].write_text(challenger.card, "utf-8")
        paths["licence"].write_text(challenger.licence, "utf-8")
        package = copy_code(folder)
        predictor = challenger.predictor()
        paths |= _space_file(predictor.space.name, folder, package.name)
        yield {
            "python_model": str(_SERVED),
            "artifacts": {key: str(path) for key, path in paths.items()},
            "code_paths": [str(package)],
            "model_config": {"package": package.name},
            "signature": _signature(predictor.outputs),
            "input_example": _example(challenger, predictor),
            "pip_requirements": [f"{name}=={version(name)}" for name in _PACKAGES],
            "metadata": {**predictor.metadata, "kind": challenger.kind},
        }


def _space_file(name: str, folder: Path, package: str) -> dict[str, Path]:
    """A copy of the Python file of a custom space, needed to run the model elsewhere."""
    if not name.endswith(".py"):
        return {}
    copied = folder / "space" / Path(name).name
    copied.parent.mkdir()
    copied.write_text(_renamed(Path(name).read_text("utf-8"), package), "utf-8")
    return {"space": copied}


def _signature(outputs: tuple[str, ...]) -> ModelSignature:
    # No inputs: with one, MLflow passes on the first column of a table under any name.
    answers: list[ColSpec | TensorSpec] = [
        ColSpec("string", "arch_id"),
        *(ColSpec("double", name) for name in outputs),
    ]
    return ModelSignature(outputs=Schema(answers))


def _example(challenger: Challenger, predictor: OnnxPredictor) -> list[str]:
    known = challenger.test["arch_id"] if len(challenger.test) else predictor.space.enumerate()
    return [str(arch_id) for arch_id in known[:2]]
