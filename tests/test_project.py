"""Project, MetaConfig, from_project."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import pytest

from forgather import MetaConfig, Project, from_project
from forgather.config import DotDict
from forgather.errors import (
    ForgatherError,
    ProjectError,
    TargetError,
    TemplateNotFoundError,
    UnboundVarError,
)

FILES = {
    "forgather_workspace/meta_defaults.yaml": """\
-- set ns = namespace()
searchdir:
    [searchdir_project]
    - "{{ joinpath(project_dir, 'templates') }}"
    [searchdir_common]
    - "{{ joinpath(workspace_root, 'forgather_workspace') }}"
[configs]
""",
    "one/meta.yaml": """\
-- extends 'meta_defaults.yaml'
[configs]
name: "One"
description: "the first"
default_config: "b.yaml"
""",
    "one/templates/configs/b.yaml": """\
.define: &shared !call:dict@shared {x: {{ x|default(1) }}}
meta: {config_name: B}
model: !call:dict {s: *shared}
data: !factory:dict {s: *shared}
text: !var pp_config
late: !var [late, 7]
where: "{{ project_dir }}"
main: !call:dict {model: "m"}
""",
    "one/templates/configs/a/deep.yaml": "main: 3\n",
    "two/meta.yaml": "-- extends 'meta_defaults.yaml'\n",
    "two/templates/configs/z.yaml": "main: z\n",
    "two/templates/configs/k.yaml": "main: k\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


class TestMeta:
    def test_attributes(self, root: Path) -> None:
        meta = MetaConfig(str(root / "one"))
        assert (meta.name, meta.description) == ("One", "the first")
        assert meta.meta_path == str(root / "one" / "meta.yaml")
        assert meta.searchpath == [str(root / "one/templates"), str(root / "forgather_workspace")]
        assert meta.workspace_root == str(root)
        assert meta.config_prefix == "configs"
        assert meta.config_path() == "configs/b.yaml"
        assert meta.config_path("x.yaml") == "configs/x.yaml"
        assert meta.system_path is None
        assert meta.norm_path("a/../b") == str(root / "one/b")

    def test_templates(self, root: Path) -> None:
        meta = MetaConfig(str(root / "one"))
        assert [name for name, _ in meta.find_templates("configs")] == ["a/deep.yaml", "b.yaml"]
        names = [name for name, _ in meta.find_templates()]
        assert names == ["configs/a/deep.yaml", "configs/b.yaml", "meta_defaults.yaml"]

    def test_without_a_default_the_first_by_name(self, root: Path) -> None:
        assert MetaConfig(str(root / "two")).default_config() == "k.yaml"

    def test_without_configs(self, root: Path) -> None:
        (root / "three").mkdir()
        (root / "three/meta.yaml").write_text("-- extends 'meta_defaults.yaml'\n")
        meta = MetaConfig(str(root / "three"))
        assert meta.name == "three"
        with pytest.raises(ProjectError, match="has no config") as caught:
            meta.default_config()
        assert caught.value.code == "FG504"

    @pytest.mark.parametrize(
        ("text", "code", "line"),
        [
            ("searchdir: templates\n", "FG503", 1),
            ("a: 1\nname: [x]\n", "FG503", 2),
            ("- x\n", "FG503", 1),
            ("name: !call:os:getcwd []\n", "FG503", 1),
            ("name: {{ nme }}\n", "FG101", 1),
            ("searchpath: [x]\n", "FG503", 1),
        ],
    )
    def test_wrong(self, root: Path, text: str, code: str, line: int) -> None:
        (root / "one/meta.yaml").write_text(text)
        with pytest.raises(ForgatherError) as caught:
            MetaConfig(str(root / "one"))
        assert (caught.value.code, caught.value.where.line) == (code, line)
        assert caught.value.where.path == str(root / "one/meta.yaml")

    def test_no_project(self, root: Path) -> None:
        with pytest.raises(ProjectError) as caught:
            MetaConfig(str(root))
        assert caught.value.code == "FG501"

    def test_no_workspace(self, tmp_path: Path) -> None:
        (tmp_path / "meta.yaml").write_text("name: x\n")
        with pytest.raises(ProjectError, match="'forgather_workspace', was not found under") as e:
            MetaConfig(str(tmp_path))
        assert e.value.code == "FG502"

    def test_templates_of_the_user(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "home"))
        (root / "home/forgather/templates").mkdir(parents=True)
        (root / "home/forgather/templates/mine.yaml").write_text("name: mine\n")
        (root / "one/meta.yaml").write_text("-- include 'mine.yaml'\n")
        assert MetaConfig(str(root / "one")).name == "mine"
        assert f"{platformdirs.user_config_dir('forgather')}/templates" in str(
            MetaConfig(str(root / "one")).environment.searchpath
        )


class TestProject:
    def test_default(self, root: Path) -> None:
        project = Project(project_dir=str(root / "one"))
        assert project.config_name == "b.yaml"
        assert project() == {"model": "m"}
        assert project.config.where == str(root / "one")
        assert project.pp_config.startswith(".define")

    def test_named_without_a_default(self, root: Path) -> None:
        """A config that is named does not need the project to have a default."""
        assert Project("a/deep.yaml", str(root / "one"))() == 3

    def test_target_forms(self, root: Path) -> None:
        project = Project("", str(root / "one"))
        assert project("late") == 7
        assert project("late", late=8) == 8
        both = project(["main", "late"])
        assert isinstance(both, DotDict)
        assert list(both) == ["late", "main"]
        late, main = project("late", "main")
        assert (late, main) == (7, {"model": "m"})
        assert list(project("main", "late", asdict=True)) == ["late", "main"]
        assert project("main", asdict=True) == {"main": {"model": "m"}}

    def test_the_text_is_a_variable(self, root: Path) -> None:
        project = Project("", str(root / "one"))
        assert project("text") == project.pp_config

    def test_sharing_within_a_call_only(self, root: Path) -> None:
        project = Project("", str(root / "one"))
        model, data = project("model", "data")
        assert model["s"] is data["s"]
        assert project("model") is not project("model")

    def test_variables(self, root: Path) -> None:
        assert Project("", str(root / "one"), x=5)("model") == {"s": {"x": 5}}

    def test_load_config(self, root: Path) -> None:
        project = Project("", str(root / "one"), x=5)
        project.load_config("a/deep.yaml")
        assert (project.config_name, project()) == ("a/deep.yaml", 3)
        project.load_config(x=6)
        assert project("model") == {"s": {"x": 6}}

    def test_added_template(self, root: Path) -> None:
        project = Project("", str(root / "one"))
        project.add_template("configs/new.yaml", "main: 9\n")
        project.load_config("new.yaml")
        assert project() == 9

    def test_unknown_target(self, root: Path) -> None:
        with pytest.raises(TargetError) as caught:
            Project("", str(root / "one"))("modle")
        assert caught.value.hint == "did you mean 'model'?"
        with pytest.raises(TargetError):
            Project("", str(root / "one"))(["main", "modle"])

    def test_unknown_config(self, root: Path) -> None:
        with pytest.raises(TemplateNotFoundError, match="has no config") as caught:
            Project("bb.yaml", str(root / "one"))
        assert (caught.value.code, caught.value.hint) == ("FG505", "did you mean 'b.yaml'?")

    def test_default_config_that_is_not_there(self, root: Path) -> None:
        (root / "one/templates/configs/b.yaml").unlink()
        with pytest.raises(TemplateNotFoundError) as caught:
            Project("", str(root / "one"))
        assert (caught.value.where.path, caught.value.where.line) == (
            str(root / "one/meta.yaml"),
            5,
        )

    def test_system_path(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "path", list(sys.path))
        (root / "one/src").mkdir()
        (root / "one/src/fg_test_source.py").write_text("def f():\n    return 42\n")
        (root / "one/meta.yaml").write_text("name: x\nsystem_path: src\n")
        (root / "one/templates/configs/b.yaml").write_text("main: !call:fg_test_source:f []\n")
        project = Project("b.yaml", str(root / "one"))
        assert str(root / "one/src") not in sys.path
        assert project() == 42


class TestFromProject:
    def test_targets(self, root: Path) -> None:
        folder = str(root / "one")
        assert from_project(folder) == {"model": "m"}
        assert from_project(folder, "a/deep.yaml") == 3
        assert from_project(folder, targets="late", late=1) == 1
        both = from_project(folder, "b.yaml", ["main", "late"])
        assert isinstance(both, DotDict)
        assert from_project(folder, targets="model", pp_kwargs={"x": 3}) == {"s": {"x": 3}}

    def test_from_a_config(self, root: Path) -> None:
        (root / "two/templates/configs/k.yaml").write_text(
            "main: !call:forgather:from_project\n"
            "    project_dir: \"{{ joinpath(project_dir, '../one') }}\"\n"
            "    targets: late\n"
            "    late: 11\n"
        )
        assert Project("k.yaml", str(root / "two"))() == 11

    def test_relative_to_the_current_directory(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(root)
        assert from_project("one", targets="late") == 7
        with pytest.raises(ProjectError) as caught:
            from_project("three")
        assert str(root) in caught.value.hint

    def test_unknown_target(self, root: Path) -> None:
        with pytest.raises(TargetError):
            from_project(str(root / "one"), targets=["main", "nothing"])

    def test_variable_without_a_value(self, root: Path) -> None:
        (root / "one/templates/configs/b.yaml").write_text("main: !var lr\n")
        with pytest.raises(UnboundVarError):
            from_project(str(root / "one"))

    def test_debug(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        from_project(str(root / "one"), "a/deep.yaml", pp_debug=True)
        shown = capsys.readouterr().err
        assert " configs/a/deep.yaml " in shown
        assert "     1: main: 3" in shown
