"""Predictions for architecture strings, from an exported predictor alone.

`OnnxPredictor` is the core of a server: it reads an ``.onnx`` file of `brpnas.export`, turns
strings into graphs, and runs the file by ONNX Runtime. It needs no torch; use `brpnas.predictors`
to train.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pandas as pd

from brpnas.datasets.metrics import MEASURED
from brpnas.errors import ArchitectureError, SchemaError, shortened
from brpnas.graphs import DEVICE_VIEWS, VIEWS, View
from brpnas.onnx_check import MAX_ONNX_BYTES, check_onnx
from brpnas.spaces import SearchSpace, opened_space, size_of

__all__ = ["MAX_BATCH", "MAX_LENGTH", "OUTPUTS", "OnnxPredictor"]

OUTPUTS = {
    **{name: (name, *metric.bounds) for name, metric in MEASURED.items()},
    "score": ("score",),
}
"""Possible outputs of a file by its value: a metric of a device with the bounds of its interval, or
a score."""
MAX_BATCH = 20_000
"""Most architectures of one request; more than the whole of NAS-Bench-201."""
MAX_LENGTH = 10_000
"""Most characters of one architecture; a genotype of DARTS has about 300."""

_CHUNK = 256
_SHOWN = 20
_PROBES = 8
_MAX_MEMORY = 2**29  # bytes of all sessions of a process; also bounds the time of an operator
_MAX_SECONDS = 10.0  # of a chunk, which takes milliseconds
_NUMBERS = {"num_nodes": int, "num_ops": int, "learnt_rows": int, "coverage": float}
"""Optional numeric metadata."""


class OnnxPredictor:
    """Predicts a metric or scores accuracy of architectures, from one ONNX file.

    The metadata of the file name its ``space`` and ``view``: ``raw``, ``pruned`` or ``function``,
    with the inputs ``ops`` int64 ``[B, V]`` and ``adj`` float32 ``[B, V, V]``, or ``both``, with
    ``raw_ops, raw_adj, pruned_ops, pruned_adj``. Its outputs, each ``[B]``, are one of `OUTPUTS`.

    Args:
        source: The file, or its bytes.
        space: Its space, or the name. Required for a Python file not yet opened by
            `brpnas.get_space`: a file may not choose the code to run.
        check_answers: Predict a few architectures, and refuse the file if the outputs are not
            finite. A registry must be able to load such a predictor to replace it.

    Raises:
        SchemaError: If the file is malformed, refers to other files, or fails the check.
    """

    def __init__(
        self,
        source: Path | bytes,
        space: SearchSpace | str | None = None,
        *,
        check_answers: bool = True,
    ) -> None:
        self._origin = "This ONNX file" if isinstance(source, bytes) else str(source)
        content = source if isinstance(source, bytes) else _read(source)
        check_onnx(content, self._origin)
        try:
            self._session = ort.InferenceSession(
                content,
                sess_options=_options(),
                providers=["CPUExecutionProvider"],
                disabled_optimizers=["ConstantFolding"],  # it computes here, without a limit
            )
            self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        except Exception as error:  # ONNX Runtime has an exception for each cause, and no root
            raise SchemaError(
                f"ONNX Runtime cannot read the predictor {self._origin}: {error}"
            ) from error
        view = _check_metadata(self.metadata, self._origin)
        self.space = opened_space(self.metadata["space"], self._origin, space)
        names = {output.name for output in self._session.get_outputs()}
        values = [name for name in OUTPUTS if name in names]
        if len(values) != 1:
            raise SchemaError(
                f"A predictor has one of the outputs {', '.join(OUTPUTS)}; "
                f"{self._origin} has {', '.join(sorted(names))}. Export it again."
            )
        self.outputs: tuple[str, ...] = tuple(x for x in OUTPUTS[values[0]] if x in names)
        self._prefixes: dict[View, str] = (
            {name: f"{name}_" for name in DEVICE_VIEWS}
            if view == "both"
            else {name: "" for name in VIEWS if name == view}
        )
        self._check_answers(are_numbers=check_answers)

    def _check_answers(self, *, are_numbers: bool) -> None:
        """Predict a few architectures, to refuse files with other inputs now."""
        asked = self.space.sample(np.random.default_rng(0), min(_PROBES, size_of(self.space)))
        answers = self._run(asked)
        for name, values in answers.items():
            if values.shape != (len(asked),):
                raise SchemaError(
                    f"{self._origin} gives {name} of shape {values.shape} for {len(asked)} "
                    "architectures. Export it again."
                )
            if are_numbers and not np.isfinite(values).all():
                bad = asked[int(np.flatnonzero(~np.isfinite(values))[0])]
                raise SchemaError(
                    f"{self._origin} gives no finite {name} for {bad!r:.200}. Train the predictor "
                    "again, and export it again."
                )

    @property
    def value(self) -> str:
        """Name of the value: a metric, such as ``latency_ms``, or ``score``."""
        return self.outputs[0]

    @property
    def bounds(self) -> tuple[str, ...]:
        """Outputs with the ends of its interval, ``lower_ms, upper_ms``; else empty."""
        return self.outputs[1:] if self.outputs == OUTPUTS[self.value] else ()

    @property
    def has_intervals(self) -> bool:
        """Whether it also gives intervals."""
        return bool(self.bounds)

    def canonical(self, entries: Sequence[object]) -> list[str]:
        """Check a request.

        Args:
            entries: Architecture strings, as received.

        Returns:
            The ``arch_id`` of each.

        Raises:
            ArchitectureError: If there are none, too many, or some are invalid; names each of these
                (the first twenty in full), counted from 0.
        """
        if not len(entries):
            raise ArchitectureError("No architecture given: ask for one or more strings.")
        if len(entries) > MAX_BATCH:
            raise ArchitectureError(
                f"{len(entries)} architectures at once, more than {MAX_BATCH}: split them up."
            )
        known, wrong = [], []
        for position, entry in enumerate(entries):
            try:
                known.append(self.space.canonical(_text(entry)))
            except ArchitectureError as error:
                wrong.append(f"[{position}] {shortened(str(error))}")
        if wrong:
            more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
            raise ArchitectureError(
                f"{len(wrong)} of {len(entries)} entries are not in {self.space.name}: "
                + "; ".join(wrong[:_SHOWN])
                + more
            )
        return known

    def predict(self, entries: Sequence[object]) -> pd.DataFrame:
        """Predict architecture strings.

        Args:
            entries: Architecture strings, at most `MAX_BATCH`.

        Returns:
            ``arch_id`` and the outputs of the file, such as ``latency_ms``, in the order given.

        Raises:
            ArchitectureError: As in `canonical`.
        """
        arch_ids = self.canonical(entries)
        chunks = [
            self._run(arch_ids[start : start + _CHUNK]) for start in range(0, len(arch_ids), _CHUNK)
        ]
        columns = {name: np.concatenate([c[name] for c in chunks]) for name in self.outputs}
        return pd.DataFrame({"arch_id": arch_ids, **columns})

    def _run(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        feeds: dict[str, npt.NDArray[np.generic]] = {}
        for view, prefix in self._prefixes.items():
            graphs = self.space.encode(arch_ids, view)
            feeds[f"{prefix}ops"] = graphs.ops.astype(np.int64)
            feeds[f"{prefix}adj"] = graphs.adj.astype(np.float32)
        options = ort.RunOptions()
        timer = threading.Timer(_MAX_SECONDS, setattr, (options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            answers = self._session.run(list(self.outputs), feeds, options)
            return {
                name: np.asarray(answer, np.float64)
                for name, answer in zip(self.outputs, answers, strict=True)
            }
        except Exception as error:  # ONNX Runtime has an exception for each cause, and no root
            if options.terminate:
                raise SchemaError(
                    f"{self._origin} takes longer than {_MAX_SECONDS:g} s for {len(arch_ids)} "
                    "architectures, unlike any predictor of this project. Export it again."
                ) from error
            shapes = ", ".join(f"{name} {feed.shape}" for name, feed in feeds.items())
            raise SchemaError(
                f"{self._origin} cannot predict graphs of {self.space.name} ({shapes}): "
                f"{' '.join(str(error).split()):.500}. Export the predictor again, for this space."
            ) from error
        finally:
            timer.cancel()


def _text(entry: object) -> str:
    """The entry as a string.

    Raises:
        ArchitectureError: If it is not a string, or longer than any architecture.
    """
    if not isinstance(entry, str):
        raise ArchitectureError(
            f"a {type(entry).__name__}, not a string: {shortened(repr(entry), 60)}"
        )
    if len(entry) > MAX_LENGTH:
        raise ArchitectureError(
            f"{shortened(entry, 60)!r} has {len(entry):,} characters, more than {MAX_LENGTH:,}"
        )
    return entry


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_ONNX_BYTES + 1)


def _options() -> ort.SessionOptions:
    """One thread and bounded memory for any computed shapes, weights excluded."""
    _bound_memory()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    return options


@functools.cache
def _bound_memory() -> None:
    """Register a shared allocator for the sessions of this process."""
    place = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(place, ort.OrtArenaCfg({"max_mem": _MAX_MEMORY}))


def _check_metadata(metadata: Mapping[str, str], origin: str) -> str:
    """Check the metadata of a file, and return its view."""
    view, known = metadata.get("view", ""), ("both", *VIEWS)
    if "space" not in metadata or view not in known:
        raise SchemaError(
            f"{origin} is not a predictor of this project: its metadata must name a space and a "
            f"view ({', '.join(known)}), and hold {dict(metadata)!s:.300}. Export it again."
        )
    for key, kind in _NUMBERS.items():
        try:
            is_number = math.isfinite(kind(metadata.get(key, "0")))
        except (ValueError, OverflowError):
            is_number = False
        if not is_number:
            raise SchemaError(
                f"The metadata of {origin} are damaged: {key} must be a finite number, not "
                f"{metadata[key]!r:.80}. Export it again."
            )
    return view
