"""Accuracies for cells that were not trained because another cell is the same function.

NAS-Bench-201 has 15,625 cells but 6,466 functions, and whoever trains pays for functions. A search
however may ask for any cell: `share_with_siblings` gives it the runs of the one that was trained.
"""

from __future__ import annotations

import pandas as pd

from brpnas.errors import SchemaError

__all__ = ["share_with_siblings"]


def share_with_siblings(accuracy: pd.DataFrame, architectures: pd.DataFrame) -> pd.DataFrame:
    """Repeat the rows of trained cells for the untrained cells that compute the same function.

    A repeated row is the same training, not another one: same seed, same accuracy, same time. Cells
    with rows of their own on a data set keep them, and those alone. Of several trained cells of one
    function, the first by ``arch_id`` stands for the untrained ones.

    Args:
        accuracy: Accuracy table.
        architectures: Architectures table of the space.

    Returns:
        Accuracy table ordered by data set, split, ``arch_id`` and seed.

    Raises:
        SchemaError: If a trained cell is not among the architectures.
    """
    functions = architectures.set_index("arch_id")["isomorphism_id"]
    strangers = set(accuracy["arch_id"]) - set(functions.index)
    if strangers:
        raise SchemaError(
            f"The accuracy table names {len(strangers)} architectures that the space does not "
            f"have, the first of them {min(strangers)!r}. Remove their rows."
        )
    parts = [accuracy]
    for _, rows in accuracy.groupby("dataset", sort=False):
        trained = functions.loc[sorted(set(rows["arch_id"]))]
        stands_for = {function: arch_id for arch_id, function in reversed(list(trained.items()))}
        others = functions[~functions.index.isin(trained.index)].map(stands_for).dropna()
        pairs = pd.DataFrame({"sibling": others.index, "arch_id": others.to_numpy()})
        copies = pairs.astype("str").merge(rows, on="arch_id")
        parts.append(copies.assign(arch_id=copies["sibling"])[list(accuracy.columns)])
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["dataset", "split", "arch_id", "seed"], ignore_index=True)
