"""What a request asks for, and what of it is known to be current: the first thing a build does.

Answered from stamps: no config is compiled, no template engine imported. Where a stamp does not hold,
the config concerned stays *open*, and only that one is compiled. The names of configs come from
stamps too, per project.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, field

from forgather.make.index import ConfigIndex
from forgather.make.kinds import KINDS
from forgather.make.probes import collecting
from forgather.make.stamps import Stamps
from forgather.memory import no_collections

PROJECTS = "projects"
ALIAS = "alias"  # in a plan: nothing of its own, only what it depends on


@dataclass
class Survey:
    """tasks: the known part of the request, each with what it depends on; current: which of them
    need nothing; open: names of which nothing is known without compiling a config; possible: tasks that
    such configs have if they have that kind, which is all that was asked for."""

    tasks: dict[str, list[str]] = field(default_factory=dict)
    current: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)

    @property
    def is_current(self) -> bool:
        return not self.open and not self.possible and len(self.current) == len(self.tasks)

    @property
    def stale(self) -> list[str]:
        return [task for task in self.tasks if task not in self.current]


def plan_stamp(config: str) -> str:
    return f"plan:{config}"


def survey(
    stamps: Stamps, index: ConfigIndex, names: Iterable[str], following: Iterable[str] = ()
) -> Survey:
    """Look at the tasks ``names`` (kinds, tasks, patterns) and all that they depend on.

    following: kinds that are asked for along with ``train`` of the same config.
    """
    with no_collections():
        return _Surveyor(stamps, index, tuple(following)).look(names)


def names_of(stamps: Stamps, index: ConfigIndex, kind: str) -> list[str]:
    """The tasks of a kind as they were known last, and those that other configs may have."""
    ids = known_ids(stamps, index)
    plans = stamps.data(map(plan_stamp, ids))
    return [f"{kind}:{one}" for one in ids if kind in plans.get(plan_stamp(one), (kind,))]


def known_ids(stamps: Stamps, index: ConfigIndex) -> list[str]:
    find_places(stamps, index)
    return _Surveyor(stamps, index, ()).ids()


def find_places(stamps: Stamps, index: ConfigIndex) -> None:
    """Tell ``stamps`` the projects. Folders are listed only if one of them changed."""
    known = stamps.holding([PROJECTS]).get(PROJECTS)
    if known is None:
        projects, group = index.walk
        known = {str(folder): name for name, folder in projects.items()}
        stamps.remember(PROJECTS, known, group)
    stamps.places = known


class _Surveyor:
    def __init__(self, stamps: Stamps, index: ConfigIndex, following: tuple[str, ...]) -> None:
        self.stamps = stamps
        self.index = index
        self.following = following
        self.plans: dict[str, dict[str, list[str]]] = {}
        self.found = Survey()
        self.aliases: set[str] = set()

    def look(self, names: Iterable[str]) -> Survey:
        find_places(self.stamps, self.index)
        wanted = [task for name in names for task in self.expand(name)]
        while wanted:
            self._load_plans({config for _kind, _, config in map(_split, wanted)})
            wanted = [dep for task in wanted for dep in self._add(task)]
        self._judge()
        return self.found

    def expand(self, name: str) -> list[str]:
        kind, _, config = _split(name)
        if "@" in config and "*" in config:  # the variants of a config stand in the config
            self.found.open.append(name)
            return []
        if config and "*" not in config:
            return [name]
        ids = [one for one in self.ids() if not config or fnmatch.fnmatch(one, config)]
        if kind not in KINDS or (
            config and not ids
        ):  # nothing is called so, which is for others to say
            self.found.open.append(name)
            return []
        self._load_plans(ids)
        unknown = [one for one in ids if one not in self.plans]
        self.found.possible += [f"{kind}:{one}" for one in unknown]
        return [f"{kind}:{one}" for one in ids if kind in self.plans.get(one, ())]

    def _load_plans(self, configs: Iterable[str]) -> None:
        asked = [plan_stamp(one) for one in configs if one not in self.plans]
        for name, plan in self.stamps.holding(asked).items():
            self.plans[name.partition(":")[2]] = plan

    def _add(self, task: str) -> list[str]:
        """Take ``task`` in; what is to be looked at next."""
        if task in self.found.tasks:
            return []
        kind, _, config = _split(task)
        plan = self.plans.get(config)
        if plan is None or kind not in plan:
            self.found.open.append(task)
            return []
        deps = plan[kind]
        if deps and deps[0] == ALIAS:
            self.aliases.add(task)
            deps = deps[1:]
        self.found.tasks[task] = deps
        after = [f"{one}:{config}" for one in self.following if one in plan]
        return [*deps, *(after if kind == "train" else [])]

    def _judge(self) -> None:
        tasks = self.found.tasks
        holding = self.stamps.holding(task for task in tasks if task not in self.aliases)
        known: dict[str, bool] = dict.fromkeys(self.found.open, False)

        def judge(task: str) -> bool:
            if task not in known:
                whole = task in self.aliases or task in holding
                known[task] = whole and all(judge(dep) for dep in tasks[task])
            return known[task]

        self.found.current = {task for task in tasks if judge(task)}

    def ids(self) -> list[str]:
        names = sorted(self.stamps.places.values())
        held = self.stamps.holding(f"configs:{name}" for name in names)
        ids: list[str] = []
        for name in names:
            here = held.get(f"configs:{name}")
            if here is None:
                with collecting() as group:
                    here = self.index.ids_of(name)
                self.stamps.remember(f"configs:{name}", here, group)
            ids += here
        return ids


def _split(task: str) -> tuple[str, str, str]:
    return task.partition(":")
