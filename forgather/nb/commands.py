"""Command lines for what a notebook shows: training in a process of its own, TensorBoard, cleaning up.

A training belongs in its own process: it outlives the notebook's kernel, and may be several processes.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from forgather.errors import ProjectError
from forgather.project import Project
from forgather.view.configs import config_meta


def get_train_cmdline(
    project: Project,
    cuda_devices: str | Sequence[int] | None = None,
    extra_args: Sequence[str] = (),
) -> list[str]:
    """The arguments of the command that trains this config, from any directory.

    extra_args: more options of ``forgather train``, such as the config's own.
    """
    command = ["forgather", "-p", os.path.abspath(project.project_dir)]
    command += ["-t", project.config_name, "train"]
    if cuda_devices is not None:
        command += ["-d", _devices(cuda_devices)]
    return [*command, *extra_args]


def _devices(devices: str | Sequence[int]) -> str:
    return devices if isinstance(devices, str) else ",".join(map(str, devices))


def make_train_script(
    project: Project,
    cuda_devices: str | Sequence[int] | None = None,
    script_name: str | None = None,
    extra_args: Sequence[str] = (),
) -> Path:
    """Write an executable shell script that trains this config into the project directory.

    script_name: default ``train_<config>.sh``. An older script of this name is replaced.
    """
    stem = os.path.splitext(os.path.basename(project.config_name))[0]
    path = Path(project.project_dir, script_name or f"train_{stem}.sh")
    command = shlex.join(get_train_cmdline(project, cuda_devices, extra_args))
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


generate_trainingscript = make_train_script


def output_dir(project: Project) -> Path:
    """Where the config's checkpoints and runs are."""
    return _directory(project, "output_dir")


def get_tb_command(project: Project, all_models: bool = False, bind_all: bool = False) -> str:
    """The command that shows the runs in TensorBoard. bind_all: to other machines too."""
    folder = _directory(project, "models_dir" if all_models else "output_dir")
    command = ["tensorboard", "--logdir", str(folder)]
    return shlex.join([*command, "--bind_all"] if bind_all else command)


def delete_output_dir(project: Project, ask: Callable[[str], str] = input) -> bool:
    """Delete checkpoints and runs of this config, after asking; True if they were deleted.

    Refuses a directory that is not inside the project: a config can name any.
    """
    folder = output_dir(project)
    inside = Path(project.project_dir).resolve()
    if inside == folder.resolve() or inside not in folder.resolve().parents:
        raise ProjectError(
            f"{folder} is not inside the project {inside}",
            hint="delete it by hand, if that is what you mean",
        )
    if not folder.exists():
        return False
    answer = ask(f"Delete {folder} with all checkpoints and logs in it? Type 'yes': ")
    if answer.strip().lower() != "yes":
        return False
    shutil.rmtree(folder)
    return True


def _directory(project: Project, key: str) -> Path:
    meta = config_meta(project.loaded)
    if not meta.get(key):
        raise ProjectError(
            f"the target 'meta' of config {project.config_name!r} has no {key!r}",
            hint="only training configs have one",
        )
    return Path(os.path.abspath(os.path.join(project.project_dir, str(meta[key]))))
