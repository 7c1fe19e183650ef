"""The model card: the page of an exported model.

`model_card` writes Markdown from a `ModelCard`, filled in by the author, and from the interface and
metadata of the ONNX file (`describe_model`). The sections follow Mitchell et al., "Model Cards for
Model Reporting" (arXiv 1810.03993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from brpnas.export.interface import describe_model
from brpnas.export.markdown import Code, code, code_block, escape, table
from brpnas.export.snippet import image_snippet, tensor_snippet
from brpnas.graphs import View

__all__ = ["Attribution", "ModelCard", "model_card"]


class Attribution(Protocol):
    """Origin of data, such as an entry of `brpnas.datasets.load_catalogue`."""

    @property
    def name(self) -> str:
        """Name of the data."""

    @property
    def url(self) -> str:
        """Place of publication."""

    @property
    def licence(self) -> str:
        """Licence of publication."""

    @property
    def citation(self) -> str:
        """Reference."""


@dataclass(frozen=True)
class ModelCard:
    """The author's part of a model card.

    Titles, warnings, keys and values are plain text and are escaped. Description, protocol, limits
    and sections are Markdown: pass names of unknown origin through `brpnas.export.markdown`.

    Args:
        title: Heading of the page.
        description: Output of the model, with its unit and purpose.
        warnings: Warnings, shown first.
        facts: Properties of the model, by name.
        protocol: Training, and the rows of the metrics.
        metrics: Value of each metric; name split and unit, as in ``"Spearman (test)"``.
        sources: Training data.
        sections: Further sections, by heading.
        limits: Known limits of use.
        space: Search space of a predictor on graphs, by default from the metadata of the file. With
            ``example`` the snippet encodes this architecture; otherwise its input is zeros.
        view: View of the graphs, or both.
        example: Architecture string for the snippet.
        file: Path of the model in the snippet; by default the name of its file.
        licence: Licence of the model.
    """

    title: str
    description: str
    warnings: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    protocol: str = ""
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    sources: Sequence[Attribution] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    limits: Sequence[str] = ()
    space: str | None = None
    view: View | Literal["both"] | None = None
    example: str | None = None
    file: str | None = None
    licence: str = "Apache-2.0"


def model_card(path: Path, card: ModelCard) -> str:
    """Write the card of an exported model as Markdown."""
    inputs, outputs, metadata = describe_model(path)
    tensors = [
        (role, Code(spec.name), spec.dtype, " x ".join(map(str, spec.shape)))
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
    encoded = None
    if card.space and card.view and card.example:
        encoded = (card.space, card.view, card.example)
    file = card.file or path.name
    snippet = image_snippet(file, inputs, outputs, metadata)
    snippet = snippet or tensor_snippet(file, inputs, outputs, encoded)
    space = card.space or metadata.get("space")
    facts = {**card.facts, **({"Weights": metadata["weights"]} if "weights" in metadata else {})}
    sections = {
        "At a glance": table(("", ""), list(facts.items())),
        "Search space": _space(space) if space else "",
        "How to use": f"{code_block(snippet, 'python')}\n\n"
        + table(("", "name", "type", "shape"), tensors),
        "Training data": table(("data", "licence", "citation", "source"), sources),
        "Protocol": card.protocol,
        "Metrics": table(("metric", "value"), metrics),
        **card.sections,
        "Limits": "\n".join(f"- {limit}" for limit in card.limits),
        "Metadata of the file": table(
            ("key", "value"), [(k, _literal(v)) for k, v in metadata.items()]
        ),
        "Licence": card.licence,
    }
    warnings = [f"> **Warning: {escape(warning)}**" for warning in card.warnings]
    body = [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    return "\n\n".join([f"# {escape(card.title)}", *warnings, card.description, *body]) + "\n"


def _literal(value: str) -> str:
    """As readable code, except for text similar to HTML."""
    return value if set("<>&`") & set(value) else Code(value)


def _space(name: str) -> str:
    if not name.endswith(".py"):
        return f"{code(name)} of `brpnas.spaces`."
    return f"Defined by the file {code(name)}, needed to read architectures."
