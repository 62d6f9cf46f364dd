"""Static checks of configs: everything that can be known without importing what a config names.

What cannot be known so (a compiled extension's parameters, a lazy module's names) is passed over; a
finding is a mistake, not a suspicion.
"""
