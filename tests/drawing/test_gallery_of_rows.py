"""A gallery shows every exhibit under its title; letters of a picture keep their size however small it is drawn."""

from __future__ import annotations

import numpy as np

from sounding.drawing.gallery import SMALL, WIDTH, Exhibit, View, gallery
from sounding.drawing.labels import SIZE
from sounding.drawing.rendering import Marks
from sounding.drawing.shapes import Group, Label, Words
from sounding.drawing.spans import plain
from sounding.drawing.svg import svg
from sounding.modalities.pictures.image import Image

PICTURE = np.zeros((300, 400, 3), np.uint8)


def drawn(legend=()):
    return Image().render(PICTURE, answer=Marks((Label(0.2, 0.5, 0.3, 0.3, "cat", "#FFFFFF"),), legend))


def places(sheet):
    return [(shape.x, shape.y) for shape in sheet.shapes if isinstance(shape, Group)]


def test_small_exhibits_stand_beside_one_another():
    one = Exhibit("a.png", (View(("truth: cat",), drawn()),))
    sheet = gallery([one] * 6)
    assert sheet.width <= WIDTH
    assert svg(sheet).count("a.png") == svg(sheet).count("truth: cat") == 6


def test_what_is_drawn_twice_or_wide_has_a_row_of_its_own():
    two = Exhibit("a.png", (View(("truth",), drawn()), View(("answer",), drawn())))
    words = Exhibit("a.txt", (View(("truth",), plain("a text")),))
    for exhibit in (two, words):
        one, many = gallery([exhibit]), gallery([exhibit] * 3)
        assert many.width == one.width == WIDTH
        assert many.height > 2.5 * one.height


def test_letters_keep_their_size_in_a_small_picture():
    sheet = drawn().within(SMALL)
    assert sheet.width == SMALL
    assert sheet.height == 0.75 * SMALL
    assert any(isinstance(shape, Label) for shape in sheet.shapes)  # a label is as large on every sheet
    assert f'font-size="{SIZE:g}"' in svg(sheet)
    small = plain("a text").within(SMALL)  # other drawings get smaller with all that is in them
    assert isinstance(small.shapes[0], Group)
    assert small.width == SMALL


def test_the_legend_stands_once_below_all():
    exhibit = Exhibit("a", (View(("truth",), drawn((("#FF0000", "cat"),))),) * 2)
    sheet = gallery([exhibit] * 2, (("#FF0000", "cats"),))
    assert svg(sheet).count(">cats<") == 1
    (legend,) = [shape for shape in sheet.shapes if isinstance(shape, Words)]
    assert legend.y > sheet.height - 20


def test_words_too_long_for_their_place_are_cut():
    exhibit = Exhibit("x" * 500, (View(("y" * 500,), drawn()),))
    held = svg(gallery([exhibit]))
    assert "x" * 40 not in held
    assert "…" in held
