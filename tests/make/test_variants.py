"""Names of variants: one spelling for each, read back to the same values, safe as folders."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forgather.errors import UsageError
from forgather.make.sweeps import values, variants

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab,:' ", max_size=3), inner)
    ),
    max_leaves=6,
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 6),
        ("-6", -6),
        ("0x1F", 31),
        ("0o17", 15),
        ("012", 12),
        ("3e-4", 3e-4),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("", None),
        ("~", None),
        ("yes", "yes"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("adamw", "adamw"),
        ("don't", "don't"),
        ("'6'", "6"),
        ("'a,b'", "a,b"),
        ("'it''s'", "it's"),
        ('"tab\\t"', "tab\t"),
        ("[0.9,0.95]", [0.9, 0.95]),
        ("[]", []),
        ("{type:linear, factor:2.0}", {"type": "linear", "factor": 2.0}),
        ("[[1,2],{a:[b]}]", [[1, 2], {"a": ["b"]}]),
    ],
)
def test_values_are_typed_as_yaml_1_2_types_them(text, value):
    found = values.read(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-4, "3e-4"),
        (0.1, "0.1"),
        (0.01, "0.01"),
        (1e-3, "1e-3"),
        (1.0, "1.0"),
        (1, "1"),
        (True, "true"),
        (100000.0, "1e5"),
        (-2.5e-7, "-2.5e-7"),
        ("yes", "yes"),
        ("true", "'true'"),
        ("1e5", "'1e5'"),
        ("", "''"),
        ("a b", "'a b'"),
        ("a*", '"a\\u002a"'),
        ((1, 2), "[1,2]"),
        ({"b": 1, "a": None}, "{a:null,b:1}"),
    ],
)
def test_each_value_has_one_spelling(value, text):
    assert values.text(value) == text


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_a_name_is_read_back_to_the_same_values(given):
    name = variants.join("folder/config", given)
    config, suffix = variants.split(name)
    assert config == "folder/config"
    assert not variants.is_pattern(suffix)
    assert typed(variants.parse(suffix)) == typed(given)
    assert variants.spell(variants.parse(suffix)) == suffix


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_a_folder_is_one_short_name_of_harmless_characters(given):
    folder = variants.folder(variants.join("folder/config", given))
    parent, _, name = folder.partition("/")
    assert parent == "folder" and len(name) < 200
    assert all(c.isascii() and (c.isalnum() or c in "_.,=+-%~@") for c in name)


def typed(value):
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [typed(item) for item in value]
    return type(value).__name__, str(value)


def test_long_values_have_folders_that_differ():
    names = [variants.folder(variants.join("x", {"text": "a" * 300 + end})) for end in "bc"]
    assert names[0] != names[1]


def test_order_and_spelling_do_not_matter():
    wanted = "train:tiny_llama@layers=6,lr=3e-4"
    for typed_name in ("lr=3e-4,layers=6", "layers=6, lr=0.0003", "layers=6,lr=3.0E-4"):
        assert variants.respell(f"train:tiny_llama@{typed_name}") == wanted
    assert variants.respell("train:tiny_llama") == "train:tiny_llama"
    assert variants.respell("train:tiny_llama@lr=*") == "train:tiny_llama@lr=*"


def test_what_is_no_variant_is_left_alone():
    for name in ("tiny_llama", "a@b/c", "tiny_llama@1a2b3c4d", "team@home/config"):
        assert variants.split(name) == (name, None)
    assert variants.split("a@b/c@lr=1") == ("a@b/c", "lr=1")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", [0, 1, 2]),
        ("lr=3e-4,*", [0, 1]),
        ("lr=*", [0, 1, 2]),
        ("layers=*", [0, 2]),
        ("opt=ad*", [1]),
        ("layers=6,lr=*", [0]),
        ("lr=7,*", []),
    ],
)
def test_patterns(pattern, expected):
    given = [{"lr": 3e-4, "layers": 6}, {"lr": 3e-4, "opt": "adam"}, {"lr": 1, "layers": 2}]
    fits = variants.matcher(pattern)
    assert variants.is_pattern(pattern)
    assert [number for number, one in enumerate(given) if fits(one)] == expected


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        ("lr=1,lr=2", "'lr' is given twice"),
        ("lr=1,layers", "'layers' is not name=value"),
        ("lr=1,", "'' is not name=value"),
        ("betas=[0.9,0.95", "expected"),
        ("a='b", "a quote is not closed"),
        ("a={b}", "expected ':' after a key"),
        ("a=[1]x", "unexpected 'x'"),
        ('a="\\q"', "is not a JSON string"),
    ],
)
def test_a_malformed_name_is_refused(suffix, message):
    with pytest.raises(UsageError) as caught:
        variants.parse(suffix)
    assert message in str(caught.value) and caught.value.code == "FG643"
