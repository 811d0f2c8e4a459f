"""Memorisation: models that copy, or do not, by a table; what stands in a text is found by looking for it there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from challenges import toys
from torch import nn

from sounding.applications.language.generate.task import Generate
from sounding.challenges import memorisation
from sounding.challenges.memorisation import trained_texts
from sounding.contract.records import Example, Prediction
from sounding.evaluation.context import EvaluationContext

WORDS = ("river", "stone", "lamp", "green", "seven", "walks", "under", "a", "quiet", "bridge", "of", "glass", "until")


def prose(seed: int, words: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


LEARNT, FOREIGN = prose(1, 3000), prose(2, 400).upper()


class Table(Generate):
    """Writes what a table says, whatever its model would."""

    answers: tuple[str, ...] = ()

    def predict(self, model, inputs):
        return [Prediction(self.answers[k % len(self.answers)]) for k in range(len(inputs))]


def section(*answers: str, test: str = FOREIGN, **words):
    task = Table(Generate.Recipe.make("tiny", {"context": 60}))
    task.fit([Example(LEARNT + FOREIGN)])
    task.answers = answers
    rows = task.windows([test])
    made = EvaluationContext(task, nn.Linear(2, 2), task.windows([LEARNT]), (), rows, **words)
    return toys.measured(memorisation, made)


def test_a_model_that_copies_is_told_from_one_that_does_not():
    found = section(" ".join(LEARNT.split()[100:140]))
    assert found["characters"].value == found["words"].value == 1
    assert found["characters_floor"].value == 0
    assert found.sentence.endswith("It copies more than chance repeats.")
    new = section(FOREIGN[:200].swapcase() + "!")  # of the same words, in an order that nobody learnt
    assert new["characters"].value == 0
    assert new["characters"].high > 0
    assert "is not shown" in new.sentence
    assert "longest_copied" not in new.details


def test_the_share_is_that_of_all_stretches_wherever_windows_were_cut():
    answer = LEARNT[111:191] + "0123456789" * 12
    found = section(answer)
    stretches = [answer[k : k + 50] for k in range(len(answer) - 49)]
    expected = sum(stretch in LEARNT for stretch in stretches) / len(stretches)
    assert 0 < expected < 1
    assert found["characters"].value == pytest.approx(expected)
    assert found.details["longest_copied"][0] == {"characters": 80, "text": answer[:80].strip()}


def test_what_language_repeats_is_the_floor():
    found = section(LEARNT[500:700], test=LEARNT[:900])
    assert found["characters_floor"].value == 1  # the test rows are training text
    assert "is not shown" in found.sentence


def test_windows_are_put_together_as_the_document_was():
    task = Generate(Generate.Recipe.make("tiny", {"context": 40}))
    task.fit([Example(LEARNT)])
    (whole,) = trained_texts(task, task.windows([LEARNT]))
    assert whole.startswith(LEARNT[:-40])  # the last window shares more than a token with the one before
    assert whole.endswith(LEARNT[-40:])
    cut = list(trained_texts(task, task.windows([LEARNT]), limit=1000))
    assert 1000 <= len("".join(cut)) < 1100


def test_short_texts_are_measured_by_what_they_have_and_without_any_the_section_says_why():
    few = section("one two three", prose(3, 30)[:45])
    assert "characters" not in {number.id for number in few.numbers}
    assert few["words"].n >= 1
    nothing = section("a b c")
    assert nothing.status == "not_applicable"
    assert "no text that was written has 8 words or 50 characters" in nothing.reason


def test_a_task_that_writes_nothing_has_nothing_to_measure():
    from challenges.dots_bench import bench

    found = toys.measured(memorisation, bench())
    assert found.status == "not_applicable"
    assert "nothing is written" in found.reason


def test_the_same_seed_gives_the_same_numbers():
    torch.manual_seed(1)
    again = [section(LEARNT[:100] + FOREIGN[:100].lower(), seed=3).numbers for _ in range(2)]
    assert [number.estimate for number in again[0]] == [number.estimate for number in again[1]]
