"""ConfigEnvironment and Config: the face of the language."""

from __future__ import annotations

from pathlib import Path

import pytest

import forgather
from forgather.config import Config, ConfigDict, ConfigEnvironment, ConfigText, DotDict
from forgather.errors import ForgatherError, TargetError


@pytest.fixture
def environment(tmp_path: Path) -> ConfigEnvironment:
    (tmp_path / "main.yaml").write_text(
        "-- extends 'sub/base.yaml'\n[x]\n-- include 'part'\na: {{ lr }}\n#--- part ---\nb: 2\n\n"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yaml").write_text("[x]\na: 1\n")
    return ConfigEnvironment([tmp_path, tmp_path / "absent"], global_vars={"lr": 5})


def test_load(environment: ConfigEnvironment) -> None:
    config = environment.load("main.yaml")
    assert isinstance(config, Config)
    graph, text = config.get()
    assert graph == {"b": 2, "a": 5}
    assert text == "b: 2\na: 5\n"
    assert isinstance(graph, ConfigDict)
    assert isinstance(text, ConfigText)


def test_variables_go_before_global_ones(environment: ConfigEnvironment) -> None:
    assert environment.load("main.yaml", lr=7).config.a == 7


def test_preprocess(environment: ConfigEnvironment) -> None:
    assert environment.preprocess("main.yaml", lr=1) == "b: 2\na: 1\n"


def test_strings(environment: ConfigEnvironment) -> None:
    text = "-- extends 'sub/base.yaml'\n[x]\n    == super()\nc: {{ z }}\n"
    assert environment.preprocess_from_string(text, z=3) == "a: 1\n\nc: 3\n"
    assert environment.load_from_string(text, z=3).config == {"a": 1, "c": 3}


def test_strings_are_not_split(environment: ConfigEnvironment) -> None:
    assert environment.load_from_string("a: 1\n#--- x ---\nb: 2\n").config == {"a": 1, "b": 2}


def test_rendered_text_is_not_rendered_again(environment: ConfigEnvironment) -> None:
    config = environment.load_from_ppstring("a: '{{ x }}'\n-- b: 1\n")
    assert config.config == {"a": "{{ x }}", "-- b": 1}
    with pytest.raises(ForgatherError) as caught:
        environment.load_from_ppstring("a: 1\nb: *x\n")
    assert (caught.value.where.line, caught.value.where.column) == (2, 4)


def test_referenced_templates(environment: ConfigEnvironment, tmp_path: Path) -> None:
    found = list(environment.find_referenced_templates("main.yaml"))
    main, base = str(tmp_path / "main.yaml"), str(tmp_path / "sub" / "base.yaml")
    assert found == [(0, "main.yaml", main), (1, "part", main), (1, "sub/base.yaml", base)]
    assert environment.get_template_dependencies("main.yaml") == [main, base]


def test_templates_added_to_one_environment_are_shared_with_another(tmp_path: Path) -> None:
    first = ConfigEnvironment(tmp_path)
    first.get_loader().add_template("x", "a: 1\n")
    assert ConfigEnvironment(tmp_path, first).load("x").config == {"a": 1}


def test_blocks(environment: ConfigEnvironment) -> None:
    places = environment.load("main.yaml").blocks["x"]
    assert [(span.template, span.line) for span in places] == [
        ("main.yaml", 2),
        ("sub/base.yaml", 1),
    ]


def test_a_variable_may_have_any_name(environment: ConfigEnvironment) -> None:
    assert environment.load_from_string("a: {{ path }}{{ self_ }}", path=1, self_=2).config.a == 12


class TestConfigText:
    def test_line_numbers(self) -> None:
        text = ConfigText("a: 1\nb: 2")
        assert text.with_line_numbers() == "     1: a: 1\n     2: b: 2"
        assert text.with_line_numbers(False) == "a: 1\nb: 2"


class TestDotDict:
    def test_attributes(self) -> None:
        data = DotDict(model=1)
        assert data.model == 1
        data.other = 2
        assert data["other"] == 2
        assert "model" in dir(data)

    def test_missing(self) -> None:
        data = DotDict(model=1)
        assert not hasattr(data, "modl")
        with pytest.raises(KeyError):
            data.modl  # noqa: B018
        with pytest.raises(TargetError) as caught:
            data.modl  # noqa: B018
        assert caught.value.hint == "did you mean 'model'?"


def test_the_package_is_lazy() -> None:
    assert forgather.ConfigEnvironment is ConfigEnvironment
    assert set(forgather.__all__) <= set(dir(forgather))
    with pytest.raises(AttributeError):
        forgather.nothing  # noqa: B018
