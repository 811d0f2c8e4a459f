"""The card of a run folder: what is asked of it, what an interruption leaves there, and how it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stand_ins import MEASURED, stand_ins

import sounding
from sounding.card import measuring
from sounding.card.card import Card
from sounding.errors import DataError, UsageError
from sounding.evaluation.challenge import Findings

TOY = Path(__file__).parents[1] / "applications" / "toys" / "boxfinder.py"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "1"
    return sounding.train(str(TOY), "demo", steps=5, size="tiny", out=out, card=None, validations=1)


@pytest.fixture
def model(trained):
    for path in trained.dir.glob("card*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    return sounding.load(trained.dir)


@pytest.fixture
def asked(monkeypatch):
    """The contexts that sections were measured on, by id; a section can be made to raise."""
    contexts: dict[str, object] = {}
    raising: dict[str, BaseException] = {}

    def stand_in(id, context):
        contexts[id] = context
        if id in raising:
            raise raising[id]
        return Findings(f"{context.use or id} was measured.")

    monkeypatch.setattr(measuring, "found", lambda: stand_ins(stand_in))
    return contexts, raising


def test_a_saved_card_is_read_and_another_profile_measures_anew(model, asked):
    contexts, _ = asked
    assert model.card().header.profile == "quick"
    contexts.clear()
    assert model.card().header.profile == "quick"
    assert not contexts
    assert model.card("standard").header.profile == "standard"
    assert list(contexts) == list(MEASURED)
    assert not (model.dir / "card.parts").exists()
    assert len((model.dir / "predictions.jsonl").read_text().splitlines()) == len(model.dataset().test)


def test_what_is_asked_for_reaches_the_context_and_the_header(model, asked):
    contexts, _ = asked
    model.card()
    card = model.card(region="SE", use="Finding boxes.", licence="apache-2.0", shift=list(model.dataset().test[:5]))
    context = contexts["shift"]
    assert (context.region, len(context.second), context.second_name) == ("SE", 5, "in memory")
    assert context.config["task"] == str(TOY)
    assert (card.header.region, card.header.use, card.header.licence) == ("SE", "Finding boxes.", "apache-2.0")
    assert card["use"].sentence == "Finding boxes. was measured."
    assert Card.load(model.dir).header == card.header


def test_a_meter_and_a_data_centre_reach_the_context(model, asked):
    contexts, _ = asked
    model.card("quick", joules=5400, pue=1.2)
    assert contexts["energy"].training["joules"]["value"] == 5400
    assert contexts["energy"].config["pue"] == 1.2
    with pytest.raises(UsageError):
        model.card("quick", joules=-1)
    with pytest.raises(TypeError, match="colour"):
        model.card("quick", colour="red")


def test_an_unknown_region_is_refused_before_anything_is_measured(model, asked):
    with pytest.raises(UsageError, match="Atlantis"):
        model.card("quick", region="Atlantis")
    assert not asked[0]


def test_a_second_set_that_cannot_be_read_is_refused_before_anything_is_measured(model, asked, tmp_path):
    with pytest.raises(DataError):
        model.card("quick", shift=tmp_path / "nowhere")
    assert not asked[0]


def test_an_interrupted_card_does_not_take_the_place_of_a_whole_one_and_goes_on(model, asked):
    contexts, raising = asked
    whole = model.card()
    raising["energy"] = KeyboardInterrupt()
    assert model.card("full").exit_status == 130
    assert Card.load(model.dir) == whole
    assert (model.dir / "card.parts" / "full" / "quality.json").exists()
    raising.clear()
    contexts.clear()
    finished = model.card("full")
    assert list(contexts) == ["energy", "trade_offs"]
    assert finished.exit_status == 0
    assert Card.load(model.dir).header.profile == "full"
    assert not (model.dir / "card.parts").exists()


def test_an_interrupted_card_is_saved_where_there_is_no_other(model, asked):
    asked[1]["energy"] = KeyboardInterrupt()
    assert model.card().interrupted
    assert Card.load(model.dir).interrupted


def test_parts_of_another_region_are_not_taken(model, asked):
    contexts, raising = asked
    raising["energy"] = KeyboardInterrupt()
    model.card("full", region="SE")
    raising.clear()
    contexts.clear()
    model.card("full", region="FR")
    assert list(contexts) == list(MEASURED)


def test_a_section_that_failed_is_in_the_saved_card(model, asked):
    asked[1]["shift"] = ZeroDivisionError("division by zero")
    assert model.card().exit_status == 1
    assert Card.load(model.dir).failed[0].reason == "failed: ZeroDivisionError: division by zero"
