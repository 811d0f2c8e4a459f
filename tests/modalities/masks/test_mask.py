"""Masks: what a file may be, what is rejected and how it is said, and how masks follow their pictures."""

from __future__ import annotations

import base64
import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from sounding.contract.change import Mixed
from sounding.contract.modality import Row
from sounding.drawing.colours import OKABE_ITO
from sounding.errors import DataError, UsageError
from sounding.modalities.masks.class_ids import Scheme
from sounding.modalities.masks.drawing import mask_marks, palette, png
from sounding.modalities.masks.mask import VOID, Mask
from sounding.modalities.masks.moving import nearest
from sounding.modalities.pictures.augmentation import augment
from sounding.modalities.pictures.changes import Moved
from sounding.modalities.pictures.image import Image
from sounding.randomness import generator

IDS = np.array([[0, 1, 1, 2], [0, 0, 255, 2], [1, 1, 1, 1]], np.uint8)


def file_of(picture: PIL.Image.Image, kind: str = "PNG", **options) -> bytes:
    held = BytesIO()
    picture.save(held, kind, **options)
    return held.getvalue()


def grey(array: np.ndarray, **options) -> bytes:
    return file_of(PIL.Image.fromarray(array), **options)


def fitted(*values: np.ndarray, **options) -> Mask:
    mask = Mask(**options)
    mask.fit(values or [IDS])
    return mask


# ---- files


def test_grey_palette_sixteen_and_one_bit_files_give_their_numbers(tmp_path):
    picture = PIL.Image.fromarray(IDS).convert("L")
    coloured = PIL.Image.frombytes("P", picture.size, IDS.tobytes())
    coloured.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    deep = PIL.Image.fromarray(IDS.astype(np.uint16))
    (tmp_path / "m.png").write_bytes(grey(IDS))
    cells = [file_of(picture), file_of(coloured), file_of(deep), file_of(deep, "TIFF"), {"bytes": grey(IDS)}, IDS]
    cells += [picture, coloured, str(tmp_path / "m.png"), {"bytes": None, "path": str(tmp_path / "m.png")}]
    for cell in cells:
        assert Mask().accepts(cell)
        found = Mask().read(cell)
        assert found.dtype == np.uint8
        assert (found == IDS).all()
    assert (Mask().read("m.png", tmp_path) == IDS).all()
    bits = np.array([[0, 1], [1, 1]], bool)
    assert (Mask().read(file_of(PIL.Image.fromarray(bits))) == bits).all()


def test_a_colour_mask_needs_a_map_and_grey_saved_as_colour_does_not():
    colours = np.array([[128, 0, 0], [0, 128, 0], [0, 0, 0]], np.uint8)
    truth = np.array([[0, 1], [2, 2]])
    cell = grey(colours[truth])
    with pytest.raises(DataError, match=r"in colour \(3 colours\).*class_dict.csv"):
        Mask().read(cell)
    mask = Mask()
    mask.scheme = Scheme({0: "car", 1: "tree", 2: "void"}, {(128, 0, 0): 0, (0, 128, 0): 1, (0, 0, 0): 2})
    assert mask.read(cell).tolist() == [[0, 1], [VOID, VOID]]
    assert mask.notes() == ["pixels of 'void' count as not labelled, because of the name"]
    with pytest.raises(DataError, match=r"a colour that the colour map does not: \(1, 2, 3\)"):
        mask.read(np.full((2, 2, 3), [1, 2, 3], np.uint8))
    assert (Mask().read(grey(np.repeat(IDS[..., None], 3, axis=2))) == IDS).all()


def test_a_palette_whose_colours_a_map_names_is_read_by_its_colours():
    picture = PIL.Image.frombytes("P", (2, 1), bytes([5, 6]))
    picture.putpalette([0] * 15 + [1, 1, 1, 2, 2, 2])
    mask = Mask()
    mask.scheme = Scheme({}, {(2, 2, 2): 0, (1, 1, 1): 1})
    assert mask.read(file_of(picture)).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (np.full((2, 2), 256, np.int32), "the class id 256"),
        (np.full((2, 2), -1), "the class id -1"),
        (np.zeros((2, 2)), "fractions, not class ids"),
        (np.zeros((2, 2, 7), np.uint8), "2×2×7 is not a mask"),
        (file_of(PIL.Image.fromarray(np.full((2, 2), 5000, np.uint16))), "the class id 5000"),
        (file_of(PIL.Image.fromarray(IDS), "JPEG"), "is a JPEG, which no mask can be"),
        (grey(np.random.default_rng(0).integers(0, 9, (50, 50)).astype(np.uint8))[:400], "cut off or damaged"),
        (b"hello", "is not a picture"),
        ("gone.png", "there is no mask .*gone.png"),
        (None, "there is no mask"),
        ({"bytes": None, "path": None}, "there is no mask"),
        (3.5, "a float is not a mask"),
    ],
)
def test_what_is_no_mask_is_refused_in_a_sentence(cell, said):
    with pytest.raises(DataError, match=said) as error:
        Mask().read(cell)
    assert error.value.fix


def test_masks_of_0_and_255_alone_are_black_and_white(tmp_path):
    white = np.where(IDS == 1, 255, 0).astype(np.uint8)
    rows = [Row("a", None, grey(white)), Row("b", None, grey(255 - white))]
    mask = Mask()
    mask.learn_legend(rows, tmp_path)
    assert (mask.read(rows[0].target) == (IDS == 1)).all()
    mask.fit([mask.read(row.target) for row in rows])
    assert mask.names == ["0", "255"]
    assert "255 is a class" in mask.notes()[0]
    with pytest.raises(DataError, match="holds 7, where the others hold only 0 and 255"):
        mask.read(np.full((2, 2), 7, np.uint8))
    usual = Mask()
    usual.learn_legend([*rows, Row("c", None, IDS)], tmp_path)  # one mask with other classes: 255 is void
    assert usual.read(rows[0].target).max() == VOID
    alone = Mask()
    with pytest.raises(DataError, match="every labelled pixel of the training masks is '0'"):
        alone.fit([white])


# ---- classes


def test_fit_learns_which_ids_occur_and_how_often_also_with_gaps():
    mask = fitted(np.array([[0, 0, 7], [200, 255, 9]], np.uint8), ignore="9")
    assert (mask.ids, mask.names) == ([0, 7, 200], ["0", "7", "200"])
    assert mask.shares == pytest.approx([0.5, 0.25, 0.25])
    assert mask.classes is None
    value = np.array([[7, 200], [0, 255]], np.uint8)
    places = mask.encode([value])
    assert places.dtype == torch.long
    assert places.tolist() == [[[1, 2], [0, VOID]]]
    assert (mask.decode(places)[0] == value).all()
    assert (mask.decode(places[0].numpy()) == value).all()
    with pytest.raises(DataError, match="no pixel of the training masks is labelled"):
        Mask().fit([np.full((2, 2), 255, np.uint8)])
    for word in ("300", "-2", "sky", ""):
        with pytest.raises(UsageError, match="names no class ids") as error:
            Mask(ignore=word)
        assert "auto, none" in error.value.fix


def test_an_ignored_id_is_void_from_the_moment_it_is_read():
    mask = Mask(ignore="2")
    assert (mask.read(IDS) == np.where(IDS == 2, VOID, IDS)).all()
    mask.fit([IDS])
    assert mask.ids == [0, 1]
    assert mask.encode([IDS]).eq(torch.from_numpy(np.where(IDS == 2, VOID, IDS)).long()).all()


@pytest.mark.parametrize(
    ("masks", "share"),
    [([IDS], "1 of 12"), ([np.full((2, 5), 255, np.uint8), IDS], "11 of 22"), ([np.eye(9, dtype=np.uint8)], None)],
)
def test_the_share_that_counts_for_nothing_is_told_with_the_word_that_changes_it(masks, share):
    mask = Mask()
    mask.fit([mask.read(value) for value in masks])
    told = [note for note in mask.notes() if "not labelled" in note]
    if share is None:
        assert told == []
    else:
        part, whole = map(int, share.split(" of "))
        assert told[0].startswith(f"{100 * part / whole:.1f} % of the pixels of the training masks")
        assert "ignore=none" in told[0]
    again = Mask()
    again.restore(json.loads(json.dumps(mask.state())))
    assert again.notes() == mask.notes()


def test_255_is_a_class_like_others_where_that_is_asked(tmp_path):
    levels = np.array([[0, 128, 255], [255, 255, 255]], np.uint8)  # as REFUGE has them: cup, disc, the rest
    mask = Mask(ignore="none")
    mask.learn_legend([Row("a", None, grey(levels))], tmp_path)
    value = mask.read(grey(levels))
    mask.fit([value])
    assert mask.names == ["0", "128", "255"]
    assert mask.shares == pytest.approx([1 / 6, 1 / 6, 4 / 6])
    assert mask.notes() == []
    assert mask.encode([value]).tolist() == [[[0, 1, 2], [2, 2, 2]]]
    assert mask.describe(value) == "67 % 255, 17 % 0, 1 more"
    written = mask.save(mask.decode(mask.encode([value]))[0], tmp_path / "out")
    assert (np.asarray(PIL.Image.open(written)) == levels).all()
    again = Mask()
    again.restore(json.loads(json.dumps(mask.state())))
    assert (again.read(grey(levels)) == value).all()
    with pytest.raises(DataError, match="holds 254, which stands for 255"):
        mask.read(np.full((2, 2), 254, np.uint8))


def test_white_of_16_bits_is_white(tmp_path):
    deep = file_of(PIL.Image.fromarray((IDS == 1).astype(np.uint16) * 65535), "PNG")
    mask = Mask()
    mask.learn_legend([Row("a", None, deep)], tmp_path)
    assert (mask.read(deep) == (IDS == 1)).all()
    with pytest.raises(DataError, match="class id 65535"):
        Mask().read(np.array([[0, 3, 65535]], np.uint16))


def test_a_class_that_no_training_mask_has_is_refused_after_fit():
    mask = fitted()
    assert (mask.read(IDS) == IDS).all()
    for use in (mask.read, lambda value: mask.encode([value])):
        with pytest.raises(DataError, match="class '9' is in no training mask; the classes are 0, 1, 2") as error:
            use(np.full((2, 2), 9, np.uint8))
        assert "255" in error.value.fix


def test_the_state_survives_json():
    mask = Mask(ignore="2", padded=50)
    mask.scheme = Scheme({0: "sky", 1: "road", 2: "dog"}, {(1, 2, 3): 0}, white=False)
    mask.fit([IDS])
    again = Mask()
    again.restore(json.loads(json.dumps(mask.state())))
    assert again.state() == mask.state()
    assert again.names == ["sky", "road"]
    assert (again.ignore, again.padded, again.scheme) == ("2", 50, mask.scheme)


# ---- sizes


def test_a_truth_must_be_as_large_as_its_picture_and_an_answer_is_brought_to_it():
    mask = fitted()
    assert mask.placed(IDS, (4, 3)) is IDS
    with pytest.raises(DataError, match="the mask is 4×3 pixels, its picture 640×480"):
        mask.placed(IDS, (640, 480))
    large = mask.resized(IDS, (40, 30))
    assert (large == IDS.repeat(10, axis=0).repeat(10, axis=1)).all()
    assert (nearest(large, IDS.shape) == IDS).all()


def test_encoding_pads_below_and_to_the_right_with_void():
    mask = fitted()
    small = IDS[:2, :1]
    found = mask.encode([IDS, small])
    assert found.shape == (2, 3, 4)
    assert (found[1, :2, :1] == torch.from_numpy(small).long()).all()
    assert (found[1].sum(), found[1].numel()) == (255 * 10, 12)
    other = mask.encode([IDS], (5, 2))
    assert (other[0, :3] == torch.from_numpy(IDS[:, :2]).long()).all()
    assert (other[0, 3:] == VOID).all()
    assert mask.encode([], (2, 2)).shape == (0, 2, 2)


# ---- augmentation


def smooth(rng, shape=(40, 60)):
    return (np.indices(shape).sum(0) // 9 % 3 + rng.integers(0, 2)).astype(np.uint8)


def test_masks_follow_the_augmentation_of_their_pictures():
    rng = np.random.default_rng(0)
    values = [smooth(rng) for _ in range(8)]
    x = torch.stack([torch.from_numpy(v).float()[None].repeat(3, 1, 1) / 4 for v in values])
    changed, change = augment(x, generator("masks"), crop=6, flipped=True)
    for value, seen in zip(fitted(*values).transform_targets(values, change), changed, strict=True):
        expected = (seen[0] * 4).round().numpy()
        inside = value != VOID  # what was mirrored in from outside of the picture is nobody's class
        assert inside.mean() > 0.6
        assert (value[inside] == expected[inside]).all()


@pytest.mark.parametrize("shape", [None, (24, 30), (81, 50)])
def test_any_affine_change_samples_where_grid_sample_does(shape):
    rng, turn = np.random.default_rng(1), 0.3
    value = smooth(rng)
    affine = torch.tensor([[[0.7 * np.cos(turn), -np.sin(turn), 0.2], [np.sin(turn), 0.9, -0.1]]], dtype=torch.float32)
    (found,) = fitted(value).transform_targets([value], Moved(affine, shape))
    h, w = shape or value.shape
    rows, columns = np.mgrid[:h, :w]
    x, y = (2 * columns + 1) / w - 1, (2 * rows + 1) / h - 1
    sx, sy = (row[0] * x + row[1] * y + row[2] for row in affine[0].double().numpy())
    j, i = ((sx + 1) * value.shape[1] - 1) / 2, ((sy + 1) * value.shape[0] - 1) / 2
    near_j, near_i = np.rint(j).astype(int), np.rint(i).astype(int)
    inside = (near_j >= 0) & (near_j < value.shape[1]) & (near_i >= 0) & (near_i < value.shape[0])
    expected = np.full((h, w), VOID)
    expected[inside] = value[near_i[inside], near_j[inside]]
    sure = (abs(abs(j - np.floor(j)) - 0.5) > 1e-3) & (abs(abs(i - np.floor(i)) - 0.5) > 1e-3)
    assert found.shape == (h, w)
    assert sure.mean() > 0.9
    assert (found[sure] == expected[sure]).all()


def test_masks_of_pictures_that_are_padded_follow_the_padded_batch():
    values = [np.ones((4, 8), np.uint8), np.zeros((4, 4), np.uint8)]
    mirror = torch.tensor([[[-1.0, 0, 0], [0, 1.0, 0]]]).repeat(2, 1, 1)
    found = fitted(*values, padded=50).transform_targets(values, Moved(mirror))
    assert [v.shape for v in found] == [(4, 8), (4, 8)]
    assert found[1].tolist() == [[VOID] * 4 + [0] * 4] * 4
    assert [v.shape for v in fitted(*values).transform_targets(values, Moved(mirror))] == [(4, 8), (4, 4)]


def test_masks_cannot_be_mixed():
    with pytest.raises(UsageError, match="Mask answers cannot follow inputs that were changed by Mixed"):
        fitted().transform_targets([IDS, IDS], Mixed(torch.tensor([1, 0]), torch.tensor([0.5, 0.5])))


# ---- showing


def test_a_mask_in_words_in_json_and_as_the_hub_shapes_it():
    mask = Mask()
    mask.scheme = Scheme({0: "road", 1: "sky", 2: "car"})
    mask.fit([IDS])
    assert mask.describe(IDS) == "55 % sky, 27 % road, 1 more"
    assert mask.describe(np.full((2, 2), VOID, np.uint8)) == "nothing labelled"
    assert mask.to_json(IDS) == [["road", 0.2727], ["sky", 0.5455], ["car", 0.1818]]
    sure = np.where(IDS == 1, 0.75, 0.5)
    found = mask.answers(IDS, 0.6, sure)
    assert [(f["label"], f["score"]) for f in found] == [("sky", 0.75), ("road", 0.5), ("car", 0.5)]
    inside = np.asarray(PIL.Image.open(BytesIO(base64.b64decode(found[0]["mask"]))))
    assert (inside == (IDS == 1)).all()
    assert mask.answers(IDS, None, None)[0]["score"] is None
    assert json.dumps(found)


def test_typical_is_the_commonest_class_at_the_commonest_size():
    values = [IDS, IDS, np.zeros((2, 2), np.uint8)]
    found = fitted().constant_baseline(values)
    assert found.shape == IDS.shape
    assert (found == 1).all()


def test_remarks_name_masks_that_say_nothing_or_one_thing():
    mask = fitted()
    assert mask.remark(IDS) == ""
    assert mask.remark(np.full((2, 2), VOID, np.uint8)) == "no pixel of the mask is labelled"
    assert mask.remark(np.full((2, 2), 1, np.uint8)) == "the whole mask is '1'"


def test_a_written_mask_reads_back_and_shows_colours(tmp_path):
    png(IDS, tmp_path / "m.png", {0: "road", 1: "sky", 2: "car"})
    assert (Mask().read(tmp_path / "m.png") == IDS).all()
    with PIL.Image.open(tmp_path / "m.png") as picture:
        assert picture.mode == "P"
        assert picture.text["classes"] == "0 road\n1 sky\n2 car"
        assert picture.convert("RGB").getpixel((0, 0)) == tuple(bytes.fromhex(OKABE_ITO[0][1:]))
    assert len({tuple(colour) for colour in palette()[:32].tolist()}) == 32


def test_the_drawing_has_a_legend_and_leaves_void_clear():
    marks = mask_marks(IDS, ["road", "sky"])
    assert [name for _, name in marks.legend] == ["sky", "road", "2"]
    (veil,) = marks.shapes
    assert veil.pixels[1, 2, 3] == 0
    assert veil.pixels[0, 0, 3] > 0
    drawn = Image().render(np.zeros((6, 8, 1), np.uint8), answer=marks)
    assert [f">{name}<" in drawn.svg() for name in ("sky", "road", "2")] == [True] * 3
    _, over, *_ = drawn.sheet.shapes[0].shapes
    assert (over.width, over.height) == (384, 288)  # the mask covers the picture


@pytest.mark.parametrize(
    ("names", "ids", "background"),
    [
        ({0: "road", 1: "background"}, (0, 0, 1), 1),
        ({0: "_background_", 1: "cat", 2: "dog"}, (0, 1, 2), 0),
        ({}, (0, 1), 0),  # one thing, unnamed
        ({}, (0, 0, 1, 2), 0),  # most pixels are 0
        ({}, (0, 1, 1, 2), None),  # a scene whose classes have no names
        ({0: "sky", 1: "road"}, (0, 0, 1), None),
        ({}, (3, 4), None),
    ],
)
def test_what_is_no_thing_is_not_tinted(names, ids, background):
    mask, value = Mask(), np.repeat(np.array([ids], np.uint8), 3, axis=0)
    mask.scheme = Scheme(names)
    mask.fit([value])
    assert mask.background == background
    marks = mask.marks(value)
    (veil,) = marks.shapes
    clear = np.zeros(value.shape, bool) if background is None else value == background
    assert ((veil.pixels[..., 3] == 0) == clear).all()
    assert {name for _, name in marks.legend} == {mask.name(i) for i in ids if i != background}


def test_a_large_mask_is_drawn_with_fewer_pixels():
    (veil,) = mask_marks(np.zeros((1000, 4000), np.uint8), ["road"]).shapes
    assert veil.pixels.shape == (250, 1000, 4)


def test_a_result_gives_masks_by_name_an_overlay_and_a_file(tmp_path):
    mask = Mask()
    mask.scheme = Scheme({0: "road", 1: "sky", 2: "car"})
    mask.fit([IDS])
    made = mask.fields(IDS, np.full(IDS.shape, 51, np.uint8))
    found = {name: make() for name, make in made.items()}
    assert sum(part.area for part in found["instances"]) == (IDS != 255).sum()
    assert (found["mask"] == IDS).all()
    assert list(found["masks"]) == ["road", "sky", "car"]
    assert (found["masks"]["sky"] == (IDS == 1)).all()
    assert found["sure"] == pytest.approx(np.full(IDS.shape, 0.2))
    marks = mask.marks(IDS)
    (veil,) = marks.shapes
    assert (veil.x, veil.y, veil.width, veil.height) == (0, 0, 1, 1)
    assert ((veil.pixels[..., 3] == 0) == (IDS == 255)).all()
    assert sorted(name for _, name in marks.legend) == ["car", "road", "sky"]
    written = mask.save(IDS, tmp_path / "x.v1")
    assert written == tmp_path / "x.v1.png"
    assert (Mask().read(written) == IDS).all()


# ---- real data


@pytest.mark.skipif("SOUNDING_DATA" not in os.environ, reason="set SOUNDING_DATA to the folder of real data sets")
def test_camvid_has_the_pixel_shares_that_are_published_for_it():
    import pyarrow.parquet as pq

    mask, root = Mask(ignore="11"), Path(os.environ["SOUNDING_DATA"], "camvid")
    cells = pq.read_table(root / "train.parquet", columns=["mask"])["mask"].to_pylist()[::3]
    assert mask.accepts(cells[0])
    mask.fit(mask.read(cell, root) for cell in cells)
    assert mask.ids == list(range(11))
    assert np.array(mask.shares) * 96 == pytest.approx(
        [16.9, 23.3, 1.0, 31.7, 4.5, 9.7, 1.2, 1.1, 5.9, 0.6, 0.3], abs=1.0
    )
