"""Where text goes that a reader may stop reading: ``doit list | head``, or a build whose pager was closed."""

from __future__ import annotations

import os
from typing import TextIO


class Outlet:
    """A stream that swallows the rest once nobody reads it: that is no reason to stop a build."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except BrokenPipeError:
            self._close()
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except BrokenPipeError:
            self._close()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    def _close(self) -> None:
        """Python would complain again while closing the stream, so it gets one that takes everything."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)
