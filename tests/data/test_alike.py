"""Messages that say the same become one with a count; nothing is lost of those that differ."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from sounding.cli import cli
from sounding.data.alike import Alike, files_alike, rejections
from sounding.data.audit import describe
from sounding.data.report import RejectedRow, Report


def test_twenty_four_alike_become_one_with_a_count_and_places():
    rows = [RejectedRow(f"a.csv:{i}", "the target is empty", "Write one") for i in range(2, 26)]
    (line,) = rejections(rows).lines()
    assert line == "24 rows: the target is empty. Write one (a.csv:2, a.csv:3, a.csv:4, a.csv:5, a.csv:6 and 19 more)"


def test_what_differs_in_numbers_and_quoted_names_is_alike_and_what_differs_in_words_is_not():
    said = Alike((f"{i}.txt:1", f"{i} boxes of 'class {i}' reach 0.{i} beyond the border") for i in range(1, 8))
    said.add("9.txt", "no box: a picture with nothing in it")
    one, other = said.lines()
    assert one.startswith("7 rows like 1.txt:1: 1 boxes of 'class 1' reach 0.1 beyond the border (also 2.txt:1, ")
    assert one.endswith("6.txt:1 and 1 more)")
    assert other == "9.txt: no box: a picture with nothing in it"


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_are_told_one_by_one(n):
    assert list(Alike((f"a:{i}", "empty") for i in range(n)).lines()) == [f"a:{i}: empty" for i in range(n)]


def test_every_place_of_many_rows_is_counted_though_few_are_kept():
    (line,) = Alike((f"a.csv:{i}", "empty") for i in range(5000)).lines()
    assert line.startswith("5,000 rows: empty (a.csv:0, ")
    assert line.endswith(" and 4,995 more)")


def test_unused_files_of_one_kind_are_one_line_for_each_folder():
    names = [f"a/{i}.txt" for i in range(9)] + ["a/read.me", "b/1.txt"]
    assert files_alike(names) == ["a: 9 files .txt (0.txt, 1.txt, 2.txt, …)", "a/read.me", "b/1.txt"]


def test_with_all_every_row_is_named():
    rows = tuple(RejectedRow(f"a.csv:{i}", "the target is empty") for i in range(24))
    report = Report("a.csv", rows=24, rejected=rows, problems=("none can be used",))
    assert "a.csv:23" not in describe(report)
    assert all(f"  a.csv:{i}: the target is empty" in describe(report, every=True) for i in range(24))


def test_boxes_of_each_class_are_counted_by_split(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    import numpy as np
    import PIL.Image

    rng, boxes = np.random.default_rng(0), 0
    for i in range(30):
        PIL.Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(tmp_path / "images" / f"{i}.png")
        lines = ["0 0.5 0.5 0.25 0.25"] * (1 + i % 3) + ["1 0.3 0.3 0.2 0.2"] * (i % 2)
        boxes += 1 + i % 3
        (tmp_path / "labels" / f"{i}.txt").write_text("\n".join(lines))
    (tmp_path / "data.yaml").write_text("names: [cell, platelet]\n")
    found = CliRunner().invoke(cli, ["check", "detect", str(tmp_path)], standalone_mode=False)
    table = {line.split()[0]: line.split() for line in found.output.splitlines() if "%" in line}
    assert int(table["cell"][4]) == boxes == 60
    assert sum(map(int, table["cell"][1:4])) == 60
    assert table["platelet"][4:] == ["15", "20.0", "%", "15"]
    assert table["cell"][4:] == ["60", "80.0", "%", "30"]


def test_pixels_of_each_class_are_counted_and_those_without_a_label(tmp_path):
    import numpy as np
    import PIL.Image

    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i in range(30):
        PIL.Image.fromarray(rng.integers(0, 255, (10, 10, 3), np.uint8)).save(tmp_path / "images" / f"{i}.png")
        mask = np.zeros((10, 10), np.uint8)
        mask[:2] = 1
        mask[9] = 255
        PIL.Image.fromarray(mask).save(tmp_path / "masks" / f"{i}.png")
    found = CliRunner().invoke(cli, ["check", "segment", str(tmp_path)], standalone_mode=False)
    lines = [line.split("  ") for line in found.output.splitlines() if "%" in line]
    shares = {line[0]: [cell.strip() for cell in line if cell.strip()][-3:] for line in lines}
    assert shares["0"] == ["2,100", "70.0 %", "30"]
    assert shares["1"] == ["600", "20.0 %", "30"]
    assert shares["(not labelled)"] == ["300", "10.0 %", "30"]
