"""A model factory graph becomes the source of a model package.

The package is what a person would write by hand: a configuration class, a modeling file whose
``construct_model`` spells out every constructor call under the names of the config, and the parts it
uses beside it. It imports torch and transformers, never Forgather. The same graph and the same parts
give the same bytes: there are no paths and no times in it.

The shell around ``construct_model`` is ``modelsrc/hf``; this module only fills it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from forgather.codegen.class_flags import flag_text
from forgather.codegen.closure import closure_files, part_specs
from forgather.codegen.expr import CodeParts, compile_graph
from forgather.codegen.import_block import import_block
from forgather.codegen.plain import plain
from forgather.codegen.plans import Plans, tied_weights
from forgather.codegen.python import write_function
from forgather.errors import CodegenError, Span, did_you_mean
from forgather.graph.nodes import CallableNode, MetaNode
from forgather.graph.specs import SpecKind, parse_spec
from forgather.graph.walk import nodes
from forgather.resources import modelsrc_dir

LINE_LENGTH = 100

# The entries of a model factory, and what each must be.
FACTORY_ENTRIES = {
    "causal_model": "a partial that makes the body of the model",
    "lm_head": "a partial that makes the vocabulary head",
    "loss_fn": "the loss: (logits, labels, **kwargs) -> scalar",
}

# Names that the shell itself uses; generated ones keep clear of them.
SHELL_NAMES = frozenset(
    [
        "Any",
        "torch",
        "DynamicCache",
        "GenerationMixin",
        "PreTrainedModel",
        "BaseModelOutputWithPast",
        "kwargs",
        "self",
        "CausalLMOutputWithPast",
        "capture_outputs",
        "DynamicCausalLMConfig",
        "DynamicCausalPreTrainedModel",
        "DynamicCausalModel",
        "DynamicCausalLM",
        "DynamicCasualLM",
    ]
)


class ModelCode(dict[str, str]):
    """File name -> text.

    origins: file name -> {line: place in the config}, for the lines of ``construct_model``. It helps
    to name the line to fix when construction fails; whoever stores the code may drop it.
    """

    def __init__(self, files: Mapping[str, str], origins: Mapping[str, Mapping[int, Span]]) -> None:
        super().__init__(files)
        self.origins = origins


def generate_model_code(
    model_factory: Any,
    *,
    short_name: str,
    searchpath: Sequence[str] = (),
    submodule_searchpath: Sequence[str] = (),
    config_name: str | None = None,
    config_digest: str | None = None,
    use_cache: bool = True,
    tp_plan: Any = None,
    pp_plan: Any = None,
    base_model_tp_plan: Any = None,
    base_model_pp_plan: Any = None,
    tied_weights_keys: Any = None,
    **flags: Any,
) -> ModelCode:
    """The files of a model package: name -> text.

    model_factory: graph of a dict with the entries causal_model, lm_head and loss_fn.
    searchpath: folders of parts, first match wins; default: those that come with Forgather.
    submodule_searchpath: the same; in a config this keyword belongs to the tag, not to the call.
    config_name, config_digest: where the model comes from, for the head of the files.
    tp_plan, pp_plan, base_model_tp_plan, base_model_pp_plan: how vLLM and transformers split the model.
    flags: see forgather.codegen.class_flags.

    Raises CodegenError for a part that no folder has, and for a setting that does not exist.
    """
    short_name = check_short_name(plain(short_name, "short_name"))
    factory = factory_entries(model_factory)
    refuse_foreign(factory)
    folders = plain(searchpath or submodule_searchpath, "searchpath") or default_searchpath()
    files = closure_files(part_specs(factory), folders)
    check_file_names(files, short_name)

    parts = compile_graph(factory, reserved=SHELL_NAMES)
    settings = ["short_name", *generate_model_code.__kwdefaults__]
    plans = Plans.of(tp_plan, pp_plan, base_model_tp_plan, base_model_pp_plan)
    values = {
        "short_name": short_name,
        "origin": origin(plain(config_name, "config_name"), plain(config_digest, "config_digest")),
        "model_type": f'"forgather-dynamic-causal-{short_name}"',
        "use_cache": repr(bool(plain(use_cache, "use_cache"))),
        "rope_field": rope_field(parts),
        "parameters": parameter_text(parts),
        "statements": indented(body_text(parts), 8),
        "flags": indented(flag_text(flags, factory, parts.imports, settings), 4),
        "tied_weights_keys": repr(tied_weights(plain(tied_weights_keys, "tied_weights_keys"))),
        "base_model_tp_plan": repr(plans.base_tp),
        "base_model_pp_plan": repr(plans.base_pp),
        "head_tp_plan": repr(plans.head_tp),
        "head_pp_plan": repr(plans.head_pp),
    }
    modeling = f"modeling_{short_name}.py"
    code = {
        f"configuration_{short_name}.py": fill("configuration", values, []),
        modeling: fill("modeling", values, parts.imports),
    }
    code |= {path.name: path.read_text(encoding="utf-8") for path in files}
    return ModelCode(code, {modeling: origins(parts, code[modeling])})


def origins(parts: CodeParts, module: str) -> dict[int, Span]:
    """Line of the generated module -> the place in the config that it comes from."""
    moved = write_function(parts).moved_into(module)
    return {line: found.span for line, found in moved.lines.items() if found.span is not None}


def default_searchpath() -> list[str]:
    return [str(modelsrc_dir() / "transformer")]


def check_short_name(short_name: Any) -> str:
    if not isinstance(short_name, str) or not re.fullmatch(r"[A-Za-z_]\w*", short_name):
        raise CodegenError(
            f"model short name {short_name!r} cannot be part of a file name that Python imports",
            hint="use letters, digits and underscores",
        )
    return short_name


def factory_entries(model_factory: Any) -> dict[str, Any]:
    """The entries of the factory, which may be a plain dict or a ``!dict`` node."""
    span: Span | None = None
    if isinstance(model_factory, CallableNode) and model_factory.constructor == "named_dict":
        span, model_factory = model_factory.span, model_factory.kwargs
    if not isinstance(model_factory, Mapping):
        raise CodegenError(
            f"the model factory must be a dict with {', '.join(FACTORY_ENTRIES)}", where=span
        )
    for name in model_factory:
        if name not in FACTORY_ENTRIES:
            raise CodegenError(
                f"the model factory has no entry {name!r}",
                where=span,
                hint=did_you_mean(str(name), FACTORY_ENTRIES),
            )
    for name, meaning in FACTORY_ENTRIES.items():
        if model_factory.get(name) is None:
            raise CodegenError(f"the model factory lacks {name}: {meaning}", where=span)
    return {name: model_factory[name] for name in FACTORY_ENTRIES}


def refuse_foreign(factory: Any) -> None:
    """Raise CodegenError for what a package that stands alone cannot contain."""
    for path, node in nodes(factory):
        if not isinstance(node, CallableNode):
            continue
        if isinstance(node, MetaNode):
            raise CodegenError(f"{path}: a !meta node cannot be part of a model", where=node.span)
        parsed = parse_spec(node.constructor)
        if parsed.kind is SpecKind.FILE:
            raise CodegenError(
                f"{path}: {node.constructor!r} names a file by path",
                where=node.span,
                hint=f"put its folder on [model_submodule_searchpath] and write "
                f".{Path(parsed.module).stem}:{parsed.symbol}",
            )
        source = parsed.module or parsed.symbol
        if source.partition(".")[0] == "forgather":
            raise CodegenError(
                f"{path}: {node.constructor!r} would make the model depend on Forgather",
                where=node.span,
                hint="a model package must load without it; use a part from modelsrc",
            )


def check_file_names(files: Sequence[Path], short_name: str) -> None:
    for path in files:
        if path.stem in (f"configuration_{short_name}", f"modeling_{short_name}"):
            raise CodegenError(f"the part {path.name} has the name of a generated file: {path}")


def origin(config_name: str | None, config_digest: str | None) -> str:
    source = f" from the config {config_name}" if config_name else ""
    digest = f" (graph {config_digest[:12]})" if config_digest else ""
    return f"Generated by Forgather{source}{digest}."


def rope_field(parts: CodeParts) -> str:
    """transformers fills a declared rope_parameters in, so only a model that reads it declares it."""
    names = {variable.name for variable in parts.variables}
    return "rope_parameters: dict[str, Any] | None = None" if "rope_parameters" in names else ""


def parameter_text(parts: CodeParts) -> str:
    variables = sorted(map(str, parts.variables))
    return ", ".join([*(["*"] if variables else []), *variables, "**kwargs: Any"]) + ","


def body_text(parts: CodeParts) -> str:
    if parts.helpers:
        raise CodegenError("a model package cannot import from a file by path")
    return f"{parts.definitions_text}\n\nreturn {parts.main_text}"


def indented(text: str, width: int) -> str:
    return textwrap.indent(text, " " * width).strip()


def fill(name: str, values: Mapping[str, str], imports: Sequence[str]) -> str:
    """A shell file with its placeholders filled and its imports in order, formatted by black."""
    import black  # a quarter of a second that only generating needs

    path = modelsrc_dir() / "hf" / f"{name}.py.template"
    text = Template(path.read_text(encoding="utf-8")).substitute(values)
    text = import_block(text, imports)
    # Calls that fit on a line go on one: a trailing comma does not keep them apart.
    mode = black.Mode(
        line_length=LINE_LENGTH,
        target_versions={black.TargetVersion.PY311},
        magic_trailing_comma=False,
    )
    return black.format_str(text, mode=mode)
