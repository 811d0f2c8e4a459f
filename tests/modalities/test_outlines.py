"""Polygons and run lengths as pixels: beside COCO's reference code, and beside what geometry says."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from sounding.modalities.annotations import outlines

SHAPE = (48, 64)
CENTRES = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5), -1).reshape(-1, 2)


def star(rng, points=9):
    """A polygon without a side that crosses another, of fractional corners, which may leave the picture."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, points))
    middle, far = rng.uniform([10, 10], [54, 38]), rng.uniform(4, 26, points)
    return (middle + far[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)).ravel().tolist()


@pytest.mark.parametrize("seed", range(8))
def test_the_pixels_of_a_polygon_are_those_whose_centres_lie_inside(seed):
    polygon = star(np.random.default_rng(seed))
    corners = np.reshape(polygon, (-1, 2))
    truth = Outline(np.vstack([corners, corners[:1]]), closed=True).contains_points(CENTRES).reshape(SHAPE)
    assert np.array_equal(outlines.filled(polygon, SHAPE), truth)


@pytest.mark.parametrize("seed", range(8))
def test_polygons_are_those_of_the_reference_code_within_its_rounding(seed):
    mask_api = pytest.importorskip("faster_coco_eval.core.mask")
    polygon = np.clip(star(np.random.default_rng(seed)), 0, 48).tolist()
    reference = mask_api.decode(mask_api.frPyObjects([polygon], *SHAPE))[..., 0].astype(bool)
    mine = outlines.filled(polygon, SHAPE)
    assert (mine & reference).sum() / (mine | reference).sum() > 0.97
    off = CENTRES.reshape(*SHAPE, 2)[mine != reference]
    assert all(distance(centre, np.reshape(polygon, (-1, 2))) < 0.3 for centre in off)  # it rounds to a fifth


def distance(point, corners):
    """From a point to the nearest side of a polygon."""
    sides = np.roll(corners, -1, 0) - corners
    along = (((point - corners) * sides).sum(1) / (sides**2).sum(1)).clip(0, 1)
    return np.linalg.norm(corners + along[:, None] * sides - point, axis=1).min()


def test_rectangles_of_whole_numbers_cover_their_area_exactly():
    mask_api = pytest.importorskip("faster_coco_eval.core.mask")
    rng = np.random.default_rng(0)
    for _ in range(30):
        (x0, x1), (y0, y1) = np.sort(rng.choice(64, 2, replace=False)), np.sort(rng.choice(48, 2, replace=False))
        polygon = [float(v) for v in (x0, y0, x1, y0, x1, y1, x0, y1)]
        truth = np.zeros(SHAPE, bool)
        truth[y0:y1, x0:x1] = True
        assert np.array_equal(outlines.filled(polygon, SHAPE), truth)
        assert np.array_equal(mask_api.decode(mask_api.frPyObjects([polygon], *SHAPE))[..., 0], truth)


def test_neighbours_share_no_pixel_and_leave_none_out():
    rng = np.random.default_rng(1)
    hub = rng.uniform([20, 15], [44, 33])
    rim = [(0, 0), (64, 0), (64, 48), (0, 48)]
    parts = [outlines.filled([*hub, *rim[k], *rim[(k + 1) % 4]], SHAPE) for k in range(4)]
    assert (np.sum(parts, 0) == 1).all()


def test_what_lies_outside_of_the_picture_is_nowhere():
    assert not outlines.filled([-9, -9, -2, -9, -2, -2], SHAPE).any()
    assert not outlines.filled([70, 5, 90, 5, 90, 50], SHAPE).any()
    assert outlines.filled([-100, -100, 200, -100, 200, 200, -100, 200], SHAPE).all()
    assert not outlines.filled([3.6, 3.6, 3.9, 3.6, 3.9, 3.9], SHAPE).any()  # smaller than the way to a centre


def test_several_polygons_are_one_thing_and_one_may_stand_alone():
    two = [[1, 1, 3, 1, 3, 3, 1, 3], [2, 2, 6, 2, 6, 6, 2, 6]]
    assert outlines.drawn(two, SHAPE).sum() == 4 + 16 - 1
    assert np.array_equal(outlines.drawn(two[0], SHAPE), outlines.drawn(two[:1], SHAPE))
    assert outlines.bounds(two) == [1, 1, 6, 6]


def test_run_lengths_are_those_of_the_reference_code():
    mask_api = pytest.importorskip("faster_coco_eval.core.mask")
    rng = np.random.default_rng(0)
    for density in (0.02, 0.5, 0.97, 1.0, 0.0):
        truth = rng.random((37, 300)) < density
        packed = mask_api.encode(np.asfortranarray(truth.astype(np.uint8)))
        counts = packed["counts"]
        for given in (counts, counts.decode() if isinstance(counts, bytes) else counts.encode()):
            assert (outlines.run_lengths({"size": [37, 300], "counts": given}) == truth).all()
        assert (outlines.run_lengths(outlines.rolled(truth)) == truth).all()
        again = mask_api.frPyObjects(outlines.rolled(truth), 37, 300)
        assert (mask_api.decode(again) == truth).all()
        if truth.any():
            x, y, width, height = mask_api.toBbox(packed)
            assert outlines.bounds({"size": [37, 300], "counts": counts}) == [x, y, x + width, y + height]


@pytest.mark.parametrize(
    "outline",
    [[[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [[0, 0, float("nan"), 1, 2, 2]], {"size": [48, 64], "counts": [5]}, "abc"],
)
def test_what_is_no_outline_is_refused(outline):
    with pytest.raises(ValueError, match=r".+"):
        outlines.drawn(outline, SHAPE)
