"""The architectures table of a space, computed without a file.

`list_architectures` lists the whole space or some cells, with cost and isomorphism id.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from brpnas.datasets.schemas import ARCHITECTURES, validate
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, SearchSpace, get_space

__all__ = ["list_architectures"]


def list_architectures(
    arch_ids: Sequence[str] | None = None,
    *,
    space: SearchSpace | str = DEFAULT_SPACE,
    network: NetworkConfig | None = None,
    origin: str | None = None,
) -> pd.DataFrame:
    """List architectures of a space.

    Args:
        arch_ids: The architectures; by default the whole space.
        space: The space or its name.
        network: Network of the listed parameters and multiply-adds, with or without dead
            operations; by default the published one of the space.
        origin: Source of the architectures, for errors; by default the name of the space.

    Returns:
        Architectures table sorted by ``arch_id``. Parameters and multiply-adds are in millions
        (`SearchSpace.cost`), missing if the space has no costs.

    Raises:
        ArchitectureError: If a string is not an architecture of the space.
        BudgetError: If the whole space is requested and is too large.
        SchemaError: If an architecture is given twice.
    """
    space = get_space(space)
    names = list(space.enumerate() if arch_ids is None else arch_ids)
    params, flops = space.cost(names, network)
    table = pd.DataFrame(
        {
            "arch_id": names,
            "space": space.name,
            "isomorphism_id": space.isomorphism_ids(names),
            "params_m": params / 1e6,
            "flops_m": flops / 1e6,
        }
    )
    table = table.astype(dict.fromkeys(("arch_id", "space", "isomorphism_id"), "str"))
    return validate(
        table.sort_values("arch_id"), ARCHITECTURES, origin=origin or f"The space {space.name}"
    )
