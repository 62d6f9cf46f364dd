"""Findings by file, over several checks, asked directly."""

from __future__ import annotations

from pathlib import Path

from forgather.lsp.diagnostics import Diagnostics, extent, message
from forgather.lsp.projects import Projects
from forgather.view.check.findings import Finding
from tests.lsp.conftest import write


def codes(found: dict[str, list[Finding]], path: Path) -> list[str]:
    return [finding.code for finding in found[str(path)]]


def test_one_mistake_in_a_base_is_told_once_for_many_configs(projects: Projects, space) -> None:
    write(space, "one/templates/configs/other.yaml", "-- extends 'project.yaml'\n")
    project = space / "one/templates/project.yaml"
    project.write_text(project.read_text().replace("[optimizer]", "[optimiser]"))
    found = Diagnostics(projects).check(str(project))
    assert codes(found, project).count("FG140") == 1


def test_findings_of_a_removed_config_are_taken_back(projects: Projects, space) -> None:
    bad = write(space, "one/templates/configs/bad.yaml", "a: {{ b }}\n")
    diagnostics = Diagnostics(projects)
    assert codes(diagnostics.check(str(bad)), bad) == ["FG101"]
    bad.unlink()
    other = space / "one/templates/configs/plain.yaml"
    assert codes(diagnostics.check(str(other)), bad) == []


def test_a_mended_meta_yaml_brings_the_configs_back(projects: Projects, space) -> None:
    meta = space / "one/meta.yaml"
    good = meta.read_text()
    config = write(space, "one/templates/configs/plain.yaml", "a: {{ b }}\n")
    diagnostics = Diagnostics(projects)
    meta.write_text("searchdir: 7\n")
    found = diagnostics.check(str(meta))
    assert codes(found, meta) == ["FG503"]
    assert str(config) not in found
    meta.write_text(good)
    found = diagnostics.check(str(meta))
    assert codes(found, meta) == []
    assert codes(found, config) == ["FG101"]


def test_an_edited_module_is_read_again(projects: Projects, space) -> None:
    part = write(space, "part.py", "def f(a): ...\n")
    config = write(space, "one/templates/configs/plain.yaml", f"x: !call:{part}:f {{ b: 1 }}\n")
    diagnostics = Diagnostics(projects)
    assert set(codes(diagnostics.check(str(config)), config)) == {"FG308"}
    part.write_text("def f(b): ...\n")
    assert codes(diagnostics.check(str(config)), config) == []


def test_the_extent_of_a_finding(projects: Projects, space) -> None:
    config = write(space, "one/templates/configs/plain.yaml", "a: 1\n    == 1 | toyml\n")
    [finding] = Diagnostics(projects).check(str(config))[str(config)]
    lines = config.read_text().splitlines(keepends=True)
    line, start, end = extent(finding, lines)
    assert lines[line][start:end] == "toyml"
    assert message(finding).startswith(finding.message + "\n")
    assert extent(finding, []) == (1, 0, 0)


def test_a_file_of_no_project_that_nobody_uses_has_no_findings(tmp_path: Path) -> None:
    lone = write(tmp_path, "lone.yaml", "a: {{ b }}\n")
    assert Diagnostics(Projects([])).check(str(lone)) == {str(lone.resolve()): []}
