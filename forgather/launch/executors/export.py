"""A bundle as a file for another scheduler: a SkyPilot task, or a Kubernetes Job.

Text only: nothing is contacted, and nothing is said about how a cluster is set up. Both expect the
build root at the path it has here, and run the same module as a Slurm node does.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.launch.bundle import BUNDLE_FILE, Bundle
from forgather.launch.executors.resources import Resources

PORT = 29500  # every node has an address of its own
CLAIM = "forgather"  # the volume that holds the build root
PLAIN = re.compile(r"[A-Za-z_/][\w./@:-]*", re.ASCII)
RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
COMPLETION_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def export(bundle: Bundle, resources: Resources, root: Path, output: str) -> str:
    """The YAML text of the format ``output``: ``skypilot`` or ``kubernetes``."""
    documents = FORMATS[output](bundle, resources, root)
    head = f"# {bundle.name}, action key {bundle.key}. Written by forgather.\n"
    return head + "---\n".join("\n".join(_block(one)) + "\n" for one in documents)


def job_name(bundle: Bundle) -> str:
    """A name that DNS allows, and that leads back to the key."""
    return f"forgather-{bundle.key[:16]}"


def _command(bundle: Bundle, python: str) -> list[str]:
    return [python, "-m", "forgather.launch.bundle", str(Path(bundle.folder) / BUNDLE_FILE)]


def _skypilot(bundle: Bundle, resources: Resources, root: Path) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {
        "accelerators": resources.gpus,
        "cpus": resources.cpus,
        "memory": resources.memory,
        "image_id": f"docker:{resources.image}" if resources.image else None,
    }
    if isinstance(resources.gpus, int):
        raise BuildError(
            f"SkyPilot wants to know which GPUs, and gpus is {resources.gpus}",
            hint=f'write their name too: gpus = "H100:{resources.gpus}"',
            code="FG654",
        )
    lines = [
        'export FORGATHER_NODES="$SKYPILOT_NUM_NODES"',
        'export FORGATHER_NODE_RANK="$SKYPILOT_NODE_RANK"',
        'export FORGATHER_NODE_HOST="$(head -n1 <<< "$SKYPILOT_NODE_IPS")"',
        f"export FORGATHER_NODE_PORT={PORT}",
        shlex.join(_command(bundle, resources.python)),
    ]
    task = {
        "name": job_name(bundle),
        "num_nodes": resources.nodes,
        "resources": {name: value for name, value in wanted.items() if value is not None},
        "file_mounts": {str(root): str(root)},
        "setup": "\n".join(resources.setup) or None,
        "run": "\n".join(lines),
    }
    return [{name: value for name, value in task.items() if value not in (None, {})}]


def _kubernetes(bundle: Bundle, resources: Resources, root: Path) -> list[dict[str, Any]]:
    name = job_name(bundle)
    gpus = str(resources.gpus).rpartition(":")[2] if resources.gpus else None
    limits = {"cpu": resources.cpus, "memory": resources.memory, "nvidia.com/gpu": gpus}
    container = {
        "name": "action",
        "image": resources.image or "forgather:latest",
        "command": _command(bundle, "python" if resources.image is None else resources.python),
        "env": [
            {"name": "FORGATHER_NODES", "value": str(resources.nodes)},
            {
                "name": "FORGATHER_NODE_RANK",
                "valueFrom": {"fieldRef": {"fieldPath": COMPLETION_INDEX}},
            },
            {"name": "FORGATHER_NODE_HOST", "value": f"{name}-0.{name}"},
            {"name": "FORGATHER_NODE_PORT", "value": str(PORT)},
        ],
        "resources": {
            "limits": {key: str(value) for key, value in limits.items() if value is not None}
        },
        "volumeMounts": [{"name": "build-root", "mountPath": str(root)}],
    }
    pod = {
        "subdomain": name,
        "restartPolicy": "OnFailure",
        "containers": [container],
        "volumes": [{"name": "build-root", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "annotations": {"forgather/task": bundle.name, "forgather/key": bundle.key},
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": resources.nodes,
            "parallelism": resources.nodes,
            "backoffLimit": resources.restarts,
            "template": {"spec": pod},
        },
    }
    return [_service(name), job] if resources.nodes > 1 else [job]


def _service(name: str) -> dict[str, Any]:
    """Gives the pods of a gang names to find each other by."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"clusterIP": "None", "selector": {"job-name": name}},
    }


FORMATS = {"skypilot": _skypilot, "kubernetes": _kubernetes}


def _block(value: Any, indent: str = "") -> Iterator[str]:
    """Block-style YAML of plain data; text of several lines as a literal block."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _entry(f"{indent}{_scalar(name)}:", item, f"{indent}  ")
    else:
        for item in value:
            lines = list(_block(item, f"{indent}  ")) if isinstance(item, Mapping) else []
            if lines:
                yield f"{indent}- {lines[0].lstrip()}"
                yield from lines[1:]
            else:
                yield f"{indent}- {_scalar(item)}"


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping | list) and item:
        yield head
        yield from _block(item, indent)
    elif isinstance(item, str) and "\n" in item:
        yield f"{head} |"
        yield from (f"{indent}{line}" for line in item.splitlines())
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    is_plain = isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in RESERVED
    return value if is_plain and not value.endswith(":") else json.dumps(value)
