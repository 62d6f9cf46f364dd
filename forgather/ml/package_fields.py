"""What goes into the JSON files of a model package: the config and the generation config.

Values only, checked and completed from the tokenizer. No version, no path, sorted keys: the same
settings give the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, PreTrainedConfig, PreTrainedTokenizerBase

from forgather.errors import BuildError, did_you_mean

AUTO_CLASSES = {
    "AutoConfig": "configuration_{name}.DynamicCausalLMConfig",
    "AutoModel": "modeling_{name}.DynamicCausalModel",
    "AutoModelForCausalLM": "modeling_{name}.DynamicCausalLM",
}
SPECIAL_TOKENS = ("pad", "bos", "eos")

# A vocabulary may be larger than the tokenizer by a rounding to a multiple of 64 or 128, not by more.
MAX_VOCAB_PADDING = 1024


def short_name(code: Mapping[str, str], config: Mapping[str, Any] | PreTrainedConfig) -> str:
    for file_name in sorted(code):
        if found := re.fullmatch(r"modeling_(\w+)\.py", file_name):
            return found[1]
    model_type = (
        config.model_type if isinstance(config, PreTrainedConfig) else config.get("model_type")
    )
    if not model_type:
        raise BuildError(
            "a model package needs a name: no modeling_<name>.py in its code and no model_type in its config"
        )
    return re.sub(r"\W+", "_", str(model_type))


def config_fields(
    code: Mapping[str, str],
    config: Mapping[str, Any] | PreTrainedConfig,
    tokenizer: PreTrainedTokenizerBase | None,
    name: str,
) -> dict[str, Any]:
    """What goes into config.json. No version and no path: the same config gives the same bytes."""
    if isinstance(config, PreTrainedConfig):
        fields = {"model_type": config.model_type, **config.to_diff_dict()}
    else:
        fields = dict(config)
    fields.pop("transformers_version", None)
    fields.pop("_name_or_path", None)
    if code:
        fields.setdefault("architectures", ["DynamicCausalLM"])
        auto_map = {auto: target.format(name=name) for auto, target in AUTO_CLASSES.items()}
        fields["auto_map"] = {**auto_map, **fields.get("auto_map", {})}
        fields["model_type"] = generated_model_type(code, name)
    if tokenizer is not None:
        check_vocabulary(fields.get("vocab_size"), len(tokenizer))
        for token in SPECIAL_TOKENS:
            if fields.get(key := f"{token}_token_id") is None:
                fields[key] = getattr(tokenizer, key)
    return fields


def generated_model_type(code: Mapping[str, str], name: str) -> str:
    found = re.search(
        r'^    model_type = "([^"]+)"$', code.get(f"configuration_{name}.py", ""), re.M
    )
    if found is None:
        raise BuildError(
            f"the code of the model package has no configuration_{name}.py with a model_type"
        )
    return found[1]


def check_vocabulary(vocab_size: int | None, tokens: int) -> None:
    if vocab_size is None or tokens <= vocab_size < tokens + MAX_VOCAB_PADDING:
        return
    raise BuildError(
        f"vocab_size is {vocab_size}, but the tokenizer has {tokens} tokens",
        hint="set vocab_size to len(tokenizer), or name the tokenizer that the model is meant for",
    )


def generation_fields(
    settings: Mapping[str, Any], config_data: Mapping[str, Any]
) -> dict[str, Any]:
    known = vars(GenerationConfig())
    for key in settings:
        if key not in known or key.startswith("_"):
            raise BuildError(
                f"generation_config: there is no setting {key!r}", hint=did_you_mean(key, known)
            )
    ids = {f"{token}_token_id": config_data.get(f"{token}_token_id") for token in SPECIAL_TOKENS}
    fields = {key: value for key, value in {**ids, **settings}.items() if value is not None}
    try:
        GenerationConfig(**fields).validate(strict=True)
    except ValueError as error:
        raise BuildError(f"generation_config: {error}") from error
    return fields


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BuildError(f"{path.name} cannot be written as JSON: {error}") from error
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
