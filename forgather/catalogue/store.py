"""FG63x: looking after what is stored."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG630",
        "an artifact that is not to be found",
        "`forgather store path` was given a task that was never built here, an artifact that was removed "
        "since, or the beginning of a key that nothing, or more than one thing, has.",
        "forgather store path train:tiny_lama",
        "The nearest name is in the message. What was removed is put back by building it: "
        "`forgather build TASK`.",
        how="told",
    ),
    Entry(
        "FG631",
        "a store command with an option that makes no sense",
        "An age or a size cannot be read, or `--cache` is given where there is no cache of the user.",
        "forgather store gc --older-than soon",
        "An age is written as `12h`, `30d` or `8w`, a size as `500M` or `20G`.",
        how="command",
    ),
    Entry(
        "FG632",
        "a store that is damaged",
        "`forgather store verify` found files that do not have the bytes that their digests say: a disk "
        "lost bits, or somebody edited them. Each is named, with the task that it belongs to.",
        "forgather store verify",
        "Run `forgather store verify --repair`, and then the build: it makes again what is missing.",
        how="told",
    ),
    Entry(
        "FG633",
        "a store that does not exist",
        "Nothing has been built in this workspace, or `build/` was removed.",
        "forgather store gc",
        "Build something first: `forgather build pp`.",
        how="command",
    ),
    Entry(
        "FG634",
        "a folder that may hold trainings and cannot be read",
        "`forgather store` looks for the ledgers of trainings below the build root, for what those refer "
        "to is never garbage. One of the folders there cannot be read.",
        "forgather store gc",
        "Mend the permissions of the folder in the message, or move it away.",
        how="told",
    ),
)
