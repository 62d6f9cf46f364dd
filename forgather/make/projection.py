"""What of a training config decides the trained weights, and what only watches.

A training is keyed on this projection: seed, data, model, optimizer and steps are in it; what is
printed, logged or plotted is not. The tables name only what is known to be without influence:
anything else, such as a callback of the user's own, counts.
"""

from __future__ import annotations

from typing import Any

from forgather.graph.nodes import CallableNode

OBSERVERS = frozenset(
    {
        "ProgressCallback",
        "InfoCallback",
        "JsonLogger",
        "TBLogger",
        "ResumableSummaryWriter",
        "TextgenCallback",
        "PeakMemory",
        "GradLogger",
        "WeightNormLogger",
        "ProfilerCallback",
        "TrainerControlCallback",
    }
)

OBSERVERS_HOME = "forgather.ml.trainer.callbacks"  # a user's class of the same name may do anything

# Fields of TrainingArguments that name places or decide how often something is shown.
WATCHING_ARGUMENTS = frozenset(
    {
        "output_dir",
        "logging_dir",
        "logging_strategy",
        "logging_steps",
        "logging_first_step",
        "save_total_limit",
        "save_on_each_node",
        "overwrite_output_dir",
        "resume_from_checkpoint",
        "speed_metrics_start_step",
        "dataloader_num_workers",
        "dataloader_pin_memory",
        "dataloader_persistent_workers",
        "dataloader_prefetch_factor",
        "gc_threshold",
    }
)
ARGUMENTS_TARGET = "trainer_args"


def is_observer(value: Any) -> bool:
    if not isinstance(value, CallableNode):
        return False
    module, _, name = value.constructor.replace(":", ".").rpartition(".")
    return name in OBSERVERS and module.startswith(OBSERVERS_HOME)


def project_training(root: dict[str, Any], keep: frozenset[int]) -> Any:
    """A copy of the ``trainer`` target without what only watches.

    keep: ids of nodes that stay the very same objects (artifacts, which others recognise by id).
    """
    return _Pruner(root.get(ARGUMENTS_TARGET), keep).copy(root["trainer"])


class _Pruner:
    """Copies a graph, shared nodes staying shared, leaving observers and watching arguments out."""

    def __init__(self, arguments: Any, keep: frozenset[int]) -> None:
        self.arguments = id(arguments)
        self.keep = keep
        self.memo: dict[int, Any] = {}

    def copy(self, value: Any) -> Any:
        if id(value) in self.keep:
            return value
        if isinstance(value, CallableNode):
            if id(value) not in self.memo:
                self.memo[id(value)] = self._copy_call(value)
            return self.memo[id(value)]
        if isinstance(value, dict):
            names = WATCHING_ARGUMENTS if id(value) == self.arguments else frozenset()
            return {k: self.copy(v) for k, v in value.items() if self._counts(k, v, names)}
        if isinstance(value, list | tuple):
            return type(value)(self.copy(item) for item in value if not is_observer(item))
        return value

    def _copy_call(self, node: CallableNode) -> CallableNode:
        is_arguments = id(node) == self.arguments or node.constructor.endswith("TrainingArguments")
        names = WATCHING_ARGUMENTS if is_arguments else frozenset()
        return type(node)(
            node.constructor,
            [self.copy(item) for item in node.args if not is_observer(item)],
            {k: self.copy(v) for k, v in node.kwargs.items() if self._counts(k, v, names)},
            submodule_searchpath=node.submodule_searchpath,
            latent_args=self.copy(node.latent_args),
            span=node.span,
            arg_spans=node.arg_spans,
        )

    @staticmethod
    def _counts(key: Any, value: Any, left_out: frozenset[str]) -> bool:
        return key not in left_out and not is_observer(value)
