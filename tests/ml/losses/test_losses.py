import pytest
import torch
import torch.nn.functional as F
from torch import nn

from forgather.errors import ConfigError
from forgather.ml.losses import CausalLoss, LinearCrossEntropyLoss

VOCABULARY, WIDTH = 13, 6


@pytest.fixture
def case():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    labels = torch.randint(0, VOCABULARY, (3, 7))
    labels[0, :4] = -100
    labels[2] = -100
    return torch.randn(3, 7, WIDTH, requires_grad=True), nn.Linear(WIDTH, VOCABULARY), labels


def reference(logits, labels):
    return F.cross_entropy(
        logits[:, :-1].reshape(-1, VOCABULARY), labels[:, 1:].reshape(-1), ignore_index=-100
    )


def test_causal_loss_is_the_shifted_mean(case):
    hidden, head, labels = case
    logits = head(hidden)
    torch.testing.assert_close(CausalLoss()(logits, labels), reference(logits, labels))


def test_num_items_replaces_the_count(case):
    hidden, head, labels = case
    logits = head(hidden)
    targets = int((labels[:, 1:] != -100).sum())
    expected = reference(logits, labels) * targets / 100
    torch.testing.assert_close(CausalLoss()(logits, labels, num_items=100), expected)


def test_no_target_gives_zero_not_nan(case):
    hidden, head, labels = case
    loss = CausalLoss()(head(hidden), torch.full_like(labels, -100))
    loss.backward()
    assert loss.item() == 0.0
    assert hidden.grad.abs().sum() == 0


@pytest.mark.parametrize("chunk_size", [1, 5, 4096])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_cross_entropy_equals_the_plain_loss_and_its_gradients(case, chunk_size, bias):
    hidden, head, labels = case
    if not bias:
        head.bias = None
    fused = LinearCrossEntropyLoss(head, chunk_size=chunk_size)
    inputs = [hidden, *head.parameters()]
    plain = CausalLoss()(head(hidden), labels)
    expected = torch.autograd.grad(plain * 3, inputs)
    loss = fused(hidden, labels)
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(torch.autograd.grad(loss * 3, inputs), expected)


def test_linear_cross_entropy_never_holds_all_logits(case):
    rows, vocabulary = 512, 4000
    head = nn.Linear(WIDTH, vocabulary, bias=False)
    hidden = torch.randn(1, rows, WIDTH, requires_grad=True)
    labels = torch.randint(0, vocabulary, (1, rows))
    largest = _LargestTensor()
    with largest:
        LinearCrossEntropyLoss(head, chunk_size=16)(hidden, labels).backward()
    assert largest.elements <= max(16 * vocabulary, vocabulary * WIDTH)


def test_an_unknown_implementation_is_refused(case):
    with pytest.raises(ConfigError, match="impl"):
        LinearCrossEntropyLoss(case[1], impl="pytroch")


class _LargestTensor(torch.utils._python_dispatch.TorchDispatchMode):
    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.elements = max(self.elements, result.numel())
        return result
