"""A real Slurm of two nodes on this machine: one controller, and two slurmd that share the host name."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.integration.slurm.packages import Unavailable, unpacked

LIBRARIES = "usr/lib/{}-linux-gnu"
UP_SECONDS = 30

SETTINGS = """\
ClusterName=forgather
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
PluginDir={plugins}
PlugStackConfig={folder}/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
StateSaveLocation={folder}/save
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdTimeout=2
MessageTimeout=5
KillWait=20
CompleteWait=0
MinJobAge=3600
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port1} CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={port2} CPUs=2 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP PriorityTier=1
PartitionName=urgent Nodes=n1,n2 MaxTime=60 State=UP PriorityTier=2
"""


class Cluster:
    """Started by ``start``; ``environment`` is what its commands need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = unpacked()
        lib = self.tree / LIBRARIES.format(os.uname().machine)
        self.plugins = lib / "slurm-wlm"
        if not self.plugins.is_dir():
            raise Unavailable(f"no Slurm plugins in {self.plugins}")
        self.environment = {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "LD_LIBRARY_PATH": f"{lib}:{self.plugins}",
            "PATH": f"{self.tree}/usr/bin:{self.tree}/usr/sbin:{os.environ['PATH']}",
        }
        self.daemons: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Raises Unavailable, with what the daemons said, where it does not come up."""
        for name in ("log", "save"):
            (self.folder / name).mkdir(parents=True)
        self._start_munge()
        port, port1, port2 = _free_ports(3)
        text = SETTINGS.format(
            host=socket.gethostname().partition(".")[0],
            user=getpass.getuser(),
            folder=self.folder,
            plugins=self.plugins,
            port=port,
            port1=port1,
            port2=port2,
        )
        (self.folder / "slurm.conf").write_text(text)
        self._daemon("slurmctld", "slurmctld", "-D")
        self.start_node("n1")
        self.start_node("n2")
        self._wait("its nodes", self.is_idle)

    def is_idle(self) -> bool:
        return self.ask("sinfo", "-hN", "-p", "main", "-o", "%T").split() == ["idle"] * 2

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        files = {
            "socket": "munge.socket",
            "key-file": "munge.key",
            "pid-file": "munged.pid",
            "log-file": "log/munged.log",
            "seed-file": "munge.seed",
        }
        options = [f"--{name}={self.folder / file}" for name, file in files.items()]
        self._daemon("munged", "munged", "--force", "--foreground", *options)
        self._wait("munged", (self.folder / "munge.socket").exists)

    def start_node(self, name: str) -> None:
        step = self.tree / "usr/sbin/slurmstepd"
        self._daemon(name, "slurmd", "-D", "-N", name, "-d", str(step))

    def _daemon(self, name: str, *command: str) -> None:
        with open(self.folder / "log" / f"{name}.out", "ab") as stream:
            self.daemons[name] = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait(self, what: str, condition) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while not condition():
            dead = [name for name, one in self.daemons.items() if one.poll() is not None]
            if dead or time.monotonic() > deadline:
                said = (self.folder / "log" / f"{(dead or ['slurmctld'])[0]}.out").read_text()
                raise Unavailable(f"{what} did not come up: {said[-400:].strip()}")
            time.sleep(0.05)

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints; nothing where it fails."""
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> dict[str, dict[str, str]]:
        """Every job the controller remembers: its fields, by id."""
        found = {}
        for line in self.ask("scontrol", "--oneliner", "show", "job").splitlines():
            fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
            if "JobId" in fields:
                found[fields["JobId"]] = fields
        return found

    def crash(self, node: str) -> None:
        """What a power cut does to a node: its daemon and all it runs are gone at once."""
        self.lose(node)
        for process in self.processes(environment=f"SLURMD_NODENAME={node}"):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def lose(self, node: str) -> None:
        """The controller loses sight of a node: its daemon is gone, and what it ran goes on."""
        self.daemons[node].kill()
        self.daemons[node].wait()
        for process in self.supervisors(node):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def supervisors(self, node: str) -> list[int]:
        """The processes that watch the jobs of a node.

        They overwrite their environment; but each keeps the log of its own node open, and that tells
        them from those of the other node, and of a cluster that other tests run beside this one.
        """
        program = (self.tree / "usr/sbin/slurmstepd").resolve()
        log = (self.folder / "log" / f"slurmd-{node}.log").resolve()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if not entry.name.isdigit() or (entry / "exe").resolve() != program:
                    continue
                if any(one.resolve() == log for one in (entry / "fd").iterdir()):
                    found.append(int(entry.name))
        return found

    def processes(self, *words: str, environment: str = "") -> list[int]:
        """Processes of this cluster with these words in their command line and environment."""
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if not entry.name.isdigit():
                    continue
                found_there = (entry / "environ").read_bytes()
                if mark not in found_there or environment.encode() not in found_there:
                    continue
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                if all(word in command for word in words):
                    found.append(int(entry.name))
        return sorted(found)

    def stop(self) -> None:
        self.ask("scancel", "--full", f"--user={getpass.getuser()}")
        for daemon in self.daemons.values():
            daemon.terminate()
        for daemon in self.daemons.values():
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(5)
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
