"""Times networks on a device. One file: Python 3.9 or later, numpy and the runtime are enough.

    python3 runner.py describe --runtime onnxruntime
    python3 runner.py run manifest.json

`LOADERS` holds a loader for each runtime.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

__all__ = [
    "FORMAT",
    "SOFTWARE",
    "RunnerError",
    "Software",
    "artifact_hash",
    "manifest_id",
    "on_gpu",
    "read_manifest",
    "seeded_image",
]

FORMAT = 1
"""Version of the manifest."""

Run = Callable[[], np.ndarray]
"""Runs a network once and returns its logits."""


class RunnerError(Exception):
    """A situation with a remedy; the message names both."""


def seeded_image(shape: Sequence[int], seed: int) -> np.ndarray:
    """The input of each run: normal noise, equal on every machine."""
    # The stream of RandomState is frozen; that of default_rng may change with numpy.
    noise = np.random.RandomState(seed)
    return noise.standard_normal(tuple(shape)).astype(np.float32)


def artifact_hash(hashes: Sequence[str]) -> str:
    """Hash of an artifact from the hashes of its files, in their order."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def manifest_id(manifest: dict[str, Any]) -> str:
    """Hash of a manifest without its id."""
    plain = {key: value for key, value in manifest.items() if key != "id"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Read a manifest, without its id.

    Raises:
        RunnerError: If it is missing, malformed, of another format, or was edited.
    """
    try:
        manifest = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunnerError(f"it cannot be read ({error}). Make it again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise RunnerError(
            f"it has another format than this runner ({FORMAT}). Make it again with the version "
            "of brpnas that this runner comes from."
        )
    if manifest.pop("id", None) != manifest_id(manifest):
        raise RunnerError("it was edited after it was made. Make it again.")
    return manifest


class Software(NamedTuple):
    """A runtime on the device.

    Attributes:
        title: Name with a place for the version, such as ``ONNX Runtime {}``.
        module: Module to import; it is also imported once before the networks' processes start.
        install: Name for pip.
        version: Returns the version.
        providers: Returns the providers that exist here.
        load: Opens a network: ``load(files, image, threads, provider, precision)``. The image is
            float32, ``[B, C, H, W]``, the input of each run. Returns a `Run`.
    """

    title: str
    module: str
    install: str
    version: Callable[[], str]
    providers: Callable[[], list[str]]
    load: Callable[[Sequence[str], np.ndarray, int, str, str], Run]


def on_gpu(provider: str) -> bool:
    """Whether an execution provider or device is a GPU."""
    return re.match("cuda|tensorrt|nvtensorrt|rocm|migraphx|dml|gpu", provider, re.I) is not None


def _onnxruntime_version() -> str:
    import onnxruntime  # noqa: PLC0415

    return str(onnxruntime.__version__)


def _onnxruntime_providers() -> list[str]:
    import onnxruntime  # noqa: PLC0415

    return list(onnxruntime.get_available_providers())


def load_onnxruntime(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Run:
    """Open one ONNX file."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(files[0], sess_options=options, providers=[provider])
    # If a provider cannot start, ONNX Runtime logs it and continues on the CPU.
    if session.get_providers()[0] != provider:
        raise RunnerError(
            f"ONNX Runtime has the provider {provider} but cannot start it here. Install its "
            "libraries (for CUDAExecutionProvider: CUDA and cuDNN), or choose another provider."
        )
    feeds = {session.get_inputs()[0].name: image}
    return lambda: np.asarray(session.run(None, feeds)[0])


def _torch_version() -> str:
    import torch  # noqa: PLC0415

    return str(torch.__version__)


def _torch_providers() -> list[str]:
    import torch  # noqa: PLC0415

    if not torch.cuda.is_available():
        return ["cpu"]
    return ["cpu", "cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]


def load_torch(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Run:
    """Open a list of operations with its weights, and call them one after another."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    device = torch.device(provider)
    graph, root, values = torch.fx.Graph(), torch.nn.Module(), {}  # type: ignore[var-annotated]

    def decoded(value: Any) -> Any:
        if isinstance(value, list):
            return [decoded(one) for one in value]
        if not isinstance(value, dict):
            return value
        ((kind, text),) = value.items()
        if kind == "value":
            return values[text]
        return getattr(torch, text) if kind == "torch" else device

    with np.load(files[0], allow_pickle=False) as arrays:
        steps = json.loads(arrays["graph"].tobytes())
        for name in arrays.files:
            if name != "graph":
                root.register_buffer(name, torch.from_numpy(arrays[name]).to(device))
                values[name] = graph.get_attr(name)
    for name, operation, *rest in steps:
        if operation == "image":
            values[name] = graph.placeholder(name)
        elif operation == "output":
            graph.output(decoded(rest[0]))
        else:
            library, packet, overload = operation.split(".")
            function = getattr(getattr(getattr(torch.ops, library), packet), overload)
            args, kwargs = rest
            values[name] = graph.call_function(
                function, tuple(decoded(args)), {key: decoded(kwargs[key]) for key in kwargs}
            )
    network = torch.fx.GraphModule(root, graph)
    batch = torch.from_numpy(image).to(device)
    if device.type == "cpu":
        return lambda: network(batch).numpy()

    def run() -> np.ndarray:
        logits = network(batch)
        torch.cuda.synchronize(device)
        return np.asarray(logits.cpu())

    return run


SOFTWARE: dict[str, Software] = {
    "onnxruntime": Software(
        "ONNX Runtime {}",
        "onnxruntime",
        "onnxruntime",
        _onnxruntime_version,
        _onnxruntime_providers,
        load_onnxruntime,
    ),
    "torch": Software(
        "torch {} eager", "torch", "torch", _torch_version, _torch_providers, load_torch
    ),
}
"""The runtimes by name."""
