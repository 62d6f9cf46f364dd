"""Import specs: every form, and what a wrong one is told."""

import collections
import functools
import os.path
import traceback

import pytest

from forgather.errors import ImportSpecError, ResolveError
from forgather.graph.resolve import resolve
from forgather.graph.specs import SpecKind, module_prefix, parse_spec


@pytest.fixture
def write(tmp_path):
    def _write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return _write


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("len", len),
        ("str.format", str.format),
        ("dict.fromkeys", dict.fromkeys),
        ("os.path:join", os.path.join),
        ("os:path.join", os.path.join),
        ("os.path.join", os.path.join),
        ("collections.OrderedDict", collections.OrderedDict),
        ("collections.OrderedDict.fromkeys", collections.OrderedDict.fromkeys),
        ("functools:partial", functools.partial),
    ],
)
def test_forms(spec, expected):
    assert resolve(spec) == expected


def test_a_submodule_that_nobody_imported_yet():
    assert resolve("xml.dom.minidom.parseString").__module__ == "xml.dom.minidom"
    assert resolve("wsgiref:simple_server.make_server").__name__ == "make_server"


@pytest.mark.parametrize(
    ("name", "args", "result"),
    [
        ("getitem", [{"a": 1}, "a"], 1),
        ("getattr", [3, "real"], 3),
        ("call", [max, 1, 2], 2),
        ("named_list", [1, 2], [1, 2]),
        ("named_tuple", [1, 2], (1, 2)),
    ],
)
def test_natives(name, args, result):
    assert resolve(name)(*args) == result


def test_native_views_and_dicts():
    mapping = {"a": 1}
    assert list(resolve("items")(mapping)) == [("a", 1)]
    assert list(resolve("keys")(mapping)) == ["a"]
    assert list(resolve("values")(mapping)) == [1]
    assert resolve("named_dict")(a=1) == mapping


@pytest.mark.parametrize(
    "spec",
    ["", "a:b:c", ":x", "x:", "a b", "a:b c", "os.path:", "1a:b", "...x:y", "some/file:X", "a..b"],
)
def test_malformed(spec):
    with pytest.raises(ImportSpecError) as caught:
        resolve(spec)
    assert caught.value.code == "FG303"
    assert caught.value.hint


def test_a_keyword_is_no_name():
    with pytest.raises(ImportSpecError):
        parse_spec("mod:class")


def test_two_colons_are_told_how_to_write_it():
    with pytest.raises(ImportSpecError) as caught:
        resolve("os:path:join")
    assert caught.value.hint == "write os:path.join"


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("prnt", "no builtin 'prnt'", "'print'"),
        ("named_lst", "no builtin", "'named_list'"),
        ("json.decodr:JSONDecoder", "no module 'json.decodr'", "'json.decoder'"),
        ("jsn:loads", "no module 'jsn'", "'json'"),
        ("os.path:jion", "module 'os.path' has no 'jion'", "'join'"),
        ("collections:OrderedDict.fromkey", "has no 'fromkey'", "'fromkeys'"),
        ("collections.OrderdDict", "has no 'OrderdDict'", "'OrderedDict'"),
        ("no_such_package.Thing", "neither a builtin nor an installed module", "installed"),
    ],
)
def test_what_does_not_exist(spec, message, hint):
    with pytest.raises(ResolveError, match=message) as caught:
        resolve(spec)
    assert hint in caught.value.hint


def test_a_module_is_not_a_symbol():
    with pytest.raises(ResolveError, match="is a module"):
        resolve("xml.dom")


def test_the_end_of_the_module_is_found_without_importing():
    assert module_prefix("xml.dom.minidom.parse") == "xml.dom.minidom"
    assert module_prefix("no_such_package.x") is None
    assert parse_spec("xml.dom.minidom.parse").kind is SpecKind.DOTTED


def test_files_of_one_stem_are_two_modules(write):
    one = write("one/model.py", "class Model: n = 1\n")
    two = write("two/model.py", "class Model: n = 2\n")
    first, second = resolve(f"{one}:Model"), resolve(f"{two}:Model")
    assert (first.n, second.n) == (1, 2)
    assert first.__module__ != second.__module__
    assert resolve(f"{one}:Model") is first


def test_relative_imports_of_a_file(write, tmp_path):
    write("common/norm.py", "NAME = 'common'\n")
    write("own/norm.py", "NAME = 'own'\n")
    layer = write("own/layer.py", "from .norm import NAME\ndef name(): return NAME\n")
    assert resolve(f"{layer}:name")() == "own"
    assert resolve(f"{layer}:name", [str(tmp_path / "common")])() == "common"


def test_relative_specs(write, tmp_path):
    write("a/part.py", "from .other import thing\n")
    write("b/other.py", "def thing(): return 'b'\n")
    searchpath = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert resolve(".part:thing", searchpath)() == "b"
    assert resolve(".part:thing", searchpath) is resolve(".other:thing", searchpath)


def test_a_shadowed_file_is_still_that_file(write, tmp_path):
    write("first/part.py", "WHO = str('first').upper\n")
    second = write("second/part.py", "WHO = str('second').upper\n")
    assert resolve(f"{second}:WHO", [str(tmp_path / "first")])() == "SECOND"


def test_odd_file_names(write):
    dotted = write("my.model.py", "def f(): return 1\n")
    dashed = write("my-model.py", "def f(): return 2\n")
    assert resolve(f"{dotted}:f")() == 1
    assert resolve(f"{dashed}:f")() == 2


def test_a_missing_part_names_the_nearest(write, tmp_path):
    write("parts/rotary.py", "x = 1\n")
    with pytest.raises(ResolveError, match=r"no rotarry\.py in") as caught:
        resolve(".rotarry:x", [str(tmp_path / "parts")])
    assert "'rotary'" in caught.value.hint
    with pytest.raises(ResolveError, match="needs directories"):
        resolve(".rotary:x")


def test_a_missing_file_names_the_nearest(write, tmp_path):
    write("model.py", "x = 1\n")
    with pytest.raises(ResolveError, match="no file") as caught:
        resolve(f"{tmp_path}/modle.py:x")
    assert "model.py" in caught.value.hint


@pytest.mark.parametrize("spec", ["{file}:f", ".bad:f"])
def test_a_failing_file_keeps_the_users_traceback(write, tmp_path, spec):
    bad = write("bad.py", "def boom():\n    return 1 / 0\nboom()\n")
    with pytest.raises(ResolveError, match="ZeroDivisionError: division by zero") as caught:
        resolve(spec.format(file=bad), [str(tmp_path)])
    assert caught.value.code == "FG309"
    frames = traceback.extract_tb(caught.value.__cause__.__traceback__)
    assert any(frame.filename == bad and frame.lineno == 2 for frame in frames)
    with pytest.raises(ResolveError):  # and again: nothing half imported is left behind
        resolve(spec.format(file=bad), [str(tmp_path)])


def test_an_import_inside_the_file_that_fails_is_not_called_missing(write, tmp_path):
    write("needy.py", "import no_such_package\n")
    with pytest.raises(ResolveError, match=r"importing '.needy' failed: .*no_such_package"):
        resolve(".needy:x", [str(tmp_path)])
