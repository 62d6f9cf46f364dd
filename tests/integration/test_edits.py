"""What an edit rebuilds: a table of edits, each with the exact set of tasks whose action runs.

The workspace is built before, edited, and built; then the edit is taken back, after which nothing may
run again: everything comes from the store. The tasks of a step that is restored are not in the set.

Long because of the table: one edit a line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration import forked
from tests.integration.cheap import KINDS, make_workspace, outputs

CONFIGS = ("corpus", "vocab", "net", "run", "plain", "plain/second", "plain/third")
WRAPPED = ("vocab", "plain", "plain/third")  # they extend wrapped.yaml
PLAIN = ("plain", "plain/second", "plain/third")

LIB, VALUES, OPTIONAL = "lib/base.yaml", "lib/common/values.yaml", "lib/common/optional.yaml"
NET = "projects/net/templates/configs/net.yaml"
RUN = "projects/run/templates/configs/run.yaml"
VOCAB = "projects/vocab/templates/configs/vocab.yaml"
CONFIG = "projects/plain/templates/configs/plain.yaml"
META = "projects/plain/meta.yaml"
DEFAULTS = "forgather_workspace/meta_defaults.yaml"


def pp(*configs: str) -> set[str]:
    return {f"pp:{config}" for config in configs}


def both(*configs: str) -> set[str]:
    """Text and graph."""
    return pp(*configs) | {f"graph:{config}" for config in configs}


NOTHING: set[str] = set()
DATA = {"dataset:corpus", "tokenizer:vocab"}
MODEL = {"model:net", "train:run"}
TRAIN = both("run") | {"train:run"}


@dataclass
class Space:
    """The workspace, and what must be undone."""

    root: Path
    environment: dict[str, str | None] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.root / name

    def build(self) -> forked.Outcome:
        done = forked.doit(self.root, *KINDS, environment=self.environment)
        assert done.code == 0, done.output
        return done


Edit = Callable[[Space], None]


def change(name: str, old: str, new: str) -> Edit:
    def edit(space: Space) -> None:
        text = space.path(name).read_text()
        assert text.count(old) == 1, f"{old!r} is not once in {name}"
        space.path(name).write_text(text.replace(old, new))

    return edit


def swap(name: str, one: str, other: str) -> Edit:
    """Exchange two texts of a file."""

    def edit(space: Space) -> None:
        text = space.path(name).read_text()
        assert one in text and other in text
        text = text.replace(one, "\0").replace(other, one).replace("\0", other)
        space.path(name).write_text(text)

    return edit


def write(name: str, text: str) -> Edit:
    def edit(space: Space) -> None:
        space.path(name).parent.mkdir(parents=True, exist_ok=True)
        space.path(name).write_text(text)

    return edit


def append(name: str, text: str) -> Edit:
    return lambda space: write(name, space.path(name).read_text() + text)(space)


def copy(source: str, target: str, old: str = "", new: str = "") -> Edit:
    return lambda space: write(target, space.path(source).read_text().replace(old, new))(space)


def remove(name: str) -> Edit:
    return lambda space: space.path(name).unlink()


def move(source: str, target: str) -> Edit:
    return lambda space: (copy(source, target)(space), remove(source)(space))[1]


def variable(name: str, value: str | None) -> Edit:
    return lambda space: space.environment.update({name: value})


def touch_everything(when: float | None) -> Edit:
    def edit(space: Space) -> None:
        for folder, folders, names in os.walk(space.root):
            folders[:] = [name for name in folders if name != "build"]
            for name in names:
                os.utime(os.path.join(folder, name), None if when is None else (when, when))

    return edit


def same_date(edit: Edit, name: str) -> Edit:
    """The edit, with the date of the file set back to what it was."""

    def dated(space: Space) -> None:
        before = space.path(name).stat()
        edit(space)
        assert space.path(name).stat().st_size == before.st_size
        os.utime(space.path(name), ns=(before.st_atime_ns, before.st_mtime_ns))

    return dated


def same_folder_date(edit: Edit, name: str) -> Edit:
    """The edit, with the date of a folder set back to what it was."""

    def dated(space: Space) -> None:
        before = space.path(name).stat()
        edit(space)
        os.utime(space.path(name), ns=(before.st_atime_ns, before.st_mtime_ns))

    return dated


def anew(name: str) -> Edit:
    """The same bytes in a new file."""

    def edit(space: Space) -> None:
        copied = space.path(name + ".new")
        copied.write_bytes(space.path(name).read_bytes())
        os.replace(copied, space.path(name))

    return edit


def linked(name: str) -> Edit:
    """The file becomes a link to a copy of it."""

    def edit(space: Space) -> None:
        copy(name, "elsewhere/copy.txt")(space)
        remove(name)(space)
        space.path(name).symlink_to(space.path("elsewhere/copy.txt"))

    return edit


def folder(name: str) -> Edit:
    return lambda space: space.path(name).mkdir(parents=True)


def many(*edits: Edit) -> Edit:
    def edit(space: Space) -> None:
        for each in edits:
            each(space)

    return edit


OBSERVER = """\
        - !factory:forgather.ml.trainer.callbacks:ProgressCallback
            header_interval: 3
        - !singleton:cheap_trainer:Freeze
"""
NAMESAKE = """\
        - !singleton:cheap_trainer:JsonLogger
            after: 9
        - !singleton:cheap_trainer:Freeze
"""
FREEZE = "        - !singleton:cheap_trainer:Freeze\n"
INLINE = """\
#-------------------- inner.piece --------------------
inner: !dict:@inner
    depth: 3
"""
SITE = '-- set ns.site = joinpath(ns.top, "site")\n'
EDGE = '    targets: "folder"\n'
PATTERN = '    pp_kwargs: { pattern: "o*.txt" }\n'
OTHER = {"pp:corpus@", "graph:corpus@", "dataset:corpus@"}  # the corpus with other arguments
NEW_CONFIG = "projects/plain/templates/configs/fourth.yaml"
NEW_PROJECT = "projects/other/templates/configs/other.yaml"

EDITS: dict[str, tuple[Edit, set[str]]] = {
    # comments, whitespace, order, spelling
    "a template comment in the base": (change(LIB, "## Root", "## The root"), pp(*CONFIGS)),
    "a new line of comment in the base": (change(LIB, "-- block body", "## x\n-- block body"), pp(*CONFIGS)),
    "a YAML comment in the base": (change(LIB, "# level:", "# the level:"), pp(*CONFIGS)),
    "a template comment in a leaf": (append(CONFIG, "## the end\n"), pp("plain")),
    "a YAML comment in a leaf": (append(CONFIG, "# the end\n"), pp("plain")),
    "a comment in meta.yaml": (change(META, "# plain", "# the plain one"), pp(*PLAIN)),
    "a comment in what every meta.yaml extends": (change(DEFAULTS, "## The", "## A"), pp(*CONFIGS)),
    "a blank line": (append(CONFIG, "\n\n"), pp("plain")),
    "spaces at the end of a line": (change(CONFIG, "one: 1\n", "one: 1   \n"), pp("plain")),
    "line ends of another system": (
        lambda space: space.path(CONFIG).write_bytes(
            space.path(CONFIG).read_bytes().replace(b"\n", b"\r\n")
        ),
        pp("plain"),
    ),
    "other quotes": (change(RUN, '"Run"', "'Run'"), pp("run")),
    "the order of keys": (swap(CONFIG, "    one: 1\n", "    two: 2\n"), both("plain")),
    "the order of keys in a model": (swap(NET, "    count: 2\n", "    width: {{ ns.hidden }}\n"), both("net")),
    "the order of keys in a training": (swap(RUN, "    seed: 42\n", "    max_steps: 5\n"), both("run")),
    "the name of an anchor": (
        many(change(NET, "layers: &layers", "layers: &stack"), change(NET, "*layers", "*stack")),
        pp("net"),
    ),
    "the name of a node": (change(NET, "!dict:@layers", "!dict:@stack"), both("net")),
    # refactoring of templates
    "a piece moved into a file of its own": (
        many(
            change("lib/wrapped.yaml", INLINE, ""),
            write("lib/inner.piece", INLINE.partition("\n")[2]),
        ),
        pp(*WRAPPED),
    ),
    "an included template renamed": (
        many(move(VALUES, "lib/common/numbers.yaml"), change(LIB, "common/values", "common/numbers")),
        pp(*CONFIGS),
    ),
    "a base renamed": (
        many(
            move("lib/wrapped.yaml", "lib/covered.yaml"),
            change(CONFIG, "wrapped.yaml", "covered.yaml"),
            change(VOCAB, "wrapped.yaml", "covered.yaml"),
            change("projects/plain/templates/configs/third.yaml", "wrapped", "covered"),
        ),
        pp(*WRAPPED),
    ),
    # which file is found
    "a file that shadows another": (copy(VALUES, "upper/common/values.yaml", "alpha: 1", "alpha: 9"), both(*CONFIGS)),
    "a shadow with the same content": (copy(VALUES, "upper/common/values.yaml"), pp(*CONFIGS)),
    "a shadow in one project": (
        copy(VALUES, "projects/plain/templates/common/values.yaml", "alpha: 1", "alpha: 8"),
        both(*PLAIN),
    ),
    "a file that was looked for in vain": (write(OPTIONAL, "optional: 1\n"), both(*CONFIGS)),
    "a folder of a template's name": (folder("upper/common/values.yaml"), NOTHING),
    "a template that nobody uses": (write("lib/unused.yaml", "x: 1\n"), NOTHING),
    "the order of the search path": (
        swap(DEFAULTS, '"upper"', '"lib"'),
        pp(*CONFIGS),
    ),
    "a template of the user's own directory": (
        many(
            write("user/forgather/templates/site.yaml", SITE),
            copy(VALUES, "site/common/values.yaml", "alpha: 1", "alpha: 7"),
            lambda space: space.environment.update(XDG_CONFIG_HOME=str(space.path("user"))),
        ),
        both(*CONFIGS),
    ),
    "a new config": (copy(CONFIG, NEW_CONFIG, "plain", "fourth"), both("plain/fourth")),
    "a config that is gone": (remove("projects/plain/templates/configs/third.yaml"), NOTHING),
    "a new project": (
        many(
            copy(META, "projects/other/meta.yaml", "plain", "other"),
            copy(CONFIG, NEW_PROJECT, "plain", "other"),
        ),
        both("other"),
    ),
    "another default config": (change(META, '"plain.yaml"', '"second.yaml"'), pp("plain", "plain/plain", "plain/third")),
    "a description of the project": (change(META, "project 1", "project 2"), pp(*PLAIN)),
    # dates
    "an edit that keeps the date": (same_date(change(VALUES, "alpha: 1", "alpha: 6"), VALUES), both(*CONFIGS)),
    "an edit of code that keeps the date": (
        same_date(change("code/net_maker.py", "WEIGHT = 1", "WEIGHT = 6"), "code/net_maker.py"),
        MODEL,
    ),
    "an edit of data that keeps the date": (
        same_date(change("data/one.txt", "once", "Nope"), "data/one.txt"),
        DATA,
    ),
    "dates of now": (touch_everything(None), NOTHING),
    "dates of the past": (touch_everything(1e9), NOTHING),
    "dates of the future": (touch_everything(4e9), NOTHING),
    "the same bytes in a new file": (anew(VALUES), NOTHING),
    "a link to the same bytes": (linked(VALUES), NOTHING),
    "permissions": (lambda space: space.path(VALUES).chmod(0o600), NOTHING),
    # environment and arguments
    "a variable that configs read": (variable("CHEAP_USER", "somebody"), both(*PLAIN)),
    "a variable set to its default": (variable("CHEAP_USER", "nobody"), pp(*PLAIN)),
    "a variable that is set to nothing": (variable("CHEAP_USER", ""), both(*PLAIN)),
    "a variable that nobody reads": (variable("CHEAP_OTHER", "1"), NOTHING),
    "the time zone": (variable("TZ", "Asia/Tokyo"), NOTHING),
    "the locale": (variable("LC_ALL", "C"), NOTHING),
    "the home directory": (lambda space: space.environment.update(HOME=str(space.path("data"))), NOTHING),
    "an argument given to another config": (
        change(VOCAB, EDGE, EDGE + PATTERN),
        both("vocab") | {"tokenizer:vocab"} | OTHER,
    ),
    "a default of an argument": (change(CONFIG, "default(3)", "default(4)"), both("plain")),
    # code
    "a used module": (change("code/net_maker.py", "WEIGHT = 1", "WEIGHT = 2"), MODEL),
    "a comment in a used module": (append("code/net_maker.py", "# end\n"), {"model:net"}),
    "a module that a used one imports": (change("code/casing.py", "MARK = 1", "MARK = 2"), DATA),
    "a comment in a module that a used one imports": (append("code/casing.py", "# end\n"), {"dataset:corpus"}),
    "a module that all import": (append("code/counting.py", "# end\n"), DATA | MODEL),
    "a module of a package": (change("code/vocab/maker.py", "STEP = 1", "STEP = 2"), {"tokenizer:vocab"}),
    "the __init__.py of a package": (change("code/vocab/__init__.py", "style 1", "style 2"), {"tokenizer:vocab"}),
    "a file named by its path": (append("shapes/square.py", "# end\n"), {"model:net"}),
    "another file of the same name": (change("frames/square.py", "WIDTH = 6", "WIDTH = 7"), MODEL),
    "a module that a file named by its path imports": (change("code/sizes.py", "SIDE = 4", "SIDE = 5"), MODEL),
    "a module that nobody imports": (change("code/idle.py", "IDLE = 1", "IDLE = 2"), NOTHING),
    "a new module": (write("code/newer.py", "NEW = 1\n"), NOTHING),
    "the code of the training": (change("code/cheap_trainer.py", "MOMENTUM = 1", "MOMENTUM = 2"), {"train:run"}),
    "the dodo.py": (append("dodo.py", "# end\n"), NOTHING),
    # data
    "a new data file in a folder whose date is kept": (
        same_folder_date(write("data/three.txt", "three\n"), "data"),
        DATA,
    ),
    "a data file": (change("data/one.txt", "once", "twice"), DATA),
    "a data file whose change makes no difference": (change("data/one.txt", "once", "Once"), {"dataset:corpus"}),
    "a new data file": (write("data/three.txt", "drei\n"), DATA),
    "a new file that the pattern does not match": (write("data/three.md", "three\n"), NOTHING),
    "a data file less": (remove("data/two.txt"), DATA),
    "a data file under another name": (move("data/two.txt", "data/zwei.txt"), DATA),
    "a file in the data folder that is not data": (append("data/README", "more\n"), NOTHING),
    # the configs of artifacts
    "the size of the vocabulary": (change(VOCAB, "size: 20", "size: 21"), both("vocab") | {"tokenizer:vocab"}),
    "the size of the model": (change(NET, "count: 2", "count: 3"), both("net") | MODEL),
    "a number in the base that the model uses": (
        change(LIB, "hidden=4", "hidden=5"),
        pp(*CONFIGS) | {"graph:net", "graph:plain", "graph:plain/third"} | MODEL,
    ),
    "another type of a number": (change(NET, "count: 2", "count: 2.0"), both("net") | MODEL),
    # the training
    "the seed": (change(RUN, "seed: 42", "seed: 43"), TRAIN),
    "the learning rate": (change(RUN, "lr: 1.0e-3", "lr: 2.0e-3"), TRAIN),
    "another spelling of the learning rate": (change(RUN, "lr: 1.0e-3", "lr: 0.001"), pp("run")),
    "the optimizer": (change(RUN, ":Descent@", ":Ascent@"), TRAIN),
    "the schedule": (change(RUN, "steps: 3\n", "steps: 4\n"), TRAIN),
    "the batch size": (change(RUN, "batch_size: 8", "batch_size: 16"), TRAIN),
    "the number of steps": (change(RUN, "max_steps: 5", "max_steps: 6"), TRAIN),
    "a callback of the user's own": (change(RUN, "after: 3", "after: 4"), TRAIN),
    "a callback of the user's own that is called like an observer": (change(RUN, FREEZE, NAMESAKE), TRAIN),
    "an observer": (change(RUN, FREEZE, OBSERVER), both("run")),
    "how often is logged": (change(RUN, "logging_steps: 1", "logging_steps: 2"), both("run")),
    "how many checkpoints are kept": (change(RUN, "total_limit: 2", "total_limit: 3"), both("run")),
    "how many processes load data": (change(RUN, "num_workers: 1", "num_workers: 2"), both("run")),
    "where is logged": (change(RUN, '"runs", "log")', '"runs", "other")'), both("run")),
    "where the training goes": (change(LIB, '"output_models", "cheap"', '"output_models", "dear"'), both(*CONFIGS)),
    "the title of plots": (change(RUN, '"Run"', '"A Run"'), both("run")),
    "resources": (append(RUN, "[more_meta]\n    nproc_per_node: 2\n"), both("run")),
}  # fmt: skip


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    forked.warm()
    folder = tmp_path_factory.mktemp("edits")
    space = Space(make_workspace(folder / "ws"), {"FORGATHER_CACHE_DIR": str(folder / "cache")})
    assert space.build().built == both(*CONFIGS) | DATA | MODEL
    return space


def snapshot(root: Path) -> dict[str, bytes]:
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", "output_models")]
        found |= {os.path.join(folder, name): Path(folder, name).read_bytes() for name in names}
    return found


def put_back(space: Space, files: dict[str, bytes], environment: dict[str, str | None]) -> None:
    space.environment = environment
    for name in snapshot(space.root).keys() - files.keys():
        os.unlink(name)
    for name, data in files.items():
        path = Path(name)
        if path.is_dir():
            shutil.rmtree(path)
        if path.is_symlink():
            path.unlink()
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    kept = {parent for name in files for parent in Path(name).parents}
    for path in sorted(space.root.rglob("*"), reverse=True):
        built = {"build", "output_models"}.intersection(path.relative_to(space.root).parts)
        if path.is_dir() and path not in kept and not built:
            path.rmdir()


def without_digest(tasks: set[str]) -> set[str]:
    """Names of tasks, where a config with arguments has no digest of them."""
    return {task.partition("@")[0] + "@" * ("@" in task) for task in tasks}


@pytest.mark.parametrize("name", EDITS, ids=[name.replace(" ", "-") for name in EDITS])
def test_an_edit_rebuilds_exactly(space, name):
    edit, expected = EDITS[name]
    files, environment, before = snapshot(space.root), dict(space.environment), outputs(space.root)
    try:
        edit(space)
        assert without_digest(space.build().built) == expected
        assert not space.build().made, "a second build has nothing to do"
    finally:
        put_back(space, files, environment)
        back = space.build()
    assert not back.built, "what was built before comes from the store"
    after = outputs(space.root)
    assert {name: after[name] for name in before} == before
