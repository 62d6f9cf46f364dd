"""``forgather train``: a training of a config with arguments, through the build graph."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from forgather.errors import ForgatherError, UsageError
from forgather.launch.command import worker_command
from forgather.launch.executors import LOCAL, check_executor
from forgather.make.catalog import Catalog
from forgather.make.compile import Compiled
from forgather.make.front.run import run_compiled
from forgather.make.options import Options
from forgather.make.tasks import verdict
from forgather.workspace import find_build_root


def run_train(
    project_dir: Path | str,
    config_name: str,
    dynamic_args: dict[str, Any],
    devices: str | None,
    dry_run: bool,
    extra: list[str],
    *,
    executor: str | None = None,
    detach: bool = False,
    export: str | None = None,
) -> int:
    """Train a config of a project through the build graph; with ``dry_run`` only say how.

    executor, detach: where, and whether to wait for it. export: only write the job's description in
    this format.
    """
    project = Path(project_dir).resolve()
    root = Path(find_build_root(project))
    options = Options(devices=devices, command="doit", launcher_args=list(extra))
    options.executor = executor or options.executor
    options.detach = detach or options.detach
    if check_executor(options.executor) == LOCAL and detach:
        raise UsageError(
            "--detach leaves a training to a scheduler, and this one would run here",
            hint="name one: --executor slurm",
        )
    catalog = Catalog(root, options)
    compiled = catalog.compile(project, config_name, dynamic_args)
    if not compiled.config_class.startswith("type.training_script"):
        raise ForgatherError(
            f"{compiled.id} is a {compiled.config_class or 'config without config_class'}, "
            "which cannot be trained",
            hint="'forgather ls' shows the configs; training configs extend "
            "types/training_script/causal_lm/causal_lm.yaml",
            code="FG610",
        )
    if dry_run:
        return _show_training(catalog, compiled, devices, extra)
    if export is not None:
        return _export(catalog, compiled, export)
    return run_compiled(catalog, [f"train:{compiled.id}"])


def _export(catalog: Catalog, compiled: Compiled, output: str) -> int:
    """Build what the training needs, and describe it for another scheduler."""
    from forgather.make.cluster.submit import export_job
    from forgather.make.rules.train import claimed_action

    name = f"train:{compiled.id}"
    target = catalog.closure([name])[name]
    code = run_compiled(catalog, list(target.deps))
    if code != 0:
        return code
    action = claimed_action(catalog.build, target)
    if action is None:
        print(f"{name} is trained already")
    else:
        print(export_job(catalog.build, target, action, output))
    return 0


def _show_training(
    catalog: Catalog, compiled: Compiled, devices: str | None, extra: list[str]
) -> int:
    """Say what a training would do: the steps before it, and the command of its process."""
    name = f"train:{compiled.id}"
    for target in reversed(catalog.closure([name]).values()):
        if not target.is_alias and not verdict(catalog.build, target).is_current:
            print(f"# would build {target.name}")
    processes = int(compiled.meta.get("nproc_per_node") or 1)
    prefix = f"CUDA_VISIBLE_DEVICES={devices} " if devices is not None else ""
    command = worker_command("ACTION.json", processes=processes, extra=extra)
    print(prefix + shlex.join(command))
    return 0
