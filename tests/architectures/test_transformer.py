"""Transformers against torch's own layers, and what a cache, padding and causality promise."""

import math

import pytest
import torch
from torch import nn

from sounding.architectures.attention import Attention, KeyValueCache, Rotary, attend
from sounding.architectures.dropout import Dropout
from sounding.architectures.transformer import LanguageModel, Transformer, TransformerConfig, sinusoids
from sounding.errors import UsageError


def config(**words):
    return TransformerConfig(**{"vocabulary": 50, "width": 32, "layers": 2, "heads": 4, "context": 24, **words})


def drawn(model: nn.Module) -> nn.Module:
    """Weights that are nowhere zero, so that every part of the model matters."""
    torch.manual_seed(0)
    for p in model.parameters():
        nn.init.normal_(p, std=0.3)
    return model.eval()


def ids(rows=3, tokens=12):
    return torch.randint(1, 50, (rows, tokens), generator=torch.Generator().manual_seed(1))


KINDS = {
    "bert": {"positions": "learned", "norm_first": False, "embedding_norm": True, "token_types": 2},
    "gpt2": {"positions": "learned", "causal": True, "activation": "gelu_tanh"},
    "llama": {"norm": "rms", "gated": True, "bias": False, "causal": True, "key_value_heads": 2, "activation": "silu"},
    "ours": {"causal": True, "normalised_queries": True, "activation": "squared_relu"},
    "sinusoidal": {"positions": "sinusoidal"},
}


@pytest.mark.parametrize("norm_first", [True, False])
def test_an_encoder_computes_what_the_layers_of_torch_compute(norm_first):
    shape = config(positions="none", norm_first=norm_first, activation="relu", feed_forward=48)
    model = drawn(Transformer(shape))
    layer = nn.TransformerEncoderLayer(32, 4, 48, 0.0, "relu", batch_first=True, norm_first=norm_first)
    theirs = nn.TransformerEncoder(layer, 2, model.norm, enable_nested_tensor=False).eval()
    for block, copy in zip(model.blocks, theirs.layers, strict=True):
        _copy_attention(block.attention, copy.self_attn)
        copy.norm1, copy.norm2 = block.attention_norm, block.feed_forward_norm
        copy.linear1, copy.linear2 = block.feed_forward.up, block.feed_forward.down
    x, lengths = ids(), torch.tensor([12, 7, 3])
    padding = torch.arange(12) >= lengths[:, None]
    expected = theirs(model.embeddings.tokens(x), src_key_padding_mask=padding)
    found = model(x, lengths)
    torch.testing.assert_close(found[~padding], expected[~padding], atol=1e-5, rtol=1e-4)


def test_a_decoder_with_a_memory_computes_what_the_layers_of_torch_compute():
    model = drawn(Transformer(config(positions="none", activation="relu", causal=True, memory=True, feed_forward=48)))
    layer = nn.TransformerDecoderLayer(32, 4, 48, 0.0, "relu", batch_first=True, norm_first=True)
    theirs = nn.TransformerDecoder(layer, 2, model.norm).eval()
    for block, copy in zip(model.blocks, theirs.layers, strict=True):
        _copy_attention(block.attention, copy.self_attn)
        _copy_attention(block.memory_attention, copy.multihead_attn)
        copy.norm1, copy.norm2, copy.norm3 = block.attention_norm, block.memory_norm, block.feed_forward_norm
        copy.linear1, copy.linear2 = block.feed_forward.up, block.feed_forward.down
    x, encoded, lengths = ids(), torch.randn(3, 5, 32), torch.tensor([5, 2, 4])
    expected = theirs(
        model.embeddings.tokens(x),
        encoded,
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(12),
        tgt_is_causal=True,
        memory_key_padding_mask=torch.arange(5) >= lengths[:, None],
    )
    found = model(x, memory=model.remember(encoded, lengths))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def _copy_attention(ours: Attention, theirs: nn.MultiheadAttention) -> None:
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
    theirs.out_proj.weight, theirs.out_proj.bias = ours.output.weight, ours.output.bias


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_the_other_rows_change_nothing(kind):
    model = drawn(Transformer(config(**KINDS[kind])))
    x, lengths = ids(), torch.tensor([12, 7, 3])
    together = model(x, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(together[row, :length], model(x[row : row + 1, :length])[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [kind for kind, words in KINDS.items() if words.get("causal")])
def test_a_decoder_does_not_look_ahead_and_an_encoder_does(kind):
    model = drawn(Transformer(config(**KINDS[kind])))
    x = ids(1)
    changed = x.clone()
    changed[0, 6:] = (changed[0, 6:] + 1) % 50
    torch.testing.assert_close(model(x)[:, :6], model(changed)[:, :6], atol=1e-5, rtol=1e-4)
    free = drawn(Transformer(config(**{**KINDS[kind], "causal": False})))
    assert (free(x)[:, :6] - free(changed)[:, :6]).abs().max() > 1e-2


@pytest.mark.parametrize("kind", [kind for kind, words in KINDS.items() if words.get("causal")])
def test_a_text_continued_with_a_cache_is_as_if_read_at_once(kind):
    model = drawn(Transformer(config(**KINDS[kind])))
    x, cache = ids(), KeyValueCache(2, 12)
    with torch.no_grad():
        parts = [model(x[:, a:b], cache=cache) for a, b in ((0, 5), (5, 6), (6, 7), (7, 12))]
    torch.testing.assert_close(torch.cat(parts, dim=1), model(x), atol=1e-5, rtol=1e-4)
    with pytest.raises(IndexError, match="13 positions in a cache of 12"):
        model(x[:, :1], cache=cache)


@pytest.mark.parametrize("kind", [kind for kind, words in KINDS.items() if words.get("causal")])
def test_prompts_of_several_lengths_are_continued_in_one_batch(kind):
    model = drawn(Transformer(config(**KINDS[kind])))
    x, padded = ids(), torch.tensor([0, 4, 2])
    cache = KeyValueCache(2, 12)
    with torch.no_grad():
        found = torch.cat(
            [model(x[:, :8], padded_left=padded, cache=cache), model(x[:, 8:], padded_left=padded, cache=cache)], dim=1
        )
    for row, start in enumerate(padded.tolist()):
        expected = model(x[row : row + 1, start:])[0]
        torch.testing.assert_close(found[row, start:], expected, atol=1e-5, rtol=1e-4)


def test_a_cache_goes_on_with_other_rows():
    model = drawn(Transformer(config(**KINDS["llama"])))
    x, cache, rows = ids(), KeyValueCache(2, 12), torch.tensor([2, 0, 2])
    with torch.no_grad():
        model(x[:, :6], cache=cache)
        cache.take(rows)
        found = model(x[:, 6:], cache=cache)
    expected = model(torch.cat([x[rows, :6], x[:, 6:]], dim=1))[:, 6:]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("causal", [True, False])
def test_both_ways_of_attention_agree(causal):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 10, 8, dtype=torch.bfloat16) for _ in range(3))
    mask = (torch.arange(10) < torch.tensor([10, 6])[:, None])[:, None, None]
    expected = attend(q.float(), k.float(), v.float(), mask, causal)
    explicit = attend(q.clone().requires_grad_(), k, v, mask, causal)
    assert explicit.requires_grad
    torch.testing.assert_close(explicit.float(), expected, atol=3e-2, rtol=3e-2)


def test_answers_in_bfloat16_of_many_queries_are_taken_in_parts():
    torch.manual_seed(1)
    q, k, v = (torch.randn(1, 2, 1100, 8) for _ in range(3))
    found = attend(q.bfloat16(), k.bfloat16(), v.bfloat16())
    torch.testing.assert_close(found.float(), attend(q, k, v), atol=3e-2, rtol=3e-2)


def test_rotary_products_depend_on_the_distance_alone():
    rotary = Rotary(8)
    q, k = torch.randn(8), torch.randn(8)

    def product(at, other):
        angles = rotary.angles(torch.tensor([at, other]))
        turned = Rotary.turn(torch.stack([q, k])[None, None], *angles)[0, 0]
        return float(turned[0] @ turned[1])

    assert product(3, 10) == pytest.approx(product(20, 27), abs=1e-4)
    assert product(3, 10) != pytest.approx(product(3, 11), abs=1e-3)
    assert product(5, 5) == pytest.approx(float(q @ k), abs=1e-5)


def test_sinusoids_are_those_of_the_paper():
    table = sinusoids(torch.arange(7), 6)
    assert table[4, 2].item() == pytest.approx(math.sin(4 / 10_000 ** (2 / 6)), abs=1e-6)
    assert table[4, 5].item() == pytest.approx(math.cos(4 / 10_000 ** (4 / 6)), abs=1e-6)


def test_a_language_model_begins_by_knowing_nothing():
    model = LanguageModel(config(causal=True))
    assert model(ids()).log_softmax(-1).allclose(torch.tensor(-math.log(50.0)), atol=1e-5)
    tied = LanguageModel(config(), tied=True)
    assert tied.output.weight is tied.transformer.embeddings.tokens.weight


def test_more_tokens_than_positions_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="25 tokens, and the model has positions for 24"):
        Transformer(config(positions="learned"))(ids(1, 25))
    with pytest.raises(UsageError, match="does not divide into 5 heads"):
        config(heads=5)
    with pytest.raises(UsageError, match="4 heads cannot share 3"):
        config(key_value_heads=3)
    with pytest.raises(UsageError, match="positions=rotery"):
        config(positions="rotery")


def test_dropout_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    layer = Dropout(0.15)
    x = torch.ones(1001, 999)
    found = layer(x)
    assert (found == 0).float().mean().item() == pytest.approx(38 / 256, abs=2e-3)
    assert found.mean().item() == pytest.approx(1, abs=2e-3)
    assert layer.eval()(x) is x
