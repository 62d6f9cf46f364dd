"""What ``project_index.ipynb`` uses: ``display_*`` shows what ``render_*`` gives as markdown.

In a notebook it is shown rendered; elsewhere the markdown is printed::

    import forgather.nb.notebooks as nb
    from forgather import Project

    nb.display_project_index()
    project = Project("train_tiny_llama.yaml")
    nb.display_config(project, target="main")
"""

from __future__ import annotations

import os
import sys

from forgather.meta_config import MetaConfig
from forgather.nb.commands import (
    delete_output_dir,
    generate_trainingscript,
    get_tb_command,
    get_train_cmdline,
    make_train_script,
    output_dir,
)
from forgather.nb.render import (
    render_codeblock,
    render_config,
    render_extends_graph,
    render_generated_code,
    render_meta,
    render_model_source,
    render_node_graph,
    render_output_targets,
    render_preprocessed_config,
    render_project_index,
    render_project_readme,
    render_referenced_sources,
    render_referenced_templates,
    render_template_list,
)
from forgather.project import Project

__all__ = [
    "delete_output_dir",
    "display_codeblock",
    "display_config",
    "display_extends_graph",
    "display_generated_code",
    "display_meta",
    "display_model_source",
    "display_node_graph",
    "display_output_targets",
    "display_preprocessed_config",
    "display_project_index",
    "display_referenced_sources",
    "display_referenced_templates",
    "display_template_list",
    "generate_trainingscript",
    "get_tb_command",
    "get_train_cmdline",
    "make_train_script",
    "output_dir",
    "render_codeblock",
    "render_config",
    "render_extends_graph",
    "render_generated_code",
    "render_meta",
    "render_model_source",
    "render_node_graph",
    "render_output_targets",
    "render_preprocessed_config",
    "render_project_index",
    "render_project_readme",
    "render_referenced_sources",
    "render_referenced_templates",
    "render_template_list",
    "show",
    "show_project_readme",
]


def show(markdown: str) -> None:
    """Show markdown: rendered where a notebook runs this, else as text."""
    if "ipykernel" in sys.modules:
        from IPython.display import Markdown, display

        display(Markdown(markdown))
    else:
        sys.stdout.write(markdown.rstrip("\n") + "\n")


def show_project_readme(project_dir: str | os.PathLike[str] = ".") -> None:
    show(render_project_readme(project_dir))


def display_project_index(project_dir: str | os.PathLike[str] = ".") -> None:
    show(render_project_index(project_dir))


def display_meta(meta: MetaConfig) -> None:
    show(render_meta(meta))


def display_template_list(meta: MetaConfig) -> None:
    show(render_template_list(meta))


def display_referenced_templates(project: Project) -> None:
    show(render_referenced_templates(project))


def display_extends_graph(project: Project) -> None:
    show(render_extends_graph(project))


def display_referenced_sources(project: Project) -> None:
    show(render_referenced_sources(project))


def display_output_targets(project: Project) -> None:
    show(render_output_targets(project))


def display_preprocessed_config(project: Project) -> None:
    show(render_preprocessed_config(project))


def display_node_graph(project: Project) -> None:
    show(render_node_graph(project))


def display_generated_code(project: Project, target: str = "main") -> None:
    show(render_generated_code(project, target))


def display_config(project: Project, target: str | None = None, *, sources: bool = False) -> None:
    show(render_config(project, target, sources=sources))


def display_model_source(model_dir: str | os.PathLike[str]) -> None:
    show(render_model_source(model_dir))


def display_codeblock(language: str, text: str, title: str = "") -> None:
    show(render_codeblock(language, text, title))
