"""Looking at configs runs nothing that they name, and templates reach no file outside the search path.

Everything that could run code is planted everywhere a user could write it; then each command that only
looks is run. Whatever runs leaves a mark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forgather.cli.main import main
from forgather.config import ConfigEnvironment
from forgather.errors import ForgatherError

META_DEFAULTS = """\
-- set ns = namespace()
searchdir: [ "templates", "{{ joinpath(workspace_root, 'forgather_workspace') }}" ]
[configs]
"""
META = """\
-- extends "meta_defaults.yaml"
[configs]
name: "Trap"
default_config: "trap.yaml"
system_path: "src"
"""
CONFIG = """\
-- extends "base.yaml"
[traps]
system: &system !call:os:system "touch {{ mark }}.system"
file: !singleton:{{ joinpath(project_dir, "trap_file.py") }}:Trap []
file_partial: !partial:{{ joinpath(project_dir, "trap_file.py") }}:Trap { a: *system }
sibling: !factory:.trap_part:Trap { submodule_searchpath: [ "{{ project_dir }}" ] }
module: !call:trap_module:Trap { arg0: 1 }
package: !call:trap_package.inner:Trap []
dotted: !call:trap_module.Trap []
generated: !meta:trap_module:generate { code: *system }
evaluated: !call:eval "__import__('os').system('touch {{ mark }}.eval')"
opened: !call:open [ "{{ mark }}.open", "w" ]
other: !call:forgather:from_project { project_dir: "{{ project_dir }}", targets: system }
late: !call:dict { latent_args: !var { name: late, default: { a: 1 } } }
bound: !var { name: unset, default: [ *system ] }
default: !var { name: other_unset, default: { a: !call:os:system "touch {{ mark }}.default" } }
"""
BASE = """\
-- set ns = namespace()
meta:
    config_name: "trap"
    config_class: "type.trap"
[dynamic_args]
dynamic_args:
    - names: "--width"
      type: int
      help: "!call:os:system 'touch here'"

[traps]
main: 1

[main_output]
main: !call:trap_module:Trap [ 1 ]
"""
MODULE = "from pathlib import Path\nPath({mark!r} + '.' + __name__.replace('.', '_')).touch()\nclass Trap:\n    pass\ndef generate(**k): pass\n"


class Trap:
    """A workspace full of things that must not run."""

    def __init__(self, root: Path) -> None:
        self.project = root / "p"
        self.mark = str(root / "ran")
        files = {
            "forgather_workspace/meta_defaults.yaml": META_DEFAULTS,
            "p/meta.yaml": META,
            "p/templates/base.yaml": BASE,
            "p/templates/configs/trap.yaml": CONFIG.replace("{{ mark }}", self.mark),
            "p/templates/configs/other.yaml": '-- extends "base.yaml"\n',
        }
        for module in ("trap_file", "trap_part", "src/trap_module", "src/trap_package/inner"):
            files[f"p/{module}.py"] = MODULE.format(mark=self.mark)
        files["p/src/trap_package/__init__.py"] = MODULE.format(mark=self.mark)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def modules(self) -> list[str]:
        return [name for name in sys.modules if "trap_" in name and "bootstrap" not in name]

    def assert_nothing_ran(self) -> None:
        assert list(Path(self.mark).parent.glob("ran*")) == []
        assert self.modules() == []
        assert str(self.project / "src") not in sys.path


@pytest.fixture
def trap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Trap]:
    made = Trap(tmp_path)
    monkeypatch.chdir(made.project)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield made
    made.assert_nothing_ran()


LOOKING = [
    "ls",
    "ls -r",
    "ls --format json",
    "index",
    "meta",
    "tlist",
    "tlist --format md",
    "trefs",
    "trefs --format md",
    "trefs --format dot",
    "pp",
    "pp --debug",
    "pp --annotate",
    "pp --width 3",
    "targets",
    "targets --format json",
    "blame",
    "blame --block traps",
    "graph",
    "graph --format none",
    "graph --format repr",
    "graph --format fconfig",
    "graph --format python",
    "graph --format json",
    "code --target system",
    "code --target file",
    "code --target generated",
    "code --target bound",
    "code",
    "diff trap.yaml other.yaml",
    "check",
    "check trap.yaml --strict",
    "check --format sarif",
    "project show",
    "completion bash",
    "pp --help",
]


@pytest.mark.parametrize("command", LOOKING)
def test_looking_runs_nothing(command: str, trap: Trap) -> None:
    main(command.split())


def test_the_traps_are_live(trap: Trap, capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise the tests above would show nothing."""
    for target in ("system", "file", "evaluated", "default"):
        main(["construct", "--target", target])
    suffixes = {path.suffix for path in Path(trap.mark).parent.glob("ran*")}
    assert {".system", ".eval", ".default"} <= suffixes
    assert any("trap_file" in suffix for suffix in suffixes)
    for path in Path(trap.mark).parent.glob("ran*"):
        path.unlink()
    for name in trap.modules():
        del sys.modules[name]
    sys.path[:] = [path for path in sys.path if path != str(trap.project / "src")]


def test_an_editor_runs_nothing(trap: Trap) -> None:
    from forgather.lsp.diagnostics import Diagnostics
    from forgather.lsp.projects import Projects

    projects = Projects()
    projects.folders = [str(trap.project)]
    path = trap.project / "templates" / "configs" / "trap.yaml"
    Diagnostics(projects).check(str(path))
    assert list(projects.contexts(str(path)))


@pytest.mark.parametrize(
    "line",
    [
        "system_path: !call:os:system 'touch {mark}.meta'",
        "name: !call:eval \"open('{mark}.meta', 'w')\"",
        "extra: [ !meta:trap_module:generate [] ]",
    ],
)
def test_meta_yaml_runs_nothing(line: str, trap: Trap, capsys: pytest.CaptureFixture[str]) -> None:
    meta = trap.project / "meta.yaml"
    meta.write_text(meta.read_text() + line.replace("{mark}", trap.mark) + "\n")
    for command in ("ls", "meta", "index", "pp", "check", "tlist"):
        main([command])
    assert "FG503" in capsys.readouterr().err


@pytest.mark.parametrize(
    "entry",
    [
        "!call:os:system 'touch {mark}.dynamic'",
        "{ names: --x, type: !call:eval \"open('{mark}.dynamic', 'w')\" }",
        "{ names: --x, type: os.system }",
        "{ names: --x, action: os.system }",
        "{ names: --x, default: !call:trap_module:Trap [] }",
    ],
)
@pytest.mark.parametrize("command", ["pp", "pp --x 1", "targets --help", "graph"])
def test_dynamic_arguments_run_nothing(entry: str, command: str, trap: Trap) -> None:
    base = trap.project / "templates" / "base.yaml"
    text = BASE.partition("    - names")[0] + f"    - {entry.replace('{mark}', trap.mark)}\n"
    base.write_text(text)
    main(command.split())


ESCAPES = [
    "-- include '../secret.yaml'",
    "-- include '../../secret.yaml'",
    "-- include './../secret.yaml'",
    "-- include 'sub/../../secret.yaml'",
    "-- include '{root}/secret.yaml'",
    "-- include '/{root}/secret.yaml'",
    "-- include '..\\\\secret.yaml'",
    "-- extends '../secret.yaml'",
    "-- import '../secret.yaml' as x\n== x",
    "-- from '../secret.yaml' import y",
    "-- include ['../secret.yaml', '{root}/secret.yaml']",
    "-- include '../secret.yaml' ignore missing",
    "-- include joinpath('{root}', 'secret.yaml')",
    "-- include 'secret.yaml\0'",
    "-- include '~/secret.yaml'",
    "-- include 'file://{root}/secret.yaml'",
]


@pytest.mark.parametrize("line", ESCAPES)
def test_no_template_outside_the_search_path(line: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text("secret: 1\n-- set y = 'secret'\n")
    (inside / "main.yaml").write_text(line.replace("{root}", str(tmp_path)) + "\n")
    try:
        text = ConfigEnvironment(inside).preprocess("main.yaml")
    except ForgatherError as error:
        assert error.code in ("FG103", "FG122"), error.render()
        text = error.render().partition("\n")[0].replace(line, "")
    assert "secret: 1" not in text


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """Who makes a link inside of a search directory has said that its target belongs there."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "shared.yaml").write_text("a: 1\n")
    (inside / "link.yaml").symlink_to(tmp_path / "shared.yaml")
    assert ConfigEnvironment(inside).preprocess("link.yaml") == "a: 1"


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "joinpath.__globals__['os']",
        "joinpath.__func__.__globals__",
        "joinpath.__self__._trace",
        "self._TemplateReference__context",
        "self.__init__.__globals__",
        "namespace.__init__.__globals__",
        "cycler.__init__.__globals__.os",
        "ns['__class__']",
        "ns|attr('__class__')",
        "[ns]|map(attribute='__class__')|list",
        "'{0.__class__.__mro__}'.format(ns)",
        "'{0.__class__}'.format_map({'0': ns})",
        "('%s' | attr('format'))(ns).__class__",
        "versions._trace",
        "now().__reduce__()",
        "dict.mro()",
        "(range(1)|list).__class__",
        "macro.__call__.__globals__",
        "range.__init__",
    ],
)
def test_the_sandbox_holds(expression: str) -> None:
    text = f"-- set ns = namespace(a=1)\n-- macro macro()\n-- endmacro\nx: {{{{ {expression} }}}}\n"
    try:
        shown = ConfigEnvironment([]).preprocess_from_string(text)
    except ForgatherError as error:
        assert error.code in ("FG114", "FG117", "FG118"), error.render()
    else:
        assert shown.strip() == "x: [Undefined]"


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {mark}']",
        "!!python/name:os.system",
        "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {mark}']",
        "!!python/module:os",
    ],
)
def test_yaml_makes_no_objects(tag: str, tmp_path: Path) -> None:
    text = f"a: {tag}".replace("{mark}", str(tmp_path / "mark"))
    with pytest.raises(ForgatherError) as caught:
        ConfigEnvironment([]).load_from_ppstring(text)
    assert caught.value.code
    assert not (tmp_path / "mark").exists()
