"""The build graph: which artifacts exist, what each depends on, and whether it is up to date.

Read ``digest`` (what is compared), ``store`` (where results live), ``compile`` (config to graph),
``plan`` (config to targets), ``rules`` (how each kind of artifact is made) and ``tasks`` (the only
door to doit), in that order. Nothing here imports torch: heavy steps run in worker processes.
"""
