"""Entry of every worker process: ``python -m forgather.launch.worker ACTION.json``.

The action says what to materialize and where artifacts lie. The result, or the error as the user
will read it, goes into a JSON file; standard output belongs to progress. A worker ends with the
build that started it.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from forgather.durable import replace_file
from forgather.errors import BuildError, ForgatherError
from forgather.launch.fresh_code import compile_users_code
from forgather.launch.reported import as_data

PR_SET_PDEATHSIG = 1
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    action = json.loads(Path(arguments[0]).read_text())
    if "RANK" not in os.environ:  # torchrun watches its own children
        die_with_parent()
    compile_users_code()
    result: dict[str, Any] = {}
    code = 0
    try:
        result = run(action)
    except ForgatherError as error:
        code = error.exit_code
        result = failure(error, code)
    except OSError as error:
        trouble = disk_trouble(error)
        if trouble is None:
            raise
        code = 1
        result = failure(trouble, code)
    try:
        if int(os.environ.get("RANK", "0")) == 0 or "error" in result:
            replace_file(Path(action["result"]), json.dumps(result))
    except OSError as error:
        sys.stderr.write(f"{action['result']} cannot be written: {error.strerror}\n")
        return 1
    return code


def failure(error: ForgatherError, code: int) -> dict[str, Any]:
    text = explain(error)
    return {"error": text, "exit": code, "reported": as_data(error, text)}


def disk_trouble(error: OSError) -> BuildError | None:
    """The error for a user where the disk is full or read-only; None for anything else."""
    for reason in map(os.strerror, DISK):
        if reason in str(error):  # shutil.Error has no number, only a list of texts
            return BuildError(
                f"{error.filename or 'the disk'}: {reason}",
                hint="free space and run the same command again; nothing that was finished is lost",
                code="FG601",
            )
    return None


def die_with_parent() -> None:
    """Ask the kernel (Linux) to end this process when the one that started it ends."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the request was made
        os.kill(os.getpid(), signal.SIGKILL)


def run(action: dict[str, Any]) -> dict[str, Any]:
    """Perform one action; the module of each is imported only when it is asked for."""
    name = action["action"]
    if name == "materialize":
        from forgather.launch.materialized import materialize_targets

        return materialize_targets(action)
    if name == "train":
        from forgather.launch.training import train

        return train(action)
    if name == "verify":
        from forgather.launch.verify import verify_model

        return verify_model(action)
    if name == "plot":
        from forgather.launch.plotting import plot_run

        return plot_run(action)
    if name == "verify-newest":
        from forgather.launch.follow import verify_newest

        return verify_newest(action)
    if name == "plot-newest":
        from forgather.launch.follow import plot_newest

        return plot_newest(action)
    raise AssertionError(f"unknown action {name!r}")


def explain(error: ForgatherError) -> str:
    """The error as the user reads it: its message, and the user's own frames of a cause."""
    text = error.render()
    cause = error.__cause__
    if cause is None or isinstance(cause, ForgatherError) or error.frames:
        return text
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    frames = [
        frame
        for frame in traceback.extract_tb(cause.__traceback__)
        if not frame.filename.startswith((own, "<frozen"))
    ]
    shown = "".join(traceback.format_list(frames[-3:]))
    return f"{text}\n{shown}" if shown else text


if __name__ == "__main__":
    sys.exit(main())
