"""Frequencies of rotary embeddings: the plain ones, and those stretched for longer contexts.

Each function takes the ``rope_parameters`` of a Hugging Face config and returns the inverse frequencies
(D/2,) in fp32 on the CPU, and the factor that cosine and sine are multiplied with. The results equal
those of transformers to the bit. Nothing here knows about queries and keys.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Frequencies = tuple[Tensor, float]


def powers(base: float | Tensor, dim: int) -> Tensor:
    """``base^(2i/dim)``, the wavelengths over 2 pi."""
    return base ** (torch.arange(0, dim, 2, dtype=torch.int64, device="cpu").float() / dim)


def default(rope: Mapping[str, Any], dim: int, max_length: int, seq_len: int) -> Frequencies:
    """Rotary embeddings as published, https://arxiv.org/abs/2104.09864."""
    return 1.0 / powers(rope["rope_theta"], dim), 1.0


def linear(rope: Mapping[str, Any], dim: int, max_length: int, seq_len: int) -> Frequencies:
    """Position interpolation, https://arxiv.org/abs/2306.15595."""
    return 1.0 / powers(rope["rope_theta"], dim) / rope["factor"], 1.0


def dynamic(rope: Mapping[str, Any], dim: int, max_length: int, seq_len: int) -> Frequencies:
    """NTK-aware scaling that grows with the sequence; unchanged up to max_length."""
    factor, length = rope["factor"], max(seq_len, max_length)
    growth = (factor * length / max_length) - (factor - 1)
    return 1.0 / powers(rope["rope_theta"] * growth ** (dim / (dim - 2)), dim), 1.0


def yarn(rope: Mapping[str, Any], dim: int, max_length: int, seq_len: int) -> Frequencies:
    """YaRN, https://arxiv.org/abs/2309.00071: short wavelengths stay, long ones are interpolated."""
    base, original = rope["rope_theta"], rope["original_max_position_embeddings"]
    factor = rope.get("factor") or max_length / original
    low, high = (
        dim * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
        for turns in (rope.get("beta_fast") or 32, rope.get("beta_slow") or 1)
    )
    if rope.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    if low == high:
        high += 0.001  # a ramp needs a width
    ramp = ((torch.arange(dim // 2, dtype=torch.float32, device="cpu") - low) / (high - low)).clamp(
        0, 1
    )
    keep = 1 - ramp
    wave = powers(base, dim)
    inverse = (1.0 / (factor * wave)) * (1 - keep) + (1.0 / wave) * keep
    return inverse, rope.get("attention_factor") or yarn_attention_factor(rope, factor)


def yarn_attention_factor(rope: Mapping[str, Any], factor: float) -> float:
    def magnitude(scale: float, weight: float = 1.0) -> float:
        return 1.0 if scale <= 1 else 0.1 * weight * math.log(scale) + 1.0

    weight, weight_all = rope.get("mscale"), rope.get("mscale_all_dim")
    if weight and weight_all:
        return magnitude(factor, weight) / magnitude(factor, weight_all)
    return magnitude(factor)


def longrope(rope: Mapping[str, Any], dim: int, max_length: int, seq_len: int) -> Frequencies:
    """LongRoPE, https://arxiv.org/abs/2402.13753: one searched factor a frequency, for short and long."""
    original = rope["original_max_position_embeddings"]
    factor = rope.get("factor") or max_length / original
    scale = rope.get("attention_factor")
    if scale is None:
        scale = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(original))
    chosen = rope["long_factor"] if seq_len > original else rope["short_factor"]
    stretch = torch.tensor(chosen, dtype=torch.float32, device="cpu")
    return 1.0 / (stretch * powers(rope["rope_theta"], dim)), scale


def llama3(rope: Mapping[str, Any], dim: int, max_length: int, seq_len: int) -> Frequencies:
    """Llama 3.1, https://arxiv.org/abs/2407.21783: divide long wavelengths by factor, blend between."""
    inverse = 1.0 / powers(rope["rope_theta"], dim)
    factor, original = rope["factor"], rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    wavelength = 2 * math.pi / inverse
    scaled = torch.where(wavelength > original / low, inverse / factor, inverse)
    blend = (original / wavelength - low) / (high - low)
    smooth = (1 - blend) * scaled / factor + blend * scaled
    between = ~(wavelength < original / high) & ~(wavelength > original / low)
    return torch.where(between, smooth, scaled), 1.0


ROPE_TYPES: dict[str, Callable[..., Frequencies]] = {
    "default": default,
    "linear": linear,
    "dynamic": dynamic,
    "yarn": yarn,
    "longrope": longrope,
    "llama3": llama3,
}

# Types whose frequencies depend on the length of the sequence at hand.
LENGTH_DEPENDENT = frozenset({"dynamic", "longrope"})

REQUIRED = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "longrope": ("short_factor", "long_factor"),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
}


def standard_parameters(
    rope_parameters: Mapping[str, Any] | None,
    rope_theta: float | None,
    rope_scaling: Mapping[str, Any] | None,
    max_length: int,
) -> dict[str, Any]:
    """One dict in today's form; ``rope_theta`` and ``rope_scaling`` are the older way to say the same."""
    rope = {**(rope_scaling or {}), **(rope_parameters or {})}
    kind = rope.setdefault("rope_type", rope.pop("type", "default"))
    if kind not in ROPE_TYPES:
        raise ValueError(f"rope_type {kind!r} is unknown; known: {', '.join(sorted(ROPE_TYPES))}")
    if rope.get("rope_theta") is None:
        rope["rope_theta"] = 10000.0 if rope_theta is None else rope_theta
    rope.setdefault("original_max_position_embeddings", max_length)
    missing = [name for name in REQUIRED[kind] if rope.get(name) is None]
    if missing:
        raise ValueError(f"rope_type {kind!r} needs {', '.join(missing)} in rope_parameters")
    return rope
