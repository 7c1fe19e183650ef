"""The subcommands, one in each file: options, help, and examples that end the help."""
