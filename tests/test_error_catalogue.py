"""The catalogue of error codes: complete, true to the source, and with examples that do what they say."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from forgather.catalogue import ENTRIES
from forgather.catalogue.__main__ import differences, main
from forgather.catalogue.entry import Entry
from forgather.catalogue.pages import GROUPS, pages
from forgather.errors import ForgatherError

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"FG\d{3}")


def codes_in_source() -> dict[str, str]:
    """code -> a file that has it as a string, for the whole package but the catalogue."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "forgather").rglob("*.py")):
        if "catalogue" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and CODE.fullmatch(value):
                found.setdefault(value, str(path.relative_to(ROOT)))
    return found


def test_every_code_in_the_source_has_an_entry() -> None:
    missing = {code: file for code, file in codes_in_source().items() if code not in ENTRIES}
    assert not missing


def test_every_entry_is_a_code_of_the_source() -> None:
    assert not set(ENTRIES) - set(codes_in_source())


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_is_whole(entry: Entry) -> None:
    assert entry.code[:3] in GROUPS
    assert not entry.title.endswith(".")
    for text in (entry.cause, entry.cure):
        assert text.endswith((".", "`.", ")."))
    assert entry.example


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def of_kind(*kinds: str) -> list[Entry]:
    return [entry for entry in ENTRIES.values() if entry.how in kinds]


def codes_of(entry: Entry, folder: Path) -> list[str | None]:
    """The codes that the example gives, in the way the entry says."""
    from forgather.config import ConfigEnvironment
    from forgather.graph.materialize import materialize
    from forgather.view.check.calls import check_calls

    write_files(folder, {**entry.files, "config.yaml": entry.example})
    try:
        config = ConfigEnvironment(folder).load("config.yaml")
        if entry.how == "check":
            return [finding.code for finding in check_calls(config.config)]
        if entry.how == "construct":
            materialize(config.config)
        return [warning.code for warning in config.warnings]
    except ForgatherError as error:
        if entry.code != "FG313":  # about the config as a whole
            assert error.where is not None, "the message names no place"
            assert error.where.path is not None
        return [error.code]


@pytest.mark.parametrize(
    "entry", of_kind("load", "check", "construct"), ids=lambda entry: entry.code
)
def test_an_example_gives_its_code(entry: Entry, tmp_path: Path) -> None:
    assert entry.code in codes_of(entry, tmp_path)


@pytest.mark.parametrize("entry", of_kind("command"), ids=lambda entry: entry.code)
def test_a_command_gives_its_code(entry: Entry, tmp_path: Path, monkeypatch, capsys) -> None:
    from forgather.cli.main import main as forgather

    write_files(
        tmp_path,
        {
            "forgather_workspace/README.md": "",
            "p/meta.yaml": 'name: "p"\nsearchdir: [ "templates" ]\nconfig_prefix: "configs"\n'
            'default_config: "config.yaml"\n',
            **{f"p/{name}": text for name, text in entry.files.items()},
        },
    )
    monkeypatch.chdir(tmp_path / "p")
    monkeypatch.setenv("NO_COLOR", "1")
    words = shlex.split(entry.example)
    assert words[0] == "forgather"
    assert forgather(words[1:]) in (1, 2)
    assert f"error[{entry.code}]" in capsys.readouterr().err


def test_most_language_codes_have_an_example_that_runs() -> None:
    language = [entry for code, entry in ENTRIES.items() if code[:3] in ("FG1", "FG2", "FG3")]
    told = [entry.code for entry in language if entry.how == "told"]
    assert len(told) <= 8, told


def test_pages_are_in_step(capsys) -> None:
    assert main(["--check", str(ROOT / "docs")]) == 0, capsys.readouterr().out


def test_check_names_what_is_stale(tmp_path: Path, capsys) -> None:
    assert main([str(tmp_path)]) == 0
    assert list(differences(tmp_path)) == []
    (tmp_path / "errors" / "FG101.md").write_text("old")
    (tmp_path / "errors" / "FG102.md").unlink()
    (tmp_path / "errors" / "FG999.md").write_text("gone")
    assert main(["--check", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert all(name in said for name in ("FG101.md", "FG102.md", "FG999.md"))
    assert "FG103" not in said
    assert main([str(tmp_path)]) == 0
    assert list(differences(tmp_path)) == []
    assert not (tmp_path / "errors" / "FG999.md").exists()


def test_pages_link_to_pages_that_exist() -> None:
    made = pages(ENTRIES)
    for name, text in made.items():
        for target in re.findall(r"\]\(([^)#]+\.md)\)", text):
            path = (Path(name).parent / target).as_posix()
            known = (
                path in made or (ROOT / "docs" / name).parent.joinpath(target).resolve().exists()
            )
            assert known or "errors.md" in target, f"{name} links to {target}"
