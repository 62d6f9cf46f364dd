"""Random templates: a coded error or a graph, never anything else, and never without end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forgather.config import ConfigEnvironment
from forgather.errors import ForgatherError

FRAGMENTS = [
    *[
        "--",
        "<<",
        ">>",
        "==",
        "=>",
        "##",
        "#",
        "[a]",
        "[b!]",
        "[",
        "]",
        "{",
        "}",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{-",
        "-}}",
        ":",
        "-",
        ",",
        "'",
        '"',
        "\\",
        "|",
        ">",
        "!",
        "&",
        "*",
        "?",
        "%",
        "@",
        "`",
        "~",
    ],
    *[
        "if",
        "else",
        "endif",
        "for",
        "in",
        "endfor",
        "block",
        "endblock",
        "set",
        "extends",
        "include",
        "import",
        "macro",
        "endmacro",
        "raw",
        "endraw",
    ],
    *[
        "filter",
        "endfilter",
        "call",
        "endcall",
        "super()",
        "self",
        "ns",
        "namespace()",
        "x",
        "y.z",
        "range(3)",
        "toyaml",
        "trim",
        "join",
    ],
    *[
        "!call:dict",
        "!partial:a:b.c",
        "!list",
        "!dlist",
        "!var",
        "!meta:len",
        "@n",
        "&x",
        "*x",
        "<<:",
        "a:",
        ".d:",
        "b:",
        "1",
        "1.0e-3",
        "null",
        "[]",
        "{}",
    ],
    *[
        "#----",
        "t",
        "----",
        "'main.yaml'",
        "'t'",
        "'b.yaml'",
        "required",
        "true",
        "none",
        "joinpath(x)",
        "raise('r')",
        "getcwd()",
        "9",
        "**",
        "99",
    ],
    "\n",
    "\n    ",
    " ",
    "\t",
    "-- if true\n",
    "-- endif\n",
    "-- for i in x\n",
    "-- endfor\n",
    "\n#---- t ----\n",
    "-- extends 'b.yaml'\n",
    "-- include 't'\n",
    "[a]\n",
    "    [b]\n",
    "a: &x ",
    "b: *x\n",
    "\x00",
    "\r",
    "\ufeff",
    "\ud800",
    "é",
    "\u2028",
]
QUIET = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _load(folder: Path, text: str) -> None:
    (folder / "main.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / "b.yaml").write_text("-- set ns = namespace(x=1)\n[a]\na: 1\n[b]\nb: 2\n")
    environment = ConfigEnvironment(folder)
    loads = [
        lambda: environment.load("main.yaml", x=[1, 2], y={"z": 1}),
        lambda: environment.load_from_string(text, x=[1, 2], y={"z": 1}),
        lambda: environment.load_from_ppstring(text),
    ]
    for load in loads:
        try:
            config = load()
        except ForgatherError as error:
            assert error.code
            assert error.render()
        else:
            assert len(config.source_map) == config.pp_config.count("\n") + 1
            assert isinstance(config.spans, dict)
            assert isinstance(config.warnings, list)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@QUIET
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_fragments_joined(tmp_path: Path, text: str) -> None:
    _load(tmp_path, text)


@QUIET
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(" ".join))
def test_fragments_spaced(tmp_path: Path, text: str) -> None:
    _load(tmp_path, text)


@QUIET
@given(st.text(max_size=200))
def test_any_text(tmp_path: Path, text: str) -> None:
    _load(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
        "a: {{ " + "[" * 150 + "]" * 150 + " }}",
        "a: " + "[" * 500 + "]" * 500,
        "".join(" " * depth + "a:\n" for depth in range(400)),
        "\n".join("-- if true" for _ in range(200)) + "\n-- endif" * 200,
        "\n".join("-- for i in x" for _ in range(30)) + "\n-- endfor" * 30,
        "".join(f"{'  ' * depth}[b{depth}]\n" for depth in range(200)),
        "a: &a [x]\n"
        + "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '*a'] * 9)}]\n" for n in range(12)
        ),
        "{{ 1" + "0" * 5000 + " }}",
        "-- for i in range(99999)\n-- set _ = 'x' * 30000000\n-- endfor",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{{ '%099999999d' % 1 }}",
        "{{ 'x'.ljust(10 ** 12) }}",
        "{{ 'x'|center(10 ** 12) }}",
        "{{ [0] * 10 ** 10 }}",
        "{{ range(10 ** 9) }}",
        "%TAG ! tag:x,2000:\n---\na: !call:dict {}",
        "%YAML 9.9\n---\na: 1",
        "a: !<tag:yaml.org,2002:python/name:os.system> x",
        "a: !%zz 1",
    ],
    ids=range(20),
)
def test_extremes(tmp_path: Path, text: str) -> None:
    _load(tmp_path, text)
