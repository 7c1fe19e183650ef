"""The architectures table of a space, which follows from the space alone: no file is needed.

`list_architectures` makes it for the whole space or for some cells, with their cost and with the id
that is equal for cells that compute the same function.
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
        arch_ids: Which; the whole space by default.
        space: What they are of, or its name.
        network: Network whose parameters and multiply-adds are listed, with or without dead
            operations; by default the one with which the space was published.
        origin: Where they come from, for the error; the name of the space by default.

    Returns:
        Architectures table sorted by ``arch_id``. Parameters and multiply-adds are in millions
        (`SearchSpace.cost`), and missing where the space does not know them.

    Raises:
        ArchitectureError: If one is not an architecture of the space.
        BudgetError: If none are named and the space is too large to be listed.
        SchemaError: If one is given twice.
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
