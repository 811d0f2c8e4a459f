"""Names of things are on the sheet, beside one another, in letters that stand out from their plate."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from sounding.drawing.colours import OKABE_ITO
from sounding.drawing.labels import crowded, laid_out, plate
from sounding.drawing.raster import image
from sounding.drawing.shapes import Label, Rectangle, Sheet


def plates(shapes):
    return [plate(shape)[0] for shape in shapes if isinstance(shape, Label)]


def test_a_name_stands_just_above_what_it_names():
    (only,) = laid_out([Label(40, 60, 50, 30, "cat", "#000000")], 200, 200)
    (back,) = plates([only])
    assert (back.x, back.y + back.height) == (40, 60)


@pytest.mark.parametrize("place", [(0, 0), (190, 0), (0, 190), (190, 190), (-30, -30), (300, 300)])
def test_a_name_stays_on_the_sheet(place):
    (back,) = plates(laid_out([Label(*place, 10, 10, "a name", "#000000")], 200, 200))
    assert min(back.x, back.y) >= 0
    assert max(back.x + back.width, back.y + back.height) <= 200


def test_names_of_things_in_one_place_do_not_hide_one_another():
    shapes = [Label(50, 60, 90, 90, f"thing {i}", "#000000") for i in range(4)]
    for a, b in combinations(plates(laid_out(shapes, 200, 200)), 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart


def test_names_lie_over_all_else():
    shapes = laid_out([Label(0, 50, 9, 9, "a", "#000000"), Rectangle(0, 0, 99, 99, "#FF0000")], 99, 99)
    assert isinstance(shapes[-1], Label)


def test_a_name_wider_than_the_sheet_is_cut():
    (only,) = laid_out([Label(0, 50, 9, 9, "a very long name of a class", "#000000")], 80, 80)
    assert only.text.startswith("a very")
    assert only.text.endswith("…")
    assert plates([only])[0].width <= 80


def test_a_sheet_is_crowded_by_the_plates_it_would_hold():
    label = Label(0, 0, 9, 9, "a name", "#000000")
    assert not crowded([label], 200, 200)
    assert crowded([label] * 20, 200, 200)
    assert not crowded([label] * 20, 800, 800)


@pytest.mark.parametrize("colour", [*OKABE_ITO, "#FFFFFF", "#000000"])
def test_letters_stand_out_from_every_plate(colour):
    sheet = Sheet(80, 40, (Label(5, 30, 60, 5, "MMMM", colour),))
    inside = np.asarray(image(sheet).convert("L"), float)[30:58, 14:80]
    assert inside.max() - inside.min() > 90
