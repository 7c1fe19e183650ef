"""YAML from other sources: plain values, without constructs that make a small file large.

`parse_yaml` reads like ``yaml.safe_load``, but refuses references (a few lines of them describe
billions of values) and deep nesting.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["check_yaml", "parse_yaml"]

_MAX_CHARACTERS = 2 * 2**20
_MAX_DEPTH = 32
_MAX_EXPANDED = 100_000


def parse_yaml(text: str) -> Any:
    """Read a YAML document.

    Raises:
        yaml.YAMLError: If it is damaged, holds references, or is too large or nested too deep.
    """
    if len(text) > _MAX_CHARACTERS:
        raise yaml.YAMLError(f"it has {len(text):,} characters, more than {_MAX_CHARACTERS:,}")
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deep") from error


def check_yaml(text: str) -> None:
    """Check that a file is readable, and that its references do not make it much larger.

    Raises:
        yaml.YAMLError: If it is too large, nested too deep, or a value contradicts its type.
    """
    if "*" not in text and text.count("[") + text.count("{") < _MAX_DEPTH and _is_flat(text):
        yaml.load(text, Loader=_FastLoader)
        return
    try:
        if _expanded(yaml.compose(text, Loader=yaml.SafeLoader), {}) > _MAX_EXPANDED:
            raise yaml.YAMLError("references make it too large")
        yaml.load(text, Loader=_ValueLoader)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deep, or refers to itself") from error


def _is_flat(text: str) -> bool:
    """Whether no line is indented too deep."""
    return all(len(line) - len(line.lstrip(" -")) < 2 * _MAX_DEPTH for line in text.splitlines())


def _expanded(node: Any, known: dict[int, int]) -> int:
    """Number of values below a node, with references expanded."""
    if id(node) not in known:
        children = node.value if isinstance(node, yaml.CollectionNode) else ()
        parts = [
            part for child in children for part in (child if isinstance(child, tuple) else (child,))
        ]
        known[id(node)] = 1 + sum(_expanded(part, known) for part in parts)
    return known[id(node)]


class _Values(yaml.constructor.SafeConstructor):
    """Constructs values, and reports the line of a value against its type, such as ``!!bool x``."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Make the value of a node."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            kind = node.tag.rpartition(":")[2]
            raise yaml.YAMLError(
                f"the value {node.value!r:.80} is not of the type {kind:.80} "
                f"(line {node.start_mark.line + 1})"
            ) from error


class _ValueLoader(_Values, yaml.SafeLoader):
    """The safe loader."""


class _FastLoader(_Values, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader in C, if available; nesting must be small."""


class _Loader(_ValueLoader):
    """The safe loader with limits."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node, unless it is a reference or nested too deep."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(
                f"the reference *{event.anchor} is not allowed, write the value itself "
                f"({event.start_mark})"
            )
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"nested more than {_MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node
