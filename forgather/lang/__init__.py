"""Text to graph: templates are rendered to YAML, and YAML is parsed to a graph.

The passes, each in its own module and each keeping line numbers::

    source -> sugar -> blocks -> compiler -> render -> compose -> parse

Use it through :mod:`forgather.config`.
"""
