"""Face verification: what training and answering compute, what is set on validation people, and the doors' words."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sounding.applications.vision.faces.modality import DIFFERENT, SAME, Kin, Pair
from sounding.applications.vision.faces.task import Faces, FacesOptions, FacesRecipe
from sounding.contract.records import Example
from sounding.evaluation.evaluation import evaluate_rows
from sounding.randomness import generator, stream


def made(examples, fmr=0.001, **settings):
    task = Faces(FacesRecipe.make("tiny", {"width": 8, **settings}), FacesOptions(fmr))
    task.fit(examples)
    torch.manual_seed(0)
    return task, task.build().eval()


@pytest.fixture(scope="module")
def pairs():
    return Faces().demo(stream("faces"), 60)


def x_of(task, examples):
    return task.input.encode([e.input for e in examples])


def test_training_is_cross_entropy_over_people_with_the_margin_on_both_pictures(pairs):
    task, model = made(pairs, margin_steps=0, margin=0.2)
    model.train()
    found = task.loss(copy.deepcopy(model), x_of(task, pairs), task.encode_targets([e.target for e in pairs]))
    x, who = x_of(task, pairs), task.target.encode([e.target for e in pairs]).people
    e = model(torch.cat([x[:, 0], x[:, 1]]))
    own = who.T.flatten()
    cosines = F.normalize(e) @ F.normalize(model.margin.centres).T - 0.2 * F.one_hot(own, len(task.target.people))
    nats = F.cross_entropy(task.recipe.scale * cosines, own, reduction="none").view(2, -1).mean(0)
    torch.testing.assert_close(found, nats, rtol=1e-4, atol=1e-4)


def test_single_pictures_are_asked_who_they_are_and_pairs_whether_they_are_one(pairs):
    task, model = made(pairs)
    rows = [Example(Pair(e.input.first), Kin(e.target.first)) for e in pairs[:4]] + pairs[4:8]
    with torch.no_grad():
        found = task.loss(model, x_of(task, rows), task.encode_targets([e.target for e in rows]))
        x = x_of(task, rows)
        logits = model.margin(model(x[:4, 0]), torch.zeros(4, dtype=torch.long), 0.0)
        who = task.target.encode([e.target for e in rows[:4]]).people[:, 0]
        torch.testing.assert_close(found[:4], F.cross_entropy(logits, who, reduction="none"))
        a, b = (F.normalize(model(side) + model(side.flip(-1))) for side in (x[4:, 0], x[4:, 1]))
    odds = model.slope * (a * b).sum(1) + model.offset
    signs = torch.tensor([1.0 if e.target.same else -1.0 for e in rows[4:]])
    torch.testing.assert_close(found[4:], -F.logsigmoid(signs * odds))


def test_of_a_stranger_nothing_is_learnt_by_name(pairs):
    task, model = made(pairs)
    x = x_of(task, pairs[:2])
    found = task.loss(model, x, task.encode_targets([Kin("nobody known"), pairs[1].target]))
    assert found[0].item() == pytest.approx(math.log(len(task.target.people)))


def test_the_answer_does_not_depend_on_the_order_or_on_mirroring(pairs):
    task, model = made(pairs)
    task.calibrate(model, pairs, ())
    turned = [Pair(e.input.second, e.input.first) for e in pairs]
    mirrored = [Pair(e.input.first[:, ::-1].copy(), e.input.second) for e in pairs]
    plain = np.stack([p.scores for p in task.predict(model, [e.input for e in pairs])])
    for others in (turned, mirrored):
        np.testing.assert_allclose(np.stack([p.scores for p in task.predict(model, others)]), plain, atol=1e-4)


def test_what_is_set_holds_its_rate_on_the_validation_people_and_measuring_changes_nothing(pairs):
    task, model = made(pairs, fmr=0.05)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    first = evaluate_rows(task, model, pairs)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert task.calibrate(model, pairs, ())
    assert float(model.rate) == pytest.approx(0.05)
    photos = {(name, side.tobytes()): side for e in pairs
              for name, side in ((e.target.first, e.input.first), (e.target.second, e.input.second))}  # fmt: skip
    e = task.embed(model, [Pair(side) for side in photos.values()])
    names = np.array([name for name, _ in photos])
    cosines = (e @ e.T)[np.triu(names[:, None] != names, 1)]
    assert 0.04 < (cosines >= float(model.threshold)).mean() <= 0.0501
    answers = task.predict(model, [e.input for e in pairs])
    cosine = (
        task.embed(model, [e.input for e in pairs]) * task.embed(model, [Pair(e.input.second) for e in pairs])
    ).sum(1)
    assert [p.value.same for p in answers] == (cosine >= float(model.threshold)).tolist()
    second = evaluate_rows(task, model, pairs)
    judge = {metric.name: metric.value for metric in task.metrics}["even-odds accuracy"]
    assert judge(first) == judge(second)  # before it was set, trials took the curve of these very pairs


def test_a_rate_that_the_data_cannot_support_gives_way_to_the_least_that_they_can(pairs):
    task, model = made(pairs, fmr=1e-6)
    task.calibrate(model, pairs, ())
    pictures = 2 * len(pairs)
    assert 30 / (pictures * (pictures - 1) / 2) <= float(model.rate) < 0.01
    assert model.tail[0] == model.UNSET
    assert model.tail[-1] < 1


def test_without_both_kinds_of_pairs_nothing_is_set(pairs):
    task, model = made(pairs)
    assert not task.calibrate(model, [e for e in pairs if e.target.same], ())
    assert not model.calibrated
    assert task.predict(model, [pairs[0].input])[0].value in (SAME, DIFFERENT)


def test_probabilities_are_of_the_answer_and_add_up(pairs):
    task, model = made(pairs)
    task.calibrate(model, pairs, ())
    for p in task.predict(model, [e.input for e in pairs]):
        assert p.scores.sum() == pytest.approx(1)
        assert p.confidence == pytest.approx(p.scores[int(p.value.same)])


def test_augmentation_changes_the_two_pictures_apart_and_keeps_them_legal(pairs):
    task, _ = made(pairs, warp=0.3)
    x = task.input.encode([Pair(e.input.first) for e in pairs])
    changed, _ = task.augment(x, generator("faces"))
    assert changed.shape == x.shape
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert not torch.equal(changed[:, 0], changed[:, 1])


def test_embeddings_are_of_length_one_and_of_the_first_picture(pairs):
    task, model = made(pairs)
    e = task.embed(model, [pairs[0].input, Pair(pairs[0].input.first)])
    np.testing.assert_allclose(np.linalg.norm(e, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(e[0], e[1], atol=1e-5)


def test_training_people_whiten_what_differs_within_a_person_until_the_next_training_step(pairs):
    task, model = made(pairs, dims=8)
    plain = task.embed(model, [pairs[0].input])
    assert task.calibrate(model, pairs[:30], pairs[30:])
    assert not np.allclose(task.embed(model, [pairs[0].input]), plain, atol=1e-3)
    task.loss(model.train(), x_of(task, pairs[:8]), task.encode_targets([e.target for e in pairs[:8]]))
    assert torch.equal(model.whitening, torch.eye(8))
    assert not model.calibrated
