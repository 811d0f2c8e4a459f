"""card.spdx.json has the shape that SPDX 3.0.1 asks for, and says nothing that the card does not know."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from sample_card import number, sample

from sounding.card.card import Card, Header
from sounding.contract.evidence import Section


def elements(card: Card) -> dict[str, dict]:
    return {e.get("spdxId", e.get("@id")).partition("#")[2] or e["type"]: e for e in card.spdx()["@graph"]}


def with_energy(**values: float) -> Card:
    numbers = tuple(number(id, id, value, None, None, unit="J", kind="estimated") for id, value in values.items())
    section = Section("energy", "Energy", "It took an estimated 7.9 kJ.", numbers)
    return replace(sample(), sections=tuple(section if s.id == "energy" else s for s in sample()))


def test_elements_refer_to_one_another_and_to_one_creation():
    document = json.loads(json.dumps(sample().spdx(), allow_nan=False))
    assert document["@context"] == "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
    graph = document["@graph"]
    ids = {e["spdxId"] for e in graph if "spdxId" in e}
    (creation,) = [e for e in graph if e["type"] == "CreationInfo"]
    assert creation["created"] == "2026-11-22T15:44:00Z"
    assert set(creation["createdBy"]) <= ids
    assert all(e["creationInfo"] == creation["@id"] for e in graph if e is not creation)
    (about,) = [e for e in graph if e["type"] == "SpdxDocument"]
    (package,) = [e for e in graph if e["type"] == "ai_AIPackage"]
    assert about["rootElement"] == [package["spdxId"]]
    relations = [e for e in graph if e["type"] == "Relationship"]
    assert {e["relationshipType"] for e in relations} == {"hasDeclaredLicense", "hasConcludedLicense"}
    assert all(e["from"] == package["spdxId"] and set(e["to"]) <= ids for e in relations)


def test_energy_is_in_kilowatt_hours_without_an_exponent():
    energy = elements(with_energy(training_joules=3.6e6, joules_per_prediction_1=0.0021))["model"][
        "ai_energyConsumption"
    ]
    (training,), (prediction,) = energy["ai_trainingEnergyConsumption"], energy["ai_inferenceEnergyConsumption"]
    assert (training["ai_energyQuantity"], training["ai_energyUnit"]) == ("1", "kilowattHour")
    assert "e" not in prediction["ai_energyQuantity"]
    assert Decimal(prediction["ai_energyQuantity"]) == pytest.approx(Decimal(0.0021 / 3.6e6), rel=Decimal("0.001"))
    assert "estimated" in elements(with_energy(training_joules=1.0))["model"]["comment"]


def test_metrics_carry_their_intervals():
    metrics = {m["key"]: m["value"] for m in elements(sample())["model"]["ai_metric"]}
    assert metrics["accuracy"] == "0.873 [0.852, 0.891]"
    assert not any("baseline" in name for name in metrics)


def test_a_licence_that_is_no_spdx_id_is_one_of_its_own_and_none_is_not_asserted():
    own = replace(sample(), header=replace(sample().header, licence="for the garden only"))
    assert elements(own)["licence"]["simplelicensing_licenseExpression"] == "LicenseRef-for-the-garden-only"
    assert elements(sample())["licence"]["simplelicensing_licenseExpression"] == "apache-2.0"
    none = elements(Card(Header("t", "m", "d"), ()))
    assert "licence" not in none
    assert none["hasDeclaredLicense"]["to"] == ["https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense"]


def test_what_is_not_known_is_left_out():
    package = elements(Card(Header("t", "m", "d"), ()))["model"]
    assert set(package) == {"type", "spdxId", "creationInfo", "name", "software_primaryPurpose", "ai_typeOfModel"}


def test_the_same_card_has_the_same_identifiers():
    assert sample().spdx() == sample().spdx()
