"""What a folder holds: predict, check, train and pools agree on it, for any tree of files, links and odd names."""

import os
import shutil
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import Curve, Curves, Kind

from sounding.contract.layouts import Layout
from sounding.contract.split_names import split_named
from sounding.data import open_data
from sounding.data.audit import check
from sounding.data.pool import open_pool
from sounding.errors import DataError
from sounding.modalities.class_folders import class_folders
from sounding.runs.prediction import expand

WORDS = ("train", "Training", "VAL", "valid", "dev", "Test", "testing", "eval")
FOLDERS = (*WORDS, "cat", "Dog", "fox", "cat", "Dog", ".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir", "M\udcf6bel")
ENDINGS = (".num", ".NUM", ".Num", ".txt", "")
LITTER = ("._a.num", ".hidden.num", "Thumbs.db", "desktop.ini", ".DS_Store")


class Numbers(Curve):
    """A file of numbers, whatever the case of its ending."""

    def accepts(self, cell):
        return isinstance(cell, str) and cell.lower().endswith(".num")


class Filed(Curves):
    """Files of numbers in class folders."""

    layouts = (Layout("one folder for each answer", class_folders),)

    def modalities(self):
        return Numbers(), Kind()


folder = st.lists(st.sampled_from(FOLDERS), max_size=4)
file = st.tuples(st.sampled_from("abcde"), st.sampled_from(ENDINGS)).map("".join) | st.sampled_from(LITTER)
trees = st.fixed_dictionaries(
    {
        "files": st.lists(st.tuples(folder, file), min_size=1, max_size=24),
        "links": st.lists(st.tuples(folder, st.sampled_from(("link", "Train", ".linked")), folder), max_size=3),
    }
)


def grown(top: Path, tree) -> Path:
    """The tree on the disk; each file holds other numbers, and links lead to folders of it, also upwards."""
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir()
    for number, (parts, name) in enumerate(tree["files"]):
        path = top.joinpath(*parts, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number} 1 2 3")
    for parts, name, other in tree["links"]:
        at, to = top.joinpath(*parts, name), top.joinpath(*other)
        if to.is_dir() and at.parent.is_dir() and not at.exists():
            at.symlink_to(to, target_is_directory=True)
    return top


def lying(top: Path, above: frozenset[str] = frozenset()) -> set[str]:
    """The rule once more, in other words: every path to a file, but through what is hidden, litter or a circle."""
    found: set[str] = set()
    here = os.path.realpath(top)
    if here in above:
        return found
    for name in os.listdir(top):
        if name[0] == "." or name.lower() in ("__macosx", "@eadir", "thumbs.db", "desktop.ini"):
            continue
        path = os.path.join(top, name)
        found |= lying(Path(path), above | {here}) if os.path.isdir(path) else {path}
    return found


def real(places, top: Path) -> set[str]:
    return {str(top.parent / place) for place in places}


@settings(max_examples=60, deadline=None)
@given(tree=trees)
def test_all_agree_on_what_a_folder_holds(tree, tmp_path_factory):
    top = grown(tmp_path_factory.getbasetemp() / "tree", tree)
    files = lying(top)
    inputs = {name for name in files if name.lower().endswith(".num")}
    task = Filed()

    predicted = _or_nothing(lambda: {str(path) for path in expand(task.input, str(top))})
    assert predicted == inputs

    pool = _or_nothing(lambda: open_pool(task, top))
    if pool:
        pooled = {pool.where(i) for i in range(len(pool))} | {row.where for row in pool.rejected}
        pooled |= {place for place, _ in pool.copies.places}
        assert real(pooled, top) == inputs
        assert real(pool.ignored, top) == files - inputs

    report = _or_nothing(lambda: check(Filed(), top, allow_bad=0.99))
    if not report:
        return  # a layout that is none, or leaves open what the classes are
    assert real(report.ignored, top) <= files
    assert report.rows + len(report.ignored) == len(files)  # each is a row or is told
    rows = list(class_folders(top, task.input))
    assert {row.input for row in rows} <= inputs
    assert real({row.where for row in rows}, top) == {row.input for row in rows}
    assert real(report.ignored, top) == files - {row.input for row in rows}
    _classes_are_no_splits(rows)

    data = _or_nothing(lambda: open_data(Filed(), top, allow_bad=0.99))
    if data:
        assert data.report.rows == report.rows
        assert data.report.ignored == report.ignored
        assert data.report.splits == report.splits
        assert data.report.classes == report.classes


def _classes_are_no_splits(rows):
    """Where all folders of answers are called after splits, the data were not understood: that is refused."""
    answers = {row.target for row in rows}
    sides = {split_named(answer) for answer in answers}
    assert len(answers) < 2 or "" in sides or len(sides) < 2


def _or_nothing(read):
    try:
        return read()
    except DataError:
        return set()
