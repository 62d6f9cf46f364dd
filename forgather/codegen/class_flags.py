"""Settings of the code generator that become attributes of the generated classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forgather.codegen.import_block import bound_names
from forgather.codegen.plain import plain
from forgather.errors import CodegenError, did_you_mean
from forgather.graph.nodes import CallableNode
from forgather.graph.specs import parse_spec
from forgather.graph.walk import nodes

# Settings of [model_code_generator]: name -> (class attribute, default). None leaves transformers' own.
FLAGS: dict[str, tuple[str, Any]] = {
    "main_input_name": ("main_input_name", None),
    "model_tags": ("model_tags", None),
    "no_split_modules": ("_no_split_modules", None),
    "skip_keys_device_placement": ("_skip_keys_device_placement", ["past_key_values"]),
    "keep_in_fp32_modules": ("_keep_in_fp32_modules", None),
    "keep_in_fp32_modules_strict": ("_keep_in_fp32_modules_strict", None),
    "keys_to_ignore_on_load_missing": ("_keys_to_ignore_on_load_missing", None),
    "keys_to_ignore_on_load_unexpected": ("_keys_to_ignore_on_load_unexpected", None),
    "keys_to_ignore_on_save": ("_keys_to_ignore_on_save", None),
    "is_parallelizable": ("is_parallelizable", None),
    "is_stateful": ("_is_stateful", None),
    "can_compile_fullgraph": ("_can_compile_fullgraph", None),
    "can_record_outputs": ("_can_record_outputs", None),
    "supports_gradient_checkpointing": ("supports_gradient_checkpointing", True),
    "supports_attention_backend": ("_supports_attention_backend", True),
    "supports_sdpa": ("_supports_sdpa", True),
    "supports_flash_attn": ("_supports_flash_attn", True),
    "supports_flex_attn": ("_supports_flex_attn", True),
}

# What transformers can record, and the keyword under which a graph names the class that puts it out.
RECORDED = {"hidden_states": "layer_factory", "attentions": "attention_factory"}


def flag_text(
    flags: Mapping[str, Any], factory: Any, imports: Sequence[str], other_settings: Sequence[str]
) -> str:
    """One class attribute a line.

    other_settings: names that are settings too, to be offered for a misspelt one.
    """
    for name in flags:
        if name not in FLAGS:
            raise CodegenError(
                f"generate_model_code has no setting {name!r}",
                hint=did_you_mean(name, [*FLAGS, *other_settings]),
            )
    values = {name: default for name, (_, default) in FLAGS.items() if default is not None}
    recorded = recorded_classes(factory, imports)
    if layers := recorded.get("hidden_states"):
        values["no_split_modules"] = layers
    values |= {name: plain(value, name) for name, value in flags.items() if value is not None}
    lines = [f"{FLAGS[name][0]} = {value!r}" for name, value in values.items()]
    if recorded and "can_record_outputs" not in values:
        entries = ", ".join(f'"{kind}": {class_list(recorded[kind])}' for kind in recorded)
        lines.append(f"_can_record_outputs = {{{entries}}}")
    return "\n".join(sorted(lines))


def recorded_classes(factory: Any, imports: Sequence[str]) -> dict[str, list[str]]:
    """For each kind of recordable output, the names of the classes that put it out."""
    bound = bound_names(imports)
    found: dict[str, list[str]] = {}
    for kind, keyword in RECORDED.items():
        classes = set()
        for _, node in nodes(factory):
            given = node.kwargs.get(keyword) if isinstance(node, CallableNode) else None
            if isinstance(given, CallableNode):
                parsed = parse_spec(given.constructor)
                classes.add(bound.get((parsed.module, parsed.symbol)))
        if names := sorted(classes - {None}):
            found[kind] = names
    return found


def class_list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
