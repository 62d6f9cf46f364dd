import copy
from functools import partial

import pytest
import torch
from torch import nn

from forgather.errors import ConfigError
from forgather.ml.optim import (
    SGD,
    AdamW,
    CosineLRScheduler,
    InfiniteLRScheduler,
    sequential_lr_factory,
)
from forgather.ml.optim.adamw import stochastic_round


@pytest.fixture(autouse=True)
def seeded():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def train(model, optimizer, steps=5, dtype=torch.float32):
    generator = torch.Generator().manual_seed(7)
    for _ in range(steps):
        model(torch.randn(4, 6, generator=generator).to(dtype)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def formula(parameter, gradients, lr, betas, eps, decay):
    """The documented formula, in float64."""
    p = parameter.detach().double()
    m, v = torch.zeros_like(p), torch.zeros_like(p)
    for t, gradient in enumerate(gradients, start=1):
        g = gradient.double()
        p = p - lr * decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        p = p - lr / (1 - betas[0] ** t) * m / ((v / (1 - betas[1] ** t)).sqrt() + eps)
    return p


@pytest.mark.parametrize("stochastic", [False, True])
def test_adamw_follows_its_formula(stochastic):
    parameter = nn.Parameter(torch.randn(5, 4))
    gradients = [torch.randn(5, 4) for _ in range(6)]
    expected = formula(parameter, gradients, 0.01, (0.8, 0.95), 1e-6, 0.1)
    optimizer = AdamW(
        [("weight", parameter)],
        lr=0.01,
        betas=[0.8, 0.95],
        weight_decay=0.1,
        bf16_stochastic_round=stochastic,
    )
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    torch.testing.assert_close(parameter.detach().double(), expected, rtol=1e-5, atol=1e-6)


def test_adamw_and_sgd_take_names_and_use_the_fused_kernel():
    for kind in (AdamW, SGD):
        optimizer = kind(nn.Linear(3, 2).named_parameters())
        assert optimizer.defaults["fused"]
        assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]


def test_stochastic_rounding_is_right_on_average():
    value = torch.full((20000,), 1.0 + 1 / 1024)  # between two bfloat16 numbers 1/128 apart
    rounded = stochastic_round(value, torch.Generator().manual_seed(0)).float()
    assert set(rounded.tolist()) == {1.0, 1.0 + 1 / 128}
    assert rounded.mean().item() == pytest.approx(1.0 + 1 / 1024, abs=2e-4)


def test_stochastic_rounding_resumes_exactly():
    model = nn.Linear(6, 3).bfloat16()
    optimizer = AdamW(model.parameters(), lr=1e-4, bf16_stochastic_round=True)
    train(model, optimizer, dtype=torch.bfloat16)
    twin = copy.deepcopy(model)
    resumed = AdamW(twin.parameters(), lr=1e-4, bf16_stochastic_round=True)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(model, optimizer, dtype=torch.bfloat16)
    train(twin, resumed, dtype=torch.bfloat16)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def rates(make, steps, base=1.0):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


def test_infinite_schedule_warms_cools_stays_and_decays():
    make = partial(
        InfiniteLRScheduler,
        warmup_steps=2,
        cooldown_steps=4,
        constant_lr=0.5,
        min_lr=0.1,
        tau=2.0,
        checkpoint_step=8,
    )
    found = rates(make, 11)
    assert found[:3] == [0.0, 0.5, 1.0]
    assert found[4] == pytest.approx(0.75)
    assert found[6:9] == pytest.approx([0.5, 0.5, 0.5])
    assert found[10] == pytest.approx(0.1 + 0.4 * 2.718281828**-1)


def test_infinite_schedule_without_cooldown_decays_from_its_plateau_without_a_jump():
    found = rates(partial(InfiniteLRScheduler, checkpoint_step=3, tau=1e4, constant_lr=0.01), 5)
    assert found[:4] == [1.0, 1.0, 1.0, 1.0]
    assert found[4] == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    "arguments", [{"warmup_steps": -1}, {"warmup_steps": 5, "checkpoint_step": 3}, {"tau": 0}]
)
def test_infinite_schedule_refuses_what_cannot_be(arguments):
    with pytest.raises(ConfigError):
        rates(partial(InfiniteLRScheduler, **arguments), 1)


def test_cosine_ends_at_its_minimum_and_stays():
    found = rates(partial(CosineLRScheduler, total_steps=6, warmup_steps=2, min_lr=0.2), 9)
    assert found[:3] == [0.0, 0.5, 1.0]
    assert found[4] == pytest.approx(0.6)
    assert found[6:] == pytest.approx([0.2, 0.2, 0.2])


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
def test_schedules_in_sequence():
    linear = partial(torch.optim.lr_scheduler.ConstantLR, factor=0.1, total_iters=100)
    make = partial(
        sequential_lr_factory,
        schedulers=[linear, partial(InfiniteLRScheduler)],
        milestones=[2],
    )
    assert rates(make, 4) == pytest.approx([0.1, 0.1, 1.0, 1.0])
    with pytest.raises(ConfigError, match="milestones"):
        rates(partial(sequential_lr_factory, schedulers=[linear], milestones=[2]), 1)
