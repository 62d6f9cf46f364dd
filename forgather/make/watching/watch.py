"""Builds again whenever something that the build looked at has changed, until it is interrupted.

While nothing happens, this process stats files and does nothing else. Whatever needs a template engine or
doit is done by a process of its own, a *round* (:mod:`forgather.make.watching.round`). Where a round left
nothing to do, the stamps name the files to look at. Where it did not (a broken config, code that fails),
every source file counts that it may be made of.

No save is lost: what changes while a round is at work is looked at when it has ended. Nobody knows whether
that round saw it, or only a part of it (an editor may write aside and rename later). So another one looks,
and does not repeat mistakes that have been shown already. Only a task that fails is told again: it ran again.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from forgather.make.database import database_path
from forgather.make.index import ConfigIndex
from forgather.make.kinds import AFTER_TRAINING
from forgather.make.probes import SETTLED_SECONDS
from forgather.make.stamps import Stamps, open_stamps
from forgather.make.survey import PROJECTS, Survey, plan_stamp, survey
from forgather.make.watching.lookout import NOWHERE, Lookout, Places, has_changed, snapshot
from forgather.make.watching.messages import Order, Report, Wanted, write

USAGE = 2  # exit code of a round that was asked for something that there is not
SETTLE = 0.05  # an editor that saves in steps takes them in less
PATIENCE = 2.0  # files that never come to rest are not waited for longer
SELDOM = 10  # looks, of which one is at Forgather's own code
TRIES = 3  # rounds in a row that go well and still leave something to do
LAG = int(SETTLED_SECONDS * 1e9)  # nanoseconds by which the times of files may be behind the clock


@dataclass(frozen=True)
class View:
    """What is known after a round: what is current, and what would have to change for that to change."""

    survey: Survey
    lookout: Lookout
    listing: Lookout  # what may only change which configs there are
    records: tuple[str, ...]  # the files in which builds, others too, write what they have done

    def tells_the_same(self, other: View) -> bool:
        return (self.survey, self.lookout.seen) == (other.survey, other.lookout.seen)


class Watch:
    """Looks every ``interval`` seconds; ``say`` gets what it has to tell besides what rounds write."""

    def __init__(
        self, root: Path, wanted: Wanted, interval: float, say: Callable[[str], None]
    ) -> None:
        self.root = root
        self.wanted = wanted
        self.interval = interval
        self.say = say
        self.report = Report()
        self._known = NOWHERE  # places that rounds have named so far
        self._began = 0  # when the last round did, in nanoseconds
        self._before: Mapping[str, str] = {}  # the files in those places at that time
        self._shown: Mapping[str, str] = {}  # and when mistakes had been shown last

    def run(self) -> int:
        """Until KeyboardInterrupt; ends by itself only if the first round finds no such names."""
        with _other_signals_interrupt():
            code = self._round(explains=False)
            if code == USAGE:
                return code
            self.say("watching; Ctrl-C ends")
            rounds = 1
            while True:
                view = self._view(self._known if code else NOWHERE)
                if code:
                    is_due = has_changed(self._before, view.lookout.seen, self._began)
                else:
                    is_due = not view.survey.is_current and rounds < TRIES
                if is_due:
                    _settle(view.lookout)
                else:
                    self._wait(view)
                    rounds = 0
                rounds += 1
                code = self._round(explains=True)

    # one round

    def _round(self, *, explains: bool) -> int:
        self._began, self._before = time.time_ns() - LAG, snapshot(self._known)
        told, reminds = self.report.errors, self._before != self._shown
        with tempfile.TemporaryFile("w+") as stream:
            write(Order(str(self.root), self.wanted, explains, told, reminds), stream)
            code = _run(stream)
            stream.seek(0)
            try:
                self.report = Report.read(stream)
            except (ValueError, KeyError, TypeError):  # it was cut off
                self.report = Report(self.report.names, Places((str(self.root),)))
        self._known |= self.report.places
        if reminds or self.report.errors != told:
            self._shown = snapshot(self._known)
        if code < 0:
            self.say(f"the build was ended by {signal.Signals(-code).name}")
        return code

    # between rounds

    def _wait(self, view: View) -> None:
        """Until something has changed, and has come to rest."""
        for count in itertools.count(1):
            time.sleep(self.interval)
            is_quiet = view.lookout.is_quiet(everything=count % SELDOM == 0)
            if is_quiet and view.listing.is_quiet() and view.records == self._records():
                continue
            _settle(view.lookout)
            now = self._view(view.lookout.places)
            if not view.lookout.is_quiet() or not now.tells_the_same(view):
                return
            view = now  # a file has come and gone, or another build has done other things

    def _view(self, places: Places) -> View:
        records = self._records()
        stamps = open_stamps(self.root)
        try:
            found = survey(stamps, ConfigIndex(self.root), self.report.names, AFTER_TRAINING)
            stamps.save()  # where configs are, if they had to be looked for
            plans = {plan_stamp(task.partition(":")[2]) for task in found.tasks}
            # Not asked again whether they hold: a change in between would never be seen.
            probes = stamps.probes(plans | found.current)
            listed = stamps.probes(self._listings(stamps))
        finally:
            stamps.database.close()
        lookout = Lookout.of(probes, places, snapshot(places))
        return View(found, lookout, Lookout.of(listed), records)

    def _listings(self, stamps: Stamps) -> list[str]:
        """The stamps that say which configs there are, where that matters to the names."""
        if all(":" in name and "*" not in name for name in self.report.names):
            return []
        return [PROJECTS, *(f"configs:{name}" for name in stamps.places.values())]

    def _records(self) -> tuple[str, ...]:
        path = str(database_path(self.root / "build"))
        return tuple(snapshot(Places(files=(path, f"{path}-wal"))).values())


def _settle(lookout: Lookout) -> None:
    """Wait until nothing is being written any more."""
    end = time.monotonic() + PATIENCE
    before, now = None, lookout.glimpse()
    while before != now and time.monotonic() < end:
        time.sleep(SETTLE)
        before, now = now, lookout.glimpse()


def _run(stream: IO[str]) -> int:
    """A round, with its order and report in ``stream``; its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "forgather.make.watching.round", str(stream.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[stream.fileno()],
        process_group=0,  # the terminal's Ctrl-C reaches us alone, and we pass it on once
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        _interrupt(process)
        raise


def _interrupt(process: subprocess.Popen) -> None:
    """Pass an interrupt on, once; whoever presses Ctrl-C again does not want to wait for its end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait()
    except KeyboardInterrupt:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _other_signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP be KeyboardInterrupt: no round may outlive its watch."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
