"""FG65x: trainings that are jobs of a cluster."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG650",
        "a file that is no action bundle, or one of another version",
        "A node was given a file that this version of Forgather cannot read as a bundle.",
        "python -m forgather.launch.bundle bundle.json",
        "Install the same version of Forgather on the nodes and on the machine that submits.",
        how="told",
    ),
    Entry(
        "FG651",
        "an input of a job that is not what it was when the job was submitted",
        "Source files of yours are read where they are, and one of them was edited, or cannot be seen "
        "at the same path on the node.",
        "doit train:tiny_llama",
        "Run the same command again: it submits what is there now.",
        how="told",
    ),
    Entry(
        "FG652",
        "a node that cannot find the first node of its gang",
        "The first node writes the port where all meet into the job's folder, and this node saw none.",
        "doit train:tiny_llama",
        "Put the build root on a disk that every node sees at the same path; look into the job's log "
        "for why the first node did not start.",
        how="told",
    ),
    Entry(
        "FG653",
        "an executor that there is not",
        "`FORGATHER_EXECUTOR` or `--executor` names neither `local` nor `slurm`.",
        "forgather -t tiny_llama.yaml train --executor slrum",
        "Write one of those two.",
        how="told",
    ),
    Entry(
        "FG654",
        "resources that make no sense",
        "A name in `[tool.forgather.slurm]` or in `meta.resources` is not a resource, or its value is "
        "of another type.",
        "doit train:tiny_llama",
        "See the table of resources on the page about clusters.",
        how="told",
    ),
    Entry(
        "FG655",
        "a command of the scheduler that failed",
        "`sbatch` or `squeue` is not installed here, gave no answer, or refused; the message is its own.",
        "doit train:tiny_llama",
        "Mend what it complains of: most often partition, account or a limit in "
        "`[tool.forgather.slurm]`.",
        how="told",
    ),
    Entry(
        "FG656",
        "a job that ended without a result",
        "The scheduler says that the job is over, and its node left no result: it was cancelled, ran out "
        "of memory or time, or its script could not start Python.",
        "doit train:tiny_llama",
        "Look into the log below `build/log/`, and run the same command again: the training goes on from "
        "its newest checkpoint.",
        how="told",
    ),
    Entry(
        "FG657",
        "outputs of a job that are not what the job reported",
        "The digests of the weights differ from those that the node wrote down when it was done.",
        "doit train:tiny_llama",
        "Find out who else writes into the output directory, and run the same command again.",
        how="told",
    ),
    Entry(
        "FG658",
        "a job that is in the way",
        "A job still trains in the output directory: the config as it was before, or one whose folder "
        "below `build/jobs/` was removed.",
        "doit train:tiny_llama",
        "Wait for it, or end it with the command in the hint.",
        how="told",
    ),
    Entry(
        "FG659",
        "a training that would render a template on a node",
        "The training calls `forgather:from_project` with arguments that only the run knows, so that no "
        "graph could be compiled for it beforehand, and a node renders no templates.",
        "doit train:tiny_llama",
        "Give constant arguments to the call, or train on this machine.",
        how="told",
    ),
)
