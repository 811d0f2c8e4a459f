"""From joules to grams of CO2, where somebody said in which country the electricity was used; never guessed.

    intensity("SE")                     Intensity: 41 g of CO2e for a kWh, the year and the source
    intensity("SE").grams(joules)       an Estimate in grams that is as sure as the joules are

The figures are yearly means of a country's electricity. The hour, the contract and the plant next door can make several
times less or more of it, so grams are always an estimate, even of joules that were measured. Nothing is looked up on a
network, and no place is derived from an address.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from sounding.contract.evidence import Estimate
from sounding.errors import UsageError, did_you_mean

SOURCE = "Our World in Data (carbon intensity of electricity), as CodeCarbon 3.3.2 packages it"
WORLD_SOURCE = "International Energy Agency (Global Energy & CO2 Status Report 2019), CodeCarbon's figure for the world"
JOULES = 3.6e6
"""Joules in one kWh."""

_YEAR = 2023
_WORLD = "world"
_ALIASES = {"uk": "GB", "usa": "US"}
_TABLE = """
AE 561 United Arab Emirates 2022; AR 354 Argentina; AT 111 Austria; AU 549 Australia; BD 691 Bangladesh;
BE 138 Belgium; BG 335 Bulgaria; BR 98 Brazil; CA 170 Canada; CH 35 Switzerland; CL 291 Chile; CN 582 China;
CO 260 Colombia; CZ 450 Czechia; DE 381 Germany; DK 152 Denmark; EE 417 Estonia; EG 570 Egypt; ES 174 Spain;
FI 79 Finland; FR 56 France; GB 238 United Kingdom; GR 337 Greece; HR 205 Croatia; HU 204 Hungary;
ID 676 Indonesia 2022; IE 291 Ireland; IL 583 Israel 2022; IN 713 India; IS 28 Iceland 2022; IT 331 Italy;
JP 485 Japan; KE 70 Kenya; KR 431 South Korea; LT 160 Lithuania; LU 105 Luxembourg; LV 123 Latvia; MX 507 Mexico;
MY 606 Malaysia 2022; NG 523 Nigeria; NL 268 Netherlands; NO 30 Norway; NZ 113 New Zealand; PH 611 Philippines;
PK 441 Pakistan; PL 662 Poland; PT 166 Portugal; RO 241 Romania; RU 441 Russia; SA 707 Saudi Arabia 2022;
SE 41 Sweden; SG 471 Singapore; SI 231 Slovenia; SK 117 Slovakia; TH 550 Thailand; TR 465 Turkey; TW 642 Taiwan;
UA 260 Ukraine 2022; US 369 United States; VN 475 Vietnam; ZA 708 South Africa
"""
"""Code, g of CO2e for a kWh, country, and the year where it is not 2023."""
_MEAN, _MEAN_YEAR = 475, 2018
"""The mean over the world. Later figures of the same agency are lower (445 for 2024); none is of the table's year."""


@dataclass(frozen=True)
class Intensity:
    """g of CO2e for a kWh of electricity in a country, as a mean over a year."""

    code: str
    name: str
    grams_per_kwh: float
    year: int = _YEAR
    source: str = SOURCE

    def grams(self, joules: Estimate, pue: float = 1.0) -> Estimate:
        """Grams of CO2e of these joules, with the interval of the joules.

        `pue`, power usage effectiveness, is what a data centre draws for each joule that its computers get; at least 1.
        """
        scale = checked_pue(pue) * self.grams_per_kwh / JOULES
        low, high = (None if end is None else end * scale for end in (joules.low, joules.high))
        return Estimate(joules.value * scale, low, high, joules.n, joules.level, joules.interval)

    def __str__(self) -> str:
        place = "the world's mean" if self.code == _WORLD else self.name
        return f"{self.grams_per_kwh:g} g of CO2e for a kWh, {place} {self.year}, {self.source}"


def intensity(region: str) -> Intensity:
    """The intensity of a country, by its code of two letters or its name, or of "world".

    Raises UsageError for a region that is not in the table.
    """
    found = regions()
    word = region.strip().lower()
    word = _ALIASES.get(word, word).lower()
    for place in found.values():
        if word in (place.code.lower(), place.name.lower()):
            return place
    near = did_you_mean(region.strip().title(), (place.name for place in found.values()))
    fix = near if near.startswith("Did") else f"Known: {', '.join(found)}"
    raise UsageError(f"no carbon intensity is known for the region {region!r}", fix=fix)


@functools.cache
def regions() -> Mapping[str, Intensity]:
    """Every region that there is, by its code."""
    found = {}
    for row in _TABLE.replace("\n", " ").split(";"):
        code, grams, *words = row.split()
        year = int(words.pop()) if words[-1].isdigit() else _YEAR
        found[code] = Intensity(code, " ".join(words), float(grams), year)
    return {**found, _WORLD: Intensity(_WORLD, "world", _MEAN, _MEAN_YEAR, WORLD_SOURCE)}


def checked_pue(pue: float | str) -> float:
    """A power usage effectiveness. Raises UsageError for what cannot be one."""
    try:
        value = float(pue)
    except (TypeError, ValueError):
        value = math.nan
    if not 1.0 <= value < math.inf:
        raise UsageError(f"{pue} is no power usage effectiveness", fix="Give 1 or more, such as 1.2")
    return value
