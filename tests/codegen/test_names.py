"""Names in generated code."""

import pytest

from forgather.codegen.names import Names, identifier, is_plain_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("foo", "foo"),
        ("my-layer.2", "my_layer_2"),
        ("2nd", "_2nd"),
        ("__x", "_x"),
        ("", "_"),
        ("é", "é"),
    ],
)
def test_identifiers(text, name):
    assert identifier(text) == name
    assert identifier(text).isidentifier()


def test_nothing_is_hidden_and_nothing_repeats():
    names = Names(reserved=["Linear"])
    assert [names.fresh(n) for n in ("max", "class", "Linear", "x", "x", "x")] == [
        "max_", "class_", "Linear_", "x", "x_", "x_2",
    ]  # fmt: skip


def test_greek_names_do_not_run_out():
    names = Names(reserved=["beta_"])
    made = [names.automatic() for _ in range(60)]
    assert made[:3] == ["alpha_", "gamma_", "delta_"]
    assert len(set(made)) == 60
    assert made[23] == "alpha_2"


def test_plain_names():
    assert is_plain_name("abc")
    assert not any(map(is_plain_name, ["", "a-b", "class", "__private", "\ufb01", 3]))
