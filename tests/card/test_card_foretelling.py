"""The forecast counts what the plans ask for, and the time left follows what the sections really took."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "challenges"))
import toys

from sounding.card import foretelling as module
from sounding.card.foretelling import Course, foretold
from sounding.card.sections import found
from sounding.training import progress

MEASURED = {challenge.id: challenge.title for challenge in found()}


class Slow(toys.Sort):
    """A task whose speed is set below, not measured."""


def context(profile: str, **more):
    """A context whose speed is set, not measured."""
    task = Slow()
    made = toys.context(task, task.build(), toys.rows(task, 40), profile=profile, **more)
    made.row_seconds, made.pass_seconds, made.corruption_seconds = 0.01, 0.01, 0.002
    return made


def test_every_section_has_its_seconds_and_full_takes_longer():
    profiles = ("quick", "standard", "full")
    training = {"seconds": 20.0, "steps": 100}
    quick, standard, full = (foretold(found(), context(profile, training=training)) for profile in profiles)
    assert list(quick) == list(standard) == list(full) == [challenge.id for challenge in found()]
    assert all(0 < seconds < 1e5 for seconds in (*quick.values(), *standard.values(), *full.values()))
    assert sum(full.values()) > 2 * sum(standard.values()) > 4 * sum(quick.values())
    assert (
        standard["data_efficiency"] > foretold(found(), context("standard"))["data_efficiency"]
    )  # no training cost is known


def test_explanations_are_foretold_for_the_rows_that_there_are():
    few = context("quick")
    few.test = few.test[:8]
    many, seconds = (foretold(found(), one)["interpretability"] for one in (context("quick"), few))
    assert seconds < 0.5 * many


def test_a_pass_takes_no_longer_than_an_answer():
    task = Slow()
    real = toys.context(task, task.build(), toys.rows(task, 40))
    assert 0 < real.pass_seconds <= real.row_seconds


def test_trainings_that_are_too_long_to_be_repeated_cost_nothing():
    long = {"seconds": 36_000.0, "steps": 100}
    assert foretold(found(), context("standard", training=long)) == foretold(found(), context("standard"))


def test_the_real_speed_is_measured_in_a_moment():
    task = Slow()
    real = toys.context(task, task.build(), toys.rows(task, 40), profile="standard")
    assert 10 < sum(foretold(found(), real).values()) < 600


def test_a_model_that_cannot_predict_and_a_test_without_rows_have_no_forecast():
    class Broken(Slow):
        def predict(self, model, inputs):
            raise ZeroDivisionError

    task = Broken()
    broken = toys.context(task, task.build(), toys.rows(task, 4), profile="full")
    assert foretold(found(), broken) == foretold(found(), replace(broken, test=())) == {}


@pytest.mark.parametrize(("seconds", "announced"), [(50.0, 0), (70.0, 1)])
def test_a_quick_card_is_announced_only_where_it_is_long(seconds, announced):
    heard: list[str] = []
    Course({"quality": "Quality"}, {"quality": seconds}, say=heard.append).announce("quick")
    assert len(heard) == announced


def test_the_course_tells_place_time_and_what_is_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    heard: list[str] = []
    seconds = {"use": 0.0, "data": 10.0, "quality": 30.0, "energy": 60.0}
    course = Course(MEASURED, seconds, {"quality"}, heard.append)
    course.announce("full")
    for id, took in (("data", 20.0), ("quality", 90.0), ("energy", 0.0)):
        with course.section(id, id):
            now[0] += took if id != "quality" else 0.0
        course.ended(id, took)
    assert heard[0] == "1 of 16 sections are kept from before"
    assert heard[1].startswith("the full card takes about 1 min 10 s (35 s to 2 min 20 s)")
    assert heard[2] == "2 of 16: data (about 1 min 10 s left)"
    # 110 s were taken and 40 forecast (10 more count as forecast on both sides): 60 s become 144.
    assert heard[3] == "15 of 16: energy (after 20 s, about 2 min 20 s left)"
    assert len(heard) == 4


def test_a_section_that_says_nothing_is_spoken_for_and_one_that_takes_too_long_has_no_time_left(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.01)
    monkeypatch.setattr(progress.Heartbeat.__init__, "__defaults__", (0.01,))
    now = [0.0]
    monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    heard: list[str] = []
    more = threading.Event()

    def hear(message: str) -> None:
        heard.append(message)
        if len(heard) > 3:
            more.set()

    course = Course({"data": "Data", "energy": "Energy"}, {"data": 60.0, "energy": 60.0}, say=hear)
    with course.section("data", "Data") as say:
        now[0] = 15.0
        assert course.left() == pytest.approx(105.0)
        say("training 1 of 2")
        now[0] = 90.0  # longer than foretold: what is left is not known
        assert course.left() is None
        assert more.wait(10)
    assert heard[:2] == ["1 of 2: Data (about 2 min left)", "training 1 of 2"]
    assert heard[-1] == "1 of 2: Data (after 1 min 30 s)"
    silent = len(heard)
    course.ended("data", 90.0)
    assert course.left() == pytest.approx(60.0 * 100 / 70)
    assert len(heard) == silent


def test_lines_are_said_at_each_tenth_of_the_way_not_for_every_section():
    heard: list[str] = []
    sections = {str(i): str(i) for i in range(100)}
    course = Course(sections, dict.fromkeys(sections, 1.0), say=heard.append)
    for id in sections:
        with course.section(id, id):
            pass
        course.ended(id, 1.0)
    assert [line.split(":")[0] for line in heard] == [f"{1 + 10 * i} of 100" for i in range(10)]


def test_without_anybody_to_hear_it_nothing_is_said():
    course = Course(MEASURED, {"data": 1.0})
    course.announce("full")
    with course.section("data", "Data") as say:
        assert say is None
    course.ended("data", 2.0)
    assert course.left() is None


def test_a_section_that_speaks_is_named_first():
    heard: list[str] = []
    course = Course({"use": "Use", "data": "Data"}, {"use": 1000.0, "data": 0.5}, {"use"}, say=heard.append)
    with course.section("data", "Data") as first:
        first("one")
    course.ended("data", 0.5)
    with course.section("data", "Data") as say:  # no tenth is passed
        say("two")
        say("three")
    assert [line.split(" (")[0] for line in heard] == ["2 of 2: Data", "one", "2 of 2: Data", "two", "three"]
