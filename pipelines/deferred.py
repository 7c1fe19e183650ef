"""Functions of nodes, imported when their node runs.

Kedro needs the functions of all nodes before the first node starts; one stage needs torch, another
matplotlib. With the libraries imported stage by stage, a run starts within two seconds::

    nodes = functions_of("pipelines.train.nodes")
    node(nodes.train_predictors, inputs=[...], outputs=[...])

Kedro cannot compare the inputs of a node with the signature of such a function;
tests/pipelines/test_deferred.py does. `kedro viz` shows no code for such a node.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["DeferredFunction", "functions_of"]


class DeferredFunction:
    """A picklable function, given by module and name, imported at the first call.

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
        """A function of the module; a missing one is an error at the first call."""
        return DeferredFunction(self._module, name)
