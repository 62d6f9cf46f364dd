"""Floating point operations of a training step, from the model's shapes.

Per position (token place, padding included) and per layer of attention::

    forward   2 * W + 4 * H * D * K * L
    backward  2 * W (gradients of inputs) + 2 * W_trainable (of weights) + 8 * H * D * K * L

W: elements of all weight matrices that positions are multiplied with (every parameter of two or
more dimensions that is not an embedding table; the output projection counts, tied or not);
L layers with H heads of size D; K keys per query, which is the whole sequence length T (a causal
mask is not subtracted: the usual convention, and what the unfused computation does).
Norms, activations and softmax are left out, and so is recomputation by activation checkpointing:
MFU is useful work over peak.
"""

from __future__ import annotations

from typing import Any

from torch import nn


class FlopCounter:
    """``counter(batch, sequence)``: operations of one forward and backward over such a batch."""

    def __init__(self, model: nn.Module) -> None:
        matrices, trainable = _matrix_elements(model)
        self.per_position = 4 * matrices + 2 * trainable
        self.per_pair = 12 * _attention_width(getattr(model, "config", None))

    def __call__(self, batch: int, sequence: int) -> int:
        return batch * sequence * (self.per_position + self.per_pair * sequence)


def _matrix_elements(model: nn.Module) -> tuple[int, int]:
    total = trainable = 0
    for module in model.modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            continue
        for parameter in module.parameters(recurse=False):
            if parameter.dim() >= 2:
                total += parameter.numel()
                trainable += parameter.numel() if parameter.requires_grad else 0
    return total, trainable


def _attention_width(config: Any) -> int:
    """Layers x heads x head size; 0 where the model does not say."""
    layers = getattr(config, "num_hidden_layers", None)
    heads = getattr(config, "num_attention_heads", None)
    hidden = getattr(config, "hidden_size", None)
    size = getattr(config, "head_dim", None) or getattr(config, "d_head", None)
    if not layers or not heads or not (size or hidden):
        return 0
    return layers * heads * (size or hidden // heads)
