"""Which artifacts a config has, and what each of them depends on.

Only what is asked for is compiled: a config, and the configs that its targets refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from forgather.errors import TargetError, did_you_mean
from forgather.make.compile import TRAINING, Compiled, Compiler, Instance, artifact_names, expand
from forgather.make.digest import digest_json
from forgather.make.target import Target

# Which rule builds which artifact target.
KIND_OF_ARTIFACT = {
    "tokenizer": "tokenizer",
    "corpus": "dataset",
    "train_dataset": "dataset",
    "eval_dataset": "dataset",
    "model_package": "model",
}
AFTER_TRAINING = ("checkpoint", "plot", "report")
KINDS = ("pp", "graph", "tokenizer", "dataset", "model", "train", *AFTER_TRAINING)


class Planner:
    """Answers questions about the graph; ``identify`` names the config of a project."""

    def __init__(self, compiler: Compiler, identify: Callable[[Path, str], str]) -> None:
        self.compiler = compiler
        self.identify = identify

    def instance(self, project_dir: Path, config: str, variables: dict[str, Any]) -> Instance:
        name = self.identify(project_dir, config)
        if variables:
            name += "@" + digest_json("variables", variables)[:8]
        return Instance(name, project_dir, config, variables)

    def edge(self, compiled: Compiled, label: str) -> Compiled:
        """The config at the other end of one of ``compiled``'s edges."""
        edge = expand(compiled.data["edges"][label], compiled.roots)
        project_dir = Path(edge["project_dir"]).resolve()
        return self.compiler(self.instance(project_dir, edge["config"], edge["variables"]))

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
        return (compiled, artifact) if artifact in artifact_names(compiled.config_class) else None

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
            elif (task := self._borrowed(compiled, kind)) is not None:
                found.append(Target(kind, compiled, (task,), is_alias=True))
        if compiled.target(TRAINING):
            found += self._training(compiled, graph)
        return found

    def _borrowed(self, compiled: Compiled, kind: str) -> str | None:
        """The task of another config that makes this one's tokenizer or model."""
        if kind == "model":
            bound = self.model_package(compiled)
            return f"model:{bound[0].id}" if bound else None
        return self.producer(compiled, "tokenizer") if kind == "tokenizer" else None

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
