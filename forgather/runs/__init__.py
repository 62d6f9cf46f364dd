"""The run directory as a contract: names, records and the config snapshot.

Standard library only: what writes a run (the trainer) and what reads one (plots, the build, the
command line) both stand on this package, and neither needs the other.
"""
