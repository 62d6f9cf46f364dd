"""The model package: a directory with all that a model is, except its weights.

Generated code, used parts, ``config.json``, tokenizer and generation config. It loads with
``AutoModelForCausalLM`` and ``trust_remote_code=True`` wherever torch and transformers are installed;
Forgather itself loads it by plain import, without network and without the Hub's module cache.

A package is published whole: written aside, checked, synced, then renamed to
``<short name>-<content digest>``. The rename is the commit point; the same content is the same package.
This module knows nothing about how the code was made.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from forgather.durable import fsync_path
from forgather.errors import BuildError, ForgatherError, Span, did_you_mean
from forgather.ml.package_fields import config_fields, generation_fields, short_name, write_json
from forgather.ml.package_import import content_digest, package_class, unload

# File name -> {line: place in the config}; see forgather.codegen.package.ModelCode.
Origins = Mapping[str, Mapping[int, Span]]


def write_model_package(
    code: Mapping[str, str],
    config: Mapping[str, Any] | PreTrainedConfig,
    tokenizer: PreTrainedTokenizerBase | None,
    generation_config: Mapping[str, Any] | None = None,
    parent_dir: str | os.PathLike[str] | None = None,
    name: str | None = None,
) -> str:
    """Write a package below ``parent_dir`` and return its directory; an equal one is reused.

    code: file name -> text; empty for classes that transformers itself has.
    config: fields of config.json. ids of special tokens that it leaves open come from the tokenizer.
    generation_config: settings of ``generate``, beside the ids of the special tokens.
    """
    parent = Path(parent_dir) if parent_dir else user_cache_path("forgather") / "packages"
    name = name or short_name(code, config)
    config_data = config_fields(code, config, tokenizer, name)
    generation_data = generation_fields(generation_config or {}, config_data)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
    except OSError as error:
        raise BuildError(f"cannot write a model package below {parent}: {error}") from error
    try:
        for file_name, text in code.items():
            (aside / file_name).write_text(text, encoding="utf-8", newline="\n")
        write_json(aside / "config.json", config_data)
        write_json(aside / "generation_config.json", generation_data)
        if tokenizer is not None:
            tokenizer.save_pretrained(aside)
        return str(publish(aside, parent, name, getattr(code, "origins", {})))
    except OSError as error:
        raise BuildError(f"cannot write the model package {name}: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish(aside: Path, parent: Path, name: str, origins: Origins) -> Path:
    """Rename the finished directory to its name by content, unless that is there and whole."""
    digest = content_digest(aside)
    final = parent / f"{name}-{digest[:12]}"
    if final.is_dir():
        if content_digest(final) == digest:
            return final
        # Somebody changed or damaged it, so its name is a lie; models already loaded keep running.
        shutil.rmtree(final)
    check_package(aside, origins)
    for path in sorted(aside.rglob("*")):
        fsync_path(path)
    fsync_path(aside)
    try:
        aside.rename(final)
    except OSError:
        # Another process may have published the same content in the meantime.
        if not final.is_dir() or content_digest(final) != digest:
            raise
    else:
        fsync_path(parent)
    return final


def check_package(directory: Path, origins: Origins) -> None:
    """Make the model once without memory, so that a wrong config fails here and not in training."""
    try:
        config = load_config(directory)
        # From the class, as generated: transformers adds entries of its own to an instance.
        generated = package_class(directory, "AutoConfig")
        plan = list(generated.base_model_tp_plan or {}) if generated else []
        with torch.device("meta"):
            model = build(directory, config, {})
        check_plan(model, plan)
    except ForgatherError:
        raise
    except Exception as error:
        raise BuildError(
            f"the model cannot be made from its config: {type(error).__name__}: {error}",
            where=place_of(error, directory, origins),
        ) from error
    finally:
        unload(directory)


def place_of(error: Exception, directory: Path, origins: Origins) -> Span | None:
    """The line to fix: in the config if the generated line has an origin, else in the package."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == directory
    ]
    for frame in frames:
        lines = origins.get(Path(frame.filename).name, {})
        if known := [line for line in lines if line <= (frame.lineno or 0)]:
            return lines[max(known)]
    if not frames:
        return None
    last = frames[-1]
    return Span(Path(last.filename).name, last.lineno or 1, text=last.line)


def check_plan(model: PreTrainedModel, plan: Iterable[str]) -> None:
    """Raise BuildError for a pattern of the tensor-parallel plan that names no module."""
    names = [name for name, _ in model.base_model.named_modules()]
    for pattern in plan:
        regex = re.compile(re.escape(pattern).replace(r"\*", r"\d+"))
        if not any(regex.fullmatch(name) for name in names):
            raise BuildError(
                f"tp_plan: no module of the model is named {pattern!r}",
                hint=did_you_mean(
                    pattern, {re.sub(r"\b\d+\b", "*", name) for name in names if name}
                ),
            )


def load_config(package_dir: str | os.PathLike[str]) -> PreTrainedConfig:
    """The config object of a package (or of any saved model directory)."""
    config_class = package_class(package_dir, "AutoConfig") or AutoConfig
    return config_class.from_pretrained(os.fspath(package_dir), local_files_only=True)


def load_tokenizer(package_dir: str | os.PathLike[str], **kwargs: Any) -> PreTrainedTokenizerBase:
    """The tokenizer of a package."""
    return AutoTokenizer.from_pretrained(os.fspath(package_dir), local_files_only=True, **kwargs)


def new_model(
    package_dir: str | os.PathLike[str],
    *,
    attn_implementation: str | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> PreTrainedModel:
    """A new model with initialised weights; these come from torch's global random state."""
    options: dict[str, Any] = {}
    if attn_implementation is not None:
        options["attn_implementation"] = attn_implementation
    if dtype is not None:
        options["dtype"] = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    with torch.device(device or torch.get_default_device()):
        return build(package_dir, load_config(package_dir), options)


def build(
    package_dir: str | os.PathLike[str], config: PreTrainedConfig, options: Mapping[str, Any]
) -> PreTrainedModel:
    model_class = package_class(package_dir, "AutoModelForCausalLM")
    if model_class is None:
        model = AutoModelForCausalLM.from_config(config, **options)
    else:
        model = model_class._from_config(config, **options)
    generation = Path(package_dir) / "generation_config.json"
    if generation.is_file():
        model.generation_config = GenerationConfig.from_pretrained(os.fspath(package_dir))
    return model
