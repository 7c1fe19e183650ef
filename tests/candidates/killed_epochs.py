"""A training killed between its epochs: ``python -m tests.candidates.killed_epochs FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from brpnas.candidates import ImageSource, train_architecture
from brpnas.candidates.checkpoints import Checkpoint
from brpnas.candidates.fitting import Fitting
from tests.candidates.small import CONV, small

SETTINGS = small(epochs=40, batch_size=16)

if __name__ == "__main__":
    folder, ran, run = Path(sys.argv[1]), [], Fitting.run_epoch
    Fitting.run_epoch = lambda fitting: ran.append(1) or run(fitting)  # type: ignore[method-assign]
    checkpoint = Checkpoint(folder / "it.checkpoint", "it", 0.0)
    trained = train_architecture(CONV, 0, ImageSource().load(), SETTINGS, checkpoint=checkpoint)
    with (folder / "ended").open("wb") as file:
        np.savez(file, curve=trained.curve, ran=len(ran), **trained.weights)
