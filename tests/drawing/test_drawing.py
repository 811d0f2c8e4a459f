"""Sheets as SVG and as pictures show the same thing in the same place, and no word of a user acts in a page."""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest

from sounding.card.pictures import figure
from sounding.contract.evidence import Figure
from sounding.drawing.colours import diverging, hexadecimal, scaled
from sounding.drawing.raster import image
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Disc, Path, Raster, Rectangle, Sheet, Words
from sounding.drawing.spans import LONGEST, WIDTH, plain, spans
from sounding.drawing.svg import svg
from sounding.drawing.table import Line, side_by_side
from sounding.drawing.words import as_seen, text_width
from sounding.errors import UsageError

CHECKS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)
EVIL = '<script>alert("1")</script>\x00&'


def elements(text: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter())


def colour_at(sheet: Sheet, x: float, y: float) -> tuple[int, ...]:
    picture = image(sheet)
    return picture.getpixel((round(x * picture.width / sheet.width), round(y * picture.height / sheet.height)))


# ---- shapes


@pytest.mark.parametrize(
    ("shape", "inside", "outside"),
    [
        (Rectangle(10, 10, 30, 20, "#FF0000"), (25, 20), (50, 20)),
        (Disc(30, 30, 10, "#FF0000"), (30, 30), (42, 42)),
        (Path(((10, 10), (50, 10), (50, 50)), "#FF0000", fill="#FF0000"), (45, 20), (15, 45)),
        (Path(((10, 30), (50, 30)), "#FF0000", thickness=6), (30, 30), (30, 40)),
    ],
)
def test_a_shape_is_red_where_it_is_and_white_where_it_is_not(shape, inside, outside):
    sheet = Sheet(60, 60, (shape,))
    assert colour_at(sheet, *inside) == (255, 0, 0)
    assert colour_at(sheet, *outside) == (255, 255, 255)
    moved = Sheet(130, 130, (sheet.at(10, 10, 2.0),))
    assert colour_at(moved, *(10 + 2 * place for place in inside)) == (255, 0, 0)
    assert colour_at(moved, *(10 + 2 * place for place in outside)) == (255, 255, 255)


def test_pixels_stay_squares_and_come_back_from_the_svg():
    sheet = Sheet(40, 20, (Raster(0, 0, 40, 20, CHECKS),))
    assert [colour_at(sheet, x, y) for y in (5, 15) for x in (10, 30)] == [tuple(c) for c in CHECKS.reshape(4, 3)]
    (held,) = re.findall(r"base64,([^\"]+)", svg(sheet))
    assert (np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(held)))) == CHECKS).all()


def test_clear_pixels_show_what_is_beneath():
    veil = np.dstack([CHECKS, np.array([[0, 255], [128, 0]], np.uint8)])
    sheet = Sheet(40, 40, (Rectangle(0, 0, 40, 40, "#FFFFFF"), Raster(0, 0, 40, 40, veil)))
    assert colour_at(sheet, 10, 10) == (255, 255, 255)
    assert colour_at(sheet, 30, 10) == (0, 255, 0)
    assert colour_at(sheet, 10, 30) == pytest.approx((127, 127, 255), abs=1)


def test_mapping_moves_a_shape_and_keeps_its_line_and_its_letters():
    box, name = Rectangle(0.5, 0.5, 0.25, 0.5, stroke="#000000", thickness=2), Words(0.5, 0.5, "cat", 10, shift=-3)
    assert box.mapped(100, 40) == Rectangle(50, 20, 25, 20, stroke="#000000", thickness=2)
    assert name.mapped(100, 40, 1, 2) == Words(51, 22, "cat", 10, shift=-3)


def test_the_svg_is_as_large_as_the_sheet_and_the_same_each_time():
    sheet = spans(["a ", "b"], np.array([1.0, -1.0])).sheet
    (root, *_) = elements(svg(sheet))
    assert root.get("viewBox") == f"0 0 {sheet.width:g} {sheet.height:g}"
    assert svg(sheet) == svg(sheet)


# ---- colours


def test_weights_are_red_above_nothing_and_blue_below():
    red, white, blue = diverging(np.array([1.0, 0.0, -1.0])).astype(int)
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert white.min() > 240
    assert hexadecimal(np.array([255, 0, 16])) == "#FF0010"


def test_weights_are_shares_of_the_largest_and_what_is_not_finite_is_none():
    assert scaled(np.array([2.0, -4.0, np.nan, np.inf])).tolist() == [0.5, -1.0, 0.0, 0.0]
    assert scaled(np.zeros(3)).tolist() == [0, 0, 0]


# ---- renderings


@pytest.mark.parametrize("weights", [None, np.array([1.0, -0.5])])
def test_words_of_a_user_are_escaped_in_every_form(weights, tmp_path):
    drawn = spans([EVIL, " end"], weights).titled(EVIL).explained((("#FF0000", EVIL),))
    for text in (drawn.svg(), drawn.markup()):
        assert "<script" not in text
        assert "\x00" not in text
        assert "&lt;script&gt;" in text
    assert {element.tag.rpartition("}")[2] for element in elements(drawn.svg())} <= {"svg", "g", "rect", "text"}
    drawn.save(tmp_path / "evil.png")  # no letter is too much for it


def test_a_card_takes_a_rendering_into_its_page():
    drawn = plain("a thing", np.arange(5.0)).beside(Rendering(Sheet(20, 20, (Raster(0, 0, 20, 20, CHECKS),)), "checks"))
    assert "<svg" in figure(Figure("x", "A caption", drawn.svg()))  # and not shut into an image


def test_segments_are_coloured_by_their_weights_and_told_on_a_terminal():
    drawn = spans(["not ", "a ", "good ", "film"], np.array([-0.8, 0.01, 1.6, 0.0]))
    assert drawn.text == "not(-0.80) a good(+1.60) film"
    fills = [e.get("fill") for e in elements(drawn.svg()) if e.tag.endswith("rect")][1:5]
    assert fills[2] == re.findall(r"background: (#\w+)", drawn.html)[2]
    assert len(set(fills)) == 4
    assert spans(["a\n", "b"]).text == "a\nb"


def test_lines_are_broken_where_they_are_full_and_no_word_is_lost():
    words = [f"word{i} " for i in range(200)] + ["x" * 300]
    drawn = spans(words, np.ones(len(words)))
    shown = [shape for shape in drawn.sheet.shapes if isinstance(shape, Words)][: -len(("against", "for", "largest"))]
    assert "".join(shape.text for shape in shown) == "".join(words)
    assert all(shape.x + text_width(shape.text.rstrip(), shape.size) <= WIDTH for shape in shown)
    assert len({shape.y for shape in shown}) > 10
    assert max(shape.y for shape in shown) < drawn.sheet.height


def test_a_long_text_is_cut_and_says_so():
    drawn = spans(["a" * 30 + " "] * 1000, np.ones(1000))
    assert drawn.text.endswith("…")
    assert len(drawn.text) < 2 * LONGEST


def test_what_is_written_from_right_to_left_is_drawn_so():
    drawn = spans(["שלום ", "עולם ", "גדול"], np.array([1.0, -0.5, 0.2]))
    boxes = [shape for shape in drawn.sheet.shapes if isinstance(shape, Rectangle)][:3]
    lefts = [box.x for box in boxes]
    assert lefts == sorted(lefts, reverse=True)
    assert boxes[0].x + boxes[0].width == pytest.approx(WIDTH, abs=5)
    assert drawn.html.startswith('<span dir="rtl"')
    assert "dir=" not in spans(["hello ", "שלום"]).html
    assert (as_seen("שלום"), as_seen("word"), as_seen("בָּא")) == ("םולש", "word", "אבָּ")


def test_a_value_without_a_look_is_described_and_its_segments_numbered():
    drawn = plain("2.0 s of sound", np.array([0.1, -3.0, 0.2]))
    assert drawn.text == "2.0 s of sound\nsegment 1 -3.00, segment 2 +0.20, segment 0 +0.10"
    assert "2.0 s of sound" in drawn.html
    assert all(f"> {number} <" in drawn.svg() for number in range(3))
    assert plain("a board").text == "a board"


@pytest.mark.parametrize("ending", [".svg", ".html", ".png", ".jpg"])
def test_a_rendering_is_saved_by_its_ending(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    plain("a thing").save(path)
    assert path.stat().st_size > 40
    if ending in (".png", ".jpg"):
        with PIL.Image.open(path) as picture:
            assert picture.width == 2 * WIDTH


def test_an_unknown_ending_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"nothing is drawn as \.xyz"):
        plain("a thing").save(tmp_path / "x.xyz")


# ---- side by side


def small(text: str) -> Rendering:
    return Rendering(Sheet(300, 300, (Raster(0, 0, 300, 300, CHECKS),)), text)


def test_small_renderings_stand_side_by_side_and_wide_ones_beneath_one_another():
    heads = ("input", "integrated gradients\nsign only")
    grid = side_by_side(heads, [Line("right", "a cat", (small("a"), small("b")))])
    images = [shape for shape in grid.shapes if not isinstance(shape, Words)]
    assert images[0].y == images[1].y
    assert images[0].x < images[1].x
    stacked = side_by_side(heads, [Line("right", "a cat", (plain("a"), plain("b")))])
    parts = [shape for shape in stacked.shapes if not isinstance(shape, Words)]
    assert parts[0].x == parts[1].x
    assert parts[0].y < parts[1].y
    for sheet in (grid, stacked):
        assert "right" in svg(sheet)
        assert "a cat" in svg(sheet)
