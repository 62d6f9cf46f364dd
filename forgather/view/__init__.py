"""What the command line and the notebooks both show: data first, then text made from it.

Nothing here imports or runs what a config names.
"""
