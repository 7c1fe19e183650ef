"""Times networks on a device. This file alone, Python 3.9 or later, numpy and the runtime suffice.

    python3 runner.py run                               # the networks of manifest.json
    python3 runner.py describe --runtime onnxruntime    # processor, clocks, temperature, load
    python3 runner.py check                             # the answers, without timing
    python3 runner.py answer --images A --logits B      # the answers to images in a file

`run` appends a row per network to ``rows.jsonl``; each row is on the disk before the next network
begins, and the same command continues after an interruption. Rows also go to standard output, as
lines of JSON, unless that is a terminal. The events of these lines are ``manifest`` (first, with
the description of the machine), ``begun``, ``network``, ``reference``, ``failed``, ``checked`` (of
`check` and `answer`), ``waiting`` and ``error``; the file holds ``manifest`` and rows of networks
alone.

Each network runs in a process of its own: a crash of the runtime is a row with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import datetime
import fcntl
import gc
import hashlib
import importlib
import importlib.metadata
import json
import multiprocessing
import multiprocessing.connection
import os
import platform
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Callable, NamedTuple, Protocol


def _leave(lack: str) -> None:
    if not os.isatty(1):
        sys.stdout.write(json.dumps({"event": "error", "error": lack, "unknown": None}) + "\n")
    sys.stderr.write(lack + "\n")
    sys.exit(2)


def _installing(packages: str) -> str:
    """How to install packages. The Python of a system may refuse them (PEP 668)."""
    managed = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    if sys.prefix != sys.base_prefix or not managed.exists():
        return f"{sys.executable} -m pip install {packages}"
    return (
        f"`{sys.executable} -m venv ~/venv && ~/venv/bin/python3 -m pip install {packages}`, then "
        "run ~/venv/bin/python3 instead (over SSH: ssh://user@host/~/venv/bin/python3)"
    )


if sys.version_info < (3, 9):  # noqa: UP036 - it is for people with an old one
    _leave(f"Python at {sys.executable} is older than 3.9: run a newer one.")
try:
    import numpy as np
except ImportError:
    if __name__ != "__main__":
        raise
    _leave(f"Python at {sys.executable} lacks numpy: {_installing('numpy')}")

__all__ = [
    "FORMAT",
    "IDENTITY",
    "SOFTWARE",
    "Run",
    "RunnerError",
    "Software",
    "Timed",
    "artifact_hash",
    "describe",
    "interquartile_mean",
    "main",
    "manifest_id",
    "on_gpu",
    "read_manifest",
    "seeded_image",
    "time_runs",
]

FORMAT = 1
"""Version of manifest and rows."""
IDENTITY = ("processor", "cores", "system", "gpu", "software")
"""Fields of a description that make latencies comparable."""


class Run(Protocol):
    """A network that is open."""

    def __call__(self, other: np.ndarray | None = None) -> np.ndarray:
        """Run it once on the image given when it was opened, or on another of its shape.

        Returns:
            The logits.
        """


_SYS = Path("/sys")
_PROC = Path("/proc")
_NS_PER_MS = 1e6
_KIB = 1024
_WARM_C = 70
_JUMP_S = 1.0
_GRACE_S = 1.0
_SHOWN = 500
_NAME = re.compile(r"[0-9a-f]{32}(\.[A-Za-z0-9]{1,12}){0,2}")
"""File names of a manifest: nothing else is opened."""


class RunnerError(Exception):
    """A situation with a remedy; the message names both.

    Attributes:
        unknown: Kind, name and known names, if a name is unknown.
    """

    def __init__(self, message: str, unknown: tuple[str, str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.unknown = unknown


# Manifest ----------------------------------------------------------------------------------------


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
        raise RunnerError(f"{path} cannot be read ({error}). Make it again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise RunnerError(
            f"{path} has another format than this runner ({FORMAT}). Make it again with "
            "brpnas of the version of this runner."
        )
    if manifest.pop("id", None) != manifest_id(manifest):
        raise RunnerError(f"{path} was edited after it was made. Make it again.")
    return manifest


# Runtimes ----------------------------------------------------------------------------------------


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
        half: Whether the runtime computes in float16 on a provider here.
    """

    title: str
    module: str
    install: str
    version: Callable[[], str]
    providers: Callable[[], list[str]]
    load: Callable[[Sequence[str], np.ndarray, int, str, str], Run]
    half: Callable[[str], bool] = lambda provider: True


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
    name = session.get_inputs()[0].name
    feeds = {name: image}

    def run(other: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(session.run(None, feeds if other is None else {name: other})[0])

    return run


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

    def run(other: np.ndarray | None = None) -> np.ndarray:
        with torch.no_grad():
            logits = network(batch if other is None else torch.from_numpy(other).to(device))
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            return np.asarray(logits.cpu())

    return run


def _cpu() -> list[str]:
    return ["cpu"]


def _openvino_providers() -> list[str]:
    import openvino  # noqa: PLC0415

    return list(openvino.Core().available_devices)


def _openvino_half(provider: str) -> bool:
    import openvino  # noqa: PLC0415

    return "FP16" in openvino.Core().get_property(provider, "OPTIMIZATION_CAPABILITIES")


def load_openvino(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Run:
    """Open a network in the format of OpenVINO: its layers and its weights."""
    import openvino  # noqa: PLC0415

    # OpenVINO computes float32 in bfloat16 where it can, unless told otherwise.
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f16" if precision == "fp16" else "f32",
    }
    if provider == "CPU":
        settings.update(NUM_STREAMS=1, INFERENCE_NUM_THREADS=threads)
    core = openvino.Core()
    network = core.compile_model(core.read_model(files[0], files[1]), provider, settings)
    request = network.create_infer_request()
    request.set_input_tensor(openvino.Tensor(image))

    def run(other: np.ndarray | None = None) -> np.ndarray:
        if other is not None:
            request.set_input_tensor(openvino.Tensor(other))
        request.infer()
        return np.array(request.get_output_tensor().data)

    return run


def load_litert(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Run:
    """Open a file of LiteRT; its default delegate is XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    network = Interpreter(files[0], num_threads=threads)
    network.allocate_tensors()
    (source,), (target,) = network.get_input_details(), network.get_output_details()

    def run(other: np.ndarray | None = None) -> np.ndarray:
        network.set_tensor(source["index"], image if other is None else other)
        network.invoke()
        return np.asarray(network.get_tensor(target["index"]))

    return run


def load_executorch(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Run:
    """Open a program of ExecuTorch, lowered to XNNPACK."""
    import torch  # noqa: PLC0415
    from executorch.extension.pybindings import portable_lib  # noqa: PLC0415

    if "XnnpackBackend" not in portable_lib._get_registered_backend_names():
        raise RunnerError("ExecuTorch was built without XNNPACK here. Install it from its wheel.")
    portable_lib._unsafe_reset_threadpool(threads)
    network = portable_lib._load_for_executorch(files[0])
    number = torch.half if precision == "fp16" else torch.float32
    images = [torch.from_numpy(image).to(number)]

    def run(other: np.ndarray | None = None) -> np.ndarray:
        given = images if other is None else [torch.from_numpy(other).to(number)]
        logits: np.ndarray = network.forward(given)[0].float().numpy()
        return logits

    return run


def _ncnn_half(provider: str) -> bool:
    import ncnn  # noqa: PLC0415

    return bool(ncnn.cpu_support_arm_asimdhp())


def load_ncnn(
    files: Sequence[str], image: np.ndarray, threads: int, provider: str, precision: str
) -> Run:
    """Open a network of ncnn: its layers and its weights, for one image."""
    import ncnn  # noqa: PLC0415

    network = ncnn.Net()
    options = network.opt
    options.num_threads = threads
    options.use_vulkan_compute = options.use_bf16_storage = False
    half = precision == "fp16"
    options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = half
    if network.load_param(files[0]) or network.load_model(files[1]):
        raise RunnerError("ncnn cannot open the file: it lacks a layer of the network.")
    source = ncnn.Mat(image[0])

    def run(other: np.ndarray | None = None) -> np.ndarray:
        extractor = network.create_extractor()
        extractor.input("in0", source if other is None else ncnn.Mat(other[0]))
        failed, logits = extractor.extract("out0")
        if failed:
            raise RunnerError(f"ncnn ended a run with code {failed}.")
        return np.array(logits)[None]

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
    "openvino": Software(
        "OpenVINO {}",
        "openvino",
        "openvino",
        partial(importlib.metadata.version, "openvino"),
        _openvino_providers,
        load_openvino,
        _openvino_half,
    ),
    "litert": Software(
        "LiteRT {} XNNPACK",
        "ai_edge_litert.interpreter",
        "ai-edge-litert",
        partial(importlib.metadata.version, "ai-edge-litert"),
        _cpu,
        load_litert,
    ),
    "executorch": Software(
        "ExecuTorch {} XNNPACK",
        "executorch.extension.pybindings.portable_lib",
        "executorch torch",
        partial(importlib.metadata.version, "executorch"),
        _cpu,
        load_executorch,
    ),
    "ncnn": Software(
        "ncnn {}",
        "ncnn",
        "ncnn",
        partial(importlib.metadata.version, "ncnn"),
        _cpu,
        load_ncnn,
        _ncnn_half,
    ),
    "torch": Software(
        "torch {} eager", "torch", "torch", _torch_version, _torch_providers, load_torch
    ),
}
"""The runtimes by name."""


def _software(runtime: str) -> Software:
    """The runtime, imported."""
    if runtime not in SOFTWARE:
        known = sorted(SOFTWARE)
        raise RunnerError(f"Unknown runtime {runtime!r}.", ("runtime", runtime, known))
    software = SOFTWARE[runtime]
    try:
        with _silence():
            importlib.import_module(software.module)
    except ImportError as error:
        raise RunnerError(
            f"Python at {sys.executable} on {socket.gethostname()} lacks {software.module} "
            f"({error}): {_installing(software.install)}"
        ) from error
    return software


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Discard what libraries print while they are imported."""
    with contextlib.ExitStack() as stack:
        for number, stream in ((1, sys.stdout), (2, sys.stderr)):
            stream.flush()
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            stack.callback(stream.flush)
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        yield


# Timing ------------------------------------------------------------------------------------------


class Timed(NamedTuple):
    """Latency of a network, its spread and its energy.

    Attributes:
        latency_ms: Interquartile mean of the blocks.
        std_ms: Standard deviation between blocks (divisor: blocks - 1); None for a single block.
        blocks_ms: Interquartile mean of the runs of each block.
        energy_mj: Energy per run over all blocks; None if unknown.
    """

    latency_ms: float
    std_ms: float | None
    blocks_ms: list[float]
    energy_mj: float | None


def interquartile_mean(values: Sequence[float]) -> float:
    """Mean without the smallest and the largest quarter of the values.

    A quarter is rounded down to a whole number: fewer than four values have their plain mean.

    Raises:
        ValueError: If there is no value.

    Examples:
        >>> interquartile_mean([1.0, 2.0, 4.0, 100.0])
        3.0
    """
    if not values:
        raise ValueError("An interquartile mean needs at least one value.")
    cut = len(values) // 4
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def time_runs(
    run: Callable[[], object],
    warmup: int,
    runs: int,
    repeats: int,
    clock: Callable[[], int] = time.perf_counter_ns,
    energy: Callable[[], float | None] = lambda: None,
) -> Timed:
    """Time a callable by the protocol of LatBench, without garbage collection.

    The latency is the interquartile mean over blocks of the interquartile mean over the runs of a
    block (Dudziak et al., NeurIPS 2020, arXiv 2007.08668).

    Args:
        run: Does the work once and returns at its end.
        warmup: Uncounted runs before the first block.
        runs: Runs per block.
        repeats: Number of blocks.
        clock: Nanoseconds since any fixed moment.
        energy: Millijoules since any fixed moment; None if unknown.
    """
    with _no_garbage_collection():
        for _ in range(warmup):
            run()
        before = energy()
        blocks = [
            interquartile_mean([_once(run, clock) / _NS_PER_MS for _ in range(runs)])
            for _ in range(repeats)
        ]
        after = energy()
    per_run = None if before is None or after is None else (after - before) / (runs * repeats)
    std = statistics.stdev(blocks) if len(blocks) > 1 else None
    return Timed(interquartile_mean(blocks), std, blocks, per_run)


def _once(run: Callable[[], object], clock: Callable[[], int]) -> int:
    start = clock()
    run()
    return clock() - start


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# The machine -------------------------------------------------------------------------------------


def describe(runtime: str, provider: str) -> dict[str, Any]:
    """Describe hardware, software and present condition of this machine.

    Raises:
        RunnerError: If the runtime or the provider is missing.
    """
    software = _software(runtime)
    available = software.providers()
    if provider not in available:
        kind = f"provider of {software.title.replace(' {}', '')}"
        raise RunnerError(f"Unknown {kind} {provider!r}.", (kind, provider, available))
    version = software.version()
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": _cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{_system()} {platform.machine()}",
        "gpu": _gpu(provider) if on_gpu(provider) else None,
        "software": software.title.format(version),
        "host": socket.gethostname(),
        "python": sys.executable,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            software.module.partition(".")[0]: version,
        },
        "governor": _governor(),
        "clock_mhz": _clock_mhz(),
        "clock_range_mhz": _clock_range(),
        "temperature_c": _temperature(),
        "load": _load(),
    }
    source, reason = _energy_source(provider)
    found |= {"energy": source and source.name, "energy_missing": reason}
    return {**found, "warnings": _warnings(found)}


def _warnings(found: dict[str, Any]) -> list[str]:
    """Conditions that make latencies vary."""
    listed = []
    low, high = found["clock_range_mhz"] or (0, 0)
    if found["governor"] not in (None, "performance") and low != high:
        listed.append(
            f"The clock is not fixed (governor {found['governor']}, {low} to {high} MHz): "
            "`echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor` "
            "fixes it until the next start."
        )
    if found["temperature_c"] is not None and found["temperature_c"] >= _WARM_C:
        listed.append(
            f"The processor is warm ({found['temperature_c']:.0f} °C) and may slow down: let it "
            "cool first."
        )
    if found["load"] is not None and found["load"] > found["cores"] / 2:
        listed.append(
            f"The machine is busy (load {found['load']:.1f} on {found['cores']} cores): end other "
            "programs first."
        )
    return listed


def _processor() -> str:
    """Model of the processor; if it has none, of the board or the cores."""
    info = _text(_PROC / "cpuinfo")
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", info, re.MULTILINE)
    if found:
        return found[1].strip()
    board = _text(_PROC / "device-tree" / "model").strip("\0\n ")
    if board:
        return board
    brand = _printed("sysctl", "-n", "machdep.cpu.brand_string")
    if brand:
        return brand[0]
    cores = re.findall(r"^CPU (implementer|part)\s*:\s*(\S+)", info, re.MULTILINE)
    model = " ".join(f"{key} {value}" for key, value in dict.fromkeys(cores))
    return f"{platform.machine()} {model}".strip()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load() -> float | None:
    """Processes that wait for a CPU; None if it cannot be read."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _system() -> str:
    release = re.search(r'^PRETTY_NAME="?([^"\n]+)', _text(Path("/etc/os-release")), re.MULTILINE)
    return release[1] if release else f"{platform.system()} {platform.release()}"


def _gpu(provider: str) -> str:
    listed = _printed("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    number = _gpu_number(provider)
    return listed[number] if number < len(listed) else f"GPU of {provider}"


def _gpu_number(provider: str) -> int:
    """Number of the GPU among those of the driver."""
    asked = int((re.search(r":(\d+)$", provider) or ["", "0"])[1])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    named = visible[asked] if asked < len(visible) else ""
    return int(named) if named.isdigit() else asked


def _governor() -> str | None:
    """Governor of the clocks; several are joined."""
    files = sorted(_SYS.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
    return ", ".join(sorted({_text(file).strip() for file in files} - {""})) or None


def _clock_mhz() -> float | None:
    """Highest present clock of the cores."""
    files = _SYS.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    clocks = [int(text) / 1000 for text in map(_digits, files) if text]
    if not clocks:
        info = _text(_PROC / "cpuinfo")
        clocks = [float(mhz) for mhz in re.findall(r"^cpu MHz\s*:\s*([0-9.]+)", info, re.MULTILINE)]
    return max(clocks, default=None)


def _clock_range() -> tuple[int, int] | None:
    """Lowest and highest clock that the governor may choose."""
    bounds = []
    for name in ("scaling_min_freq", "scaling_max_freq"):
        files = _SYS.glob(f"devices/system/cpu/cpu[0-9]*/cpufreq/{name}")
        bounds.append([int(text) // 1000 for text in map(_digits, files) if text])
    return (min(bounds[0]), max(bounds[1])) if all(bounds) else None


def _temperature() -> float | None:
    """Highest temperature of the processor's sensors."""
    zones = _SYS.glob("class/thermal/thermal_zone*")
    wanted = [zone for zone in zones if re.search("cpu|soc|pkg|core", _text(zone / "type"), re.I)]
    found = [_digits(zone / "temp") for zone in wanted]
    for monitor in _SYS.glob("class/hwmon/hwmon*"):
        if re.search("coretemp|k10temp|zenpower|cpu|soc", _text(monitor / "name"), re.I):
            found += [_digits(file) for file in monitor.glob("temp*_input")]
    return max((int(text) / 1000 for text in found if text), default=None)


def _text(path: Path) -> str:
    """Content of a file of the system; empty if it cannot be read."""
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _digits(path: Path) -> str:
    """A natural number in a file of the system; empty for anything else."""
    text = _text(path).strip()
    return text if text.isdigit() else ""


def _printed(program: str, *arguments: str) -> list[str]:
    """Lines of a program's output; none if it is missing or fails."""
    command = shutil.which(program)
    if command is None:
        return []
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    return [] if done.returncode else [line.strip() for line in done.stdout.splitlines()]


class _Energy(NamedTuple):
    """A counter of energy: its name, and a function that reads millijoules."""

    name: str
    read: Callable[[], float | None]


def _energy_source(provider: str) -> tuple[_Energy | None, str | None]:
    """The energy counter for a provider, or the reason that there is none."""
    return _nvml(_gpu_number(provider)) if on_gpu(provider) else _rapl()


def _rapl() -> tuple[_Energy | None, str | None]:
    """Energy of the processor packages (powercap)."""
    zones = [
        file.parent
        for file in sorted(_SYS.glob("class/powercap/*/energy_uj"))
        if _text(file.parent / "name").startswith("package")
    ]
    if not zones:
        return None, "this processor has no energy counter (RAPL)"
    if not all(_digits(zone / "energy_uj") for zone in zones):
        return None, (
            "only root may read the energy counter: "
            "`sudo chmod a+r /sys/class/powercap/*/energy_uj` allows it until the next start"
        )
    limits = [int(_digits(zone / "max_energy_range_uj") or 0) for zone in zones]
    last = [int(_digits(zone / "energy_uj")) for zone in zones]
    total = [0]

    def read() -> float | None:
        for number, zone in enumerate(zones):
            text = _digits(zone / "energy_uj")
            if not text:
                return None
            step = int(text) - last[number]
            total[0] += step if step >= 0 else step + limits[number]  # the counter wraps around
            last[number] = int(text)
        return total[0] / 1000

    return _Energy("rapl", read), None


def _nvml(number: int) -> tuple[_Energy | None, str | None]:
    """Energy of a GPU of NVIDIA."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None, "this GPU has no energy counter (NVML)"
    handle, value = ctypes.c_void_p(), ctypes.c_ulonglong()

    def read() -> float | None:
        failed = library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(value))
        return None if failed else float(value.value)

    failed = library.nvmlInit_v2() or library.nvmlDeviceGetHandleByIndex_v2(
        number, ctypes.byref(handle)
    )
    if failed or read() is None:
        return None, "this GPU has no energy counter (NVML)"
    return _Energy("nvml", read), None


# One network -------------------------------------------------------------------------------------


def _opened(
    folder: Path, manifest: dict[str, Any], entry: dict[str, Any], timed: bool
) -> tuple[Run, float | None]:
    """Open a network and check its answer; also its difference from torch."""
    files = [_checked(folder, file) for file in entry["files"]]
    image = seeded_image(entry["shape"], manifest["seed"])
    precision = _precision(manifest, timed)
    load = SOFTWARE[manifest["runtime"]].load
    run = load(files, image, manifest["threads"], manifest["provider"], precision)
    return run, _difference(run(), entry["answer"], manifest["tolerance"])


def _answer_images(
    folder: Path, manifest: dict[str, Any], entry: dict[str, Any], images: Path, logits: Path
) -> dict[str, Any]:
    """Run a network on images in a file, ``[N, C, H, W]``; in a process of its own."""
    run, difference = _opened(folder, manifest, entry, timed=False)
    given = np.load(images, mmap_mode="r", allow_pickle=False)
    batch = entry["shape"][0]
    found = []
    for start in range(0, len(given), batch):
        part = np.ascontiguousarray(given[start : start + batch])
        lack = batch - len(part)
        found.append(run(np.pad(part, ((0, lack), (0, 0), (0, 0), (0, 0))))[: len(part)].copy())
    with logits.open("wb") as file:
        np.save(file, np.concatenate(found), allow_pickle=False)
    return {"difference": difference}


def _measure(
    folder: Path, manifest: dict[str, Any], entry: dict[str, Any], timed: bool
) -> dict[str, Any]:
    """Open a network, check its answer and time it; in a process of its own."""
    run, difference = _opened(folder, manifest, entry, timed)
    figures: dict[str, Any] = {"difference": difference}
    if timed:
        source, _ = _energy_source(manifest["provider"])
        energy = source.read if source else lambda: None
        figures |= time_runs(run, **manifest["protocol"], energy=energy)._asdict()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["peak_memory_mib"] = peak / (_KIB if sys.platform != "darwin" else _KIB**2)
    return figures


def _precision(manifest: dict[str, Any], timed: bool) -> str:
    """The precision of the networks; without float16 here, answers are checked in float32."""
    precision, software = str(manifest["precision"]), SOFTWARE[manifest["runtime"]]
    if precision != "fp16" or software.half(manifest["provider"]):
        return precision
    if timed:
        raise RunnerError(
            f"{software.title.replace(' {}', '')} computes no fp16 on this machine: the processor "
            "lacks the instructions. Choose another precision."
        )
    return "fp32"


def _checked(folder: Path, file: dict[str, Any]) -> str:
    """Path of a file whose content is that of the manifest."""
    name = str(file["file"])
    if not _NAME.fullmatch(name):
        raise RunnerError(f"The manifest names a file {name!r:.80}. Make it again.")
    path = folder / name
    digest = hashlib.sha256()
    try:
        with path.open("rb") as content:
            for block in iter(lambda: content.read(_KIB**2), b""):
                digest.update(block)
    except OSError as error:
        raise RunnerError(
            f"{name} cannot be read ({error.strerror}). Copy the folder again."
        ) from error
    if digest.hexdigest() != file["sha256"]:
        raise RunnerError(f"{name} is damaged: its hash is not in the manifest. Copy it again.")
    return str(path)


def _difference(
    logits: np.ndarray, answer: dict[str, Any] | None, tolerance: float | None
) -> float | None:
    """Largest difference from the expected logits, relative to the largest of them."""
    if not np.isfinite(logits).all():
        raise RunnerError("The network answers with NaN or infinity; its latency is not typical.")
    if answer is None:
        return None
    if list(logits.shape) != answer["shape"]:
        raise RunnerError(f"The runtime answers in shape {logits.shape}, not {answer['shape']}.")
    expected = np.array(answer["values"], np.float64)
    apart = np.abs(logits.ravel()[: len(expected)].astype(np.float64) - expected)
    worst = float(apart.max(initial=0.0)) / (answer["scale"] or 1.0)
    if tolerance is not None and not worst <= tolerance:
        raise RunnerError(
            f"The runtime differs from torch by {worst:.1e} of the largest logit, more than "
            f"{tolerance:.0e}."
        )
    return worst


# Processes ---------------------------------------------------------------------------------------


def _child(function: Callable[..., Any], arguments: tuple[Any, ...], timeout_s: float) -> Any:
    """Result of a function in a process of its own.

    Raises:
        RunnerError: If the function raises, or the process dies or takes too long.
    """
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    with _scratch() as printed:
        output = printed.fileno() if method == "fork" else None
        process = context.Process(
            target=_answer, args=(theirs, os.getpid(), output, function, arguments)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numpy has started threads
            process.start()
        theirs.close()
        outcome: str = "died"
        value: Any = None
        try:
            if not multiprocessing.connection.wait([ours, process.sentinel], timeout_s):
                raise RunnerError(f"It gave no answer within {timeout_s:g} s.")
            with contextlib.suppress(EOFError):
                outcome, value = ours.recv()
            if outcome == "died":
                process.join(_GRACE_S)
        finally:
            process.kill()
            process.join()
            ours.close()
        if outcome == "died":
            raise RunnerError(f"{_ending(process.exitcode)}{_last_words(printed)}")
    if outcome == "error":
        raise RunnerError(value[0], value[1])
    return value


def _scratch() -> Any:
    """A temporary file, in memory if possible: the disk may be full."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("printed"), "w+b")
    return tempfile.TemporaryFile()


def _answer(
    pipe: Any, parent: int, output: int | None, function: Callable[..., Any], arguments: Any
) -> None:
    """In the new process: call the function and send its result."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with(parent)
    if output is not None:
        os.dup2(output, 1)
        os.dup2(output, 2)
    answer: tuple[str, Any]
    try:
        answer = ("result", function(*arguments))
    except RunnerError as error:
        answer = ("error", (str(error), error.unknown))
    except BaseException as error:
        text = f"{type(error).__name__}: {error}".strip(": ")
        answer = ("error", (text[:_SHOWN], None))
    pipe.send(answer)


def _end_with(parent: int) -> None:
    """Let this process die with its parent, if the system can."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _ending(exitcode: int) -> str:
    if exitcode >= 0:
        return f"Its process ended with code {exitcode}."
    name = signal.Signals(-exitcode).name
    return f"Its process died by {name}{', as when memory runs out' * (name == 'SIGKILL')}."


def _last_words(printed: Any) -> str:
    """The last line that a process printed."""
    printed.seek(max(0, printed.seek(0, os.SEEK_END) - _KIB))
    lines = printed.read().decode("utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f" It printed: {said[-1][:_SHOWN]}" if said else ""


# Rows --------------------------------------------------------------------------------------------


class _Rows:
    """The file of rows: read, then appended to, one line at a time.

    A last line that a power cut has torn is cut off.
    """

    def __init__(self, path: Path, manifest: str) -> None:
        self.path = path
        try:
            self._file = path.open("a+b", buffering=0)
            self.events = self._read(manifest)
        except OSError as error:
            raise RunnerError(self._cannot(error)) from error

    def _cannot(self, error: OSError) -> str:
        return (
            f"Cannot write {self.path} ({error.strerror or error}). Finished rows are "
            "safe: make room or permit writing, then run the same command again."
        )

    def _read(self, manifest: str) -> list[dict[str, Any]]:
        self._file.seek(0)
        data = self._file.read()
        events: list[dict[str, Any]] = []
        end = 0
        lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
        for number, line in enumerate(lines, start=1):
            event = _decoded(line)
            if event is None and number < len(lines):
                raise RunnerError(
                    f"{self.path} is damaged in line {number}. Move it away to begin again."
                )
            if event is not None:
                events.append(event)
                end += len(line)
        if end < len(data):
            self._file.truncate(end)
        if events and events[0].get("id") != manifest:
            raise RunnerError(
                f"{self.path} holds rows of another manifest. Move it away, or give another file "
                "with --rows."
            )
        return events

    def append(self, event: dict[str, Any]) -> None:
        """Put an event on the disk."""
        line = _line(event)
        size = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) != len(line):
                raise OSError(28, "No space left on device")
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # the next row must not follow half of this one
                self._file.truncate(size)
            raise RunnerError(self._cannot(error)) from error
        self.events.append(event)


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _decoded(line: bytes) -> dict[str, Any] | None:
    """The event of a complete line; None for anything else."""
    if not line.endswith(b"\n"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


class _Output:
    """Standard output, for rows alone: what libraries print goes to standard error.

    Attributes:
        broken: Whether the reader is gone.
    """

    def __init__(self) -> None:
        self.broken = False
        self._terminal = os.isatty(1)
        sys.stdout.flush()
        self._file = os.dup(1)
        os.dup2(2, 1)

    def send(self, event: dict[str, Any]) -> None:
        """Write an event, unless standard output is a terminal or gone."""
        if not self._terminal:
            self.show(event)

    def show(self, event: dict[str, Any]) -> None:
        """Write an event to a terminal too."""
        left = b"" if self.broken else _line(event)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            self.broken = True

    def say(self, text: str) -> None:
        """Write a line for people to standard error."""
        with contextlib.suppress(OSError):
            os.write(2, f"{text}\n".encode())


@contextlib.contextmanager
def _locked(path: Path, output: _Output) -> Iterator[None]:
    """Hold a lock file; wait for another runner that holds it.

    A network's process inherits the lock, so that it stays until the network is at rest.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise RunnerError(
            f"Cannot write beside {path} ({error.strerror}). Copy the folder to a place where you "
            "may write."
        ) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode("utf-8", errors="replace").strip()
            output.send({"event": "waiting", "for": holder})
            output.say(f"Waiting for {holder}, which holds {path}.")
            fcntl.flock(file, fcntl.LOCK_EX)
        os.ftruncate(file, 0)
        os.pwrite(file, f"the runner with process {os.getpid()}, begun {_now()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="seconds")


# Commands ----------------------------------------------------------------------------------------


class _Bench:
    """Does a work with the networks of a manifest, one after another.

    Args:
        path: The manifest.
        output: Where rows go.
        work: Called with folder, manifest and entry of a network; returns figures for its row.
    """

    def __init__(self, path: Path, output: _Output, work: Callable[..., dict[str, Any]]) -> None:
        self.manifest = read_manifest(path)
        self.id = manifest_id(self.manifest)
        self._folder, self._output, self._work = path.parent, output, work
        names = (self.manifest["runtime"], self.manifest["provider"])
        # Libraries of NVIDIA compute float32 in TF32 where they can, unless told otherwise.
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
        _software(names[0])  # imported once, for all processes
        self.machine = _child(describe, names, self.manifest["timeout_s"])

    def row(self, entry: dict[str, Any], event: str) -> dict[str, Any]:
        """Do the work with an artifact; its row."""
        manifest = self.manifest
        self._output.send({"event": "begun", "name": entry["name"], "as": event})
        row: dict[str, Any] = {
            "event": event,
            "name": entry["name"],
            "sha256": entry["sha256"],
            "time": _now(),
            "load": _load(),
        }
        wall, steady = time.time(), time.monotonic()
        try:
            arguments = (self._folder, manifest, entry)
            row |= _child(self._work, arguments, manifest["timeout_s"])
        except RunnerError as error:
            row |= {"event": "failed", "error": str(error), "as": event}
        seconds = time.monotonic() - steady
        jump = time.time() - wall - seconds
        return {
            **row,
            "seconds": round(seconds, 3),
            "clock_jump_s": round(jump, 3) if abs(jump) > _JUMP_S else None,
            "file_kib": sum(file["bytes"] for file in entry["files"]) / _KIB,
            "clock_mhz": _clock_mhz(),
            "temperature_c": _temperature(),
            "host": self.machine["host"],
            "machine": {name: self.machine[name] for name in IDENTITY},
        }


def _run(path: Path, rows_path: Path, lock: Path, retry: bool, output: _Output) -> None:
    """Time the networks without a row; see the module."""
    with _locked(lock, output):
        bench = _Bench(path, output, partial(_measure, timed=True))
        rows = _Rows(rows_path, bench.id)
        header = {"event": "manifest", "id": bench.id, "machine": bench.machine}
        if not rows.events:
            rows.append(header)
        _check_machine(rows, bench.machine)
        output.send(header)
        for warning in bench.machine["warnings"]:
            output.say(f"Warning: {warning}")
        kept = [row for row in rows.events[1:] if not (retry and row["event"] == "failed")]
        for row in kept:
            output.send(row)
        finished = {(row["name"], row["sha256"]) for row in kept if row["event"] != "reference"}
        networks = bench.manifest["networks"]
        left = [one for one in networks if (one["name"], one["sha256"]) not in finished]
        _time_all(bench, rows, left, len(networks), output)


def _check_machine(rows: _Rows, machine: dict[str, Any]) -> None:
    before = rows.events[0]["machine"]
    changed = [name for name in IDENTITY if before[name] != machine[name]]
    if changed:
        name = changed[0]
        raise RunnerError(
            f"{rows.path} was begun on another machine ({name}: {before[name]} there, "
            f"{machine[name]} here); their latencies must not be mixed. Give another file with "
            "--rows."
        )


def _time_all(
    bench: _Bench, rows: _Rows, left: list[dict[str, Any]], total: int, output: _Output
) -> None:
    """Time networks, and the reference network first, in between and last."""
    begun = time.monotonic()
    stopped: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, frame: stopped.append(number))

    def put(entry: dict[str, Any], event: str) -> dict[str, Any]:
        row = bench.row(entry, event)
        if event == "reference" and row["event"] == "failed":
            raise RunnerError(f"The reference network cannot be timed: {row['error']}")
        rows.append(row)
        output.send(row)
        return row

    reference, every = bench.manifest["reference"], bench.manifest["reference_every"]
    if reference and left and bench.manifest["reference_first"]:
        put(reference, "reference")
    for number, entry in enumerate(left, start=1):
        if output.broken or stopped:
            return
        row = put(entry, "network")
        minutes = (time.monotonic() - begun) / number * (len(left) - number) / 60
        said = row.get("error") or f"{row['latency_ms']:.3f} ms"
        output.say(f"{total - len(left) + number} of {total}: {said}; {minutes:.1f} min left")
        if reference and number % every == 0 and number < len(left) and not output.broken:
            put(reference, "reference")
    # An earlier runner may have ended right after the last network.
    if reference and rows.events[-1]["event"] != "reference" and not (output.broken or stopped):
        put(reference, "reference")


def _check(path: Path, output: _Output) -> None:
    """Compare the answers of all networks."""
    bench = _Bench(path, output, partial(_measure, timed=False))
    output.send({"event": "manifest", "id": bench.id, "machine": bench.machine})
    for entry in bench.manifest["networks"]:
        row = bench.row(entry, "checked")
        output.send(row)
        output.say(f"{entry['sha256'][:8]}: {row.get('error') or row['difference']}")


def _answers(path: Path, images: Path, logits: Path, output: _Output) -> None:
    """Write the answers of the only network to images."""
    bench = _Bench(path, output, partial(_answer_images, images=images, logits=logits))
    (entry,) = bench.manifest["networks"]
    output.send(bench.row(entry, "checked"))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times the networks of a manifest on this device.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="time the networks; continues after an interruption")
    run.add_argument("--rows", type=Path, help="file of the rows (rows.jsonl beside the manifest)")
    run.add_argument("--lock", type=Path, help="file of the lock (beside the rows)")
    run.add_argument("--retry", action="store_true", help="also time failed networks again")
    run.add_argument("--with-parent", action="store_true", help="end with the calling process")
    check = commands.add_parser("check", help="compare the answers, without timing")
    answer = commands.add_parser("answer", help="let the only network answer images")
    answer.add_argument("--images", type=Path, required=True, help="NPY file, [N, C, H, W]")
    answer.add_argument("--logits", type=Path, required=True, help="NPY file to write")
    for one in (run, check, answer):
        one.add_argument("manifest", nargs="?", type=Path, help="manifest.json beside the files")
    machine = commands.add_parser("describe", help="describe this machine as JSON")
    machine.add_argument("--runtime", required=True, choices=sorted(SOFTWARE))
    machine.add_argument("--provider", default="", help="execution provider or processor")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it is done, 2 if its error is printed."""
    options = _parsed(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    output = _Output()
    try:
        if options.command == "describe":
            output.show(describe(options.runtime, options.provider))
            return 0
        path = (options.manifest or Path("manifest.json")).absolute()
        if options.command == "check":
            _check(path, output)
            return 0
        if options.command == "answer":
            _answers(path, options.images, options.logits, output)
            return 0
        if options.with_parent:
            _end_with(os.getppid())
        rows = options.rows or path.with_name("rows.jsonl")
        lock = options.lock or rows.with_name(f"{rows.name}.lock")
        _run(path, rows, lock, options.retry, output)
    except RunnerError as error:
        output.send({"event": "error", "error": str(error), "unknown": error.unknown})
        output.say(str(error))
        return 2
    except KeyboardInterrupt:
        output.say("Interrupted. Finished rows are safe; the same command continues.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
