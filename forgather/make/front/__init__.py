"""doit as the front end: its commands, its memory and its plugins, as ours."""
