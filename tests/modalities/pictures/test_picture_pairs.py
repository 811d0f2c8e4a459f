"""Pairs of pictures: what is done to the first and left of the second, round trips, and equality of answers."""

import json

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from sounding.applications.vision.faces.modality import DIFFERENT, SAME, Kin, Pair, People, PicturePair
from sounding.errors import DataError
from sounding.evaluation.evaluation import same
from sounding.randomness import generator, stream


def picture(seed, side=16, channels=1):
    return stream("picture", seed).integers(0, 256, (side, side, channels), np.uint8)


@pytest.fixture
def fitted():
    modality = PicturePair()
    modality.fit([Pair(picture(i), picture(i + 100)) for i in range(6)])
    return modality


PAIR = Pair(picture(1), picture(2))


def test_a_pair_encodes_as_two_pictures_and_one_picture_as_twice_itself(fitted):
    x = fitted.encode([PAIR, Pair(picture(3))])
    assert x.shape == (2, 2, 1, 16, 16)
    torch.testing.assert_close(x[0], fitted.image.encode([PAIR.first, PAIR.second]))
    assert torch.equal(x[1, 0], x[1, 1])
    assert torch.equal(fitted.encode(fitted.decode(x)), x)


def test_cells_of_one_and_of_two_pictures_are_read(fitted, tmp_path):
    for i in (1, 2):
        Pillow.fromarray(picture(i)[..., 0]).save(tmp_path / f"{i}.png")
    one, two = str(tmp_path / "1.png"), str(tmp_path / "2.png")
    assert same(fitted.read(one), Pair(PAIR.first))
    for cell in ({"first": one, "second": two}, (one, two), [one, two], PAIR):
        assert same(fitted.read(cell), PAIR)
    assert same(fitted.read({"first": "1.png", "second": "2.png"}, tmp_path), PAIR)
    assert fitted.accepts(one)
    assert fitted.accepts((one, two))
    assert not fitted.accepts((one, "word"))
    with pytest.raises(DataError, match="nothing to be compared with"):
        fitted.query(fitted.read(one))
    with pytest.raises(DataError, match=r"no file .*9\.png"):
        fitted.read({"first": one, "second": str(tmp_path / "9.png")})


def test_single_pictures_are_asked_about_each_with_each(fitted):
    assert fitted.questions(["a", "b", "c"]) == [
        {"first": "a", "second": "b"},
        {"first": "a", "second": "c"},
        {"first": "b", "second": "c"},
    ]
    pairs = [("a", "b"), {"first": "c", "second": "d"}, PAIR]
    assert fitted.questions(pairs) == pairs
    assert fitted.questions(["a"]) == ["a"]


def test_parts_ablations_and_corruptions_are_of_the_first_picture(fitted):
    parts = fitted.segments(PAIR)
    assert parts == fitted.image.segments(PAIR.first)
    for baseline in fitted.baselines:
        gone = fitted.mask(PAIR, np.zeros(parts, bool), baseline)
        assert not np.array_equal(gone.first, PAIR.first)
        assert np.array_equal(gone.second, PAIR.second)
        assert same(fitted.mask(PAIR, np.ones(parts, bool), baseline), PAIR)
    for corrupt in fitted.corruptions.values():
        assert np.array_equal(corrupt(PAIR, 3, stream("c")).second, PAIR.second)
    saliency = torch.stack([torch.ones(1, 16, 16), torch.full((1, 16, 16), 9.0)])
    assert fitted.aggregate(saliency, PAIR).sum() == 16 * 16


def test_every_picture_of_a_batch_varies_by_itself(fitted):
    x = fitted.encode([Pair(picture(1), picture(1))])
    varied = fitted.strong_augmentation(x, generator("vary"))
    assert varied.shape == x.shape
    assert not torch.equal(varied[0, 0], varied[0, 1])


def test_pairs_are_drawn_described_and_written(fitted):
    drawn = fitted.render(PAIR, np.ones(fitted.segments(PAIR)))
    first, second = drawn.sheet.shapes
    assert (len(first.shapes), len(second.shapes)) == (2, 1)  # the weights lie over the first
    assert second.x > first.shapes[0].width
    assert drawn.text.startswith(f"{fitted.describe(PAIR)}, largest weight 1\n")
    assert fitted.describe(PAIR) == "16×16 grey picture beside a 16×16 grey picture"
    assert json.dumps(fitted.to_json(PAIR))
    assert fitted.to_json({"first": "a.jpg", "second": "b.jpg"}) == {"first": "a.jpg", "second": "b.jpg"}


# ---- people


def test_pairs_are_equal_by_sameness_and_single_pictures_by_person():
    assert Kin("Ann", "Ann") == Kin("Bob", "Bob") == SAME
    assert Kin("Ann", "Bob") == DIFFERENT != SAME
    assert Kin("Ann") == Kin("Ann", note="odd") != Kin("Bob")
    assert Kin("Ann") != Kin("Ann", "Ann")
    assert len({Kin("Ann", "Ann"), SAME, Kin("Ann", "Bob"), DIFFERENT, Kin("Ann")}) == 3


def test_people_are_read_fitted_and_encoded():
    people = People()
    kin = [people.read(cell) for cell in ("Ann", " Bob ", ("Ann", "Bob"), 7, ("Cy", "", "a note"))]
    assert [(k.first, k.second) for k in kin] == [("Ann", ""), ("Bob", ""), ("Ann", "Bob"), ("7", ""), ("Cy", "")]
    people.fit(kin)
    assert people.people == ["7", "Ann", "Bob", "Cy"]
    who = people.encode([*kin[:3], Kin("Dan", "Ann"), Kin("Bob", "Bob")])
    assert who.people.tolist() == [[1, -1], [2, -1], [1, 2], [-1, 1], [2, 2]]
    assert who.single.tolist() == [True, True, False, False, False]
    assert who.same[2:].tolist() == [False, False, True]
    again = People()
    again.restore(json.loads(json.dumps(people.state())))
    assert again.people == people.people
    assert people.remark(kin[4]) == "a note"
    for cell in ("", None, float("nan"), ()):
        with pytest.raises(DataError, match="not named"):
            people.read(cell)
    with pytest.raises(DataError, match="one person"):
        people.fit([Kin("Ann"), Kin("Ann", "Ann")])


def test_a_constant_answer_is_that_of_most_pairs_or_different():
    people = People()
    assert people.constant_baseline([Kin("Ann"), Kin("Bob")]) == DIFFERENT
    assert people.constant_baseline([SAME, SAME, DIFFERENT]) == SAME


def test_answers_are_told_with_the_other_beside_them():
    people = People()
    found = people.answers(SAME, 0.8, np.array([0.2, 0.8]))
    assert found == [{"label": "same person", "score": 0.8}, {"label": "different people", "score": 0.2}]
    assert people.answers(DIFFERENT, 0.2, np.array([0.2, 0.8]))[0] == {"label": "different people", "score": 0.2}
