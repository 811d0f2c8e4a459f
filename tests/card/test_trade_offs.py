"""Runs side by side: paired differences, turns at the processor, and one clear word where they cannot be compared."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "challenges"))
import toys

from sounding.card.trade_offs import CLEAR, PLANS, TradeOffs, compare_runs
from sounding.challenges.costs import comparison
from sounding.challenges.costs.comparison import Plan, Row
from sounding.contract.evidence import Estimate
from sounding.errors import UsageError
from sounding.evaluation.evaluation import compare
from sounding.evaluation.intervals import wilson
from sounding.machine.metering.meter import Meter


@pytest.fixture(scope="module", autouse=True)
def brief():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PLANS, "quick", Plan(60, (1, 3), 0.005, 300))
        yield


def metered() -> dict:
    with Meter() as meter:
        sum(range(10_000))
    return meter.cost.to_json()


@pytest.fixture(scope="module")
def contexts():
    """A model that learnt, and one that learnt nothing, on the same rows."""
    task = toys.Sort()
    test = toys.rows(task, 200, "test")
    good = toys.context(task, toys.trained(task, toys.rows(task, 200)), test, training=metered())
    torch.manual_seed(3)
    return {"good": good, "bad": toys.context(task, task.build().eval(), test, training=metered())}


@pytest.fixture(scope="module")
def table(contexts) -> TradeOffs:
    return compare_runs(contexts)


def test_the_headline_is_compared_as_compare_does(contexts, table):
    line, expected = table["headline"], compare(toys.Sort(), contexts["bad"].records, contexts["good"].records)
    change, own = line.changes[1], expected["accuracy"]
    assert change.value == pytest.approx(own.value)
    assert (change.low, change.high) == pytest.approx((own.low, own.high), abs=0.02)
    assert change.interval == "paired bootstrap"
    assert line.changes[0] is None
    assert (line.verdict(0), line.verdict(1)) == ("", "worse")


def test_every_line_is_there_with_its_direction(table):
    better = {line.id: line.better for line in table.table}
    assert better == {
        "headline": "higher", "loss": "lower", "ece": "lower", "corrupted": "higher",
        "energy": "lower", "training": "lower", "parameters": "lower", "bytes": "lower",
    }  # fmt: skip
    for line in table.table:
        assert len(line.values) == len(line.changes) == 2
        assert line.definition
    assert table["bytes"].values[0].value == 4 * table["parameters"].values[0].value
    assert table["bytes"].changes[1].value == 1.0
    assert table["corrupted"].verdict(1) == "worse"


def test_a_model_against_itself_differs_in_nothing(contexts):
    table = compare_runs({"a": contexts["good"], "b": contexts["good"]})
    for id in ("headline", "loss", "ece", "corrupted"):
        change = table[id].changes[1]
        if id == "headline":  # no row of these differs, but of others one in a few dozen might
            assert (change.low, change.value, change.high) == (-wilson(0, 200).high, 0, wilson(0, 200).high)
        else:
            assert (change.low, change.value, change.high) == (0, 0, 0)
        assert table[id].verdict(1) == ""
    assert 0.5 < table["energy"].changes[1].value < 2


class Lazy(toys.Sort):
    """A task that predicts by thinking `rounds` times, so that its cost is known."""

    rounds = 1

    def predict(self, model, inputs):
        for _ in range(self.rounds):
            found = super().predict(model, inputs)
        return found


def test_energy_is_a_ratio_of_processor_time_taken_by_turns():
    model, test = toys.Sort().build().eval(), toys.rows(toys.Sort(), 40)
    thrice = type("Thrice", (Lazy,), {"rounds": 3})
    contexts = {
        name: toys.context(task, model, test, config={"task": "lazy"})
        for name, task in (("1", Lazy()), ("3", thrice()))
    }
    line = compare_runs(contexts)["energy"]
    assert line.changes[1].value == pytest.approx(3, rel=0.35)
    assert line.changes[1].low > 1
    assert line.verdict(1) == "worse"
    assert line.values[1].value > line.values[0].value


def test_windows_are_taken_by_turns(contexts, monkeypatch):
    order: list[str] = []
    real = comparison._window

    def window(side, values, seconds, size):
        order.append(side.name)
        return real(side, values, 0.0, size)

    monkeypatch.setattr(comparison, "_window", window)
    compare_runs(contexts)
    rounds = [tuple(order[i : i + 2]) for i in range(2, len(order), 2)]
    assert len(rounds) == comparison.ROUNDS
    assert rounds.count(("good", "bad")) == rounds.count(("bad", "good")) == comparison.ROUNDS // 2


@pytest.mark.parametrize("how", ["one", "task", "metric", "fewer", "order", "none"])
def test_runs_that_cannot_be_compared_are_refused_in_one_sentence(contexts, how):
    good, guess = contexts["good"], toys.Guess()
    other, words = {
        "one": (None, "nothing to be compared with"),
        "task": (replace(good, config={"task": "other"}), "different tasks: Sort .accuracy. and other .accuracy."),
        "metric": (toys.context(guess, guess.build(), toys.rows(guess, 200)), "different tasks"),
        "fewer": (replace(good, test=good.test[:-1]), "not the same: 200 and 199"),
        "order": (replace(good, test=good.test[::-1]), "not the same: row"),
        "none": (replace(good, test=()), "not the same: 200 and 0"),
    }[how]
    with pytest.raises(UsageError, match=words):
        compare_runs({"a": good, **({"b": other} if other else {})})


def test_tasks_without_confidence_or_with_a_metric_that_is_no_share_are_compared_too():
    task = toys.Guess()
    test = toys.rows(task, 40, "test")
    models = {name: toys.linear(np.full(16, w)) for name, w in (("true", 1.0), ("off", 0.8))}
    table = compare_runs({name: toys.context(task, model.eval(), test) for name, model in models.items()})
    assert table["headline"].better == "lower"
    assert table["headline"].verdict(1) == "worse"
    assert "ece" not in {line.id for line in table.table}
    assert "training" not in {line.id for line in table.table}  # what it cost was not recorded


def test_three_runs_make_three_columns(contexts):
    table = compare_runs({**contexts, "again": contexts["bad"]})
    assert table["headline"].changes[1] == table["headline"].changes[2]
    assert len(table.text().splitlines()[0].split()) == 3


# ---- how it is written


def made_up() -> TradeOffs:
    def line(id: str, name: str, a: Estimate, b: Estimate, change: Estimate, **more) -> Row:
        return Row(id, name, f"how {name} is defined", (a, b), (None, change), **more)

    share = line(
        "headline", "accuracy", Estimate(0.9, 0.88, 0.92, 500), Estimate(0.95, 0.93, 0.97, 500),
        Estimate(0.05, 0.03, 0.07, 500), better="higher",
    )  # fmt: skip
    joules = line(
        "energy", "energy of a prediction", Estimate(0.002, 0.001, 0.004, 12), Estimate(0.004, 0.002, 0.008, 12),
        Estimate(2.0, 0.9, 3.1, 12), unit="J", better="lower", relative=True,
    )  # fmt: skip
    return TradeOffs("classify (accuracy)", 500, ("runs/1", "a|b<i>"), (share, joules))


def test_the_text_is_aligned_and_marks_what_is_clear():
    lines = made_up().text().splitlines()
    head = lines[0]
    assert head.split() == ["runs/1", "a|b<i>"]
    assert lines[1].index("0.900 [0.880, 0.920]") == head.index("runs/1")
    assert lines[2].split() == ["change", "+0.050", "[0.030,", "0.070]", CLEAR]
    assert "× 2.00 [0.90, 3.10]" in lines[4]
    assert CLEAR not in lines[4]
    assert "not jointly" in lines[-1]


def test_names_are_only_words_in_markdown_and_html():
    assert "a\\|b<i>" in made_up().markdown()
    assert "a|b&lt;i&gt;" in made_up().html()
    columns = {line.replace("\\|", "").count("|") for line in made_up().markdown().splitlines() if line.startswith("|")}
    assert columns == {4}


@pytest.mark.parametrize("ending", [".json", ".md", ".html", ".txt"])
def test_it_is_written_by_its_ending(tmp_path, ending):
    path = made_up().save(tmp_path / f"table{ending}")
    text = path.read_text(encoding="utf-8")
    assert "ccuracy" in text
    if ending == ".json":
        values = json.loads(text)
        assert values["runs"] == ["runs/1", "a|b<i>"]
        assert values["lines"][0]["verdicts"] == ["", "better"]
        assert values["lines"][1]["verdicts"] == ["", ""]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be written as \.csv"):
        made_up().save(tmp_path / "table.csv")
    with pytest.raises(KeyError, match="no measure speed; there are headline"):
        made_up()["speed"]
