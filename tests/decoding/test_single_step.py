"""A step for one token against the general forward pass of the same model over the whole text."""

import pytest
import torch

from sounding.architectures.attention import KeyValueCache
from sounding.architectures.lora import tune
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.decoding.single_step import single_step

OURS = {"activation": "squared_relu", "bias": False, "normalised_queries": True}
GPT2 = {"positions": "learned", "activation": "gelu_tanh"}
LLAMA = {"norm": "rms", "gated": True, "activation": "silu", "bias": False, "key_value_heads": 2, "head_width": 6}
BEHIND = {"norm_first": False, "embedding_norm": True, "token_types": 2, "positions": "learned", "position_offset": 2}
SINES = {"positions": "sinusoidal", "projection_bias": False}


def model(scores=None, **words):
    torch.manual_seed(0)
    config = {"vocabulary": 30, "width": 16, "layers": 2, "heads": 4, "causal": True, "context": 32, **words}
    made = LanguageModel(TransformerConfig(**config), **(scores or {})).eval()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    return made


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("words", [OURS, GPT2, LLAMA, BEHIND, SINES, {"positions": "none"}], ids=lambda w: str(w)[:25])
@torch.no_grad()
def test_step_by_step_as_all_at_once(words, rows):
    net = model(**words, scores={"tied": True, "bias": True, "transform": words is BEHIND})
    step, ids = single_step(net), torch.randint(0, 30, (rows, 12))
    cache = KeyValueCache(2, 12)
    net.transformer(ids[:, :4], cache=cache)
    found = torch.stack([step(ids[:, place], cache) for place in range(4, 12)], dim=1)
    torch.testing.assert_close(found, net(ids)[:, 4:], atol=2e-4, rtol=1e-4)
    assert cache.length == 12


@pytest.mark.parametrize("words", [OURS, GPT2, LLAMA])
@torch.no_grad()
def test_padding_at_the_left_is_not_seen(words):
    net, texts = model(**words), [[5, 6, 7, 8, 9, 10, 11], [3, 4, 5, 6]]
    ids = torch.tensor([texts[0], [0, 0, 0, *texts[1]]])
    padded, cache = torch.tensor([0, 3]), KeyValueCache(2, 7)
    net.transformer(ids[:, :5], padded_left=padded, cache=cache)
    for place in (5, 6):
        found = single_step(net)(ids[:, place], cache, padded)
    for row, text in enumerate(texts):
        torch.testing.assert_close(found[row], net(torch.tensor([text]))[0, -1], atol=2e-4, rtol=1e-4)


@torch.no_grad()
def test_weights_that_changed_are_seen_and_else_nothing_is_made_again():
    net = model()
    first = single_step(net)
    assert single_step(net) is first
    net.output.weight.mul_(2)
    cache, ids = KeyValueCache(2, 1), torch.tensor([4])
    torch.testing.assert_close(single_step(net)(ids, cache), net(ids[None])[:, 0], atol=2e-4, rtol=1e-4)


def test_what_cannot_be_stepped_so_goes_the_general_way():
    assert single_step(model().train()) is None
    assert single_step(model().bfloat16()) is None
    small = model()
    tune(small.transformer, "lora", 2)
    assert single_step(small) is None
