"""The runtime wing: what needs torch. It is handed graphs, never templates."""
