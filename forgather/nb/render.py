"""Projects and configs as markdown. Imports and runs nothing that a config names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from forgather.codegen.python import generate_code
from forgather.errors import DataError, TargetError, did_you_mean
from forgather.graph.plain import describe
from forgather.graph.show import fconfig
from forgather.meta_config import MetaConfig
from forgather.project import Project
from forgather.view import trefs
from forgather.view.index import index_markdown, meta_markdown
from forgather.view.tables import markdown_table
from forgather.view.templates import all_templates, forest_markdown


def render_codeblock(language: str, text: str, title: str = "") -> str:
    """Text in a fence that is longer than any fence in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    block = f"{fence}{language}\n{text.rstrip()}\n{fence}"
    return f"{title}\n\n{block}" if title else block


def render_project_readme(project_dir: str | os.PathLike[str] = ".") -> str:
    path = Path(project_dir, "README.md")
    if not path.is_file():
        raise DataError(f"there is no README.md in {Path(project_dir).absolute()}")
    return path.read_text(encoding="utf-8")


def render_project_index(project_dir: str | os.PathLike[str] = ".") -> str:
    """README, meta config, search path and configs: what ``forgather index`` shows."""
    return index_markdown(MetaConfig(os.fspath(project_dir)))


def render_meta(meta: MetaConfig) -> str:
    return meta_markdown(meta)


def render_template_list(meta: MetaConfig) -> str:
    """All templates of the search path, each below the one it extends."""
    return "### Templates\n\n" + forest_markdown(all_templates(meta))


def render_referenced_templates(project: Project) -> str:
    """The templates of one config, each below the one that refers to it."""
    return "### Included Templates\n\n" + trefs.markdown(
        trefs.reference_tree(project.loaded.rendered)
    )


def render_extends_graph(project: Project) -> str:
    """Who refers to whom, as a Mermaid diagram: solid for extends, dashed for include and import."""
    uses = [use for _, use in trefs.walk(trefs.reference_tree(project.loaded.rendered))]
    numbers = {use.name: f"t{number}" for number, use in enumerate(uses)}
    lines = ["graph LR"]
    lines += [f'    {numbers[use.name]}["{use.name}"]' for use in uses]
    for use in uses:
        for child in use.children:
            arrow = "-->" if child.how == "extends" else "-.->"
            lines.append(f"    {numbers[use.name]} {arrow} {numbers[child.name]}")
    return render_codeblock("mermaid", "\n".join(lines))


def render_referenced_sources(project: Project) -> str:
    """The source of every template of one config."""
    parts = ["### Template Sources"]
    parts += [
        render_codeblock("yaml", section.text, f"#### {name}")
        for name, section in project.loaded.rendered.sections.items()
    ]
    return "\n\n".join(parts)


def render_output_targets(project: Project) -> str:
    """The names that can be built from the config, and what each is."""
    root = project.config
    if not isinstance(root, dict):
        return f"The config is not a mapping, so it has no named targets: `{describe(root)}`"
    rows = [(f"`{name}`", f"`{describe(value)}`") for name, value in root.items()]
    return "### Output Targets\n\n" + markdown_table(("target", "value"), rows)


def render_preprocessed_config(project: Project) -> str:
    return render_codeblock("yaml", str(project.pp_config), "### Preprocessed Config")


def render_node_graph(project: Project) -> str:
    return render_codeblock("text", fconfig(project.config), "### Node Graph")


def render_generated_code(project: Project, target: str = "main") -> str:
    """Python that is equivalent to building the target."""
    root = project.config
    if not isinstance(root, dict) or target not in root:
        known = list(root) if isinstance(root, dict) else []
        raise TargetError(f"the config has no target {target!r}", hint=did_you_mean(target, known))
    return render_codeblock("python", generate_code(root[target]), f"### Code of `{target}`")


def render_config(project: Project, target: str | None = None, *, sources: bool = False) -> str:
    """One config from all sides. target: whose code to show; None leaves the code out."""
    parts = [
        f"## {project.config_name}",
        render_referenced_templates(project),
        render_output_targets(project),
        render_preprocessed_config(project),
        render_node_graph(project),
    ]
    if target is not None:
        parts.append(render_generated_code(project, target))
    if sources:
        parts.append(render_referenced_sources(project))
    return "\n\n".join(parts)


def render_model_source(model_dir: str | os.PathLike[str]) -> str:
    """The Python files of a model package, the model itself first."""
    files = sorted(Path(model_dir).glob("*.py"), key=_model_first)
    if not files:
        raise DataError(
            f"there is no Python file in {Path(model_dir).absolute()}",
            hint="build the model first: doit model:NAME",
        )
    return render_files(files)


def _model_first(path: Path) -> tuple[bool, str]:
    return not path.name.startswith("modeling_"), path.name


def render_files(paths: Iterable[Path]) -> str:
    return "\n\n".join(
        render_codeblock("python", path.read_text(encoding="utf-8"), f"### {path.name}")
        for path in paths
    )
