"""The build graph: which artifacts exist, what each depends on, and whether it is up to date.

Read ``digest`` (what is compared), ``storage`` (where results live), ``compile`` (config to graph),
``plan`` (config to targets), ``rules`` (how each kind of artifact is made), ``probes`` and ``stamps`` (what
need not be looked at again), ``answers`` and ``packs`` (the same for whole requests, and for new
checkouts) and ``tasks`` (targets as tasks of doit), in that order. The other folders each have one job:
``cache``, ``cluster``, ``front`` (doit), ``origin``, ``reasons``, ``reporters``,
``sweeps``, ``upkeep``, ``watching``. Nothing here imports torch: heavy steps run in worker processes.
"""
