"""The order of a save and of a load, for one process.

What the components are is the trainer's business; how files get to the disk is the store's.
A strategy of several processes brings its own coordinator with the same methods.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from forgather.errors import CheckpointError
from forgather.ml.checkpoint import store
from forgather.ml.checkpoint.manifest import Verdict, build_manifest, verify_checkpoint
from forgather.ml.checkpoint.retention import to_delete
from forgather.ml.checkpoint.shards import load_model_weights, save_model_weights
from forgather.ml.checkpoint.state import (
    SharingPattern,
    StateComponent,
    component_file,
    load_state,
    save_state,
)
from forgather.ml.checkpoint.tying import untied
from forgather.runs.layout import MANIFEST_FILE, checkpoint_path, list_checkpoints

logger = logging.getLogger(__name__)


class CheckpointCoordinator:
    """Saves and loads a model and its state components under ``output_dir``.

    keep_last: how many checkpoints stay (None: all).
    protected: gives names of checkpoints that retention must not touch.
    """

    def __init__(
        self,
        output_dir: str | Path,
        state_components: Iterable[StateComponent],
        *,
        model: nn.Module | None = None,
        keep_last: int | None = None,
        protected: Callable[[], Iterable[str]] = tuple,
        use_safetensors: bool = True,
        training_args_hash: str | None = None,
        replace_others: bool = False,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.components = list(state_components)
        keys = [component.key for component in self.components]
        if len(set(keys)) < len(keys) or "model" in keys:
            raise CheckpointError(f"state components need different keys, none 'model': {keys}")
        self.model = model
        self.keep_last = keep_last
        self.protected = protected
        self.use_safetensors = use_safetensors
        self.training_args_hash = training_args_hash
        # Checkpoints of an earlier training that this one was told to replace. They go when the
        # first checkpoint of this one is safe, not before.
        self._doomed = [path for _, path in list_checkpoints(output_dir)] if replace_others else []

    def save_checkpoint(self, step: int, path: str | Path | None = None) -> Path:
        final = Path(path) if path is not None else checkpoint_path(self.output_dir, step)
        store.sweep(final.parent)
        store.publish(final, lambda aside: self._write(aside, final, step))
        if path is None:
            self._prune(final)
        return final

    def _write(self, aside: Path, final: Path, step: int) -> dict[str, Any]:
        described: dict[str, dict[str, Any]] = {}
        if self.model is not None:
            files = save_model_weights(aside, self.model, use_safetensors=self.use_safetensors)
            described["model"] = _describe(
                SharingPattern.REPLICATED,
                files,
                required=True,
                metadata={"param_sharing": untied(self.model)[1]},
            )
        for component in self.components:
            name = component_file(component)
            save_state(aside / name, component.stateful.state_dict(), component.key)
            described[component.key] = _describe(
                component.sharing_pattern,
                [name],
                required=component.required,
                group_name=component.process_group_name,
                metadata=component.metadata,
            )
        return build_manifest(
            aside,
            final.absolute(),
            described,
            training_args_hash=self.training_args_hash,
            metadata={"global_step": step},
        )

    def _prune(self, newest: Path) -> None:
        doomed = {path for path in self._doomed if path != newest and path.is_dir()}
        self._doomed = []
        doomed.update(
            to_delete(
                [(n, p) for n, p in list_checkpoints(self.output_dir) if p not in doomed],
                newest=newest,
                keep_last=self.keep_last,
                protected=self.protected(),
            )
        )
        for path in sorted(doomed):
            try:
                store.delete_checkpoint(path)
            except OSError as error:
                # A full or read-only disk must not end a training whose new checkpoint is safe.
                logger.warning("could not delete old checkpoint %s: %s", path, error)

    def find_checkpoint(self, resume_from: bool | str | Path | None) -> Path | None:
        """The checkpoint that ``resume_from_checkpoint`` means; None starts afresh.

        True and "" mean the latest whole one. A path must be a whole checkpoint.
        """
        if resume_from is None or resume_from is False:
            return None
        if resume_from is True or resume_from == "":
            if self.output_dir.is_dir():
                store.sweep(self.output_dir)
            return self._latest()
        path = Path(resume_from)
        if not path.is_dir():
            raise CheckpointError(f"checkpoint {path} does not exist")
        return path

    def _latest(self) -> Path | None:
        latest = store.find_latest_checkpoint(self.output_dir)
        if latest is None and (found := list_checkpoints(self.output_dir)):
            raise CheckpointError(
                f"none of the {len(found)} checkpoints in {self.output_dir} is whole",
                hint="the warnings above say what is wrong with each; move them away, or set "
                "resume_from_checkpoint: False, to start afresh",
            )
        return latest

    def verify(self, path: Path) -> Verdict:
        """Refuse a damaged checkpoint; warn of what was deleted or cannot be checked."""
        has_manifest = (path / MANIFEST_FILE).is_file()
        verdict = verify_checkpoint(path) if has_manifest else Verdict({}, verified=False)
        if not verdict.verified:
            lack = f"no hashes in its {MANIFEST_FILE}" if has_manifest else f"no {MANIFEST_FILE}"
            logger.warning("%s has %s: loading by file names, unchecked", path, lack)
        if verdict.damage:
            raise CheckpointError(
                f"checkpoint {path} is damaged: {'; '.join(verdict.damage)}",
                hint="resume_from_checkpoint: True takes the latest whole one",
            )
        return verdict

    def load_model(self, path: Path, model: nn.Module | None = None) -> None:
        target = model if model is not None else self.model
        assert target is not None
        load_model_weights(path, target)

    def load_components(self, path: Path) -> list[str]:
        """Load every component whose file is there; the keys of those that start afresh."""
        missing = []
        for component in self.components:
            source = self._component_source(path, component)
            if source is None:
                if component.required:
                    raise CheckpointError(f"{path / component_file(component)} is missing")
                missing.append(component.key)
                logger.warning(
                    "CHECKPOINT COMPONENT MISSING: %s is not in %s. '%s' starts afresh; everything "
                    "else is restored. The training is not an exact continuation.",
                    component_file(component),
                    path,
                    component.key,
                )
                continue
            self._load_component(component, source)
        return missing

    @staticmethod
    def _component_source(path: Path, component: StateComponent) -> Path | None:
        """The file of a component; what several processes wrote per rank is read as rank 0's."""
        names = (component_file(component), component_file(component, world_size=2))
        return next((path / name for name in names if (path / name).is_file()), None)

    @staticmethod
    def _load_component(component: StateComponent, source: Path) -> None:
        state = load_state(source)
        try:
            component.stateful.load_state_dict(state)
        except CheckpointError:
            raise
        except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            raise CheckpointError(
                f"{source} does not fit '{component.key}' of this training: {error!r}",
                hint=f"delete {source.name} to start '{component.key}' afresh",
            ) from error


def _describe(
    pattern: SharingPattern,
    files: list[str],
    *,
    required: bool,
    group_name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "sharing_pattern": pattern.value,
        "ranks": [0],
        "replicated_across": [0] if pattern is SharingPattern.REPLICATED else None,
        "group_name": group_name,
        "required": required,
        "files": files,
        "metadata": dict(metadata or {}),
    }
