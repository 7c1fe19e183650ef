"""Challengers for the registry: predictors by costs of operations, better or worse at will."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from brpnas.serving import OnnxPredictor
from brpnas.spaces import get_space
from pipelines.config import PromoteConfig, parse
from pipelines.registry import Challenger
from tests.export.costs import COSTS, cost_model, cost_of
from tests.pipelines.parameters import base

NAME = "latency-board"
ARCHS = get_space("nasbench201").sample(np.random.default_rng(0), 120)


def config(**changed: Any) -> PromoteConfig:
    """Values of conf/base, with changes to some latency gates or settings."""
    gates = {
        name: changed.pop(name) for name in list(changed) if name in base("promote")["latency"]
    }
    return parse(PromoteConfig, base("promote", latency=gates, **changed))


def onnx(error: float, **options: Any) -> bytes:
    """A predictor with this largest relative error in its costs of operations."""
    factors = 1 + error * np.array([0, 0, 0, 0, 1, -1, 1, -1, 1])
    return cost_model([float(c) for c in np.array(COSTS) * factors], **options)


def challenger(error: float = 0.05, count: int = len(ARCHS), **changed: Any) -> Challenger:
    """A predictor of a board with the sum of `COSTS` as true latency."""
    content = changed.pop("onnx", None) or onnx(error)
    predictor = OnnxPredictor(content, check_answers=False)
    answers = predictor.predict(ARCHS[:count])
    test = pd.DataFrame(
        {
            "arch_id": ARCHS[:count],
            "true": cost_of(ARCHS[:count]),
            "predicted": answers[predictor.value],
        }
    )
    settings: dict[str, Any] = {
        "name": NAME,
        "kind": "latency" if predictor.value == "latency_ms" else "accuracy",
        "onnx": content,
        "test": test,
        "parity": 1e-7,
        "tolerance": 1e-5,
        "card": "# A board\n",
        "licence": "Do as you like.\n",
    }
    return Challenger(**settings | changed)
