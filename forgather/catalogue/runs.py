"""FG7xx: trainings and checkpoints. FG8xx: data."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG700",
        "a training that went wrong",
        "The training cannot start or go on; the message says why.",
        "forgather train",
        "Mend the cause and run the same command again: it resumes from the last checkpoint.",
        how="told",
    ),
    Entry(
        "FG701",
        "a checkpoint that is missing, damaged or does not fit",
        "A checkpoint was asked for that is not there, whose files are not those that were written, or "
        "that belongs to another model or another number of processes.",
        "forgather train",
        "Name another checkpoint, or move the damaged one away: the newest complete one is used.",
        how="told",
    ),
    Entry(
        "FG702",
        "a training that was stopped on request",
        "Ctrl-C, a signal of the scheduler, or `forgather control stop`. The work is saved if the config "
        "saves at all; the message says so. Exit code 130.",
        "forgather train",
        "Run the same command again to go on.",
        how="told",
    ),
    Entry(
        "FG703",
        "a checkpoint whose weights are not those of the loaded model",
        "The model directory was loaded as a user would, and some weights differ from those saved.",
        "doit checkpoint:tiny_llama",
        "Model code and weights do not belong together: train again with the code as it is now.",
        how="told",
    ),
    Entry(
        "FG704",
        "a checkpoint whose model gives no finite numbers",
        "The loaded model computes infinities or NaN.",
        "doit checkpoint:tiny_llama",
        "The training diverged: look at its loss (`forgather logs plot --loss-curves`), lower the "
        "learning rate, and start again from an earlier checkpoint.",
        how="told",
    ),
    Entry(
        "FG800",
        "data that is missing or not what it should be",
        "A dataset has no rows, lacks a column, or a tokenizer lacks a token that is needed.",
        "doit dataset:stories",
        "The message says what was expected of which file or column.",
        how="told",
    ),
)
