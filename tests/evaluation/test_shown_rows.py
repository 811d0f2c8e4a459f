"""The rows that a card shows are the worst, the middle and the best, with the truth beside the answer."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
import soundfile

from sounding.applications.speech.transcribe.task import Transcribe
from sounding.applications.vision.classify import Classify
from sounding.applications.vision.detect.task import Detect
from sounding.contract.metrics import row_loss
from sounding.contract.records import Example, Record
from sounding.evaluation.shown_rows import chosen, ranked_values, shown_rows
from sounding.modalities.boxes.boxes import BoxSet

MOST = {"worst": 4, "typical": 2, "best": 3}


def with_losses(losses):
    return [Record("a", "b", 0.5, loss) for loss in losses]


def test_the_worst_the_middle_and_the_best_are_chosen():
    losses = [5, 0, 9, 3, 4, 2, 8, 1, 7, 6, 10]
    found = chosen(ranked_values(row_loss(), with_losses(losses)), with_losses(losses), MOST, higher_is_better=False)
    told = {name: [losses[i] for i in places] for name, places in found.items()}
    assert told == {"worst": [10, 9, 8, 7], "typical": [6, 5], "best": [0, 1, 2]}


def test_the_loss_breaks_ties_and_what_is_not_known_is_not_shown():
    values, losses = np.array([1.0, 1.0, 0.0, 0.0, np.nan]), [1, 2, 3, 4, 99]
    found = chosen(values, with_losses(losses), {"worst": 2, "typical": 0, "best": 2})
    assert {name: [losses[i] for i in places] for name, places in found.items()} == {"worst": [4, 3], "best": [1, 2]}


@pytest.mark.parametrize("n", range(12))
def test_no_row_is_shown_twice_and_few_rows_are_all_shown(n):
    found = chosen(np.arange(n, dtype=float), with_losses([1.0] * n), MOST)
    shown = [i for places in found.values() for i in places]
    assert len(set(shown)) == len(shown) == min(n, sum(MOST.values()), n if n >= 8 else 2 * n)
    assert "worst" in found or n == 0


class Named(list):
    """Rows that know where they lie, as those of files do."""

    def where(self, i):
        return f"/home/somebody/private/pictures/{i}.png"


def test_answers_in_words_stand_under_their_input():
    task = Classify()
    pictures = [np.full((20, 20, 3), 10 * i, np.uint8) for i in range(12)]
    rows = Named(Example(p, "cat") for p in pictures)
    task.fit(rows)
    records = [Record("dog" if i < 3 else "cat", "cat", 0.9, 12.0 - i) for i in range(12)]
    figures = {figure.id: figure for figure in shown_rows(task, rows, records)}
    worst = figures["quality_worst"].svg
    assert worst.index("pictures/0.png") < worst.index("pictures/1.png") < worst.index("pictures/2.png")
    assert worst.count("truth: cat") == worst.count("<image") == 6
    assert worst.count("answer: dog (0.90 sure)") == 3
    assert "private" not in worst  # a card may be published
    assert "loss" in figures["quality_worst"].caption


def test_answers_with_a_place_are_drawn_beside_the_truth():
    task, rng = Detect(), np.random.default_rng(0)
    rows = task.demo(rng, 10)
    task.fit(rows)
    nothing = BoxSet(np.zeros((0, 4)), (), np.zeros(0))
    records = [Record(e.target if i else nothing, e.target, 0.5, 1.0) for i, e in enumerate(rows)]
    worst = next(shown_rows(task, rows, records))
    assert worst.id == "quality_worst"
    assert "row 1 " in worst.svg
    assert "F1 0<" in worst.svg
    assert "answer: nothing" in worst.svg
    assert worst.svg.count("<image") == 2 * 4


def test_records_of_other_things_than_rows_show_nothing():
    task = Classify()
    rows = [Example(np.zeros((8, 8, 3), np.uint8), name) for name in ("cat", "dog", "cat")]
    task.fit(rows)
    right = [Record(e.target, e.target, 0.5, 1.0) for e in rows]
    assert list(shown_rows(task, rows, right))
    assert not list(shown_rows(task, rows, right[:2]))
    assert not list(shown_rows(task, rows[::-1], [right[1], right[0], right[2]]))


def test_recordings_that_are_shown_can_be_played():
    task, rng = Transcribe(Transcribe.Recipe.make("tiny")), np.random.default_rng(0)
    rows = task.demo(rng, 4)
    task.fit(rows)
    records = [Record("so", e.target, 0.5, 1.0) for e in rows]
    figures = list(shown_rows(task, rows, records))
    clips = {clip.name: clip for figure in figures for clip in figure.clips}
    assert set(clips) == {f"row {i + 1}" for i in range(4)}
    samples, rate = soundfile.read(BytesIO(base64.b64decode(clips["row 2"].base64)))
    assert rate == task.recipe.rate
    np.testing.assert_allclose(samples, rows[1].input, atol=1e-4)
