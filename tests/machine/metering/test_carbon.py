"""Grams of CO2e: the table's figures, what follows from them, and nothing for a place that is not known."""

from __future__ import annotations

import pytest

from sounding.contract.evidence import Estimate
from sounding.errors import UsageError
from sounding.machine.metering.carbon import intensity, regions


@pytest.mark.parametrize(
    ("code", "grams"),
    [("SE", 41), ("FR", 56), ("GB", 238), ("US", 369), ("DE", 381), ("CN", 582), ("PL", 662), ("IN", 713)],
)
def test_the_figures_of_2023(code, grams):
    place = intensity(code)
    assert (place.grams_per_kwh, place.year) == (grams, 2023)
    assert "Our World in Data" in place.source


@pytest.mark.parametrize("region", ["DE", "de", " Germany ", "germany"])
def test_a_region_is_a_code_or_a_name(region):
    assert intensity(region).code == "DE"


def test_common_names_of_two_countries():
    assert (intensity("UK").code, intensity("USA").code) == ("GB", "US")


def test_the_world_must_be_asked_for_and_says_that_it_is_a_mean():
    world = intensity("world")
    assert (world.grams_per_kwh, world.year) == (475, 2018)
    assert "the world's mean 2018, International Energy Agency" in str(world)
    assert "Our World in Data" not in str(world)
    with pytest.raises(UsageError):
        intensity("")


def test_an_older_figure_says_so():
    assert intensity("IS").year == 2022


def test_an_unknown_region_is_refused_with_what_may_have_been_meant():
    with pytest.raises(
        UsageError, match=r"no carbon intensity is known for the region 'Sweeden'. Did you mean Sweden\?"
    ):
        intensity("Sweeden")
    with pytest.raises(UsageError, match=r"'ZZ'. Known: AE, AR, .*, world"):
        intensity("ZZ")


def test_the_table_is_whole():
    found = regions()
    assert len(found) >= 60
    assert all(10 < place.grams_per_kwh < 900 and place.name and place.code == code for code, place in found.items())
    assert all(len(code) == 2 and code.isupper() for code in found if code != "world")
    assert len({place.name for place in found.values()}) == len(found)


def test_grams_are_as_sure_as_the_joules():
    kwh = Estimate(3.6e6, 0.5 * 3.6e6, 2 * 3.6e6, n=3, interval="model uncertainty")
    grams = intensity("SE").grams(kwh)
    assert (grams.value, grams.low, grams.high) == pytest.approx((41, 20.5, 82))
    assert (grams.n, grams.interval) == (3, "model uncertainty")
    exact = intensity("SE").grams(Estimate(7.2e6, n=1))
    assert (exact.value, exact.low, exact.high) == (pytest.approx(82), None, None)


def test_a_data_centre_draws_more_than_its_computers_get():
    assert intensity("FR").grams(Estimate(3.6e6), pue=1.5).value == pytest.approx(84)


@pytest.mark.parametrize("pue", [0.9, 0, -1, float("nan"), float("inf"), "much"])
def test_an_effectiveness_that_cannot_be_is_refused(pue):
    with pytest.raises(UsageError, match=r"is no power usage effectiveness\. Give 1 or more"):
        intensity("FR").grams(Estimate(1.0), pue=pue)
