"""What training needs: right losses and gradients however the batch is cut, and nothing else moves."""

import pytest
import torch
from transformers.loss.loss_utils import ForCausalLMLoss

from modelsrc.transformer.causal_loss import CausalLoss
from tests.modelsrc.small_models import CONFIG, tokens

# The old name must go on working as long as trainers call it.
renamed_in_transformers = pytest.mark.filterwarnings(
    "ignore:.*gradient_checkpointing_:FutureWarning"
)


def gradients(model):
    found = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    return found


def assert_equal_gradients(mine, expected, tolerance=1e-6):
    for name, gradient in expected.items():
        error = (mine[name] - gradient).norm() / gradient.norm().clamp(min=1e-12)
        assert error <= tolerance, f"{name}: relative error {error}"


def uneven_batch():
    """Rows with very different numbers of targets."""
    ids = tokens(6, 16)
    labels = ids.clone()
    for row in range(6):
        labels[row, : 2 * row + 1] = -100
    return ids, labels


@pytest.mark.parametrize("rows", [1, 2, 4], ids=lambda rows: f"{rows}-rows")
def test_micro_batches_add_up_to_the_batch(make_model, rows):
    model = make_model().train()
    ids, labels = uneven_batch()
    loss = model(ids, labels=labels).loss
    loss.backward()
    expected = gradients(model)
    targets = (labels[:, 1:] != -100).sum()
    total = 0.0
    for start in range(0, 6, rows):
        part = slice(start, start + rows)
        micro = model(ids[part], labels=labels[part], num_items_in_batch=targets).loss
        micro.backward()
        total += micro.detach()
    torch.testing.assert_close(total, loss.detach())
    assert_equal_gradients(gradients(model), expected)


def test_loss_equals_that_of_transformers():
    logits, labels = torch.randn(3, 8, 96), tokens(3, 8)
    labels[1, :5] = -100
    ours = CausalLoss()
    for items in (None, 17, torch.tensor(17)):
        expected = ForCausalLMLoss(logits, labels, vocab_size=96, num_items_in_batch=items)
        torch.testing.assert_close(ours(logits, labels, num_items_in_batch=items), expected)
    shifted = torch.nn.functional.pad(labels, (0, 1), value=-100)[..., 1:]
    torch.testing.assert_close(ours(logits, shift_labels=shifted), ours(logits, labels))


def test_loss_without_targets_is_zero():
    logits = torch.randn(1, 4, 96, requires_grad=True)
    loss = CausalLoss()(logits, torch.full((1, 4), -100))
    loss.backward()
    assert loss.detach() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("changes", [{}, {"sliding_window": 4}], ids=["full", "window"])
def test_packed_documents_do_not_see_each_other(make_model, attention, mode, changes):
    model = make_model(attn_implementation=attention, **changes)
    model.train(mode == "train")
    lengths = [5, 1, 7]
    documents = [tokens(1, length) for length in lengths]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    with torch.no_grad():
        apart = torch.cat([model(document).logits for document in documents], 1)
        packed = model(torch.cat(documents, 1), position_ids=positions).logits
    torch.testing.assert_close(packed, apart, atol=1e-5, rtol=0)


def test_evaluation_loss_of_packed_documents(make_model):
    """Labels ask for no cache: with one, transformers cannot see where documents begin."""
    model = make_model()
    ids = tokens(1, 12)
    positions = torch.cat([torch.arange(7), torch.arange(5)])[None]
    with torch.no_grad():
        evaluated = model(ids, position_ids=positions, labels=ids)
        trained = model.train()(ids, position_ids=positions, labels=ids)
    torch.testing.assert_close(evaluated.loss, trained.loss)
    assert evaluated.past_key_values is None


@renamed_in_transformers
@pytest.mark.parametrize("kwargs", [None, {"use_reentrant": False}, {"use_reentrant": True}])
def test_checkpointing_changes_memory_only(make_model, kwargs):
    model = make_model().train()
    ids = tokens(2, 10)
    model(ids, labels=ids).loss.backward()
    expected = gradients(model)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=kwargs)
    assert model.causal_lm.layer_stack.gradient_checkpointing
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        loss = model(ids, labels=ids, use_cache=True).loss
    loss.backward()
    assert_equal_gradients(gradients(model), expected)
    model.gradient_checkpointing_disable()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        model(ids, labels=ids)
    assert len(saved) < len(kept)


@renamed_in_transformers
def test_stack_without_checkpointing_says_so(make_model):
    model = make_model({"stack": ".layer_stack:LayerStack"})
    with pytest.raises(ValueError, match="not compatible with gradient checkpointing"):
        model.gradient_checkpointing_enable()


def test_training_makes_no_cache(make_model):
    model = make_model().train()
    assert model(tokens(1, 6)).past_key_values is None
    assert model.eval()(tokens(1, 6)).past_key_values is not None


def test_train_and_eval_reach_body_and_parts(make_model):
    model = make_model(attention_dropout=0.5)
    ids = tokens(1, 12)
    with torch.no_grad():
        assert torch.equal(model(ids).logits, model(ids).logits)
        model.train()
        assert not torch.equal(model(ids).logits, model(ids).logits)
    assert model.causal_lm.body.training
    assert not model.eval().causal_lm.body.training


def test_initial_weights_follow_the_config(make_model):
    torch.manual_seed(1)
    model = make_model(hidden_size=128, intermediate_size=256)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            assert torch.equal(parameter, torch.ones_like(parameter)), name
        else:
            assert 0.018 < parameter.std() < 0.022, name
            cut = 0.06 if "embedding" not in name else 1.0
            assert parameter.abs().max() <= cut, name


def test_same_seed_same_weights(make_model):
    torch.manual_seed(5)
    first = make_model().state_dict()
    torch.manual_seed(5)
    second = make_model().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(first) == 3 + 9 * CONFIG["num_hidden_layers"]
