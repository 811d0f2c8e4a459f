"""Boxes as values: read, laid over a picture, moved with it, told."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sounding.contract.change import Mixed
from sounding.errors import DataError
from sounding.modalities.boxes.boxes import Boxes, BoxSet, Marked, clipped, joined, moved
from sounding.modalities.pictures.changes import Moved, Tile, Tiled

SIZE = (100, 50)
SQUARE = [[0.1, 0.2, 0.3, 0.6]]


def of(corners=SQUARE, labels=("cat",), scores=None, image_size=SIZE, **more):
    return BoxSet(np.reshape(corners, (-1, 4)), labels, scores, image_size, **more)


def fitted(*names):
    boxes = Boxes()
    boxes.fit([of([[0, 0, 1, 1]] * len(names), names)])
    return boxes


# ---- the value


def test_a_set_of_boxes_is_equal_and_hashed_by_content():
    assert of() == of()
    assert hash(of()) == hash(of())
    assert len({of(), of()}) == 1
    others = [of(labels=["dog"]), of([[0, 0, 1, 1]]), of(scores=[0.5]), of(image_size=None), of([], [])]
    assert len({of(), *others}) == 6
    assert of() != "cat"


def test_each_box_has_one_label():
    with pytest.raises(DataError, match="1 boxes with 2 labels"):
        of(labels=("a", "b"))


def test_taking_some():
    three = of([[0, 0, 1, 1], [0, 0, 0.5, 1], [0, 0, 1, 0.5]], "abc", [0.1, 0.2, 0.3])
    assert three.take([2, 0]).labels == ("c", "a")
    assert three.take(np.array([False, True, False])).scores.tolist() == [pytest.approx(0.2)]
    assert len(of([], []).take(np.zeros(0, bool))) == 0


# ---- reading


@pytest.mark.parametrize(
    "cell",
    [
        {"bbox": [[10, 10, 20, 20]], "category": ["cat"]},
        {"bbox": np.array([[10, 10, 20, 20]], np.float32), "label": ["cat"]},
        {"boxes": [[10, 10, 20, 20]], "labels": ("cat",), "area": [400], "id": [3]},
        [{"bbox": [10, 10, 20, 20], "class": "cat", "area": 400}],
        {"bbox": [10, 10, 20, 20], "category": "cat"},
        [{"label": "cat", "score": None, "box": {"xmin": 10, "ymin": 10, "xmax": 30, "ymax": 30}}],
        {"bbox": [[0.1, 0.2, 0.2, 0.4]], "category": ["cat"], "unit": "share"},
        Marked(of([[10, 10, 30, 30]], pixels=True)),
        of(),
    ],
    ids=repr,
)
def test_cells_of_one_box(cell):
    boxes = Boxes()
    assert boxes.accepts(cell)
    value = boxes.placed(boxes.read(cell), SIZE)
    assert np.allclose(value.corners, SQUARE, atol=1e-6)
    assert value.labels == ("cat",)
    assert value.image_size == SIZE
    assert not value.pixels
    assert boxes.remark(value) == ""


@pytest.mark.parametrize(
    "cell", [{"bbox": [], "category": []}, [], {"bbox": np.zeros((0, 4)), "category": np.zeros(0)}], ids=repr
)
def test_cells_without_boxes(cell):
    boxes = Boxes()
    value = boxes.placed(boxes.read(cell), SIZE)
    assert len(value) == 0
    assert boxes.remark(value)
    boxes.names = ["cat"]
    ((corners, classes),) = boxes.encode([value])
    assert corners.shape == (0, 4)
    assert classes.shape == (0,)


def test_numbers_are_names():
    value = Boxes().read({"bbox": [[0, 0, 1, 1]] * 3, "category": [3, np.int64(4), 5.0]})
    assert value.labels == ("3", "4", "5")


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("cat", "a str is no list of boxes"),
        (None, "NoneType"),
        ({"bbox": [[0, 0, 1, 1]]}, "no boxes and names"),
        ({"bbox": [[0, 0, 1, 1]], "category": []}, "1 entries, and category 0"),
        ({"bbox": None, "category": None}, "not two lists"),
        ({"bbox": [[0, 0, 1]], "category": ["a"]}, "is no box"),
        ({"bbox": [[0, 0, -1, 1]], "category": ["a"]}, "negative"),
        ({"bbox": [[0, 0, float("nan"), 1]], "category": ["a"]}, "no number"),
        ({"bbox": [[0, 0, 1, 1]], "category": [None]}, "has the class None"),
        ({"bbox": [[0, 0, 1, 1]], "category": [" "]}, "has the class ' '"),
        ([{"label": "a", "box": {"xmin": 3, "ymin": 0, "xmax": 1, "ymax": 1}}], "ends before it begins"),
        (["a", "b"], "a list is no list of boxes"),
    ],
    ids=str,
)
def test_cells_that_are_refused(cell, what):
    with pytest.raises(DataError) as caught:
        Boxes().read(cell)
    assert what in caught.value.what
    assert caught.value.fix


def test_other_columns_are_no_boxes():
    assert not any(map(Boxes().accepts, ["cat", 3, None, {"bytes": b"", "path": "a.png"}, ["a"], []]))


# ---- laid over a picture


def test_boxes_without_a_size_are_left_out_and_those_that_stick_out_cut_both_said():
    boxes = Boxes()
    cell = {"bbox": [[0, 0, 0, 0], [90, 10, 20, 20], [5, 5, 10, 0], [-0.4, 0, 10, 10]], "category": list("abcd")}
    value = boxes.placed(boxes.read(cell), SIZE)
    assert value.labels == ("b", "d")
    assert np.allclose(value.corners, [[0.9, 0.2, 1, 0.6], [0, 0, 0.096, 0.2]])
    assert boxes.remark(value) == (
        "2 boxes without a size left out, 1 box partly outside the picture cut at its border, "
        "1 box less than a pixel beyond the border, as rounding leaves it, clipped"
    )


@pytest.mark.parametrize("box", [[100, 0, 10, 10], [0, 50, 10, 10], [-20, 0, 20, 10], [300, 300, 5, 5]])
def test_boxes_outside_are_refused(box):
    boxes = Boxes()
    with pytest.raises(DataError, match=r"'a' lies outside the picture .* 100×50"):
        boxes.placed(boxes.read({"bbox": [[0, 0, 5, 5], box], "category": ["b", "a"]}), SIZE)


def test_an_answer_is_told_in_pixels_of_the_picture_that_it_is_laid_over():
    answer = of([[0.1, 0.2, 0.3, 0.6], [0, 0, 1, 1]], ("cat", "dog"), [0.25, 0.75], None)
    boxes = Boxes()
    assert boxes.answers(boxes.placed(answer, (640, 480)), 0.5, None) == [
        {"label": "dog", "score": 0.75, "box": {"xmin": 0, "ymin": 0, "xmax": 640, "ymax": 480}},
        {"label": "cat", "score": 0.25, "box": {"xmin": 64, "ymin": 96, "xmax": 192, "ymax": 288}},
    ]
    assert all(type(side) is int for side in boxes.answers(of(), None, None)[0]["box"].values())
    assert boxes.answers(answer, 0.5, None)[1]["box"]["xmin"] == pytest.approx(0.1)
    json.dumps(boxes.answers(boxes.placed(answer, (640, 480)), 0.5, None))


# ---- classes


def test_classes_are_learnt_and_encoded():
    boxes = fitted("dog", "Ape", "cat")
    assert boxes.names == ["Ape", "cat", "dog"]
    assert boxes.classes is None
    ((corners, classes),) = boxes.encode([of(SQUARE * 2, ("dog", "cat"))])
    assert corners.dtype == torch.float32
    assert torch.allclose(corners, torch.tensor(SQUARE * 2))
    assert classes.dtype == torch.int64
    assert classes.tolist() == [2, 1]


def test_numbers_are_in_their_order():
    assert fitted("10", "9", "1").names == ["1", "9", "10"]


def test_no_box_at_all_is_nothing_to_learn_from():
    with pytest.raises(DataError, match="no picture has a box"):
        Boxes().fit([of([], [])])


def test_an_unknown_class():
    boxes = fitted("cat", "dog")
    with pytest.raises(DataError, match="no training row has the class 'cta'") as caught:
        boxes.encode([of(labels=["cta"])])
    assert caught.value.fix == "Did you mean cat?"
    assert boxes.unseen_class(of(labels=["cta"]))
    assert not boxes.unseen_class(of())


def test_pixels_that_were_never_laid_over_a_picture_are_not_encoded():
    with pytest.raises(DataError, match="unknown size"):
        fitted("cat").encode([Boxes().read({"bbox": [[0, 0, 5, 5]], "category": ["cat"]})])


def test_quarrels_and_state():
    boxes, again = fitted("Cat", "cat", "dog"), Boxes()
    assert boxes.label_conflicts() == ["the classes 'Cat' and 'cat' differ only by case or spaces"]
    again.restore(json.loads(json.dumps(boxes.state())))
    assert again.names == boxes.names


# ---- told


def test_words():
    boxes = Boxes()
    assert boxes.describe(of(SQUARE * 4, ("WBC", "RBC", "RBC", "RBC"))) == "3 RBC, 1 WBC"
    assert boxes.describe(of([], [])) == "nothing"


@pytest.mark.parametrize("value", [of(), of(scores=[0.5]), of([], []), of(SQUARE * 2, "ab")], ids=repr)
def test_json_is_read_again(value):
    boxes = Boxes()
    again = boxes.placed(boxes.read(json.loads(json.dumps(boxes.to_json(value)))), SIZE)
    assert np.allclose(again.corners, value.corners, atol=1e-4)
    assert again.labels == value.labels
    bare = replace(value, image_size=None)
    again = boxes.read(json.loads(json.dumps(boxes.to_json(bare))))
    assert np.allclose(again.corners, value.corners, atol=1e-5)
    assert not again.pixels


def test_the_typical_answer_is_the_mean_box_of_the_commonest_class():
    values = [of([[0, 0, 0.2, 0.2], [0.2, 0.2, 0.4, 0.4]], ("a", "a")), of([[0, 0, 1, 1]], ("b",)), of([], [])]
    typical = Boxes().constant_baseline(values)
    assert typical.labels == ("a",)
    assert np.allclose(typical.corners, [[0.1, 0.1, 0.3, 0.3]])
    assert len(Boxes().constant_baseline([of([], [])])) == 0


# ---- following a change of the picture


def shown(corners, h=64, w=96):
    """A black picture [1, 1, H, W] with a white box."""
    x = torch.zeros(1, 1, h, w)
    left, top, right, bottom = (np.array(corners) * [w, h, w, h]).round().astype(int)
    x[:, :, top:bottom, left:right] = 1
    return x


def seen(x):
    """The shares of the corners of what is white."""
    down, across = np.nonzero(x[0, 0].numpy() > 0.5)
    h, w = x.shape[-2:]
    return [across.min() / w, down.min() / h, (across.max() + 1) / w, (down.max() + 1) / h]


@pytest.mark.parametrize(
    "affine",
    [
        [[1, 0, 0], [0, 1, 0]],
        [[-1, 0, 0], [0, 1, 0]],  # a mirror
        [[0.75, 0, 0.1], [0, 0.75, -0.2]],  # larger
        [[1.5, 0, 0.3], [0, 2, 0.2]],  # smaller, and not as high
        [[-1.25, 0, 0.2], [0, 1, 0.1]],
        [[0, 1, 0], [-1, 0, 0]],  # a quarter turn
    ],
)
def test_boxes_go_where_their_pixels_went(affine):
    box = [0.25, 0.25, 0.5, 0.75]
    matrix = torch.tensor([affine], dtype=torch.float32)
    grid = F.affine_grid(matrix, [1, 1, 64, 96], align_corners=False)
    expected = seen(F.grid_sample(shown(box), grid, align_corners=False))
    assert np.allclose(moved(np.array([box]), affine), [expected], atol=1.01 / 64)
    (value,) = Boxes().transform_targets([of([box])], Moved(matrix))
    assert np.allclose(value.corners, [expected], atol=1.01 / 64)
    assert value.labels == ("cat",)


def test_a_box_of_which_less_than_a_quarter_stays_is_dropped():
    value = of([[-0.4, 0, 0.1, 1], [-0.2, 0, 0.1, 1], [0.2, 0.2, 0.4, 0.4], [2, 2, 3, 3]], "abcd")
    assert clipped(value).labels == ("b", "c")
    assert np.allclose(clipped(value).corners[0], [0, 0, 0.1, 1])
    assert clipped(value, 0.1).labels == ("a", "b", "c")
    assert clipped(value, window=(0.3, 0, 1, 1)).labels == ("c",)


def test_a_picture_without_boxes_can_be_moved():
    assert len(Boxes().transform_targets([of([], [])], Moved(torch.eye(2, 3)[None]))[0]) == 0


def test_a_mixed_picture_has_the_boxes_of_both():
    values = [of(), of([[0, 0, 1, 1]], ["dog"])]
    mixed = Boxes().transform_targets(values, Mixed(torch.tensor([1, 1]), torch.tensor([0.5, 0.5])))
    assert [value.labels for value in mixed] == [("cat", "dog"), ("dog", "dog")]
    assert joined(values).labels == ("cat", "dog")


def test_a_mosaic_has_the_boxes_of_its_tiles():
    """Left half: the other picture, whole; right half: the picture itself, at its own size from its middle on."""
    values = [of([[0.5, 0.25, 0.75, 0.5]], ["a"]), of([[0, 0, 1, 1]], ["b"])]
    whole = torch.tensor([[[2.0, 0, 1], [0, 1, 0]]] * 2)
    same = torch.eye(2, 3).repeat(2, 1, 1)
    tiles = (
        Tile(torch.tensor([1, 0]), whole, (0, 0, 0.5, 1)),
        Tile(torch.tensor([0, 1]), same, (0.5, 0, 1, 1)),
    )
    first, second = Boxes().transform_targets(values, Tiled(tiles))
    assert first.labels == ("b", "a")
    assert np.allclose(first.corners, [[0, 0, 0.5, 1], [0.5, 0.25, 0.75, 0.5]])
    assert second.labels == ("a", "b")
    assert np.allclose(second.corners, [[0.25, 0.25, 0.375, 0.5], [0.5, 0, 1, 1]])
