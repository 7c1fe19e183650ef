"""Accuracies of untrained cells from isomorphic trained ones.

NAS-Bench-201 has 15,625 cells but 6,466 functions, and one training per function is enough. A
search may query any cell: `share_with_isomorphic` gives it the runs of its isomorphic trained cell.
"""

from __future__ import annotations

import pandas as pd

from brpnas.errors import SchemaError

__all__ = ["share_with_isomorphic"]


def share_with_isomorphic(accuracy: pd.DataFrame, architectures: pd.DataFrame) -> pd.DataFrame:
    """Repeat the rows of trained cells for isomorphic untrained cells.

    A repeated row is the same training: same seed, accuracy and time. Cells with their own rows on
    a data set keep only these. Of several isomorphic trained cells the first by ``arch_id`` is
    used.

    Args:
        accuracy: Accuracy table.
        architectures: Architectures table of the space.

    Returns:
        Accuracy table ordered by data set, split, ``arch_id`` and seed.

    Raises:
        SchemaError: If a trained cell is not among the architectures.
    """
    functions = architectures.set_index("arch_id")["isomorphism_id"]
    unknown = set(accuracy["arch_id"]) - set(functions.index)
    if unknown:
        raise SchemaError(
            f"The accuracy table contains {len(unknown)} architectures outside the space, first "
            f"{min(unknown)!r}. Remove their rows."
        )
    parts = [accuracy]
    for _, rows in accuracy.groupby("dataset", sort=False):
        trained = functions.loc[sorted(set(rows["arch_id"]))]
        trained_of = {function: arch_id for arch_id, function in reversed(list(trained.items()))}
        others = functions[~functions.index.isin(trained.index)].map(trained_of).dropna()
        pairs = pd.DataFrame({"untrained": others.index, "arch_id": others.to_numpy()})
        copies = pairs.astype("str").merge(rows, on="arch_id")
        parts.append(copies.assign(arch_id=copies["untrained"])[list(accuracy.columns)])
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["dataset", "split", "arch_id", "seed"], ignore_index=True)
