"""Building again whenever a file is saved."""
