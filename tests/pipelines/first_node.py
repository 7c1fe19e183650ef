"""Runs `kedro run` up to its first node, prints the modules imported so far, and ends.

Usage: ``python first_node.py [OPTION]...``, with the options of `kedro run`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from kedro.framework.cli import main
from kedro.pipeline.node import Node


def stop(node: Node, *_: Any, **__: Any) -> None:
    """Replaces `Node.run`: without clean-up, so all imports stay visible."""
    print(json.dumps({"node": node.name, "modules": sorted(sys.modules)}), flush=True)  # noqa: T201
    os._exit(0)


if __name__ == "__main__":
    Node.run = stop
    sys.argv = ["kedro", "run", *sys.argv[1:]]
    main()
