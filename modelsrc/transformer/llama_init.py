"""Initialisation in the manner of Llama: truncated normals, narrower where branches add up."""

import math

import torch
from torch import Tensor, nn

from .init_weights import has_own_tensors, is_loaded, reset


def trunc_normal_magic(weight: Tensor, std: float = 0.02) -> None:
    """Normal with ``std``, cut at +-2 (absolute, not in units of std), as torchtitan and Llama do."""
    nn.init.trunc_normal_(weight, mean=0.0, std=std)


def trunc_normal(weight: Tensor, std: float) -> None:
    """Normal with ``std``, cut at three standard deviations."""
    nn.init.trunc_normal_(weight, mean=0.0, std=std, a=-3 * std, b=3 * std)


def llama_std(num_layers: int) -> float:
    """``0.02 / sqrt(2 n)``: one value for all n layers (GPT-2, section 2.3)."""
    return 0.02 / math.sqrt(2 * num_layers)


def llama_std_depth(layer_idx: int) -> float:
    """``0.02 / sqrt(2 (i + 1))``: narrower the deeper the layer."""
    return 0.02 / math.sqrt(2 * (layer_idx + 1))


def init_output_layer(weight: Tensor, d_model: int) -> None:
    """Normal with std ``d_model^-0.5``, cut at three standard deviations."""
    trunc_normal(weight, d_model**-0.5)


@torch.no_grad()
def hf_llama_weight_init(module: nn.Module, std: float = 0.02) -> None:
    """What transformers does for Llama: normals with ``std``, biases and the padding row zero."""
    if isinstance(module, nn.Linear | nn.Embedding):
        if not is_loaded(module.weight):
            nn.init.normal_(module.weight, mean=0.0, std=std)
            if getattr(module, "padding_idx", None) is not None:
                module.weight[module.padding_idx].zero_()
        bias = getattr(module, "bias", None)
        if bias is not None and not is_loaded(bias):
            nn.init.zeros_(bias)
    elif has_own_tensors(module):
        reset(module)
