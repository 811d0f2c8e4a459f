"""How many of what, as a person says it."""

import pytest

from sounding.wording import counted, percent


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ((1, "row"), "1 row"),
        ((0, "row"), "0 rows"),
        ((1200, "row"), "1,200 rows"),
        ((1, "person"), "1 person"),
        ((2, "person"), "2 people"),
        ((2, "class"), "2 classes"),
        ((3, "test row"), "3 test rows"),
        ((1, "row", "were"), "1 row was"),
        ((2, "row", "have"), "2 rows have"),
        ((1, "group", "have"), "1 group has"),
        ((1, "person", "may"), "1 person may"),
    ],
)
def test_counts_agree_with_what_they_count(count, words):
    assert counted(*count) == words


def test_a_percentage_has_one_form():
    assert [percent(0.6), percent(0.0284, 1), percent(1)] == ["60 %", "2.8 %", "100 %"]
