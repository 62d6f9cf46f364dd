"""FG62x: the caches that checkouts and machines share."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG620",
        "a setting of the shared cache that makes no sense",
        "A variable `FORGATHER_CACHE_...`, or `[tool.forgather.cache]` in `pyproject.toml`, has a value "
        "that cannot be used or a name that does not exist.",
        "FORGATHER_CACHE_MODE=readonly doit pp",
        "Set it to what the message says. `forgather cache status` shows what is in force.",
        how="told",
    ),
    Entry(
        "FG621",
        "a key file of the shared cache that cannot be used",
        "The file that `FORGATHER_CACHE_KEY_FILE` names is missing, too short, or open to every user of "
        "the machine.",
        "FORGATHER_CACHE_KEY_FILE=key doit pp",
        "Make one with `openssl rand -hex 32 > key` and `chmod 600 key`.",
        how="told",
    ),
    Entry(
        "FG622",
        "a cache command that cannot be carried out",
        "`forgather cache serve` cannot listen or read its tokens, or `forgather cache push` has no "
        "remote that it may write to.",
        "forgather cache push",
        "The message says what is missing; docs/cache.md shows how a cache is set up.",
        how="told",
    ),
)
