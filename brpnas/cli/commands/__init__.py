"""The subcommands, one per file: options, help and examples."""
