"""card.spdx.json: what the card knows, as an SPDX 3.0.1 document with the AI profile, for bills of materials.

It is small: the package, its metrics as text, its limits, and the energy of training and of one prediction, which SPDX
has fields for (`ai_energyConsumption`; quantities in kWh). The licence is a relationship, as the profile demands; where
none is known it is NoAssertion. SPDX has no field for an interval or for "estimated", so both stand in the comment.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from sounding.card.contents import Contents
from sounding.card.printing import printed, told_once
from sounding.contract.evidence import Number
from sounding.machine.metering.carbon import JOULES

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
NO_LICENCE = "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense"
_NOT_METRICS = ("baseline", "gain")
_STAGES = {
    "training_joules": "ai_trainingEnergyConsumption",
    "joules_per_prediction_1": "ai_inferenceEnergyConsumption",
}
_MADE = "_:creation"


def spdx(card: Contents) -> dict[str, Any]:
    """The document as JSON-LD. Its identifiers are digests of the card, so that the same card gives the same ones."""
    h = card.header
    digest = hashlib.blake2b(json.dumps(card.to_json(), sort_keys=True).encode(), digest_size=16).hexdigest()
    base = f"https://spdx.org/spdxdocs/sounding-card-{digest}"
    shared = {"creationInfo": _MADE}
    element = {
        "type": "CreationInfo",
        "@id": _MADE,
        "specVersion": "3.0.1",
        "created": h.created.replace("+00:00", "Z"),
        "createdBy": [f"{base}#tool"],
    }
    version = h.versions.get("sounding", "")
    graph = [
        element,
        {"type": "SoftwareAgent", "spdxId": f"{base}#tool", **shared, "name": f"sounding {version}".strip()},
        {
            "type": "SpdxDocument",
            "spdxId": base,
            **shared,
            "profileConformance": ["core", "software", "simpleLicensing", "ai"],
            "rootElement": [f"{base}#model"],
        },
        {"type": "ai_AIPackage", "spdxId": f"{base}#model", **shared, **_package(card)},
        *_licence(h.licence, base, shared),
    ]
    return {"@context": CONTEXT, "@graph": graph}


def _package(card: Contents) -> dict[str, Any]:
    """The fields of the package; a field without a value is left out, as SPDX wants it."""
    h = card.header
    fields = {
        "name": "/".join(PurePath(h.model).parts[-2:]) or h.task,
        "software_primaryPurpose": "model",
        "ai_typeOfModel": [h.pipeline or h.task],
        "ai_informationAboutApplication": h.use,
        "ai_informationAboutTraining": h.command and f"Trained by: {h.command}",
        "ai_limitation": " ".join(warning for those in told_once(card.sections).values() for warning in those),
        "ai_metric": list(_metrics(card)),
        "ai_energyConsumption": _energy(card),
        "comment": " ".join(section.sentence for section in card if section.id in ("quality", "energy")),
    }
    return {key: value for key, value in fields.items() if value}


def _metrics(card: Contents) -> Iterator[dict[str, str]]:
    quality = card.get("quality")
    for number in quality.numbers if quality else ():
        if number.id not in _NOT_METRICS and math.isfinite(number.estimate.value):
            yield {"type": "DictionaryEntry", "key": number.name, "value": str(printed(number))}


def _energy(card: Contents) -> dict[str, Any]:
    """The energy of training and of one prediction, where the card has them."""
    section = card.get("energy")
    found = {n.id: n for n in section.numbers if math.isfinite(n.estimate.value)} if section else {}
    stages = {field: [_quantity(found[id])] for id, field in _STAGES.items() if id in found}
    return {"type": "ai_EnergyConsumption", **stages} if stages else {}


def _quantity(number: Number) -> dict[str, str]:
    return {
        "type": "ai_EnergyConsumptionDescription",
        "ai_energyQuantity": _decimal(number.estimate.value / JOULES),
        "ai_energyUnit": "kilowattHour",
    }


def _decimal(value: float) -> str:
    """xsd:decimal has no exponent: four significant digits, written out."""
    places = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 1
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _licence(licence: str, base: str, shared: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The licence, declared and concluded. What is no SPDX id is a licence of its own (LicenseRef)."""
    target = NO_LICENCE
    if licence:
        target = f"{base}#licence"
        words = licence if re.fullmatch(r"[A-Za-z0-9.+-]+", licence) else "LicenseRef-" + _slug(licence)
        yield {
            "type": "simplelicensing_LicenseExpression",
            "spdxId": target,
            **shared,
            "simplelicensing_licenseExpression": words,
        }
    for kind in ("hasDeclaredLicense", "hasConcludedLicense"):
        ends = {"from": f"{base}#model", "to": [target]}
        yield {"type": "Relationship", "spdxId": f"{base}#{kind}", **shared, "relationshipType": kind, **ends}


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-") or "unnamed"
