"""Every error a user of Forgather may see, one tree.

::

    ForgatherError
    ├── UsageError                 the command line is wrong (exit code 2)
    ├── ProjectError               no project, no workspace, a bad meta.yaml
    ├── ConfigError                the text of a config is wrong
    │   ├── TemplateError          preprocessing: syntax, undefined names, missing templates
    │   │   ├── TemplateNotFoundError
    │   │   └── UndefinedVariableError
    │   ├── YamlError              the rendered text is not the YAML it should be
    │   └── GraphError             the parsed graph is wrong
    │       ├── DuplicateNameError
    │       ├── ImportSpecError    malformed ``module:symbol``
    │       ├── ResolveError       a module, file or attribute that does not exist
    │       ├── UnboundVarError    ``!var`` without a value
    │       ├── TargetError        no such target
    │       └── ConstructionError  a constructor failed (the cause is chained)
    ├── BuildError                 an artifact could not be made
    ├── CodegenError               a graph cannot be turned into code
    ├── RunError                   a training went wrong
    │   ├── CheckpointError        a checkpoint is missing, damaged or does not fit
    │   └── Interrupted            stopped on request; work is saved (exit code 130)
    └── DataError                  data that is missing or not what it should be

Each error says what happened, where (:class:`Span`: file and line of the *template* the user wrote)
and what to do (``hint``). ``chain`` is how the place was reached through other templates; ``frames``,
where code of the user's own raised, the lines of it that were running. ``code`` is a stable identifier
from ``docs/errors.md``. This module knows nothing about how errors come about; it is the bottom of the
import order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """A place in a source file.

    template: logical name (``configs/a.yaml``, or the name of an inline template).
    line, column: 1-based, counted in the real file, for inline templates too.
    path: the real file, where there is one.
    text: the offending line as the user wrote it.
    """

    template: str
    line: int
    column: int | None = None
    path: str | None = None
    text: str | None = None

    def at(self, word: str) -> Span:
        """The place of ``word`` in this line, where the line shows it once; else this place."""
        text = self.text or ""
        if text.count(word) != 1:
            return self
        return Span(self.template, self.line, text.index(word) + 1, self.path, text)

    def __str__(self) -> str:
        place = f"{self.path or self.template}:{self.line}"
        return f"{place}:{self.column}" if self.column else place


class ForgatherError(Exception):
    """Base of all errors meant for the user's eyes; ``str()`` is the bare message."""

    exit_code = 1
    default_code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        where: Span | None = None,
        hint: str | None = None,
        code: str | None = None,
        chain: tuple[Span, ...] = (),
        frames: tuple[Span, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.code = code or self.default_code
        self.chain = chain
        self.frames = frames

    def __str__(self) -> str:
        return self.message

    def render(self) -> str:
        """The whole message for a terminal: place, text with caret, chain, frames, hint."""
        label = f"error[{self.code}]" if self.code else "error"
        place = f"{self.where}: " if self.where else ""
        lines = [f"{place}{label}: {self.message}"]
        if self.where and self.where.text is not None:
            gutter = f"{self.where.line:>5} | "
            lines.append(gutter + self.where.text.rstrip("\n"))
            if self.where.column:
                lines.append(" " * (len(gutter) + self.where.column - 1) + "^")
        lines += [f"  included from {span}" for span in self.chain]
        for frame in self.frames:
            lines.append(f"  raised at {frame}, in {frame.template}")
            lines += [f"      {frame.text.strip()}"] if frame.text else []
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UsageError(ForgatherError):
    exit_code = 2
    default_code = "FG001"


class ProjectError(ForgatherError):
    default_code = "FG500"


class ConfigError(ForgatherError):
    default_code = "FG100"


class TemplateError(ConfigError):
    default_code = "FG100"


class TemplateNotFoundError(TemplateError, LookupError):
    default_code = "FG103"


class UndefinedVariableError(TemplateError):
    default_code = "FG101"


class YamlError(ConfigError):
    default_code = "FG201"


class GraphError(ConfigError):
    default_code = "FG300"


class DuplicateNameError(GraphError):
    default_code = "FG302"


class ImportSpecError(GraphError, ValueError):
    default_code = "FG303"


class ResolveError(GraphError, LookupError):
    default_code = "FG304"


class UnboundVarError(GraphError, NameError):
    default_code = "FG305"


class TargetError(GraphError, KeyError):
    default_code = "FG306"


class ConstructionError(GraphError):
    default_code = "FG307"


class BuildError(ForgatherError):
    default_code = "FG600"


class CodegenError(ForgatherError):
    default_code = "FG400"


class RunError(ForgatherError):
    default_code = "FG700"


class CheckpointError(RunError):
    default_code = "FG701"


class Interrupted(RunError):
    exit_code = 130
    default_code = "FG702"


class DataError(ForgatherError):
    default_code = "FG800"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None where nothing is close."""
    import difflib  # here: only a mistake needs it

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint: the nearest valid name, and otherwise the list of what is valid."""
    names = sorted(known)
    if (close := nearest(name, names)) is not None:
        return f"did you mean {close!r}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known: {shown}" if names else "nothing is defined here"
