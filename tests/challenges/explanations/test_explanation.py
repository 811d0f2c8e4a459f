"""Explanations against what is known by hand, and against captum."""

import numpy as np
import pytest
import torch
from challenges.toys import PARTS, WIDTH, Guess, Pair, Read, Sort, Vector, linear, rows, small, trained
from torch import nn

from sounding.challenges.explanations.explanation import (
    METHODS,
    completeness_gap,
    explain,
    methods,
    occlusion,
    random_order,
)
from sounding.errors import TrainingError, UsageError

ANY = [name for name in METHODS if name != "grad_cam"]  # methods for inputs that have no maps
RNG = np.random.default_rng(0)
WEIGHTS = np.random.default_rng(1).normal(size=PARTS * WIDTH).astype(np.float32)


def columns(examples):
    return [e.input for e in examples], [e.target for e in examples]


def terms(values, empty):
    """What each part adds to a linear model: weights · (value − empty), summed over the part."""
    return [(WEIGHTS * (v - empty)).reshape(PARTS, WIDTH).sum(1) for v in values]


@pytest.mark.parametrize("method", ANY)
def test_a_linear_model_is_explained_exactly_by_its_terms(method):
    task = Guess(small())
    values, answers = columns(rows(task, 20))
    maps = METHODS[method](task, linear(WEIGHTS, 0.3), values, answers, RNG)
    # The emptied inputs are zeros and halves: on average a quarter.
    np.testing.assert_allclose(maps, terms(values, 0.25), atol=1e-5)


def test_occlusion_by_one_ablation_is_the_change_from_that_ablation():
    task = Guess()
    values, _ = columns(rows(task, 1))
    for baseline, empty in (("zero", 0.0), ("half", 0.5)):
        found = occlusion(task, linear(WEIGHTS), values[0], 0.0, baseline)
        np.testing.assert_allclose(found, terms(values, empty)[0], atol=1e-5)


def test_integrated_gradients_equal_captums():
    captum = pytest.importorskip("captum.attr")
    task = Sort(small())
    model = trained(task, rows(task, 100), steps=50)
    values, answers = columns(rows(task, 20, "other"))
    maps = METHODS["integrated_gradients"](task, model, values, answers, RNG)
    x = task.input.encode(values)
    explain = captum.IntegratedGradients(lambda x: model(x).log_softmax(1))
    theirs = explain.attribute(x, torch.full_like(x, 0.25), torch.tensor(answers), n_steps=16, method="riemann_middle")
    np.testing.assert_allclose(maps, theirs.reshape(20, PARTS, WIDTH).sum(2), atol=1e-4)
    assert np.abs(maps).max() > 0.1


def test_integrated_gradients_are_complete_and_plain_gradients_are_not():
    task = Sort()
    model = trained(task, rows(task, 100))
    values, answers = columns(rows(task, 40, "other"))
    gaps = {}
    for method in ("gradient", "integrated_gradients"):
        maps = METHODS[method](task, model, values, answers, RNG)
        gaps[method] = np.median(completeness_gap(task, model, values, answers, maps))
    assert gaps["integrated_gradients"] < 0.02
    assert gaps["gradient"] > 0.2


@pytest.mark.parametrize("method", ANY)
def test_a_planted_cue_gets_the_attribution(method):
    task = Sort()
    model = trained(task, rows(task, 2000), steps=400)  # the kind is told by part 3 alone
    values, answers = columns(rows(task, 50, "other"))
    assert np.mean([p.value == a for p, a in zip(task.predict(model, values), answers, strict=True)]) > 0.9
    mass = np.abs(METHODS[method](task, model, values, answers, RNG))
    by_removal = method in ("occlusion", "shapley")
    assert mass[:, 3].sum() / mass.sum() > 0.85 if by_removal else (mass.argmax(1) == 3).mean() > 0.8


@pytest.mark.parametrize("method", ANY)
def test_a_model_that_uses_one_part_only_is_explained_by_it_only(method):
    weights = np.zeros(PARTS * WIDTH)
    weights[3 * WIDTH : 4 * WIDTH] = 4.0
    task, model = Sort(), Pair(linear(weights, -4.0))
    values, answers = columns(rows(task, 50))
    mass = np.abs(METHODS[method](task, model, values, answers, RNG))
    assert mass[:, 3].sum() / mass.sum() > 0.999


def test_words_are_explained_at_the_embedding_by_what_they_add_beyond_the_mask():
    task, model = Read(small()), Read().build()
    values = [(1, 2, 3), (4, 4), (5, 6, 7, 8, 9)]  # of different lengths, so that some are padded
    task.log_likelihood = lambda model, x, values: model(x)
    each = (model.embedding.weight @ model.last.weight[0]).detach().numpy()
    maps = METHODS["integrated_gradients"](task, model, values, [1, 1, 1], RNG)
    for value, weights in zip(values, maps, strict=True):
        # Deleting makes the input shorter, so only the mask (word 11) stands for "empty" at the embedding.
        np.testing.assert_allclose(weights, each[list(value)] - each[11], atol=1e-5)


def test_only_the_first_call_of_a_shared_embedding_is_explained():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.last = nn.Embedding(12, 3), nn.Linear(3, 1, bias=False)

        def forward(self, x):
            return self.last(self.embedding(x).sum(1) + 5 * self.embedding(x).sum(1))[:, 0]

    task, model = Read(), Twice()
    task.log_likelihood = lambda model, x, values: model(x)
    each = (model.embedding.weight @ model.last.weight[0]).detach().numpy()
    (weights,) = METHODS["gradient"](task, model, [(1, 2)], [1], RNG)
    np.testing.assert_allclose(weights, each[[1, 2]] - each[11], atol=1e-5)


def test_discrete_inputs_without_a_leaf_are_explained_by_taking_parts_away():
    task = Read()
    task.embedding_layer = lambda model: None
    assert list(methods(task, task.build())) == ["occlusion", "shapley"]
    assert list(methods(Read(), Read().build())) == ANY
    assert list(methods(Sort(), Sort().build())) == ANY


def test_explaining_leaves_the_model_as_it_was():
    task = Sort()
    model = task.build().train()
    model[0].bias.requires_grad_(False)
    model[1].eval()
    for name in ANY:
        METHODS[name](task, model, *columns(rows(task, 3)), RNG)
    assert list(methods(task, model)) == ANY
    assert model.training
    assert not model[1].training
    assert [p.requires_grad for p in model.parameters()] == [True, False, True, True]
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_random_orders_are_permutations_drawn_from_the_given_stream():
    task, values = Sort(), [np.zeros(16, np.float32)] * 4
    first = random_order(task, task.build(), values, [0] * 4, np.random.default_rng(5))
    again = random_order(task, task.build(), values, [0] * 4, np.random.default_rng(5))
    np.testing.assert_array_equal(first, again)
    assert all(sorted(order) == list(range(PARTS)) for order in first)
    assert any((a != first[0]).any() for a in first[1:])


def test_occlusion_of_an_input_of_one_part_is_its_whole_support():
    class One(Vector):
        def segments(self, value):
            return 1

        def mask(self, value, mask, baseline):
            return value if mask[0] else np.zeros_like(value)

    task = Guess()
    task.input = One()
    value = np.ones(PARTS * WIDTH, np.float32)
    np.testing.assert_allclose(occlusion(task, linear(WEIGHTS), value, 0, "zero"), [WEIGHTS.sum()], atol=1e-5)


# ---- one answer


def test_one_answer_is_explained_as_many_are():
    task = Guess()
    value = rows(task, 1)[0].input
    found = explain(task, linear(WEIGHTS, 0.3), value, 0.0, "integrated_gradients")
    (expected,) = terms([value], 0.25)
    np.testing.assert_allclose(found.weights, expected, atol=1e-5)
    assert found.log_likelihood == pytest.approx(float(value @ WEIGHTS + 0.3), abs=1e-5)
    assert (found.method, found.answer) == ("integrated_gradients", 0.0)
    best = [where for where, _ in found.top(3)]
    assert best == [f"part {part}" for part in np.argsort(-expected)[:3]]
    assert found.to_json()["weights"] == pytest.approx(expected, abs=1e-5)


def test_the_explanation_of_a_sampling_method_depends_on_the_seed_alone():
    task = Sort()
    model, value = trained(task, rows(task, 50), 20), rows(task, 1)[0].input
    first, again = (explain(task, model, value, 1, "shapley", seed=3).weights for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_explanation_shows_the_value_with_its_weights():
    task = Guess()
    found = explain(task, linear(WEIGHTS), rows(task, 1)[0].input, 0.0)
    strongest = int(np.abs(found.weights).argmax())
    assert f"segment {strongest} {found.weights[strongest]:+.2f}" in found.render().text
    assert found.render().svg() == task.input.render(found.value, found.weights).svg()


def test_a_method_that_is_unknown_or_unfit_is_a_mistake_of_the_user():
    task = Sort()
    with pytest.raises(UsageError, match="Did you mean occlusion"):
        explain(task, task.build(), rows(task, 1)[0].input, 1, "oclusion")
    with pytest.raises(UsageError, match=r"Grad-CAM cannot explain this model: no layer .* Use occlusion, "):
        explain(task, task.build(), rows(task, 1)[0].input, 1, "grad_cam")


@pytest.mark.parametrize("method", ANY)
def test_outputs_that_are_not_finite_are_not_explained(method):
    task, model = Sort(), Sort().build()
    with torch.no_grad():
        model[2].bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match="not finite"):
        explain(task, model, rows(task, 1)[0].input, 1, method)


@pytest.mark.parametrize("method", ANY)
def test_a_model_whose_answer_does_not_depend_on_the_input_gives_no_weight_to_any_part(method):
    class Deaf(nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = nn.Parameter(torch.tensor([0.0, 1.0]))

        def forward(self, x):
            return self.logits.expand(len(x), 2)

    found = explain(Sort(), Deaf(), rows(Sort(), 1)[0].input, 1, method)
    np.testing.assert_array_equal(found.weights, np.zeros(PARTS))
