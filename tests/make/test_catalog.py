"""Variants as targets: what each has of its own, what all share, and what is refused."""

import pytest

from forgather.errors import BuildError, ConfigError, ForgatherError, UsageError
from forgather.make.catalog import Catalog
from tests.integration.workspace import TRAINING, Workspace

SWEPT = (
    TRAINING.replace("ns.learning_rate = 1.0e-3", "ns.learning_rate = lr | default(1.0e-3)")
    .replace("num_hidden_layers: 2", "num_hidden_layers: {{ layers | toyaml(2) }}")
    .replace("    max_length: 64\n[data", "    max_length: {{ max_length | toyaml(64) }}\n[data")
    + """\
[auxiliary_outputs]
sweep:
    grid: { lr: [ 1e-3, 3e-4 ], layers: [ 2, 3 ] }
"""
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    space = Workspace(tmp_path_factory.mktemp("variants"))
    space.config.write_text(SWEPT)
    fixed = SWEPT.replace("[auxiliary_outputs]", "[globals]\n    == super()\n"
        "    -- set ns.output_dir = output_dir | default(joinpath(ns.models_dir, 'fixed'))\n"
        "[auxiliary_outputs]")  # fmt: skip
    space.project("fixed", "fixed.yaml", fixed)
    needy = SWEPT.replace("lr | default(1.0e-3)", "lr").split("[auxiliary_outputs]")[0]
    space.project("needy", "needy.yaml", needy)
    wrong = SWEPT.replace("layers: [ 2, 3 ]", "layer: [ 2, 3 ]")
    space.project("wrong", "wrong.yaml", wrong)
    return space


@pytest.fixture
def catalog(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    (workspace.root / "build").mkdir(exist_ok=True)
    found = Catalog(workspace.root)
    yield found
    found.build.close()


def tasks(catalog, kind, *names):
    """The tasks of a kind that are needed for ``names``, without aliases."""
    found = catalog.closure(names).values()
    return sorted(one.name for one in found if one.kind == kind and not one.is_alias)


def test_a_learning_rate_has_a_training_and_nothing_else_of_its_own(catalog):
    names = ["train:mini@lr=1e-3", "train:mini@lr=3e-4"]
    assert tasks(catalog, "train", *names) == names
    assert tasks(catalog, "dataset", *names) == ["dataset:mini", "dataset:stories"]
    assert tasks(catalog, "tokenizer", *names) == ["tokenizer:tiny_stories_bpe"]
    (model,) = tasks(catalog, "model", *names)
    assert model.startswith("model:models/llama/4M@hidden_size=32,")


def test_what_some_variables_change_is_built_once_for_each_of_their_values(catalog):
    names = [
        f"train:mini@layers={layers},lr={lr},max_length={length}"
        for layers in (2, 3)
        for lr in ("1e-3", "3e-4")
        for length in (64, 128)
    ]
    assert len(tasks(catalog, "train", *names)) == 8
    assert tasks(catalog, "dataset", *names) == [
        "dataset:mini",
        "dataset:mini@max_length=128",
        "dataset:stories",
    ]
    assert len(tasks(catalog, "model", *names)) == 2


def test_a_model_can_be_asked_for_without_a_sweep(catalog):
    target = catalog.target("model:models/llama/4M@num_hidden_layers=1,hidden_size=64")
    assert target.name == "model:models/llama/4M@hidden_size=64,num_hidden_layers=1"
    assert not target.is_alias
    assert catalog.build.place(target).name == "model"


def test_an_option_does_not_make_a_variant(catalog, workspace):
    plain = catalog.config("mini")
    folder = workspace.root / "examples" / "mini"
    option = catalog.compile(folder, "mini.yaml", {"lr": 0.5})
    assert option.meta["output_dir"] == plain.meta["output_dir"]
    assert "=" not in option.id and option.id != "mini"
    assert tasks(catalog, "dataset", f"train:{option.id}") == ["dataset:mini", "dataset:stories"]


def test_each_variant_trains_in_its_own_directory(catalog):
    found = {name: catalog.config(name).meta["output_dir"] for name in
             ("mini", "mini@lr=3e-4", "mini@lr=3e-4,layers=6")}  # fmt: skip
    assert [path.rpartition("/")[2] for path in found.values()] == [
        "mini",
        "mini@lr=3e-4",
        "mini@layers=6,lr=3e-4",
    ]


def test_patterns_find_variants_and_kinds_do_not(catalog):
    every = [target.name for target in catalog.expand("train:mini@*")]
    assert every == [f"train:mini@layers={n},lr={lr}" for lr in ("1e-3", "3e-4") for n in (2, 3)]
    assert [one.name for one in catalog.expand("train:mini@layers=3,*")] == [every[1], every[3]]
    assert not any("mini@" in target.name for target in catalog.expand("train"))
    names = catalog.names(["train:mini@lr=3e-4,*", "pp:mini@lr=0.5,layers=1", "pp", "x"])
    assert names == [*every[2:], "pp:mini@layers=1,lr=0.5", "pp", "x"]
    following = catalog.following(["train:mini@lr=3e-4,layers=2"])
    assert following[0] == every[2] and f"report:{every[2].partition(':')[2]}" in following


def test_order_and_spelling_find_the_same_target(catalog):
    assert (
        catalog.target("train:mini@lr=0.0003,layers=3").compiled
        is catalog.target("train:mini@layers=3,lr=3e-4").compiled
    )


def test_a_list_of_tasks_says_how_many_variants_there_are(catalog):
    assert catalog.remark(catalog.target("train:mini")) == " (sweep: 4 variants)"
    assert catalog.remark(catalog.target("train:mini@lr=3e-4")) == ""
    assert catalog.remark(catalog.target("pp:stories")) == ""


def test_a_config_may_need_its_variables(catalog):
    with pytest.raises(ForgatherError, match="lr"):
        catalog.target("train:needy")
    names = ["train:needy@lr=1e-3", "train:needy@layers=3,lr=1e-3"]
    assert tasks(catalog, "train", *names) == sorted(names)
    assert tasks(catalog, "dataset", *names) == ["dataset:needy@lr=1e-3", "dataset:stories"]


# what is refused


def refused(catalog, task, kind=UsageError):
    with pytest.raises(kind) as caught:
        catalog.expand(task)
    return caught.value


def test_a_variable_that_is_not_used(catalog):
    error = refused(catalog, "train:mini@layer=3")
    assert error.code == "FG641" and "'layers'" in error.hint
    assert refused(catalog, "pp:mini@project_dir=x").code == "FG641"


def test_a_sweep_with_a_variable_that_is_not_used(catalog):
    error = refused(catalog, "train:wrong@*", ConfigError)
    assert error.code == "FG641" and "'layers'" in error.hint
    assert error.where.path.endswith("wrong.yaml") and "layer: [ 2, 3 ]" in error.where.text


def test_two_trainings_in_one_directory(catalog):
    error = refused(catalog, "train:fixed@lr=1e-3", BuildError)
    assert error.code == "FG642" and "fixed@lr=1e-3 and fixed have" in str(error)
    assert error.where is not None and "config_variant" in error.hint
    catalog.expand("model:fixed@lr=1e-3")
    given = catalog.target("train:fixed@lr=1e-3,output_dir=/tmp/elsewhere").compiled
    assert given.meta["output_dir"] == "/tmp/elsewhere"
    other = refused(catalog, "train:fixed@lr=3e-4,output_dir=/tmp/elsewhere", BuildError)
    assert "fixed@lr=1e-3,output_dir=/tmp/elsewhere" in str(other)


def test_patterns_that_fit_nothing(catalog):
    error = refused(catalog, "pp:stories@*")
    assert error.code == "FG644" and "there is no sweep" in str(error)
    error = refused(catalog, "pp:mini@lr=7,*")
    assert error.code == "FG644" and "mini@layers=2,lr=1e-3" in error.hint


def test_names_of_nothing(catalog):
    assert "did you mean 'mini'" in refused(catalog, "train:mimi@lr=1").hint
    assert refused(catalog, "train:mini@lr=1,lr=2").code == "FG643"
    assert refused(catalog, "train:stories@x=1").code == "FG641"
