"""Definitions, overrides, hover and completion, asked directly."""

from __future__ import annotations

from pathlib import Path

import pytest

from forgather.lsp.completion import completions
from forgather.lsp.definition import all_places, definitions, overrides
from forgather.lsp.hover import hover
from forgather.lsp.outline import Outline
from forgather.lsp.projects import Projects
from tests.lsp.conftest import find, outline_of, write


def places(ask, projects: Projects, path: Path, needle: str, offset: int = 1) -> list[str]:
    outline = outline_of(path)
    spot = outline.at(*find(path, needle, offset))
    assert spot is not None, f"nothing at {needle!r}"
    return [f"{Path(s.path).name}:{s.line}" for s in ask(projects, str(path), outline, spot)]


def shown(projects: Projects, path: Path, needle: str, offset: int = 1) -> str:
    outline = outline_of(path)
    spot = outline.at(*find(path, needle, offset))
    assert spot is not None
    return hover(projects, str(path), outline, spot) or ""


def offered(projects: Projects, path: Path, text: str) -> dict[str, str]:
    """Candidates at the end of ``text``, which is not saved."""
    outline = Outline(text)
    line = text.count("\n")
    column = len(text) - (text.rfind("\n") + 1)
    found = completions(projects, str(path), outline, line, column)
    return {candidate.text: candidate.detail for candidate in found}


@pytest.fixture
def config(space: Path) -> Path:
    return space / "one/templates/configs/plain.yaml"


@pytest.fixture
def project(space: Path) -> Path:
    return space / "one/templates/project.yaml"


@pytest.fixture
def base(space: Path) -> Path:
    return space / "library/base.yaml"


# -- definitions


def test_a_template_name_leads_to_its_file(projects, config, project) -> None:
    assert places(definitions, projects, config, "project.yaml") == ["project.yaml:1"]
    assert places(definitions, projects, project, "base.yaml") == ["base.yaml:1"]


def test_an_inline_template_name_leads_to_its_separator(projects, project) -> None:
    assert places(definitions, projects, project, "project.part") == ["project.yaml:9"]


def test_a_template_named_in_a_variable_is_found(projects, base) -> None:
    assert places(definitions, projects, base, "trainer.yaml") == ["trainer.yaml:1"]


def test_a_block_leads_to_what_it_overrides(projects, config, project, base) -> None:
    assert places(definitions, projects, config, "[optimizer]")[0] == "project.yaml:2"
    assert places(definitions, projects, project, "[optimizer]") == ["base.yaml:5"]
    assert places(definitions, projects, base, "[optimizer]") == ["base.yaml:5"]


def test_super_leads_to_the_block_it_stands_for(projects, config) -> None:
    assert places(definitions, projects, config, "super()")[0] == "project.yaml:2"


def test_a_block_of_an_inline_template_is_of_its_own_family(projects, project) -> None:
    assert places(definitions, projects, project, "[trainer_args]") == ["trainer.yaml:1"]


def test_all_overrides_of_a_block(projects, config, base) -> None:
    assert places(overrides, projects, base, "[optimizer]") == ["project.yaml:2", "plain.yaml:2"]
    assert places(overrides, projects, config, "[optimizer]") == []
    chain = ["base.yaml:5", "project.yaml:2", "plain.yaml:2"]
    assert places(all_places, projects, config, "[optimizer]") == chain
    assert places(all_places, projects, base, "[optimizer]") == chain


def test_an_alias_leads_to_its_anchor(projects, config, project) -> None:
    assert places(definitions, projects, config, "*optimizer") == ["base.yaml:6"]
    assert places(definitions, projects, project, "*optimizer") == ["base.yaml:6"]


def test_an_import_spec_leads_to_source(projects, config) -> None:
    config.write_text(config.read_text() + "w: !partial:textwrap:TextWrapper.wrap []\n")
    found = places(definitions, projects, config, "textwrap:TextWrapper")
    assert found[0].startswith("textwrap.py:")
    assert "def wrap" in shown(projects, config, "textwrap:TextWrapper")


def test_a_spec_of_a_file_is_read_and_not_run(projects, space, config) -> None:
    part = write(space, "part.py", "raise SystemExit('it ran')\ndef f(a, *, b=1):\n    'Says f.'\n")
    text = config.read_text() + f"x: !partial:{part}:f {{}}\n"
    config.write_text(text)
    assert places(definitions, projects, config, f"{part}:f") == ["part.py:2"]
    assert "def f(a, *, b=1)" in shown(projects, config, f"{part}:f")
    assert "Says f." in shown(projects, config, f"{part}:f")


def test_a_config_that_no_longer_renders_answers_with_its_last_render(projects, config) -> None:
    assert places(definitions, projects, config, "[optimizer]")
    config.write_text(config.read_text() + "-- if\n")
    projects.forget()
    assert places(definitions, projects, config, "[optimizer]")[0] == "project.yaml:2"


def test_a_config_that_never_rendered_still_answers_for_names(projects, config) -> None:
    config.write_text("-- extends 'project.yaml'\n-- if\n[optimizer]\na: &a 1\nb: *a\n")
    assert places(definitions, projects, config, "project.yaml") == ["project.yaml:1"]
    assert places(definitions, projects, config, "*a") == ["plain.yaml:4"]


# -- hover


def test_hover_on_a_block_shows_its_chain(projects, project) -> None:
    lines = shown(projects, project, "[optimizer]").splitlines()
    assert lines[0] == "block `optimizer`"
    assert "1. defined in [base.yaml:5]" in lines[2]
    assert "2. overridden in [project.yaml:2]" in lines[3]
    assert lines[3].endswith("(here)")
    assert "3. overridden in [configs/plain.yaml:2]" in lines[4]


def test_hover_on_a_template_shows_its_comment(projects, project) -> None:
    text = shown(projects, project, "base.yaml")
    assert "What every config has.\nTwo blocks." in text
    assert "An inline template." in shown(projects, project, "project.part")


def test_hover_on_an_alias_shows_the_line_of_its_anchor(projects, config) -> None:
    text = shown(projects, config, "*optimizer")
    assert "base.yaml:6" in text
    assert "!partial:collections:OrderedDict@optimizer" in text


def test_hover_on_an_unknown_template_says_so(projects, config) -> None:
    config.write_text("-- include 'nope.yaml'\n")
    assert shown(projects, config, "nope.yaml") == "`nope.yaml` is not in the search path."


# -- completion


def test_template_names(projects, config) -> None:
    found = offered(projects, config, "-- extends '")
    assert {"project.yaml", "base.yaml", "trainer.yaml", "project.part"} <= set(found)
    assert set(offered(projects, config, '-- include "tr')) == {"trainer.yaml"}


def test_block_names_are_those_of_parents_that_are_not_there_yet(projects, config) -> None:
    found = offered(projects, config, "-- extends 'project.yaml'\n[optimizer]\na: 1\n[")
    assert set(found) == {"trainer", "extras"}
    assert found["extras"] == "base.yaml:12"
    assert set(offered(projects, config, "-- block e")) == {"extras"}


def test_block_names_of_an_inline_template_are_those_of_its_parent(projects, project) -> None:
    text = project.read_text().replace("[trainer_args]", "[")
    text = text[: text.rindex("[") + 1]
    assert set(offered(projects, project, text)) == {"trainer_args"}


def test_block_names_of_a_config_that_is_new(projects, space) -> None:
    new = write(space, "one/templates/configs/new.yaml", "")
    found = offered(projects, new, "-- extends 'project.yaml'\n[")
    assert {"optimizer", "trainer", "extras"} <= set(found)


def test_endblock_offers_what_is_open(projects, config) -> None:
    text = "-- block one\n-- block two\na: 1\n-- endblock "
    assert list(offered(projects, config, text)) == ["two", "one"]


def test_tags(projects, config) -> None:
    assert set(offered(projects, config, "a: !d")) == {"dict", "dlist"}
    assert "partial:" in offered(projects, config, "a: [ !")


def test_import_specs(projects, config) -> None:
    assert "collections" in offered(projects, config, "a: !call:coll")
    assert "collections:OrderedDict" in offered(projects, config, "a: !call:collections:Ord")
    assert "len" in offered(projects, config, "a: !call:le")
    assert "importlib.metadata" in offered(projects, config, "a: !call:importlib.me")
    assert set(offered(projects, config, "a: !call:textwrap:TextWrapper.wr")) == {
        "textwrap:TextWrapper.wrap"
    }


def test_import_specs_of_parts_come_from_the_search_path_of_nodes(projects, space, config) -> None:
    write(space, "parts/norm.py", "class Norm:\n    pass\n")
    node = f"x: !partial:.norm:Norm {{ submodule_searchpath: [ '{space}/parts' ] }}\n"
    config.write_text(config.read_text() + node)
    assert set(offered(projects, config, "a: !call:.n")) == {".norm:"}
    assert set(offered(projects, config, "a: !call:.norm:")) == {".norm:Norm"}


def test_parts_of_generated_models_are_found_where_the_generator_is_told(
    projects, space, config
) -> None:
    write(space, "parts/norm.py", "class Norm:\n    'Says norm.'\n")
    node = f"x: !meta:dict {{ a: !partial:.norm:Norm {{}}, searchpath: [ '{space}/parts' ] }}\n"
    config.write_text(config.read_text() + node)
    assert places(definitions, projects, config, ".norm:Norm") == ["norm.py:1"]
    assert "Says norm." in shown(projects, config, ".norm:Norm")
    assert set(offered(projects, config, "a: !call:.norm:")) == {".norm:Norm"}


def test_anchors(projects, config) -> None:
    assert set(offered(projects, config, "mine: &mine 1\na: *")) == {"mine", "optimizer", "extra"}


@pytest.mark.parametrize("text", ["", "a: 1", "a: b!", "## [", "-- set a = '"])
def test_nothing_is_offered_where_nothing_fits(projects, config, text: str) -> None:
    assert offered(projects, config, text) == {}
