"""What a render depended on, and renders that hold no time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from forgather.config import ConfigEnvironment
from forgather.lang.trace import Read


def reads(folder: list[Path] | Path, frozen: bool = False, **variables: object) -> list[Read]:
    return ConfigEnvironment(folder, frozen=frozen).load("main.yaml", **variables).trace.reads


def test_templates_with_the_digest_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_bytes(b"a: 1\r\n")
    digest = hashlib.sha256(b"a: 1\r\n").hexdigest()
    path = str(tmp_path / "main.yaml")
    assert reads(tmp_path) == [Read("template", "main.yaml", path, digest)]


def test_places_looked_at_in_vain(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "main.yaml").write_text("-- include 'x' ignore missing\n")
    found = reads([tmp_path / "one", tmp_path / "two"])
    absent = [(read.name, read.path) for read in found if read.kind == "absent"]
    assert absent == [
        ("main.yaml", str(tmp_path / "one" / "main.yaml")),
        ("x", str(tmp_path / "one" / "x")),
        ("x", str(tmp_path / "two" / "x")),
    ]


def test_variables_that_were_used_or_looked_for(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(
        "-- set own = 1\na: {{ lr }}\nb: {{ steps|default(3) }}\nc: {{ own }}\n"
    )
    found = {r.name: r.digest for r in reads(tmp_path, lr=1, unused=2) if r.kind == "variable"}
    assert set(found) == {"lr", "steps"}
    assert found["steps"] is None
    assert found["lr"] == hashlib.sha256(b"1").hexdigest()


def test_variables_used_by_an_included_template(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text("-- include 'part'\n")
    (tmp_path / "part").write_text("a: {{ lr }}\n")
    assert [r.name for r in reads(tmp_path, lr=1, other=2) if r.kind == "variable"] == ["lr"]


def test_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FG_SET", "v")
    monkeypatch.delenv("FG_UNSET", raising=False)
    (tmp_path / "main.yaml").write_text("a: {{ getenv('FG_SET') }}{{ getenv('FG_UNSET', '') }}\n")
    found = {r.name: r.digest for r in reads(tmp_path) if r.kind == "env"}
    assert found == {"FG_SET": hashlib.sha256(b"v").hexdigest(), "FG_UNSET": None}


VOLATILE = """\
a: '{{ isotime() }}'
b: '{{ filetime() }}'
c: '{{ utcisotime() }}'
d: '{{ utcfiletime() }}'
e: '{{ hostname }}'
f: '{{ getcwd() }}'
g: '{{ abspath("x") }}'
"""


def test_volatile_functions_are_named(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(VOLATILE + "h: {{ now().year }} {{ utcnow().year }}\n")
    names = {read.name for read in reads(tmp_path) if read.kind == "volatile"}
    assert names == {
        "isotime", "filetime", "utcisotime", "utcfiletime", "hostname", "cwd", "now", "utcnow"
    }  # fmt: skip


def test_a_frozen_render_holds_tokens(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(VOLATILE)
    config = ConfigEnvironment(tmp_path, frozen=True).load("main.yaml").config
    assert dict(config) == {
        "a": "${isotime}",
        "b": "${filetime}",
        "c": "${utcisotime}",
        "d": "${utcfiletime}",
        "e": "${hostname}",
        "f": "${cwd}",
        "g": "${cwd}/x",
    }


def test_times_of_one_render_agree(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(
        "a: '{{ isotime() }}'\nb: '{{ now().isoformat(timespec='seconds') }}'\n"
        "c: {{ utcnow().timestamp() - now().timestamp() }}\n"
    )
    config = ConfigEnvironment(tmp_path).load("main.yaml").config
    assert config.a == config.b
    assert config.c == 0.0


def test_versions_come_from_metadata(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(
        "a: '{{ versions.torch }}'\nb: '{{ versions.python }}'\nc: {{ versions|length }}\n"
    )
    loaded = ConfigEnvironment(tmp_path).load("main.yaml")
    assert loaded.config.a[0].isdigit()
    assert loaded.config.b.startswith("3.")
    assert loaded.config.c == 4
    assert "versions.torch" in [read.name for read in loaded.trace.reads]


def test_a_package_that_is_not_installed() -> None:
    from forgather.lang.variables import installed_version

    assert installed_version("surely-not-a-package") == "not installed"
