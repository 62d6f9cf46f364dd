"""The ``forgather`` command: a lazy table of commands, each one file with parser and action together."""
