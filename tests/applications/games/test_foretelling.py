"""What is foretold of a training by self-play follows from former runs and the pace of the machine."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from sounding import catalog
from sounding.applications.games.shared.curves import Curve
from sounding.applications.games.shared.foretelling import Pace, foretold, measured
from sounding.machine.setting import Setting

CURVE = Curve("MCTS 1000", moves=20, games=(0, 1000, 3000, 5000), scores=(0.1, 0.5, 0.4, 0.7))


def test_a_curve_says_when_a_score_was_first_reached_and_nothing_beyond():
    assert CURVE.score(500) == pytest.approx(0.3)
    assert CURVE.games_to(0.3) == pytest.approx(500)
    assert CURVE.games_to(0.6) == pytest.approx(4000)
    assert CURVE.games_to(0.8) is None


@pytest.mark.parametrize(
    ("players", "seconds"),
    # one process: 2 plain rounds of 1 + 4, then 3 + 4 each; two that play ahead: as long as learning from them takes
    [(0, [0, 5, 10, 17, 24]), (2, [0, 4, 8, 12, 16])],
)
def test_rounds_take_as_long_as_playing_and_learning_do(players, seconds):
    pace = Pace(plainly=1, playing=3, learning=4, players=players)
    found = [pace.seconds(rounds, plain=2) for rounds in range(5)]
    assert found == pytest.approx(seconds)
    assert [pace.rounds(each, plain=2) for each in found] == pytest.approx(range(5))


def test_rounds_that_are_slow_to_play_wait_for_the_processes_that_play():
    pace = Pace(plainly=1, playing=12, learning=4, players=2)
    times = [pace.seconds(rounds, plain=0) for rounds in range(6)]
    assert [after - before for before, after in pairwise(times)] == pytest.approx([4, 4, 6, 6, 6])


def test_a_training_is_told_when_it_reaches_what_is_wanted():
    application = catalog.find("connect4")
    task = application(application.Recipe.make("tiny"))
    setting = Setting(1, "fp32")
    pace = measured(task, CURVE, setting)
    assert min(pace.plainly, pace.playing, pace.learning) > 0
    assert pace.players == 0
    said = foretold(task, CURVE, setting, seconds=1e6, until=0.6)
    assert re.search(r"0\.50 after about .*; in the time that it has, 0\.70 .* nothing is known of more games", said)
    assert re.search(r"; 0\.6 takes about \d", said)
    assert "longer than anyone knows" in foretold(task, CURVE, setting, seconds=None, until=0.9)
    assert task.foretold(setting, 60.0, None) == ""  # of the tiny recipe nothing is known
