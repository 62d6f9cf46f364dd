"""The VS Code extension: its grammar gives each piece of a template the right scope."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.syntax_highlighting.textmate import Grammar

ROOT = Path(__file__).resolve().parents[2] / "syntax_highlighting"
VSCODE = ROOT / "vscode"
GRAMMAR = Grammar(VSCODE / "syntaxes" / "forgather.tmLanguage.json")

# (text, the piece asked about, what one of its scopes starts with)
PIECES = [
    ("## note", "## note", "comment.line.double-number-sign"),
    ("  ## note", "  ## note", "comment.line.double-number-sign"),
    ("key: 1 ## note", "## note", "comment.line.double-number-sign"),
    ("key: 1 # note", "# note", "comment.line.number-sign.yaml"),
    ("url: http://x/#frag", "url", "entity.name.tag.yaml"),
    ('-- extends "base.yaml"', "--", "keyword.control.marker"),
    ('-- extends "base.yaml"', "extends", "keyword.control.import"),
    ('-- extends "base.yaml"', "base.yaml", "string.quoted.double.jinja"),
    ("    << endif", "<<", "keyword.control.marker"),
    ("    << endif", "endif", "keyword.control"),
    (">> if a", ">>", "keyword.control.marker"),
    ("== super()", "==", "keyword.control.marker"),
    ("== super()", "super", "variable.language.super"),
    ("=> a | toyaml(3)", "=>", "keyword.control.marker"),
    ("=> a | toyaml(3)", "toyaml", "support.function.filter"),
    ("=> a | toyaml(3)", "3", "constant.numeric.jinja"),
    ("-- set a = 1  ## note", "## note", "comment.line.double-number-sign"),
    ("-- set ns.a = joinpath(b)", "ns", "variable.language.namespace"),
    ("-- set ns.a = joinpath(b)", "joinpath", "support.function"),
    ("-- if a is not defined", "defined", "support.function.test"),
    ("-- block model required", "model", "entity.name.function.block"),
    ("-- block model required", "required", "storage.modifier.block"),
    ("-- endblock model", "model", "entity.name.function.block"),
    ("[model]", "model", "entity.name.function.block"),
    ("    [model!]  ", "model", "entity.name.function.block"),
    ("    [model!]  ", "!", "keyword.operator.trim"),
    ("#---- a/b.yaml ----", "a/b.yaml", "entity.name.section.template"),
    ("x: {{ a.b }}", "{{", "punctuation.section.embedded"),
    ("x: {{ a.b }}", "a", "variable.other"),
    ("x: {% if a %}1{% endif %}", "if", "keyword.control"),
    ("x: {# 1 #} 2", "{#", "comment.block.jinja"),
    ("m: !partial:torch.optim:AdamW@opt", "partial", "storage.type.tag"),
    ("m: !partial:torch.optim:AdamW@opt", "torch.optim", "entity.name.namespace.module"),
    ("m: !partial:torch.optim:AdamW@opt", "AdamW", "support.class.symbol"),
    ("m: !partial:torch.optim:AdamW@opt", "opt", "variable.other.identity"),
    ("m: !call:dict.fromkeys [a]", "dict.fromkeys", "support.class.symbol"),
    ("m: !singleton:.norm:RMSNorm", ".norm", "entity.name.namespace.module"),
    ("m: !call:a/b.py:C {}", "a/b.py", "entity.name.namespace.module"),
    ("m: !dict:@name {}", "name", "variable.other.identity"),
    ("m: [ !var rank ]", "var", "storage.type.tag"),
    ("m: !!float 2", "!!float", "storage.type.tag"),
    ("m: !calling:dict {}", "!calling:dict", "invalid.illegal.tag"),
    ("m: !dictionary {}", "!dictionary", "invalid.illegal.tag"),
    ("a: &anchor 1", "anchor", "entity.name.type.anchor"),
    ("a: *anchor", "anchor", "variable.other.alias"),
    ("    <<: *anchor", "<<", "keyword.operator.merge"),
    (".define: &x 1", ".define", "keyword.other.hidden-key"),
    ("a: True", "True", "constant.language.boolean"),
    ("a: ~", "~", "constant.language.null"),
    ("a: 1.0e-3", "1.0e-3", "constant.numeric.float"),
    ("a: [ 1, -2 ]", "-2", "constant.numeric.integer"),
    ("a: 'it''s {{ b }}'", "b", "variable.other"),
    ("a: |\n    text 1", "    text 1", "string.unquoted.block"),
    ("a: |\n    text\n-- if b", "if", "keyword.control"),
    ("a: |\n    text\nb: 1", "b", "entity.name.tag"),
    ("- a: |\n    text\n  b: 1", "b", "entity.name.tag"),
]

# (text, piece, what none of its scopes starts with)
NOT_PIECES = [
    ("--notspace", "--notspace", "keyword.control.marker"),
    ("==x", "==x", "keyword.control.marker"),
    ("x: [a]", "a", "entity.name.function.block"),
    ("[a, b]", "a", "entity.name.function.block"),
    ("[ a ]", "a", "entity.name.function.block"),
    ("[name-with-dash]", "name-with-dash", "entity.name.function.block"),
    ("#--- my-name ---", "#--- my-name ---", "meta.separator"),
    ("x: don't ## do", "## do", "string"),
    ("x: a#b", "a#b", "comment"),
    ("a: 1e-3", "1e-3", "constant.numeric"),
    ("a: 'b'\nc: d", "c", "string"),
    ("-- set a = 'b'\nc: d", "c", "meta.statement"),
]


def scopes_of(text: str, piece: str) -> list[str]:
    """All scopes of the last token that contains the piece."""
    tokens = [token for line in GRAMMAR.tokenize(text) for token in line if piece in token.text]
    assert tokens, f"no token of {text!r} has {piece!r} in it"
    exact = [token for token in tokens if token.text == piece]
    return list((exact or tokens)[-1].scopes)


@pytest.mark.parametrize(("text", "piece", "scope"), PIECES)
def test_a_piece_has_its_scope(text: str, piece: str, scope: str) -> None:
    scopes = scopes_of(text, piece)
    assert any(each.startswith(scope) for each in scopes), scopes


@pytest.mark.parametrize(("text", "piece", "scope"), NOT_PIECES)
def test_a_piece_is_not_taken_for_what_it_is_not(text: str, piece: str, scope: str) -> None:
    assert not any(each.startswith(scope) for each in scopes_of(text, piece))


def test_every_pattern_compiles_and_every_include_exists() -> None:
    count = 0
    for rule in GRAMMAR.rules():
        for key in ("match", "begin", "end"):
            if key in rule:
                re.compile(re.sub(r"\\1", "", rule[key]))
                count += 1
        if "include" in rule:
            assert rule["include"].removeprefix("#") in GRAMMAR.repository
        assert ("begin" in rule) == ("end" in rule)
    assert count > 40


def test_scopes_end_with_the_name_of_the_language() -> None:
    for rule in GRAMMAR.rules():
        if "name" in rule and rule is not GRAMMAR.data:
            assert rule["name"].endswith(".forgather"), rule["name"]


def test_nothing_runs_over_the_end_of_the_sample() -> None:
    lines = GRAMMAR.tokenize((ROOT / "sample.yaml").read_text(encoding="utf-8"))
    text = ["".join(token.text for token in line) for line in lines]
    assert "\n".join(text) == (ROOT / "sample.yaml").read_text(encoding="utf-8")
    assert lines[-1] == []
    illegal = [t.text for line in lines for t in line if t.scopes[-1].startswith("invalid")]
    assert illegal == ["!calling:dict"]


def test_library_templates_have_no_illegal_piece() -> None:
    for path in sorted((ROOT.parent / "templatelib").rglob("*.yaml")):
        for line in GRAMMAR.tokenize(path.read_text(encoding="utf-8")):
            for token in line:
                assert not token.scopes[-1].startswith("invalid"), (path, token)


def test_the_extension_names_files_that_exist() -> None:
    package = json.loads((VSCODE / "package.json").read_text(encoding="utf-8"))
    contributes = package["contributes"]
    language, grammar = contributes["languages"][0], contributes["grammars"][0]
    assert (VSCODE / language["configuration"]).is_file()
    assert (VSCODE / grammar["path"]).is_file()
    assert (VSCODE / package["main"]).is_file()
    assert grammar["language"] == language["id"] == "forgather"
    assert grammar["scopeName"] == GRAMMAR.data["scopeName"]


def test_language_configuration_compiles() -> None:
    config = json.loads((VSCODE / "language-configuration.json").read_text(encoding="utf-8"))
    for pattern in config["indentationRules"].values():
        re.compile(pattern)
    assert config["comments"]["lineComment"] == "##"
