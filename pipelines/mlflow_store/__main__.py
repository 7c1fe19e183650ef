"""Open the store of the project around the current folder and print its address.

``make ui`` passes it to MLflow. Without it, MLflow would create a store itself, and leave half of
one if interrupted.
"""

from __future__ import annotations

import os
import sys

import click

from brpnas.cli.project import find_project
from brpnas.errors import BrpNasError


def main() -> None:
    """Print the address on stdout."""
    try:
        root = find_project()
        # Kedro configures logging on import, and logs this unless a file is named.
        os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(root / "conf" / "logging.yml"))
        from kedro.config import OmegaConfigLoader  # noqa: PLC0415

        from pipelines.environments import chosen_environment  # noqa: PLC0415
        from pipelines.mlflow_store.opening import open_store  # noqa: PLC0415
        from pipelines.settings import CONFIG_LOADER_ARGS  # noqa: PLC0415

        conf = root / "conf"
        env = chosen_environment(conf, None)
        loader = OmegaConfigLoader(str(conf), env=env, **CONFIG_LOADER_ARGS)
        click.echo(open_store(root, loader["mlflow"], write=False)["server"]["mlflow_tracking_uri"])
    except BrpNasError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
