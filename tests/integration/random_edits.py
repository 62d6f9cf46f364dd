"""Random edits of a cheap workspace: everything that people, editors and version control do to files.

Every edit goes through :class:`Editor`, which keeps what was there, so that it can be put back.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

DIGIT = re.compile(r"(?<![\w.-])[0-9](?![\w.])")
CONSTANT = re.compile(r"(?m)^[A-Z]+ = ([0-9])$")
NEEDED = 0.12  # how often a deletion takes a file that something needs
VARIABLES = ("CHEAP_USER", "CHEAP_UNUSED", "TZ")
WORDS = ("once", "fox", "river", "moon", "Ärger", "stone")


class Editor:
    """Edits the workspace at ``root``; ``environment`` is what commands are to be run with."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)
        self.environment: dict[str, str | None] = {}
        self.start = {path: path.read_bytes() for path in self.files()}
        self.past: list[tuple[Path, bytes | None]] = []
        self.count = 0

    def files(self) -> list[Path]:
        """Every source file, sorted."""
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(
                name for name in folders if name not in ("build", "output_models", "__pycache__")
            )
            found += [Path(folder, name) for name in sorted(names)]
        return found

    def templates(self) -> list[Path]:
        return [path for path in self.files() if path.suffix == ".yaml" and path.stem != "meta"]

    def metas(self) -> list[Path]:
        return [path for path in self.files() if path.name == "meta.yaml"]

    def modules(self) -> list[Path]:
        return [path for path in self.files() if path.suffix == ".py" and path.name != "dodo.py"]

    def data(self) -> list[Path]:
        return [path for path in self.files() if path.parent.name == "data"]

    def extras(self) -> list[Path]:
        return [path for path in self.files() if path not in self.start]

    def pick(self, paths: list[Path]) -> Path:
        return self.chance.choice(paths)

    def fresh(self) -> int:
        self.count += 1
        return self.count

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def write(self, path: Path, data: bytes | str | None) -> str:
        """Write a file, or remove it where ``data`` is None; says its name."""
        if isinstance(data, str):
            data = data.encode()
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        before = path.read_bytes() if path.exists() else None
        self.past.append((path, before))
        if data is None:
            path.unlink(missing_ok=True)
            return f"remove {self.name(path)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_bytes(data)
        return f"write {self.name(path)}"

    def undo(self) -> str:
        """Put back what the last write replaced."""
        if not self.past:
            return "nothing to undo"
        path, before = self.past.pop()
        said = self.write(path, before)
        self.past.pop()
        return f"undo: {said}"

    def reset(self) -> str:
        """The workspace as it was at the start."""
        for path in self.extras():
            self.write(path, None)
        for path, data in self.start.items():
            if not path.exists() or path.read_bytes() != data:
                self.write(path, data)
        return "reset"


def replace_digit(editor: Editor, path: Path, pattern: re.Pattern[str] = DIGIT) -> str | None:
    """Another value for one of the numbers in a file, of the same length; None without numbers."""
    text = path.read_bytes().decode()
    found = [
        match
        for match in pattern.finditer(text)
        if not text[: match.start()].rpartition("\n")[2].startswith("##")
    ]
    if not found:
        return None
    match = editor.chance.choice(found)
    start = match.end() - 1
    return f"{text[:start]}{editor.chance.randint(1, 9)}{text[start + 1 :]}"


def content(editor: Editor) -> str:
    path = editor.pick(editor.templates())
    text = replace_digit(editor, path)
    return editor.write(path, text) if text is not None else comment(editor)


def mtime_kept(editor: Editor) -> str:
    """Another content of the same size and with the same date."""
    path = editor.pick(editor.templates() + editor.modules())
    pattern = CONSTANT if path.suffix == ".py" else DIGIT
    text = replace_digit(editor, path, pattern)
    if text is None:
        return touch(editor)
    stat = path.stat()
    said = editor.write(path, text)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return f"{said}, date kept"


def comment(editor: Editor) -> str:
    path = editor.pick(editor.templates() + editor.modules() + editor.metas())
    lines = path.read_text().splitlines()
    mark = "#" if path.suffix == ".py" else editor.chance.choice(["##", "#"])
    at = len(lines) if mark == "#" else editor.chance.randint(1, len(lines))
    lines.insert(at, f"{mark} note {editor.chance.randint(1, 3)}")
    return "comment: " + editor.write(path, "\n".join(lines) + "\n")


def blank(editor: Editor) -> str:
    path = editor.pick(editor.templates())
    return "blank line: " + editor.write(path, path.read_text() + "\n")


def order(editor: Editor) -> str:
    """Swap two keys that stand below one another."""
    for path in editor.chance.sample(editor.templates(), len(editor.templates())):
        text = path.read_text()
        pairs = list(re.finditer(r"(?m)^( +)(\w+: \d+)\n\1(\w+: \d+)$", text))
        if pairs:
            one = editor.chance.choice(pairs)
            swapped = f"{one[1]}{one[3]}\n{one[1]}{one[2]}"
            return "order: " + editor.write(path, text[: one.start()] + swapped + text[one.end() :])
    return content(editor)


def add(editor: Editor) -> str:
    number = editor.fresh() % 4
    plain = editor.root / "projects" / "plain" / "templates" / "configs"
    choices = {
        plain / f"more{number}.yaml": (plain / "second.yaml").read_bytes(),
        editor.root / "data" / f"more{number}.txt": f"more {number}\n".encode(),
        editor.root / "data" / f"more{number}.md": b"not matched\n",
        editor.root / "code" / f"more{number}.py": b"MORE = 1\n",
        editor.root / "lib" / f"more{number}.yaml": b"## unused\n",
        editor.root / "lib" / "common" / "optional.yaml": b"optional: 1\n",
        editor.root / "upper" / "common" / "optional.yaml": b"optional: 2\n",
    }
    path = editor.pick(list(choices))
    return "add: " + editor.write(path, choices[path])


def shadow(editor: Editor) -> str:
    """A file that is found before another of its name; sometimes a folder in the way."""
    path = editor.pick([path for path in editor.templates() if "lib" in path.parts])
    relative = path.relative_to(editor.root / "lib")
    place = editor.chance.choice(
        [
            editor.root / "upper" / relative,
            editor.root / "projects" / "plain" / "templates" / relative,
        ]
    )
    if editor.chance.random() < 0.15 and not place.exists():
        place.mkdir(parents=True)
        return f"folder at {editor.name(place)}"
    text = replace_digit(editor, path) if editor.chance.random() < 0.7 else None
    return "shadow: " + editor.write(place, path.read_text() if text is None else text)


def delete(editor: Editor) -> str:
    extras = editor.extras() + [path for path in editor.data() if path.suffix == ".txt"]
    if not extras or editor.chance.random() < NEEDED:
        extras = editor.templates() + editor.modules()
    return editor.write(editor.pick(extras), None)


def revert(editor: Editor) -> str:
    return editor.reset() if editor.chance.random() < 0.2 else editor.undo()


def rename(editor: Editor) -> str:
    """A data file under another name, or a template together with the line that names it."""
    if editor.chance.random() < 0.5:
        path = editor.pick([path for path in editor.data() if path.suffix == ".txt"] or [])
        other = path.with_name(f"{editor.chance.choice(['alpha', 'omega'])}.txt")
        data = path.read_bytes()
        editor.write(path, None)
        return "rename: " + editor.write(other, data)
    base = editor.root / "lib" / "base.yaml"
    match = re.search(r'"(common/values\w*\.yaml)"', base.read_text()) if base.exists() else None
    path = editor.root / "lib" / match[1] if match else base
    if match is None or not path.exists():
        return editor.reset()
    new = f"common/values{editor.chance.choice(['', '_new', '_newer'])}.yaml"
    data = path.read_bytes()
    editor.write(path, None)
    editor.write(editor.root / "lib" / new, data)
    return "rename: " + editor.write(base, base.read_text().replace(match[1], new))


def touch(editor: Editor) -> str:
    path = editor.pick(editor.files())
    when = editor.chance.choice([None, (0, 0), (4e9, 4e9), (1e9, 1e9)])
    os.utime(path, when)
    return f"touch {editor.name(path)} {when or 'now'}"


def rewrite(editor: Editor) -> str:
    """The same bytes in another inode, as git checkout and editors do."""
    path = editor.pick(editor.files())
    aside = path.with_name(path.name + "~")
    aside.write_bytes(path.read_bytes())
    os.replace(aside, path)
    return f"write {editor.name(path)} anew, the same bytes"


def link(editor: Editor) -> str:
    """A template becomes a symbolic link to a file elsewhere."""
    path = editor.pick(editor.templates())
    target = editor.root / "elsewhere" / f"{editor.fresh() % 3}.txt"
    editor.write(target, path.read_bytes())
    editor.past.append((path, path.read_bytes()))
    path.unlink()
    path.symlink_to(os.path.relpath(target, path.parent))
    return f"link {editor.name(path)}"


def environment(editor: Editor) -> str:
    name = editor.chance.choice(VARIABLES)
    values = [None, "", "one", "two"] if name != "TZ" else [None, "UTC", "Asia/Tokyo"]
    editor.environment[name] = editor.chance.choice(values)
    return f"{name}={editor.environment[name]}"


def part(editor: Editor) -> str:
    path = editor.pick(editor.modules())
    text = replace_digit(editor, path, CONSTANT)
    if path.name == "__init__.py":
        text = path.read_text().replace("style 1", f"style {editor.chance.randint(1, 4)}")
    return "part: " + editor.write(path, path.read_text() + "\n" if text is None else text)


def meta(editor: Editor) -> str:
    """The description, or the order of the search path."""
    if editor.chance.random() < 0.5:
        path = editor.pick(editor.metas())
        return "meta: " + editor.write(path, replace_digit(editor, path) or path.read_text())
    path = editor.root / "forgather_workspace" / "meta_defaults.yaml"
    lines = path.read_text().splitlines(keepends=True)
    at = next((i for i, line in enumerate(lines) if '"upper"' in line or '"lib"' in line), None)
    if at is None or at + 1 >= len(lines):
        return editor.reset()
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "meta: " + editor.write(path, "".join(lines))


def data(editor: Editor) -> str:
    path = editor.pick(editor.data())
    text = editor.chance.choice(WORDS) + "\n"
    before = path.read_bytes() if editor.chance.random() < 0.5 else b""
    return "data: " + editor.write(path, before[:2000] + text.encode())


def damage(editor: Editor) -> str:
    """Something happens to what was built."""
    built = sorted(published(editor.root))
    if not built:
        return "nothing is built yet"
    path = editor.pick(built)
    how = editor.chance.choice(["truncate", "alter", "delete", "folder", "link", "empty"])
    content = path.read_bytes()
    path.unlink()
    if how == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif how == "alter":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
    elif how == "folder":
        path.mkdir()
    elif how == "link":
        path.symlink_to("/nowhere")
    elif how == "empty":
        path.touch()
    return f"damage: {how} {editor.name(path)}"


def published(root: Path) -> list[Path]:
    """Artifacts in the places where people look at them."""
    found = [*root.glob("build/*/*.*"), *root.glob("build/*/*/*.*")]
    found += root.glob("projects/*/output_models/*/checkpoint-*/*.*")
    hidden = {"store", "state", "locks", "log"}
    return [
        path
        for path in found
        if path.is_file()
        and not path.is_symlink()
        and path.relative_to(root).parts[1] not in hidden
    ]


EDITS: dict[str, Callable[[Editor], str]] = {
    edit.__name__: edit
    for edit in (
        content,
        mtime_kept,
        comment,
        blank,
        order,
        add,
        shadow,
        delete,
        revert,
        rename,
        touch,
        rewrite,
        link,
        environment,
        part,
        meta,
        data,
        damage,
    )
}


def random_edit(editor: Editor) -> tuple[str, str]:
    """Make one edit, or two at once; the kind of it, and what was done."""
    kind = editor.chance.choice([*EDITS, "two"])
    if kind != "two":
        return kind, _edit(editor, kind)
    both = editor.chance.choices(list(EDITS), k=2)
    return "two", "; ".join(_edit(editor, each) for each in both)


def _edit(editor: Editor, kind: str) -> str:
    try:
        return EDITS[kind](editor)
    except (OSError, IndexError, UnicodeDecodeError) as error:
        # What it wanted to edit is gone, or is a folder by now.
        return f"{kind}: {error!r}; {editor.reset()}"
