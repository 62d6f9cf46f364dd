"""``doit graph``: the tasks behind what is named, and what each depends on.

A command, as in other build tools; the tasks of the kind ``graph`` are run by ``doit run graph``.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.exceptions import InvalidCommand

CURRENT, RUN, WAIT = "current", "run", "wait"
MARKS = {CURRENT: " ", RUN: "*", WAIT: "?", None: " "}
FILLS = {CURRENT: "white", RUN: "gold", WAIT: "lightyellow", None: "lightgrey"}


@dataclass(frozen=True)
class Node:
    """state: "current", "run" or "wait" (it runs if what it depends on comes out different); None for a
    task of a dodo.py, of which only doit knows."""

    name: str
    deps: tuple[str, ...]
    state: str | None


Nodes = Mapping[str, Node]  # dependencies before what needs them


class Graph(DoitCmdBase):
    doc_purpose = "show what tasks depend on"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Without names, everything is shown. In the tree, * marks what would run, and ? what runs if "
        "what it depends on comes out different."
    )
    cmd_options = (
        {
            "name": "format",
            "long": "format",
            "type": str,
            "default": "tree",
            "choices": [(name, "") for name in ("tree", "dot", "mermaid", "json")],
            "help": "form of the output: tree, dot (Graphviz), mermaid or json [default: %(default)s]",
        },
    )

    def _execute(self, pos_args: list[str], format: str) -> int:
        tasks = {task.name: task for task in self.task_list if not task.name.startswith("_")}
        names = [name for word in pos_args for name in _meant(tasks, word)]
        nodes = reach(tasks, names or list(tasks))
        self.outstream.write(FORMATS[format](nodes, names or tops(nodes)))
        return 0


def _meant(tasks: Mapping[str, Any], word: str) -> list[str]:
    """The tasks of a word: one, those of a group, or those that fit a pattern."""
    names = fnmatch.filter(tasks, word) if "*" in word else [word]
    if not names or ("*" not in word and word not in tasks):
        raise InvalidCommand(f"{word!r} is not a task")
    return [member for name in names for member in _members(tasks, name)]


def _members(tasks: Mapping[str, Any], name: str) -> list[str]:
    task = tasks[name]
    return [one for one in task.task_dep if one in tasks] if task.has_subtask else [name]


def reach(tasks: Mapping[str, Any], names: list[str]) -> Nodes:
    """The named tasks and all that they depend on, each once. Groups are only names of others."""
    found: dict[str, Node] = {}

    def visit(name: str) -> None:
        if name in found:
            return
        task = tasks[name]
        deps = [one for dep in _deps(tasks, task) for one in _members(tasks, dep)]
        for dep in deps:
            visit(dep)
        if not task.has_subtask:
            found[name] = Node(name, tuple(deps), _state(task, [found[dep] for dep in deps]))

    for name in names:
        visit(name)
    return found


def _deps(tasks: Mapping[str, Any], task: Any) -> list[str]:
    patterns = [name for pattern in task.wild_dep for name in fnmatch.filter(tasks, pattern)]
    return [name for name in (*task.task_dep, *patterns, *task.setup_tasks) if name in tasks]


def _state(task: Any, deps: list[Node]) -> str | None:
    meta = task.meta or {}
    if meta.get("broken"):
        return RUN
    artifact = meta.get("artifact")
    if artifact is None and not meta.get("alias"):
        return None
    if artifact is not None and not artifact.verdict().is_current:
        return RUN
    return CURRENT if all(dep.state == CURRENT for dep in deps) else WAIT


def tops(nodes: Nodes) -> list[str]:
    """What nothing else depends on."""
    below = {dep for node in nodes.values() for dep in node.deps}
    return [name for name in nodes if name not in below]


def tree(nodes: Nodes, wanted: list[str]) -> str:
    """What each task depends on stands below it; of one that was shown before, only the name."""
    shown: set[str] = set()

    def show(name: str, indent: int) -> Iterator[str]:
        node = nodes[name]
        again = name in shown and node.deps
        yield f"{MARKS[node.state]} {'  ' * indent}{name}{' ...' if again else ''}\n"
        if name not in shown:
            shown.add(name)
            for dep in node.deps:
                yield from show(dep, indent + 1)

    return "".join(line for name in dict.fromkeys(wanted) for line in show(name, 0))


def dot(nodes: Nodes, wanted: list[str]) -> str:
    lines = ["digraph build {", "  rankdir=LR;", "  node [shape=box, fontname=sans, style=filled];"]
    for node in nodes.values():
        lines.append(f"  {_quoted(node.name)} [fillcolor={FILLS[node.state]}];")
        lines += [f"  {_quoted(dep)} -> {_quoted(node.name)};" for dep in node.deps]
    return "\n".join([*lines, "}", ""])


def mermaid(nodes: Nodes, wanted: list[str]) -> str:
    number = {name: f"t{index}" for index, name in enumerate(nodes)}
    lines = ["flowchart LR"]
    for node in nodes.values():
        lines.append(f'  {number[node.name]}["{_escaped(node.name)}"]')
        lines += [f"  {number[dep]} --> {number[node.name]}" for dep in node.deps]
    for state in (RUN, WAIT):
        if members := [number[node.name] for node in nodes.values() if node.state == state]:
            lines.append(f"  style {','.join(members)} fill:{FILLS[state]}")
    return "\n".join([*lines, ""])


def as_json(nodes: Nodes, wanted: list[str]) -> str:
    found = [
        {"task": node.name, "depends_on": list(node.deps), "state": node.state}
        for node in nodes.values()
    ]
    return json.dumps(found, indent=2) + "\n"


FORMATS = {"tree": tree, "dot": dot, "mermaid": mermaid, "json": as_json}


def _quoted(name: str) -> str:
    """A string of Graphviz, which knows one escape: that of the quote."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(name: str) -> str:
    """Mermaid has entities of its own for what would end a label."""
    return name.replace("#", "#35;").replace('"', "#quot;")
