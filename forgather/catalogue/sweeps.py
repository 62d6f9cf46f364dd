"""FG64x: sweeps and variants."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG640",
        "a sweep that cannot be expanded",
        "The target `sweep` has a key that there is not, a variable without values, a condition that "
        "nothing fits, a call where there must be plain data, or more variants than anybody wants.",
        "forgather sweep",
        "The message names the place and, where a name was wrong, the nearest. `docs/sweeps.md` shows "
        "what a sweep may hold.",
        {
            "templates/configs/config.yaml": "lr: {{ lr | default(0.1) }}\n"
            "sweep:\n    gird: { lr: [ 0.1, 0.2 ] }\n"
        },
        "command",
    ),
    Entry(
        "FG641",
        "a variable that changes nothing",
        "A variant gives a value to a variable that the templates of the config never look at, so it "
        "would be the same training under another name. Variables that the build itself gives, as "
        "`project_dir`, cannot be set either.",
        "forgather sweep",
        "Correct the name: the nearest one that is used is in the message. If only some variants use "
        "it, give it in a block with `when`.",
        {
            "templates/configs/config.yaml": "lr: {{ lr | default(0.1) }}\n"
            "sweep:\n    grid: { lrate: [ 0.1, 0.2 ] }\n"
        },
        "command",
    ),
    Entry(
        "FG642",
        "variants that would train into one directory",
        "Two variants of a config, or a variant and the config itself, have the same `output_dir` in "
        "their target `meta`: each training would set the other aside.",
        "doit 'train:mine@*'",
        "Put the variable `config_variant` into the name of the directory, as "
        "`training_script/training_script_type.yaml` does, or give each an `output_dir` of its own.",
        how="told",
    ),
    Entry(
        "FG643",
        "a malformed name of a variant",
        "What follows the `@` is not `name=value,name=value`: a bracket or a quote is not closed, or a "
        "variable is given twice.",
        "doit 'train:tiny_llama@betas=[0.9,0.95'",
        "Write `ID@name=value,name=value`. A value with a comma, a bracket or a blank stands in quotes, "
        "and the whole name in quotes of the shell.",
        how="told",
    ),
    Entry(
        "FG644",
        "no sweep, or no variant of it that fits",
        "A pattern such as `train:mine@*` asks for the variants of a sweep, and the config has none, or "
        "none that fits.",
        "forgather sweep",
        "Add a target `sweep` to the config, or name a variant: `train:mine@lr=3e-4` needs no sweep. "
        "`forgather sweep` lists the variants.",
        {"templates/configs/config.yaml": "lr: 0.1\n"},
        "command",
    ),
)
