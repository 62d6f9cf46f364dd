"""Which words of a command line are for doit, and what of ours its tasks wait for."""

import pytest
from doit.cmdparse import CmdParseError
from doit.task import Task

from forgather.errors import UsageError
from forgather.make.front.own_tasks import OwnTasks

WHO = {"name": "who", "short": "w", "long": "who", "default": "you"}


@pytest.fixture
def own():
    return OwnTasks(
        [
            Task("plain", None),
            Task("greet", None, params=(WHO,)),
            Task("rest", None, pos_arg="words"),
            Task("deploy", None, task_dep=["train:tiny", "prepare"]),
            Task("prepare", None, file_dep=["data.txt"]),
            Task("fetch", None, targets=["data.txt"], task_dep=["pp"]),
            Task("many", None, has_subtask=True, task_dep=["many:a", "many:b"]),
            Task("many:a", None, subtask_of="many", setup=["model:tiny"]),
            Task("many:b", None, subtask_of="many", task_dep=["graph:*"]),
        ]
    )


@pytest.mark.parametrize(
    ("asked", "words", "ours"),
    [
        (["plain", "pp:x", "train"], ["plain"], ["pp:x", "train"]),
        (["greet", "-w", "me", "pp"], ["greet", "-w", "me"], ["pp"]),
        (["greet", "--who=me", "plain"], ["greet", "--who=me", "plain"], []),
        (["pp:x", "rest", "pp:y", "z"], ["rest", "pp:y", "z"], ["pp:x"]),
        (["data.txt", "many:*", "model:*"], ["data.txt", "many:*"], ["model:*"]),
        ([], [], []),
    ],
)
def test_split(asked, words, ours, own):
    assert own.split(asked) == (words, ours)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("plian", "'plain'"),
        ("modle", "'model'"),
        ("data.tx", "'data.txt'"),
        ("-x", "options go before"),
    ],
)
def test_what_is_neither(word, hint, own):
    with pytest.raises(UsageError) as caught:
        own.split([word])
    assert hint in caught.value.hint


def test_options_that_a_task_does_not_have(own):
    with pytest.raises(CmdParseError, match="-x"):
        own.split(["greet", "-x"])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["plain"], []),
        (["deploy"], ["train:tiny", "pp"]),
        (["data.txt"], ["pp"]),
        (["many"], ["graph:*", "model:tiny"]),
        (["many:*"], ["model:tiny", "graph:*"]),
        (["many:a", "plain"], ["model:tiny"]),
    ],
)
def test_what_own_tasks_wait_for(words, names, own):
    assert sorted(own.needed(words)) == sorted(names)


def test_nothing_waits_for_what_is_done(own):
    own.without({"train:tiny"})
    assert own.tasks["deploy"].task_dep == ["train:tiny", "prepare"]
    assert own.tasks["fetch"].task_dep == []
    assert own.tasks["many:a"].setup_tasks == []
