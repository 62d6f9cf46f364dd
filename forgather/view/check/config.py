"""All checks of one config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from forgather.errors import ForgatherError
from forgather.view.check.calls import check_calls
from forgather.view.check.findings import Finding
from forgather.view.configs import environment_of, load


@dataclass(frozen=True)
class Job:
    """One config to check; an empty name asks only whether the project can be read."""

    project_dir: str
    config: str
    strict: bool = False


def check_config(job: Job) -> list[Finding]:
    """What is wrong with one config; an error that stops rendering or parsing is the last finding."""
    findings = []
    try:
        for finding in _findings(job):
            findings.append(replace(finding, project=job.project_dir, config=job.config))
    except ForgatherError as error:
        findings.append(Finding.of_error(error, job.project_dir, job.config))
    return findings


def _findings(job: Job) -> Iterator[Finding]:
    from forgather.meta_config import MetaConfig

    meta = MetaConfig(job.project_dir)
    for error in meta.missing_directories():
        yield Finding.of_error(error, job.project_dir, job.config)
    if not job.config:
        return
    config = load(meta, environment_of(meta), job.config)
    for warning in config.warnings:
        yield Finding("error", warning.code, str(warning), warning.where, warning.hint)
    system_path = [meta.system_path] if meta.system_path else []
    yield from check_calls(config.config, system_path)
    if job.strict:
        from forgather.view.check.duplicates import check_duplicates

        yield from check_duplicates(config)
