"""Runs on the disk that differ by their seed alone are found, and no others."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import sounding as sd
from sounding import catalog
from sounding.card.siblings import siblings

DOTS = str(Path(__file__).parents[1] / "contract" / "dots.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Three runs that differ by seed alone, and one of another recipe; the cards are made up."""
    folder = tmp_path_factory.mktemp("runs") / "dots"
    torch.manual_seed(0)
    rows = catalog.find(DOTS)().demo(np.random.default_rng(0), 120)
    for name, seed, settings in (("1", 0, {}), ("2", 1, {}), ("mine", 2, {}), ("4", 3, {"width": 8})):
        sd.train(DOTS, rows, steps=4, seed=seed, out=folder / name, card=None, validations=1, **settings)
        carded(folder / name, 0.9 + seed / 100)
    return folder


@pytest.fixture
def runs(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def carded(folder: Path, value: object) -> None:
    sections = [{"id": "data", "numbers": []}, {"id": "quality", "numbers": [{"name": "accuracy", "value": value}]}]
    (folder / "card.json").write_text(json.dumps({"schema": 1, "sections": sections}))


def changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_siblings_are_the_runs_that_differ_only_by_seed(runs):
    assert siblings(runs / "1") == {1: 0.91, 2: 0.92}
    assert siblings(runs / "mine") == {0: 0.9, 1: 0.91}
    assert siblings(str(runs / "4")) == {}
    (runs / "1" / "card.json").unlink()  # this run's own card need not be there yet
    assert siblings(runs / "1") == {1: 0.91, 2: 0.92}


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"task": "other"}),
        ("config.json", {"budget": {"epochs": 3.0, "steps": None, "seconds": None}}),
        ("config.json", {"harden": "linf"}),
        ("config.json", {"unlabelled": "pool/"}),
        ("config.json", {"from": "runs/dots/9"}),
        ("config.json", {"setting": {"precision": "int8"}}),
        ("config.json", {"versions": {"sounding": "0.0.1"}}),
        ("data.json", {"digest": "0" * 32}),
        ("trainer_state.json", {"finished": False}),
        ("config.json", {"seed": 0}),
        ("config.json", {"seed": "one"}),
    ],
)
def test_a_run_that_differs_in_more_is_no_sibling(runs, file, values):
    changed(runs / "2" / file, **values)
    assert siblings(runs / "1") == {2: 0.92}


def test_where_the_data_lie_and_options_that_are_unset_make_no_difference(runs):
    changed(runs / "2" / "config.json", source="elsewhere/points.csv", command="x", created="later", harden=None)
    assert siblings(runs / "1") == {1: 0.91, 2: 0.92}


@pytest.mark.parametrize("file", ["config.json", "data.json", "card.json", "trainer_state.json"])
def test_broken_folders_are_passed_over(runs, file):
    for content in (b"", b"{", b"[]", b"7", b"null", b'{"sections": 3}', b'{"sections": [{}]}', b"\xff", b"[" * 9999):
        (runs / "2" / file).write_bytes(content)
        assert siblings(runs / "1") == {2: 0.92}
    (runs / "2" / file).unlink()
    assert siblings(runs / "1") == {2: 0.92}


@pytest.mark.parametrize("value", [None, "0.9", True, [], math.inf])
def test_a_headline_that_is_no_number_does_not_count(runs, value):
    carded(runs / "2", value)
    assert siblings(runs / "1") == {2: 0.92}


def test_other_things_beside_a_run_do_no_harm(runs, tmp_path):
    (runs / "notes.txt").write_text("x")
    (runs / "empty").mkdir()
    (runs / "config.json").mkdir()
    (runs / "loop").symlink_to(runs / "loop")
    (runs / "again").symlink_to(runs / "1")
    assert siblings(runs / "1") == {1: 0.91, 2: 0.92}
    assert siblings(tmp_path / "nowhere") == {}


def test_of_two_runs_with_one_seed_the_later_counts(runs):
    shutil.copytree(runs / "2", runs / "10")
    carded(runs / "10", 0.5)
    assert siblings(runs / "1") == {1: 0.5, 2: 0.92}
