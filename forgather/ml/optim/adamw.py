"""AdamW (Loshchilov and Hutter, 2019), with torch's fused kernel where there is one.

::

    p <- p - lr * wd * p
    m <- b1 * m + (1 - b1) * g
    v <- b2 * v + (1 - b2) * g^2
    p <- p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)

That is torch's formula: eps is added to the bias-corrected root. m and v have the type of p.

``bf16_stochastic_round``: bfloat16 parameters are updated in float32 and rounded up or down at
random in proportion to the distance, so that updates smaller than half a bfloat16 step are not
lost. The generator is part of the optimizer's state, so a resumed training rounds the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from forgather.ml.optim.fused import can_fuse, materialized


class AdamW(torch.optim.AdamW):
    """params: tensors, ``(name, tensor)`` pairs, or parameter groups.

    torch_compile: compiles the update of stochastic rounding; the fused kernel needs no compiler.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
        torch_compile: bool = False,
        bf16_stochastic_round: bool = False,
    ) -> None:
        params = materialized(params)
        fused = not bf16_stochastic_round and can_fuse(params)
        super().__init__(
            params,
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            fused=fused or None,
        )
        self._stochastic = bf16_stochastic_round
        self._update = torch.compile(_update, dynamic=True) if torch_compile else _update
        self._generators: dict[torch.device, torch.Generator] = {}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        if not self._stochastic:
            return super().step(closure)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step_one(parameter, group)
        return loss

    def _step_one(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        step = int(state["step"].item())
        beta1, beta2 = group["betas"]
        updated = self._update(
            parameter,
            parameter.grad,
            state["exp_avg"],
            state["exp_avg_sq"],
            group["lr"] / (1 - beta1**step),
            (1 - beta2**step) ** 0.5,
            group["lr"] * group["weight_decay"],
            beta1,
            beta2,
            group["eps"],
        )
        if parameter.dtype == torch.bfloat16:
            updated = stochastic_round(updated, self._generator(parameter.device))
        parameter.copy_(updated)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(0)
        return self._generators[device]

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        if self._generators:
            state["rounding"] = {
                str(device): generator.get_state() for device, generator in self._generators.items()
            }
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state_dict = dict(state_dict)
        for name, generator_state in state_dict.pop("rounding", {}).items():
            self._generator(torch.device(name)).set_state(generator_state.cpu())
        super().load_state_dict(state_dict)


def _update(
    parameter: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    rate: float,
    correction: float,
    decay: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> Tensor:
    """The new value in float32; ``mean`` and ``square`` are updated in place."""
    gradient = gradient.float()
    new_mean = mean.float().lerp(gradient, 1 - beta1)
    new_square = square.float().mul(beta2).addcmul(gradient, gradient, value=1 - beta2)
    mean.copy_(new_mean)
    square.copy_(new_square)
    root = new_square.sqrt().div(correction).add(eps)
    return parameter.float().mul(1 - decay).addcdiv(new_mean, root, value=-rate)


def stochastic_round(value: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """float32 -> bfloat16, up or down at random, right on average.

    bfloat16 is the upper half of a float32's bits: adding a random lower half and cutting it off
    rounds up with the probability of the part that is cut.
    """
    noise = torch.randint(
        0, 1 << 16, value.shape, dtype=torch.int32, device=value.device, generator=generator
    )
    bits = (value.contiguous().view(torch.int32) + noise) & -(1 << 16)
    return bits.view(torch.float32).to(torch.bfloat16)
