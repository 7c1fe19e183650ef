"""The command ``brpnas``: what the library knows, without a pipeline and without writing Python.

`app` is the command; ``brpnas --help`` lists what it does. Its subcommands only read options and
print: the work is done by the modules beside it, which are imported when a subcommand needs them,
so that those that need no torch start without it.
"""

from brpnas.cli.registry_command import app

__all__ = ["app"]
