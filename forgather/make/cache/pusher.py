"""A process of its own that uploads what an outbox holds, for the build that has ended."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from forgather.errors import ForgatherError
from forgather.make.cache.outbox import LOG, Outbox
from forgather.make.cache.remote import to_stderr
from forgather.make.cache.settings import CacheSettings, store_folder
from forgather.make.storage.disk_cache import DiskCache

PUSH_PATIENCE = 20.0  # seconds; nobody waits
PUSH_RATE = 16 << 10  # bytes per second; likewise
NICENESS = 10
LOG_LIMIT = 1 << 16  # bytes; then it begins anew

_started: list[subprocess.Popen[bytes]] = []  # kept, so that ended ones are collected


def start_push(root: Path, outbox: Outbox) -> subprocess.Popen[bytes] | None:
    """Start a process that uploads what is waiting and outlives this one; None if nothing is.

    It reads the same settings as this build: those of the environment and of ``root``.
    """
    _started[:] = [process for process in _started if process.poll() is None]
    if not outbox.keys():
        return None
    path = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    path.append(str(Path(__file__).resolve().parents[3]))  # this forgather, installed or not
    try:
        with open(outbox.folder / LOG, "ab") as log:
            if log.tell() > LOG_LIMIT:
                log.truncate(0)
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "forgather.make.cache.pusher", str(root.absolute())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        to_stderr(f"uploads to the remote cache wait for the next build: {error.strerror}")
        return None
    _started.append(process)
    return process


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m forgather.make.cache.pusher")
    parser.add_argument("root", type=Path, help="build root of the build that made the artifacts")
    root = parser.parse_args(argv).root
    try:
        settings = CacheSettings.load(os.environ, root)
    except ForgatherError as error:
        sys.stderr.write(error.render() + "\n")
        return error.exit_code
    outbox = settings.outbox(root)
    remote = settings.remote(patience=PUSH_PATIENCE, rate=PUSH_RATE)
    if outbox is None or remote is None:
        return 0
    os.nice(NICENESS)
    done = outbox.push(DiskCache(store_folder(root)), remote, settings.signer(), wait=False)
    remote.close()
    sys.stdout.write(f"{done or 'another process is doing it'}\n")
    return 1 if done is not None and done.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
