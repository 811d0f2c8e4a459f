"""Costs that a person gives from a meter of their own."""

from __future__ import annotations

import json

import pytest

from sounding.errors import RunError, UsageError
from sounding.machine.metering.cost import METER, Cost, exactly, given, spread, with_joules

FOUND = Cost(
    40.0, 80.0, spread(280.0, (0.33, 3.0)), "estimate: 3.5 W per CPU-second", "estimated", 300.0, exactly(5.0), "rapl"
)


def test_joules_from_a_plug_are_measured_and_replace_the_estimate():
    cost = given(FOUND, 5400)
    assert (cost.joules.value, cost.joules.low, cost.joules.interval) == (5400, None, "none")
    assert (cost.source, cost.kind) == (METER, "measured")
    assert METER == "meter (given by the user)"
    assert cost.note == "the program itself found 280 J (estimated; estimate: 3.5 W per CPU-second)"
    assert (cost.seconds, cost.cpu_seconds, cost.memory_joules) == (40.0, 80.0, exactly(5.0))


def test_joules_given_twice_keep_what_the_program_found():
    assert given(given(FOUND, 1), 5400) == given(FOUND, 5400)


@pytest.mark.parametrize("joules", [0, -1, float("nan"), float("inf"), "many", None])
def test_what_no_meter_shows_is_refused(joules):
    with pytest.raises(UsageError, match=f"{joules} J is not what a meter shows. Give the joules of the training"):
        given(FOUND, joules)


def test_a_runs_record_keeps_everything_else():
    training = json.loads(json.dumps({**FOUND.to_json(), "steps": 7, "history": [1], "until": {"target": 0.9}}))
    changed = with_joules(training, 5400)
    assert Cost.from_json(changed) == given(FOUND, 5400)
    assert {key: changed[key] for key in ("steps", "history", "until")} == {
        "steps": 7, "history": [1], "until": {"target": 0.9}
    }  # fmt: skip
    assert Cost.from_json(training) == FOUND, "the record that was read is left alone"


@pytest.mark.parametrize("training", [{}, {"steps": 3}, {**FOUND.to_json(), "joules": None}])
def test_a_training_that_was_not_metered_cannot_be_given_joules(training):
    with pytest.raises(RunError, match="was not recorded"):
        with_joules(training, 5400)
