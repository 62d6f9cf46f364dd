"""Sweeps as data: what a block expands to, what is drawn, and what is refused where."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.config import ConfigEnvironment
from forgather.errors import ConfigError, Span
from forgather.make.sweeps import sampling, variants
from forgather.make.sweeps.sweep import expand, sweep_of


def spelled(block):
    return [variants.spell(values) for values in expand(block).variants]


def test_a_grid_is_every_combination_the_last_variable_fastest():
    assert spelled({"grid": {"lr": [1, 2], "layers": [3, 4]}}) == [
        "layers=3,lr=1",
        "layers=4,lr=1",
        "layers=3,lr=2",
        "layers=4,lr=2",
    ]


def test_a_single_value_is_given_to_all():
    assert spelled({"grid": {"lr": [1, 2], "seed": 7}}) == ["lr=1,seed=7", "lr=2,seed=7"]


def test_a_list_is_exactly_that_and_blocks_add_up_without_doubles():
    blocks = [{"grid": {"lr": [1, 2]}}, {"list": [{"lr": 2}, {"lr": 3, "layers": 4}, {"lr": 3}]}]
    assert spelled(blocks) == ["lr=1", "lr=2", "layers=4,lr=3", "lr=3"]
    assert list(expand(blocks).variables) == ["lr", "layers"]


def test_parts_of_one_block_multiply():
    block = {"grid": {"lr": [1, 2]}, "list": [{"layers": 3}, {"width": 4}]}
    assert spelled(block) == ["layers=3,lr=1", "lr=1,width=4", "layers=3,lr=2", "lr=2,width=4"]


def test_a_conditional_variable_is_for_those_that_match_only():
    blocks = [
        {"grid": {"optimizer": ["adamw", "sgd", "lion"]}},
        {"when": {"optimizer": "sgd"}, "grid": {"momentum": [0, 0.9]}},
        {"when": {"optimizer": ["adamw", "lion"]}, "grid": {"decay": 0.1}},
        {"when": {"optimizer": "sgd", "momentum": 0.0}, "grid": {"dampening": [1]}},
    ]
    assert spelled(blocks) == [
        "decay=0.1,optimizer=adamw",
        "dampening=1,momentum=0,optimizer=sgd",
        "momentum=0.9,optimizer=sgd",
        "decay=0.1,optimizer=lion",
    ]


def test_exclude_in_a_block_and_alone():
    assert spelled(
        [
            {"grid": {"lr": [1, 2], "layers": [3, 4]}, "exclude": {"lr": 1, "layers": 4}},
            {"list": [{"lr": 9}]},
            {"exclude": [{"layers": 4}, {"lr": [9, 10]}]},
        ]
    ) == ["layers=3,lr=1", "layers=3,lr=2"]


def test_numbers_that_yaml_1_1_takes_for_text_are_numbers():
    one, two = expand({"grid": {"lr": ["3e-4", "1E5"]}}).variants
    assert (one, two) == ({"lr": 3e-4}, {"lr": 1e5})
    assert expand({"grid": {"name": ["10", "yes"]}}).variants == ({"name": "10"}, {"name": "yes"})


# random

SPACE = {
    "lr": {"loguniform": [1e-5, 1e-2]},
    "dropout": {"uniform": [0, 0.5], "step": 0.05},
    "width": {"int": [64, 512], "step": 64},
    "optimizer": {"choice": ["adamw", "sgd"]},
}


def draws(samples, seed=1, space=None):
    block = {"random": {"samples": samples, "seed": seed, "variables": space or SPACE}}
    return list(expand(block).variants)


def test_what_is_drawn_is_written_down():
    """These values are part of the names of trainings: they may never change."""
    assert [variants.spell(values) for values in draws(3)] == EXPECTED


EXPECTED = [
    "dropout=0.5,lr=0.001129,optimizer=sgd,width=256",
    "dropout=0.4,lr=0.001217,optimizer=adamw,width=320",
    "dropout=0.5,lr=1.693e-4,optimizer=sgd,width=320",
]


def test_other_machines_would_draw_the_same(tmp_path):
    code = (
        "import json, sys, decimal; decimal.getcontext().prec = 3\n"
        "from forgather.make.sweeps.sweep import expand\n"
        "print(json.dumps(expand(json.loads(sys.argv[1])).variants))"
    )
    block = {"random": {"samples": 20, "seed": 1, "variables": SPACE}}
    command = [sys.executable, "-c", code, json.dumps(block)]
    told = subprocess.run(
        command, capture_output=True, check=True, text=True, env={"PYTHONHASHSEED": "7"}
    )
    assert json.loads(told.stdout) == draws(20)


def test_more_samples_and_more_variables_keep_what_was_drawn():
    first = draws(5)
    assert draws(9)[:5] == first
    more = draws(5, space=SPACE | {"seed": {"int": [0, 9]}})
    assert [{name: one[name] for name in SPACE} for one in more] == first
    assert draws(5, seed=2) != first


def test_values_are_in_bounds_and_spread():
    found = draws(400)
    assert all(1e-5 <= one["lr"] <= 1e-2 for one in found)
    low = sum(one["lr"] < 1e-3 for one in found)
    assert 210 < low < 330, "two decades of three"
    assert {one["width"] for one in found} == set(range(64, 513, 64))
    assert {round(one["dropout"] * 20, 9) % 1 for one in found} == {0.0}
    assert {one["dropout"] for one in found} >= {0.0, 0.15, 0.5}
    assert {one["optimizer"] for one in found} == {"adamw", "sgd"}


def test_the_ends_of_a_range():
    last = sampling.RANGE - 1
    for given, ends in (
        ({"int": [2, 5]}, (2, 5)),
        ({"choice": ["a", "b"]}, ("a", "b")),
        ({"uniform": [0.1, 0.3]}, (0.1, 0.3)),
        ({"loguniform": [1e-5, 1e-2]}, (1e-5, 1e-2)),
        ({"loguniform": [16, 512], "step": 16}, (16.0, 512.0)),
        ({"uniform": [0, 1], "digits": 2}, (0.0, 1.0)),
    ):
        draw = sampling.distribution(given)
        assert (draw(0), draw(last)) == ends


# what is refused


@pytest.mark.parametrize(
    ("block", "path", "message"),
    [
        (None, "sweep", "must be a mapping"),
        ({}, "sweep", "the block is empty"),
        ([], "sweep", "no variants"),
        ({"gird": {}}, "sweep.gird", "has no key 'gird'"),
        ({"grid": {}}, "sweep.grid", "the grid is empty"),
        ({"grid": {"lr": []}}, "sweep.grid.lr", "has no values"),
        ({"grid": {"a b": [1]}}, "sweep.grid.a b", "not the name of a variable"),
        ({"grid": {"build_dir": ["x"]}}, "sweep.grid.build_dir", "given by the build"),
        ({"list": []}, "sweep.list", "not empty"),
        ({"list": [{}]}, "sweep.list[0]", "without variables"),
        ({"grid": {"a": range(101), "b": [1] * 100}}, "sweep.grid.a", "not plain data"),
        ({"grid": {"a": [*range(101)], "b": [*range(100)]}}, "sweep.grid", "10,100 variants"),
        ({"random": {"samples": 20_000, "variables": {}}}, "sweep.random.samples", "20,000"),
        ({"random": {"samples": 0, "variables": {}}}, "sweep.random.samples", "positive"),
        ({"random": {"samples": 1, "variables": {}}}, "sweep.random.variables", "is empty"),
        ({"random": {"samples": 1, "sed": 1}}, "sweep.random.sed", "no key 'sed'"),
        ({"when": {"a": 1}, "grid": {"b": 1}}, "sweep.when", "no variants before it"),
        ([{"grid": {"a": 1}}, {"when": {"a": 1}}], "sweep[1]", "'when' alone"),
        ([{"grid": {"opt": "x"}}, {"when": {"op": "x"}, "grid": {"b": 1}}], "sweep[1].when.op",
         "no variant before has 'op'"),
        ([{"grid": {"opt": "x"}}, {"when": {"opt": "y"}, "grid": {"b": 1}}], "sweep[1].when",
         "no variant has opt=y"),
        ([{"grid": {"a": [1, 2]}}, {"when": {"a": 1}, "grid": {"a": 3}}], "sweep[1]",
         "'a' has a value here already"),
        ({"grid": {"a": 1}, "list": [{"a": 2}]}, "sweep", "'a' has a value here already"),
        ({"grid": {"a": 1}, "exclude": {"a": 1}}, "sweep", "no variants"),
        ({"grid": {"a": 1}, "exclude": {"b": 1}}, "sweep.exclude.b", "no variant before has 'b'"),
    ],
)  # fmt: skip
def test_mistakes_name_the_place(block, path, message):
    def where(place):
        return Span("configs/a.yaml", 7, None, "/p/a.yaml") if place == "sweep" else None

    with pytest.raises(ConfigError) as caught:
        expand(block, where)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert caught.value.code == "FG640"
    assert caught.value.where.line == 7, "the nearest place that is known"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "expected one of"),
        ({"uniform": [0, 1], "int": [0, 1]}, "expected one of"),
        ({"unifrom": [0, 1]}, "expected one of"),
        ({"uniform": [1, 0]}, "lowest, highest"),
        ({"uniform": [0]}, "lowest, highest"),
        ({"uniform": [0, "x"]}, "takes numbers"),
        ({"uniform": [0, float("inf")]}, "takes finite numbers"),
        ({"uniform": [0, 1], "step": -1}, "greater than 0"),
        ({"uniform": [0, 1], "stpe": 0.1}, "unknown key 'stpe'"),
        ({"uniform": [0, 1], "digits": 99}, "from 1 to 15"),
        ({"loguniform": [0, 1]}, "greater than 0"),
        ({"int": [0.5, 3]}, "must be integers"),
        ({"choice": []}, "not empty"),
        ({"choice": ["a"], "step": 1}, "unknown key 'step'"),
    ],
)
def test_a_distribution_that_cannot_be_drawn_from(given, message):
    with pytest.raises(ConfigError, match=r"sweep\.random\.variables\.lr: 'lr'") as caught:
        draws(1, space={"lr": given})
    assert message in str(caught.value)


def test_the_blocks_of_the_page_are_what_it_says():
    page = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()
    blocks = re.findall(r"^```yaml\n.*?^(sweep:\n.*?)^```", page, re.S | re.M)
    found = [ConfigEnvironment().load_from_string(block) for block in blocks]
    sweeps = [sweep_of(config.config, config.spans) for config in found]
    assert [len(sweep) for sweep in sweeps] == [5, 20]
