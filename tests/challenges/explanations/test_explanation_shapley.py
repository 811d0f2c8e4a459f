"""Shapley values against what is known by hand, against every subset, and against captum."""

from itertools import permutations

import captum.attr
import numpy as np
import pytest
import torch
from challenges.toys import PARTS, WIDTH, Guess, Read, Sort, linear, rows, small, trained

from sounding.challenges.explanations.shapley import exact, passes_of_a_pair, shapley
from sounding.challenges.passes import log_likelihoods

SAMPLED, EXACT = 100, 512  # passes: 2 baselines × 2^8 sets of parts are 512


def rng():
    return np.random.default_rng(0)


def ends(task, model, values, answers):
    """Support for the whole input, minus that for the empty one, mean over baselines."""
    nothing = np.zeros(task.input.segments(values[0]), bool)
    full = log_likelihoods(task, model, zip(values, answers))
    empty = [[task.input.mask(v, nothing * False, way) for v in values] for way in task.input.baselines]
    return full - np.mean([log_likelihoods(task, model, zip(gone, answers)) for gone in empty], 0)


@pytest.fixture(scope="module")
def net():
    task = Sort(small())
    return task, trained(task, rows(task, 100), steps=50), [e.input for e in rows(task, 12, "other")], [0, 1] * 6


@pytest.mark.parametrize("passes", [SAMPLED, EXACT])
def test_a_linear_model_is_explained_exactly_by_its_terms(passes):
    weights = np.random.default_rng(1).normal(size=PARTS * WIDTH).astype(np.float32)
    values = [e.input for e in rows(Guess(), 20)]
    maps = shapley(Guess(small()), linear(weights, 0.3), values, [0.0] * 20, rng(), passes)
    terms = [(weights * (v - 0.25)).reshape(PARTS, WIDTH).sum(1) for v in values]
    np.testing.assert_allclose(maps, terms, atol=1e-5)


@pytest.mark.parametrize("passes", [1, SAMPLED, EXACT])
def test_the_values_of_each_input_sum_to_what_all_parts_bring(net, passes):
    task, model, values, answers = net
    maps = shapley(task, model, values, answers, rng(), passes)
    np.testing.assert_allclose([m.sum() for m in maps], ends(task, model, values, answers), atol=1e-5)


def test_all_sets_give_captums_exact_values(net):
    task, model, values, answers = net
    x, groups = task.input.encode(values), torch.arange(PARTS).repeat_interleave(WIDTH)[None]
    theirs = captum.attr.ShapleyValueSampling(lambda x: model(x).log_softmax(1))  # with every permutation: exact
    exactly = captum.attr.ShapleyValues(lambda x: model(x).log_softmax(1))
    few = [0, 1]  # captum goes through all 8! orders of the parts, one by one: of the first four parts only
    mask = groups.clamp(max=3)
    for way, empty in (("zero", 0.0), ("half", 0.5)):
        found = exactly.attribute(x[few], empty, torch.tensor(answers)[few], feature_mask=mask)
        ours = shapley(_coarse(task, way), model, [values[i] for i in few], [answers[i] for i in few], rng(), EXACT)
        np.testing.assert_allclose(ours, found[:, [0, 2, 4, 6]], atol=1e-4)
    torch.manual_seed(0)  # captum draws its orders from torch's global generator
    sampled = theirs.attribute(x[:1], 0.0, answers[0], feature_mask=groups, n_samples=2000, perturbations_per_eval=500)
    (ours,) = shapley(_only(task, "zero"), model, values[:1], answers[:1], rng(), EXACT)
    np.testing.assert_allclose(ours, sampled[0, ::WIDTH], atol=0.05 * np.abs(ours).max())


def _only(task, way):
    one = type(task)(task.recipe)
    one.input.baselines = (way,)
    return one


def _coarse(task, way):
    """Four parts: the first three, and the rest as one."""
    one = _only(task, way)
    keep = one.input.mask
    one.input.segments = lambda value: 4
    one.input.mask = lambda v, mask, way: keep(v, np.r_[mask[:3], np.repeat(mask[3], PARTS - 3)], way)
    return one


def test_three_words_are_explained_as_the_definition_says():
    task = Read(small())
    model, value = trained(task, rows(task, 200)), (7, 1, 9)
    with torch.no_grad():
        model.embedding.weight[10].zero_()  # padding counts nothing
    worth = {}
    for s in range(8):
        mask = np.array([s >> i & 1 for i in range(3)], bool)
        kept = [task.input.mask(value, mask, way) for way in task.input.baselines]
        worth[s] = np.mean([log_likelihoods(task, model, [(v, 1)])[0] for v in kept])
    expected = np.zeros(3)
    for order in permutations(range(3)):
        so_far = 0
        for part in order:
            expected[part] += (worth[so_far | 1 << part] - worth[so_far]) / 6
            so_far |= 1 << part
    (found,) = shapley(task, model, [value], [1], rng())
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_samples_come_nearer_to_the_exact_values_as_they_grow(net):
    task, model, values, answers = net
    truth = np.array(shapley(task, model, values, answers, rng(), EXACT))
    errors = []
    for passes in (32, 128, 511):
        found = [shapley(task, model, values, answers, np.random.default_rng(s), passes) for s in range(4)]
        errors.append(np.sqrt(np.mean((np.array(found) - truth) ** 2)))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.3 * np.abs(truth).max()
    many = [shapley(task, model, values, answers, np.random.default_rng(s), 64) for s in range(60)]
    np.testing.assert_allclose(np.mean(many, 0), truth, atol=0.05 * np.abs(truth).max())  # no bias


def test_the_budget_is_kept():
    counts = []

    class Counted(Guess):
        def log_likelihood(self, model, x, values):
            counts.append(len(x))
            return super().log_likelihood(model, x, values)

    task = Counted(small())
    value, model = rows(task, 1)[0].input, task.build()
    for passes in (32, 100, 511, 512, 5000):
        counts.clear()
        shapley(task, model, [value], [0.0], rng(), passes)
        assert sum(counts) <= max(passes, passes_of_a_pair(PARTS, 2))
    assert exact(PARTS, 2, 512)
    assert not exact(PARTS, 2, 511)
    assert exact(1, 2, 0)


def test_inputs_of_one_part_and_of_none():
    task, model = Read(small()), Read().build()
    none, one = shapley(task, model, [(), (4,)], [1, 1], rng(), 1)
    assert none.shape == (0,)
    assert one == pytest.approx(ends(task, model, [(4,)], [1]), abs=1e-6)
