"""A recurrent network that reads one text and writes another: against its equations, and against leaks."""

import math

import pytest
import torch
from torch import nn

from sounding.architectures.recurrent_encoder_decoder import RecurrentConfig, RecurrentEncoderDecoder
from sounding.errors import UsageError
from sounding.machine.metering.flops import count

V, D = 40, 16
LENGTHS = torch.tensor([9, 5, 2])


def model(layers=2, **words):
    """A net whose weights are nowhere zero, so that every part of it matters."""
    net = RecurrentEncoderDecoder(RecurrentConfig(V, V, D, layers, **words))
    torch.manual_seed(0)
    for p in net.parameters():
        nn.init.normal_(p, std=0.3)
    return net.eval()


def texts():
    found = torch.randint(1, V, (3, 17), generator=torch.Generator().manual_seed(1))
    return found[:, :9], found[:, 9:]


def stepped(cell, x, state):
    """One step of an LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000) for one row."""
    hidden, memory = state
    gates = cell.weight_ih_l0 @ x + cell.bias_ih_l0 + cell.weight_hh_l0 @ hidden + cell.bias_hh_l0
    write, keep, new, show = gates.chunk(4)
    memory = keep.sigmoid() * memory + write.sigmoid() * new.tanh()
    return show.sigmoid() * memory.tanh(), memory


@pytest.mark.parametrize("layers", [1, 2])
@torch.no_grad()
def test_it_computes_what_its_equations_say_token_by_token(layers):
    net = model(layers)
    source, target = texts()
    found, looked = net(source, target, LENGTHS), net.alignment(source, target, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        annotations = [math.sqrt(D) * net.reading.weight[id] for id in source[row, :length]]
        for ahead, back in zip(net.encoder.ahead, net.encoder.back, strict=True):
            ways = []
            for cell, order in ((ahead, annotations), (back, annotations[::-1])):
                state, states = (torch.zeros(D // 2), torch.zeros(D // 2)), []
                for x in order:
                    state = stepped(cell, x, state)
                    states.append(state[0])
                ways.append(states)
            annotations = [torch.cat(pair) for pair in zip(ways[0], ways[1][::-1], strict=True)]
        began = (net.bridge.weight @ annotations[0][D // 2 :] + net.bridge.bias).view(2, layers, D)
        states = [(began[0, layer].tanh(), began[1, layer]) for layer in range(layers)]
        a = net.attention
        for place, id in enumerate(target[row]):
            states[0] = stepped(net.lowest, math.sqrt(D) * net.writing.weight[id], states[0])
            h = states[0][0]
            scores = torch.stack([(a.query.weight @ h) @ (a.key.weight @ one) for one in annotations]) / math.sqrt(D)
            shares = scores.exp() / scores.exp().sum()
            torch.testing.assert_close(looked[row, place, :length], shares, atol=1e-5, rtol=1e-4)
            mean = sum(share * one for share, one in zip(shares, annotations, strict=True))
            context = a.output.weight @ (a.value.weight @ mean)
            for layer, cell in enumerate(net.above, 1):
                states[layer] = stepped(cell, torch.cat([h, context]), states[layer])
                h = states[layer][0]
            vector = torch.tanh(net.combine.weight @ torch.cat([h, context]) + net.combine.bias)
            torch.testing.assert_close(found[row, place], net.writing.weight @ vector, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("words", [{}, {"copying": True}, {"heads": 4}], ids=["written", "copied", "heads"])
@torch.no_grad()
def test_no_place_sees_what_comes_after_it_nor_padding_nor_other_rows(words):
    net = model(**words)
    source, target = texts()
    expected = net(source, target, LENGTHS)
    later = target.clone()
    later[:, 5:] = (later[:, 5:] + 7) % V
    found = net(source, later, LENGTHS)
    torch.testing.assert_close(found[:, :5], expected[:, :5], atol=1e-5, rtol=1e-5)
    assert (found[:, 5:] - expected[:, 5:]).abs().max() > 0.1
    padded = source.clone()
    padded[torch.arange(9) >= LENGTHS[:, None]] = 3
    torch.testing.assert_close(net(padded, target, LENGTHS), expected, atol=1e-5, rtol=1e-5)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = net(source[row : row + 1, :length], target[row : row + 1])
        torch.testing.assert_close(alone, expected[row : row + 1], atol=1e-5, rtol=1e-5)
    looked = net.alignment(source, target, LENGTHS)
    assert not looked[2, :, 2:].any()
    torch.testing.assert_close(looked.sum(dim=2), torch.ones(3, 8))
    changed = source.clone()
    changed[:, 0] = (changed[:, 0] + 1) % V
    assert ((net(changed, target, LENGTHS) - expected).abs().amax(dim=2) > 1e-4).all()  # all places see the source


def test_embeddings_are_shared_as_asked():
    net = model()
    assert net.source_tokens.weight is net.writing.weight is net.output.weight
    apart = RecurrentEncoderDecoder(RecurrentConfig(V, 50, D, shared=False))
    assert apart.source_tokens.weight is not apart.writing.weight
    assert apart(torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 4, dtype=torch.int64)).shape == (2, 4, 50)


def test_forget_gates_start_open():
    net = RecurrentEncoderDecoder(RecurrentConfig(V, V, D))
    for cell in (net.lowest, *net.above, *net.encoder.ahead, *net.encoder.back):
        forget = cell.bias_hh_l0[cell.hidden_size : 2 * cell.hidden_size]
        torch.testing.assert_close(forget, torch.ones_like(forget))


@pytest.mark.parametrize("context", [torch.enable_grad, torch.inference_mode])
def test_its_operations_are_those_of_its_equations(context):
    net, (source, target) = model(), texts()
    B, S, T = 3, 9, 8

    def lstm(inputs, units, steps):
        return 4 * units * (inputs + units) * steps * B

    reading = 2 * 2 * lstm(D, D // 2, S) + 2 * S * B * D * D  # two layers of two ways; keys and values
    beginning = B * (D // 2) * (2 * 2 * D)
    attending = T * B * 2 * D * D + 2 * T * S * B * D  # query and output; scores and their mean
    writing = lstm(D, D, T) + lstm(2 * D, D, T) + T * B * 2 * D * D + T * B * D * V
    with context():
        found = count(lambda: net(source, target, LENGTHS))
    assert found == 2 * (reading + beginning + attending + writing)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"width": 15}, "a width of 15 does not divide"),
        ({"heads": 3}, "3 heads"),
        ({"layers": 0}, "layers=0 is out of its range"),
        ({"target": 41}, "40 and 41 tokens cannot be shared"),
        ({"target": 41, "shared": False, "copying": True}, "cannot be shared"),
    ],
)
def test_what_does_not_go_together_is_refused(words, told):
    with pytest.raises(UsageError, match=told):
        RecurrentConfig(**{"source": V, "target": V, "width": D, **words})
