"""The helpers of notebooks, and the notebook that uses them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.errors import DataError, ProjectError, TargetError
from forgather.meta_config import MetaConfig
from forgather.nb import notebooks as nb
from forgather.project import Project

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "tutorials" / "tiny_llama" / "project_index.ipynb"

FILES = {
    "forgather_workspace/README.md": "",
    "one/README.md": "# One\n\nThe first project.\n",
    "one/meta.yaml": 'name: "One"\nsearchdir: [ "templates" ]\ndefault_config: "train.yaml"\n',
    "one/templates/base.yaml": """\
[meta]
meta:
    config_class: "type.training_script.causal_lm"
    output_dir: {{ joinpath(project_dir, "output_models", "tiny") | toyaml }}
    models_dir: {{ joinpath(project_dir, "output_models") | toyaml }}
[body]
main: !call:dict { lr: 1.0e-3, text: "``` fence" }
""",
    "one/templates/configs/train.yaml": """\
-- extends 'base.yaml'
[body]
    == super()
    -- include 'part'

#---- part ----
extra: !partial:pow [ 2 ]
""",
    "one/templates/configs/data.yaml": "main: [ 1, 2 ]\n",
}


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "one"


@pytest.fixture
def project(project_dir: Path) -> Project:
    return Project("train.yaml", str(project_dir))


def test_project_index_has_readme_meta_and_configs(project_dir: Path) -> None:
    text = nb.render_project_index(project_dir)
    for part in (
        "# One",
        "meta.yaml",
        "train.yaml",
        "data.yaml",
        "Default Configuration: train.yaml",
    ):
        assert part in text


def test_meta_and_template_list(project_dir: Path) -> None:
    meta = MetaConfig(str(project_dir))
    assert "Template Search Paths" in nb.render_meta(meta)
    lines = nb.render_template_list(meta).splitlines()
    assert any(line.startswith("- [base.yaml]") for line in lines)
    assert any(line.startswith("    - [configs/train.yaml]") for line in lines)


def test_templates_of_a_config(project: Project) -> None:
    text = nb.render_referenced_templates(project)
    assert text.index("configs/train.yaml") < text.index("base.yaml") < text.index("part")
    diagram = nb.render_extends_graph(project)
    assert diagram.startswith("```mermaid\ngraph LR")
    assert "-->" in diagram and "-.->" in diagram
    assert "extra: !partial:pow" in nb.render_referenced_sources(project)


def test_a_fence_is_longer_than_those_in_the_text() -> None:
    assert nb.render_codeblock("text", "a\n```\nb", "T") == "T\n\n````text\na\n```\nb\n````"


def test_a_config_from_all_sides(project: Project) -> None:
    text = nb.render_config(project, "main", sources=True)
    for part in ("| `main` |", "### Preprocessed Config", "### Node Graph", "### Code of `main`"):
        assert part in text
    assert "!partial:pow" in nb.render_output_targets(project)
    assert "### Code" not in nb.render_config(project)


def test_an_unknown_target_is_named_with_the_nearest(project: Project) -> None:
    with pytest.raises(TargetError) as caught:
        nb.render_generated_code(project, "mian")
    assert caught.value.hint is not None and "main" in caught.value.hint


def test_model_source_begins_with_the_model(tmp_path: Path) -> None:
    (tmp_path / "attention.py").write_text("A = 1\n")
    (tmp_path / "modeling_tiny.py").write_text("M = 1\n")
    text = nb.render_model_source(tmp_path)
    assert text.index("modeling_tiny.py") < text.index("attention.py")
    with pytest.raises(DataError, match="no Python file"):
        nb.render_model_source(tmp_path / "nowhere")


def test_train_command(project: Project, project_dir: Path) -> None:
    command = nb.get_train_cmdline(project, [0, 1], ["--max-steps", "10"])
    assert command == [
        *("forgather", "-p", str(project_dir), "-t", "train.yaml", "train"),
        *("-d", "0,1", "--max-steps", "10"),
    ]
    assert "-d" not in nb.get_train_cmdline(project)


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_train_script_runs_the_command(project: Project, project_dir: Path, tmp_path: Path) -> None:
    assert nb.generate_trainingscript is nb.make_train_script
    script = nb.make_train_script(project, "0")
    assert script == project_dir / "train_train.sh"
    fake = tmp_path / "bin" / "forgather"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    done = subprocess.run(
        [str(script), "--dry-run"],
        env={"PATH": f"{fake.parent}:/bin:/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        *("-p", str(project_dir), "-t", "train.yaml", "train", "-d", "0", "--dry-run")
    ]


def test_tensorboard_command(project: Project, project_dir: Path) -> None:
    assert nb.get_tb_command(project) == f"tensorboard --logdir {project_dir}/output_models/tiny"
    every = nb.get_tb_command(project, all_models=True, bind_all=True)
    assert every == f"tensorboard --logdir {project_dir}/output_models --bind_all"


def test_a_config_without_output_is_refused(project_dir: Path) -> None:
    with pytest.raises(ProjectError, match="output_dir"):
        nb.get_tb_command(Project("data.yaml", str(project_dir)))


def test_deleting_asks_first(project: Project) -> None:
    folder = nb.output_dir(project)
    assert nb.delete_output_dir(project, ask=lambda question: "yes") is False  # nothing there
    (folder / "checkpoint-1").mkdir(parents=True)
    asked: list[str] = []
    assert (
        nb.delete_output_dir(project, ask=lambda question: asked.append(question) or "y") is False
    )
    assert str(folder) in asked[0]
    assert folder.exists()
    assert nb.delete_output_dir(project, ask=lambda question: "yes") is True
    assert not folder.exists()


@pytest.mark.parametrize("output", ["..", ".", "../other", "link/inside"])
def test_deleting_refuses_what_is_not_inside_the_project(project_dir: Path, output: str) -> None:
    elsewhere = project_dir.parent / "other" / "inside"
    elsewhere.mkdir(parents=True)
    (project_dir / "link").symlink_to(elsewhere.parent)
    config = project_dir / "templates/configs/bad.yaml"
    config.write_text(f"meta: {{ output_dir: {output!r} }}\n")
    with pytest.raises(ProjectError, match="not inside the project"):
        nb.delete_output_dir(Project("bad.yaml", str(project_dir)), ask=lambda question: "yes")
    assert elsewhere.exists()


def test_outside_of_a_notebook_the_markdown_is_printed(project_dir: Path, capsys) -> None:
    nb.show_project_readme(project_dir)
    assert capsys.readouterr().out == "# One\n\nThe first project.\n"


def test_every_render_of_a_project_has_a_display() -> None:
    rendered = {name[7:] for name in nb.__all__ if name.startswith("render_")}
    displayed = {name[8:] for name in nb.__all__ if name.startswith("display_")}
    assert rendered - displayed == {"project_readme"}  # that one is show_project_readme


def cells(kind: str) -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_notebook_is_stored_without_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            ast.parse("".join(cell["source"]))


def test_the_notebook_runs(tmp_path: Path) -> None:
    """All cells but those that train: as one script, in the project's directory."""
    code = [source for source in cells("code") if not source.startswith("# Trains")]
    assert 0 < len(cells("code")) - len(code) <= 2
    script = tmp_path / "notebook.py"
    script.write_text("\n\n".join(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=NOTEBOOK.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "# Tiny Llama" in done.stdout
    assert "torch" not in done.stderr
