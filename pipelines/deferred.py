"""Functions of nodes that are imported when their node runs.

Kedro needs the functions of all nodes before the first of them starts, and those of one stage need
torch, of another matplotlib. A run of several stages starts within a second or two if each of them
imports its libraries when its turn comes::

    nodes = functions_of("pipelines.train.nodes")
    node(nodes.train_latency, inputs=[...], outputs=[...])

Kedro cannot hold the inputs of a node to the signature of such a function;
tests/pipelines/test_deferred.py does. `kedro viz` shows no code for such a node.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["DeferredFunction", "functions_of"]


class DeferredFunction:
    """A function by its module and name, imported at the first call. It can be pickled.

    Args:
        module: Full name of the module.
        name: Name of the function in it.
    """

    def __init__(self, module: str, name: str) -> None:
        self.__module__, self.__name__, self.__qualname__ = module, name, name
        self.__annotations__: dict[str, Any] = {}  # Kedro looks here for types of parameters

    def resolve(self) -> Any:
        """Import the function."""
        return getattr(import_module(self.__module__), self.__name__)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function."""
        return self.resolve()(*arguments, **named)


class functions_of:  # noqa: N801 - it reads as a function
    """The functions of a module as attributes, none of them imported yet.

    Args:
        module: Full name of the module.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> DeferredFunction:
        """A function of the module; that it exists is seen when it is called."""
        return DeferredFunction(self._module, name)
