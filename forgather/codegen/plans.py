"""Plans by which vLLM and transformers spread a model over devices, in the form both read.

A config may write patterns relative to the whole model (``model.layer_stack...``) or to its body; here
they become relative to the body, and what belongs to the head goes to the head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from forgather.codegen.plain import plain
from forgather.errors import CodegenError

BODY_PREFIXES = ("model.", "causal_lm.")
HEAD_NAMES = ("lm_head", "output_decoder")

# Older spellings of styles -> today's.
STYLE_ALIASES = {"colwise_rep": "colwise_gather_output", "rowwise_rep": "rowwise_split_input"}

HEAD_TP: dict[str, Any] = {"lm_head": "colwise_gather_output"}
HEAD_PP: dict[str, Any] = {"lm_head": (["hidden_states"], ["logits"])}

# vLLM splits a pipeline at the one module list its plan names, and drops what comes after it from all
# stages but the last. So a stack is named by its layers and its final norm.
STACK_MEMBERS = ("layers", "layer_norm")


@dataclass(frozen=True, slots=True)
class Plans:
    """base_*: relative to the body, for the config class. head_*: for the class with the head."""

    base_tp: dict[str, Any] = field(default_factory=dict)
    base_pp: dict[str, Any] = field(default_factory=dict)
    head_tp: dict[str, Any] = field(default_factory=dict)
    head_pp: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, tp_plan: Any, pp_plan: Any, base_tp_plan: Any, base_pp_plan: Any) -> Plans:
        tp = plan_entries("base_model_tp_plan", base_tp_plan) | plan_entries("tp_plan", tp_plan)
        pp = plan_entries("base_model_pp_plan", base_pp_plan) | plan_entries("pp_plan", pp_plan)
        base_tp, head_tp = split(tp)
        base_pp, head_pp = split(pp)
        return cls(
            {name: STYLE_ALIASES.get(style, style) for name, style in base_tp.items()},
            with_stack_members({name: flow(name, value) for name, value in base_pp.items()}),
            HEAD_TP | {name: STYLE_ALIASES.get(style, style) for name, style in head_tp.items()},
            HEAD_PP | {name: flow(name, value) for name, value in head_pp.items()},
        )


def plan_entries(setting: str, plan: Any) -> dict[str, Any]:
    plan = plain(plan, setting)
    if plan is None:
        return {}
    if not isinstance(plan, Mapping):
        raise CodegenError(f"{setting} must be a dict of module patterns, not {plan!r}")
    return {relative_to_body(str(name)): value for name, value in plan.items()}


def relative_to_body(pattern: str) -> str:
    return re.sub(f"^(?:{'|'.join(map(re.escape, BODY_PREFIXES))})+", "", pattern)


def split(plan: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(entries of the body, entries of the head)."""
    base, head = {}, {}
    for name, value in plan.items():
        first, dot, rest = name.partition(".")
        if first in HEAD_NAMES:
            head[f"lm_head{dot}{rest}"] = value
        else:
            base[name] = value
    return base, head


def flow(name: str, value: Any) -> tuple[list[str], list[str]]:
    """One stage of a pipeline plan: (names that go in, names that come out)."""
    pair = list(value) if isinstance(value, list | tuple) else []
    if len(pair) != 2 or not all(isinstance(names, list | tuple) for names in pair):
        raise CodegenError(f"pp_plan: {name} must be [[inputs], [outputs]], not {value!r}")
    return list(pair[0]), list(pair[1])


def with_stack_members(plan: Mapping[str, Any]) -> dict[str, Any]:
    spelled_out: dict[str, Any] = {}
    for name, value in plan.items():
        if name == "layer_stack":
            spelled_out |= {f"{name}.{member}": value for member in STACK_MEMBERS}
        else:
            spelled_out[name] = value
    return spelled_out


def tied_weights(keys: Any) -> dict[str, str]:
    """Target -> source, as transformers wants it; a config may also write it the other way round."""
    if keys is None:
        return {"lm_head.weight": "causal_lm.input_encoder.embedding.weight"}
    if not isinstance(keys, Mapping):
        raise CodegenError(f"tied_weights_keys must be a dict {{target: source}}, not {keys!r}")
    return {
        (source if source.startswith("lm_head") else target): (
            target if source.startswith("lm_head") else source
        )
        for target, source in keys.items()
    }
