"""The interactive shell, ``forgather -i``: the same commands, with a project and a config remembered.

A line is a forgather command, or one of the shell's own (``help`` lists them). Long output is paged.
The shell knows nothing about what the commands do; it hands their lines to :func:`main`.
"""

from __future__ import annotations

import cmd
import io
import os
import pydoc
import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

from forgather.cli import table
from forgather.cli.history import History
from forgather.cli.output import note, paint, report, say
from forgather.errors import ForgatherError, ProjectError, UsageError, did_you_mean
from forgather.meta_config import MetaConfig
from forgather.view.configs import config_names

PAGED = ("blame", "code", "construct", "diff", "graph", "index", "pp", "tlist", "trefs")
OWN = ("cd", "commands", "config", "configs", "debug", "edit", "exit", "help", "pwd", "quit")


class Shell(cmd.Cmd):
    """``main`` runs one command line and returns its exit code."""

    intro = "Forgather shell. 'help' shows what you can type, 'exit' or Ctrl-D leaves."

    def __init__(self, main: Callable[[list[str]], int], config: str = "") -> None:
        super().__init__()
        self.main = main
        self.config = config
        self.history = History()

    @property
    def prompt(self) -> str:
        shown = f" [{self.config}]" if self.config else ""
        return f"forgather:{os.path.basename(os.getcwd())}{shown}> "

    def preloop(self) -> None:
        self.history.load()

    def postloop(self) -> None:
        self.history.save()

    def emptyline(self) -> bool:
        return False  # cmd would repeat the last command

    def onecmd(self, line: str) -> bool:
        try:
            return bool(super().onecmd(line))
        except ForgatherError as error:
            report(error)
        except KeyboardInterrupt:
            note("")
        return False

    def default(self, line: str) -> bool:
        """Any line that is not the shell's own: a forgather command, ``-t NAME`` before it or not."""
        if line == "EOF":
            say()
            return True
        argv = _split(line)
        name = next((word for word in argv if word in table.SUMMARIES), None)
        if name is None:
            raise UsageError(
                f"there is no command {argv[0]!r}", hint=did_you_mean(argv[0], self.words())
            )
        if self.config and not {"-t", "--config-template"}.intersection(argv):
            argv = ["-t", self.config, *argv]
        note(f"Executing: forgather {shlex.join(argv)}")
        self._run(argv, paged=name in PAGED and not {"-o", "-e"}.intersection(argv))
        return False

    def _run(self, argv: list[str], paged: bool) -> None:
        if not paged or not sys.stdout.isatty():
            self.main(argv)
            return
        shown = io.StringIO()
        with redirect_stdout(shown):
            self.main(argv)
        text = shown.getvalue()
        if text.count("\n") >= shutil.get_terminal_size().lines:
            pydoc.pipepager(text, os.environ.get("PAGER") or "less")
        else:
            say(text)

    def words(self) -> list[str]:
        return [*table.SUMMARIES, *OWN]

    def do_cd(self, line: str) -> None:
        """cd DIR: go to a directory; the config chosen before is forgotten"""
        target = os.path.expanduser(line.strip() or "~")
        try:
            os.chdir(target)
        except OSError as error:
            raise UsageError(f"cd {target}: {error.strerror}") from error
        self.config = ""
        self.history.move()

    def do_pwd(self, line: str) -> None:
        """pwd: show the current directory"""
        say(os.getcwd())

    def do_configs(self, line: str) -> None:
        """configs: list the project's configs, the chosen one marked with *"""
        meta = _meta()
        chosen = self.config or meta.default_config()
        for name in config_names(meta):
            say(f"{'*' if name == chosen else ' '} {name}")

    def do_config(self, line: str) -> None:
        """config [NAME]: choose a config for the commands that follow; without NAME the default"""
        name = line.strip()
        names = config_names(_meta())
        if name and name not in names:
            raise UsageError(f"there is no config {name!r}", hint=did_you_mean(name, names))
        self.config = name

    def do_commands(self, line: str) -> None:
        """commands: list the forgather commands"""
        width = max(map(len, table.SUMMARIES))
        for name, summary in table.SUMMARIES.items():
            say(f"  {paint(name.ljust(width), 'bold')}  {summary}")

    def do_edit(self, line: str) -> None:
        """edit [FILE]: open a template in the editor; without FILE choose from a menu (1,3,5-8)"""
        from forgather.cli.editor import open_in_editor

        if name := line.strip():
            for path in [_file(name)]:
                open_in_editor(path)
            return
        paths = sorted({path for _, path in _meta().find_templates()})
        for number, path in enumerate(paths, 1):
            say(f"{number:4}  {os.path.relpath(path)}")
        for number in numbers(input("edit which? "), len(paths)):
            open_in_editor(paths[number - 1])

    def do_debug(self, line: str) -> None:
        """debug: show the Python traceback of errors too; again turns it off"""
        if os.environ.pop("FORGATHER_DEBUG", None) is None:
            os.environ["FORGATHER_DEBUG"] = "1"
        say(f"debug is {'on' if 'FORGATHER_DEBUG' in os.environ else 'off'}")

    def do_exit(self, line: str) -> bool:
        """exit: leave the shell"""
        return True

    do_quit = do_exit

    def do_help(self, line: str) -> None:
        """help [COMMAND]: show what can be typed, or the options of a command"""
        name = line.strip()
        if name in table.SUMMARIES:
            self.main([name, "--help"])
            return
        for own in OWN:
            say(f"  {getattr(self, f'do_{own}').__doc__}")
        say("\nAnything else is a forgather command ('commands' lists them), as in: -t NAME pp")

    def completenames(self, text: str, *ignored: object) -> list[str]:
        return [word for word in self.words() if word.startswith(text)]

    def completedefault(self, text: str, line: str, begin: int, end: int) -> list[str]:
        before = line[:begin].split()
        if before and before[-1] in ("-t", "--config-template", "config"):
            found = config_names(_meta())
        elif before and before[-1] == "--target":
            found = self._targets()
        else:
            found = _paths(text)
        return [word for word in found if word.startswith(text)]

    complete_config = complete_cd = complete_edit = completedefault

    def _targets(self) -> list[str]:
        shown = io.StringIO()
        chosen = ["-t", self.config] if self.config else []
        with redirect_stdout(shown):
            self.main([*chosen, "completion", "--targets"])
        return shown.getvalue().split()


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"cannot read the line: {error}") from None


def _meta() -> MetaConfig:
    return MetaConfig(MetaConfig.find_project_dir("."))


def _file(name: str) -> str:
    """A template of this name on the search path, else a file, created on request."""
    known = dict(_meta().find_templates())
    if name in known:
        return known[name]
    if not os.path.exists(name):
        if input(f"{name} does not exist. Create it? [y/N] ").strip().lower() != "y":
            raise ProjectError(f"there is no file {name}", hint=did_you_mean(name, known))
        os.makedirs(os.path.dirname(os.path.abspath(name)), exist_ok=True)
        with open(name, "a", encoding="utf-8"):
            pass
    return name


def _paths(text: str) -> list[str]:
    folder, _ = os.path.split(text)
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return []
    found = [os.path.join(folder, name) for name in names]
    return [f"{path}/" if os.path.isdir(path) else path for path in found]


def numbers(text: str, count: int) -> list[int]:
    """``1,3,5-8`` as numbers between 1 and ``count``."""
    found: list[int] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, dash, last = part.partition("-")
        try:
            chosen = range(int(first), int(last if dash else first) + 1)
        except ValueError:
            raise UsageError(f"{part!r} is not a number or a range such as 5-8") from None
        for number in chosen:
            if not 1 <= number <= count:
                raise UsageError(f"{number} is not in the list, which ends with {count}")
            found.append(number)
    return found
