"""The prior that ships with the package: what 19 devices teach about a new one.

`shipped_prior` loads it. It was learnt from LatBench, HELP and the devices that ship, by
``kedro run --env=prior --pipelines=ingest,featurise,pretrain``; it holds weights, and no measured
latency.
"""

from __future__ import annotations

from pathlib import Path

from brpnas.errors import SourceError
from brpnas.predictors.transfer.prior import DevicePrior

__all__ = ["shipped_prior"]

_FOLDER = Path(__file__).with_name("priors")


def shipped_prior(space: str, folder: Path = _FOLDER) -> DevicePrior:
    """Load the prior of a search space.

    Args:
        space: Name of the space.
        folder: Where priors lie.

    Raises:
        SourceError: If none ships for that space.
    """
    path = folder / f"{space}.safetensors"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.safetensors"))) or "none"
        raise SourceError(
            f"No prior of devices ships for the space {space!r} (there are: {known}). Learn one "
            "from devices of your own: kedro run --pipelines=pretrain."
        )
    return DevicePrior.load(path)
