"""Nets that read one text and write another, as decoders: against their general forward pass, and as beams."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.lora import tune
from sounding.architectures.recurrent_encoder_decoder import RecurrentConfig, RecurrentEncoderDecoder
from sounding.architectures.transformer import TransformerConfig
from sounding.decoding.beam import Beams, BeamSearch
from sounding.decoding.generation import Generation
from sounding.decoding.sampling import Sampler, Sampling
from sounding.decoding.single_step import single_step
from sounding.decoding.source_decoder import source_decoder

START, END = 3, 4
SINES = {"positions": "sinusoidal", "embedding_scale": 4.0}
BART = {"positions": "learned", "position_offset": 2, "norm_first": False, "embedding_norm": True, "activation": "gelu"}
RECURRENT = {"recurrent": True}
SHARED = {"key_value_heads": 2, "normalised_queries": True, "bias": False}
SOURCES = torch.randint(5, 30, (4, 8), generator=torch.Generator().manual_seed(3))
LENGTHS = torch.tensor([8, 3, 5, 1])
BOTH = pytest.mark.parametrize("words", [SINES, RECURRENT], ids=["transformer", "recurrent"])


def model(words=SINES, **more):
    torch.manual_seed(0)
    if words is RECURRENT:
        net = RecurrentEncoderDecoder(RecurrentConfig(30, 30, 16, **more))
    else:
        shape = {"vocabulary": 30, "width": 16, "layers": 2, "heads": 4, "context": 32, **words}
        net = EncoderDecoder(TransformerConfig(**shape), TransformerConfig(**shape, causal=True, memory=True), **more)
    for p in net.parameters():
        nn.init.normal_(p, std=0.5)
    return net.eval()


@pytest.mark.parametrize("way", ["in one step", "in one narrow step", "the general way"])
@pytest.mark.parametrize("copying", [False, True], ids=["written", "copied"])
@pytest.mark.parametrize("words", [SINES, BART, SHARED, RECURRENT], ids=["sines", "bart", "shared", "recurrent"])
@torch.no_grad()
def test_step_by_step_as_all_at_once_whatever_rows_go_on(words, copying, way):
    net, narrow = model(words, copying=copying), way == "in one narrow step"
    if way == "the general way" and words is not RECURRENT:
        tune(net.decoder.transformer, "lora", 2)  # which has no step of its own
    net.eval()
    target = torch.randint(5, 30, (4, 9), generator=torch.Generator().manual_seed(4))
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        if words is not RECURRENT:
            assert (single_step(net.decoder) is None) == (way == "the general way")
        decoder = source_decoder(net, SOURCES, LENGTHS, 12)
        whose = torch.arange(4)
        logits = decoder.start([row[:2].tolist() for row in target])
        texts = target[:, :2]
        for place, rows in enumerate(
            ([0, 1, 2, 3], [0, 0, 1, 1, 2, 2, 3, 3], [1, 0, 3, 2, 4, 4, 7, 6], [4, 5, 6, 7], [3, 0, 1], [0, 0, 2])
        ):
            expected = net(SOURCES[whose], texts, LENGTHS[whose])[:, -1]
            tolerance = 0.5 if narrow else 5e-4
            np.testing.assert_allclose(logits, expected.float(), atol=tolerance, rtol=tolerance)
            decoder.take(np.array(rows))
            rows = torch.tensor(rows)
            whose, texts = whose[rows], torch.cat([texts[rows], target[whose[rows], place + 2 : place + 3]], dim=1)
            logits = decoder.step(texts[:, -1].numpy())


@BOTH
@torch.no_grad()
def test_beams_of_many_texts_are_those_of_each_alone_and_prefixes_are_kept(words):
    net = model(words)
    prompts = [[START], [START, 7, 8], [START, 9], [START]]

    def found(rows, beams):
        decoder = source_decoder(net, SOURCES[rows], LENGTHS[rows], 15)
        return BeamSearch(decoder, [prompts[row] for row in rows], Beams(beams), 10, (END,)).run()

    together = found([0, 1, 2, 3], 4)
    for row in range(4):
        alone = found([row], 4)[0]
        assert alone[0].ids == together[row][0].ids
        assert alone[0].log_probability == pytest.approx(together[row][0].log_probability, abs=1e-3)
        text = torch.tensor([[*prompts[row], *alone[0].ids, *([END] if alone[0].ended else [])]])
        told = net(SOURCES[row : row + 1], text[:, :-1], LENGTHS[row : row + 1]).log_softmax(dim=2)
        begun = len(prompts[row]) - 1
        nats = told.gather(2, text[:, 1:, None])[0, begun:, 0].sum()
        assert alone[0].log_probability == pytest.approx(float(nats), abs=1e-3)
    assert all(a[0].score >= b[0].score - 1e-4 for a, b in zip(together, found([0, 1, 2, 3], 1), strict=True))


@BOTH
@torch.no_grad()
def test_greedy_by_both_ways_of_writing(words):
    net, prompts = model(words), [[START]] * 4
    decoder = source_decoder(net, SOURCES, LENGTHS, 12)
    texts = [[] for _ in prompts]
    for step in Generation(decoder, prompts, Sampler(Sampling(temperature=0), range(4), prompts), 10, (END,)):
        for token in step:
            texts[token.row].append(token.id)
    beams = BeamSearch(source_decoder(net, SOURCES, LENGTHS, 12), prompts, Beams(1), 10, (END,)).run()
    assert [list(one[0].ids) for one in beams] == [[id for id in text if id != END] for text in texts]


@pytest.mark.parametrize("copying", [False, True], ids=["written", "copied"])
@torch.no_grad()
def test_beams_of_a_recurrent_net_find_what_trying_all_texts_finds(copying):
    torch.manual_seed(2)
    net = RecurrentEncoderDecoder(RecurrentConfig(5, 5, 8, copying=copying)).eval()
    for p in net.parameters():
        nn.init.normal_(p)
    source, end, limit = torch.tensor([[1, 3, 2]]), 4, 4
    texts = [
        text
        for length in range(1, limit + 1)
        for text in itertools.product(range(5), repeat=length)
        if end not in text[:-1] and (length == limit or text[-1] == end)
    ]
    padded = torch.tensor([[*text, *[0] * (limit - len(text))] for text in texts])
    before = torch.cat([torch.full((len(texts), 1), START), padded[:, :-1]], dim=1)
    told = net(source.expand(len(texts), -1), before).log_softmax(dim=2).gather(2, padded[:, :, None])[:, :, 0]
    sums = [float(row[: len(text)].sum()) for row, text in zip(told, texts, strict=True)]
    expected = sorted(zip(sums, texts, strict=True), reverse=True)[:10]
    search = BeamSearch(source_decoder(net, source, None, limit), [[START]], Beams(5**4, 0.0, "certain"), limit, (end,))
    found = search.run()[0][:10]
    assert [(*one.ids, *[end] * one.ended) for one in found] == [text for _, text in expected]
    assert [one.log_probability for one in found] == pytest.approx([value for value, _ in expected], abs=1e-4)
