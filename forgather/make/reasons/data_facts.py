"""What happened to data files that a worker reported reading, as facts.

Reads are those of :mod:`forgather.make.reads`. Which names a listing gave is not in it, only their digest:
the files that were read under its folder stand for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from forgather.launch.reads import listed_names
from forgather.make.digest import FileDigests
from forgather.make.reads import digest_at
from forgather.make.reasons.facts import Fact, Facts

Reads = list[list[str]]
SHOWN = 8  # files that came or went


def reads_now(reads: Reads, digests: FileDigests) -> Reads:
    """What would be read today: what is gone is left out, what a changed listing has anew is in it."""
    found: Reads = []
    for read in reads:
        now = digest_at(read[:-1], digests)
        if now is None:
            continue
        found.append([*read[:-1], now])
        if read[0] == "listing" and now != read[-1]:
            known = {other[1] for other in reads if other[0] == "file"}
            paths = [os.path.join(read[1], name) for name in listed_names(read[1], read[2])]
            found += [["file", path, digests(path)] for path in paths if path not in known]
    return found


def data_facts(facts: Facts, old: Reads, new: Reads) -> list[Fact]:
    """What differs between two lists of reads."""
    return list(dict.fromkeys(_differences(facts, old, new)))


def _differences(facts: Facts, old: Reads, new: Reads) -> Iterator[Fact]:
    before, after = ({tuple(read[:-1]): read[-1] for read in reads} for reads in (old, new))
    files = [place for place in (*before, *after) if place[0] == "file"]
    changed = [place for place in dict.fromkeys(files) if before.get(place) != after.get(place)]
    for place in changed[:SHOWN]:
        path = place[1]
        if place in before and place in after:
            yield from facts.changed_file(path, before[place], after[place])
        else:
            name = facts.show(path)
            yield Fact("data", name, f"{name} is {'gone' if place in before else 'new'}")
    if len(changed) > SHOWN:
        more = len(changed) - SHOWN
        yield Fact("data", "data", f"{more} more data {'files' if more > 1 else 'file'}")
    for place in before:
        if place[0] == "listing" and before[place] != after.get(place) and not changed:
            name = facts.show(place[1])
            yield Fact("data", name, f"files were added to or removed from {name}")
