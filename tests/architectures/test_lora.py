"""Low-rank adaptation: what is learnt, what is at rest, and that merging changes nothing but the speed."""

import pytest
import torch
from torch import nn

from sounding.architectures.lora import LowRank, merge, tune
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.errors import UsageError


def net():
    torch.manual_seed(0)
    model = LanguageModel(TransformerConfig(vocabulary=20, width=16, layers=2, heads=2, causal=True))
    for p in model.parameters():
        nn.init.normal_(p, std=0.3)
    return model


IDS = torch.randint(0, 20, (4, 7), generator=torch.Generator().manual_seed(0))


def learnt(model, steps=60):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(IDS[:, :-1]).mT, IDS[:, 1:])
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return losses


def test_it_begins_as_the_net_that_it_was_and_learns_with_few_weights():
    model = net()
    before, whole = model(IDS), sum(p.numel() for p in model.parameters())
    tune(model.transformer, "lora", rank=2)
    torch.testing.assert_close(model(IDS), before)
    new = sum(p.numel() for name, p in model.named_parameters() if p.requires_grad and name.startswith("transformer"))
    layers = [module for module in model.modules() if isinstance(module, LowRank)]
    assert len(layers) == 2 * 6
    assert new == sum(2 * (layer.in_features + layer.out_features) for layer in layers) < whole / 4
    rest = {name: p.clone() for name, p in model.named_parameters() if not p.requires_grad}
    losses = learnt(model)
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(p, rest[name]) for name, p in model.named_parameters() if name in rest)


def test_merged_it_is_the_same_function_in_the_weights_of_the_plain_net():
    model = net()
    tune(model.transformer, "lora", rank=2)
    learnt(model)
    expected = model(IDS)
    assert merge(model)
    torch.testing.assert_close(model(IDS), expected, atol=1e-5, rtol=1e-4)
    plain = net()
    plain.load_state_dict(model.state_dict(), strict=False)
    torch.testing.assert_close(plain(IDS), expected, atol=1e-5, rtol=1e-4)
    assert not merge(plain)


def test_frozen_nothing_of_the_trunk_is_learnt():
    model = net()
    tune(model.transformer, "frozen")
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {"output.weight"}
    tune(model, "full")
    with pytest.raises(UsageError, match=r"tune=loar is not known.*lora"):
        tune(model, "loar")
