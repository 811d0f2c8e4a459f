"""Boxes over a picture: they lie where they should, and only those that are sure are drawn."""

from dataclasses import replace

import numpy as np
import pytest

from sounding.drawing.labels import plate
from sounding.drawing.shapes import Label, Rectangle
from sounding.modalities.boxes.boxes import Boxes, BoxSet
from sounding.modalities.boxes.drawing import box_marks
from sounding.modalities.pictures.image import Image


def drawn(value, names=("cat", "dog")):
    shapes = box_marks(value, names).shapes
    return [s for s in shapes if isinstance(s, Rectangle)], [s for s in shapes if isinstance(s, Label)]


def test_boxes_lie_where_their_pixels_are():
    black = np.zeros((20, 40, 3), np.uint8)
    value = BoxSet([[0.25, 0.5, 0.75, 1.0]], ("cat",))
    sheet = Image().render(black, answer=box_marks(value, ("cat",))).sheet
    picture, box, name = sheet.shapes
    pixel = picture.width / 40
    assert (box.x, box.y, box.width, box.height) == pytest.approx((10 * pixel, 10 * pixel, 20 * pixel, 10 * pixel))
    assert (name.text, name.x, name.y) == ("cat", pytest.approx(box.x), pytest.approx(box.y))  # just above it
    pixels = np.asarray(Image().render(black, answer=box_marks(value, ("cat",))).image())
    assert pixels[pixels.shape[0] * 3 // 4, round(20 * pixel)].tolist() != [0, 0, 0]  # on its left edge
    assert pixels[pixels.shape[0] * 3 // 4, round(40 * pixel)].tolist() == [0, 0, 0]  # in its middle


def test_boxes_in_pixels_lie_where_boxes_in_shares_do():
    shares = BoxSet([[0.25, 0.5, 0.75, 1.0]], ("cat",), image_size=(40, 20))
    pixels = BoxSet([[10, 10, 30, 20]], ("cat",), image_size=(40, 20), pixels=True)
    assert box_marks(pixels) == box_marks(shares)


def test_only_sure_boxes_are_drawn_with_their_scores():
    boxes, names = drawn(BoxSet([[0, 0, 1, 1], [0, 0, 0.5, 0.5]], ("<b>$a_b$", "dog"), [0.9, 0.2], threshold=0.5))
    assert len(boxes) == 1
    assert [name.text for name in names] == ["<b>$a_b$ 0.90"]


def test_a_class_keeps_its_colour_from_picture_to_picture():
    (one,), _ = drawn(BoxSet([[0, 0, 1, 1]], ("dog",)))
    (cat, dog), _ = drawn(BoxSet([[0, 0, 1, 1]] * 2, ("cat", "dog")))
    assert dog.stroke == one.stroke
    assert cat.stroke != one.stroke


def dogs(n):
    return BoxSet(np.tile([[0.2, 0.2, 0.8, 0.8]], (n, 1)), ("dog",) * n)


def test_many_boxes_are_named_in_a_legend():
    marks = box_marks(dogs(60))
    assert [name for _, name in marks.legend] == ["dog"]
    drawn = Image().render(np.zeros((8, 8, 3), np.uint8), answer=marks)
    assert drawn.svg().count(">dog<") == 1
    few = box_marks(dogs(3))
    assert Image().render(np.zeros((8, 8, 3), np.uint8), answer=few).svg().count(">dog<") == 3  # and no legend


@pytest.mark.parametrize("shape", [(4, 6), (360, 480), (3000, 2000), (12, 1500), (900, 9)])
def test_names_can_be_read_on_a_picture_of_any_size(shape):
    corners = [[0, 0, 0.1, 0.1], [0.95, 0, 1, 0.05], [0.9, 0.9, 1, 1], [0, 0.97, 0.02, 1]]
    value = BoxSet(corners, ("cat", "a long name of a class", "dog", "cat"), [0.9, 0.8, 0.7, 0.6])
    drawn = Image().render(np.zeros((*shape, 3), np.uint8), answer=replace(box_marks(value), legend=()))
    plates = [plate(shape) for shape in drawn.sheet.shapes if isinstance(shape, Label)]
    assert len(plates) == 4
    for back, words in plates:
        assert back.x >= 0
        assert back.x + back.width <= drawn.sheet.width + 1e-6
        assert back.y >= 0
        assert back.y + back.height <= drawn.sheet.height + 1e-6
        assert words.size >= 11


def test_no_box_draws_nothing():
    assert not Boxes().marks(BoxSet(np.zeros((0, 4)), ())).shapes
