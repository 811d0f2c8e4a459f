"""Pictures of several sizes are explained together as each is alone, and one method that breaks costs only itself."""

import numpy as np
import pytest
import torch
from challenges import toys

from sounding.applications.vision.segment.task import Segment, SegmentRecipe
from sounding.challenges import interpretability
from sounding.challenges.explanations import explanation
from sounding.contract.records import Example
from sounding.contract.task import built
from sounding.errors import UsageError
from sounding.evaluation.context import EvaluationContext
from sounding.randomness import stream

SIZES = [(24, 24), (24, 32), (40, 24), (24, 24), (40, 24)]
"""Height and width; the first and the last are not alike."""


def scenes(n: int) -> list[Example]:
    """Bright discs (class 1) on dark ground, on pictures of three sizes in turn."""
    rng, found = np.random.default_rng(0), []
    for i in range(n):
        height, width = SIZES[i % len(SIZES)]
        y, x = np.mgrid[:height, :width]
        disc = (y - rng.uniform(8, height - 8)) ** 2 + (x - rng.uniform(8, width - 8)) ** 2 < 36
        picture = (rng.normal(40, 8, (height, width, 1)) + 90 * disc[..., None]).clip(0, 255).astype(np.uint8)
        found.append(Example(picture, disc.astype(np.uint8)))
    return found


@pytest.fixture(scope="module")
def bench() -> EvaluationContext:
    examples, task = scenes(30), Segment(SegmentRecipe.make("tiny", {"width": 4, "decoder": 8, "detail": 4}))
    task.fit(examples)
    torch.manual_seed(0)
    return EvaluationContext(task, built(task).eval(), examples[:10], examples[10:20], examples[20:])


@pytest.mark.parametrize("method", ["occlusion", "gradient", "integrated_gradients", "grad_cam"])
def test_pictures_of_several_sizes_are_explained_as_each_alone(bench, method):
    task, model, values = bench.task, bench.model, [e.input for e in bench.train[:5]]
    answers, explain = [e.target for e in bench.train[:5]], explanation.METHODS[method]
    together = explain(task, model, values, answers, stream("sizes"))
    for value, answer, weights in zip(values, answers, together, strict=True):
        (alone,) = explain(task, model, [value], [answer], stream("sizes"))
        np.testing.assert_allclose(weights, alone, rtol=1e-3, atol=1e-6 + 1e-4 * np.abs(alone).max())


def test_the_gaps_of_completeness_are_those_of_each_alone(bench):
    task, model, values = bench.task, bench.model, [e.input for e in bench.train[:5]]
    answers = [e.target for e in bench.train[:5]]
    maps = explanation.METHODS["integrated_gradients"](task, model, values, answers, stream("sizes"))
    together = explanation.completeness_gap(task, model, values, answers, maps)
    alone = [
        explanation.completeness_gap(task, model, [v], [a], [m])[0]
        for v, a, m in zip(values, answers, maps, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=0.05, atol=1e-3)


def test_a_model_that_looks_through_windows_has_no_grad_cam_of_the_whole(bench):
    tiled = bench.task.with_options({"tile": 24})
    small, large = bench.train[0].input, bench.train[2].input
    assert "grad_cam" in explanation.methods(tiled, bench.model, small)
    assert "grad_cam" not in explanation.methods(tiled, bench.model, large)
    answers = [bench.train[0].target, bench.train[2].target]
    with pytest.raises(UsageError, match="in windows"):
        explanation.METHODS["grad_cam"](tiled, bench.model, [small, large], answers, stream("sizes"))


@pytest.mark.parametrize("broken", ["grad_cam", "gradient"])
def test_a_method_that_breaks_costs_itself_alone(bench, monkeypatch, broken):
    def breaks(*of, **how):
        raise RuntimeError("the expanded size of the tensor must match")

    monkeypatch.setitem(explanation.METHODS, broken, breaks)
    found = toys.measured(interpretability, bench)
    assert found.status == "ok"
    ids = {number.id for number in found.numbers}
    assert "deletion_occlusion" in ids
    assert f"deletion_{broken}" not in ids
    assert any("was not measured: the expanded size" in note for note in found.details["notes"])
