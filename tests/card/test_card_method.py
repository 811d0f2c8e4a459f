"""The notes on method have every number, what was not measured and why, and the cost of measuring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_card import sample

from sounding.card import method
from sounding.card.card import Card
from sounding.card.parts import Part
from sounding.contract.evidence import Estimate, Section
from sounding.machine.metering.meter import Meter


def test_every_number_is_listed_with_what_explains_it():
    listed = {row["number"]: row for row in sample()["method"].details["every_number"]}
    numbers = [(s, n) for s in sample() for n in s.numbers]
    assert list(listed) == [f"{s.id}.{n.id}" for s, n in numbers]
    for section, n in numbers:
        row = listed[f"{section.id}.{n.id}"]
        assert (row["kind"], row["n"], row["seed"]) == (n.kind, n.estimate.n, n.seed)
        assert row["seconds"] == (round(n.seconds, 3) or None)


def test_what_was_not_measured_is_listed_with_its_reason():
    rows = sample()["method"].details["not_measured"]
    missing = [s for s in sample() if s.status != "ok"]
    assert [(row["section"], row["reason"]) for row in rows] == [(s.title, s.reason) for s in missing]
    assert "95 % each, not jointly" in sample()["method"].sentence
    assert "6 of 16 sections were measured" in sample()["method"].sentence
    assert "Prediction sets and abstention could not be measured" in sample()["method"].sentence


def test_the_cost_is_the_sum_over_sections_and_sittings():
    with Meter() as meter:
        sum(range(100_000))
    cost = replace(meter.cost, cpu_seconds=2.0, joules=Estimate(7.0, 3.5, 14.0, interval="model uncertainty"))
    parts = [Part(Section(id, id, seconds=3.0), cost) for id in ("data", "quality")]
    found = method.section(sample().header, parts)
    assert (found["measuring_seconds"].value, found["measuring_cpu_seconds"].value) == (6.0, 4.0)
    joules = found["measuring_joules"]
    assert (joules.value, joules.low, joules.high) == (14.0, 7.0, 28.0)
    assert "in 6.0 s and for an estimated 14 J, which are not part of the training's cost" in found.sentence
    assert [row["joules"] for row in found.details["cost_of_measuring"]] == [7.0, 7.0]


def test_a_card_from_before_there_were_notes_gets_them_when_it_is_written():
    old = Card(sample().header, tuple(s for s in sample() if s.id != "method"))
    assert method.complete(old)[-1].id == "method"
    assert method.complete(sample()) == sample().sections
    assert 'id="method"' in old.html()
    assert "## Method notes" in old.markdown()


@pytest.mark.parametrize("sections", [(), (Section("data", "Data"),)])
def test_a_card_with_next_to_nothing_has_notes(sections):
    assert "sections were measured" in Card(sample().header, sections).html()
