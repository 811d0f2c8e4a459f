"""ROUGE beside the figures that the rouge-score package (0.1.2, use_stemmer=False) gives for the same texts."""

import itertools
import random

import numpy as np
import pytest

from sounding.applications.language.summarize.rouge import best, common, rouge, scores, words
from sounding.applications.language.summarize.summaries import References
from sounding.contract.records import Record

GOLDEN = (
    ("The cat sat on the mat.", ["The cat sat on the mat."], (100.0000, 100.0000, 100.0000)),
    ("the cat the cat the cat", ["The cat is on the mat."], (50.0000, 20.0000, 50.0000)),
    ("Police killed the gunman", ["the gunman killed police"], (100.0000, 33.3333, 50.0000)),
    ("tool for locating AES keys", ["find AES keys in memory", "tool to find AES keys"], (60.0000, 25.0000, 60.0000)),
    (
        "Prices rose by 3.5% in May, to 1,204.",
        ["In May prices rose 3.5 percent", "Prices: 1204 in May"],
        (70.5882, 40.0000, 47.0588),
    ),
    ("Größe und Maß", ["Die Größe, das Maß"], (66.6667, 28.5714, 66.6667)),
    ("don't stop-gap it's", ["do not stop gap; its"], (36.3636, 22.2222, 36.3636)),
    ("nothing alike", ["wholly other words"], (0.0000, 0.0000, 0.0000)),
    ("one", ["one two three four five six"], (28.5714, 0.0000, 28.5714)),
    ("a_b c\nd\te", ["a b c d e"], (100.0000, 100.0000, 100.0000)),
)
"""Answer, true summaries, and 100 · F of rouge1, rouge2 and rougeL of `RougeScorer.score_multi`."""


@pytest.mark.parametrize(("answer", "truths", "figures"), GOLDEN)
def test_the_figures_are_those_of_rouge_score(answer, truths, figures):
    assert best(answer, truths) == pytest.approx(figures, abs=1e-4)


def test_the_mean_over_rows_is_the_metric_and_of_several_truths_the_best_counts():
    records = [Record(answer, References.of(truths), 0.5, 1.0) for answer, truths, _ in GOLDEN]
    for place, metric in enumerate(rouge()):
        assert metric.value(records) == pytest.approx(np.mean([row[2][place] for row in GOLDEN]), abs=1e-4)


def test_the_longest_common_subsequence_is_that_of_trying_all():
    rng = random.Random(0)
    for _ in range(30):
        a, b = ([rng.choice("abc") for _ in range(rng.randrange(8))] for _ in range(2))
        parts = ({p for n in range(len(t) + 1) for p in itertools.combinations(t, n)} for t in (a, b))
        assert common(a, b) == max(map(len, set.intersection(*parts)))


def test_a_script_without_latin_letters_has_words_where_that_is_asked_for():
    assert words("Собака спит.") == ()
    assert words("Собака спит.", unicode=True) == ("собака", "спит")
    record = Record("Собака спит.", "Собака ест.", None, 1.0)
    assert rouge()[0].value([record]) == 0
    assert rouge(unicode=True)[0].value([record]) == pytest.approx(50)


def test_each_word_of_an_answer_is_right_as_often_as_the_nearest_truth_has_it():
    record = Record("the cat and the hat", References.of(["a dog", "The cat in the hat."]), 0.7, 1.0)
    assert rouge()[0].hit(record) == [(0.7, True), (0.7, True), (0.7, False), (0.7, True), (0.7, True)]
    assert not rouge()[0].hit(Record("the cat", "the cat", None, 1.0))


def test_nothing_shares_nothing():
    assert scores((), ("a",)).tolist() == [0, 0, 0]
    assert scores((), ()).tolist() == [0, 0, 0]
