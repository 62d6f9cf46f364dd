"""A project as it was at a git revision, in a temporary directory.

The repository is only read, by means of an index of our own; the working tree, the index and the
user's checkout stay as they are.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from forgather.errors import ForgatherError, ProjectError, Span, UsageError
from forgather.graph.nodes import UNSET, CallableNode, VarNode
from forgather.graph.walk import walk


@dataclass(frozen=True)
class Checkout:
    """A revision in ``root``, which stands for ``repository``."""

    root: str
    repository: str
    project_dir: str
    revision: str

    @contextmanager
    def renamed_errors(self) -> Iterator[None]:
        """Errors name files of the repository, with the revision, not of the temporary directory."""
        try:
            yield
        except ForgatherError as error:
            if error.where is not None:
                error.where = self._span(error.where)
            raise

    def rename_spans(self, spans: Mapping[str, Span]) -> dict[str, Span]:
        return {path: self._span(span) for path, span in spans.items()}

    def rename(self, root: Any) -> Any:
        """Change in place every string and span of the graph that names the temporary directory."""
        for visit in list(walk(root)):
            self._rename_children(visit.value)
        return root

    def _rename_children(self, value: Any) -> None:
        if isinstance(value, dict):
            value.update({key: self._leaf(item) for key, item in value.items()})
        elif isinstance(value, list):
            value[:] = map(self._leaf, value)
        elif isinstance(value, CallableNode):
            value.span = value.span and self._span(value.span)
            value.arg_spans = {key: self._span(span) for key, span in value.arg_spans.items()}
            value.constructor = self._leaf(value.constructor)
            value.submodule_searchpath = tuple(map(self._leaf, value.submodule_searchpath))
            value.args[:] = map(self._leaf, value.args)
            value.kwargs.update({key: self._leaf(item) for key, item in value.kwargs.items()})
        elif isinstance(value, VarNode) and value.default is not UNSET:
            value.default = self._leaf(value.default)

    def _leaf(self, value: Any) -> Any:
        return value.replace(self.root, self.repository) if isinstance(value, str) else value

    def _span(self, span: Span) -> Span:
        if span.path is None or not span.path.startswith(self.root):
            return span
        return span._replace(path=f"{self.revision}:{os.path.relpath(span.path, self.root)}")


@contextmanager
def at_revision(project_dir: str, revision: str) -> Iterator[Checkout]:
    """The repository that holds ``project_dir``, at ``revision``."""
    repository = _git(project_dir, "rev-parse", "--show-toplevel").decode().strip()
    inside = os.path.relpath(os.path.realpath(project_dir), os.path.realpath(repository))
    commit = _git(
        repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    with tempfile.TemporaryDirectory(prefix="forgather-") as folder:
        root = os.path.join(os.path.realpath(folder), "tree")
        index = os.path.join(folder, "index")
        _git(repository, "read-tree", commit.decode().strip(), index=index)
        _git(repository, "checkout-index", "--all", f"--prefix={root}/", index=index)
        project = os.path.normpath(os.path.join(root, inside))
        if not os.path.isfile(os.path.join(project, "meta.yaml")):
            raise ProjectError(
                f"there is no project {inside} at revision {revision!r}", code="FG501"
            )
        yield Checkout(root, repository, project, revision)


def _git(folder: str, *arguments: str, index: str | None = None) -> bytes:
    environment = os.environ if index is None else {**os.environ, "GIT_INDEX_FILE": index}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments], capture_output=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise UsageError(
            "git is not installed; only CONFIG without a revision can be compared"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or "there is no such revision"
        raise UsageError(f"git {arguments[0]} {arguments[-1]}: {said}")
    return done.stdout
