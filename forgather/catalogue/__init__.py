"""All error codes with cause, example and cure: the source of ``docs/errors.md`` and ``docs/errors/``.

Plain data at the bottom of the import order. A test asserts that every code in the source is here, that
every code here is in the source, and that the examples do what they say.
``python -m forgather.catalogue`` writes the pages; with ``--check`` it only compares.
"""

from __future__ import annotations

from forgather.catalogue import (
    cache,
    cluster,
    graphs,
    projects,
    provenance,
    runs,
    store,
    sweeps,
    templates,
    yaml_text,
)
from forgather.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    entry.code: entry
    for part in (
        projects,
        templates,
        yaml_text,
        graphs,
        cache,
        store,
        sweeps,
        cluster,
        provenance,
        runs,
    )
    for entry in part.ENTRIES
}
