"""The network found as it is deployed: converted, scored on the test images, measured."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from brpnas.candidates import (
    ClassScores,
    ImageData,
    TrainedNetworkFile,
    calibration_images,
    check_images,
    held_out_batches,
    network_evaluation,
    score_file,
    score_logits,
)
from brpnas.devices import Device, load_devices
from brpnas.errors import ConfigurationError, MeasurementError, ParityError, SchemaError
from brpnas.export import describe_model, with_metadata
from brpnas.measure import DeployedNetwork, MeasureSettings, deploy
from brpnas.report.network import alarms
from pipelines.config import ExportConfig, ImagesConfig, TimingConfig, parse
from pipelines.delivered import network_module
from pipelines.deployment import deployed_runtime, trains_networks
from pipelines.latencies import Delivered, DeliveredFile, Latency, Networks
from pipelines.limited import measures_on_device
from pipelines.measuring import TimingSetup, measure_settings
from pipelines.network import network_config
from pipelines.training import image_source

__all__ = ["Deployment", "deploy_network", "set_up_deployment"]

_log = logging.getLogger(__name__)
_ABOUT = "winner.json"
_FLOAT = "network.onnx"


@dataclass(frozen=True)
class Deployment:
    """How the network found is deployed and measured.

    Attributes:
        export: Parameters of the stage.
        settings: Runtime, precision and protocol of the deployed network.
        device: Settings and place of the device's measurements.
        catalogue: Devices measured here.
        images: Images of the training.
    """

    export: ExportConfig
    settings: MeasureSettings
    device: TimingSetup
    catalogue: Mapping[str, Device]
    images: ImagesConfig

    @property
    def is_float_onnx(self) -> bool:
        """Whether ``network.onnx`` itself is deployed."""
        runtime = self.settings.runtime
        return (runtime.name, runtime.precision) == ("onnxruntime", "fp32")


def set_up_deployment(
    exported: Mapping[str, Any],
    catalogue: Mapping[str, Device],
    network: Mapping[str, Any],
    timing: Mapping[str, Any],
    params: Mapping[str, Any],
    images: Mapping[str, Any],
) -> Deployment:
    """Check the parameters, and choose the runtime.

    Args:
        exported: The architecture, see `pipelines.export.member.exported_architecture`.
        catalogue: Devices measured here.
        network: Size of the network.
        timing: Parameters of `timing`.
        params: Parameters of the stage.
        images: Images of the training.

    Raises:
        ConfigurationError: If the runtime lacks the precision, or int8 has no training images.
        SchemaError: If the size of the network has changed since the search.
    """
    export, times = parse(ExportConfig, params), parse(TimingConfig, timing)
    task, device = exported["task"], exported["latencies"]["predicted"]["of"]["device"]
    if export.precision == "int8" and not trains_networks(task):
        raise ConfigurationError(
            "export.precision is 'int8', but the network found was not trained: set it to fp32 or "
            "fp16."
        )
    size, searched = network_config(network), exported["network"]["size"]
    if size.size != searched:
        raise SchemaError(
            f"The search found a network of the size {searched}, and the parameters `network` now "
            f"say {size.size}. Set them back, or run search again (what it has trained is kept)."
        )
    entry = catalogue.get(device) or load_devices().get(device)
    measures = export.measure or measures_on_device(task["limits"])
    of_device = entry.runtime if entry else None
    runtime = deployed_runtime(export, times, of_device, measures=measures)
    settings = measure_settings(times, task["space"], size)
    return Deployment(
        export,
        replace(settings, runtime=runtime, network=size),
        TimingSetup.of(times, settings),
        catalogue,
        parse(ImagesConfig, images),
    )


def deploy_network(
    deployment: Deployment,
    exported: Mapping[str, Any],
    network: bytes,
    trained_network: bytes,
) -> tuple[bytes, dict[str, bytes], dict[str, Any]]:
    """Convert the network found for its runtime, and take the figures of the deployed files.

    Args:
        deployment: How it is deployed.
        exported: The architecture, see `pipelines.export.member.exported_architecture`.
        network: The network as ONNX in float32.
        trained_network: The trained network of the file; empty with initial weights.

    Returns:
        The ONNX file with its test scores; the deployed files by name, with ``winner.json``, which
        describes them; and the evaluation: `brpnas.candidates.network_evaluation` of the deployed
        files (without training only ``trained: False``), and

        - ``found``: ``chosen``, ``known`` and ``held_out`` of the architecture in the search, and
          ``member``, its number on the front if it is not the choice of the search.
        - ``file_bytes``: size of the deployed files.
        - ``file``: ``name``, ``runtime``, ``precision``, and for int8 ``calibration_images``.
        - ``float``: scores and size of the ONNX file in float32; None if it is the deployed file.
        - ``accuracy_drop``: accuracy lost against that file; None likewise.
        - ``latency``, ``notes``: see `pipelines.latencies.Delivered`.

    Raises:
        SchemaError: If the images or their split have changed since the training.
        ParityError: If the deployed files lose too much accuracy.
        MeasurementError: If they cannot be converted, run or measured.
    """
    trained = _Trained.read(deployment, network, trained_network) if trained_network else None
    onnx = network if trained is None else with_metadata(network, _texts(trained.before))
    module = network_module(
        exported["chosen"]["arch_id"],
        trained_network,
        deployment.settings.space,
        deployment.settings.network,
        deployment.export,
    )
    with tempfile.TemporaryDirectory(prefix="brpnas-deploy-") as folder:
        scales = trained and trained.scales(deployment.export)
        made = deploy(module, onnx, deployment.settings, Path(folder), scales)
        file = _file(made, scales)
        converted = not deployment.is_float_onnx
        if trained is None:
            after, drop = None, None
            made.check()
        elif converted:
            after = trained.score(made)
            drop = _drop(file, trained.before, after, deployment.export.max_accuracy_drop)
            made = made.with_metadata(_texts(after) | {"precision": file["precision"]})
        else:
            after, drop = trained.before, None
        delivered = _delivered(deployment, exported, made)
        files = {name: path.read_bytes() for name, path in made.files.items()}
        about = _about(Path(folder), onnx, made, after)
    evaluation: dict[str, Any] = {"trained": False}
    if trained is not None and after is not None:
        evaluation = network_evaluation(after, trained.file, trained.data)
        for alarm in alarms(evaluation):
            _log.warning("%s", alarm)
    evaluation |= {
        "found": {name: exported[name] for name in ("member", "chosen", "known", "held_out")},
        "file_bytes": sum(map(len, files.values())),
        "file": file,
        "float": _float(onnx, trained) if converted else None,
        "accuracy_drop": drop,
        "latency": delivered.figures(),
        "notes": delivered.notes(),
    }
    _tell(evaluation, delivered)
    return onnx, {**files, _ABOUT: about}, evaluation


@dataclass(frozen=True)
class _Trained:
    """A trained network, its images, and the scores of its ONNX file in float32."""

    file: TrainedNetworkFile
    data: ImageData
    before: ClassScores

    @classmethod
    def read(cls, deployment: Deployment, onnx: bytes, content: bytes) -> Self:
        """Read network and images.

        Raises:
            SchemaError: If the images or their split have changed since the training.
        """
        file, data = TrainedNetworkFile.from_bytes(content), image_source(deployment.images).load()
        check_images(file, data)
        return cls(file, data, score_file(onnx, data))

    def scales(self, export: ExportConfig) -> Tensor | None:
        """Training images for the scales of int8; None for another precision."""
        if export.precision != "int8":
            return None
        count, seed = export.calibration_images, export.seed
        return torch.from_numpy(calibration_images(self.file, self.data, count, seed))

    def score(self, made: DeployedNetwork) -> ClassScores:
        """Scores of the deployed files on the test images."""
        count = len(self.data.parts["test"])
        return score_logits(made.answers(held_out_batches(self.file, self.data), count), self.data)


def _drop(
    file: Mapping[str, Any], before: ClassScores, after: ClassScores, allowed: float
) -> float:
    """Accuracy lost by the conversion.

    Raises:
        ParityError: If it is more than allowed.
    """
    drop, int8 = before.accuracy - after.accuracy, file["precision"] == "int8"
    if drop > allowed:
        images = "raise export.calibration_images, " * int8
        others = "fp32 or fp16" if int8 else "fp32"
        raise ParityError(
            f"In {file['precision']} for {file['runtime']} the network recognises "
            f"{100 * after.accuracy:.2f} % of the test images, in float32 "
            f"{100 * before.accuracy:.2f} %. The loss of {100 * drop:.2f} points is more than the "
            f"{100 * allowed:.2f} of export.max_accuracy_drop, so it was not written. To go on, "
            f"{images}set export.precision to {others}, choose another export.runtime, or allow a "
            "larger loss. Then run export and evaluate; the search need not run again."
        )
    return drop


def _file(made: DeployedNetwork, scales: Tensor | None) -> dict[str, Any]:
    runtime = made.settings.runtime
    return {
        "name": next(iter(made.files)),
        "runtime": runtime.title,
        "precision": runtime.precision,
        "calibration_images": None if scales is None else len(scales),
    }


def _delivered(
    deployment: Deployment, exported: Mapping[str, Any], made: DeployedNetwork
) -> Delivered:
    """Latencies of the deployed files and of the architecture, measured if configured."""
    latencies = exported["latencies"]
    predicted = Latency.read(latencies["predicted"])
    known = latencies["known"] and Latency.read(latencies["known"])
    runtime, size = made.settings.runtime, made.settings.network.size
    measured = None
    if deployment.export.measure:
        with deployment.device.open_target() as target:
            here = deployment.device.device_there(target, predicted.of.device, deployment.catalogue)
            try:
                ms = made.time(target).latency_ms
            except MeasurementError as error:
                raise MeasurementError(
                    f"The network found was not measured (export.measure). {error}"
                ) from error
        measured = Latency(ms, Networks(size, here, runtime.precision, runtime.title))
    file = DeliveredFile(size, runtime.precision, runtime.name)
    sizes = exported["network"]["accuracy_sizes"]
    return Delivered(file, sizes, predicted, known, measured)


def _texts(scores: ClassScores) -> dict[str, str]:
    """Scores as metadata."""
    return {
        "test_accuracy": json.dumps(scores.accuracy),
        "test_balanced_accuracy": json.dumps(scores.balanced_accuracy),
    }


def _float(onnx: bytes, trained: _Trained | None) -> dict[str, Any]:
    """Figures of the ONNX file in float32."""
    return {
        "name": _FLOAT,
        "file_bytes": len(onnx),
        "accuracy": trained and trained.before.accuracy,
        "balanced_accuracy": trained and trained.before.balanced_accuracy,
    }


def _tell(evaluation: Mapping[str, Any], delivered: Delivered) -> None:
    """Log the figures."""
    file, latency = evaluation["file"], evaluation["latency"]
    _log.info(
        "Deployed: %s for %s, %s, %.0f KiB",
        *(file["name"], file["runtime"], file["precision"], evaluation["file_bytes"] / 1024),
    )
    if evaluation["trained"]:
        test = evaluation["test"]
        _log.info(
            "Its accuracy on %d test images: %.2f %%, balanced accuracy %.2f %%%s",
            test["images"],
            100 * test["accuracy"],
            100 * test["balanced_accuracy"],
            ""
            if evaluation["accuracy_drop"] is None
            else f"; {_FLOAT} in float32: {100 * evaluation['float']['accuracy']:.2f} %",
        )
    if delivered.measured is not None:
        error = latency["latency_error"]
        _log.info(
            "Its latency: predicted %.4g ms, measured %.4g ms%s",
            delivered.predicted.ms,
            delivered.measured.ms,
            "" if error is None else f", error {100 * float(error):+.1f} %",
        )
    for note in evaluation["notes"]:
        _log.warning("%s", note)


def _about(folder: Path, onnx: bytes, made: DeployedNetwork, scores: ClassScores | None) -> bytes:
    """A description of the files as JSON: not every format holds metadata."""
    path = folder / _FLOAT
    path.write_bytes(onnx)
    *_, metadata = describe_model(path)
    runtime, files = made.settings.runtime, zip(made.files, made.artifact.files, strict=True)
    about = {
        "files": {name: file.sha256 for name, file in files},
        "runtime": runtime.title,
        "precision": runtime.precision,
        "metadata": {
            **metadata,
            "input_shape": json.dumps(made.settings.shape),
            **({} if scores is None else _texts(scores)),
        },
    }
    return (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode()
