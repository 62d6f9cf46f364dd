"""Every rebuild is explained, down to the changed line: a table of edits, before the build and after it.

The last line of what ``doit why`` prints is where the chain ends. Before the build, whatever would run has
a reason; what runs then was foretold; and afterwards ``doit why --last`` ends at the same place.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration import forked
from tests.integration.cheap import KINDS, make_workspace
from tests.integration.test_edits import (
    CONFIG,
    EDGE,
    FREEZE,
    LIB,
    NET,
    OBSERVER,
    OPTIONAL,
    PATTERN,
    RUN,
    VALUES,
    VOCAB,
    Edit,
    Space,
    append,
    change,
    copy,
    many,
    put_back,
    remove,
    snapshot,
    variable,
    write,
)

SHADOW = "upper/common/values.yaml"
SWEEP = "sweep:\n    grid: { size: [ 4, 5 ] }\n"
SIZE = "{{ size | default(3) }}"


@dataclass(frozen=True)
class Case:
    """edit: what is done. task: what is asked about. end: the last line before and after the build;
    ``last`` where the two are not the same. before: what is done, and built, before. also: further tasks
    to build, that no kind would find."""

    edit: Edit
    task: str
    end: str
    last: str | None = None
    before: Edit | None = None
    also: tuple[str, ...] = ()


def forget(task: str) -> Edit:
    def edit(space: Space) -> None:
        done = forked.doit(space.root, "forget", task, environment=space.environment)
        assert done.code == 0, done.output

    return edit


def library(name: str, version: str) -> Edit:
    """Another version of a library, as its ``.dist-info`` tells; put_libraries_back takes it away."""

    def edit(space: Space) -> None:
        (space.path("libraries") / f"{name}-{version}.dist-info").mkdir(parents=True)
        sys.path.insert(0, str(space.path("libraries")))

    return edit


def build_only(*tasks: str) -> Edit:
    def edit(space: Space) -> None:
        done = forked.doit(space.root, *tasks, environment=space.environment)
        assert done.code == 0, done.output

    return edit


def size_of(value: object) -> str:
    return f"{CONFIG}:7 size {SIZE} -> {value}"


CASES = {
    "a value in a template": Case(
        change(RUN, "lr: 1.0e-3", "lr: 2.0e-3"), "train:run", f"{RUN}:21 lr 1.0e-3 -> 2.0e-3"
    ),
    "a value in the base": Case(
        change(LIB, "hidden=4", "hidden=5"),
        "train:run",
        "lib/base.yaml:2 ns namespace(level=1, hidden=4) -> namespace(level=1, hidden=5)",
    ),
    "a comment": Case(
        change(LIB, "## Root of", "## The root of"),
        "pp:plain",
        "lib/base.yaml:1 '## Root of the configs. Level 1.' -> '## The root of the configs. Level 1.'",
    ),
    "a template that shadows another": Case(
        copy(VALUES, SHADOW, "alpha: 1", "alpha: 9"),
        "graph:plain",
        f"{SHADOW} now shadows {VALUES}",
    ),
    "a template that was looked for in vain": Case(
        write(OPTIONAL, "optional: 1\n"),
        "graph:plain",
        f"{OPTIONAL} appeared; it had been looked for in vain",
    ),
    "a template that is gone": Case(
        remove(SHADOW),
        "graph:plain",
        f"{SHADOW} is gone: {VALUES} is read in its place",
        before=copy(VALUES, SHADOW, "alpha: 1", "alpha: 9"),
    ),
    "a variable of the environment": Case(
        variable("CHEAP_USER", "somebody"),
        "graph:plain",
        "environment variable CHEAP_USER is set now",
    ),
    "a module": Case(
        change("code/net_maker.py", "WEIGHT = 1", "WEIGHT = 2"),
        "train:run",
        "code/net_maker.py:8 WEIGHT 1 -> 2",
    ),
    "a module that another imports": Case(
        change("code/casing.py", "MARK = 1", "MARK = 2"),
        "tokenizer:vocab",
        "code/casing.py:3 MARK 1 -> 2",
    ),
    "a file that is named by its path": Case(
        append("shapes/square.py", "# end\n"), "model:net", "shapes/square.py:8 '# end' added"
    ),
    "a data file": Case(
        change("data/one.txt", "once", "twice"),
        "tokenizer:vocab",
        "data/one.txt:1 'once upon a time' -> 'twice upon a time'",
    ),
    "one more data file": Case(
        write("data/three.txt", "three\n"), "tokenizer:vocab", "data/three.txt is new"
    ),
    "a data file less": Case(remove("data/two.txt"), "tokenizer:vocab", "data/two.txt is gone"),
    "an option of the tokenizer": Case(
        change(VOCAB, "size: 20", "size: 21"), "tokenizer:vocab", f"{VOCAB}:12 size 20 -> 21"
    ),
    "an argument for another config": Case(
        change(VOCAB, EDGE, EDGE + PATTERN),
        "tokenizer:vocab",
        "variable pattern = o*.txt",
    ),
    "a library": Case(
        library("tokenizers", "9.9"), "tokenizer:vocab", "tokenizers (version) -> 9.9"
    ),
    "an observer": Case(
        change(RUN, FREEZE, OBSERVER), "graph:run", f"{RUN}:31 'header_interval: 3' added"
    ),
    "a forgotten task": Case(forget("model:net"), "model:net", "it was forgotten"),
    "an artifact edited by hand": Case(
        append("build/net/model/weight.txt", "2"),
        "model:net",
        "build/net/model/weight.txt was altered",
    ),
    "an artifact that is gone": Case(
        remove("build/vocab/tokenizer/vocab.json"),
        "tokenizer:vocab",
        "build/vocab/tokenizer/vocab.json is missing",
    ),
    "a new variant": Case(
        lambda space: None,
        "graph:plain@size=7",
        "variable size = 7",
        also=("graph:plain@size=7",),
    ),
    "a value in a sweep": Case(
        change(CONFIG, "[ 4, 5 ]", "[ 4, 6 ]"),
        "graph:plain@size=6",
        "variable size = 6",
        before=append(CONFIG, SWEEP),
        also=("graph:plain@*",),
    ),
    "what a variant's variable is used for": Case(
        change(CONFIG, SIZE, "{{ (size | default(3)) * 2 }}"),
        "graph:plain@size=4",
        size_of("{{ (size | default(3)) * 2 }}"),
        before=append(CONFIG, SWEEP),
        also=("graph:plain@*",),
    ),
    "what was built already": Case(
        many(
            change("code/net_maker.py", "WEIGHT = 1", "WEIGHT = 3"),
            build_only("model:net"),
            append("code/net_maker.py", "# end\n"),
            build_only("model:net"),
        ),
        "train:run",
        "code/net_maker.py:8 WEIGHT 1 -> 3 (and 1 more)",
    ),
    "a config that was rendered already": Case(
        many(change(NET, "count: 2", "count: 3"), build_only("pp:net", "graph:net")),
        "model:net",
        f"{NET}:7 count 2 -> 3",
    ),
}


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    forked.warm()
    folder = tmp_path_factory.mktemp("why")
    space = Space(make_workspace(folder / "ws"), {"FORGATHER_CACHE_DIR": "off"})
    space.build()
    return space


@pytest.fixture(autouse=True)
def put_libraries_back(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def why(space: Space, *arguments: str) -> list[str]:
    done = forked.doit(space.root, "why", *arguments, environment=space.environment)
    assert done.code == 0, done.output
    return done.output.splitlines()


def build(space: Space, also: tuple[str, ...] = ()) -> forked.Outcome:
    done = space.build()
    if also:
        more = forked.doit(space.root, *also, environment=space.environment)
        assert more.code == 0, more.output
        done.made |= more.made
    return done


def foretold(space: Space, also: tuple[str, ...]) -> dict[str, str]:
    """The state of every task that there is, each of them explained."""

    def look() -> int:
        from forgather.make.catalog import Catalog
        from forgather.make.reasons.explain import Explainer

        catalog = Catalog(space.root)
        explain = Explainer(catalog)
        reasons = {name: explain(name) for name in catalog.closure([*KINDS, *also])}
        unexplained = [
            name
            for name, reason in reasons.items()
            if reason.state not in ("current", "none")
            and not (reason.facts or reason.changes or reason.causes)
        ]
        assert not unexplained
        print(json.dumps({name: reason.state for name, reason in reasons.items()}))
        return 0

    with TemporaryDirectory() as scratch:
        child = forked.start_call(space.root, look, space.environment, Path(scratch))
        done = forked.wait(child, Path(scratch))
    assert done.code == 0, done.output
    return json.loads(done.output)


def ends(lines: list[str], end: str) -> bool:
    """Is this the last line? A version may be any."""
    before, mark, after = end.partition("(version)")
    last = lines[-1].strip()
    return last.startswith(before) and last.endswith(after) if mark else last == end


@pytest.fixture
def restored(space) -> Iterator[Callable[[], None]]:
    files, environment = snapshot(space.root), dict(space.environment)
    yield
    sys.path[:] = [path for path in sys.path if not path.startswith(str(space.root))]
    put_back(space, files, environment)
    space.build()


@pytest.mark.parametrize("name", CASES, ids=[name.replace(" ", "-") for name in CASES])
def test_a_rebuild_is_explained_before_and_after(space, restored, name):
    case = CASES[name]
    if case.before is not None:
        case.before(space)
        build(space, case.also)
    case.edit(space)
    states = foretold(space, case.also)
    lines = why(space, case.task)
    assert ends(lines, case.end), "\n".join(lines)
    done = build(space, case.also)
    assert case.task in done.made
    assert done.made.keys() <= {task for task, state in states.items() if state != "current"}
    assert {
        task for task, state in states.items() if state in ("run", "restore")
    } <= done.made.keys()
    lines = why(space, "--last", case.task)
    assert lines[0].startswith(f"{case.task} ran (")
    assert ends(lines, case.last or case.end), "\n".join(lines)
    assert why(space, case.task) == [f"{case.task} is up to date"]


def test_a_build_of_everything_anew_is_explained(space):
    done = forked.doit(space.root, "-a", "pp:plain", environment=space.environment)
    assert done.code == 0, done.output
    assert why(space, "--last", "pp:plain")[-1].strip() == "it was asked for again (--always)"


def test_the_last_run_of_a_config_that_is_gone(space, restored):
    remove("projects/plain/templates/configs/third.yaml")(space)
    assert why(space, "--last", "pp:plain/third")[0].startswith("pp:plain/third ran (")
    done = forked.doit(space.root, "why", "pp:plain/third", environment=space.environment)
    assert done.code != 0 and "there is no config 'plain/third'" in done.output


def test_a_config_that_is_broken_says_where(space, restored):
    change(RUN, "seed: 42", "seed: [")(space)
    done = forked.doit(space.root, "why", "train:run", environment=space.environment)
    assert done.code != 0 and f"{RUN}:" in done.output and "Traceback" not in done.output
    assert why(space, "--last", "train:run")[0].startswith("train:run ran (")


def test_what_is_built_elsewhere_and_what_never_was(space):
    assert why(space, "model:run") == ["model:run is up to date"]
    assert why(space, "--last", "model:run")[0] == "model:run is the same as"
    lines = why(space, "graph:plain@size=12")
    assert lines[0] == "graph:plain@size=12 would run"
    assert why(space, "--last", "graph:plain@size=12") == ["graph:plain@size=12 has not run here"]


def test_a_value_that_is_set_back_comes_from_the_store(space, restored):
    change(NET, "count: 2", "count: 4")(space)
    space.build()
    change(NET, "count: 4", "count: 2")(space)
    build_only("pp:net", "graph:net")(space)
    lines = why(space, "model:net")
    assert lines[0] == "model:net would come from the store"
    assert ends(lines, f"{NET}:7 count 4 -> 2"), lines
    assert space.build().made["model:net"] == "restored"


def test_an_interrupted_training_says_that_it_goes_on(space, restored):
    change(RUN, "seed: 42", "seed: 43")(space)
    hook = write("hook.py", "import os\nif what == 'train': os.kill(os.getpid(), 9)\n")
    hook(space)
    environment = space.environment | {"CHEAP_HOOK": str(space.path("hook.py"))}
    done = forked.doit(space.root, "train:run", environment=environment)
    assert done.code != 0
    assert any("goes on where it stopped" in line for line in why(space, "train:run"))


def test_as_data(space, restored):
    change(RUN, "lr: 1.0e-3", "lr: 2.0e-3")(space)
    found = json.loads("\n".join(why(space, "--format", "json", "train:run")))
    assert (found["task"], found["state"]) == ("train:run", "run")
    (changed,) = found["changes"]
    assert changed == {
        "kind": "changed",
        "path": "trainer.optimizer.lr",
        "old": "0.001",
        "new": "0.002",
        "at": f"{RUN}:21",
    }
    (graph,) = found["causes"]
    (rendered,) = graph["causes"]
    (edit,) = rendered["facts"]
    assert (edit["kind"], edit["line"], edit["subject"]) == ("edit", 21, RUN)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train:runn",), "did you mean 'run'?"),
        (("lint",), "makes no artifact"),
        ((), "takes exactly one task"),
        (("a", "b"), "takes exactly one task"),
        (("tokenizer:net",), "net has no tokenizer"),
    ],
)
def test_mistakes(space, arguments, message):
    done = forked.doit(space.root, "why", *arguments, environment=space.environment)
    assert done.code == 3 and message in done.output and "Traceback" not in done.output


def test_without_its_entries_the_values_are_still_told(space, restored):
    """What the store has lost of the provenance, the records and the configs make up for."""
    change(RUN, "lr: 1.0e-3", "lr: 4.0e-3")(space)
    space.build()
    for entry in space.path("build/store/ac").iterdir():
        if '"kind":"train"' in entry.read_text():
            entry.unlink()
    lines = why(space, "--last", "train:run")
    assert f"  {RUN}:21 trainer.optimizer.lr 0.001 -> 0.004" in lines
    assert ends(lines, f"{RUN}:21 lr 1.0e-3 -> 4.0e-3")
