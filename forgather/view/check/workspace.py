"""Check many configs, in several processes where there is enough to do."""

from __future__ import annotations

import os
from collections.abc import Sequence

from forgather.errors import ForgatherError, ProjectError
from forgather.view.check.config import Job, check_config
from forgather.view.check.findings import Finding
from forgather.view.configs import config_names
from forgather.view.parallel import spread
from forgather.workspace.find import find_projects, find_workspace_dir


def workspace_jobs(start: str, strict: bool) -> list[Job]:
    """One job for each config of each project in the workspace around ``start``.

    A project whose meta.yaml is broken gets a job without a config, which reports that.
    """
    from forgather.meta_config import MetaConfig

    root = os.path.dirname(find_workspace_dir(start))
    jobs = []
    for project_dir in find_projects(root):
        project_dir = os.path.abspath(project_dir)
        try:
            names = config_names(MetaConfig(project_dir))
        except ForgatherError:
            names = [""]
        jobs += [Job(project_dir, name, strict) for name in names]
    if not jobs:
        raise ProjectError(f"no project in workspace {root}", code="FG501")
    return jobs


def check_jobs(jobs: Sequence[Job], processes: int | None = None) -> list[Finding]:
    """All findings, each mistake once: a slip in a base template is not told for each of its configs."""
    found: dict[tuple, Finding] = {}
    for findings in spread(check_config, jobs, processes):
        for finding in findings:
            found.setdefault(finding.key(), finding)
    return list(found.values())
