"""The live area of a terminal: how far the build is, what runs, how long is left.

What has ended scrolls by above it. While an action writes to the terminal itself (a training with its
own progress) there is no live area at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live as Area
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from forgather.make.logs import tail
from forgather.make.reporters.base import Running
from forgather.make.reporters.result import (
    BUILT,
    CURRENT,
    FAILED,
    RESTORED,
    SKIPPED,
    Result,
    Totals,
    duration,
    relative,
    shorten,
)

STYLES = {BUILT: "green", RESTORED: "cyan", FAILED: "bold red", SKIPPED: "yellow"}
TIME = 12  # width of "12 min 03 s"
SHOWN = 8  # running tasks that are listed; more of them are counted
LONGEST_NAME = 40  # of what the column of names is made for; longer ones push the rest aside


class Live:
    """Called under the reporter's lock; draws from a thread of Rich's own, which only reads."""

    def __init__(
        self,
        stream: TextIO,
        root: Path,
        done: int,
        names: Collection[str],
        left: Callable[[], float | None],
    ) -> None:
        self.console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self.root = root
        self.done = done
        self.total = done + len(names)
        self.width = min(max(map(len, names), default=0), LONGEST_NAME)
        self.left = left
        self._since = time.monotonic()
        self._running: dict[str, Running] = {}
        self._noisy: set[str] = set()
        self._area: Area | None = None

    def running_for(self) -> list[tuple[str, float]]:
        now = time.monotonic()
        return [(name, now - running.since) for name, running in tuple(self._running.items())]

    def began(self, running: Running, *, is_noisy: bool) -> None:
        self._running[running.name] = running
        if is_noisy:
            self._noisy.add(running.name)
            self._pause()
            number = f"{self.done + 1} of {self.total}"
            self._line("running", running.name, number, self._ahead(running), "bold")
        elif not self._noisy:
            self._resume()

    def ended(self, result: Result) -> None:
        self._running.pop(result.name, None)
        self._noisy.discard(result.name)
        self.done += 1
        self.total = max(self.total, self.done)
        if result.outcome != CURRENT:
            took = "" if result.outcome == SKIPPED else duration(result.seconds)
            self._line(result.outcome, result.name, took, result.reason, STYLES[result.outcome])
        if result.problem is not None:
            self.console.print(Text(result.problem.text), soft_wrap=True)
        if result.log is not None:
            self._log(result)
        if self._running and not self._noisy:
            self._resume()

    def closed(self, totals: Totals) -> None:
        self._pause()
        for text in totals.errors:
            self.console.print(Text(text.rstrip(), style="red"), soft_wrap=True)
        went_well = not (totals.counts[FAILED] or totals.interrupted or totals.errors)
        style = "bold green" if went_well else "bold red"
        self.console.print(Text(totals.line(), style=style), soft_wrap=True)

    def _pause(self) -> None:
        if self._area is not None:
            self._area.stop()
            self._area = None

    def _resume(self) -> None:
        if self._area is None:
            self._area = Area(
                console=self.console,
                get_renderable=self._render,
                refresh_per_second=4,
                transient=True,
            )
            self._area.start()

    def _line(self, word: str, name: str, number: str, reason: str, style: str) -> None:
        text = Text.assemble(
            (f"{word:<9}", style),
            f"{name:<{self.width}}  ",
            (f"{number:>{TIME}}  ", "dim"),
            (reason, "dim"),
        )
        self.console.print(text, no_wrap=True, overflow="ellipsis")

    def _ahead(self, running: Running) -> str:
        """What a step begins with that leaves no room for a live area."""
        left = self.left()
        time = f"about {duration(left)} left" if left else ""
        return ", ".join(filter(None, (time, shorten(running.reasons))))

    def _log(self, result: Result) -> None:
        assert result.log is not None
        lines, more = tail(result.log)
        before = f" ({more} lines before these)" if more else ""
        self.console.print(Text(f"  output: {relative(result.log, self.root)}{before}"))
        for line in lines:
            self.console.print(Text("  | ", style="dim").append(Text.from_ansi(line)))

    def _render(self) -> RenderableType:
        return Group(self._bar(), *self._listed())

    def _bar(self) -> Table:
        left = self.left()
        times = f"{duration(time.monotonic() - self._since)}"
        if left is not None:
            times += f", about {duration(left / max(1, len(self._running)))} left"
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=self.total, completed=self.done, width=24)
        row.add_row(bar, Text(f"{self.done} of {self.total} tasks"), Text(times, style="dim"))
        return row

    def _listed(self) -> Iterator[Text]:
        now = time.monotonic()
        running = tuple(self._running.values())
        for one in running[:SHOWN]:
            line = Text(no_wrap=True, overflow="ellipsis")
            line.append(f"         {one.name:<{self.width}}  ")
            line.append(f"{duration(now - one.since):>{TIME}}  ")
            line.append(shorten(one.reasons), style="dim")
            yield line
        if len(running) > SHOWN:
            yield Text(f"         and {len(running) - SHOWN} more", style="dim")
