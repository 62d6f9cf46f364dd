"""Where in the user's own code something went wrong, as places like those of templates.

What is between a config and that code (this package's graph, Python's import machinery) tells the user nothing
and is left out.
"""

from __future__ import annotations

import os
import traceback

from forgather.errors import Span

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MOST = 8


def user_frames(error: BaseException) -> tuple[Span, ...]:
    """The calls that led to ``error``, outermost first; of many, the innermost."""
    found = [
        Span(frame.name, frame.lineno or 1, None, frame.filename, frame.line)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_HERE, "<frozen importlib")) and not _is_import(frame)
    ]
    return tuple(found[-_MOST:])


def _is_import(frame: traceback.FrameSummary) -> bool:
    return os.path.basename(os.path.dirname(frame.filename)) == "importlib"
