"""The Markdown has a head that YAML readers read, everything that the card has, and no markup from people's files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from sample_card import HOSTILE, number, sample

from sounding.card.card import Card, Header
from sounding.card.printing import printed
from sounding.contract.evidence import Section, not_applicable


def head(text: str) -> dict:
    """The YAML head."""
    opening, body, _ = text.split("---\n", 2)
    assert opening == ""
    return yaml.safe_load(body)


def test_the_head_is_what_hubs_read():
    found = head(sample().markdown())
    assert found["license"] == "apache-2.0"
    assert found["library_name"] == "sounding"
    assert found["pipeline_tag"] == "image-classification"
    assert found["tags"] == ["sounding", "classify"]
    (model,) = found["model-index"]
    (result,) = model["results"]
    assert model["name"] == "classify/1"
    assert result["task"]["type"] == "image-classification"
    assert result["dataset"] == {"name": "photos", "type": "photos"}
    assert [(m["type"], m["value"]) for m in result["metrics"]] == [
        ("accuracy", 0.873),
        ("macro_f1", 0.8512),
        ("loss", 0.3481),
    ]
    assert "[0.852, 0.891], n = 963" in result["metrics"][0]["name"]
    assert "co2_eq_emissions" not in found


@pytest.mark.parametrize("name", [HOSTILE, "a: b", "- x", "'", '"', "é\n---\n", "\x00\x85\u2028", "#", "😀", "no"])
def test_no_name_can_break_the_head(name):
    card = sample()
    card = replace(card, header=replace(card.header, task=name, data=name, model=name, licence=name, pipeline=name))
    found = head(card.markdown())
    seen = "".join(c if c.isprintable() else " " for c in name)
    assert found["pipeline_tag"] == seen
    assert found["tags"][1] == seen
    assert len(found["model-index"]) == 1
    assert found["license"] == ("no" if name == "no" else "other")


def test_without_a_licence_or_metrics_the_head_says_no_more_than_is_known():
    found = head(Card(Header("classify", "m", "d"), ()).markdown())
    assert found == {"license": "unknown", "library_name": "sounding", "tags": ["sounding", "classify"]}


@pytest.mark.parametrize("value", [1e-7, 1e30, -3.5, 0.0])
def test_metrics_stay_numbers(value):
    section = Section("quality", "Quality", numbers=(number("m", "m", value, None, None),))
    (model,) = head(Card(Header("t", "m", "d"), (section,)).markdown())["model-index"]
    assert model["results"][0]["metrics"][0]["value"] == pytest.approx(value)


@pytest.mark.parametrize("region", ["SE", ""])
def test_emissions_are_in_the_head_where_the_card_has_them(region):
    grams = number("training_co2e", "CO2e of training", 9.01e-5, 3e-5, 2.7e-4, unit="g", kind="estimated")
    sections = (Section("energy", "Energy", "It emitted little.", (grams,)),)
    found = head(Card(Header("t", "m", "d", region=region), sections).markdown())["co2_eq_emissions"]
    assert found["emissions"] == pytest.approx(9.01e-5)
    assert found["source"].startswith("estimated; ")
    assert found.get("geographical_location", "") == region


def test_every_number_reason_warning_and_caption_is_there():
    text = sample().markdown().replace("\\", "")
    for section in sample():
        assert f"## {section.title}" in text
        assert section.sentence in text
        assert section.reason in text
        for each in section.numbers:
            p = printed(each)
            row = next(
                line for line in text.splitlines() if line.startswith(f"| {each.name[0].upper()}{each.name[1:]} |")
            )
            assert all(words in row for words in (p.amount, p.interval, p.how, f"{each.estimate.n:,}", each.kind)), row
            assert each.definition[1:] in text
            assert f"| {section.id}.{each.id} |" in text
        assert all(f"plots/{figure.id}.svg" in text and figure.caption in text for figure in section.figures)
    assert "at most 0.120" in text
    assert "One run: training variance unknown" in text
    assert "Cost of measuring: 47 s" in text


def test_a_warning_that_two_sections_give_is_printed_once_everywhere():
    said = {"warnings": ["The sky is falling.", "There are only 9 rows."]}
    sections = (
        Section("use", "Use", details=said),
        Section("data", "Data", details={"warnings": said["warnings"][:1]}),
    )
    card = Card(Header("t", "m", "d"), sections)
    for text in (card.markdown(), card.html(), json.dumps(card.spdx())):
        assert text.count("The sky is falling.") == 1
        assert text.count("There are only 9 rows.") == 1
    assert [section.details for section in card] == [section.details for section in sections]


def test_tables_keep_their_columns_and_names_stay_words():
    text = sample().markdown()
    assert "<script" not in text
    columns = 0
    for line in text.splitlines():
        if line.startswith("|"):
            cells = line.replace("\\\\", "").replace("\\|", "").count("|") - 1
            columns = columns or cells
            assert cells == columns, line
        else:
            columns = 0


def test_an_empty_reason_is_said_to_be_empty():
    assert "no reason was given" in Card(Header("t", "m", "d"), (not_applicable("energy", "Energy", ""),)).markdown()
