"""People who are in training and test alike: each picture on its side, and every picture of the test given a name."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image as Pillow

import sounding as sd
from sounding.applications.vision.faces import identification, synthetic_faces
from sounding.applications.vision.faces.task import Faces
from sounding.challenges.quality import Quality
from sounding.data.ingest import ingest
from sounding.errors import UsageError
from sounding.evaluation import challenge
from sounding.randomness import stream


def drawn(folder, people, strangers=0):
    """Pictures of people who are in train/ and test/, six and four each; strangers are in test/ alone."""
    rng = stream("a closed set")
    for p in range(people + strangers):
        traits = synthetic_faces.person(rng)
        for i in range(10):
            side = "train" if i < 6 else "test"
            if p >= people and side == "train":
                continue
            place = folder / side / f"s{p}"
            place.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(synthetic_faces.picture(traits, rng)[..., 0]).save(place / f"{i}.png")
    return folder


def test_everybody_is_trained_on_and_tested_by_other_pictures(tmp_path):
    report = ingest(Faces(), str(drawn(tmp_path / "faces", 12)))
    assert not report.problems
    found = [report.source.read(int(row)) for row in report.rows]
    pictures = defaultdict(lambda: defaultdict(set))
    for example, side in zip(found, report.sides.tolist(), strict=True):
        two = (example.target.first, example.input.first), (example.target.second, example.input.second)
        for name, picture in two:
            if name:
                pictures[side][name].add(picture.tobytes())
    assert [Counter(map(len, pictures[side].values())) for side in range(3)] == [{4: 12}, {2: 12}, {4: 12}]
    for name in pictures[0]:
        assert not pictures[0][name] & pictures[2][name]
        assert not pictures[0][name] & pictures[1][name]
    pairs = [(e.target, side) for e, side in zip(found, report.sides.tolist(), strict=True) if not e.target.single]
    for side in (1, 2):
        same = Counter(target.same for target, of in pairs if of == side)
        assert same[True] == same[False] > 0
    said = report.report
    assert said.split_origin.startswith("given, 12 of the 12 people of the test being trained on by other pictures")
    assert "validation by hash of content" in said.split_origin
    assert any("closed set" in note for note in said.notes)


def validated(found):
    """The pictures of the validation pairs."""
    chosen = (found.source.read(int(row)).input for row in found.rows[found.sides == 1])
    return {picture.tobytes() for pair in chosen for picture in (pair.first, pair.second)}


def test_a_validation_that_is_given_is_kept_and_names_of_files_change_nothing(tmp_path):
    first = validated(ingest(Faces(), str(drawn(tmp_path / "faces", 12))))
    for number, file in enumerate(sorted((tmp_path / "faces").rglob("*.png"))):
        file.rename(file.with_name(f"{997 * number % 1009}.png"))
    assert validated(ingest(Faces(), str(tmp_path / "faces"))) == first
    (tmp_path / "faces" / "test").rename(tmp_path / "faces" / "val")
    drawn(tmp_path / "more", 12)
    (tmp_path / "more" / "test").rename(tmp_path / "faces" / "test")
    assert "by hash" not in ingest(Faces(), str(tmp_path / "faces")).report.split_origin
    with pytest.raises(UsageError, match="would change nothing"):
        ingest(Faces(), str(tmp_path / "faces"), sd.Columns(split="70/15/15"))


def test_plain_folders_of_people_are_not_said_to_be_split_by_the_data(tmp_path):
    source = drawn(tmp_path / "faces", 20) / "train"
    assert ingest(Faces(), str(source)).report.split_origin == "hash of person"


def test_sizes_are_those_of_the_people(tmp_path):
    found = ingest(Faces(), str(drawn(tmp_path / "faces", 60) / "train"), sd.Columns(split="50/20/30"))
    people = [set(), set(), set()]
    for row, side in zip(found.rows, found.sides, strict=True):
        kin = found.source.read(int(row)).target
        people[side] |= {kin.first, kin.second} - {""}
    assert [len(side) for side in people] == pytest.approx([30, 12, 18], abs=9)


def test_names_are_judged_as_by_hand():
    people = ["ann", "bob", "cid"]
    scores = np.array([[0.9, 0.2, 0.1], [0.8, 0.7, 0.0], [0.1, 0.3, 0.4], [0.6, 0.1, 0.2]])
    found = identification.records(scores, ["ann", "bob", "cid", "eve"], people, threshold=0.5)
    value = {metric.name: metric.value(found) for metric in identification.metrics()}
    assert value["rank-1"] == pytest.approx(2 / 3)  # bob's best is ann
    assert value["FNIR"] == pytest.approx(2 / 3)  # cid is below the threshold, too
    assert value["FPIR"] == pytest.approx(2 / 4)  # bob without himself is taken for ann, and eve is; ann and cid not


def test_a_model_of_a_closed_set_names_the_pictures_of_the_test(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn(tmp_path / "faces", 6, strangers=3)
    model = sd.train("faces", "faces", size="tiny", steps=60, width=8, card=None, margin_steps=10)
    found = model.evaluate()
    assert found["rank-1"].value >= 0.5  # one in six by chance
    assert found["FNIR"].value >= 1 - found["rank-1"].value - 1e-9  # as sums of floats may differ
    assert 0 <= found["FPIR"].value <= 1
    assert list(found)[:3] == ["accuracy", "FNMR", "FMR"]
    section = challenge.measured(Quality(), model.context())
    assert section.sentence.startswith("FNMR is")
    assert "Rank-1 is" in section.sentence
    assert section["rank_1"] == found["rank-1"]
    again = sd.load(model.dir).evaluate(str((tmp_path / "faces").rename(tmp_path / "moved")))
    assert again == found
