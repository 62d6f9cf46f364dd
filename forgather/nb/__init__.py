"""Helpers for notebooks; :mod:`forgather.nb.notebooks` is the face."""
