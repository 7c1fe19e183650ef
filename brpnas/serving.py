"""Answers to architecture strings, from an exported predictor alone.

`OnnxPredictor` is what a server needs: it reads the ``.onnx`` file that `brpnas.export` wrote,
turns strings into the graphs that the file asks for, and runs it by ONNX Runtime. No torch: use it
where a model answers, and `brpnas.predictors` where one is trained.
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

from brpnas.errors import ArchitectureError, SchemaError, shortened
from brpnas.graphs import DEVICE_VIEWS, VIEWS, View
from brpnas.onnx_check import MAX_ONNX_BYTES, check_onnx
from brpnas.spaces import SearchSpace, opened_space

__all__ = ["MAX_BATCH", "MAX_LENGTH", "OUTPUTS", "OnnxPredictor"]

OUTPUTS = ("latency_ms", "score", "lower_ms", "upper_ms")
"""Outputs that a file may have: the value first, then the bounds of its interval."""
MAX_BATCH = 20_000
"""Most architectures of one question; more than the whole of NAS-Bench-201."""
MAX_LENGTH = 10_000
"""Most characters of one architecture; a genotype of DARTS has about 300."""

_CHUNK = 256
_SHOWN = 20
_PROBES = 8
_MAX_MEMORY = 2**29  # bytes of all sessions of a process; also bounds the time of an operator
_MAX_SECONDS = 10.0  # of a chunk, which takes milliseconds
_NUMBERS = {"num_nodes": int, "num_ops": int, "learnt_rows": int, "coverage": float}
"""Metadata that are numbers, where they are there."""


class OnnxPredictor:
    """Predicts latency or scores accuracy of architectures, from one ONNX file.

    The file says in its metadata which ``space`` it knows and which ``view`` of a cell it reads:
    ``raw``, ``pruned`` or ``function``, with the inputs ``ops`` int64 ``[B, V]`` and ``adj``
    float32 ``[B, V, V]``, or ``both``, with ``raw_ops, raw_adj, pruned_ops, pruned_adj``. Its
    outputs, each ``[B]``, are among `OUTPUTS`.

    Args:
        source: The file, or its bytes.
        space: The space that it knows, or its name. Needed where that is a Python file, unless
            `brpnas.get_space` has opened it: a file does not choose the code that runs.
        check_answers: Ask it about a few architectures, and refuse it if it gives no finite
            numbers. A registry, which replaces such a predictor, must be able to load it.

    Raises:
        SchemaError: If it is not such a file, needs anything outside of it, or fails the check.
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
        self.outputs: tuple[str, ...] = tuple(name for name in OUTPUTS if name in names)
        if len({"latency_ms", "score"} & names) != 1:
            raise SchemaError(
                "A predictor answers by an output named latency_ms, or one named score; "
                f"{self._origin} has {', '.join(sorted(names))}. Export it again."
            )
        self._prefixes: dict[View, str] = (
            {name: f"{name}_" for name in DEVICE_VIEWS}
            if view == "both"
            else {name: "" for name in VIEWS if name == view}
        )
        self._check_answers(are_numbers=check_answers)

    def _check_answers(self, *, are_numbers: bool) -> None:
        """Answer a few architectures, so that a file of other inputs is refused now."""
        asked = self.space.sample(np.random.default_rng(0), min(_PROBES, len(self.space)))
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
                    f"{self._origin} gives no finite {name} for {bad!r:.200}, so it predicts "
                    "nothing. Train the predictor again, and export it again."
                )

    @property
    def value(self) -> str:
        """Name of the answer: ``latency_ms`` or ``score``."""
        return self.outputs[0]

    @property
    def has_intervals(self) -> bool:
        """Whether it also gives ``lower_ms`` and ``upper_ms``."""
        return {"lower_ms", "upper_ms"} <= set(self.outputs)

    def canonical(self, entries: Sequence[object]) -> list[str]:
        """Check a question.

        Args:
            entries: Architecture strings, as they came.

        Returns:
            The ``arch_id`` of each.

        Raises:
            ArchitectureError: If there are none, too many, or some are no architectures; names
                every one of them (the first twenty in full), counted from 0.
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
                f"{len(wrong)} of {len(entries)} entries are no architecture of {self.space.name}: "
                + "; ".join(wrong[:_SHOWN])
                + more
            )
        return known

    def predict(self, entries: Sequence[object]) -> pd.DataFrame:
        """Answer architecture strings.

        Args:
            entries: Architecture strings, at most `MAX_BATCH`.

        Returns:
            ``arch_id`` and the outputs of the file, such as ``latency_ms``, in the order given.

        Raises:
            ArchitectureError: As `canonical` does; nothing is answered then.
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
                    "architectures; no predictor of this project does. Export it again."
                ) from error
            shapes = ", ".join(f"{name} {feed.shape}" for name, feed in feeds.items())
            raise SchemaError(
                f"{self._origin} does not answer graphs of {self.space.name} ({shapes}): "
                f"{' '.join(str(error).split()):.500}. Export the predictor again, for this space."
            ) from error
        finally:
            timer.cancel()


def _text(entry: object) -> str:
    """The entry, if it can be an architecture at all.

    Raises:
        ArchitectureError: If it is no string, or longer than any architecture.
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
    """One thread, and bounded memory, whatever shapes the file computes; weights lie outside."""
    _bound_memory()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    return options


@functools.cache
def _bound_memory() -> None:
    """Register an allocator for the sessions of this process that ask for it."""
    place = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(place, ort.OrtArenaCfg({"max_mem": _MAX_MEMORY}))


def _check_metadata(metadata: Mapping[str, str], origin: str) -> str:
    """Check what the file says of itself, and give its view."""
    view, known = metadata.get("view", ""), ("both", *VIEWS)
    if "space" not in metadata or view not in known:
        raise SchemaError(
            f"{origin} is no predictor of this project: its metadata must name a space and a view "
            f"({', '.join(known)}), and hold {dict(metadata)!s:.300}. Export it again."
        )
    for key, kind in _NUMBERS.items():
        try:
            is_number = math.isfinite(kind(metadata.get(key, "0")))
        except (ValueError, OverflowError):
            is_number = False
        if not is_number:
            raise SchemaError(
                f"The metadata of {origin} are damaged: {key} is {metadata[key]!r:.80}, and no "
                "number. Export it again."
            )
    return view
