"""FG66x: where something comes from, and making it again."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG660",
        "something that was not built here",
        "`forgather provenance` or `reproduce` was asked about a file, a folder or a digest that no task "
        "left, no training's directory holds, and no store has. A file that was altered is still known by "
        "its place; a copy of it elsewhere is not.",
        "forgather provenance notes.txt",
        "The message says what was looked for, and where. `-p DIR` names a workspace whose stores are "
        "looked into, for a copy that lies outside of it.",
        {"templates/configs/config.yaml": "a: 1\n"},
        "command",
    ),
    Entry(
        "FG661",
        "a folder of several artifacts",
        "A folder such as `build/mini` holds what several tasks left, and each comes from elsewhere.",
        "forgather provenance build/mini",
        "Name a folder or a file of one of them: the message lists them.",
        how="told",
    ),
    Entry(
        "FG662",
        "an artifact whose provenance is lost",
        "It is known which task left it, but the store no longer has the entry that says what it was made "
        "of: it was removed to save space, or belongs to a build from before provenance was kept.",
        "forgather provenance build/mini/plot",
        "Build it again: `doit forget TASK` and `doit TASK` record it anew. A shared cache may still have "
        "the entry.",
        how="told",
    ),
    Entry(
        "FG663",
        "a source that cannot be had any more",
        "`forgather reproduce` needs every template, source and data file as it was, and some have "
        "changed since: neither the working tree nor the texts that the store keeps nor git have them. Of "
        "environment variables only digests are kept.",
        "forgather reproduce build/mini/model",
        "The message names each, and where it was looked for. Put it back (for example "
        "`git checkout REVISION`, `export NAME=...`) and run the same command again.",
        how="told",
    ),
    Entry(
        "FG664",
        "a training that cannot be made again aside",
        "The config trains into a directory that does not depend on where its project lies, so a copy of "
        "the project would train into the very directory that is to be compared with.",
        "forgather reproduce output_models/mine",
        "Build `output_dir` with `project_dir` or `workspace_root`, as "
        "`training_script/training_script_type.yaml` does.",
        how="told",
    ),
    Entry(
        "FG665",
        "a step that failed when it was made again",
        "The sources were laid out as they were, but making it from them failed: a library or Forgather "
        "itself may not be what it was, or something that is read is not known to the build.",
        "forgather reproduce build/mini/model",
        "The message has the error of the step. `--keep DIR` leaves the checkout there to look at.",
        how="told",
    ),
    Entry(
        "FG666",
        "nothing that could be compared",
        "What was asked for is a run, a log or another file that has times in it: made again it is never "
        "the same.",
        "forgather reproduce output_models/mine/runs/log_2026-01-02T03-04-05",
        "Ask for the training, or for one of its checkpoints.",
        how="told",
    ),
)
