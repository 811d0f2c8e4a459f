"""The numbers of an inspection against torch's own, and that it leaves everything as it was."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from sick import Sequence, dead, net, pictures
from torch import Tensor, nn
from torch.nn import functional

from sounding.architectures.mlp import MLP
from sounding.errors import DataError, UsageError
from sounding.inspection import ROWS, inspect, picture, sample, save, table
from sounding.machine.setting import Setting


def layer(inspection, name):
    return next(layer for layer in inspection.layers if layer.name == name)


def small(act: str = "relu"):
    return lambda: MLP(4, 2, [16, 8], act=act)


# ---- the numbers


def test_activations_and_gradients_are_those_of_autograd():
    task, model, rows = net(small())
    seen = inspect(task, model, rows)
    x, targets = task.input.encode([r.input for r in rows]), [r.target for r in rows]
    outputs = [x]
    for module in [*model.body, model.head]:
        outputs.append(module(outputs[-1]))
    loss = functional.cross_entropy(outputs[-1], task.target.encode(targets))
    gradients = torch.autograd.grad(loss, outputs[1:])
    assert seen.loss == pytest.approx(loss.item(), rel=1e-5)
    assert [each.name for each in seen.layers] == ["body.0", "body.1", "body.2", "body.3", "head"]
    for each, y, g in zip(seen.layers, outputs[1:], gradients, strict=True):
        assert each.shape == tuple(y.shape)
        assert each.mean == pytest.approx(y.mean().item(), abs=1e-5)
        assert each.std == pytest.approx(y.std(correction=0).item(), rel=1e-4)
        assert each.zeros == pytest.approx((y == 0).float().mean().item())
        assert each.gradient == pytest.approx(len(rows) * g.square().mean().sqrt().item(), rel=1e-4)
        assert each.gradient_norm == pytest.approx((len(rows) * g).norm(dim=1).square().mean().sqrt().item(), rel=1e-4)


def test_weights_and_their_gradients():
    task, model, rows = net(small())
    seen = inspect(task, model, rows)
    task.loss(
        model, task.input.encode([r.input for r in rows]), task.encode_targets([r.target for r in rows])
    ).mean().backward()
    for name in ("body.0", "body.2", "head"):
        weight = model.get_submodule(name).weight
        assert layer(seen, name).weight == pytest.approx(weight.square().mean().sqrt().item(), rel=1e-5)
        assert layer(seen, name).weight_gradient == pytest.approx(weight.grad.square().mean().sqrt().item(), rel=1e-4)
        assert layer(seen, name).parameters == weight.numel() + len(weight)
    assert layer(seen, "body.1").weight is None
    assert layer(seen, "body.1").update is None


def test_the_step_of_adamw_is_what_its_formula_says():
    """From no memory, AdamW moves each weight by lr·g/(|g| + eps), and by lr·decay of itself (arXiv 1711.05101)."""
    task, model, rows = net(small("tanh"), clip=0.0, weight_decay=0.1)
    seen = inspect(task, model, rows, rate=0.01)
    task.loss(
        model, task.input.encode([r.input for r in rows]), task.encode_targets([r.target for r in rows])
    ).mean().backward()
    weight = model.head.weight
    step = 0.01 * (weight.grad / (weight.grad.abs() + 1e-8) + 0.1 * weight)
    assert layer(seen, "head").update == pytest.approx((step.norm() / weight.norm()).item(), rel=1e-3)


def test_the_step_of_sgd_is_that_of_the_recipe_with_its_clipping():
    task, model, rows = net(small(), optimizer="sgd", lr=0.5, clip=0.01, weight_decay=0.0)
    seen = inspect(task, model, rows)
    task.loss(
        model, task.input.encode([r.input for r in rows]), task.encode_targets([r.target for r in rows])
    ).mean().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    weight = model.body[0].weight
    assert layer(seen, "body.0").update == pytest.approx(
        (0.5 * 1.9 * weight.grad.norm() / weight.norm()).item(), rel=1e-3
    )


def test_dead_units_are_counted_one_by_one():
    def some_dead():
        made = small()()
        made.body[0].bias.data[:5] = -20.0  # these never fire
        made.body[2].weight.data[3] = 0.0
        made.body[2].bias.data[3] = 2.0  # constant, but its weights get a gradient: it only waits
        return made

    seen = inspect(*net(some_dead))
    assert layer(seen, "body.1").units == 16
    fired = layer(seen, "body.1").dead
    clean = layer(inspect(*net(small())), "body.1").dead
    assert 5 <= fired <= 5 + clean
    assert layer(seen, "body.0").dead == 0  # its activation is what is dead
    assert layer(seen, "body.2").dead == 0


def test_dead_units_behind_a_relu_that_is_called_as_a_function():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.head = nn.Linear(4, 10), nn.Linear(10, 2)
            nn.init.constant_(self.first.bias[:4].data, -20.0)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.first(x).relu())

    seen = inspect(*net(Functional))
    assert layer(seen, "first").dead == 4
    assert layer(seen, "head").dead == 0


@pytest.mark.parametrize(("kind", "ends"), [(nn.Sigmoid, (0, 1)), (nn.Tanh, (-1, 1)), (nn.Hardtanh, (-1, 1))])
def test_saturation_is_the_share_near_an_end(kind, ends):
    def wide():
        return nn.Sequential(nn.Linear(4, 50), kind(), nn.Linear(50, 2))

    task, model, rows = net(wide)
    model[0].weight.data *= 10
    y = model[1](model[0](task.input.encode([r.input for r in rows])))
    margin = 0.01 * (ends[1] - ends[0])
    expected = ((y < ends[0] + margin) | (y > ends[1] - margin)).float().mean().item()
    assert 0.1 < expected < 0.95
    assert layer(inspect(task, model, rows), "1").saturated == pytest.approx(expected)
    assert layer(inspect(task, model, rows), "0").saturated is None


# ---- kinds of layers


def test_recurrent_layers_give_tuples():
    for kind, width in ((nn.LSTM, 16), (nn.GRU, 16), (nn.RNN, 16)):
        seen = inspect(*net(lambda kind=kind: Sequence(kind)))
        assert [each.name for each in seen.layers] == ["memory", "head"]
        assert layer(seen, "memory").shape == (96, 4, width)
        assert layer(seen, "memory").units == width
        assert layer(seen, "memory").gradient > 0
        assert seen.verdict == "healthy"


def test_packed_sequences_and_dictionaries():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.memory, self.named, self.head = nn.GRU(1, 8, batch_first=True), Named(), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x[:, :, None], torch.full((len(x),), 4), batch_first=True)
            states, _ = nn.utils.rnn.pad_packed_sequence(self.memory(packed)[0], batch_first=True)
            return self.head(self.named(states[:, -1])["states"])

    class Named(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"states": 2 * x}

    seen = inspect(*net(Packed))
    assert layer(seen, "memory").shape == (4 * 96, 8)
    assert layer(seen, "named").std > 0


def test_a_module_called_twice_is_one_layer_with_the_gradients_of_both_calls():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared, self.act, self.head = nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.act(self.shared(self.act(self.shared(x)))))

    task, model, rows = net(Twice)
    seen = inspect(task, model, rows)
    assert [each.name for each in seen.layers] == ["shared", "act", "head"]
    x = task.input.encode([r.input for r in rows])
    first = model.shared(x)
    second = model.shared(model.act(first))
    loss = functional.cross_entropy(model.head(model.act(second)), task.target.encode([r.target for r in rows]))
    both = torch.cat(torch.autograd.grad(loss, [first, second]))
    assert layer(seen, "shared").gradient == pytest.approx(96 * both.square().mean().sqrt().item(), rel=1e-4)
    assert layer(seen, "shared").std == pytest.approx(torch.cat([first, second]).std(correction=0).item(), rel=1e-4)


def test_activations_in_place_change_no_number():
    def made(inplace):
        return lambda: nn.Sequential(
            nn.Linear(4, 12), nn.ReLU(inplace), nn.Linear(12, 12), nn.ReLU(inplace), nn.Linear(12, 2)
        )

    apart, over = inspect(*net(made(False))), inspect(*net(made(True)))
    assert apart.to_json() == over.to_json()


def test_attention_lists_the_weights_it_uses_without_a_call():
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(1, 8)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
            self.head = nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.block(self.first(x[:, :, None])).mean(1))

    task, model, rows = net(Attending)
    seen = inspect(task, model, rows)
    names = [each.name for each in seen.layers]
    assert names.index("block.self_attn.out_proj") == names.index("block.self_attn") + 1
    out = layer(seen, "block.self_attn.out_proj")
    assert out.mean is None
    assert out.weight_gradient > 0
    assert out.update > 0
    assert sum(each.parameters for each in seen.layers) == sum(p.numel() for p in model.parameters())
    assert seen.verdict == "healthy"
    assert len(table(seen)) > len(names)


def test_weight_norm_counts_its_own_parameters():
    def made():
        return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2))

    task, model, rows = net(made)
    seen = inspect(task, model, rows)
    assert [each.name for each in seen.layers] == ["0", "1", "2"]
    assert layer(seen, "0").parameters == 4 * 8 + 8 + 8
    assert layer(seen, "0").update > 0


def test_channels_are_the_units_of_maps():
    task, model, rows = pictures(network="fast")
    seen = inspect(task, model, rows)
    convolutions = [each for each in seen.layers if each.kind == "Conv2d"]
    assert convolutions
    assert all(each.units == each.shape[1] for each in seen.layers if len(each.shape) == 4)
    task, model, rows = pictures(network="mlp")
    assert all(each.units == each.shape[1] for each in inspect(task, model, rows).layers)


def test_frozen_layers_have_no_gradient_and_a_loaded_model_has_one_everywhere():
    task, model, rows = net(small())
    model.body[0].requires_grad_(False)
    seen = inspect(task, model, rows)
    assert layer(seen, "body.0").gradient is None
    assert layer(seen, "body.0").weight_gradient is None
    assert layer(seen, "body.0").update == 0 or layer(seen, "body.0").update is None
    assert layer(seen, "body.2").gradient > 0
    assert seen.verdict == "healthy"
    model.requires_grad_(False)
    assert layer(inspect(task, model, rows), "body.0").gradient > 0
    assert not any(p.requires_grad for p in model.parameters())


def test_a_layer_that_is_not_used_is_named():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    seen = inspect(*net(Idle))
    assert seen.unused == ("idle",)
    assert any("idle" in line for line in table(seen))


def test_a_net_of_one_layer_and_one_row():
    task, model, rows = net(lambda: nn.Linear(4, 2))
    seen = inspect(task, model, rows[:1])
    assert seen.rows == 1
    assert [each.kind for each in seen.layers] == ["Linear"]
    json.dumps(seen.to_json(), allow_nan=False)
    assert "<svg" in picture(seen)
    with pytest.raises(DataError, match="no rows"):
        inspect(task, model, [])


# ---- nothing changes


@pytest.mark.parametrize(
    "made", [net(small()), pictures(network="resnet"), net(Sequence)], ids=["mlp", "resnet", "lstm"]
)
def test_the_model_and_the_random_numbers_stay_as_they_were(made):
    task, model, rows = made
    model.eval()
    next(iter(model.children())).train()
    task.loss(
        model, task.input.encode([r.input for r in rows[:4]]), task.encode_targets([r.target for r in rows[:4]])
    ).sum().backward()
    before = copy.deepcopy({name: (t, t.grad) for name, t in model.named_parameters()})
    buffers = copy.deepcopy(dict(model.named_buffers()))
    modes = [module.training for module in model.modules()]
    random = torch.get_rng_state()
    inspect(task, model, rows, seed=3)
    assert torch.equal(random, torch.get_rng_state())
    assert modes == [module.training for module in model.modules()]
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name][0])
        assert torch.equal(p.grad, before[name][1])
    assert all(torch.equal(buffers[name], b) for name, b in model.named_buffers())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_dropout_is_drawn_from_the_seed_and_works_without_gradients_switched_on():
    def dropping():
        return MLP(4, 2, [32], dropout=0.5)

    task, model, rows = net(dropping)
    with torch.inference_mode():
        one, same, other = (inspect(task, model, rows, seed=seed).to_json() for seed in (1, 1, 2))
    assert one == same
    assert one["loss"] != other["loss"]
    assert not any(each["kind"] == "Dropout" for each in one["layers"])


def test_the_sample_is_the_same_for_a_seed_and_no_longer_than_the_data():
    _, _, rows = net(small())
    assert len(sample(rows)) == 96
    assert len(sample(rows * 3)) == ROWS
    assert [id(r) for r in sample(rows, 10, 1)] == [id(r) for r in sample(rows, 10, 1)]
    assert [id(r) for r in sample(rows, 10, 1)] != [id(r) for r in sample(rows, 10, 2)]


# ---- what is shown


def test_the_table_is_aligned_and_narrow():
    for task, model, rows in (pictures(network="resnet"), net(dead)):
        seen = inspect(task, model, rows)
        lines = table(seen)
        head, body = lines[0], lines[1 : len(seen.layers) + 1]
        assert max(map(len, lines)) <= 115
        assert all(line.split()[0] == str(i) for i, line in enumerate(body, 1))
        by = head.index("by") + 2
        assert all(line[:by].split()[-1] in ("·", "adamw", "muon", "filter-muon") for line in body)
        assert all(not line[by:].strip() or line[by:].startswith("  ") for line in body)
        assert any(seen.findings[0].found[:30] in line for line in lines) if seen.findings else "Healthy" in lines[-2]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: net(small()), {"body.0": "muon", "body.1": "", "head": "adamw"}),
        (lambda: net(small(), optimizer="sgd"), {"body.0": "sgd", "head": "sgd"}),
        (lambda: pictures(network="fast"), {"1.body.0.0": "filter-muon", "1.body.0.2": "adamw", "1.head": "adamw"}),
    ],
)
def test_each_layer_names_what_trains_it(make, expected):
    seen = inspect(*make())
    found = {layer.name: layer.optimizer for layer in seen.layers}
    assert {name: found[name] for name in expected} == expected
    assert set(filter(None, found.values())) == set(seen.optimizer.split(" and "))


def test_json_holds_everything_and_no_nan(tmp_path):
    task, model, rows = net(small())
    model.head.weight.data[:] = math.inf
    save(inspect(task, model, rows), tmp_path / "seen.json")
    read = json.loads((tmp_path / "seen.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    assert read["verdict"] == "not finite"
    assert read["layers"][-1]["not_finite"] == "weights"


def test_pictures_by_the_ending_of_the_file(tmp_path):
    seen = inspect(*net(dead))
    save(seen, tmp_path / "seen.svg")
    save(seen, tmp_path / "seen.PNG")
    text = (tmp_path / "seen.svg").read_text()
    assert text.startswith("<svg")
    assert "body.3" in text
    assert "mathdefault" not in text
    assert len(text) < 150_000
    assert (tmp_path / "seen.PNG").read_bytes().startswith(b"\x89PNG")
    save(seen, tmp_path / "seen.pdf")
    assert (tmp_path / "seen.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(UsageError, match="bmp"):
        save(seen, tmp_path / "seen.bmp")


def test_low_precision_is_looked_at_as_it_is_computed():
    task, model, rows = net(small())
    full, half = inspect(task, model, rows), inspect(task, model, rows, setting=Setting(precision="bf16"))
    assert half.verdict == "healthy"
    assert half.loss == pytest.approx(full.loss, rel=0.05)
    assert half.loss != full.loss


def test_a_fitted_model_may_have_nothing_left_to_learn():
    task, model, rows = net(lambda: nn.Linear(4, 2, bias=False))
    sign = 1.0 if task.target.classes.index("right") else -1.0
    model.weight.data[:] = 50 * sign * torch.tensor([[-1.0, -1, 0, 0], [1, 1, 0, 0]])
    sure = [r for r in rows if (r.input[0] + r.input[1]) * (1 if r.target == "right" else -1) > 1.5]
    seen = inspect(task, model, sure)  # a lead of 150 nats: the softmax of 32 bits is exactly right
    assert layer(seen, "Linear").gradient == 0
    assert seen.verdict == "healthy"
    assert "no gradient" in seen.sentence
