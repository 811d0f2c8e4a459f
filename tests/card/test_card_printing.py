"""Numbers are printed with sensible digits, units and sides; details become tables without losing anything."""

from __future__ import annotations

import pytest
from sample_card import number

from sounding.card.printing import definitions, first_sentence, printed, tables
from sounding.contract.evidence import COUNTED, Bound, Number, Section
from sounding.wording import duration


@pytest.mark.parametrize(
    ("value", "low", "high", "more", "expected"),
    [
        (0.873, 0.852, 0.891, {}, "0.873 [0.852, 0.891]"),
        (1.0, 0.99, 1.0, {}, "1.000 [0.990, 1.000]"),
        (0.0, 0.0, 0.01, {}, "0.000 [0.000, 0.010]"),
        (-0.021, -0.05, 0.01, {}, "−0.021 [−0.050, 0.010]"),
        (0.12, 0.08, 0.17, {"kind": "bound", "bound": Bound.UPPER}, "at most 0.120 [0.080, 0.170]"),
        (0.42, 0.38, 0.46, {"kind": "bound", "bound": Bound.LOWER}, "at least 0.420 [0.380, 0.460]"),
        (0.0021, 0.0019, 0.0023, {"unit": "J"}, "2.10 mJ [1.90, 2.30]"),
        (7912.0, 2611.0, 23736.0, {"unit": "J"}, "7.91 kJ [2.61, 23.74]"),
        (0.0021, None, None, {"unit": "J per prediction"}, "2.10 mJ per prediction"),
        (123.4, 120.0, 130.0, {"unit": "s"}, "123 s [120, 130]"),
        (0.00413, None, None, {"unit": "s"}, "4.13 ms"),
        (4.13e7, None, None, {"unit": "FLOP"}, "41.3 MFLOP"),
        (284714.0, None, None, {}, "284,714"),
        (0.0, None, None, {"unit": "rows", "interval": COUNTED}, "0 rows"),
        (1.0, None, None, {"interval": COUNTED}, "1"),
        (1523.7, 1490.0, 1560.2, {"unit": "Elo"}, "1,524 Elo [1,490, 1,560]"),
        (12.345, 11.0, 13.0, {"unit": "%"}, "12.3 % [11.0, 13.0]"),
        (0.00042, 0.0001, 0.0009, {}, "0.000420 [0.000100, 0.000900]"),
        (250.0, 100.0, None, {}, "250 from 100 up"),
        (float("nan"), None, None, {}, "no value"),
        (float("inf"), None, None, {}, "no value"),
    ],
)
def test_a_number_in_words(value, low, high, more, expected):
    assert str(printed(number("x", "x", value, low, high, **more))) == expected


def test_the_method_of_an_interval_is_named():
    assert printed(number("x", "x", 0.5, 0.4, 0.6, interval="wilson")).how == "95 %, Wilson"
    assert printed(number("x", "x", 5, 2, 9, interval="model uncertainty")).how == "model uncertainty"
    assert printed(number("x", "x", 5, None, None)).how == "no interval"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.42, "0.4 s"), (47, "47 s"), (200, "3 min 20 s"), (59.7, "1 min 0 s")]
)
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def test_each_definition_is_said_once_and_what_several_share_is_said_of_them_together():
    how = "mean over 5 shares of the parts; up to half of the rows chosen among wrong answers"
    numbers = [
        defined(f"{kind} beyond random, {method}", f"{words} minus random; {how}")
        for method in ("occlusion", "gradient")
        for kind, words in (("deletion", "likelihood lost"), ("insertion", "likelihood left"))
    ]
    said = definitions([*numbers, defined("completeness gap", "sum of weights against the change; median")])
    assert [(one.names, one.text) for one in said if not one.common] == [
        ("deletion beyond random (occlusion, gradient)", "likelihood lost minus random"),
        ("insertion beyond random (occlusion, gradient)", "likelihood left minus random"),
        ("completeness gap", "sum of weights against the change; median"),
    ]
    assert [(one.names, one.text) for one in said if one.common] == [
        ("deletion beyond random (occlusion, gradient); insertion beyond random (occlusion, gradient)", how)
    ]


def test_numbers_of_one_definition_keep_all_of_it():
    two = [defined(f"energy, batch {size}", "energy of one; with decoding") for size in (1, 32)]
    assert [(one.names, one.text) for one in definitions(two)] == [
        ("energy (batch 1, batch 32)", "energy of one; with decoding")
    ]


def defined(name: str, definition: str) -> Number:
    return number(name.replace(" ", "_"), name, 0.5, None, None, definition=definition)


def test_details_become_tables():
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    details = {
        "by_class": [{"class": "a_b", "n": 1200, "recall": estimate}, {"class": "c", "note": "few"}],
        "severity": {"noise_1": {"1": 0.8, "5": 0.25}},
        "shares": {"a_b": 0.25, "c": None},
        "clean": estimate,
        "kept": [{"by": {"mean": 0.5, "blur": None}}],
        "attacks": ["pgd", "square"],
        "masked": False,
        "warnings": ["not here"],
        "empty": [],
    }
    found = {table.title: table for table in tables(Section("x", "X", details=details))}
    assert list(found) == ["by class", "severity", "shares", "kept", "More"]
    assert found["by class"].head == ("class", "n", "recall", "note")
    assert found["by class"].rows == (("a_b", "1,200", "0.500 [0.400, 0.600]", "—"), ("c", "—", "—", "few"))
    assert found["severity"].head == ("", "1", "5")
    assert found["severity"].rows == (("noise_1", "0.800", "0.250"),)
    assert found["shares"].rows == (("a_b", "0.250"), ("c", "—"))
    assert found["kept"].rows == (("mean 0.500, blur —",),)
    assert found["More"].rows == (("clean", "0.500 [0.400, 0.600]"), ("attacks", "pgd, square"), ("masked", "no"))


def test_rows_that_are_too_many_are_counted():
    (table,) = tables(Section("x", "X", details={"rows": [{"i": i} for i in range(730)]}))
    assert len(table.rows) == 500
    assert table.omitted == 230


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Accuracy is 0.873 [0.852, 0.891]. The worst is fog.", "Accuracy is 0.873 [0.852, 0.891]."),
        ("Reading reviews.csv took 1.5 s and no more", "Reading reviews.csv took 1.5 s and no more"),
        ("", ""),
    ],
)
def test_the_first_sentence(text, first):
    assert first_sentence(text) == first
