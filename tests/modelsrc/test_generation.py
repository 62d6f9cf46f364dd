"""Generating text: every kind of cache gives the same tokens, alone and in a padded batch."""

import pytest
import torch

from tests.modelsrc.small_models import CONFIG, tokens

GREEDY = {"max_new_tokens": 12, "do_sample": False}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(
    ("factory", "changes"),
    [
        ({}, {}),
        ({"positions": "sinusoidal", "layer": ".post_ln_layer:PostLNLayer"}, {}),
        ({}, {"sliding_window": 6}),
    ],
    ids=["rotary", "sinusoidal-post-norm", "sliding-window"],
)
def test_same_tokens_with_and_without_cache(make_model, factory, changes, attention):
    model = make_model(factory, attn_implementation=attention, **changes)
    prompt = tokens(2, 9)
    expected = model.generate(prompt, use_cache=False, **GREEDY)
    assert torch.equal(model.generate(prompt, **GREEDY), expected)
    assert torch.equal(model.generate(prompt, cache_implementation="static", **GREEDY), expected)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])
def test_padded_batch_gives_what_each_prompt_gives_alone(make_model, positions, attention):
    model = make_model({"positions": positions}, attn_implementation=attention)
    prompts = [tokens(1, 4), tokens(1, 9)]
    alone = [model.generate(prompt, **GREEDY)[:, prompt.shape[1] :] for prompt in prompts]
    padded = torch.cat(
        [torch.cat([torch.zeros(1, 5, dtype=torch.long), prompts[0]], 1), prompts[1]]
    )
    mask = torch.ones_like(padded)
    mask[0, :5] = 0
    together = model.generate(padded, attention_mask=mask, **GREEDY)[:, 9:]
    assert torch.equal(together, torch.cat(alone))


def test_cache_continues_a_prompt(make_model):
    model = make_model()
    ids = tokens(2, 11)
    with torch.no_grad():
        whole = model(ids).logits
        first = model(ids[:, :6], use_cache=True)
        second = model(ids[:, 6:], past_key_values=first.past_key_values)
    torch.testing.assert_close(torch.cat([first.logits, second.logits], 1), whole)


def test_embeddings_in_place_of_ids(make_model):
    model = make_model()
    ids = tokens(1, 7)
    with torch.no_grad():
        embedded = model(inputs_embeds=model.get_input_embeddings()(ids)).logits
        assert torch.equal(embedded, model(ids).logits)
    with pytest.raises(ValueError, match="exactly one of input_ids and inputs_embeds"):
        model()


def test_logits_of_chosen_positions(make_model):
    model = make_model()
    ids = tokens(2, 7)
    with torch.no_grad():
        whole = model(ids).logits
        torch.testing.assert_close(model(ids, logits_to_keep=1).logits, whole[:, -1:])
        kept = model(ids, logits_to_keep=torch.tensor([0, 3])).logits
    torch.testing.assert_close(kept, whole[:, [0, 3]])


def test_output_forms(make_model):
    model = make_model()
    ids = tokens(2, 7)
    with torch.no_grad():
        output = model(ids, labels=ids)
        as_tuple = model(ids, labels=ids, return_dict=False)
        hidden = model(ids, return_hidden_states=True)
        logits = model.get_output_embeddings()(hidden)
    assert torch.equal(as_tuple[0], output.loss)
    assert torch.equal(as_tuple[1], output.logits)
    assert model.can_return_hidden_states
    assert hidden.shape == (2, 7, CONFIG["hidden_size"])
    torch.testing.assert_close(logits, output.logits)
    model.config.return_dict = False
    assert isinstance(model(ids), tuple)


def test_vocabulary_can_be_resized(make_model):
    model = make_model(tie_word_embeddings=True)
    model.resize_token_embeddings(104)
    assert model.config.vocab_size == 104
    assert model(torch.tensor([[103]])).logits.shape[-1] == 104
    assert model.lm_head.weight is model.get_input_embeddings().weight


def test_compiled_model_gives_the_same_logits(make_model):
    model = make_model()
    ids = tokens(1, 8)
    compiled = torch.compile(model, backend="eager", fullgraph=False)
    with torch.no_grad():
        torch.testing.assert_close(compiled(ids, use_cache=False).logits, model(ids).logits)
