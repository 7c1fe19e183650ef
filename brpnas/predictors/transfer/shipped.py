"""The priors shipped with the package, from public and embedded devices.

`shipped_prior` loads that of a space. The one of NAS-Bench-201 was learnt from LatBench, HELP and
the shipped devices, by ``kedro run --env=prior --pipelines=ingest,featurise,pretrain``; the one of
FBNet from its seven published devices, by the same stages with ``--env=fbnet
--params=ingest.benchmarks=[fbnet],pretrain.keep_tables=false``. They hold weights, scales and
errors, but no measured latency.
"""

from __future__ import annotations

from pathlib import Path

from brpnas.errors import SourceError
from brpnas.predictors.transfer.prior import DevicePrior

__all__ = ["has_shipped_prior", "shipped_prior"]

_FOLDER = Path(__file__).with_name("priors")


def has_shipped_prior(space: str, folder: Path = _FOLDER) -> bool:
    """Whether a prior ships for a search space."""
    return (folder / f"{space}.safetensors").is_file()


def shipped_prior(space: str, folder: Path = _FOLDER) -> DevicePrior:
    """Load the prior of a search space from the folder of priors.

    Raises:
        SourceError: If no prior ships for the space.
    """
    path = folder / f"{space}.safetensors"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.safetensors"))) or "none"
        raise SourceError(
            f"No prior of devices ships for the space {space!r} (there are: {known}). Learn one "
            "from your devices: kedro run --pipelines=pretrain."
        )
    return DevicePrior.load(path)
