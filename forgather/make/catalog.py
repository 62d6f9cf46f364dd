"""Names of tasks to targets: finds configs by their ids and follows their dependencies."""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forgather.errors import ForgatherError, UsageError, did_you_mean
from forgather.make.build import Build, Options
from forgather.make.compile import Compiled
from forgather.make.index import ConfigIndex
from forgather.make.plan import AFTER_TRAINING, KINDS
from forgather.make.rules import RULES
from forgather.make.target import Target


class Catalog:
    """The configs below a build root, compiled when they are asked for."""

    def __init__(self, root: Path, options: Options | None = None) -> None:
        self.index = ConfigIndex(root)
        self.build = Build(root, RULES, self.index.identify, options)
        self._compiled: dict[str, Compiled] = {}
        self._targets: dict[str, dict[str, Target]] = {}
        self.broken: dict[str, ForgatherError] = {}  # met while all configs were asked for

    def compile(self, project_dir: Path, config: str, variables: dict[str, Any]) -> Compiled:
        """Compile a config with preprocessor arguments; afterwards its tasks have names."""
        config = config or self.index.default_config(project_dir)
        compiled = self.build.compiler(self.build.planner.instance(project_dir, config, variables))
        self._compiled[compiled.id] = compiled
        return compiled

    def config(self, name: str) -> Compiled:
        """The compiled config of an id. Raises UsageError with the nearest id."""
        known = self._compiled.get(name) or self.build.compiler.done.get(name)
        if known is not None:
            return known
        found = self.index.find(name)
        if found is None:
            raise UsageError(
                f"there is no config {name!r} below {self.index.root}",
                hint=did_you_mean(name, self.index.ids()),
                code="FG002",
            )
        return self.compile(*found, {})

    def targets(self, name: str) -> dict[str, Target]:
        """The targets of a config by kind."""
        if name not in self._targets:
            compiled = self.config(name)
            self._targets[name] = {
                target.kind: target for target in self.build.planner.targets(compiled)
            }
        return self._targets[name]

    def target(self, task: str) -> Target:
        kind, _, name = task.partition(":")
        if kind not in KINDS:
            raise UsageError(
                f"there is no task {task!r}", hint=did_you_mean(kind, KINDS), code="FG003"
            )
        found = self.targets(name)
        if kind not in found:
            raise UsageError(
                f"{name} has no {kind}",
                hint=f"it has: {', '.join(found)}",
                code="FG004",
            )
        return found[kind]

    def closure(
        self, names: Iterable[str], found: dict[str, Target] | None = None
    ) -> dict[str, Target]:
        """The named targets and everything that they depend on, by task name."""
        found = {} if found is None else found
        waiting = deque(target for name in names for target in self._expand(name))
        while waiting:
            target = waiting.popleft()
            if target.name not in found:
                found[target.name] = target
                waiting.extend(self.target(task) for task in target.deps)
        return found

    def following(self, names: Iterable[str]) -> list[str]:
        """The names, and for trainings also what is made from their results."""
        result = []
        for name in names:
            result.append(name)
            kind, _, config = name.partition(":")
            if kind == "train" and config:
                here = self.targets(config)
                result += [f"{after}:{config}" for after in AFTER_TRAINING if after in here]
        return list(dict.fromkeys(result))

    def _expand(self, name: str) -> list[Target]:
        """A task, a kind (all configs that have it) or a pattern."""
        kind, _, config = name.partition(":")
        if config and "*" not in config:
            return [self.target(name)]
        if kind not in KINDS:
            self.target(name)
        ids = [one for one in self.index.ids() if not config or fnmatch.fnmatch(one, config)]
        every = (self._targets_or_nothing(one) for one in ids)
        return [targets[kind] for targets in every if kind in targets]

    def _targets_or_nothing(self, name: str) -> dict[str, Target]:
        """A broken config hides no other: it is reported when its own task is asked for."""
        try:
            return self.targets(name)
        except ForgatherError as error:
            self.broken[name] = error
            return {}
