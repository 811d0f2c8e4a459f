"""The card comes back from its public format and is saved whole."""

from __future__ import annotations

import base64
import json
import math
import resource
from dataclasses import replace

import pytest
from sample_card import HEARD, number, sample

from sounding.card.card import Card, Header, sections
from sounding.contract.evidence import Section
from sounding.errors import RunError

SECTIONS = sections()

PUBLIC = {"schema", "task", "model", "data", "created", "command", "profile", "sections"}


def header() -> Header:
    return Header("classify", "runs/classify/1", "photos", command="sounding train classify photos")


def test_sections_and_numbers_are_found_by_id():
    card = sample()
    assert card["robustness"]["attack"].value == 0.12
    assert card.headline.id == "accuracy"
    with pytest.raises(KeyError, match="no section speed; it has use"):
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
            expected = "id name value low high level interval n kind bound unit definition seed seconds"
            assert set(each) == set(expected.split())
    assert values["about"]["seconds"] == pytest.approx(sum(s["seconds"] for s in values["sections"]))


def test_saving_and_loading_gives_the_card_back(tmp_path):
    sample().save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "card.json",
        "card.md",
        "card.html",
        "card.spdx.json",
        "plots",
    }
    assert Card.load(tmp_path) == sample()
    assert Card.load(tmp_path)["quality"].figures[0].svg.startswith("<svg")
    assert (tmp_path / "plots" / "quality_training_1.wav").read_bytes() == base64.b64decode(HEARD.base64)


def test_a_clip_that_was_removed_is_in_no_later_page(tmp_path):
    sample().save(tmp_path)
    (tmp_path / "plots" / "quality_training_1.wav").unlink()
    card = Card.load(tmp_path)
    assert card["quality"].figures[1].clips == ()
    assert "<audio" not in card.html()


def test_without_plots_only_the_pictures_are_missing():
    values = json.loads(json.dumps(sample().to_json()))
    bare = [replace(section, figures=()) for section in sample()]
    assert Card.from_json(values).sections == tuple(bare)


def test_figures_are_read_from_plots_alone(tmp_path):
    values = sample().to_json()
    (tmp_path / "plots").mkdir()
    (tmp_path / "secret.svg").write_text("<svg>secret</svg>")
    values["sections"][2]["figures"] = [{"id": "../secret", "caption": "", "file": "secret.svg"}]
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
