"""How targets follow what an augmentation did to their inputs, and that none does so silently wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from sounding.contract.answers import MixedTarget, transformed
from sounding.contract.change import Change, ClassPreserving, Mixed, Successive, Unchanged, successive
from sounding.contract.modality import Modality
from sounding.errors import UsageError
from sounding.modalities.boxes.boxes import Boxes, BoxSet
from sounding.modalities.category import Category
from sounding.modalities.pictures.changes import Moved

SWAPPED = Mixed(torch.tensor([1, 0]), torch.tensor([0.75, 0.5]))
RIGHT_HALF = Moved(torch.tensor([[[0.5, 0, 0.5], [0, 1, 0]], [[1.0, 0, 0], [0, 1, 0]]]))


@dataclass(frozen=True)
class Masked(ClassPreserving):
    """Words gone from a text."""


@dataclass(frozen=True)
class Turned(Change):
    """A board turned by a quarter."""


class Number(Modality):
    """An answer that follows nothing."""

    def read(self, cell: Any, root: Any = None) -> float:
        return float(cell)

    def encode(self, values: Any) -> Any:
        return torch.tensor(values)


def test_targets_of_unchanged_inputs_stay_whatever_they_are():
    assert transformed(Number(), [1.0, 2.0], Unchanged()) == [1.0, 2.0]


def test_a_class_stays_where_the_input_is_still_an_example_of_it():
    assert transformed(Category(), ["a", "b"], Masked()) == ["a", "b"]
    assert transformed(Category(), ["a", "b"], RIGHT_HALF) == ["a", "b"]


@pytest.mark.parametrize(("target", "change"), [(Category(), Turned()), (Boxes(), Masked()), (Number(), Masked())])
def test_a_change_that_an_answer_does_not_know_is_refused(target, change):
    with pytest.raises(UsageError, match=f"{type(target).__name__} answers cannot follow .* {type(change).__name__}"):
        transformed(target, ["a"], change)


def test_changes_are_followed_one_after_the_other():
    values = [BoxSet([[0.5, 0, 0.75, 1]], ("a",)), BoxSet([[0, 0, 1, 1]], ("b",))]
    first, second = transformed(Boxes(), values, Successive((RIGHT_HALF, SWAPPED)))
    assert first.labels == ("a", "b")
    assert first.corners.tolist() == [[0, 0, 0.5, 1], [0, 0, 1, 1]]  # each moved by its own map before they are mixed
    assert second.corners.tolist() == [[0, 0, 1, 1], [0, 0, 0.5, 1]]
    assert transformed(Category(), ["a", "b"], Successive((RIGHT_HALF, SWAPPED))) == [
        MixedTarget("a", "b", 0.75),
        MixedTarget("b", "a", 0.5),
    ]


def test_steps_that_change_nothing_are_left_out():
    assert isinstance(successive(Unchanged(), Unchanged()), Unchanged)
    assert successive(Unchanged(), SWAPPED) is SWAPPED
    assert successive(RIGHT_HALF, SWAPPED) == Successive((RIGHT_HALF, SWAPPED))
