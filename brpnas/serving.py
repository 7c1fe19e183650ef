"""Answers to architecture strings, from an exported predictor alone.

`OnnxPredictor` is what a server needs: it reads the ``.onnx`` file that `brpnas.export` wrote,
turns strings into the graphs that the file asks for, and runs it by ONNX Runtime. No torch: use it
where a model answers, and `brpnas.predictors` where one is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pandas as pd

from brpnas.errors import ArchitectureError, SchemaError, shortened
from brpnas.graphs import DEVICE_VIEWS, VIEWS, View
from brpnas.spaces import get_space

__all__ = ["MAX_BATCH", "MAX_LENGTH", "OUTPUTS", "OnnxPredictor"]

OUTPUTS = ("latency_ms", "score", "lower_ms", "upper_ms")
"""Outputs that a file may have: the value first, then the bounds of its interval."""
MAX_BATCH = 20_000
"""Most architectures of one question; more than the whole of NAS-Bench-201."""
MAX_LENGTH = 10_000
"""Most characters of one architecture; a genotype of DARTS has about 300."""

_CHUNK = 1024
_SHOWN = 20


class OnnxPredictor:
    """Predicts latency or scores accuracy of architectures, from one ONNX file.

    The file says in its metadata which ``space`` it knows and which ``view`` of a cell it reads:
    ``raw``, ``pruned`` or ``function``, with the inputs ``ops`` int64 ``[B, V]`` and ``adj``
    float32 ``[B, V, V]``, or ``both``, with ``raw_ops, raw_adj, pruned_ops, pruned_adj``. Its
    outputs, each ``[B]``, are among `OUTPUTS`.

    Args:
        source: The file, or its bytes.

    Raises:
        SchemaError: If it is not such a file.
        UnknownNameError: If its space is not known here.
    """

    def __init__(self, source: Path | bytes) -> None:
        content = source if isinstance(source, bytes) else source.read_bytes()
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                content, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has an exception for each cause, and no root
            raise SchemaError(f"ONNX Runtime cannot read this predictor: {error}") from error
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        view = self.metadata.get("view", "")
        known = ("both", *VIEWS)
        if "space" not in self.metadata or view not in known:
            raise SchemaError(
                "This ONNX file is no predictor of this project: its metadata must name a space "
                f"and a view ({', '.join(known)}), and holds {self.metadata}. Export it again."
            )
        self.space = get_space(self.metadata["space"])
        names = {output.name for output in self._session.get_outputs()}
        self.outputs: tuple[str, ...] = tuple(name for name in OUTPUTS if name in names)
        if len({"latency_ms", "score"} & names) != 1:
            raise SchemaError(
                "A predictor answers by an output named latency_ms, or one named score; this file "
                f"has {', '.join(sorted(names))}. Export it again."
            )
        self._prefixes: dict[View, str] = (
            {name: f"{name}_" for name in DEVICE_VIEWS}
            if view == "both"
            else {name: "" for name in VIEWS if name == view}
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
        answers = self._session.run(list(self.outputs), feeds)
        return {
            name: np.asarray(answer, np.float64)
            for name, answer in zip(self.outputs, answers, strict=True)
        }


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
