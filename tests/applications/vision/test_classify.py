"""Image classification: the loss against torch, predictions against the network, and learning on small data."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sounding.applications.vision.classify import Classify, ClassifyRecipe
from sounding.contract.answers import MixedTarget, transformed
from sounding.contract.records import Example
from sounding.errors import UsageError
from sounding.evaluation.evaluation import evaluate_rows
from sounding.randomness import generator, stream

NAMES = ["cross", "disc", "square"]


def fitted(examples, **settings):
    task = Classify(ClassifyRecipe.make("tiny", settings))
    task.fit(examples)
    torch.manual_seed(0)
    return task, task.build().eval()


@pytest.fixture
def shapes():
    return Classify().demo(stream("shapes"), 24)


def photos(n=12, side=12, classes=3):
    rng = stream("photos", n)
    return [Example(rng.integers(0, 256, (side, side, 3), np.uint8), str(i % classes)) for i in range(n)]


def x_and_truth(task, examples):
    return task.input.encode([e.input for e in examples]), [e.target for e in examples]


def learn(task, model, examples, steps, batch=32, lr=0.01):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for step in range(steps):
        picked = stream("learn", step).permutation(len(examples))[:batch]
        x, truth = x_and_truth(task, [examples[i] for i in picked])
        x, change = task.augment(x, generator("learn", step))
        optimizer.zero_grad()
        task.loss(model, x, task.encode_targets(transformed(task.target, truth, change))).mean().backward()
        optimizer.step()
    return model.eval()


def test_loss_is_cross_entropy(shapes):
    task, model = fitted(shapes, smoothing=0.3)
    x, truth = x_and_truth(task, shapes)
    expected = F.cross_entropy(model(x), torch.tensor([NAMES.index(t) for t in truth]), reduction="none")
    torch.testing.assert_close(task.loss(model, x, task.encode_targets(truth)), expected)
    torch.testing.assert_close(task.log_likelihood(model, x, task.encode_targets(truth)), -expected)


def test_labels_are_smoothed_in_training_only(shapes):
    task, model = fitted(shapes, smoothing=0.3)
    x, truth = x_and_truth(task, shapes)
    places = torch.tensor([NAMES.index(t) for t in truth])
    model.train()
    expected = F.cross_entropy(model(x), places, reduction="none", label_smoothing=0.3)
    torch.testing.assert_close(task.loss(model, x, task.encode_targets(truth)), expected)


def test_loss_of_a_mixture_is_the_mixture_of_losses(shapes):
    task, model = fitted(shapes)
    x = task.input.encode([shapes[0].input])
    disc, cross = (task.loss(model, x, task.encode_targets([name])) for name in ("disc", "cross"))
    torch.testing.assert_close(
        task.loss(model, x, task.encode_targets([MixedTarget("disc", "cross", 0.7)])), 0.7 * disc + 0.3 * cross
    )


@pytest.mark.parametrize("network", ["fast", "resnet", "mlp"])
def test_loss_and_answers_alone_as_in_a_batch(shapes, network):
    task, model = fitted(shapes, network=network)
    x, truth = x_and_truth(task, shapes)
    alone = torch.cat([task.loss(model, x[i : i + 1], task.encode_targets(truth[i : i + 1])) for i in range(len(x))])
    torch.testing.assert_close(alone, task.loss(model, x, task.encode_targets(truth)), atol=1e-5, rtol=1e-5)
    for one, many in zip(shapes, task.predict(model, [e.input for e in shapes]), strict=True):
        np.testing.assert_allclose(task.predict(model, [one.input])[0].scores, many.scores, atol=1e-6)


def test_predictions_are_the_networks_probabilities(shapes):
    task, model = fitted(shapes)
    x, _ = x_and_truth(task, shapes)
    expected = model(x).softmax(1).detach().numpy()
    for row, prediction in zip(expected, task.predict(model, [e.input for e in shapes]), strict=True):
        np.testing.assert_allclose(prediction.scores, row, atol=1e-6)
        assert prediction.value == NAMES[row.argmax()]
        assert prediction.confidence == pytest.approx(row.max())


def test_colour_pictures_are_mirrored_and_grey_ones_are_not(shapes):
    assert fitted(photos())[0].mirrors
    assert not fitted(shapes)[0].mirrors
    assert fitted(shapes, flip="yes")[0].mirrors
    assert not fitted(photos(), flip="no")[0].mirrors
    with pytest.raises(UsageError, match=r"flip=maybe is not known\. Give flip auto, yes or no"):
        _ = fitted(shapes, flip="maybe")[0].mirrors


def test_where_mirroring_is_on_a_picture_and_its_mirror_image_get_one_answer():
    examples = photos()
    task, model = fitted(examples)
    here = task.predict(model, [e.input for e in examples])
    there = task.predict(model, [e.input[:, ::-1] for e in examples])
    for a, b in zip(here, there, strict=True):
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-6)
    plain = task.with_options({"flip_average": False})
    once = plain.predict(model, [examples[0].input])[0].scores
    assert np.abs(once - here[0].scores).max() > 1e-6


def test_metrics_name_the_headline_and_the_best_five_of_many():
    assert [m.name for m in fitted(photos(classes=3))[0].metrics] == ["accuracy", "macro F1"]
    assert [m.name for m in fitted(photos(classes=6))[0].metrics] == ["accuracy", "macro F1", "top-5 accuracy"]


def test_records_carry_loss_confidence_and_scores(shapes):
    task, model = fitted(shapes)
    x, truth = x_and_truth(task, shapes)
    records = evaluate_rows(task, model, shapes)
    np.testing.assert_allclose(
        [r.loss for r in records], task.loss(model, x, task.encode_targets(truth)).detach(), rtol=1e-4
    )
    assert [r.truth for r in records] == truth
    assert all(r.scores[task.target.classes.index(r.value)] == pytest.approx(r.confidence) for r in records)


@pytest.mark.parametrize("network", ["fast", "resnet", "mlp"])
def test_eight_examples_can_be_learnt_by_heart(network):
    examples = photos(8, side=16, classes=4)
    task, model = fitted(examples, network=network, flip="no", crop=0)
    learn(task, model, examples, 60)
    x, truth = x_and_truth(task, examples)
    assert task.loss(model, x, task.encode_targets(truth)).max() < 0.1


def test_the_demo_is_learnt_in_seconds_and_holds_every_class_alike():
    examples = Classify().demo(stream("demo"), 600)
    assert [sum(e.target == name for e in examples) for name in NAMES] == [200, 200, 200]
    assert examples[0].input.shape == (16, 16, 1)
    assert examples[0].input.dtype == np.uint8
    train, test = examples[:300], examples[300:]
    task, model = fitted(train)
    learn(task, model, train, 80)
    right = [p.value == e.target for p, e in zip(task.predict(model, [e.input for e in test]), test, strict=True)]
    assert np.mean(right) > 0.9


def test_the_demo_cannot_be_told_by_mean_brightness_alone():
    examples = Classify().demo(stream("demo"), 600)
    brightness = {n: [e.input.mean() for e in examples if e.target == n] for n in NAMES}
    low, high = min(map(np.mean, brightness.values())), max(map(np.mean, brightness.values()))
    assert high - low < 2 * min(map(np.std, brightness.values()))


@pytest.mark.parametrize(("side", "name"), [(8, "ResNet"), (16, "FastNet"), (64, "FastNet"), (65, "ResNet")])
def test_the_network_fits_the_side(side, name):
    examples = photos(3, side=side)
    _, model = fitted(examples, image_size=side)
    assert type(model[1]).__name__ == name


def test_wrong_words_are_named(shapes):
    with pytest.raises(UsageError, match=r"no network 'resnt'\. Did you mean resnet\?"):
        fitted(shapes, network="resnt")
    with pytest.raises(UsageError, match="Did you mean gelu"):
        fitted(shapes, activation="gello")


def test_comes_back_from_its_state(shapes):
    task, model = fitted(shapes, width=8)
    again = Classify.restored(task.state())
    twin = again.build().eval()
    twin.load_state_dict(model.state_dict())
    inputs = [e.input for e in shapes]
    for a, b in zip(task.predict(model, inputs), again.predict(twin, inputs), strict=True):
        np.testing.assert_array_equal(a.scores, b.scores)


def test_help_text():
    assert Classify.__doc__.startswith("Image classification: ")
