"""What differs between two keys: every difference is a fact, with a name and a place."""

from __future__ import annotations

from pathlib import Path

import pytest

from forgather.make.digest import FileDigests, digest_bytes
from forgather.make.reasons.data_facts import data_facts, reads_now
from forgather.make.reasons.facts import (
    ABSENT,
    GONE,
    UNMADE,
    Facts,
    edit_text,
    leaves,
    variable_fact,
)
from forgather.make.storage.sources import Edit, Sources

SHA, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def facts(tmp_path):
    roots = {"project": str(tmp_path / "p"), "workspace": str(tmp_path), "forgather": "/lib"}
    sources = Sources(tmp_path / "store")
    return Facts(tmp_path, roots, sources, {}.get, {"log": "train:x"})


def texts(facts: Facts, old: dict, new: dict) -> list[str]:
    return [fact.text for fact in facts.of(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "kind", "text"),
    [
        ({"graph": {"model": SHA}}, {"graph": {"model": OTHER}}, "graph", "target 'model' changed"),
        (
            {"training": {"graph": {"@training": SHA}}},
            {"training": {"graph": {"@training": OTHER}}},
            "graph",
            "the graph of the training changed",
        ),
        (
            {"artifacts": {"tokenizer (tokenizer:v)": SHA}},
            {"artifacts": {"tokenizer (tokenizer:v)": OTHER}},
            "dependency",
            "tokenizer:v came out different",
        ),
        (
            {"artifacts": {}},
            {"artifacts": {"tokenizer (tokenizer:v@size=4)": UNMADE}},
            "dependency",
            "tokenizer:v@size=4 is used now",
        ),
        (
            {"artifacts": {"corpus (dataset:c)": SHA}},
            {"artifacts": {"corpus (dataset:c)": UNMADE}},
            "dependency",
            "dataset:c is not there",
        ),
        ({"log": SHA}, {"log": OTHER}, "dependency", "train:x came out different"),
        (
            {"toolchain": {"torch": "2.1"}},
            {"toolchain": {"torch": "2.2"}},
            "version",
            "torch 2.1 -> 2.2",
        ),
        (
            {"toolchain": {"torch": "2.1"}},
            {"toolchain": {}},
            "version",
            "torch 2.1 -> (not there)",
        ),
        ({"forgather": "1"}, {"forgather": "2"}, "version", "forgather 1 -> 2"),
        ({"language": SHA}, {"language": OTHER}, "forgather", "code of forgather itself changed"),
        (
            {"given": {"variables": {"lr": 1}}},
            {"given": {"variables": {"lr": 2}}},
            "variable",
            "variable lr 1 -> 2",
        ),
        ({"title": "A"}, {"title": "B"}, "value", "title A -> B"),
        ({"new": {"deep": [1]}}, {"new": {"deep": [1, 2]}}, "value", "new.deep [1] -> [1, 2]"),
        ({"a": 1}, {"a": 1.0}, "value", "a 1 -> 1.0"),
    ],
)
def test_each_kind_of_difference(facts, old, new, kind, text):
    (fact,) = facts.of(old, new)
    assert fact.kind == kind and text in fact.text


def test_what_is_not_used_any_more_is_not_looked_into(facts):
    (fact,) = facts.of({"artifacts": {"corpus (dataset:c)": SHA}}, {"artifacts": {}})
    assert fact.text == "dataset:c is not used now" and fact.task is None


def test_no_difference_is_no_fact(facts):
    assert facts.of({"a": {"b": 1}}, {"a": {"b": 1}}) == []


def test_leaves_that_only_one_side_has():
    found = list(leaves({"a": {"x": 1}, "c": {}}, {"b": 2, "c": {}}))
    assert found == [(("a", "x"), 1, GONE), (("b",), GONE, 2)]


# templates


def test_templates_that_come_and_go(facts):
    old = {"reads": {"${project}/t/a": ABSENT, "${workspace}/lib/a": SHA, "${workspace}/x": SHA}}
    new = {"reads": {"${project}/t/a": OTHER, "${workspace}/y": SHA}}
    assert texts(facts, old, new) == [
        "p/t/a now shadows lib/a",
        "x is gone",
        "y is read now",
    ]
    assert texts(facts, new, old)[0] == "p/t/a is gone: lib/a is read in its place"


def test_a_template_without_its_old_text_shows_digests(facts):
    old, new = {"reads": {"${workspace}/a": SHA}}, {"reads": {"${workspace}/a": OTHER}}
    assert texts(facts, old, new) == [f"a changed (sha256 {SHA[:12]} -> {OTHER[:12]})"]


def test_changed_lines_are_shown_and_the_rest_is_counted(facts, tmp_path):
    path = tmp_path / "a"
    old = "".join(f"v{n}: 1\n" for n in range(9)).encode()
    path.write_bytes(old)
    facts.sources.keep([(path, digest_bytes(old))])
    path.write_bytes(old.replace(b"1", b"2"))
    now = digest_bytes(path.read_bytes())
    found = texts(
        facts, {"reads": {"${workspace}/a": digest_bytes(old)}}, {"reads": {"${workspace}/a": now}}
    )
    assert found[0] == "a:1 v0 1 -> 2"
    assert found[-1] == "a: 3 more lines" and len(found) == 7


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (SHA, OTHER, "changed"),
        ("", SHA, "is set now"),
        (SHA, "", "is not set any more"),
        (None, SHA, "is read now"),
        (SHA, None, "is not read now"),
    ],
)
def test_environment_variables(facts, old, new, text):
    name = "environment variable HOME"
    sides = [{"reads": {name: sha} if sha is not None else {}} for sha in (old, new)]
    assert texts(facts, *sides) == [f"{name} {text}"]


def test_only_other_places_were_looked_at(facts):
    old = {"reads": {"${project}/a": ABSENT}}
    assert texts(facts, old, {"reads": {}}) == ["p/a is not looked for now in vain"]


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (Edit(1, "    lr: 1e-3", "    lr: 3e-4"), "lr 1e-3 -> 3e-4"),
        (Edit(1, "-- set ns.lr = 1", "-- set ns.lr = 2"), "ns.lr 1 -> 2"),
        (Edit(1, "WEIGHT = 1", "WEIGHT = 2"), "WEIGHT 1 -> 2"),
        (Edit(1, "lr: 1", "rate: 1"), "'lr: 1' -> 'rate: 1'"),
        (Edit(1, "lr: 1", "lr: 1  "), "'lr: 1' -> 'lr: 1'"),
        (Edit(1, None, " x: 1"), "'x: 1' added"),
        (Edit(1, "x: 1", None), "'x: 1' removed"),
        (Edit(1, None, "  "), "an empty line added"),
        (Edit(1, "a: " + "x" * 99, "a: y"), "a " + "x" * 57 + "... -> y"),
    ],
)
def test_an_edit_as_text(edit, text):
    assert edit_text(edit) == text


def test_variables():
    assert variable_fact("size", GONE, 4).text == "variable size = 4"
    assert variable_fact("size", 3, 4).text == "variable size 3 -> 4"
    assert variable_fact("size", 3, GONE).text == "variable size 3 -> (not there)"


# data


def test_data_files(facts, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(f"{name}: 1\n")
    digests = FileDigests(tmp_path / "files.sqlite")
    files = [["file", str(folder / f"{name}.txt"), ""] for name in "abc"]
    old = [[*read[:2], digests(read[1])] for read in files]
    listing = ["listing", str(folder), "*.txt"]
    old.append([*listing, _listing(folder)])
    facts.sources.keep((read[1], read[2]) for read in old[:3])
    assert data_facts(facts, old, reads_now(old, digests)) == []
    (folder / "a.txt").write_text("a: 22\n")
    (folder / "b.txt").unlink()
    (folder / "d.txt").write_text("")
    (folder / "e.md").write_text("")
    found = [fact.text for fact in data_facts(facts, old, reads_now(old, digests))]
    assert found == ["data/a.txt:1 a 1 -> 22", "data/b.txt is gone", "data/d.txt is new"]


def test_a_listing_whose_files_were_not_read(facts, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    old = [["listing", str(folder), "*.txt", "0" * 64]]
    new = [["listing", str(folder), "*.txt", _listing(folder)]]
    (fact,) = data_facts(facts, old, new)
    assert fact.text == "files were added to or removed from data"


def _listing(folder: Path) -> str:
    from forgather.launch.reads import listing_digest

    return listing_digest(str(folder), "*.txt")
