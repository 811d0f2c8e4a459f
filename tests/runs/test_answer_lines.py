"""predictions.jsonl names each row and its file, and says answer and truth in the same measures."""

import json

import numpy as np
import pytest
from PIL import Image

import sounding as sd
from sounding.runs.answer_lines import answer_lines, lines_every


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A detector of a handful of steps, of pictures of two sizes that lie where a table says."""
    home, rng, lines = tmp_path_factory.mktemp("detect"), np.random.default_rng(0), []
    (home / "pictures").mkdir()
    for i in range(40):
        width, height = (48, 32) if i % 2 else (96, 64)
        left, top, side = int(rng.integers(0, width - 17)), int(rng.integers(0, height - 17)), 16
        picture = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
        picture[top : top + side, left : left + side] = (200, 90, 40)
        Image.fromarray(picture).save(home / "pictures" / f"{i}.png")
        objects = {"bbox": [[left, top, side, side]], "category": ["square"]}
        split = ("train", "train", "validation", "test")[i % 4]
        lines.append(json.dumps({"image": f"pictures/{i}.png", "objects": objects, "split": split}))
    (home / "rows.jsonl").write_text("\n".join(lines) + "\n")
    return sd.train("detect", str(home / "rows.jsonl"), size="tiny", steps=30, out=home / "run", card=None)


def test_boxes_are_told_in_pixels_of_the_file_that_is_named(detector):
    told = answer_lines(detector.task, detector.records(), detector.dataset().test)
    lines = [json.loads(line) for line in told.splitlines()]
    rows = [json.loads(line) for line in (detector.dir.parent / "rows.jsonl").read_text().splitlines()]
    truths = {row["image"]: row["objects"] for row in rows}
    assert len(lines) == 10
    for line in lines:
        assert "rows.jsonl" in line["row"]
        assert line["truth"]["bbox"] == truths[line["input"]]["bbox"]
        assert "unit" not in line["answer"]  # which says that boxes are shares
    (first,) = detector(str(detector.dir.parent / lines[0]["input"]))
    np.testing.assert_allclose(lines[0]["answer"]["bbox"], first.to_json()["answer"]["bbox"], atol=0.1)


def test_of_very_many_rows_some_have_a_line_as_evenly_as_may_be(detector):
    records = detector.records() * 20
    whole = answer_lines(detector.task, records)
    assert lines_every(detector.task, records) == 1
    every = lines_every(detector.task, records, len(whole) // 3)
    assert 2 <= every <= 5
    lines = whole.splitlines()
    assert answer_lines(detector.task, records, every=every).splitlines() == lines[::every]
