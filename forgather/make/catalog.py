"""Names of tasks to targets: finds configs by their ids and follows their dependencies."""

from __future__ import annotations

import fnmatch
import json
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, ForgatherError, UsageError, did_you_mean
from forgather.make.build import Build
from forgather.make.compile import Compiled
from forgather.make.index import ConfigIndex
from forgather.make.kinds import AFTER_TRAINING, KINDS
from forgather.make.options import Options
from forgather.make.places import places
from forgather.make.plan import VARIANT
from forgather.make.roots import expand
from forgather.make.rules import RULES
from forgather.make.stamps import Stamps
from forgather.make.sweeps import variants
from forgather.make.sweeps.sweep import GIVEN, UNUSED, Sweep, unused_variable
from forgather.make.sweeps.sweep import expand as expand_sweep
from forgather.make.target import Target

SHARED_OUTPUT = "FG642"
NO_SWEEP = "FG644"


class Catalog:
    """The configs below a build root, compiled when they are asked for."""

    def __init__(
        self,
        root: Path,
        options: Options | None = None,
        *,
        index: ConfigIndex | None = None,
        stamps: Stamps | None = None,
    ) -> None:
        self.index = index or ConfigIndex(root)
        names = self.index.identify, self.index.default_config
        self.build = Build(root, RULES, *names, options, stamps)
        self._compiled: dict[str, Compiled] = {}
        self._targets: dict[str, dict[str, Target]] = {}
        self._sweeps: dict[str, Sweep | None] = {}
        self._outputs: dict[str, str] = {}  # output directory -> the variant that trains into it
        self.broken: dict[str, ForgatherError] = {}  # met while all configs were asked for

    def compile(self, project_dir: Path, config: str, variables: dict[str, Any]) -> Compiled:
        """Compile a config with options; afterwards its tasks have names.

        It stays itself, with its own output directory; a variant is found by its name.
        """
        config = config or self.index.default_config(project_dir)
        compiled = self.build.compiler(self.build.planner.in_place(project_dir, config, variables))
        self._compiled[compiled.id] = compiled
        return compiled

    def config(self, name: str) -> Compiled:
        """The compiled config of an id, or variant. Raises UsageError with the nearest id."""
        known = self._compiled.get(name) or self.build.compiler.done.get(name)
        if known is not None:
            return known
        config, suffix = variants.split(name)
        values = {} if suffix is None else variants.parse(suffix)
        found = self.index.find(config)
        if found is None:
            raise UsageError(
                f"there is no config {config!r} below {self.index.root}",
                hint=did_you_mean(config, self.index.ids()),
                code="FG002",
            )
        compiled = self._checked(config, *found, values)
        self._compiled[name] = self._compiled[compiled.id] = compiled
        return compiled

    def _checked(self, name: str, project: Path, config: str, values: dict[str, Any]) -> Compiled:
        """A variant, all of whose variables are used by the config."""
        for variable in values:
            if variable in GIVEN:
                raise UsageError(f"{variable!r} is given by the build", code=UNUSED)
        compiled = self.build.compiler(self.build.planner.instance(project, config, values))
        known = set(compiled.data["variables"]) - GIVEN
        for variable in values:
            if variable not in known:
                raise self._unused(name, variable, known)
        return compiled

    def _unused(self, name: str, variable: str, known: set[str]) -> ForgatherError:
        """At the line of the sweep, if that gives the variable."""
        sweep = self.sweep(name)
        where = None
        if sweep is not None and variable in sweep.variables:
            where = places(self.config(name))(sweep.variables[variable])
        return unused_variable(name, variable, known, where)

    def sweep(self, name: str) -> Sweep | None:
        """The sweep of a config; None if it has none."""
        if name not in self._sweeps:
            compiled = self.config(name)
            block = expand(json.loads(compiled.data["sweep"]), compiled.roots)
            self._sweeps[name] = None if block is None else expand_sweep(block, places(compiled))
        return self._sweeps[name]

    def remark(self, target: Target) -> str:
        """What a list of tasks says of a config besides its name: how many variants it has."""
        if target.kind not in ("pp", "train") or variants.split(target.id)[1] is not None:
            return ""
        try:
            sweep = self.sweep(target.id)
        except ForgatherError:
            return " (its sweep is broken)"
        return f" (sweep: {len(sweep)} variants)" if sweep is not None else ""

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
        if kind == "train":
            self._refuse_shared_output(found[kind].compiled)
        return found[kind]

    def _refuse_shared_output(self, compiled: Compiled) -> None:
        """Variants that train into one directory would push each other aside for ever."""
        output = compiled.meta.get("output_dir")
        if VARIANT not in compiled.instance.variables or not output:
            return
        config, _suffix = variants.split(compiled.id)
        other = self._outputs.setdefault(output, compiled.id)
        if other == compiled.id:
            other = self._plain_with_output(config, output)
        if other not in (None, compiled.id):
            raise BuildError(
                f"{compiled.id} and {other} have the same output directory, {output}",
                where=places(compiled)("meta.output_dir"),
                hint=f"put the variable '{VARIANT}' into its name, as "
                "training_script/training_script_type.yaml does",
                code=SHARED_OUTPUT,
            )

    def _plain_with_output(self, config: str, output: str) -> str | None:
        """The config itself, if it trains into this directory, too."""
        try:
            plain = self.config(config)
        except ForgatherError:
            return None  # it cannot do without the variables, so it does not train
        return config if plain.meta.get("output_dir") == output else None

    def closure(
        self, names: Iterable[str], found: dict[str, Target] | None = None
    ) -> dict[str, Target]:
        """The named targets and everything that they depend on, by task name."""
        found = {} if found is None else found
        waiting = deque(target for name in names for target in self.expand(name))
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
            kind, _, config = name.partition(":")
            if kind != "train" or not config:
                result.append(name)
                continue
            for target in self.expand(name):
                here = self.targets(target.id)
                result.append(target.name)
                result += [f"{after}:{target.id}" for after in AFTER_TRAINING if after in here]
        return list(dict.fromkeys(result))

    def names(self, asked: Iterable[str]) -> list[str]:
        """The names, those of variants spelled the one way, and patterns of variants expanded."""
        found: list[str] = []
        for name in asked:
            suffix = variants.split(name)[1]
            if suffix is not None and name.partition(":")[0] in KINDS:
                found += [target.name for target in self.expand(name)]
            else:
                found.append(name)
        return found

    def expand(self, name: str) -> list[Target]:
        """A task, a kind (all configs that have it, without variants) or a pattern."""
        kind, _, config = name.partition(":")
        if config and "*" not in config:
            return [self.target(name)]
        if kind not in KINDS:
            self.target(name)
        config, suffix = variants.split(config)
        if suffix is not None and not variants.is_pattern(suffix):
            return [self.target(name)]  # the * stands in quotes
        ids = self._fitting(config) if not config or "*" in config else [config]
        if suffix is None:
            every = (self._targets_or_nothing(one) for one in ids)
            return [targets[kind] for targets in every if kind in targets]
        return self._expand_variants(kind, ids, suffix, is_single=ids == [config])

    def _fitting(self, pattern: str) -> list[str]:
        """The configs that fit; every one for "". Raises UsageError where none does."""
        every = self.index.ids()
        found = [one for one in every if not pattern or fnmatch.fnmatch(one, pattern)]
        if pattern and not found:
            raise UsageError(
                f"no config below {self.index.root} fits {pattern!r}",
                hint=did_you_mean(pattern.replace("*", ""), every),
                code="FG002",
            )
        return found

    def _expand_variants(
        self, kind: str, ids: list[str], pattern: str, *, is_single: bool
    ) -> list[Target]:
        """The variants of the configs' sweeps that fit; none that is asked for may be broken."""
        found: list[Target] = []
        for name in ids:
            if not is_single and not self._targets_or_nothing(name):
                continue
            sweep = self.sweep(name)
            for values in sweep.matching(pattern) if sweep is not None else ():
                variant = variants.join(name, values)
                if is_single or kind in self.targets(variant):
                    found.append(self.target(f"{kind}:{variant}"))
        if not found:
            raise self._nothing_fits(ids, pattern)
        return found

    def _nothing_fits(self, ids: list[str], pattern: str) -> ForgatherError:
        sweeps = {name: sweep for name in ids if (sweep := self.sweep(name)) is not None}
        if not sweeps:
            return UsageError(
                f"{', '.join(ids)}: there is no sweep",
                hint="add a target 'sweep' to the config, or name a variant: ID@name=value",
                code=NO_SWEEP,
            )
        name, sweep = next(iter(sweeps.items()))
        return UsageError(
            f"no variant of {', '.join(sweeps)} fits @{pattern}",
            hint=f"there is for example {variants.join(name, sweep.variants[0])}",
            code=NO_SWEEP,
        )

    def existing(self, tasks: Iterable[str]) -> list[str]:
        """Those of the tasks whose configs have that kind. Broken configs are noted, and passed over."""
        pairs = [(task, *task.split(":", 1)) for task in tasks]
        return [task for task, kind, name in pairs if kind in self._targets_or_nothing(name)]

    def _targets_or_nothing(self, name: str) -> dict[str, Target]:
        """A broken config hides no other: it is reported when its own task is asked for."""
        try:
            return self.targets(name)
        except ForgatherError as error:
            self.broken[name] = error
            return {}
