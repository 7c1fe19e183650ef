"""The command ``brpnas``: what the library knows, without a pipeline and without writing Python.

`app` is the command; ``brpnas --help`` lists what it does. The subcommands in `brpnas.cli.commands`
read options and print. The modules beside them do the work; a subcommand imports them when it runs,
so that a subcommand without torch starts without torch.
"""

from brpnas.cli.app import app

__all__ = ["app"]
