"""Rotary position embeddings for queries and keys."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .rope_scaling import LENGTH_DEPENDENT, ROPE_TYPES, standard_parameters


class RotaryPE:
    """Rotates channel i of a head together with channel i + D/2, by an angle that grows with position.

    "RoFormer", https://arxiv.org/abs/2104.09864; pairing of halves as in Llama. ``rope_parameters`` is
    the dict of Hugging Face configs: rope_type (default, linear, dynamic, yarn, longrope, llama3),
    rope_theta and what the type needs; ``rope_theta`` and ``rope_scaling`` are the older spelling.

    Not a module and without buffers: a buffer that is not saved holds arbitrary memory after
    ``from_pretrained``, and ``model.to(bfloat16)`` would round it. Frequencies are computed in fp32 when
    first used on a device; cosine and sine once a forward pass, shared by all layers.

    Shapes: q (B, T, H, D), k (B, T, K, D), position_ids (B, T) or (1, T).
    """

    def __init__(
        self,
        hidden_size: int,
        num_attention_heads: int,
        max_sequence_length: int = 2048,
        rope_parameters: Mapping[str, Any] | None = None,
        rope_theta: float | None = None,
        rope_scaling: Mapping[str, Any] | None = None,
        head_dim: int | None = None,
    ) -> None:
        self.max_sequence_length = max_sequence_length
        self.rope = standard_parameters(
            rope_parameters, rope_theta, rope_scaling, max_sequence_length
        )
        self.head_dim = head_dim or hidden_size // num_attention_heads
        self.rotary_dim = int(self.head_dim * self.rope.get("partial_rotary_factor", 1.0))
        if self.rotary_dim % 2:
            raise ValueError(
                f"rotary embeddings need an even head dimension, not {self.rotary_dim}"
            )
        self._inverse: dict[torch.device, tuple[Tensor, float]] = {}
        self._last: tuple[Any, ...] | None = None

    def __call__(self, q: Tensor, k: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = self.cos_sin(position_ids, q.dtype)
        return self.rotate(q, cos, sin), self.rotate(k, cos, sin)

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        if self.rotary_dim < self.head_dim:
            turned, rest = x.split((self.rotary_dim, self.head_dim - self.rotary_dim), dim=-1)
            return torch.cat((turned * cos + rotate_half(turned) * sin, rest), dim=-1)
        return x * cos + rotate_half(x) * sin

    def cos_sin(self, position_ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosine and sine (B, T, 1, D) for these positions.

        All layers of a pass hand in the same tensor, so the last answer is kept. Not where that cannot
        be told: a compiled graph shares the computation by itself, a traced one has a stand-in for
        the tensor, and an inference tensor has no version to compare.
        """
        traced = torch.compiler.is_compiling() or not isinstance(position_ids, Tensor)
        if traced or position_ids.is_inference():
            return self.compute(position_ids, dtype)
        version = position_ids._version
        if self._last is not None:
            known_ids, known_version, known_dtype, answer = self._last
            if known_ids is position_ids and known_version == version and known_dtype == dtype:
                return answer
        answer = self.compute(position_ids, dtype)
        self._last = (position_ids, version, dtype, answer)
        return answer

    @torch.no_grad()
    def compute(self, position_ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        inverse, scale = self.frequencies(position_ids)
        angles = position_ids[..., None].float() * inverse  # (B, T, D/2)
        angles = torch.cat((angles, angles), dim=-1).unsqueeze(-2)  # (B, T, 1, D)
        return (angles.cos() * scale).to(dtype), (angles.sin() * scale).to(dtype)

    def frequencies(self, position_ids: Tensor) -> tuple[Tensor, float]:
        device = position_ids.device
        if self.rope["rope_type"] in LENGTH_DEPENDENT:
            return self.make_frequencies(device, int(position_ids.max()) + 1)
        if not isinstance(device, torch.device):  # a tracer's stand-in, not to be kept
            return self.make_frequencies(device, 0)
        if device not in self._inverse:
            self._inverse[device] = self.make_frequencies(device, 0)
        return self._inverse[device]

    def make_frequencies(self, device: torch.device, seq_len: int) -> tuple[Tensor, float]:
        make = ROPE_TYPES[self.rope["rope_type"]]
        inverse, scale = make(self.rope, self.rotary_dim, self.max_sequence_length, seq_len)
        return inverse.to(device), scale

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_inverse": {}, "_last": None}

    def __repr__(self) -> str:
        return f"RotaryPE(dim={self.rotary_dim}, {self.rope})"


def rotate_half(x: Tensor) -> Tensor:
    """``(-second half, first half)`` of the last dimension."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)
