"""Whole sessions with ``forgather lsp`` over its pipes, as an editor has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from forgather.cli.main import main
from tests.lsp.conftest import PATIENCE, Client, find, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(space: Path) -> Path:
    return space / "one/templates/configs/plain.yaml"


def test_a_session(client: Client, space: Path, config: Path) -> None:
    can = client.start(space)["capabilities"]
    assert can["definitionProvider"] and can["hoverProvider"] and can["referencesProvider"]
    assert "'" in can["completionProvider"]["triggerCharacters"]
    client.open(config)
    assert client.diagnostics(config) == []

    [place] = client.at("definition", config, find(config, "project.yaml", 1))
    assert place["uri"] == (space / "one/templates/project.yaml").as_uri()
    assert place["range"]["start"] == {"line": 0, "character": 0}
    [place] = client.at("definition", config, find(config, "[optimizer]", 1))
    assert place["uri"] == (space / "one/templates/project.yaml").as_uri()
    assert place["range"]["start"]["line"] == 1

    context = {"includeDeclaration": True}
    found = client.at("references", config, find(config, "[optimizer]", 1), context=context)
    assert [Path(each["uri"]).name for each in found] == ["base.yaml", "project.yaml", "plain.yaml"]
    base = space / "library/base.yaml"
    found = client.at("implementation", base, find(base, "[optimizer]", 1))
    assert [Path(each["uri"]).name for each in found] == ["project.yaml", "plain.yaml"]

    shown = client.at("hover", config, find(config, "[optimizer]", 1))
    assert shown["contents"]["kind"] == "markdown"
    assert "overridden in [project.yaml:2]" in shown["contents"]["value"]
    assert shown["range"]["start"]["character"] == 1
    assert client.at("hover", config, find(config, "decay")) is None

    code, said = client.stop()
    assert (code, said) == (0, "")


def test_completion_is_of_the_text_that_is_not_saved(
    client: Client, space: Path, config: Path
) -> None:
    client.start(space)
    client.open(config)
    text = config.read_text() + "# a wide char: \U0001f600\n[extr"
    client.change(config, text)
    line = text.count("\n")
    answer = client.at("completion", config, (line, 5))
    [item] = answer["items"]
    assert (item["label"], item["detail"]) == ("extras", "base.yaml:12")
    edit = item["textEdit"]
    assert edit["newText"] == "extras"
    assert edit["range"]["start"] == {"line": line, "character": 1}
    # The client counts a wide character as two.
    client.change(config, text + "as]\nx: {\U0001f600: !tup")
    answer = client.at("completion", config, (line + 1, 12))
    [item] = answer["items"]
    assert item["label"] == "tuple"
    assert item["textEdit"]["range"] == {
        "start": {"line": line + 1, "character": 9},
        "end": {"line": line + 1, "character": 12},
    }


def test_diagnostics_come_and_go(client: Client, space: Path, config: Path) -> None:
    client.start(space)
    client.open(config)
    assert client.diagnostics(config) == []
    good = config.read_text()

    config.write_text(good.replace("[optimizer]", "[optimiser]"))
    client.save(config)
    [found] = [each for each in client.diagnostics(config) if each["code"] == "FG140"]
    assert found["source"] == "forgather"
    assert found["range"] == {
        "start": {"line": 1, "character": 1},
        "end": {"line": 1, "character": 10},
    }
    assert "did you mean 'optimizer'?" in found["message"]

    config.write_text(good)
    client.save(config)
    assert client.diagnostics(config) == []


def test_a_mistake_in_a_base_template_is_shown_there(
    client: Client, space: Path, config: Path
) -> None:
    client.start(space)
    base = space / "library/base.yaml"
    client.open(config)
    assert client.diagnostics(config) == []
    client.open(base)
    assert client.diagnostics(base) == []
    base.write_text(base.read_text().replace("lr: 1.0e-3", "lr: {{ rate }}"))
    client.save(base)
    [found] = client.diagnostics(base)
    assert found["code"] == "FG101"
    assert found["severity"] == 1
    assert found["range"]["start"]["line"] == 6


def test_a_library_template_is_checked_through_a_config_of_the_workspace(
    client: Client, space: Path
) -> None:
    client.start(space)
    trainer = space / "library/trainer.yaml"
    trainer.write_text("[trainer_args]\ntrainer: !call:collections:Conter {}\n")
    client.open(trainer)
    found = client.diagnostics(trainer)
    assert [each["code"] for each in found] == ["FG304"]
    assert "Counter" in found[0]["message"]


def test_a_broken_meta_yaml_is_shown_in_it(client: Client, space: Path) -> None:
    client.start(space)
    meta = write(space, "one/meta.yaml", "searchdir: 7\n")
    client.open(meta)
    [found] = client.diagnostics(meta)
    assert found["code"] == "FG503"


@pytest.mark.parametrize(
    "text", ["", "\x00", "-- if\n[a]\n[a]", "a: *b\n\t", "{% raw", "- [" * 2000]
)
def test_no_text_stops_the_server(client: Client, space: Path, config: Path, text: str) -> None:
    client.start(space)
    config.write_text(text)
    client.open(config)
    client.diagnostics(config)
    for line in range(3):
        client.at("hover", config, (line, 1))
        client.at("completion", config, (line, 1))
    assert client.stop()[0] == 0


def test_nothing_that_a_config_names_is_run(client: Client, space: Path, config: Path) -> None:
    """Files, modules on system_path, shell commands: none of them leaves a trace."""
    ran = space / "ran"
    trap = f"open({str(ran)!r}, 'w').close()\n"
    part = write(space, "one/part.py", trap + "class Part:\n    pass\n")
    write(space, "one/source/trap/__init__.py", trap)
    write(space, "one/source/trap/inner.py", trap + "def f(): ...\n")
    meta = space / "one/meta.yaml"
    meta.write_text(meta.read_text() + "system_path: source\n")
    config.write_text(
        f"a: !call:os:system [ 'touch {ran}' ]\n"
        f"b: !call:{part}:Part {{}}\n"
        "c: !call:trap.inner:f []\n"
        f"d: !call:.part:Part {{ submodule_searchpath: [ '{space}/one' ] }}\n"
        "e: !meta:trap:g []\n"
        f"f: !call:exec [ \"open('{ran}', 'w')\" ]\n"
        "main: !call:trap.\n"
    )
    client.start(space)
    client.open(config)
    client.diagnostics(config)
    for number, line in enumerate(config.read_text().splitlines()):
        for column in (3, 8, 12, len(line)):
            client.at("hover", config, (number, column))
            client.at("definition", config, (number, column))
            client.at("completion", config, (number, column))
    client.save(config)
    client.diagnostics(config)
    assert client.stop()[0] == 0
    assert not ran.exists()


def test_the_server_ends_with_its_client(client: Client, space: Path, config: Path) -> None:
    client.start(space)
    client.open(config)
    client.diagnostics(config)
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert client.process.wait(PATIENCE) == 0


def test_the_server_imports_no_torch_and_keeps_stdout_clean(space: Path) -> None:
    code = (
        "import sys\n"
        "from forgather.lsp.server import make_server\n"
        f"server = make_server()\nserver.projects.folders = [{str(space)!r}]\n"
        f"server.diagnostics.check({str(space / 'one/templates/configs/plain.yaml')!r})\n"
        "heavy = {'torch', 'transformers', 'datasets', 'doit'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_pygls_the_command_says_what_to_install(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "forgather.lsp.server", None)
    monkeypatch.setitem(sys.modules, "pygls", None)
    monkeypatch.delitem(sys.modules, "forgather.lsp.server")
    for name in [name for name in sys.modules if name.startswith("pygls.")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["lsp"]) == 2
    assert "pip install 'forgather[lsp]'" in capsys.readouterr().err
