"""Networks that read one text and write another: against torch's own, against leaks, and step by step."""

import math

import pytest
import torch
from torch import nn

from sounding.architectures.attention import Attention
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import TransformerConfig
from sounding.errors import UsageError

SHAPE = {"vocabulary": 40, "width": 32, "layers": 2, "heads": 4, "feed_forward": 48, "activation": "relu"}


def model(seed=0, config=None, **words):
    """A net whose weights are nowhere zero, so that every part of it matters."""
    shape = {**SHAPE, "positions": "sinusoidal", "embedding_scale": 32**0.5, **(config or {})}
    net = EncoderDecoder(TransformerConfig(**shape), TransformerConfig(**shape, causal=True, memory=True), **words)
    torch.manual_seed(seed)
    for p in net.parameters():
        nn.init.normal_(p, std=0.25)
    return net.eval()


def texts():
    found = torch.randint(1, 40, (3, 17), generator=torch.Generator().manual_seed(1))
    return found[:, :9], found[:, 9:], torch.tensor([9, 5, 2])


def copy_attention(ours: Attention, theirs: nn.MultiheadAttention) -> None:
    with torch.no_grad():
        for name in ("weight", "bias"):
            parts = [getattr(layer, name) for layer in (ours.query, ours.key, ours.value)]
            getattr(theirs, f"in_proj_{name}").copy_(torch.cat(parts))
    theirs.out_proj = ours.output


@torch.no_grad()
def test_it_computes_what_the_transformer_of_torch_computes():
    net = model(config={"positions": "none"})
    theirs = nn.Transformer(32, 4, 2, 2, 48, 0.0, "relu", batch_first=True, norm_first=True).eval()
    trunk = net.decoder.transformer
    for ours, copy in zip((*net.encoder.blocks, *trunk.blocks), (*theirs.encoder.layers, *theirs.decoder.layers)):
        copy_attention(ours.attention, copy.self_attn)
        copy.norm1 = ours.attention_norm
        if ours.memory_attention is not None:
            copy_attention(ours.memory_attention, copy.multihead_attn)
            copy.norm2, copy.norm3 = ours.memory_norm, ours.feed_forward_norm
        else:
            copy.norm2 = ours.feed_forward_norm
        copy.linear1, copy.linear2 = ours.feed_forward.up, ours.feed_forward.down
    theirs.encoder.norm, theirs.decoder.norm = net.encoder.norm, trunk.norm
    source, target, lengths = texts()
    padding = torch.arange(9) >= lengths[:, None]
    words = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding, "tgt_is_causal": True}
    embedded = [net.encoder.embeddings.tokens(ids) * 32**0.5 for ids in (source, target)]
    mask = nn.Transformer.generate_square_subsequent_mask(8)
    expected = theirs(*embedded, tgt_mask=mask, **words) @ net.decoder.output.weight.T
    torch.testing.assert_close(net(source, target, lengths), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("copying", [False, True])
@torch.no_grad()
def test_no_place_sees_what_comes_after_it_nor_padding_nor_other_rows(copying):
    net = model(copying=copying)
    source, target, lengths = texts()
    expected = net(source, target, lengths)
    later = target.clone()
    later[:, 5:] = (later[:, 5:] + 7) % 40
    found = net(source, later, lengths)
    torch.testing.assert_close(found[:, :5], expected[:, :5], atol=1e-5, rtol=1e-5)
    assert (found[:, 5:] - expected[:, 5:]).abs().max() > 0.1
    padded = source.clone()
    padded[torch.arange(9) >= lengths[:, None]] = 3
    torch.testing.assert_close(net(padded, target, lengths), expected, atol=1e-5, rtol=1e-5)
    alone = net(source[1:2, :5], target[1:2], lengths[1:2])
    torch.testing.assert_close(alone, expected[1:2], atol=1e-5, rtol=1e-5)
    changed = source.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 40
    assert ((net(changed, target, lengths) - expected).abs().amax(dim=2) > 1e-4).all()  # all places see the source


def test_embeddings_are_shared_as_asked():
    net = model()
    assert net.encoder.embeddings.tokens.weight is net.decoder.transformer.embeddings.tokens.weight
    assert net.decoder.output.weight is net.encoder.embeddings.tokens.weight
    apart = EncoderDecoder(
        TransformerConfig(**SHAPE),
        TransformerConfig(**{**SHAPE, "vocabulary": 50}, causal=True, memory=True),
        shared=False,
        tied=False,
    )
    assert apart(torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 4, dtype=torch.int64)).shape == (2, 4, 50)


@torch.no_grad()
def test_what_is_told_of_the_target_alone_is_what_is_told_of_all_tokens():
    net = model(copying=True)
    source, target, lengths = texts()
    vectors, remembered = net.vectors(source, target[:, :-1], lengths)
    asked = torch.cat([source[:, :4], target[:, 5:]], dim=1)[:, :7]  # some can be copied
    told = net.pointer.told(vectors, net.decoder.scores(vectors), remembered, asked)
    torch.testing.assert_close(told, net.scores(vectors, remembered).gather(2, asked[:, :, None])[:, :, 0])


@torch.no_grad()
def test_what_may_be_copied_is_a_mixture_of_two_distributions():
    net = model(copying=True)
    source, target, lengths = texts()
    told = net(source, target, lengths).exp()
    torch.testing.assert_close(told.sum(dim=2), torch.ones(3, 8))
    remembered = net.remember(source, lengths)
    vectors = net.decoder.transformer(target, memory=remembered.memory)
    weights = net.pointer.weights(vectors, remembered)
    assert (weights[1, :, 5:] == 0).all()
    written = net.decoder.scores(vectors).softmax(dim=2)
    copied = torch.zeros(3, 8, 40)
    for row, place, at in [(r, p, s) for r in range(3) for p in range(8) for s in range(int(lengths[r]))]:
        copied[row, place, source[row, at]] += weights[row, place, at]
    context = torch.einsum("bts,bsd->btd", weights, remembered.encoded)
    share = net.pointer.gate(torch.cat([vectors, context], dim=2)).sigmoid()
    torch.testing.assert_close(told, share * written + (1 - share) * copied, atol=1e-5, rtol=1e-4)
    net.pointer.gate.bias.fill_(-1e4)  # everything is copied: nothing that is not in the source
    told = net(source[1:2], target[1:2], lengths[1:2]).exp()
    assert told[0, :, source[1, :5]].amax(dim=1).min() > 1e-3
    assert told.sum(dim=2).sub(told[:, :, source[1, :5].unique()].sum(dim=2)).max() < 1e-6


@torch.no_grad()
def test_the_alignment_is_the_attention_that_the_net_pays():
    net = model()
    source, target, lengths = texts()
    found = net.alignment(source, target, lengths)
    assert found.shape == (3, 8, 9)
    torch.testing.assert_close(found.sum(dim=2), torch.ones(3, 8))
    assert (found[2, :, 2:] == 0).all()
    blank = model()
    attention = blank.decoder.transformer.blocks[1].memory_attention
    for part in (attention.query.weight, attention.query.bias):
        part.zero_()  # who asks for nothing looks everywhere alike
    torch.testing.assert_close(blank.alignment(source, target, lengths)[1, :, :5], torch.full((8, 5), 0.2))
    assert not math.isclose(float(found[1, 0, 0]), 0.2, abs_tol=1e-3)


def test_what_does_not_go_together_is_refused():
    ours, other = TransformerConfig(**SHAPE), TransformerConfig(**{**SHAPE, "width": 16}, causal=True, memory=True)
    with pytest.raises(UsageError, match="causal"):
        EncoderDecoder(ours, ours)
    with pytest.raises(UsageError, match="width 32"):
        EncoderDecoder(ours, other)
    larger = TransformerConfig(**{**SHAPE, "vocabulary": 41}, causal=True, memory=True)
    with pytest.raises(UsageError, match="cannot be shared"):
        EncoderDecoder(ours, larger)
    EncoderDecoder(ours, larger, shared=False)
