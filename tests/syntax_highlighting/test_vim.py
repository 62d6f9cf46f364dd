"""The Vim files: Vim itself, where it is installed, says which group each piece of a line gets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

VIM = Path(__file__).resolve().parents[2] / "syntax_highlighting" / "vim"
SYNTAX = (VIM / "syntax" / "forgather.vim").read_text(encoding="utf-8")

needs_vim = pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")

# (text, the piece asked about, the group of its first character)
PIECES = [
    ("## note", "## note", "Comment"),
    ("  ## note", "## note", "Comment"),
    ("key: 1 ## note", "## note", "Trailing"),
    ("key: 1 # note", "# note", "YamlComment"),
    ("url: http://x/#frag", "#frag", ""),
    ('-- extends "base.yaml"', "--", "Marker"),
    ('-- extends "base.yaml"', "extends", "Import"),
    ('-- extends "base.yaml"', "base.yaml", "JinjaString"),
    ("    << endif", "<<", "Marker"),
    ("    << endif", "endif", "Statement"),
    ("=> a | toyaml(3)", "=>", "Marker"),
    ("== super()", "super", "Super"),
    ("=> a | toyaml(3)", "toyaml", "Filter"),
    ("-- set a = 1  ## note", "## note", "Trailing"),
    ("-- set ns.a = joinpath(b)", "ns", "Namespace"),
    ("-- set ns.a = joinpath(b)", "joinpath", "Function"),
    ("-- if a is not defined", "defined", "Test"),
    ("-- block model required", "model", "BlockName"),
    ("-- block model required", "required", "Modifier"),
    ("-- endblock model", "model", "BlockName"),
    ("[model]", "model", "HeaderName"),
    ("    [model!]  ", "model", "HeaderName"),
    ("x\n#---- a/b.yaml ----", "a/b.yaml", "TemplateName"),
    ("x: {{ a.b }}", "{{", "Delimiter"),
    ("x: {{ a.b }}", "a.b", "Variable"),
    ("x: {% if a %}1{% endif %}", "if", "Statement"),
    ("x: {# 1 #} 2", "{#", "Comment"),
    ("m: !partial:torch.optim:AdamW@opt", "!partial", "Tag"),
    ("m: !partial:torch.optim:AdamW@opt", "torch.optim", "Spec"),
    ("m: !partial:torch.optim:AdamW@opt", "AdamW", "Symbol"),
    ("m: !partial:torch.optim:AdamW@opt", "@opt", "Identity"),
    ("m: !dict:@name {}", ":@name", "Identity"),
    ("m: [ !var rank ]", "!var", "Tag"),
    ("m: !calling:dict {}", "!calling", "BadTag"),
    ("m: !dictionary {}", "!dictionary", "BadTag"),
    ("a: &anchor 1", "&anchor", "Anchor"),
    ("a: *anchor", "*anchor", "Alias"),
    ("    <<: *anchor", "<<", "Merge"),
    (".define: &x 1", ".define", "HiddenKey"),
    ("a: True", "True", "Constant"),
    ("a: 1.0e-3", "1.0e-3", "Float"),
    ("a: 1e-3", "1e-3", ""),
    ("a: [ 1, -2 ]", "-2", "Number"),
    ("a: 'it''s {{ b }}'", "b }}", "Variable"),
    ("a: |\n    text 1\nb: 2", "text", "Text"),
    ("a: |\n    text 1\nb: 2", "b: 2", "Key"),
    ("a: 'b'\nc: d", "c: d", "Key"),
    ("x: [a]", "a]", ""),
    ("[a, b]", "a, b", ""),
    ("--notspace", "--notspace", ""),
    ("x\n#--- my-name ---", "my-name", "YamlComment"),
    ("x: don't ## do", "## do", "Trailing"),
]


def run_vim(tmp_path: Path, commands: list[str], file: Path) -> None:
    script = tmp_path / "script.vim"
    script.write_text("\n".join(commands), encoding="utf-8")
    done = subprocess.run(
        ["vim", "-es", "-u", "NONE", "-i", "NONE", "-n", "-S", str(script), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_vim
def test_vim_gives_each_piece_its_group(tmp_path: Path) -> None:
    """All pieces in one start of Vim: each in a buffer of its own."""
    commands = [f"set runtimepath^={VIM}", "syntax on", "let found = []"]
    for number, (text, piece, _) in enumerate(PIECES):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text + "\n", encoding="utf-8")
        before = text[: text.rindex(piece)]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        commands += [
            f"edit {file}",
            "set filetype=forgather",
            f"call add(found, synIDattr(synID({line}, {column}, 1), 'name'))",
        ]
    result = tmp_path / "result.json"
    commands += [f"call writefile([json_encode(found)], '{result}')", "qall!"]
    (tmp_path / "start").touch()
    run_vim(tmp_path, commands, tmp_path / "start")
    groups = [group.removeprefix("forgather") for group in json.loads(result.read_text())]
    wrong = [
        f"{text!r}: {piece!r} is {group!r}, not {expected!r}"
        for (text, piece, expected), group in zip(PIECES, groups, strict=True)
        if group != expected
    ]
    assert not wrong, "\n".join(wrong)


@needs_vim
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- extends 'a'\n", "forgather"),
        ("a: 1\n[block]\n", "forgather"),
        ("a: 1\n#---- a ----\n", "forgather"),
        ("---\n- a: [b]\n  # --- note\n", "yaml"),
    ],
)
def test_vim_knows_a_template_by_its_lines(tmp_path: Path, text: str, expected: str) -> None:
    file, result = tmp_path / "a.yaml", tmp_path / "result"
    file.write_text(text, encoding="utf-8")
    commands = [
        f"set runtimepath^={VIM}",
        "filetype plugin on",
        f"edit {file}",
        f"call writefile([&filetype, &commentstring], '{result}')",
        "qall!",
    ]
    (tmp_path / "start").touch()
    run_vim(tmp_path, commands, tmp_path / "start")
    filetype, comment = result.read_text().splitlines()
    assert filetype == expected
    assert (comment == "## %s") == (expected == "forgather")


def test_every_group_has_a_colour() -> None:
    """Structural, so that it holds without Vim too."""
    defined = set(re.findall(r"^syntax (?:match|region|keyword) (forgather\w+)", SYNTAX, re.M))
    linked = set(re.findall(r"^highlight default link (forgather\w+) \w+$", SYNTAX, re.M))
    grouped = set(re.findall(r"matchgroup=(forgather\w+)", SYNTAX))
    containers = {name for name in defined if name.endswith(("Line", "InlineExpression"))}
    containers.add("forgatherInlineStatement")
    assert defined - containers <= linked
    assert linked <= defined | grouped


def test_every_contained_group_exists() -> None:
    defined = set(
        re.findall(r"^syntax (?:match|region|keyword|cluster) (forgather\w+)", SYNTAX, re.M)
    )
    for names in re.findall(r"(?:contains|nextgroup)=(\S+)", SYNTAX):
        for name in names.split(","):
            assert name.removeprefix("@") in defined, name
