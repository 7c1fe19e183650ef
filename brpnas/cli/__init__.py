"""The command ``brpnas``: look-ups, measurements and predictions without a pipeline.

The subcommands in `brpnas.cli.commands` read options and print. The modules beside them do the work
and are imported on use, so that a subcommand without torch starts without torch.
"""

from brpnas.cli.app import app

__all__ = ["app"]
