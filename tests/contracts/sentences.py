"""Assertions of tests that compare sentences: they fail with another word of the same meaning.

Counted are literals of three plain words in a row in ``pytest.raises(match=...)``, on the left of
``in``, and as a pattern of `re` or of ``str.startswith`` and its kind; also where the literal is a
parameter, a name, or an item of a loop. Identifiers, numbers, paths and elements of a page are no
plain words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

_WORDS = re.compile(r"\b[A-Z]?[a-z]+(?: [a-z]+){2,}\b")
_PATTERNS = {"startswith", "endswith", "count", "search", "match", "fullmatch", "findall"}
_KEEPING = {"escape", "format", "items", "join", "keys", "replace", "rstrip", "strip", "values"}


def sentences(tree: ast.Module) -> list[tuple[int, str]]:
    """Line and text of each compared literal with three plain words in a row."""
    found = set()
    shared = _named(tree.body)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        named = shared | _named(ast.walk(function)) | _parameters(function)
        for value in _compared(function):
            for part in _origins(value, named):
                if isinstance(part, ast.Constant) and _WORDS.search(str(part.value)):
                    found.add((part.lineno, str(part.value)))
    return sorted(found)


def _origins(value: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[ast.AST]:
    """Parts of an expression, and of the values behind its names."""
    seen: set[str] = set()
    left = [value]
    while left:
        for part in _parts(left.pop()):
            yield part
            if isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                left += named.get(part.id, [])


def _parts(expression: ast.AST) -> Iterator[ast.AST]:
    """Nodes that make up a text; what other functions or attributes give is another text."""
    children: Iterable[ast.AST]
    match expression:
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args) if name in _KEEPING:
            children = [owner, *args]
        case ast.Call() | ast.Attribute():
            return
        case _:
            yield expression
            children = ast.iter_child_nodes(expression)
    for child in children:
        yield from _parts(child)


def _compared(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        match node:
            case ast.keyword(arg="match"):
                yield node.value
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()]):
                yield left
            case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name in _PATTERNS:
                yield first


def _named(nodes: Iterator[ast.AST] | list[ast.stmt]) -> dict[str, list[ast.expr]]:
    """Values that names may have: of assignments and of loops."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.For(target=target, iter=rows) | ast.comprehension(target=target, iter=rows):
                _bind(found, target, rows)
    return found


def _bind(found: dict[str, list[ast.expr]], target: ast.expr, rows: ast.expr) -> None:
    names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
    listed = isinstance(rows, ast.Tuple | ast.List)
    for item in rows.elts if listed else [rows]:
        cells = [item] * len(names)
        if listed and isinstance(item, ast.Call):  # pytest.param
            cells = item.args
        elif listed and isinstance(item, ast.Tuple | ast.List) and len(names) > 1:
            cells = item.elts
        for name, cell in zip(names, cells, strict=False):
            found.setdefault(name, []).append(cell)


def _parameters(function: ast.FunctionDef) -> dict[str, list[ast.expr]]:
    """Values of each parameter in the decorators ``parametrize``."""
    found: dict[str, list[ast.expr]] = {}
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(attr="parametrize"), args=[names, rows, *_]):
                given = ast.literal_eval(names)
                listed = given if isinstance(given, str) else ", ".join(given)
                _bind(found, ast.parse(listed, mode="eval").body, rows)
    return found
