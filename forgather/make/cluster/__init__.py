"""Steps as jobs of a cluster."""
