"""Disks that are full, folders that may not be written, names that are too long, cards that were stopped, bad rows."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from sounding.card.card import Card

LONG = "a" * 300


def failing(number, at=0):
    """`os.replace` that fails with this error at its call number `at`."""
    calls, real = iter(range(10**6)), os.replace

    def replace(source, target):
        if next(calls) >= at:
            raise OSError(number, os.strerror(number))
        real(source, target)

    return replace


def test_answers_that_find_no_room_are_not_a_training_to_be_resumed(sounding, photos, run, monkeypatch):
    monkeypatch.setattr(Path, "replace", lambda self, target: failing(errno.ENOSPC)(self, target))
    status, _, err = sounding("predict", run, photos / "dark", "--out", "answers.csv")
    assert status == 1
    assert "answers.csv: the disk is full" in err
    assert "--out" in err
    assert "--resume" not in err
    assert not [file for file in Path().iterdir() if file.is_file()]


def test_a_training_that_finds_no_room_says_how_to_go_on(sounding, photos, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(os, "replace", failing(errno.ENOSPC, 8))
        words = ("size=tiny", "width=4", "steps=20", "--card", "none")
        status, _, err = sounding("train", "classify", photos, *words, "--out", "made")
    assert status == 1
    assert "the disk is full" in err
    assert "sounding train --resume made" in err
    assert sounding("train", "--resume", "made")[0] == 0


def stopped_card(run: Path) -> Path:
    """A card of a run whose measuring was stopped after its first sections."""
    told = {"title": "Use", "status": "ok", "sentence": "Measured."}
    stopped = {
        "title": "Data",
        "status": "skipped",
        "cause": "interrupted",
        "reason": "interrupted before it was measured",
    }
    header = {"schema": 1, "task": "classify", "model": str(run), "data": "photos", "created": "", "command": ""}
    sections = [{"id": "use", **told}, {"id": "data", **stopped}]
    about = {"seed": 0, "options": {"flip_average": True}}
    (run / "card.json").write_text(json.dumps({**header, "profile": "quick", "about": about, "sections": sections}))
    return run


def test_a_card_that_was_stopped_is_printed_later_without_a_failure_and_with_the_way_on(sounding, run):
    assert Card.load(stopped_card(run)).exit_status == 130
    status, _, err = sounding("card", run)
    assert status == 0
    assert f"sounding card {run} --quick goes on from here" in err


def test_a_card_that_may_not_be_written_advises_no_option_that_it_has_not(sounding, run, monkeypatch):
    card = Card.load(stopped_card(run))
    monkeypatch.setattr(os, "replace", failing(errno.EACCES))
    with pytest.raises(Exception, match="no permission to write here") as refused:
        card.save(run)
    assert "--out" not in str(refused.value)
    assert "chmod" in str(refused.value)


def test_a_name_that_is_too_long_for_a_file_is_one_clear_error(sounding, photos, run):
    for words in (
        ("check", "classify", LONG),
        ("train", "classify", LONG),
        ("train", "classify", photos, "--from", LONG),
        ("train", "classify", photos, "--steps", 1, "--card", "none", "--out", LONG),
        ("train", "--resume", LONG),
        ("eval", LONG),
        ("eval", run, LONG),
        ("card", LONG),
        ("predict", run, f"{LONG}.png"),
        ("predict", run, photos / "dark" / "1.png", "--out", f"{LONG}.csv"),
        ("label", run, LONG),
    ):
        status, _, err = sounding(*words)
        assert status in (1, 2), words
        assert LONG in err
        assert "Traceback" not in err


def test_the_longest_names_that_files_may_have_are_drawn_and_written(sounding, photos, run):
    longest = photos / f"{'b' * 251}.png"
    (photos / "dark" / "1.png").rename(longest)
    assert sounding("predict", run, longest, "--plots", "drawn")[0] == 0
    assert len(list(Path("drawn").iterdir())) == 1
    assert sounding("predict", run, longest, "--out", "folder")[0] == 0
    assert sounding("predict", run, longest, "--out", f"{'c' * 251}.csv")[0] == 0


def test_a_row_that_cannot_be_used_is_left_out_named_and_counted(sounding, photos):
    (photos / "dark" / "bad.png").write_text("no picture")
    words = ("train", "classify", photos, "size=tiny", "width=4", "steps=2", "--card", "none")
    status, out, _ = sounding(*words)
    assert status == 0
    assert "1 of 81 rows, which cannot be used:" in out
    assert "photos/dark/bad.png: bad.png is not a picture" in out
    assert json.loads(Path("runs/classify/1/data.json").read_text())["rejected"][0]["where"] == "photos/dark/bad.png"
    status, _, err = sounding(*words, "--allow-bad", 0)
    assert status == 1
    assert "1 of 81 rows cannot be used" in err
    (photos / "bright" / "bad.png").write_text("no picture")
    assert sounding(*words)[0] == 1
