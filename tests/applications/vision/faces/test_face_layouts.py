"""From folders and lists to pairs: nobody on two sides, pairs within their block, lists kept, bad lines rejected."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sounding.applications.vision.faces.pairs import compose
from sounding.applications.vision.faces.task import Faces
from sounding.contract.modality import Row
from sounding.data import open_data
from sounding.data.ingest import ingest
from sounding.errors import DataError
from sounding.randomness import stream


def singles(counts, split=""):
    return [
        Row(f"{name}/{i}", f"{name}_{i:04d}.jpg", name, split=split)
        for name, n in counts.items()
        for i in range(1, n + 1)
    ]


def crowd(several=60, one=40):
    return {f"p{i:03d}": 2 + i % 4 for i in range(several)} | {f"q{i:03d}": 1 for i in range(one)}


def by_side(rows):
    found = defaultdict(list)
    for row in rows:
        found[row.split].append(row)
    return found


def people_of(row):
    return (
        set(row.target[:2])
        if isinstance(row.target, tuple) and row.target[1]
        else {row.target if isinstance(row.target, str) else row.target[0]}
    )


def write(folder, counts, seed=0, side=12):
    rng = stream("faces on disk", seed)
    for name, n in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(1, n + 1):
            Pillow.fromarray(rng.integers(0, 256, (side, side), np.uint8)).save(folder / name / f"{name}_{i:04d}.png")
    return folder


# ---- arranging


def test_nobody_is_on_two_sides_and_everybody_on_one():
    sides = by_side(compose(singles(crowd())))
    people = {side: set().union(*map(people_of, rows)) for side, rows in sides.items()}
    assert not people["train"] & people["validation"]
    assert not people["train"] & people["test"]
    assert not people["validation"] & people["test"]
    assert sum(map(len, people.values())) >= 95  # a person with one picture may be in no pair
    assert all(isinstance(row.input, str) for row in sides["train"])
    assert all(set(row.input) == {"first", "second"} for row in sides["validation"] + sides["test"])


def test_shares_of_people_are_about_seventy_ten_and_twenty():
    sides = by_side(compose(singles({f"p{i}": 3 for i in range(1000)})))
    people = {side: len(set().union(*map(people_of, rows))) for side, rows in sides.items()}
    assert people["test"] == pytest.approx(200, abs=40)
    assert people["validation"] == pytest.approx(100, abs=30)


def test_as_many_impostors_as_genuine_pairs_none_twice_and_all_within_their_block():
    rows = by_side(compose(singles(crowd(200, 100))))["test"]
    same = Counter(row.target[0] == row.target[1] for row in rows)
    assert same[True] == same[False] > 30
    assert (
        len({(row.input["first"], row.input["second"]) for row in rows if row.target[0] == row.target[1]}) == same[True]
    )
    assert all(row.input["first"] != row.input["second"] for row in rows)
    blocks = defaultdict(set)
    for row in rows:
        for name in people_of(row):
            blocks[name].add(row.group)
    assert all(len(groups) == 1 for groups in blocks.values())


def test_a_person_with_one_picture_is_in_no_genuine_pair_and_it_is_said_once():
    rows = list(compose(singles(crowd())))
    genuine = [row for row in rows if isinstance(row.target, tuple) and row.target[0] == row.target[1]]
    assert not any(row.target[0].startswith("q") for row in genuine)
    notes = [row.target[2] for row in rows if isinstance(row.target, tuple) and len(row.target) > 2]
    assert notes == ["40 people have a single picture: compared with others, and never with themselves"]


def test_the_arrangement_is_stable_and_more_people_move_few():
    first, again = (list(compose(singles(crowd()))) for _ in range(2))
    assert first == again
    more = by_side(compose(singles(crowd() | {"zz": 3})))
    before = {name for row in by_side(first)["test"] for name in people_of(row)}
    after = {name for row in more["test"] for name in people_of(row)}
    assert {name for name in after ^ before if not name.startswith("q")} <= {"zz"}


def test_splits_that_the_data_give_are_kept_and_validation_is_carved_from_training():
    rows = singles({f"a{i}": 3 for i in range(40)}, "train") + singles({f"b{i}": 3 for i in range(10)}, "test")
    sides = by_side(compose(rows))
    assert set().union(*map(people_of, sides["test"])) == {f"b{i}" for i in range(10)}
    held = set().union(*map(people_of, sides["validation"]))
    assert held
    assert all(name.startswith("a") for name in held)


def test_a_person_given_two_splits_is_held_out():
    rows = [*singles({f"a{i}": 3 for i in range(30)}, "train"), *singles({f"b{i}": 3 for i in range(9)}, "test")]
    rows += singles({"a0": 2}, "test")
    sides = by_side(compose(rows))
    assert "a0" in set().union(*map(people_of, sides["test"]))
    assert "a0" not in set().union(*map(people_of, sides["train"]))


def test_too_few_people_with_two_pictures_are_an_error():
    with pytest.raises(DataError, match="3 of 13 people have two pictures or more"):
        compose(singles({"a": 2, "b": 2, "c": 4} | {f"q{i}": 1 for i in range(10)}))


def test_somebody_with_hundreds_of_pictures_is_not_most_of_the_test():
    rows = by_side(compose(singles({f"p{i}": 3 for i in range(60)} | {f"many{i}": 300 for i in range(5)})))
    for side in ("validation", "test"):
        genuine = Counter(row.target[0] for row in rows[side] if row.target[0] == row.target[1])
        assert max(genuine.values()) <= 5


# ---- folders and lists


def test_folders_of_people_open_as_singles_and_pairs(tmp_path):
    data = open_data(Faces(), str(write(tmp_path / "faces", crowd(20, 5))))
    assert all(example.target.single and example.input.second is None for example in data.train)
    assert not any(example.target.single or example.input.second is None for example in [*data.validation, *data.test])
    assert all(example.group for example in data.test)


def test_split_folders_are_kept(tmp_path):
    for split, start in (("train", 0), ("val", 100), ("test", 200)):
        write(tmp_path / "faces" / split, {f"p{start + i}": 3 for i in range(6)})
    data = open_data(Faces(), str(tmp_path / "faces"))
    assert {example.target.first for example in data.train} == {f"p{i}" for i in range(6)}
    assert {example.target.first for example in data.test} <= {f"p{200 + i}" for i in range(6)}


def test_lfw_pairs_are_the_test_and_their_people_are_not_trained_on(tmp_path):
    folder = write(tmp_path / "lfw", {f"P_{i}": 3 for i in range(30)})
    (folder / "pairs.txt").write_text("1\t2\nP_0\t1\t2\nP_1\t1\t3\nP_0\t1\tP_2\t3\nP_3\t2\tP_1\t1\n")
    data = open_data(Faces(), str(folder))
    assert [(e.target.first, e.target.second) for e in data.test] == [
        ("P_0", "P_0"), ("P_1", "P_1"), ("P_0", "P_2"), ("P_3", "P_1"),
    ]  # fmt: skip
    assert [e.group for e in data.test] == ["P_0", "P_1", "P_0", "P_3"]
    assert not {e.target.first for e in data.train} & {"P_0", "P_1", "P_2", "P_3"}
    assert any("the people of the listed pairs (4) are not trained on" in remark for remark in data.report.remarks)


def test_lines_that_cannot_be_used_are_refused_by_file_and_line(tmp_path):
    folder = write(tmp_path / "lfw", {f"P_{i}": 3 for i in range(30)})
    lines = ["name1,name2,same,split", "P_0_0001,P_0_0002,1,test", "P_1_0001,P_9_0007,0,test", "P_1_0001,P_2_0001,1,",
             "P_1_0001,,0,test", "P_3_0001,P_4_0001,0,dev_test", "P_5/P_5_0001.png,P_6_0002.png,0,validation",
             "P_5_0001,P_5_0002,1,validation"]  # fmt: skip
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n")
    report = ingest(Faces(), str(folder)).report
    found = {rejection.where: rejection.what for rejection in report.rejected}
    assert set(found) == {f"pairs.csv:{n}" for n in (3, 4, 5, 6)}
    assert "no picture 'P_9_0007'" in found["pairs.csv:3"]
    assert "same=1 is not what the folders 'P_1' and 'P_2' say" in found["pairs.csv:4"]
    assert "'dev_test'" in found["pairs.csv:6"]
    assert report.splits["test"] == 1
    assert report.splits["validation"] == 2


def test_one_picture_under_two_names_is_found_on_every_side(tmp_path):
    folder = write(tmp_path / "faces", {f"p{i}": 2 for i in range(60)})
    sides = by_side(compose([Row(f"{p}", str(p), p.parent.name) for p in sorted(folder.glob("*/*"))]))
    for side in ("train", "test"):
        a, b = sorted(set().union(*map(people_of, sides[side])))[:2]
        for i in (1, 2):
            (folder / b / f"{b}_{i:04d}.png").write_bytes((folder / a / f"{a}_{i:04d}.png").read_bytes())
    remarks = " ".join(ingest(Faces(), str(folder)).report.remarks)
    assert "same input as" in remarks
    assert "the same picture stands under" in remarks


def test_a_table_with_a_person_column_opens(tmp_path):
    folder = write(tmp_path / "faces", {f"p{i}": 3 for i in range(20)})
    lines = [f"{path.relative_to(tmp_path)},{path.parent.name}" for path in sorted(folder.glob("*/*"))]
    (tmp_path / "people.csv").write_text("image,identity\n" + "\n".join(lines) + "\n,p3\nmissing.png,p4\n")
    report = ingest(Faces(), str(tmp_path / "people.csv"), allow_bad=0.1).report
    assert "target=identity" in report.columns
    assert {rejection.where for rejection in report.rejected} == {"people.csv:62", "people.csv:63"}
    assert min(report.splits.values()) > 0


def test_the_pairs_of_lfwcrop_are_those_of_its_list():
    import os

    if not (root := os.environ.get("SOUNDING_DATA")) or not Path(root, "lfwcrop").is_dir():
        pytest.skip("set SOUNDING_DATA to the folder that holds lfwcrop")
    import pyarrow.parquet as pq

    names = pq.read_table(Path(root, "lfwcrop/images.parquet"), columns=["name", "identity"]).to_pylist()
    rows = [Row(r["name"], f"{r['name']}.jpg", r["identity"]) for r in names]
    sides = by_side(compose(rows))
    assert len(sides["train"]) > 8000
    same = Counter(row.target[0] == row.target[1] for row in sides["test"])
    assert same[True] == same[False] > 500
