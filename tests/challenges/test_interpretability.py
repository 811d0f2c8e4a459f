"""Faithfulness against a slow reading of its definition, and what the section says where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.toys import PARTS, Pair, Read, Sort, Vector, context, linear, measure_only, rows, small, trained
from torch import nn

from sounding.challenges import interpretability
from sounding.challenges.explanations.explained_rows import FEW, candidates, choose
from sounding.challenges.explanations.explanation import explain, random_order
from sounding.challenges.explanations.faithfulness import faithfulness, rank_correlation, untrained
from sounding.contract.evidence import Section
from sounding.errors import UsageError

QUICK = ("occlusion", "gradient", "integrated_gradients")  # what the quick profile measures on vectors


class Constant(nn.Module):
    """Answers the same whatever it sees."""

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([0.0, 1.0]))

    def forward(self, x):
        return self.logits.expand(len(x), 2) + 0 * x.sum(1, keepdim=True)


@pytest.fixture(scope="module")
def sorted_subject():
    task = Sort(small())
    return context(task, trained(task, rows(task, 600), 100), rows(task, 200, "test"))


@pytest.fixture(scope="module")
def section(sorted_subject) -> Section:
    return toys.measured(interpretability, sorted_subject)


def slow_score(task, model, value, answer, order, baseline):
    """Deletion and insertion of one order of one item, as the words of the definition say."""

    def likelihood(mask):
        x = task.input.encode([task.input.mask(value, mask, baseline)])
        with torch.no_grad():
            return float(task.log_likelihood(model, x, task.encode_targets([answer]))[0])

    clean, lost, kept = likelihood(np.ones(PARTS, bool)), [], []
    for share in (0.01, 0.05, 0.10, 0.20, 0.50):
        k = max(1, round(share * PARTS))
        mask = np.ones(PARTS, bool)
        mask[order[:k]] = False
        lost.append(1 - np.exp(min(0.0, likelihood(mask) - clean)))
        kept.append(np.exp(min(0.0, likelihood(~mask) - clean)))
    return np.mean(lost), np.mean(kept)


def test_scores_are_what_the_definition_says(sorted_subject):
    task, model = sorted_subject.task, sorted_subject.model
    values = [e.input for e in sorted_subject.test[:6]]
    answers = [0, 1, 0, 1, 0, 1]
    maps = {"one": random_order(task, model, values, answers, np.random.default_rng(8))}
    found = faithfulness(task, model, values, answers, maps, np.random.default_rng(9))
    rng = np.random.default_rng(9)
    coins = [random_order(task, model, values, answers, rng) for _ in range(3)]
    for i, (value, answer) in enumerate(zip(values, answers, strict=True)):
        for a, baseline in enumerate(task.input.baselines):
            orders = [np.argsort(-w[i]) for w in (maps["one"], *coins)]
            ours, *others = [slow_score(task, model, value, answer, order, baseline) for order in orders]
            deletion, insertion = np.array(ours) - np.mean(others, 0)
            assert found.deletion["one"][i, a] == pytest.approx(deletion, abs=1e-5)
            assert found.insertion["one"][i, a] == pytest.approx(insertion, abs=1e-5)


def test_the_best_order_beats_coins_and_the_worst_loses_to_them():
    weights = np.repeat([3.0, *[0.1] * (PARTS - 1)], 2)
    task, model = Sort(small()), Pair(linear(weights, -2.0))
    values = [np.full(16, 0.9, np.float32)] * 10
    maps = {"best": [weights[::2]] * 10, "worst": [-weights[::2]] * 10}
    found = faithfulness(task, model, values, [1] * 10, maps, np.random.default_rng(0))
    assert (found.deletion["best"].mean(0) > 0).all()
    assert (found.deletion["worst"].mean(0) < 0).all()
    assert (found.insertion["best"].mean(0) > 0).all()
    assert (found.insertion["worst"].mean(0) < 0).all()


def test_the_printed_score_is_that_of_the_worse_ablation(section):
    for kind in ("deletion", "insertion"):
        for method in QUICK:
            each = section.details["by_ablation"][kind][method]
            assert set(each) == {"zero", "half"}
            assert section[f"{kind}_{method}"].value == pytest.approx(min(each.values()), abs=1e-4)


def test_a_model_that_uses_one_part_is_explained_better_than_at_random(section):
    for method in QUICK:
        assert section[f"deletion_{method}"].low > 0
        assert section[f"insertion_{method}"].low > 0
    assert "Better than random: occlusion, gradient, integrated gradients." in section.sentence
    assert section["deletion_occlusion"].n == interpretability.PLANS["quick"].rows
    assert section["completeness_gap"].value < 0.1


@pytest.mark.parametrize("task", [Sort(small()), Read(small())], ids=["vectors", "words"])
def test_no_claim_is_made_for_a_model_that_looks_at_nothing(task):
    model = Constant() if isinstance(task, Sort) else task.build()
    if isinstance(task, Read):
        with torch.no_grad():
            model.last.weight.zero_()
    found = toys.measured(interpretability, context(task, model, rows(task, 60, "test")))
    assert found.status == "ok"
    assert "Better than random" not in found.sentence
    assert "Not shown to be better than random: occlusion" in found.sentence
    assert found["deletion_occlusion"].value == 0
    assert found["randomisation_occlusion"].value == 0  # a map that is all the same orders nothing


def test_no_claim_is_made_for_explanations_that_are_coins(sorted_subject, monkeypatch):
    measure_only(monkeypatch, occlusion=random_order)
    found = toys.measured(interpretability, sorted_subject)
    assert found["deletion_occlusion"].low <= 0 <= found["deletion_occlusion"].high
    assert "Better than random" not in found.sentence


def test_a_slow_model_is_explained_on_fewer_rows_and_a_very_slow_one_without_the_dearest_method(sorted_subject):
    slow, plan = replace(sorted_subject), interpretability.PLANS["quick"]
    parts, ways = 8, len(slow.task.input.baselines)
    assert slow.task.input.segments(slow.test[0].input) == parts
    judged = 1 + ways * 2 * (3 + 3) * len({1, 2, 4})  # three methods and three random orders; 1, 5, 10, 20, 50 % of 8
    explained = (1 + ways * parts) + (3 + ways) + (3 * 16 + ways)
    row = judged + explained * (1 + plan.untrained / plan.rows)

    slow.pass_seconds = plan.seconds / (20.5 * row)
    found = toys.measured(interpretability, slow)
    assert found["deletion_occlusion"].n == found["deletion_integrated_gradients"].n == 20
    assert "Integrated gradients" not in " ".join(found.details["notes"])

    slow.pass_seconds = plan.seconds / (9.9 * row)
    found = toys.measured(interpretability, slow)
    assert found["deletion_occlusion"].n >= FEW
    assert "deletion_integrated_gradients" not in {number.id for number in found.numbers}
    (note,) = [note for note in found.details["notes"] if note.startswith("Integrated gradients")]
    assert "not in the quick profile, since 50 forward passes a row" in note

    slow.pass_seconds = 1.0
    found = toys.measured(interpretability, slow)
    assert found["deletion_occlusion"].n == found["deletion_gradient"].n == FEW


def test_rows_are_half_wrong_where_there_are_enough_wrong_ones(sorted_subject):
    task = sorted_subject.task
    coin = context(task, task.build(), rows(task, 200, "test"))
    items, rejected = choose(coin, candidates(coin, 128), 64)
    assert len(items) == 64
    assert rejected == 0
    assert sum(i.right is False for i in items) == 32
    good, _ = choose(sorted_subject, candidates(sorted_subject, 128), 64)
    wrong = sum(i.right is False for i in good)
    assert len(good) == 64
    assert 0 < wrong < 32  # all that there are
    assert all(i.right is not None for i in good)


def test_the_untrained_model_is_the_same_each_time_and_no_global_state_moves():
    task = Sort()
    torch.manual_seed(3)
    first, expected = untrained(task, 0), torch.Generator().manual_seed(3)
    assert torch.equal(torch.rand(4), torch.rand(4, generator=expected))
    again, other = untrained(task, 0), untrained(task, 1)
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_an_explanation_that_tells_nothing_of_the_training_is_cautioned_against(sorted_subject, monkeypatch):
    by_place = lambda task, model, values, answers, rng: [np.arange(PARTS) * 1.0 for _ in values]  # noqa: E731
    measure_only(monkeypatch, occlusion=by_place)
    found = toys.measured(interpretability, sorted_subject)
    assert found["randomisation_occlusion"].value == pytest.approx(1)
    assert found["randomisation_absolute_occlusion"].value == pytest.approx(1)
    assert "Caution" in found.sentence


def test_rank_correlation_is_spearmans():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(0, 6, 12).astype(float), rng.normal(size=12)  # with ties
        assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_the_figure_shows_a_right_a_wrong_and_an_unsure_answer(section):
    (figure,) = section.figures
    assert figure.svg.startswith("<svg")
    assert "right, wrong, least sure" in figure.caption
    assert figure.svg.count("%\N{NO-BREAK SPACE}sure") == 3


def test_inputs_of_one_part_are_not_explained():
    class One(Vector):
        def segments(self, value):
            return 1

    task = Sort(small())
    task.input = One()
    found = toys.measured(interpretability, context(task, task.build(), rows(task, 20)))
    assert found.status == "not_applicable"
    assert "two or more parts" in found.reason


def test_words_of_any_number_are_explained():
    task = Read(small())
    test = [type(e)(e.input[: 2 + i % 5], e.target) for i, e in enumerate(rows(task, 80, "test"))]
    found = toys.measured(interpretability, context(task, trained(task, rows(task, 300)), test))
    assert found["deletion_occlusion"].low > 0
    assert {n.id for n in found.numbers} >= {"deletion_integrated_gradients", "randomisation_gradient"}


def test_measuring_twice_gives_the_same(sorted_subject, section):
    again = toys.measured(interpretability, sorted_subject)
    assert [n.estimate for n in again.numbers] == [n.estimate for n in section.numbers]


class Telling(Sort):
    """Tells two numbers beside its answer: one of a single part of the input, and one of nothing in it."""

    @property
    def estimates(self):
        return {"first part": lambda model, x: 3 * x[:, 0], "constant": lambda model, x: 0 * x[:, 0] + 7}


def test_what_is_told_beside_the_answer_is_explained_and_tried(sorted_subject):
    """It moves without the part that it is of; where it is of none, no explanation is better than random."""
    found = toys.measured(interpretability, replace(sorted_subject, task=Telling(small())))
    told = {number.id: number.estimate for number in found.numbers}
    for method in QUICK:
        assert told[f"deletion_first_part_{method}"].low > 0
        assert told[f"deletion_constant_{method}"].value == 0
    assert "Of the first part: better than random are occlusion, gradient, integrated gradients." in found.sentence
    assert "Of the constant: none is shown to be better than random." in found.sentence
    assert [figure.id for figure in found.figures][1:] == [
        "interpretability_examples_first_part",
        "interpretability_examples_constant",
    ]


def test_of_few_rows_nothing_is_concluded_of_what_is_told_beside_the_answer(sorted_subject):
    few = replace(sorted_subject, task=Telling(small()), test=sorted_subject.test[: FEW - 1])
    sentence = toys.measured(interpretability, few).sentence
    assert f"Of the first part: no verdict, since {FEW - 1} independent rows are too few." in sentence
    assert "better than random are" not in sentence


def test_an_explanation_of_what_is_told_beside_the_answer_names_its_part(sorted_subject):
    task, row = Telling(small()), sorted_subject.test[0]
    found = explain(task, sorted_subject.model, row.input, row.target, of="first part")
    assert [part for part, weight in enumerate(found.weights) if weight] == [0]
    assert found.to_json()["value"] == pytest.approx(3 * row.input[0], rel=1e-6)
    with pytest.raises(UsageError, match="Telling tells no 'frist part'"):
        explain(task, sorted_subject.model, row.input, row.target, of="frist part")
