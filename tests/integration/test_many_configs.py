"""What only large workspaces do: whole requests are answered at once, and new checkouts take packs."""

import json
import os
import shutil
import time

import pytest

from forgather.make import request
from forgather.make.options import Options
from forgather.make.probes import SETTLED_SECONDS
from forgather.make.state import State
from tests.integration import forked
from tests.integration.cheap import PLAIN, copy_sources, make_workspace, outputs

COUNT = 60
LEAVES = "projects/plain/templates/configs"
TEXTS = ["pp", "graph"]

pytestmark = pytest.mark.xdist_group("many configs")


class Many:
    """A checkout with many configs."""

    def __init__(self, root, cache):
        self.root = root
        self.cache = cache

    def doit(self, *arguments, **environment):
        """Run doit; ``taken``: tasks that were restored though nobody looked at them one by one."""
        environment = {"FORGATHER_CACHE_DIR": str(self.cache), **environment}
        done = forked.doit(self.root, *(arguments or TEXTS), environment=environment)
        lines = [line.split() for line in done.output.splitlines()]
        done.taken = {words[1] for words in lines if words[2:] == ["(restored)"]}
        done.taken -= done.how("restored")
        return done

    def leaf(self, number):
        return self.root / LEAVES / f"many{number}.yaml"

    def edit(self, number):
        """Change what is made of one config; its tasks."""
        self.leaf(number).write_text(self.leaf(number).read_text() + f"    three: {number}\n")
        return {f"{kind}:plain/many{number}" for kind in TEXTS}

    def copy(self, place):
        return Many(copy_sources(self.root, place), self.cache)

    def texts(self):
        return outputs(self.root)

    def texts_from_nothing(self, place):
        """What a build makes of the same sources that has no cache and no memory."""
        clean = self.copy(place)
        compiled = place.with_name("compiled-templates")
        done = clean.doit(FORGATHER_CACHE_DIR="off", XDG_CACHE_HOME=str(compiled))
        assert done.code == 0, done.output
        return clean.texts()


def differing(one, other, *, but="nothing"):
    """Names of files that are not the same. but: files of that name name places outside."""
    names = sorted(one.keys() | other.keys())
    return [name for name in names if one.get(name) != other.get(name) and not name.endswith(but)]


def settle():
    """Packs have nothing to do with files that are younger than that."""
    time.sleep(SETTLED_SECONDS * 1.2)


def make_many(root, cache):
    forked.warm()
    many = Many(make_workspace(root), cache)
    for number in range(COUNT):
        many.leaf(number).write_text(PLAIN.format(name=f"many{number}", base="base"))
    return many


@pytest.fixture(scope="module")
def donor(tmp_path_factory):
    """A checkout where everything was built."""
    folder = tmp_path_factory.mktemp("many")
    donor = make_many(folder / "workspace", folder / "cache")
    settle()
    done = donor.doit()
    assert done.code == 0 and len(done.built) > 2 * COUNT, done.output
    return donor


@pytest.fixture
def new(donor, tmp_path):
    """A new checkout, and a cache with all that the donor gave it."""
    cache = shutil.copytree(donor.cache, tmp_path / "cache")
    new = Many(copy_sources(donor.root, tmp_path / "deep" / "copy"), cache)
    settle()
    return new


# packs


def test_a_new_checkout_takes_what_another_one_built(donor, new):
    done = new.doit()
    assert done.code == 0 and not done.made, done.output
    assert len(done.taken) > 2 * COUNT
    assert differing(new.texts(), donor.texts()) == []
    again = new.doit()
    assert not again.made and not again.taken, again.output
    assert new.doit("why", "pp:plain/many3").output.splitlines()[0].endswith("up to date")


def test_afterwards_it_is_a_checkout_like_any_other(new, tmp_path):
    new.doit()
    edited = new.edit(7)
    done = new.doit()
    assert done.built == edited and not done.taken
    (new.root / "build/plain/many8/graph.json").unlink()
    assert new.doit().how("restored") == {"graph:plain/many8"}
    new.leaf(9).unlink()
    assert new.doit().code == 0
    assert "many9" not in new.doit("list", "--all").output
    new.doit("forget", "pp:plain/many10")
    assert new.doit().built == {"pp:plain/many10"}


def test_only_the_kinds_that_are_asked_for_are_taken(new):
    done = new.doit("pp")
    assert {name.partition(":")[0] for name in done.taken} == {"pp"}
    assert not any(name.endswith("graph.json") for name in new.texts())
    done = new.doit("graph")
    assert {name.partition(":")[0] for name in done.how("restored")} == {"graph"}
    assert not done.built


@pytest.mark.parametrize("name", ["pp:plain/many3", "pp:plain/*"])
def test_who_asks_for_some_configs_gets_no_others(new, name):
    assert not new.doit(name).taken
    assert len(new.texts()) < 2 * (COUNT + 5)


def test_what_differs_in_the_new_checkout_is_built_and_the_rest_taken(new, tmp_path):
    edited = new.edit(1) | new.edit(2)
    new.leaf(COUNT).write_text(PLAIN.format(name="another", base="base"))
    new.leaf(3).unlink()
    done = new.doit()
    assert done.built == edited | {f"{kind}:plain/many{COUNT}" for kind in TEXTS}
    assert differing(new.texts(), new.texts_from_nothing(tmp_path / "clean")) == []


@pytest.mark.parametrize(
    "name", ["lib/base.yaml", "upper/base.yaml", "forgather_workspace/site.yaml"]
)
def test_a_template_that_differs_or_shadows_is_seen(new, tmp_path, name):
    path = new.root / name
    text = (new.root / "lib/base.yaml").read_text() if "base" in name else ""
    path.write_text(f"{text}\n## another\n")
    if "base" in name:
        path.write_text(text.replace("main: *meta", "main: *values"))
    done = new.doit()
    assert done.code == 0, done.output
    assert differing(new.texts(), new.texts_from_nothing(tmp_path / "clean")) == []


def test_a_variable_that_differs_is_seen(new, tmp_path):
    done = new.doit(CHEAP_USER="somebody")
    assert len(done.built) >= COUNT
    assert b"somebody" in new.texts()["build/plain/many3/config.yaml"]


def test_a_new_project_gets_its_configs(new, tmp_path):
    shutil.copytree(new.root / "projects/plain", new.root / "projects/plainer")
    done = new.doit()
    assert done.code == 0, done.output
    assert "build/plainer/many3/graph.json" in new.texts()
    assert differing(new.texts(), new.texts_from_nothing(tmp_path / "clean")) == []


def test_what_rests_on_files_outside_of_the_checkout_is_looked_at(tmp_path):
    """Two checkouts, beside each a folder of templates that both call by the same relative path."""
    first = make_many(tmp_path / "one" / "workspace", tmp_path / "cache")
    shutil.move(first.root / "lib", tmp_path / "one" / "lib")
    defaults = first.root / "forgather_workspace" / "meta_defaults.yaml"
    text = defaults.read_text().replace('joinpath(ns.top, "lib")', 'joinpath(ns.top, "../lib")')
    defaults.write_text(text)
    second = first.copy(tmp_path / "two" / "workspace")
    shutil.copytree(tmp_path / "one" / "lib", tmp_path / "two" / "lib")
    base = tmp_path / "two" / "lib" / "base.yaml"
    base.write_text(base.read_text().replace("main: *meta", "main: *values"))
    for many in (first, second):
        done = many.doit()
        assert done.code == 0 and not done.taken, done.output
    assert differing(first.texts(), second.texts())
    shutil.copytree(tmp_path / "two" / "lib", tmp_path / "clean" / "lib")
    clean = second.texts_from_nothing(tmp_path / "clean" / "workspace")
    assert differing(second.texts(), clean, but="spans.json") == []


def test_without_a_cache_there_is_nothing_to_take(new):
    assert not new.doit(FORGATHER_CACHE_DIR="off").taken


def pack_of(cache):
    """The entry that is a pack: where it is, what it says."""
    entries = [path for path in (cache / "ac").iterdir() if b'"stamps"' in path.read_bytes()]
    (path,) = entries
    return path, json.loads(path.read_text())


def test_a_damaged_blob_is_named_and_its_config_made_again(donor, new):
    _path, pack = pack_of(new.cache)
    output = pack["outputs"]["build/plain/many3/config.yaml"]
    blob = new.cache / "cas" / output["digest"]
    blob.chmod(0o644)
    blob.write_bytes(b"x" * output["size"])
    done = new.doit()
    assert done.code == 0 and f"{blob} is damaged" in done.output
    assert "pp:plain/many3" not in done.taken and len(done.taken) > 2 * COUNT
    assert differing(new.texts(), donor.texts()) == []


def test_what_stands_in_the_place_of_an_artifact_stays(donor, new):
    notes = new.root / "build/plain/many3/notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    done = new.doit()
    there = ("plain/many3", "plain")  # whose folders are there, and are looked at one by one
    assert done.how("restored") == {f"{kind}:{name}" for kind in TEXTS for name in there}
    assert len(done.taken) > 2 * COUNT - 2
    assert notes.read_text() == "mine"
    notes.unlink()
    assert differing(new.texts(), donor.texts()) == []


@pytest.mark.parametrize("lost", ["cas", "ac"])
def test_a_blob_or_an_entry_that_is_gone_is_made_again(donor, new, lost):
    path, pack = pack_of(new.cache)
    if lost == "ac":
        path.unlink()
    else:
        digest = pack["outputs"]["build/plain/many3/config.yaml"]["digest"]
        (new.cache / "cas" / digest).unlink()
    done = new.doit()
    assert done.code == 0, done.output
    assert differing(new.texts(), donor.texts()) == []


def spoil_place(pack):
    """The first config's files would go to the sources of the user."""
    record = pack["values"]["records"]["pp:plain/many3"]["fields"]
    for name in list(record["files"]):
        output = pack["outputs"].pop(f"{record['place']}/{name}")
        pack["outputs"][f"projects/plain/{name}"] = output
    record["place"] = "projects/plain"


def spoil_names(pack):
    record = pack["values"]["records"]["pp:plain/many3"]["fields"]
    record["files"]["__init__.py"] = record["files"].pop("config.yaml")
    place = record["place"]
    pack["outputs"][f"{place}/__init__.py"] = pack["outputs"].pop(f"{place}/config.yaml")


def spoil_digest(pack):
    record = pack["values"]["records"]["pp:plain/many3"]["fields"]
    record["files"]["config.yaml"] = record["files"]["spans.json"]


def spoil_shape(pack):
    pack["values"]["stamps"] = [["pp:plain/many3", 7]]


def spoil_numbers(pack):
    pack["values"]["probes"][0][0] = "one"


def spoil_bundles(pack):
    """Bundles that consist of themselves."""
    bundles = pack["values"]["bundles"]
    pack["values"]["bundles"] = [[number, [number + (1 << 31)]] for number, _members in bundles]


def spoil_members(pack):
    pack["values"]["stamps"][0][2] = [1 << 40, -1]


def spoil_twice(pack):
    pack["values"]["probes"] *= 2
    pack["values"]["stamps"] *= 2


def spoil_task(pack):
    """A task that would lie outside of build/."""
    records = pack["values"]["records"]
    record = records.pop("pp:plain/many3")
    record["fields"]["place"] = "build/../projects/plain"
    records["pp:../projects/plain"] = record


def spoil_everything(pack):
    pack["values"] = {"stamps": None, "bundles": 3, "probes": {}, "records": []}


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_place,
        spoil_names,
        spoil_digest,
        spoil_shape,
        spoil_numbers,
        spoil_bundles,
        spoil_members,
        spoil_twice,
        spoil_task,
        spoil_everything,
    ],
)
def test_a_pack_that_makes_no_sense_does_no_harm(donor, new, spoil):
    path, pack = pack_of(new.cache)
    spoil(pack)
    path.write_text(json.dumps(pack))
    done = new.doit()
    assert done.code == 0, done.output
    assert "pp:plain/many3" not in done.taken
    assert differing(new.texts(), donor.texts()) == []
    sources = {path.name for path in (new.root / "projects/plain").iterdir()}
    assert sources == {"meta.yaml", "templates"}


def test_with_a_key_an_unsigned_pack_is_rejected_and_a_signed_one_taken(donor, new, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret" * 8)
    secret.chmod(0o600)
    done = new.doit(FORGATHER_CACHE_KEY_FILE=str(secret))
    assert done.code == 0 and not done.taken, done.output
    assert "rejected" in done.output
    assert differing(new.texts(), donor.texts()) == []
    another = new.copy(tmp_path / "another")
    assert len(another.doit(FORGATHER_CACHE_KEY_FILE=str(secret)).taken) > 2 * COUNT


def test_a_cache_that_can_only_be_read_is_enough(donor, new, tmp_path):
    for folder, _folders, _names in os.walk(new.cache):
        os.chmod(folder, 0o555)
    done = new.doit()
    assert done.code == 0 and len(done.taken) > 2 * COUNT, done.output
    assert differing(new.texts(), donor.texts()) == []


# answers


@pytest.fixture
def asked(new, monkeypatch):
    """Asks for everything in this process; was it answered at once, and what is left to do?"""
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(new.cache))
    surveys = []
    real = request.survey
    monkeypatch.setattr(request, "survey", lambda *args: surveys.append(args) or real(*args))

    def ask(*names):
        surveys.clear()
        one = request.Request(new.root, Options())
        remaining = one.remaining(names or TEXTS)
        one.finish()
        one.stamps.database.close()
        return not surveys, {*remaining.targets, *remaining.restored}

    new.doit()
    time.sleep(0.1)  # folders that were made a moment ago are looked at once more
    assert any(ask() == (True, set()) for _ in range(4))
    return ask


def test_another_question_has_another_answer(asked):
    assert asked("pp") == (False, set())  # and keeps this one
    assert asked("pp") == (True, set())
    assert asked() == (True, set())


def test_an_edit_is_seen(asked, new):
    edited = new.edit(4)
    assert asked() == (False, edited)


def test_an_edit_that_keeps_date_and_size_is_seen(asked, new):
    before = new.leaf(4).stat()
    new.leaf(4).write_text(new.leaf(4).read_text().replace("one: 1", "one: 7"))
    os.utime(new.leaf(4), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert new.leaf(4).stat().st_size == before.st_size
    answered, left = asked()
    assert not answered and "pp:plain/many4" in left


def test_an_output_that_is_altered_or_gone_is_seen(asked, new):
    text = new.root / "build/plain/many5/config.yaml"
    for change in (text.unlink, lambda: text.write_bytes(b"x" * text.stat().st_size)):
        change()
        assert asked() == (False, {"pp:plain/many5"})
        time.sleep(0.1)
        assert any(asked() == (True, set()) for _ in range(4))


def test_new_and_removed_configs_are_seen(asked, new):
    new.leaf(COUNT).write_text(PLAIN.format(name="another", base="base"))
    answered, left = asked()
    assert not answered and left == {f"{kind}:plain/many{COUNT}" for kind in TEXTS}
    new.leaf(COUNT).unlink()
    assert not asked()[0]


def test_a_new_project_is_seen(asked, new):
    shutil.copytree(new.root / "projects/plain", new.root / "projects/plainer")
    answered, left = asked()
    assert not answered and "pp:plainer/many3" in left


def test_a_template_that_shadows_is_seen(asked, new):
    shutil.copy(new.root / "lib/base.yaml", new.root / "upper/base.yaml")
    assert not asked()[0]


def test_a_variable_is_seen(asked, monkeypatch):
    monkeypatch.setenv("CHEAP_USER", "somebody")
    answered, left = asked()
    assert not answered and len(left) >= COUNT


def test_what_is_forgotten_is_seen(asked, new):
    new.doit("forget", "pp:plain/many6")
    assert asked() == (False, {"pp:plain/many6", "graph:plain/many6"})


def test_what_another_build_records_is_seen(asked, new):
    state = State(new.root / "build")
    record = state.get("graph:plain/many6")
    state.put("graph:plain/many6", record)
    state.close()
    assert asked() == (False, set())
