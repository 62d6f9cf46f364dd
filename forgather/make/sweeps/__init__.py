"""Many configs from one: the block ``sweep``, and names of variants."""
