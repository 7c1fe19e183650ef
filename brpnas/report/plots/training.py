"""Losses of the latency predictor over its training epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from brpnas.report.palette import OKABE_ITO
from brpnas.report.plots.ticks import log_axis
from brpnas.report.svg import drawing, figure, to_svg

__all__ = ["training_curves"]

_LINES = (("train_loss", "training", "orange", (4, 1.5)), ("valid_loss", "validation", "blue", ()))


def training_curves(training: pd.DataFrame, name: str = "training") -> str:
    """Draw training and validation loss: a thin line per member, the mean over members bold.

    A dot marks the best validation epoch of each member, whose weights are kept.

    Args:
        training: ``member``, ``epoch``, ``train_loss``, ``valid_loss``; losses may be null.
        name: Name of the drawing on its page.
    """
    members = sorted(training["member"].unique())
    with drawing():
        drawn, axes = figure(5.6, 3.6)
        for column, label, colour, dashes in _LINES:
            style: dict[str, Any] = {"color": OKABE_ITO[colour], "dashes": dashes or (None, None)}
            losses = training.dropna(subset=[column])
            if len(members) > 1:
                for _, rows in losses.groupby("member"):
                    axes.plot(rows["epoch"], rows[column], linewidth=0.8, alpha=0.5, **style)
            mean = losses.groupby("epoch")[column].mean()
            axes.plot(mean.index, mean.to_numpy(), label=label, **style)
        valid = training.dropna(subset=["valid_loss"])
        if len(valid):
            best = valid.loc[valid.groupby("member")["valid_loss"].idxmin()]
            axes.scatter(
                best["epoch"],
                best["valid_loss"],
                s=34,
                color=OKABE_ITO["blue"],
                zorder=3,
                label="best epoch, kept",
            )
        values = training[["train_loss", "valid_loss"]].to_numpy(np.float64)
        if np.nanmin(values) > 0:
            log_axis(axes, "y", np.nanmin(values) * 0.9, np.nanmax(values) * 1.1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.legend()
        alt = (
            f"Training and validation loss of "
            f"{len(members)} model{'s' if len(members) > 1 else ''} over "
            f"{training['epoch'].nunique()} epochs."
        )
        return to_svg(drawn, name, alt)
