"""The model card: the page that goes with an exported model.

`model_card` writes Markdown from a `ModelCard`, what its author knows, and from the ONNX file
itself, whose inputs, outputs and metadata are the truth about how to call it (`describe_model`).
The sections follow Mitchell et al., "Model Cards for Model Reporting" (arXiv 1810.03993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from brpnas.export.interface import TensorSpec, describe_model
from brpnas.graphs import View

__all__ = ["Attribution", "ModelCard", "model_card"]


class Attribution(Protocol):
    """Where data come from; an entry of `brpnas.datasets.load_catalogue` is one."""

    @property
    def name(self) -> str:
        """Name of the data."""

    @property
    def url(self) -> str:
        """Where they were published."""

    @property
    def licence(self) -> str:
        """Licence they were published under."""

    @property
    def citation(self) -> str:
        """How to cite them."""


@dataclass(frozen=True)
class ModelCard:
    """What only the author of a model knows about it.

    Args:
        title: Heading of the page.
        description: What the model computes, with the unit, and what it is for.
        protocol: How it was trained and on which rows the metrics were taken.
        metrics: Value of each metric; name split and unit, as in ``"Spearman (test)"``.
        sources: Data it was trained on.
        limits: What it must not be used for or trusted with.
        space: Search space of a predictor on graphs; with ``example`` the snippet encodes that
            architecture, otherwise it shows an input of zeros. By default that which the metadata
            of the file name.
        view: View of the graphs that the predictor expects.
        example: Architecture string for the snippet.
        licence: Licence of the model.
    """

    title: str
    description: str
    protocol: str = ""
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    sources: Sequence[Attribution] = ()
    limits: Sequence[str] = ()
    space: str | None = None
    view: View | None = None
    example: str | None = None
    licence: str = "Apache-2.0"


def model_card(path: Path, card: ModelCard) -> str:
    """Write the card of an exported model as Markdown.

    Args:
        path: The ONNX file; read for its interface and metadata.
        card: The rest.
    """
    inputs, outputs, metadata = describe_model(path)
    tensors = [
        (role, f"`{spec.name}`", spec.dtype, " x ".join(map(str, spec.shape)))
        for role, specs in (("input", inputs), ("output", outputs))
        for spec in specs
    ]
    metrics = [
        (name, f"{value:.4g}" if isinstance(value, float) else value)
        for name, value in card.metrics.items()
    ]
    sources = [
        (source.name, source.licence, source.citation, source.url) for source in card.sources
    ]
    space = card.space or metadata.get("space")
    sections = {
        "Search space": _space(space) if space else "",
        "How to use": f"```python\n{_snippet(path, card, inputs, outputs)}\n```\n\n"
        + _table(("", "name", "type", "shape"), tensors),
        "Training data": _table(("data", "licence", "citation", "source"), sources)
        or (f"None: weights {metadata['weights']}." if "weights" in metadata else ""),
        "Protocol": card.protocol,
        "Metrics": _table(("metric", "value"), metrics),
        "Limits": "\n".join(f"- {limit}" for limit in card.limits),
        "Metadata of the file": _table(("key", "value"), list(metadata.items())),
        "Licence": card.licence,
    }
    body = [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    return "\n\n".join([f"# {card.title}", card.description, *body]) + "\n"


def _space(name: str) -> str:
    if not name.endswith(".py"):
        return f"`{name}` of `brpnas.spaces`."
    return f"The one that the file `{name}` defines; whoever reads architectures needs that file."


def _snippet(
    path: Path, card: ModelCard, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> str:
    """Code that loads the file, makes an input as it asks for, and runs it."""
    encodes = card.space and card.view and card.example
    lines = ["import numpy as np", "import onnxruntime as ort"]
    if encodes:
        lines += [
            "",
            "from brpnas.spaces import get_space",
            "",
            f"graphs = get_space({card.space!r}).encode([{card.example!r}], {card.view!r})",
        ]
    lines += [
        "",
        f'session = ort.InferenceSession({path.name!r}, providers=["CPUExecutionProvider"])',
    ]
    lines.append("feeds = {")
    for spec in inputs:
        shape = tuple(size if isinstance(size, int) else 1 for size in spec.shape)
        if encodes:
            value = f"graphs.{spec.name}.astype(np.{spec.dtype})"
        else:
            value = f"np.zeros({shape}, np.{spec.dtype})"
        lines.append(f'    "{spec.name}": {value},')
    lines += [
        "}",
        f'answer = session.run(["{outputs[0].name}"], feeds)[0]',
        "print(answer)",
    ]
    return "\n".join(lines)


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown table, or nothing if there is no row."""
    if not rows:
        return ""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
