"""A run of a task without any data: it plays, is measured by matches, and its games lie in the run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import sounding as sd
from sounding.files import read_json

NIM = str(Path(__file__).parents[1] / "applications" / "toys" / "nim.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> sd.Model:
    return sd.train(NIM, steps=150, out=tmp_path_factory.mktemp("nim") / "run", card=None)


def test_games_lie_in_the_run_and_are_its_data(run):
    assert len(list((run.dir / "experience").glob("*.npz"))) == 15
    report = read_json(run.dir / "data.json")
    assert report["source"] == "play"
    assert sum(report["splits"].values()) == report["rows"] > 500
    assert report["splits"]["test"] > 0
    assert run.run.config["source"] is None


def test_a_loaded_model_plays_its_matches_and_answers_positions(run):
    again = sd.load(run.dir)
    score = again.evaluate().score
    assert score.n == 12  # the heaps that games began from
    assert score.value > 0.7  # a player at random wins about half
    assert [result.value for result in again([1, 2, 3])] == [1, 2, 3]
    assert len(again.dataset().train) == len(run.dataset().train)


def test_data_for_a_player_and_none_for_others_are_usage_errors(tmp_path):
    with pytest.raises(sd.UsageError, match="that it plays, and takes no data"):
        sd.train(NIM, "demo", out=tmp_path / "a", card=None)
    with pytest.raises(sd.UsageError, match="no data are named"):
        sd.train("classify", out=tmp_path / "b", card=None)
    with pytest.raises(sd.UsageError, match="no epochs"):
        sd.train(NIM, epochs=5, out=tmp_path / "d", card=None)
    with pytest.raises(sd.UsageError, match="round_steps=0 leaves nothing to learn"):
        sd.train(NIM, round_steps=0, out=tmp_path / "e", card=None)
    with pytest.raises(sd.UsageError, match="is not hardened"):
        sd.train(NIM, out=tmp_path / "c", harden="attacks", card=None)
    assert not list(tmp_path.iterdir())
