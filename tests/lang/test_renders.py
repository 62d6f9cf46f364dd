"""Renders are independent of each other, of the cache and of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.config import ConfigEnvironment
from forgather.errors import TemplateError, TemplateNotFoundError
from forgather.lang import bytecode


def write(folder: Path, **files: str) -> ConfigEnvironment:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return ConfigEnvironment(folder)


class TestIndependence:
    def test_inline_templates_do_not_leak(self, tmp_path: Path) -> None:
        environment = write(
            tmp_path,
            good="-- include 'part'\n#--- part ---\na: 1\n",
            broken="-- include 'part'\n",
        )
        environment.load("good.yaml")
        with pytest.raises(TemplateNotFoundError):
            environment.load("broken.yaml")
        assert environment.load("good.yaml").config == {"a": 1}

    def test_inline_templates_of_one_name_in_two_configs(self, tmp_path: Path) -> None:
        environment = write(
            tmp_path,
            one="-- include 'part'\n#--- part ---\na: 1\n",
            two="-- include 'part'\n#--- part ---\na: 2\n",
        )
        assert [environment.load(f"{n}.yaml").config.a for n in ("one", "two", "one")] == [1, 2, 1]

    def test_a_changed_file_is_seen(self, tmp_path: Path) -> None:
        environment = write(tmp_path, main="a: 1\n")
        assert environment.load("main.yaml").config.a == 1
        write(tmp_path, main="a: 2\n")
        assert environment.load("main.yaml").config.a == 2

    def test_variables_of_one_render_are_not_those_of_the_next(self, tmp_path: Path) -> None:
        environment = write(tmp_path, main="a: {{ x|default(0) }}\n")
        values = [environment.load("main.yaml", **kw).config.a for kw in ({"x": 1}, {})]
        assert values == [1, 0]


class TestAddedTemplates:
    def test_go_before_files(self, tmp_path: Path) -> None:
        environment = write(tmp_path, main="-- include 'part.yaml'\n", part="a: file\n")
        environment.get_loader().add_template("part.yaml", "a: added\n")
        assert environment.load("main.yaml").config.a == "added"

    def test_go_before_inline_templates(self, tmp_path: Path) -> None:
        environment = write(tmp_path, main="-- include 'part'\n#--- part ---\na: inline\n")
        environment.get_loader().add_template("part", "a: added\n")
        assert environment.load("main.yaml").config.a == "added"

    def test_are_not_split(self, tmp_path: Path) -> None:
        environment = write(tmp_path, main="-- include 'x'\n")
        environment.get_loader().add_template("x", "a: 1\n#--- y ---\nb: 2\n")
        assert environment.load("main.yaml").config == {"a": 1, "b": 2}

    def test_errors_name_them(self, tmp_path: Path) -> None:
        environment = write(tmp_path, main="-- include 'x'\n")
        environment.get_loader().add_template("x", "a: 1\nb: {{ oops }}\n")
        with pytest.raises(TemplateError) as caught:
            environment.load("main.yaml")
        assert (caught.value.where.template, caught.value.where.line) == ("x", 2)


def test_a_reference_by_several_names_is_known(tmp_path: Path) -> None:
    environment = write(tmp_path, main="-- include ['absent.yaml', 'part.yaml']\n", part="a: 1\n")
    (reference,) = environment.render("main.yaml").references
    assert (reference.kind, reference.child, reference.line) == ("include", "part.yaml", 1)


class TestFiles:
    def test_line_ends_and_byte_order_mark(self, tmp_path: Path) -> None:
        (tmp_path / "main.yaml").write_bytes(
            b"\xef\xbb\xbfa: 1\r\n-- if True\rb: 2\n-- endif\r\nc: 3\r\n"
        )
        assert ConfigEnvironment(tmp_path).preprocess("main.yaml") == "a: 1\nb: 2\nc: 3"

    def test_a_file_that_is_not_utf8(self, tmp_path: Path) -> None:
        (tmp_path / "main.yaml").write_bytes(b"a: 1\nb: \xff\n")
        with pytest.raises(TemplateError) as caught:
            ConfigEnvironment(tmp_path).load("main.yaml")
        assert (caught.value.code, caught.value.where.line) == ("FG120", 2)

    def test_a_directory_is_no_template(self, tmp_path: Path) -> None:
        (tmp_path / "main.yaml").mkdir()
        with pytest.raises(TemplateNotFoundError):
            ConfigEnvironment(tmp_path).load("main.yaml")


class TestBytecode:
    @pytest.fixture
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(bytecode, "_memory", {})
        return tmp_path / "cache" / "forgather" / "templates"

    def entries(self, cache: Path) -> list[Path]:
        return [path for path in cache.rglob("*") if path.is_file()]

    def test_is_shared_between_directories(self, tmp_path: Path, cache: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            assert write(tmp_path / name, main="a: {{ 1 + 1 }}\n").load("main.yaml").config.a == 2
        (entry,) = self.entries(cache)
        assert str(tmp_path).encode() not in entry.read_bytes()

    def test_a_damaged_entry_is_a_miss(
        self, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment = write(tmp_path, main="a: {{ 1 + 1 }}\n")
        environment.load("main.yaml")
        (entry,) = self.entries(cache)
        for content in (b"", b"x" * 100, entry.read_bytes()[:-3]):
            entry.write_bytes(content)
            monkeypatch.setattr(bytecode, "_memory", {})
            assert environment.load("main.yaml").config.a == 2

    def test_what_others_may_have_written_is_a_miss(self, tmp_path: Path) -> None:
        store, key, code = bytecode.BytecodeCache(tmp_path), "0" * 64, compile("1", "x", "eval")
        store.put(key, code)
        (path,) = self.entries(tmp_path)
        assert self.get_from_disk(store, key) == code
        for mode in (0o620, 0o602, 0o666):
            path.chmod(mode)
            assert self.get_from_disk(store, key) is None
        path.chmod(0o600)
        assert self.get_from_disk(store, key) == code
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
            assert self.get_from_disk(store, key) is None

    def test_code_is_worth_nothing_under_another_key(self, tmp_path: Path) -> None:
        store = bytecode.BytecodeCache(tmp_path)
        store.put("0" * 64, compile("1", "x", "eval"))
        (path,) = self.entries(tmp_path)
        os.link(path, path.with_name("1" * 62))
        assert self.get_from_disk(store, "00" + "1" * 62) is None

    def get_from_disk(self, store: bytecode.BytecodeCache, key: str) -> object:
        bytecode._memory.clear()
        return store.get(key)

    @pytest.mark.parametrize("chosen", ["off", "shared"])
    def test_lies_in_no_cache_of_artifacts(
        self, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
    ) -> None:
        """FORGATHER_CACHE_DIR may be a folder that a group shares, and ``off`` is no folder."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FORGATHER_CACHE_DIR", chosen)
        assert write(tmp_path, main="a: {{ 1 + 1 }}\n").load("main.yaml").config.a == 2
        assert len(self.entries(cache)) == 1
        assert not (tmp_path / chosen).exists()

    def test_a_relative_cache_home_is_not_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "here")
        assert bytecode.default_directory().is_absolute()

    def test_strings_are_not_written(self, cache: Path) -> None:
        ConfigEnvironment([]).load_from_string("a: {{ 1 }}\n")
        assert self.entries(cache) == []

    def test_a_cache_that_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert write(tmp_path, main="a: 1\n").load("main.yaml").config.a == 1

    def test_does_not_grow_without_end(
        self, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bytecode, "_MAX_PER_FOLDER", 2)
        store = bytecode.BytecodeCache(cache)
        code = compile("1", "x", "eval")
        for number in range(20):
            store.put(f"00{number:062}", code)
        assert len(self.entries(cache)) <= 2

    def test_the_name_is_part_of_the_key(self) -> None:
        keys = {
            bytecode.key_of(*parts) for parts in [("a", "t", ""), ("b", "t", ""), ("a", "u", "")]
        }
        assert len(keys) == 3


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    """A config is looked at without torch and its like; package metadata is for who asks."""
    (tmp_path / "main.yaml").write_text("a: !partial:torch:nn.Linear {x: 1}\n")
    code = (
        "import sys; from forgather.project import Project; "
        "from forgather.config import ConfigEnvironment; "
        f"ConfigEnvironment({str(tmp_path)!r}).load('main.yaml'); "
        "heavy = {'torch', 'transformers', 'datasets', 'numpy', 'rich', 'importlib.metadata'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_looking_runs_nothing(tmp_path: Path) -> None:
    planted = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(planted)!r}, 'w')\nx = 1\n")
    (tmp_path / "main.yaml").write_text(
        f"a: !call:os:system [touch {planted}]\nb: !call:{tmp_path}/evil.py:x []\n"
        f"c: !meta:os:system [touch {planted}]\nd: !var [x, !call:os:system [touch {planted}]]\n"
    )
    config = ConfigEnvironment(tmp_path).load("main.yaml")
    assert list(config.config) == ["a", "b", "c", "d"]
    assert config.spans
    assert not planted.exists()
