"""Initialisation of the own parameters of one module.

Who owns the model calls such a function for every module. A parameter that transformers has just loaded
carries the flag ``_is_hf_initialized`` and is left alone by all functions here, so that loading a
checkpoint and then "initialising what is missing" never overwrites a weight.
"""

import logging
import math
import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

InitFunction = Callable[[Tensor], object]


def is_loaded(parameter: Tensor) -> bool:
    return bool(getattr(parameter, "_is_hf_initialized", False))


def has_own_tensors(module: nn.Module) -> bool:
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return bool(own)


@torch.no_grad()
def init_weights_by_regex(
    module: nn.Module, regex_list: Sequence[tuple[str, InitFunction]], debug: bool = False
) -> None:
    """Apply, to each own parameter, the function of the first pattern found in its name.

    The name is ``<init_prefix>.<parameter>`` where the module has an ``init_prefix``, else the bare name
    of the parameter. Either all own parameters of a module match or none; a module without match resets
    itself with ``reset_parameters()``; a module that cannot is an error.
    """
    if not has_own_tensors(module):
        return
    matches = {
        name: matching_function(module, name, regex_list)
        for name, _ in module.named_parameters(recurse=False)
    }
    if not any(matches.values()):
        reset(module)
        return
    missed = [name for name, function in matches.items() if function is None]
    if missed:
        raise ValueError(
            f"Not all parameters in {describe(module)} were initialized: no pattern matches "
            f"{', '.join(missed)}, but others match"
        )
    for name, parameter in module.named_parameters(recurse=False):
        if is_loaded(parameter):
            continue
        if debug:
            logger.info("init %s.%s: %s", describe(module), name, matches[name])
        matches[name](parameter)


def matching_function(
    module: nn.Module, name: str, regex_list: Sequence[tuple[str, InitFunction]]
) -> InitFunction | None:
    prefix = getattr(module, "init_prefix", None)
    full_name = f"{prefix}.{name}" if prefix else name
    for pattern, function in regex_list:
        if re.search(pattern, full_name):
            return function
    return None


def reset(module: nn.Module) -> None:
    """``module.reset_parameters()``, with what is already loaded put back afterwards."""
    if not hasattr(module, "reset_parameters"):
        raise ValueError(
            f"{describe(module)} has parameters, but no pattern matches them and it has no "
            "reset_parameters()"
        )
    loaded = [
        (tensor, tensor.clone())
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False))
        if is_loaded(tensor)
    ]
    module.reset_parameters()
    for tensor, value in loaded:
        tensor.copy_(value)


def describe(module: nn.Module) -> str:
    prefix = getattr(module, "init_prefix", None)
    return f"{type(module).__name__} ({prefix})" if prefix else type(module).__name__


@torch.no_grad()
def simple_weight_init(module: nn.Module, scale_rsqrt_d_model: bool = False) -> None:
    """Linear maps as PyTorch does, embeddings from a normal, all else by ``reset_parameters()``."""
    if isinstance(module, nn.Linear):
        if not is_loaded(module.weight):
            init_torch_linear_default(module.weight)
        if module.bias is not None and not is_loaded(module.bias):
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        if not is_loaded(module.weight):
            init_embeddings(
                module.weight, module.padding_idx, scale_rsqrt_d_model=scale_rsqrt_d_model
            )
    elif has_own_tensors(module):
        reset(module)


def init_torch_linear_default(weight: Tensor, gain: float = 1.0) -> None:
    """Uniform in +-gain/sqrt(fan_in): PyTorch's default for ``nn.Linear``, with a gain."""
    bound = gain / math.sqrt(weight.shape[-1])
    nn.init.uniform_(weight, -bound, bound)


def init_embeddings(
    weight: Tensor,
    padding_index: int | None = None,
    std: float = 1.0,
    scale_rsqrt_d_model: bool = True,
) -> None:
    """Normal with ``std``, over sqrt(d_model) if asked for; the row of the padding token is zero."""
    nn.init.normal_(weight, std=std / math.sqrt(weight.shape[-1]) if scale_rsqrt_d_model else std)
    if padding_index is not None:
        weight[padding_index].zero_()
