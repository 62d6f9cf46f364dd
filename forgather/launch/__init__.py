"""Worker processes: the command that starts one, the action it is given, and its entry point."""
