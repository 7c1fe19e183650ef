"""A final training to be killed: ``python -m tests.candidates.killed_final FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from brpnas.candidates import ImageSource, TrainOracle
from brpnas.search import Question
from tests.candidates.small import CONV, small

SETTINGS = small(epochs=6)

if __name__ == "__main__":
    oracle = TrainOracle(ImageSource(), SETTINGS, Path(sys.argv[1]))
    oracle.answer(Question(0, CONV))
    sys.stdout.write("searched\n")
    sys.stdout.flush()
    oracle.final(CONV, 0)
    sys.stdout.write("final\n")
