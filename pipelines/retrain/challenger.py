"""The challenger for the registry and its report: nodes of the stage `retrain`."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from brpnas.datasets import MEASURED
from brpnas.export import ModelCard, model_card
from brpnas.metrics import regression_metrics, share_interval, spearman_interval
from brpnas.promotion import data_drift_sentences, describe_data_drift
from brpnas.report.device import DeviceReport, device_page, device_plot
from brpnas.serving import OnnxPredictor
from pipelines.registry import (
    Challenger,
    champion_of,
    licence_text,
    metric_model_name,
    register,
)
from pipelines.retrain.device import AdaptedDevice, ExportedPredictor

__all__ = ["judge_device", "register_device", "write_card", "write_files"]

_log = logging.getLogger(__name__)


def judge_device(adapted: AdaptedDevice, rows: pd.DataFrame, answers: pd.DataFrame) -> DeviceReport:
    """Figures of the new predictor and of the champion, and changes of the data since the champion.

    Args:
        adapted: The device and its new predictor.
        rows: All rows of the device.
        answers: Predictions of the new predictor for the test rows.
    """
    predictor = adapted.predictor
    name, metric = metric_model_name(adapted.metric), adapted.metric
    champion = champion_of(name)
    figures: dict[str, Any] = {
        "device": str(metric.device),
        "metric": metric.metric,
        "folder": adapted.folder,
        "model": name,
        "method": predictor.method,
        "view": predictor.view,
        "rows": {"learn": predictor.rows, "test": len(answers)},
        "errors_left_out": predictor.errors,
        "coverage": predictor.coverage,
        "known_devices": list(predictor.known),
        "prior_knows_device": adapted.known,
        "transfer": adapted.transfer,
        "challenger": _metrics(answers),
        "champion": None,
        "data_drift": None,
        "changes": [],
    }
    if champion is None:
        return DeviceReport(figures, answers, answers.head(0))
    version = str(champion.version.version)
    theirs = _answers(champion.predictor, answers["arch_id"], answers["true"])
    changes = []
    if not (np.isfinite(theirs["predicted"]) & (theirs["predicted"] > 0)).all():
        changes.append(
            f"The champion, version {version}, gives no usable answer for some test rows, so "
            f"nothing is compared with it. To take it back: `brpnas rollback {name}`."
        )
        theirs = theirs.head(0)
    figures |= {"champion": _metrics(theirs), "champion_version": version}
    if champion.rows is not None:
        cells = pd.Index(rows["arch_id"]).union(champion.rows["arch_id"])
        said = _answers(champion.predictor, pd.Series(cells), None)
        figures["data_drift"] = describe_data_drift(champion.rows, rows, said, metric.metric)
        changes += data_drift_sentences(figures["data_drift"], metric.metric)
    for sentence in changes:
        _log.info("%s", sentence)
    return DeviceReport(figures | {"changes": changes}, answers, theirs)


def _metrics(answers: pd.DataFrame) -> dict[str, float] | None:
    if not len(answers):
        return None
    found = regression_metrics(answers["predicted"], answers["true"])
    if {"lower", "upper"} <= set(answers):
        inside = (answers["true"] >= answers["lower"]) & (answers["true"] <= answers["upper"])
        found["coverage"] = float(inside.mean())
    return found


def _answers(predictor: OnnxPredictor, cells: pd.Series, true: pd.Series | None) -> pd.DataFrame:
    if not len(cells):
        return pd.DataFrame({"arch_id": [], "true": [], "predicted": []})
    names = dict(zip(predictor.outputs, ("predicted", "lower", "upper"), strict=False))
    said = predictor.predict(cells.tolist()).rename(columns=names)
    return said if true is None else said.assign(true=true.to_numpy(np.float64))


def write_card(exported: ExportedPredictor, report: DeviceReport, rows: pd.DataFrame) -> str:
    """Model card of the exported predictor, with code to predict a row of the device.

    Args:
        exported: The predictor.
        report: Figures of the predictor.
        rows: Rows of the device.
    """
    figures = report.figures
    device, counts = figures["device"], figures["rows"]
    errors = figures["errors_left_out"]
    known, cell = figures["known_devices"], str(rows["arch_id"].iloc[0])
    served, about = OnnxPredictor(exported.onnx), MEASURED[figures["metric"]]
    card = ModelCard(
        title=f"{about.title} predictor of {device}",
        description=f"Predicts the {about.title.lower()} in {about.unit} of an architecture, with "
        f"an interval that holds {figures['coverage']:.0%} of measurements. The code below makes "
        "the graphs that it reads. To ask it with strings alone: "
        f"`brpnas predict predictor.onnx '{cell}'`, `brpnas.serving.OnnxPredictor`, or the "
        "registry.",
        protocol=f"Learnt from {counts['learn']} measured cells and from {len(known)} other "
        f"devices ({', '.join(known)}){_own_part(figures)}; way of predicting: "
        f"{figures['method']}, chosen on rows left out. "
        f"Metrics are of {counts['test']} test rows, which a hash of the cell decides.",
        metrics={
            **{f"{k} (test)": v for k, v in (figures["challenger"] or {}).items()},
            **_how_sure(figures),
            **{f"mean log error, rows left out, {k}": v for k, v in errors.items()},
        },
        limits=[
            f"Knows only {device}, and only architectures of its search space.",
            *([figures["transfer"]] if figures["transfer"] else []),
        ],
        space=served.space.name,
        view=served.metadata["view"],  # type: ignore[arg-type]
        example=cell,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictor.onnx"
        path.write_bytes(exported.onnx)
        return model_card(path, card)


def _how_sure(figures: Mapping[str, Any]) -> dict[str, str]:
    """Intervals of two figures: wide with few test rows."""
    if not figures["challenger"]:
        return {}
    rows, own = figures["rows"]["test"], figures["challenger"]
    found = {
        "spearman": spearman_interval(own["spearman"], rows),
        "within_10": share_interval(own["within_10"], rows),
    }
    return {
        f"{name}, 90 % interval (test)": f"{low:.2f} to {high:.2f}"
        for name, (low, high) in found.items()
    }


def _own_part(figures: Mapping[str, Any]) -> str:
    """Note on the card if the devices of the prior include the target device."""
    if not figures["prior_knows_device"]:
        return ""
    return "; the network of known devices was trained on earlier rows of this one too"


def write_files(
    exported: ExportedPredictor, card: str, report: DeviceReport, rows: pd.DataFrame
) -> tuple[dict[str, dict[str, bytes]], dict[str, dict[str, bytes]]]:
    """Files of the device: of the model, and of the report.

    Args:
        exported: The predictor.
        card: Its card.
        report: Its figures and answers, and those of the champion.
        rows: All rows of the device.

    Returns:
        ``predictor.onnx, README.md, rows.csv``; and ``report.md, plot.png, metrics.json``.
    """
    model = {
        "predictor.onnx": exported.onnx,
        "README.md": card.encode(),
        "rows.csv": rows.to_csv(index=False).encode(),
    }
    pages = {
        "report.md": device_page(report).encode(),
        "plot.png": device_plot(report),
        "metrics.json": report.to_json().encode(),
    }
    folder = report.figures["folder"]
    return {folder: model}, {folder: pages}


def register_device(
    exported: ExportedPredictor,
    card: str,
    report: DeviceReport,
    rows: pd.DataFrame,
    pages: Mapping[str, Path],
) -> dict[str, Any]:
    """Register the predictor as challenger of its device, with its report.

    Args:
        exported: The predictor.
        card: Its card.
        report: Its figures, and its answers for the test rows.
        rows: All rows of the device.
        pages: For each device or device metric the folder of its report.

    Returns:
        The figures, with the new version.
    """
    figures, folder = report.figures, report.figures["folder"]
    challenger = Challenger(
        name=figures["model"],
        kind=MEASURED[figures["metric"]].kind,  # type: ignore[arg-type]
        onnx=exported.onnx,
        test=report.challenger,
        parity=exported.error,
        tolerance=exported.tolerance,
        card=card,
        licence=licence_text(),
        metrics=figures["challenger"] or {},
        tags={"brpnas.method": figures["method"], "brpnas.rows": str(len(rows))},
        rows=rows,
    )
    version = register(challenger)
    if mlflow.active_run() is not None:
        mlflow.log_artifacts(str(pages[folder]), f"retrain/{folder}")
    _log.info(
        "Registered %s, version %s, as challenger. To let it meet the champion: brpnas promote %s",
        *(challenger.name, version, challenger.name),
    )
    return {**figures, "version": version}
