"""The section on the data says what the report says, names leaks, and warns where numbers mean less than they seem."""

from __future__ import annotations

from dataclasses import asdict

from card.sample_card import HOSTILE, report
from challenges import toys

from sounding.challenges import data
from sounding.contract.evidence import Section
from sounding.data.report import Duplicates, Pairs, RejectedRow, Report
from sounding.evaluation.context import EvaluationContext


def section(values: dict, rows: tuple[int, int, int] = (0, 0, 0)) -> Section:
    return toys.measured(data, EvaluationContext(toys.Sort(), None, *([None] * n for n in rows)), report=values)


def warnings(values: dict) -> str:
    return " ".join(section(values).details["warnings"])


def fine(**changes) -> dict:
    """A report that gives nothing to worry about, but for `changes`."""
    plain = {"splits": {"train": 800, "validation": 100, "test": 100}, "problems": []}
    return plain | {"duplicates": asdict(Duplicates()), "rejected": []} | changes


def test_every_count_of_the_report_is_a_number():
    found = section(report())
    counts = {number.id: (number.estimate.value, number.estimate.n) for number in found.numbers}
    assert counts == {
        "train": (3372, 4815),
        "validation": (480, 4815),
        "test": (963, 4815),
        "classes": (3, 3372),
        "rejected": (3, 4818),
        "duplicates": (0, 1443),
        "near_duplicates": (2, 1443),
    }
    assert all(number.kind == "measured" and number.definition for number in found.numbers)
    assert "4,815 rows of photos were used" in found.sentence
    assert "3 rows were rejected; of validation and test, 2 rows look like one of another split" in found.sentence


def test_the_tables_have_every_class_refusal_and_pair():
    details = section(report()).details
    assert details["classes"][2] == {"class": HOSTILE, "train": 100, "validation": 70, "test": 143}
    assert [row["where"] for row in details["rejected"]] == ["photos/cat/3.jpg", "photos/cat/8.jpg", "photos/cat/9.jpg"]
    assert {"row": "b.jpg", "is_like": "c.jpg"} in details["near_duplicates"]


def test_good_data_give_no_warning():
    assert warnings(fine(classes={"a": {"train": 400, "test": 50}, "b": {"train": 400, "test": 50}})) == ""


def test_few_test_rows_are_warned_of():
    assert "only 99 rows to test on: expect wide intervals" in warnings(
        fine(splits={"train": 9, "validation": 9, "test": 99})
    )
    assert "no test rows" in warnings(fine(splits={"train": 9, "validation": 9, "test": 0}))
    assert "no validation rows" in warnings(fine(splits={"train": 9, "validation": 0, "test": 500}))


def test_uneven_and_untested_classes_are_named():
    uneven = {"cat": {"train": 700, "test": 90}, "newt": {"train": 70, "test": 10}}
    assert "700 rows to train on are ‘cat’ and 70 ‘newt’" in warnings(fine(classes=uneven))
    uneven["newt"]["train"] = 71
    assert warnings(fine(classes=uneven)) == ""
    uneven["newt"]["test"] = 0
    assert "No test row is ‘newt’: the card says nothing about it" in warnings(fine(classes=uneven))


def test_leaks_are_named_and_the_rest_is_counted():
    places = tuple((f"test/{i}.jpg", f"train/{i}.jpg") for i in range(100))
    duplicates = asdict(Duplicates(across=Pairs(230, places), near=Pairs(1, (("a", "b"),))))
    said = warnings(fine(duplicates=duplicates))
    assert "230 rows of validation or test stand in another split as well" in said
    assert "test/2.jpg and train/2.jpg and 97 more" in said
    assert "test/3.jpg" not in said
    assert "1 row of validation or test looks like a row of another split" in said


def test_a_real_report_is_understood():
    made = Report(
        "reviews.csv", 11, {"train": 8, "validation": 1, "test": 1}, rejected=(RejectedRow("reviews.csv:3", "no text"),)
    )
    found = section(made.to_json())
    assert found["rejected"].value == 1
    assert found["rejected"].n == 11
    assert "1 row was rejected." in found.sentence


def test_a_report_that_lacks_everything_is_made_up_for_by_counting():
    found = section({}, (5, 3, 2))
    assert [number.estimate.value for number in found.numbers] == [5, 3, 2]
    assert "10 rows were used, 5 to train, 3 to validate and 2 to test" in found.sentence


def test_problems_of_the_report_are_warnings():
    assert warnings(fine(problems=["all rows are of one class"])) == "all rows are of one class"


def test_the_sentence_and_the_counts_tell_copies_from_rows_that_look_alike():
    both = asdict(Duplicates(across=Pairs(1, (("a", "b"),)), near=Pairs(4, (("c", "d"),))))
    found = section(fine(duplicates=both))
    assert (found["duplicates"].value, found["near_duplicates"].value) == (1, 4)
    assert "1 row has a copy in another split and 4 rows look like one of another split" in found.sentence
    none = section(fine()).sentence
    assert "copy" not in none
    assert "look" not in none
