"""A gang: the same program on several nodes at once, as one node sees it.

One torchrun runs on each node. Which node is the first is for the scheduler to say, so the rendezvous
is static: torchrun's own election compares host names with addresses, and where a node has several
names, or two nodes share one, every node believes it is the host, or none does, and all wait forever.
The first node picks a free port and writes it into the job's folder, which every node sees.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forgather.durable import replace_file
from forgather.errors import BuildError

WAIT_SECONDS = 600  # for the first node; a node may take long to come up


@dataclass(frozen=True)
class Gang:
    """nodes: how many; rank: which of them this is; host: address of the first.

    attempt: names this start of the job, so that a restart never meets what an earlier one left.
    fixed_port: where the nodes meet, if that is known beforehand.
    """

    nodes: int = 1
    rank: int = 0
    host: str = "127.0.0.1"
    attempt: str = "0"
    fixed_port: int | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Gang:
        """From ``FORGATHER_NODES`` and ``FORGATHER_NODE_*``, else from Slurm's variables."""
        if "FORGATHER_NODES" in environ:
            return cls(
                int(environ["FORGATHER_NODES"]),
                int(environ.get("FORGATHER_NODE_RANK", "0")),
                environ.get("FORGATHER_NODE_HOST", "127.0.0.1"),
                fixed_port=int(environ.get("FORGATHER_NODE_PORT", "29500")),
            )
        job = environ.get("SLURM_JOB_ID", "0")
        return cls(
            int(environ.get("SLURM_STEP_NUM_NODES", environ.get("SLURM_NNODES", "1"))),
            int(environ.get("SLURM_NODEID", "0")),
            environ.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1"),
            f"{job}.{environ.get('SLURM_RESTART_COUNT', '0')}",
        )

    def command(self, argv: Sequence[str], processes: int, folder: Path) -> list[str]:
        """What this node runs so that the gang has ``processes`` of ``python argv`` on each node."""
        if self.nodes == 1 and processes == 1:
            return [sys.executable, *argv]
        if self.nodes == 1:
            where = ["--standalone"]
        else:
            where = [
                f"--nnodes={self.nodes}",
                f"--node-rank={self.rank}",
                "--rdzv-backend=static",
                f"--master-addr={self.host}",
                f"--master-port={self.port(folder)}",
            ]
        run = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
        return [*run, *where, *argv]

    def port(self, folder: Path, wait: float = WAIT_SECONDS) -> int:
        """The port of the rendezvous: the first node chooses it, the others read it."""
        if self.fixed_port is not None:
            return self.fixed_port
        path = folder / f"port.{self.attempt}"
        if self.rank == 0:
            port = free_port()
            replace_file(path, str(port))
            return port
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if path.exists():
                return int(path.read_text())
            time.sleep(0.1)
        raise BuildError(
            f"node {self.rank} waited {wait:.0f} s for the first node to write {path}",
            hint="the build's folder must be on a disk that every node sees at the same path",
            code="FG652",
        )


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("", 0))
        return server.getsockname()[1]
