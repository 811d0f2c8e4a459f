"""A planted cue: pictures whose class is told by a watermark alone. Whoever explains a marked picture must point at it.

`pytest -s tests/challenges/test_explanation_watermark.py` prints the table of docs/interpretability.md.
"""

from functools import partial

import numpy as np
import pytest
from challenges.pictures import MARKED, Watermark, fitted

from sounding.challenges.explanations.explanation import METHODS, methods, named, random_order

ROWS = 6
AREA = len(MARKED) / 64
CLAIM = {"occlusion": 0.9, "gradient": 0.9, "integrated_gradients": 0.9, "shapley": 0.9}
"""The least share of the positive weight that must lie in the mark. Grad-CAM is too coarse to promise one."""


@pytest.fixture(scope="module")
def shares():
    """For each method: share of the positive weight in the mark [n], and whether the heaviest part is in it [n]."""
    task, model = fitted(Watermark().demo(np.random.default_rng(0), 800))
    test = task.demo(np.random.default_rng(1), 200)
    answers = [p.value for p in task.predict(model, [e.input for e in test])]
    assert np.mean([a == e.target for a, e in zip(answers, test)]) > 0.99
    values = [e.input for e in test if e.target == 1][:ROWS]
    assert list(methods(task, model)) == list(METHODS)
    used = {**METHODS, "shapley": partial(METHODS["shapley"], passes=2000), "random order": random_order}
    found = {}
    for name, explain in used.items():
        weights = np.array(explain(task, model, values, [1] * ROWS, np.random.default_rng(2)))
        positive = np.maximum(weights, 0)
        inside = positive[:, MARKED].sum(1) / positive.sum(1)
        found[name] = inside, np.isin(weights.argmax(1), MARKED)
    print("\n| method | share of the positive weight in the mark | heaviest part in the mark |\n|---|---|---|")
    for name, (inside, first) in found.items():
        print(f"| {named(name)} | {inside.mean():.2f} (least {inside.min():.2f}) | {first.mean():.0%} |")
    return found


@pytest.mark.parametrize("method", CLAIM)
def test_the_mark_gets_the_positive_attribution(shares, method):
    inside, first = shares[method]
    assert inside.mean() >= CLAIM[method]
    assert first.all()


def test_grad_cam_points_at_the_mark_and_does_not_outline_it(shares):
    inside, first = shares["grad_cam"]
    assert first.mean() > 0.9
    assert inside.mean() > 5 * AREA


def test_a_coin_gives_the_mark_no_more_than_its_area(shares):
    assert shares["random order"][0].mean() == pytest.approx(AREA, abs=0.03)
