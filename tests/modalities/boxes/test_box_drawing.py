"""Boxes over a picture: they lie where they should, and only those that are sure are drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from sounding.modalities.boxes.boxes import BoxSet
from sounding.modalities.boxes.drawing import MANY, draw_boxes


def drawn(value, size=(40, 20), names=("cat", "dog")):
    axes = Figure().subplots()
    axes.imshow(np.zeros((size[1], size[0], 3)))
    draw_boxes(axes, value, size, names)
    return axes


def test_boxes_lie_where_their_pixels_are():
    axes = drawn(BoxSet([[0.25, 0.5, 0.75, 1.0]], ("cat",)))
    (patch,) = axes.patches
    assert patch.get_bbox().extents.tolist() == pytest.approx([9.5, 9.5, 29.5, 19.5])
    assert [text.get_text() for text in axes.texts] == ["cat"]


def test_only_sure_boxes_are_drawn_with_their_scores():
    value = BoxSet([[0, 0, 1, 1], [0, 0, 0.5, 0.5]], ("$a_b$", "dog"), [0.9, 0.2], threshold=0.5)
    axes = drawn(value)
    assert len(axes.patches) == 1
    assert [text.get_text() for text in axes.texts] == ["$a_b$ 0.90"]
    axes.figure.canvas.draw()  # a name is no formula


def test_a_class_keeps_its_colour_from_picture_to_picture():
    one = drawn(BoxSet([[0, 0, 1, 1]], ("dog",))).patches[0].get_edgecolor()
    other = drawn(BoxSet([[0, 0, 1, 1]] * 2, ("cat", "dog"))).patches
    assert other[1].get_edgecolor() == one
    assert other[0].get_edgecolor() != one


def test_many_boxes_are_named_in_a_legend():
    axes = drawn(BoxSet(np.tile([[0, 0, 1, 1]], (MANY + 1, 1)), ("dog",) * (MANY + 1)))
    assert not axes.texts
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["dog"]


def test_no_box_draws_nothing():
    assert not drawn(BoxSet(np.zeros((0, 4)), ())).patches
