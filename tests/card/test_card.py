"""The card is measured in order, survives an interruption, comes back from its public format, and is saved whole."""

from __future__ import annotations

import json
import math
import resource
from dataclasses import replace
from types import ModuleType

import pytest
from sample_card import number, report, sample
from torch import nn

import sounding.challenges
from sounding.card.card import SECTIONS, Card, Header, measure
from sounding.engine.evidence import Section
from sounding.engine.subject import Subject
from sounding.errors import DataError, RunError

PUBLIC = {"schema", "task", "model", "data", "created", "command", "profile", "sections"}
CHALLENGES = ("data_efficiency", "interpretability", "robustness", "calibration", "energy")


@pytest.fixture
def measured(monkeypatch):
    """The order in which sections were asked for; a section can be made to raise."""
    asked: list[str] = []
    raising: dict[str, BaseException] = {}

    def stand_in(id):
        def measure(subject):
            asked.append(id)
            if id in raising:
                raise raising[id]
            return Section(id, SECTIONS[id], sentence=f"{id} was measured")

        return measure

    for id in CHALLENGES:
        module = ModuleType(f"sounding.challenges.{id}")
        module.measure = stand_in(id)
        monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
        monkeypatch.setattr(sounding.challenges, id, module, raising=False)
    monkeypatch.setattr("sounding.card.quality.measure", stand_in("quality"))
    return asked, raising


def subject() -> Subject:
    return Subject(None, nn.Linear(3, 2), (), (), (), profile="standard", seed=7)


def header() -> Header:
    return Header("classify", "runs/classify/1", "photos", command="sounding train classify photos")


def test_sections_are_measured_in_order_timed_and_announced(measured):
    asked, _ = measured
    heard: list[str] = []
    card = measure(subject(), report(), header(), progress=heard.append)
    assert [section.id for section in card] == list(SECTIONS)
    assert heard == list(SECTIONS.values())
    assert asked == [id for id in SECTIONS if id != "data"]
    assert all(section.seconds > 0 for section in card)
    assert card.seconds == sum(s.seconds for s in card)
    assert not card.interrupted


def test_the_header_is_filled_from_the_subject(measured):
    filled = measure(subject(), report(), header()).header
    assert (filled.profile, filled.seed, filled.parameters) == ("standard", 7, 3 * 2 + 2)
    assert filled.created.endswith("+00:00")
    assert {"torch", "python"} <= filled.versions.keys()


def test_an_interruption_loses_nothing_that_was_measured(measured):
    asked, raising = measured
    raising["robustness"] = KeyboardInterrupt()
    card = measure(subject(), report(), header())
    assert asked[-1] == "robustness"
    assert card.interrupted
    assert [section.status for section in card] == ["ok"] * 4 + ["skipped"] * 3
    assert all("interrupted" in section.reason for section in card.sections[4:])


@pytest.mark.parametrize("error", [DataError("no such row"), ZeroDivisionError()])
def test_errors_and_bugs_are_not_hidden(measured, error):
    _, raising = measured
    raising["energy"] = error
    with pytest.raises(type(error)):
        measure(subject(), report(), header())


def test_sections_and_numbers_are_found_by_id():
    card = sample()
    assert card["robustness"]["attack"].value == 0.12
    assert card.headline.id == "accuracy"
    with pytest.raises(KeyError, match="no section speed; it has data"):
        card["speed"]


def test_json_is_the_public_format():
    values = json.loads(json.dumps(sample().to_json(), allow_nan=False))
    assert values["schema"] == 1
    assert set(values) == PUBLIC | {"about"}
    assert [section["id"] for section in values["sections"]] == list(SECTIONS)
    for section in values["sections"]:
        assert section["status"] in ("ok", "not_applicable", "skipped")
        assert section["status"] == "ok" or section["reason"]
        assert {"id", "title", "status", "reason", "sentence", "numbers", "figures"} <= set(section)
        for each in section["numbers"]:
            expected = "id name value low high level interval n kind unit definition seed seconds"
            assert set(each) == set(expected.split())
    assert values["about"]["seconds"] == pytest.approx(sum(s["seconds"] for s in values["sections"]))


def test_saving_and_loading_gives_the_card_back(tmp_path):
    sample().save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"card.json", "card.md", "card.html", "plots"}
    assert Card.load(tmp_path) == sample()
    assert Card.load(tmp_path)["quality"].figures[0].svg.startswith("<svg")


def test_without_plots_only_the_pictures_are_missing():
    values = json.loads(json.dumps(sample().to_json()))
    bare = [replace(section, figures=()) for section in sample()]
    assert Card.from_json(values).sections == tuple(bare)


def test_figures_are_read_from_plots_alone(tmp_path):
    values = sample().to_json()
    (tmp_path / "plots").mkdir()
    (tmp_path / "secret.svg").write_text("<svg>secret</svg>")
    values["sections"][1]["figures"] = [{"id": "../secret", "caption": "", "file": "secret.svg"}]
    assert Card.from_json(values, tmp_path)["quality"].figures == ()


def test_values_that_are_not_finite_are_null_in_json(tmp_path):
    odd = Section(
        "quality", "Quality", numbers=(number("a", "a", math.nan, None, math.inf),), details={"x": [-math.inf]}
    )
    card = Card(header(), (odd,))
    text = json.dumps(card.to_json(), allow_nan=False)
    loaded = Card.from_json(json.loads(text))
    assert math.isnan(loaded["quality"]["a"].value)
    assert loaded["quality"]["a"].high is None
    assert "no value" in card.html()
    assert loaded.html() == card.html()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schema": 2}, "schema 2, and this version reads up to 1"),
        ({"hello": 1}, "not a card"),
        ([1], "not a card"),
        ({"schema": 1, "sections": [{}], "task": "t", "model": "m", "data": "d"}, "incomplete"),
    ],
)
def test_what_is_no_card_is_refused_in_words(values, message):
    with pytest.raises(RunError, match=message):
        Card.from_json(values)


def test_a_missing_card_is_said_to_be_missing(tmp_path):
    with pytest.raises(RunError, match="missing"):
        Card.load(tmp_path)


def test_one_page_or_one_text_alone(tmp_path):
    sample().save(tmp_path / "mine.html")
    sample().save(tmp_path / "mine.md")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.html", "mine.md"}
    assert (tmp_path / "mine.html").read_text(encoding="utf-8") == sample().html()


@pytest.mark.parametrize("most", [0, 12_000, 20_000])
def test_a_write_that_fails_leaves_the_former_card(tmp_path, most):
    """A file may hold `most` bytes, as on a disk that is full: already the first does not fit, or only a later one."""
    sample().save(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    changed = replace(sample(), header=replace(sample().header, task="detect", use="x" * 20_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        with pytest.raises(RunError):
            changed.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    changed.save(tmp_path)
    assert Card.load(tmp_path).header.task == "detect"


def test_a_figure_cannot_be_written_elsewhere(tmp_path):
    section = sample()["quality"]
    bad = replace(section, figures=(replace(section.figures[0], id="../../x"),))
    with pytest.raises(ValueError, match="no file name"):
        Card(header(), (bad,)).save(tmp_path)
    assert not list(tmp_path.iterdir())
