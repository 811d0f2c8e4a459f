"""What a summary says that its document does not, and how much shorter it is."""

import math

import pytest

from sounding.applications.language.shared.fidelity import name_fidelity, number_fidelity
from sounding.applications.language.shared.rewritten import Rewritten
from sounding.applications.language.summarize.faithful import compression, invented, novel_pairs, novelty
from sounding.contract.records import Record

DOCUMENT = "On Monday the mayor of Brenby, Ada Holt, bought 1,250 trees for 30 streets."


def record(answer, truth="Ada Holt buys 1,250 trees", document=DOCUMENT):
    return Record(Rewritten.of(answer, document), truth, 0.5, 1.0)


def test_numbers_and_names_of_the_true_summary_survive_or_do_not():
    right, half = record("mayor Ada Holt has 1250 trees"), record("Ada has 30 trees")
    assert number_fidelity().value([right]) == 1
    assert number_fidelity().value([right, half]) == 0.5
    assert name_fidelity().value([right, half]) == 0.75
    assert math.isnan(number_fidelity().value([record("Ada", "no figure")]))


def test_what_the_document_has_not_is_invented():
    assert invented().value([record("The mayor of Brenby bought 1.250 trees")]) == 0
    assert invented().value([record("The mayor of Morton bought 40 trees for Ada")]) == pytest.approx(2 / 3)
    assert math.isnan(invented().value([record("Trees were bought")]))  # a capital that begins a sentence is none
    assert math.isnan(invented().value([Record("40 trees", "40 trees", None, 1.0)]))  # of no known document


def test_novelty_counts_what_does_not_stand_in_the_document():
    copied, own = record("the mayor of Brenby"), record("the mayor got trees")
    assert novel_pairs().value([copied]) == 0
    assert novel_pairs().value([own]) == pytest.approx(2 / 3)
    table = novelty([own])
    assert [row["answers"] for row in table] == [0.25, 0.667, 1.0, 1.0]
    assert [row["true summaries"] for row in table] == [0.2, 0.5, 1.0, 1.0]


def test_compression_is_words_for_a_word():
    assert compression().value([record("a b", document="c d e f"), record("a", document="c d")]) == 2
