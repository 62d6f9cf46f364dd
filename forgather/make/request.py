"""From what was asked for to what is left to do: survey, compile what is open, restore what is stored.

What is known to be current is never looked at again, and what the store has is brought from there
before any task exists: doit gets only the steps that need work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.errors import ForgatherError
from forgather.make import answers
from forgather.make.database import is_empty
from forgather.make.faults import FAULTS
from forgather.make.index import ConfigIndex
from forgather.make.kinds import AFTER_TRAINING
from forgather.make.options import Options
from forgather.make.probes import collecting
from forgather.make.stamps import Stamps
from forgather.make.survey import ALIAS, Survey, find_places, plan_stamp, survey
from forgather.make.verdict import Verdict
from forgather.memory import no_collections

if TYPE_CHECKING:
    from forgather.make.catalog import Catalog
    from forgather.make.target import Target


@dataclass
class Remaining:
    """targets: what is left to do, dependencies first; current: what needed nothing; restored: what came
    from a store, and why it was not current."""

    targets: dict[str, Target] = field(default_factory=dict)
    current: list[str] = field(default_factory=list)
    restored: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def without(self, taken: Mapping[str, tuple[str, ...]]) -> Remaining:
        """What is current because it was taken from a pack a moment ago has been restored."""
        restored = {task: taken[task] for task in self.current if task in taken}
        current = [task for task in self.current if task not in taken]
        return Remaining(self.targets, current, restored | self.restored)


class Request:
    """The build root as one command sees it; the catalog is made only if stamps do not suffice."""

    def __init__(self, root: Path, options: Options, catalog: Catalog | None = None) -> None:
        self.root = root
        self.options = options
        self._given = catalog

    @cached_property
    def stamps(self) -> Stamps:
        if self._given is not None:
            return self._given.build.stamps
        from forgather.make.stamps import open_stamps

        return open_stamps(self.root)

    @cached_property
    def index(self) -> ConfigIndex:
        return self._given.index if self._given is not None else ConfigIndex(self.root)

    @cached_property
    def catalog(self) -> Catalog:
        if self._given is not None:
            return self._given
        from forgather.make.catalog import Catalog

        return Catalog(self.root, self.options, index=self.index, stamps=self.stamps)

    @property
    def has_catalog(self) -> bool:
        return self._given is not None or "catalog" in vars(self)

    def finish(self) -> None:
        """Keep what the next build need not look into again."""
        if self.has_catalog:
            from forgather.make.packs.offer import offer

            build = self.catalog.build
            offer(build, build.save_stamps())
            build.start_uploads()
        elif "stamps" in vars(self):
            self.stamps.save()

    def remaining(
        self,
        names: Iterable[str],
        *,
        always: bool = False,
        is_ignored: Callable[[str], bool] = lambda name: False,
    ) -> Remaining:
        """What must still be done for ``names``. Raises ForgatherError for names of nothing.

        is_ignored: tells of tasks that are not to be touched; they are left to doit, which skips them.
        """
        asked = list(names)
        taken = {} if always else self._take(asked)
        known = Survey(open=[*asked]) if always else self._look(asked)
        done = Remaining(current=[task for task in known.tasks if task in known.current])
        if known.is_current:
            return done.without(taken)
        possible = self.catalog.existing(known.possible)
        targets = self._targets([*known.open, *possible, *known.stale], known.current)
        self._remember_others(known.possible, targets)
        kept = {name for name in targets if always or is_ignored(name)}
        if targets:
            with self.catalog.build.state.batch():
                self._restore_all(targets, kept, done)
        return done.without(taken)

    def _take(self, names: list[str]) -> dict[str, tuple[str, ...]]:
        """Start a new checkout with what another one has: the tasks, and why they were not current."""
        with self.stamps.database.reading() as connection:
            if not is_empty(connection):
                return {}
        from forgather.make.packs.take import NEW, take

        find_places(self.stamps, self.index)
        with no_collections():
            return dict.fromkeys(take(self.catalog.build, names), tuple(NEW))

    def _look(self, names: list[str]) -> Survey:
        asked = answers.question(names, AFTER_TRAINING)
        tasks = answers.recall(self.stamps, asked)
        if tasks is not None:
            return Survey({task: [] for task in tasks}, set(tasks))
        known = survey(self.stamps, self.index, names, AFTER_TRAINING)
        if known.is_current:
            answers.keep(self.stamps, asked, list(known.tasks))
        return known

    def _restore_all(self, targets: dict[str, Target], kept: set[str], done: Remaining) -> None:
        """Bring from the store what is there, dependencies first; ``kept`` and the rest stay to be done."""
        finished = set(done.current)
        for name, target in targets.items():
            if name not in kept and all(dep in finished for dep in target.deps):
                before = Verdict(True) if target.is_alias else self._restore(target)
                if before is not None:
                    finished.add(name)
                    if before.is_current:
                        done.current.append(name)
                    else:
                        done.restored[name] = before.reasons
                    continue
            done.targets[name] = target

    def _restore(self, target: Target) -> Verdict | None:
        try:
            return self.catalog.build.restore(target)
        except (ForgatherError, *FAULTS):
            return None  # its task will say what is wrong

    def _targets(self, names: Iterable[str], current: set[str]) -> dict[str, Target]:
        """The targets of ``names`` and what they depend on, less what is current."""
        catalog = self.catalog
        found: dict[str, Target] = {}

        def add(target: Target) -> None:
            if target.name in found or target.name in current:
                return
            for dep in target.deps:
                if dep not in current:
                    add(catalog.target(dep))
            found[target.name] = target

        for name in catalog.following(names):
            for target in catalog.expand(name):
                add(target)
        for config in {target.id for target in found.values()}:
            self._remember_plan(config)
        return found

    def _remember_others(self, tasks: Iterable[str], targets: dict[str, Target]) -> None:
        """The plans of configs that turned out to have nothing of the kind."""
        known = {target.id for target in targets.values()} | self.catalog.broken.keys()
        for config in {task.partition(":")[2] for task in tasks} - known:
            self._remember_plan(config)

    def _remember_plan(self, config: str) -> None:
        """The tasks of a config, for the next survey."""
        build = self.catalog.build
        with collecting() as group:
            build.note_own_code()
            compiled = build.compiler(self.catalog.config(config).instance)
            self.index.identify(compiled.instance.project_dir, compiled.instance.config)
            plan = {
                target.kind: [*([ALIAS] if target.is_alias else []), *target.deps]
                for target in build.planner.targets(compiled)
            }
        self.stamps.remember(plan_stamp(config), plan, group)
