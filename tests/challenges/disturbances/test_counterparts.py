"""Counterparts in two sets, planted."""

import pytest

from sounding.challenges.disturbances.counterparts import both_right, pairs
from sounding.contract.metrics import accuracy, mean_loss
from sounding.contract.records import Record


def records(answers: dict[str, bool]) -> list[Record]:
    return [Record("yes" if right else "no", "yes", 0.9, 0.1, group.split("#")[0]) for group, right in answers.items()]


HERE = {"a": True, "b": True, "c": False, "d": True, "e": True, "e#2": True, "": True}
THERE = {"d": True, "c": True, "b": False, "a": True, "e": True, "f": False, "": True}


def test_rows_of_one_group_that_stand_once_in_each_set_are_pairs():
    found = pairs(records(HERE), records(THERE))
    assert [a.group for a, _ in found] == [b.group for _, b in found] == ["a", "b", "c", "d"]


def test_a_pair_is_right_when_both_of_it_are():
    number = both_right(accuracy(), records(HERE), records(THERE))
    assert number.estimate.value == pytest.approx(2 / 4)
    assert number.estimate.n == 4
    assert "of the test rows alone 0.750, of the others 0.750" in number.definition


def test_without_pairs_or_without_right_answers_there_is_no_number():
    assert both_right(accuracy(), records({"": True, "x": True}), records({"": True, "y": True})) is None
    assert both_right(mean_loss(), records(HERE), records(THERE)) is None
