"""Grad-CAM against captum, against what is known by hand, and the layer that it finds."""

import captum.attr
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from challenges.pictures import SIDE, Net, Watermark, fitted
from challenges.toys import Read, Sort
from torch import nn

from sounding.architectures.cnn import FastNet, ResNet
from sounding.architectures.layers import Normalize
from sounding.challenges.explanations.explanation import explain, methods
from sounding.challenges.explanations.gradcam import grad_cam, last_map
from sounding.errors import TrainingError, UsageError


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def net():
    task, model = fitted(Watermark().demo(rng(), 300), steps=20)
    examples = task.demo(np.random.default_rng(1), 70)  # more than one batch of 64
    return task, model, [e.input for e in examples], [e.target for e in examples]


def pooled(task, maps, values):
    """Maps [B, 1, h, w] laid over the pictures and summed over the parts."""
    large = F.interpolate(maps, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    large = large * maps[0, 0].numel() / SIDE**2
    return np.array([task.input.aggregate(m, v) for m, v in zip(large.detach(), values, strict=True)])


def test_grad_cam_equals_captums(net):
    task, model, values, answers = net
    layer = last_map(task, model, values[0], answers[0])
    assert layer is model.body
    oracle = captum.attr.LayerGradCam(lambda x: model(x).log_softmax(1), layer)
    theirs = oracle.attribute(task.input.encode(values), torch.tensor(answers), relu_attributions=False)
    ours = np.array(grad_cam(task, model, values, answers, rng()))
    np.testing.assert_allclose(ours, pooled(task, theirs, values), atol=1e-4 * np.abs(ours).max())
    assert ours.min() < 0  # signed
    np.testing.assert_allclose(ours.sum(1), theirs.sum((1, 2, 3)).detach(), rtol=1e-4)


class Mean(nn.Module):
    """A 1×1 convolution whose channels are averaged over the map, and weighed."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, 5, 1, bias=False), nn.Linear(5, 1, bias=False)

    def forward(self, x):
        return self.last(self.conv(x).mean((2, 3)))[:, 0]


def linear():
    """A task whose support is what the model gives, and a linear model over its pictures."""
    task = Watermark()
    task.fit(task.demo(rng(), 20))
    task.log_likelihood = lambda model, x, values: model(x)
    return task, Mean(), [e.input for e in task.demo(rng(), 5)]


def terms(task, model, values):
    """What each part adds to the output of `Mean`."""
    each = float((model.last.weight @ model.conv.weight[:, :, 0, 0]).detach()) / SIDE**2
    return np.array([task.input.aggregate(each * x, v) for x, v in zip(task.input.encode(values), values, strict=True)])


def test_a_linear_model_is_explained_exactly_by_its_terms():
    task, model, values = linear()
    task.predict = lambda model, inputs: [type("P", (), {"value": 1})] * len(inputs)
    assert "grad_cam" in methods(task, model)
    maps = grad_cam(task, model, values, [1] * 5, rng())
    np.testing.assert_allclose(maps, terms(task, model, values), atol=1e-5)


def test_only_the_first_of_several_calls_is_explained():
    """The second call sees the mirror image, whose map would lie the wrong way round."""
    task, model, values = linear()
    task.log_likelihood = lambda model, x, values: 0.5 * (model(x) + model(x.flip(-1)))
    maps = grad_cam(task, model, values, [1] * 5, rng())
    np.testing.assert_allclose(maps, terms(task, model, values) / 2, atol=1e-5)


def test_a_later_step_in_place_does_no_harm():
    class InPlace(Net):
        def forward(self, x):
            return self.head(self.body(x - 0.5).mul_(2.0).relu_().amax((2, 3)))

    task, plain = fitted(Watermark().demo(rng(), 50), steps=0)
    model = InPlace()
    model.load_state_dict(plain.state_dict())
    values, doubled = [e.input for e in task.demo(rng(), 4)], Net()
    doubled.load_state_dict(plain.state_dict())
    doubled.forward = lambda x: doubled.head(2.0 * doubled.body(x - 0.5).amax((2, 3)))
    ours, theirs = (grad_cam(task, m, values, [1] * 4, rng()) for m in (model, doubled))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


# ---- which layer


class Dense(nn.Module):
    """A map of answers, as models of boxes and masks give it, in a dictionary."""

    def __init__(self):
        super().__init__()
        self.features, self.head = nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU()), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return {"planes": self.head(self.features(x))}


def found(model, support=None):
    task = Watermark()
    task.fit(task.demo(rng(), 20))
    if support is not None:
        task.log_likelihood = support
    return last_map(task, model.eval(), task.demo(rng(), 1)[0].input, 1)


def test_the_models_own_map_of_answers_is_no_layer():
    model = Dense()
    assert found(model, lambda model, x, values: model(x)["planes"][:, 0].mean((1, 2))) is model.features


class Parted(nn.Module):
    """Two maps looked at side by side."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU())
        self.left, self.right = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        maps = self.features(x)
        return self.left(maps).mean((1, 2, 3)) + self.right(maps).amax((1, 2, 3))


def test_where_maps_part_the_layer_is_the_last_before_also_of_a_model_that_looks_at_the_mirror_image():
    model = Parted()
    assert found(model, lambda model, x, values: model(x)) is model.features
    assert found(model, lambda model, x, values: model(x) + model(x.flip(-1))) is model.features


def test_standardised_pixels_are_no_layer():
    assert found(nn.Sequential(Normalize([0.5], [0.2]), nn.Flatten(), nn.Linear(SIDE**2, 2))) is None


def test_maps_of_one_position_are_no_layer():
    body = nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.Flatten())
    assert found(body) is body[1]
    assert found(nn.Sequential(nn.Conv2d(1, 4, SIDE), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))) is None


@pytest.mark.parametrize("act", ["relu", "gelu"])
def test_the_networks_of_the_house_have_one(act):
    fast = nn.Sequential(Normalize([0.5], [0.2]), FastNet(1, 2, (4, 4, 4), act=act))
    assert found(fast) is fast[1].body
    deep = nn.Sequential(Normalize([0.5], [0.2]), ResNet(1, 2, 4, act=act))
    assert found(deep) is deep[1].stages[-1]


def test_words_and_vectors_have_none():
    for task in (Read(), Sort()):
        model = task.build()
        assert "grad_cam" not in methods(task, model)
        with pytest.raises(UsageError, match="no layer whose output still has positions"):
            grad_cam(task, model, [task.demo(rng(), 1)[0].input], [1], rng())


# ---- what is left behind


def test_explaining_leaves_the_model_as_it_was(net):
    task, _, values, _ = net
    model = Net().train()
    assert "grad_cam" in methods(task, model)
    explain(task, model, values[0], 1, "grad_cam")
    assert model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_outputs_that_are_not_finite_are_not_explained(net):
    task, _, values, _ = net
    broken = Net()
    with torch.no_grad():
        broken.head.bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match="not finite"):
        explain(task, broken, values[0], 1, "grad_cam")


def test_a_support_that_does_not_look_at_the_maps_gives_no_weights():
    task, model, values = linear()
    task.log_likelihood = lambda model, x, values: model(x).detach() * 0 + 1
    np.testing.assert_array_equal(grad_cam(task, model, values, [1] * 5, rng()), np.zeros((5, 64)))
