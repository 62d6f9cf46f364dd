"""Which artifacts a config has, and what each of them depends on.

Only what is asked for is compiled: a config, and the configs that its targets refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from forgather.errors import ForgatherError, TargetError, did_you_mean
from forgather.make.compile import Compiled, Compiler, Instance
from forgather.make.digest import digest_json
from forgather.make.probes import note_unsettled
from forgather.make.roots import expand
from forgather.make.skeleton import TRAINING, artifact_names
from forgather.make.sweeps import variants
from forgather.make.target import Target

# Which rule builds which artifact target.
KIND_OF_ARTIFACT = {
    "tokenizer": "tokenizer",
    "corpus": "dataset",
    "train_dataset": "dataset",
    "eval_dataset": "dataset",
    "model_package": "model",
}
VARIANT = "config_variant"  # the template variable that says which variant is rendered


class Planner:
    """Answers questions about the graph; ``identify`` names the config of a project.

    default_config: the config that is meant where a reference names a project only.
    """

    def __init__(
        self,
        compiler: Compiler,
        identify: Callable[[Path, str], str],
        default_config: Callable[[Path], str],
    ) -> None:
        self.compiler = compiler
        self.identify = identify
        self.default_config = default_config

    def instance(self, project_dir: Path, config: str, variables: Mapping[str, Any]) -> Instance:
        """A config, or the variant of it that has these values.

        A variant is also told how it is called, so that each can have an output directory.
        """
        name = variants.join(self.identify(project_dir, config), variables)
        given = dict(variables)
        if given:
            given.setdefault(VARIANT, variants.label(variables))
        return Instance(name, project_dir, config, given)

    def in_place(self, project_dir: Path, config: str, variables: Mapping[str, Any]) -> Instance:
        """A config with options: it stays itself, with its own output directory, and has no name."""
        name = self.identify(project_dir, config)
        if variables:
            name += "@" + digest_json("variables", dict(variables))[:8]
        return Instance(name, project_dir, config, dict(variables))

    def edge(self, compiled: Compiled, label: str) -> Compiled:
        """The config at the other end of one of ``compiled``'s edges."""
        edge = expand(compiled.data["edges"][label], compiled.roots)
        project_dir = Path(edge["project_dir"]).resolve()
        # One spelling, however it was asked for: the name is in the key of what is rendered.
        config = edge["config"] or self.default_config(project_dir)
        return self.compiler(self.instance(project_dir, config, edge["variables"]))

    def binding(self, compiled: Compiled, artifact: str) -> tuple[Compiled, str] | None:
        """The config and artifact target that ``artifact`` of ``compiled`` really is.

        A target that only refers to another project's artifact is that artifact.
        """
        target = compiled.target(artifact)
        if target is None or not target["is_node"]:
            return None
        if "alias" in target:
            label, name = target["alias"]
            other = self.edge(compiled, label)
            if name in artifact_names(other.config_class):
                return self.binding(other, name)
        if artifact not in artifact_names(compiled.config_class):
            return None
        return self._home(compiled, artifact), artifact

    def _home(self, compiled: Compiled, artifact: str) -> Compiled:
        """The variant with the fewest variables whose ``artifact`` is the same: it is built there.

        So what a sweep does not change is built once, by the config itself, and what one of its
        variables changes, once for each value of that variable.
        """
        own = own_variables(compiled.instance)
        if not own:
            return compiled
        return self.compiler.remembered(
            ("home", compiled.id, artifact), lambda: self._find_home(compiled, artifact, own)
        )

    def _find_home(self, compiled: Compiled, artifact: str, own: dict[str, Any]) -> Compiled:
        plain = self._sibling(compiled, {})
        if plain is not None and self._is_same(compiled, plain, artifact):
            return plain
        found, kept = compiled, own
        for name in sorted(own) if len(own) > 1 else ():
            fewer = {key: value for key, value in kept.items() if key != name}
            other = self._sibling(compiled, fewer)
            if other is not None and self._is_same(compiled, other, artifact):
                found, kept = other, fewer
        return found

    def _is_same(self, one: Compiled, other: Compiled, artifact: str) -> bool:
        """Is the artifact described alike, and made of what is built in the same places?"""
        ours, theirs = one.target(artifact), other.target(artifact)
        if ours is None or ours != theirs or one.system_path != other.system_path:
            return False
        return all(
            self.producer(one, name) == self.producer(other, name) for name in ours["artifacts"]
        )

    def _sibling(self, compiled: Compiled, variables: dict[str, Any]) -> Compiled | None:
        """The same config with other values; None where it cannot do without those it had."""
        instance = compiled.instance
        try:
            return self.compiler(self.instance(instance.project_dir, instance.config, variables))
        except ForgatherError:
            note_unsettled()  # what it tripped over is not known
            return None

    def producer(self, compiled: Compiled, artifact: str) -> str | None:
        """The name of the task that makes ``artifact`` of ``compiled``."""
        bound = self.binding(compiled, artifact)
        return f"{KIND_OF_ARTIFACT[bound[1]]}:{bound[0].id}" if bound else None

    def model_package(self, compiled: Compiled) -> tuple[Compiled, str] | None:
        """Where the model of a config comes from: its own package, or another project's."""
        bound = self.binding(compiled, "model_package")
        if bound is None and (model := compiled.target("model")) and "alias" in model:
            return self.model_package(self.edge(compiled, model["alias"][0]))
        return bound

    def uses(
        self, compiled: Compiled, target: str
    ) -> Iterator[tuple[Compiled, str, dict[str, Any]]]:
        """The target and, through edges, every other target that it is made of."""
        description = compiled.target(target)
        if description is None:
            raise TargetError(
                f"{compiled.id} has no target {target!r}",
                hint=did_you_mean(target, compiled.data["targets"]),
            )
        yield compiled, target, description
        for label, names in description["edges"].items():
            other = self.edge(compiled, label)
            for name in names:
                yield from self.uses(other, name)

    def producers(self, compiled: Compiled, target: str) -> list[str]:
        """Tasks that must be done before ``target`` can be materialized."""
        found: set[str] = set()
        for owner, _name, description in self.uses(compiled, target):
            for artifact in description["artifacts"]:
                if (task := self.producer(owner, artifact)) is not None:
                    found.add(task)
        return sorted(found)

    def targets(self, compiled: Compiled) -> list[Target]:
        """Every artifact of ``compiled``, in the order of building."""
        pp, graph = f"pp:{compiled.id}", f"graph:{compiled.id}"
        found = [Target("pp", compiled), Target("graph", compiled, (pp,))]
        own: dict[str, set[str]] = {}
        for artifact in artifact_names(compiled.config_class):
            bound = self.binding(compiled, artifact)
            if bound is not None and bound[0] is compiled:
                needs = self.producers(compiled, artifact)
                own.setdefault(KIND_OF_ARTIFACT[artifact], set()).update(needs)
        for kind in ("tokenizer", "dataset", "model"):
            if kind in own:
                needs = own[kind] - {f"{kind}:{compiled.id}"}
                found.append(Target(kind, compiled, (graph, *sorted(needs))))
            elif tasks := self._borrowed(compiled, kind):
                found.append(Target(kind, compiled, tuple(tasks), is_alias=True))
        if compiled.target(TRAINING):
            found += self._training(compiled, graph)
        return found

    def _borrowed(self, compiled: Compiled, kind: str) -> list[str]:
        """The tasks of other configs that make this one's tokenizer, data or model."""
        if kind == "model":
            bound = self.model_package(compiled)
            return [f"model:{bound[0].id}"] if bound else []
        makers = {
            self.producer(compiled, artifact)
            for artifact in artifact_names(compiled.config_class)
            if KIND_OF_ARTIFACT[artifact] == kind
        }
        return sorted(task for task in makers if task is not None)

    def _training(self, compiled: Compiled, graph: str) -> Iterator[Target]:
        train = f"train:{compiled.id}"
        yield Target("train", compiled, (graph, *self.producers(compiled, TRAINING)))
        after = [train]
        if (package := self.model_package(compiled)) is not None:
            model = f"model:{package[0].id}"
            yield Target("checkpoint", compiled, (train, model))
            after.append(f"checkpoint:{compiled.id}")
        yield Target("plot", compiled, (train,))
        yield Target("report", compiled, (*after, f"plot:{compiled.id}"))


def own_variables(instance: Instance) -> dict[str, Any]:
    """The values that a variant was asked for, without the name that it was given."""
    return {name: value for name, value in instance.variables.items() if name != VARIANT}
