"""The architectures table of NAS-Bench-201, which follows from the space alone: no file is needed.

`list_architectures` makes it for the whole space or for some cells, with their cost and with the id
that is equal for cells that compute the same function.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from brpnas.datasets.schemas import ARCHITECTURES, validate
from brpnas.spaces.nasbench201 import NasBench201
from brpnas.spaces.nasbench201.cost import cost

__all__ = ["list_architectures"]


def list_architectures(
    arch_ids: Sequence[str] | None = None, *, origin: str = "NAS-Bench-201"
) -> pd.DataFrame:
    """List architectures of NAS-Bench-201.

    Args:
        arch_ids: Which; the whole space of 15,625 by default.
        origin: Where they come from, for the error.

    Returns:
        Architectures table sorted by ``arch_id``. Parameters and multiply-adds, in millions, are
        those of the benchmark's CIFAR-10 network, see `brpnas.spaces.nasbench201.cost`.

    Raises:
        ArchitectureError: If one is not a cell.
        SchemaError: If one is given twice.
    """
    space = NasBench201()
    names = list(space.enumerate() if arch_ids is None else arch_ids)
    params, flops = cost(space.codes(names))
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
    return validate(table.sort_values("arch_id"), ARCHITECTURES, origin=origin)
