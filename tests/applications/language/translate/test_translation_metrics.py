"""How translations are judged, against sacreBLEU, and by hand."""

import math

import numpy as np
import pytest

from sounding.applications.language.shared.fidelity import name_fidelity, number_fidelity
from sounding.applications.language.shared.rewritten import Rewritten
from sounding.applications.language.translate import bleu, chrf, fidelity
from sounding.contract.records import Record

TRUTHS = (
    "Zwei junge, weiße Männer sind im Freien in der Nähe vieler Büsche.",
    "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
    "Das kostet 1.299,50 EUR (ohne MwSt.) – nicht \"teuer\" &amp; gut!",
    "Ja.",
    "日本語 の 文",
    "He said: it's state-of-the-art, 3-4 times; a.b.c",
)  # fmt: skip
ANSWERS = (
    "Zwei junge Männer sind draußen in der Nähe von Büschen.",
    "Ein kleines Mädchen klettert in ein Spielhaus.",
    "Das kostet 1.299,50 EUR ohne MwSt - nicht teuer & gut !",
    "Nein.",
    "日本 の 文章",
    "He says: it is state-of-the-art, 3-4 times, a.b.c.",
)


def record(value, truth, source="", ended=True, confidence=0.5):
    return Record(Rewritten.of(value, source, ended), truth, confidence, 1.0)


@pytest.mark.parametrize("some", [range(6), [0], [3], [0, 3], [4], [5, 2]], ids=str)
def test_chrf_and_bleu_are_those_of_sacrebleu(some):
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacreBLEU is the one that is compared with")
    answers, truths = [ANSWERS[k] for k in some], [TRUTHS[k] for k in some]
    records = [record(a, b) for a, b in zip(answers, truths, strict=True)]
    assert chrf.chrf().value(records) == pytest.approx(sacrebleu.corpus_chrf(answers, [truths]).score, abs=1e-6)
    assert bleu.bleu().value(records) == pytest.approx(sacrebleu.corpus_bleu(answers, [truths]).score, abs=1e-6)
    for metric, ours in ((sacrebleu.BLEU(), bleu), (sacrebleu.CHRF(), chrf)):
        metric.corpus_score(answers, [truths])
        assert str(metric.get_signature()).startswith(ours.SIGNATURE)


def test_noise_is_judged_as_sacrebleu_judges_it():
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacreBLEU is the one that is compared with")
    rng = np.random.default_rng(0)
    signs = list("aab bc.,-'\"&!?()/0123 @%ßÄ中")
    lines = ["".join(rng.choice(signs, rng.integers(1, 40))) for _ in range(60)]
    answers, truths = lines[:30], [a[:20] + b for a, b in zip(lines[:30], lines[30:], strict=True)]
    records = [record(a, b) for a, b in zip(answers, truths, strict=True)]
    assert chrf.chrf().value(records) == pytest.approx(sacrebleu.corpus_chrf(answers, [truths]).score, abs=1e-6)
    assert bleu.bleu().value(records) == pytest.approx(sacrebleu.corpus_bleu(answers, [truths]).score, abs=1e-6)


def test_empty_answers_have_a_score():
    assert chrf.chrf().value([record("", "Ja.")]) == 0
    assert bleu.bleu().value([record("", "Ja.")]) == 0


def test_numbers_are_alike_however_they_are_written():
    metric = number_fidelity()
    assert metric.value([record("um 9:30 sind es 1,000", "at 9.30 there are 1.000 or 7")]) == pytest.approx(2 / 3)
    assert math.isnan(metric.value([record("9", "nine")]))


def test_names_are_what_has_a_capital_on_both_sides():
    metric = name_fidelity()
    source, truth = "Anna meets Bob in the House", "Anna trifft Bob im Haus"
    assert metric.value([record("Anna trifft Rob im Haus", truth, source)]) == 0.5
    assert math.isnan(metric.value([record("Haus", "Haus", "the house")]))


def test_copies_and_texts_without_an_end_are_counted():
    source = "Two dogs run over the green grass"
    records = [
        record(source, "Zwei Hunde rennen über das grüne Gras", source),
        record("Two Hunde run over the green grass", "Zwei Hunde rennen über das grüne Gras", source),
        record("Zwei Hunde rennen", "Zwei Hunde rennen über das grüne Gras", source, ended=False),
        record("taxi", "Taxi", "Taxi"),  # where the truth is the same, nothing is wrong
    ]
    found = fidelity.details(records)
    assert {row["answers"]: row["rows"] for row in found["answers_to_look_at"]} == {
        "untranslated": 2,
        "without an end": 1,
        "empty": 0,
    }
    assert found["answers_to_look_at"][0]["such as"] == source
    assert "0.82 words" in found["notes"][0]


def test_words_that_are_right_are_counted_as_often_as_they_stand_there():
    metric = fidelity.word_precision()
    told = record("the the dog runs", "the dog sleeps", confidence=0.7)
    assert metric.value([told]) == 0.5
    assert metric.hit(told) == [(0.7, True), (0.7, False), (0.7, True), (0.7, False)]
    assert metric.hit(Record("x", "x", None, 0.0)) == []


def test_length_is_told_in_words():
    assert fidelity.length_ratio([record("a b", "a b c d"), record("a", "b c")]) == 0.5
    assert math.isnan(fidelity.length_ratio([record("a", "")]))
