"""The executor ``slurm``: bundles as batch jobs, through ``sbatch``, ``squeue`` and ``scontrol``.

A job's name is the action's key and its working directory the bundle's folder, so a job is found again
by asking the queue, whoever submitted it and whatever became of that process. The scheduler is believed
about what is alive; whether an action is done, only its result file says.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from forgather.errors import BuildError
from forgather.launch.bundle import BUNDLE_FILE, RETRY, Bundle
from forgather.launch.executors import State
from forgather.launch.executors.resources import Resources

SCRIPT_FILE = "job.sh"
COMMAND_SECONDS = 60
FINISHED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "TIMEOUT",
    }
)
KILLED = (RETRY, 128 + 9, 128 + 11)  # our word for it; SIGKILL and SIGSEGV of a whole step

# USR1 comes some time before the limit, to this shell alone: the steps are told to save and stop, and
# the job goes to the end of the queue. A job that is cancelled has no such mark and is not requeued.
SCRIPT = """\
#!/bin/bash
{directives}
# {name}: written by forgather; started and found again under the name of its key.
export FORGATHER_PYTHON={python}
{setup}
stopped=
trap 'stopped=1; scancel --signal=TERM "$SLURM_JOB_ID"' USR1
srun --ntasks-per-node=1 --kill-on-bad-exit=1{srun} \\
    "$FORGATHER_PYTHON" -m forgather.launch.bundle {bundle} {log} &
step=$!
wait "$step"; code=$?
while [ "$code" -gt 128 ] && kill -0 "$step" 2>/dev/null; do wait "$step"; code=$?; done
again=
case "$code" in
    0) exit 0 ;;
    {killed}) [ "${{SLURM_RESTART_COUNT:-0}}" -ge {restarts} ] || again=1 ;;
esac
if [ -n "$stopped$again" ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""


class Slurm:
    """The scheduler that the commands on the PATH talk to."""

    name = "slurm"

    @property
    def poll_seconds(self) -> float:
        return float(os.environ.get("FORGATHER_SLURM_POLL") or 10)

    def submit(
        self, bundle: Bundle, resources: Resources, log: Path, after: str | None = None
    ) -> str:
        log.parent.mkdir(parents=True, exist_ok=True)
        script = Path(bundle.folder) / SCRIPT_FILE
        script.write_text(batch_script(bundle, resources, log))
        # Of a job that can never start, as what it waited for failed, nothing should stay behind.
        chain = [f"--dependency=afterok:{after}", "--kill-on-invalid-dep=yes"] if after else []
        answer = _ask("sbatch", "--parsable", *chain, str(script))
        job = answer.strip().partition(";")[0]
        if not job.isdigit():
            raise BuildError(f"sbatch gave no job id but {answer!r}", code="FG655")
        return job

    def find(self, key: str, folder: Path, ignore: str | None = None) -> str | None:
        for line in _ask("squeue", "--noheader", f"--name={key}", "--format=%A|%Z").splitlines():
            job, _, place = line.strip().partition("|")
            if job != ignore and os.path.realpath(place) == os.path.realpath(folder):
                return job
        return None

    def state(self, job: str) -> State:
        try:
            answer = _ask("scontrol", "--oneliner", "show", "job", job)
        except BuildError as error:
            if "Invalid job id" in error.message:  # forgotten some minutes after its end
                return State(False, "no longer known")
            return State(True, "not to be asked")  # the controller is away; jobs go on without it
        found = dict(re.findall(r"(\w+)=(\S+)", answer))
        text = found.get("JobState", "UNKNOWN")
        if text == "PENDING" and found.get("Reason") not in (None, "None"):
            text += f" ({found['Reason']})"
        if text in FINISHED and found.get("ExitCode", "0:0") != "0:0":
            text += f" (exit {found['ExitCode']})"
        return State(text.partition(" ")[0] not in FINISHED, text)

    def how_to_cancel(self, job: str) -> str:
        return f"scancel {job}"


def batch_script(bundle: Bundle, resources: Resources, log: Path) -> str:
    """The script of a job: what it asks for, how it starts, and when it asks for another turn."""
    directives = "\n".join(f"#SBATCH {option}" for option in _options(bundle, resources, log))
    return SCRIPT.format(
        directives=directives,
        name=bundle.name,
        python=shlex.quote(resources.python),
        setup="\n".join(resources.setup),
        srun=f" --cpus-per-task={resources.cpus}" if resources.cpus else "",
        bundle=shlex.quote(str(Path(bundle.folder) / BUNDLE_FILE)),
        log=shlex.quote(str(log)),
        killed="|".join(map(str, KILLED)),
        restarts=resources.restarts,
    )


def _options(bundle: Bundle, resources: Resources, log: Path) -> Iterator[str]:
    plain = {
        "job-name": bundle.key,
        "comment": bundle.name,
        "chdir": bundle.folder,
        "output": str(log).replace("%", "%%"),
        "open-mode": "append",
        "signal": f"B:USR1@{resources.warning}",
        "nodes": resources.nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": resources.cpus,
        "gpus-per-node": resources.gpus,
        "mem": resources.memory,
        "time": resources.time,
        "partition": resources.partition,
        "account": resources.account,
        "qos": resources.qos,
        "constraint": resources.constraint,
    }
    yield "--requeue"
    for name, value in plain.items():
        if value is not None:
            yield f"--{name}={shlex.quote(str(value))}"
    yield from resources.extra


def _ask(*command: str) -> str:
    """What a command of Slurm prints. Raises BuildError (FG655) with what it complains of."""
    try:
        done = subprocess.run(
            command,
            start_new_session=True,  # a Ctrl-C is for the build; what was asked is answered
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
        )
    except FileNotFoundError as error:
        raise BuildError(
            f"{command[0]} is not to be found here",
            hint="run this on a machine that submits jobs, or without FORGATHER_EXECUTOR=slurm",
            code="FG655",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"{command[0]} gave no answer in {COMMAND_SECONDS} s", code="FG655"
        ) from error
    if done.returncode != 0:
        raise BuildError(
            f"{command[0]}: {done.stderr.strip() or f'status {done.returncode}'}",
            hint="resources are set in [tool.forgather.slurm] and in meta.resources of the config",
            code="FG655",
        )
    return done.stdout
